// One cursor over all charts: it reads the nearest values from the models of the drawn curves, and a drag zooms all.
import type { Chart, Curves } from "../contracts";
import { measured, percent } from "../lib/format";
import type { Panel } from "../lib/panel";

const LEAST_DRAG_PX = 8;

interface Curve { label: string; color: string; x: ArrayLike<number>; y: ArrayLike<number> }

/** Listens to the pointer over the plots of `panel`; `say` words a horizontal place. Returns what shows all again. */
export function attachCursor(panel: Panel<Curves>, say: (x: number) => string, onZoom: (zoomed: boolean) => void): () => void {
  const reset = (): void => { onZoom(false); void setRange(panel, null, null); };
  let start: { key: string; x: number; px: number } | null = null;
  panel.listen(panel.el, "pointermove", (event: PointerEvent) => {
    const plot = plotOf(event);
    if (!plot) return hide(panel);
    void scaleX(panel).then((scale) => {
      const box = area(plot);
      if (!scale || !box) return;
      const share = (event.clientX - box.left) / box.width;
      if (share < -0.02 || share > 1.02) return hide(panel);
      const [low, high] = domain(scale);
      const x = low + Math.min(1, Math.max(0, share)) * (high - low);
      void show(panel, x, (x - low) / (high - low), say);
      if (start) drawBand(panel, start.px, event.clientX);
    });
  });
  panel.listen(panel.el, "pointerleave", () => { hide(panel); start = null; });
  panel.listen(panel.el, "pointerdown", (event: PointerEvent) => {
    const plot = plotOf(event);
    start = plot && event.button === 0 ? { key: plot.dataset.key ?? "", x: 0, px: event.clientX } : null;
    if (plot) event.preventDefault();
  });
  panel.listen(panel.el, "pointerup", (event: PointerEvent) => {
    const plot = plotOf(event);
    const from = start;
    start = null;
    drawBand(panel, 0, 0);
    if (plot && from && Math.abs(event.clientX - from.px) > LEAST_DRAG_PX) { onZoom(true); void zoom(panel, plot, from.px, event.clientX); }
  });
  panel.listen(panel.el, "dblclick", (event: MouseEvent) => { if (plotOf(event)) reset(); });
  return reset;
}

const plotOf = (event: Event): HTMLElement | null => (event.target as Element | null)?.closest?.<HTMLElement>(".plot") ?? null;
const area = (plot: Element): DOMRect | undefined => plot.querySelector(".plotarea_events, .plotarea_background")?.getBoundingClientRect();
const model = (panel: Panel<Curves>, id: string): Promise<any> => panel.model.widget_manager.get_model(id.replace("IPY_MODEL_", ""));
const domain = (scale: any): [number, number] => {
  const [low, high] = scale.domain?.length ? scale.domain : [0, 1];
  return [scale.get("min") ?? low, scale.get("max") ?? high];
};

async function marks(panel: Panel<Curves>, chart: Chart): Promise<any[]> {
  return (await model(panel, chart.figure)).get("marks");
}

async function scaleX(panel: Panel<Curves>): Promise<any> {
  const first = panel.get("charts")[0];
  return first && (await marks(panel, first))[0]?.get("scales").x;
}

/** The value of a curve nearest to x, or null where it has none. */
export function nearest(curve: { x: ArrayLike<number>; y: ArrayLike<number> }, x: number): number | null {
  let best = -1;
  for (let i = 0; i < curve.x.length; i++) {
    if (!Number.isFinite(curve.y[i])) continue;
    if (best < 0 || Math.abs(curve.x[i]! - x) < Math.abs(curve.x[best]! - x)) best = i;
  }
  return best < 0 ? null : (curve.y[best] ?? null);
}

async function curvesOf(panel: Panel<Curves>, chart: Chart): Promise<Curve[]> {
  const [mark] = await marks(panel, chart);
  const rows = (mark?.mark_data ?? []) as { name: string; values: { x: number; y: number }[] }[];
  const shown = chart.legend.map((one, index) => ({ one, row: rows[rows.length - chart.legend.length + index] }));
  return shown.filter(({ row }) => row).map(({ one, row }) => ({ label: one.label, color: one.color, x: row!.values.map((v) => v.x), y: row!.values.map((v) => v.y) }));
}

async function show(panel: Panel<Curves>, x: number, share: number, say: (x: number) => string): Promise<void> {
  for (const chart of panel.get("charts")) {
    const plot = panel.el.querySelector<HTMLElement>(`.plot[data-key="${CSS.escape(chart.key)}"]`);
    const box = plot && area(plot);
    if (!plot || !box) continue;
    const left = box.left - plot.getBoundingClientRect().left + share * box.width;
    const cursor = part(plot, "cursor");
    cursor.style.display = "block";
    cursor.style.left = `${left}px`;
    const readout = part(plot, "readout");
    readout.replaceChildren(line("", say(x)), ...(await curvesOf(panel, chart)).map((curve) => line(curve.color, `${curve.label} ${(chart.share ? percent : measured)(nearest(curve, x))}`)));
    readout.style.display = "block";
    readout.style.left = share > 0.5 ? "" : `${left + 8}px`;
    readout.style.right = share > 0.5 ? `${plot.clientWidth - left + 8}px` : "";
  }
}

function line(color: string, text: string): HTMLElement {
  const row = document.createElement("span");
  if (color) row.append(Object.assign(document.createElement("i"), { style: `background:${color}` }));
  row.append(text);
  return row;
}

function part(plot: Element, name: string): HTMLElement {
  const found = plot.querySelector<HTMLElement>(`.${name}`);
  if (found) return found;
  const made = Object.assign(document.createElement("div"), { className: name });
  plot.append(made);
  return made;
}

function hide(panel: Panel<Curves>): void {
  for (const one of panel.el.querySelectorAll<HTMLElement>(".cursor, .readout, .band")) one.style.display = "none";
}

function drawBand(panel: Panel<Curves>, from: number, to: number): void {
  for (const plot of panel.el.querySelectorAll<HTMLElement>(".plot")) {
    const band = part(plot, "band");
    const shown = Math.abs(to - from) > LEAST_DRAG_PX && plot.matches(":hover");
    band.style.display = shown ? "block" : "none";
    if (!shown) continue;
    band.style.left = `${Math.min(from, to) - plot.getBoundingClientRect().left}px`;
    band.style.width = `${Math.abs(to - from)}px`;
  }
}

async function zoom(panel: Panel<Curves>, plot: Element, from: number, to: number): Promise<void> {
  const scale = await scaleX(panel);
  const box = area(plot);
  if (!scale || !box) return;
  const [low, high] = domain(scale);
  const at = (px: number): number => low + ((px - box.left) / box.width) * (high - low);
  await setRange(panel, at(Math.min(from, to)), at(Math.max(from, to)));
}

async function setRange(panel: Panel<Curves>, min: number | null, max: number | null): Promise<void> {
  const scale = await scaleX(panel);
  scale?.set({ min, max });
  scale?.save_changes();
}
