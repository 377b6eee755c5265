// Few and round tick marks, in every zoom. bqplot asks d3 for ten per axis, which crowds a small chart; so the axes'
// tick values are kept here, in the browser alone, whenever a scale's domain changes.
import type { Curves } from "../contracts";
import type { Panel } from "../lib/panel";

const ACROSS = 5;
const UP = 4;

/** Round values between two ends, at most about `most` of them. */
export function roundTicks(low: number, high: number, most: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return Number.isFinite(low) ? [low] : [];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten, or 1-2-5 steps where there are few, between two positive ends. */
export function logTicks(low: number, high: number, most: number): number[] {
  if (!(low > 0) || !(high > low)) return [];
  const decades = Array.from({ length: 40 }, (_, i) => 10 ** (i - 20)).filter((one) => one >= low && one <= high);
  if (decades.length >= 2) return decades.filter((_, i) => i % Math.ceil(decades.length / most) === 0);
  const fine = Array.from({ length: 40 }, (_, i) => [1, 2, 5].map((one) => one * 10 ** (i - 20))).flat();
  return fine.filter((one) => one >= low && one <= high);
}

/** Keeps the tick marks of a figure's axes round from now on. */
export function keepTicks(panel: Panel<Curves>, figure: string): void {
  const manager = panel.model.widget_manager;
  void manager.get_model(figure.replace("IPY_MODEL_", "")).then((model: any) => {
    const axes = model.get("axes") as any[];
    axes.forEach((axis, index) => {
      let scale: any = null;
      const update = (): void => setTicks(axis, scale, index === 0 ? ACROSS : UP);
      const attach = (): void => {
        scale?.off("domain_changed", update);
        scale = axis.get("scale");
        scale.on("domain_changed", update);
        update();
      };
      axis.on("change:scale", attach);
      panel.signal.addEventListener("abort", () => { axis.off("change:scale", attach); scale?.off("domain_changed", update); });
      attach();
    });
  });
}

function setTicks(axis: any, scale: any, most: number): void {
  const [low, high] = scale.domain?.length ? scale.domain : [NaN, NaN];
  const [from, to] = [scale.get("min") ?? low, scale.get("max") ?? high];
  const ticks = scale.type === "log" ? logTicks(from, to, most) : roundTicks(from, to, most);
  axis.set("tick_values", ticks.length ? Float64Array.from(ticks) : null); // not saved: Python need not know
}
