// Few and round tick marks, in every zoom. bqplot asks d3 for ten per axis, which crowds a small chart; so the axes'
// tick values are kept here, in the browser alone, whenever a scale's domain changes.
import type { Chart, Curves } from "../contracts";
import { typed } from "../lib/format";
import type { Panel } from "../lib/panel";

const ACROSS = 5;
const UP = 4;

/** Round values between two ends, at most about `most` of them. */
export function roundTicks(low: number, high: number, most: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return Number.isFinite(low) ? [Number(low.toPrecision(3))] : [];
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

/** A tick's value in few letters: "7.5e-4", "60 %", "1.5k". */
export function tickLabel(value: number, share: boolean): string {
  if (share) return `${Number((100 * value).toPrecision(6))}\u202f%`;
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return size !== 0 && size < 0.01 ? typed(Number(value.toPrecision(6))) : String(Number(value.toPrecision(6)));
}

/** Keeps the tick marks of a chart's axes round from now on. */
export function keepTicks(panel: Panel<Curves>, chart: Chart): void {
  const manager = panel.model.widget_manager;
  void manager.get_model(chart.figure.replace("IPY_MODEL_", "")).then((model: any) => {
    const axes = model.get("axes") as any[];
    axes.forEach((axis, index) => {
      let scale: any = null;
      const update = (): void => setTicks(axis, scale, index === 0 ? ACROSS : UP, index === 1 && chart.share);
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

function setTicks(axis: any, scale: any, most: number, share: boolean): void {
  const [low, high] = scale.domain?.length ? scale.domain : [NaN, NaN];
  const [from, to] = [scale.get("min") ?? low, scale.get("max") ?? high];
  const ticks = scale.type === "log" ? logTicks(from, to, most) : roundTicks(from, to, most);
  axis.set("tick_labels", Object.fromEntries(ticks.map((tick) => [tick, tickLabel(tick, share)])));
  axis.set("tick_values", Float64Array.from(ticks)); // not saved: Python need not know
}
