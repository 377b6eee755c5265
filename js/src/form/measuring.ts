// What the form measures on request, at the field it is about: the learning rate range test with its curve, and the
// colours of the training images. Curves and values are Python's; here they are drawn and asked for.
import { html, nothing, svg, type TemplateResult } from "lit-html";
import type { ColourValues, FormField, LrRange, Measurement } from "../contracts";
import { percent, typed } from "../lib/format";
import { decades } from "./schedule";
import type { FormView } from "./view";

type Drawn = TemplateResult | typeof nothing;
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [280, 120, 28, 16, 16];
/** Losses above this many times the first one are cut off: the rest would be squeezed flat. */
const CUT = 1.2;

/** What stands under a field that something can be measured for. */
export function measuring(form: FormView, field: FormField): Drawn {
  const found = form.panel.get("measured");
  if (!form.editable) return nothing;
  if (field.path === "optimizer.lr" && found.lr_range) return lrRange(form, found.lr_range);
  if (field.path === "normalisation.kind" && found.colours && form.value("normalisation.kind") === "dataset") return colours(form, found.colours);
  return nothing;
}

/** The button that starts, or the progress with its Cancel; what went wrong stands below. */
function controls(form: FormView, kind: string, found: Measurement, start: string, title: string): TemplateResult {
  const percentage = found.fraction === null ? "" : percent(found.fraction, 0);
  return html`<div class="row small asking">${found.running
    ? html`<span class="grow row" role="status"><progress max="1" aria-label=${start} .value=${found.fraction ?? 0} ?data-unknown=${found.fraction === null}></progress><span class="cut num mut">${percentage} ${found.text}</span></span>
      <button type="button" class="apply" @click=${() => form.panel.send("cancel_measuring", { kind })}>Cancel</button>`
    : html`<button type="button" class="apply" title=${title} @click=${() => form.panel.send("measure", { kind })}>${start}</button>`}</div>
    ${found.trouble && !found.running ? html`<span class="small bad told" role="alert">${found.trouble}</span>` : nothing}`;
}

function lrRange(form: FormView, found: LrRange): TemplateResult {
  const drawn = found.lrs?.length && found.losses?.length;
  const what = "Trains a fresh copy for about 100 steps while the learning rate rises; nothing of the experiment changes.";
  return html`<div class="measured" data-kind="lr_range">${controls(form, "lr_range", found, drawn ? "Repeat range test" : "Range test", what)}
    ${drawn ? html`<figure class="schedule ${found.stale ? "stale" : ""}" aria-label="Loss over the learning rate">
      ${chart(found.lrs!, found.losses!, found.suggested ?? null, Number(form.value("optimizer.lr")))}
      <figcaption class="row small">${reading(form, found)}</figcaption></figure>` : nothing}</div>`;
}

function reading(form: FormView, found: LrRange): TemplateResult {
  const use = (lr: number, what: string): TemplateResult => html`<button type="button" class="apply" title="Set the learning rate to ${typed(lr)}" @click=${() => form.panel.send("fix", { fix: { "optimizer.lr": lr } })}>Use ${typed(lr)}<span class="mut">${what}</span></button>`;
  const old = found.stale ? html`<span class="why"><b class="warn">Out of date:</b> <span class="mut">model, optimizer, data or batch have changed since.</span></span>` : nothing;
  const why = (found.why ?? "").replace(/^./, (first) => first.toUpperCase());
  return html`${old}${found.suggested && !found.stale ? use(found.suggested, "suggested") : nothing}
    ${found.steepest && !found.stale ? use(found.steepest, "steepest fall") : nothing}<span class="mut why" title=${found.source ?? ""}>${why}</span>`;
}

function chart(lrs: number[], losses: number[], suggested: number | null, now: number): TemplateResult {
  const [first, last] = [lrs[0] ?? 1e-6, lrs.at(-1) ?? 1];
  const [low, top] = [Math.min(...losses), Math.min(Math.max(...losses), CUT * Math.max(losses[0] ?? 1, Math.min(...losses)))];
  const x = (lr: number): number => LEFT + (WIDTH - LEFT - 4) * Math.log(lr / first) / Math.log(last / first || Math.E);
  const y = (loss: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (top - Math.min(loss, top)) / (top - low || 1);
  const inside = (lr: number | null): lr is number => lr !== null && lr >= first && lr <= last;
  const path = losses.map((loss, index) => `${index ? "L" : "M"}${x(lrs[index] ?? first).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
  const told = `Smoothed loss from ${typed(first)} to ${typed(last)}${suggested ? `, suggested learning rate ${typed(suggested)}` : ""}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${told}>
    ${[low, (low + top) / 2, top].map((loss) => svg`<line class="grid" x1=${LEFT} x2=${WIDTH - 4} y1=${y(loss)} y2=${y(loss)}></line><text x=${LEFT - 6} y=${y(loss) + 3} text-anchor="end">${loss.toPrecision(2)}</text>`)}
    <text x=${LEFT} y=${TOP - 5}>loss</text>
    ${decades(10 ** Math.ceil(Math.log10(first) - 1e-9), last).map((lr) => svg`<text x=${x(lr)} y=${HEIGHT - 3} text-anchor=${x(lr) > WIDTH - 24 ? "end" : "middle"}>${typed(Number(lr.toPrecision(2)))}</text>`)}
    ${inside(now) ? svg`<line class="now" x1=${x(now)} x2=${x(now)} y1=${TOP} y2=${HEIGHT - BOTTOM}></line><text class="now" x=${x(now)} y=${TOP - 5} text-anchor="middle">now</text>` : nothing}
    ${inside(suggested) ? svg`<line class="suggested" x1=${x(suggested)} x2=${x(suggested)} y1=${TOP} y2=${HEIGHT - BOTTOM}></line>${near(x, suggested, now) ? nothing : svg`<text class="suggested" x=${x(suggested)} y=${TOP - 5} text-anchor="middle">${typed(suggested)}</text>`}` : nothing}
    <path d=${path}></path></svg>`;
}

/** Whether two words above the chart would cover each other. */
const near = (x: (lr: number) => number, one: number, other: number): boolean => other > 0 && Math.abs(x(one) - x(other)) < 36;

function colours(form: FormView, found: ColourValues): TemplateResult {
  const row = (word: string, values: number[]): TemplateResult => html`<tr><th scope="row">${word}</th>${values.map((value) => html`<td>${value.toFixed(3)}</td>`)}</tr>`;
  const what = "Reads the training images now; runs with the same data and split use the values.";
  return html`<div class="measured" data-kind="colours">${found.mean && !found.running ? nothing : controls(form, "colours", found, "Measure now", what)}
    ${found.mean && found.std ? html`<table class="num small told"><thead><tr><th scope="col"><span class="hidden-text">value</span></th><th scope="col">red</th><th scope="col">green</th><th scope="col">blue</th></tr></thead><tbody>${row("mean", found.mean)}${row("deviation", found.std)}</tbody></table>
      <div class="row small wraps"><span class="mut why">Of ${found.n_images} training images; the next run uses these.</span>
      <button type="button" class="apply" @click=${() => form.panel.send("fix", { fix: found.fix })}>Use as custom values</button></div>`
      : found.running ? nothing : html`<span class="small mut">Not measured yet: the run measures them before it begins.</span>`}</div>`;
}
