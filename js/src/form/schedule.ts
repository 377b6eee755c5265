// The schedule before the run, as an SVG in the form: the points come from the code that trains. It knows scales and
// paths; whether the axis is logarithmic is the view's own matter.
import { html, nothing, svg, type TemplateResult } from "lit-html";
import type { Schedule } from "../contracts";
import { percent, typed } from "../lib/format";
import type { FormView } from "./view";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [420, 112, 40, 16, 8];
const TINY = 1e-7;
const LOG = "schedule.log";

/** Curve, table and warning; nothing while there is no curve. */
export function schedule(form: FormView): TemplateResult | typeof nothing {
  const found = form.panel.get("schedule");
  if (!found.epochs || !found.lrs || !found.told || found.total === undefined) return nothing;
  const drawn = found as Schedule;
  const log = form.isOpen(LOG);
  return html`<figure class="schedule" aria-label="Learning rate over the run">
    <figcaption class="row small"><span class="mut grow">Learning rate over ${drawn.most ? "at most " : ""}${drawn.total} epochs${drawn.highest ? ", at most: it drops when validation stands still" : ""}</span>
      <button type="button" class="plain scale" aria-pressed=${log ? "true" : "false"} title="Logarithmic axis" @click=${() => form.setOpen(LOG, !log)}>log</button></figcaption>
    ${chart(drawn, log)}${table(drawn)}${warning(drawn)}</figure>`;
}

function chart(drawn: Schedule, log: boolean): TemplateResult {
  const peak = Math.max(...drawn.lrs, Number.MIN_VALUE);
  const floor = log ? lowest(drawn.lrs, peak) : 0;
  const x = (epoch: number): number => LEFT + (WIDTH - LEFT - 4) * epoch / drawn.total;
  const share = (lr: number): number => log ? Math.log(Math.max(lr, floor) / floor) / Math.log(peak / floor) : lr / peak;
  const y = (lr: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share(lr));
  const marks = log ? decades(floor, peak) : [0, peak / 2, peak];
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${described(drawn)}>
    ${marks.map((lr) => svg`<line class="grid" x1=${LEFT} x2=${WIDTH - 4} y1=${y(lr)} y2=${y(lr)}></line><text x=${LEFT - 6} y=${y(lr) + 3} text-anchor="end">${lr ? typed(Number(lr.toPrecision(2))) : "0"}</text>`)}
    ${ticks(drawn.total).map((epoch) => svg`<text x=${x(epoch)} y=${HEIGHT - 3} text-anchor=${epoch === 0 ? "start" : epoch === drawn.total ? "end" : "middle"}>${epoch}</text>`)}
    ${log && floor < TINY && peak > TINY ? svg`<line class="tiny" x1=${LEFT} x2=${WIDTH - 4} y1=${y(TINY)} y2=${y(TINY)}></line>` : nothing}
    <path d=${line(drawn, x, y)}></path></svg>`;
}

/** The lowest value of a logarithmic axis: a schedule that ends at zero would have none. */
function lowest(lrs: number[], peak: number): number {
  const low = Math.min(...lrs.filter((lr) => lr > 0), peak / 10);
  return 10 ** Math.floor(Math.log10(Math.max(low, peak * 1e-6)));
}

/** Powers of ten between two values, at most about five. */
export function decades(floor: number, peak: number): number[] {
  const [first, last] = [Math.round(Math.log10(floor)), Math.floor(Math.log10(peak) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first) / 4));
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, index) => 10 ** (first + index * every));
}

/** Epochs under the axis: the beginning, the end, and round ones between. */
export function ticks(total: number): number[] {
  const rough = total / 4;
  const unit = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((one) => one * unit).find((one) => one >= rough) ?? unit;
  const inner = Array.from({ length: Math.ceil(total / step) }, (_, index) => index * step).filter((epoch) => total - epoch >= step / 2);
  return [...inner, total];
}

const line = (drawn: Schedule, x: (epoch: number) => number, y: (lr: number) => number): string =>
  drawn.lrs.map((lr, index) => `${index ? "L" : "M"}${x(drawn.epochs[index] ?? 0).toFixed(1)} ${y(lr).toFixed(1)}`).join("");

const described = (drawn: Schedule): string => drawn.told.map(([epoch, lr]) => `epoch ${epoch}: ${typed(Number(lr.toPrecision(2)))}`).join(", ");

function table(drawn: Schedule): TemplateResult {
  const last = drawn.told.length - 1;
  return html`<table class="num small told"><tbody><tr><th scope="row">after epoch</th>${drawn.told.map(([epoch], index) => html`<th scope="col">${index === last ? `${epoch} (last)` : epoch}</th>`)}</tr>
    <tr><th scope="row">learning rate</th>${drawn.told.map(([, lr]) => html`<td class=${lr < TINY ? "warn" : ""}>${typed(Number(lr.toPrecision(2)))}</td>`)}</tr></tbody></table>`;
}

/** Under 1e-7 nothing changes any more: told plainly, and as a warning by Python where it is a real part of the run. */
function warning(drawn: Schedule): TemplateResult | typeof nothing {
  const end = drawn.told.at(-1)?.[1] ?? 1;
  if (end >= TINY) return nothing;
  const part = drawn.still >= 0.005 ? `the last ${percent(drawn.still)} of the run` : "the last steps";
  return html`<span class="small ${drawn.still >= 0.05 ? "warn" : "dim"}">Under 1e-7 in ${part}: nothing changes there any more.</span>`;
}
