// Charts of an evaluation: curves with a threshold to slide, calibration, and the parts of the images. Axes run from 0 to 1.
import { html, nothing, svg, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Evaluation, EvaluationPanel } from "../contracts";
import { grouped, measured, percent } from "../lib/format";
import type { Panel } from "../lib/panel";

const SIZE = { width: 280, height: 196, left: 44, bottom: 30, top: 8, right: 8 };
export interface Curve { kind: "pr" | "roc" | "f1"; threshold: number | null }

const across = (share: number): number => SIZE.left + share * (SIZE.width - SIZE.left - SIZE.right);
const up = (share: number): number => SIZE.height - SIZE.bottom - share * (SIZE.height - SIZE.bottom - SIZE.top);

/** A chart of shares: both axes from 0 to 1. */
function plot(label: string, x: string, y: string, inside: unknown): TemplateResult {
  return html`<svg class="plot" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label=${label}>
    ${[0, 0.25, 0.5, 0.75, 1].map((at) => svg`<line class="grid" x1=${across(0)} x2=${across(1)} y1=${up(at)} y2=${up(at)}></line><text class="tick" x=${across(0) - 6} y=${up(at) + 3} text-anchor="end">${at}</text><text class="tick" x=${across(at)} y=${up(0) + 12} text-anchor="middle">${at}</text>`)}
    <text class="axis" x=${across(0.5)} y=${SIZE.height - 4} text-anchor="middle">${x}</text><text class="axis" transform="translate(10,${up(0.5)}) rotate(-90)" text-anchor="middle">${y}</text>${inside}</svg>`;
}

/** The points of a line through pairs that both have a value. */
export function path(xs: (number | null)[], ys: (number | null)[]): string {
  return xs.map((x, at) => [x, ys[at]]).filter((pair): pair is [number, number] => pair[0] !== null && pair[1] !== null && pair[1] !== undefined)
    .map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
}

/** The curves of one class, or of all; the point is at the threshold that is slid to, else the one that the numbers are by. */
export function curves(panel: Panel<EvaluationPanel>, local: Curve, change: (part: Partial<Curve>) => void): TemplateResult {
  const { classes = [], label = "", points, best = null, best_f1 = null, used = null } = panel.get("curve");
  if (!points) return html``;
  const KINDS: Record<Curve["kind"], [string, string, string, (number | null)[], (number | null)[]]> = {
    pr: ["Precision–recall", "recall", "precision", points.recall, points.precision],
    roc: ["ROC", "false positive rate", "true positive rate", points.fpr, points.recall],
    f1: ["F1", "threshold", "F1", points.threshold, points.f1],
  };
  const [title, x, y, xs, ys] = KINDS[local.kind];
  const threshold = local.threshold ?? used ?? best ?? 0.5;
  const at = nearest(points.threshold, threshold);
  const dot = at >= 0 && xs[at] != null && ys[at] != null ? svg`<circle cx=${across(xs[at] as number)} cy=${up(ys[at] as number)} r="4"></circle>` : nothing;
  const chance = local.kind === "roc" ? svg`<line class="chance" x1=${across(0)} y1=${up(0)} x2=${across(1)} y2=${up(1)}></line>` : nothing;
  const mark = local.kind === "f1" && used !== null ? svg`<line class="chance" x1=${across(used)} y1=${up(0)} x2=${across(used)} y2=${up(1)}><title>${measured(used)} is used</title></line>` : nothing;
  const other = [...(label && label !== "micro" && !classes.includes(label) ? [label] : []), ...classes];
  const jump = (value: number | null, text: string): TemplateResult | typeof nothing => value === null || Math.abs(value - threshold) < 1e-9 ? nothing : html`<button class="link" title=${value.toFixed(3)} @click=${() => change({ threshold: value })}>${text}</button>`;
  return html`<h4 class="row wrap"><span class="seg" role="group" aria-label="Curve">${(Object.keys(KINDS) as Curve["kind"][]).map((kind) => html`<button aria-pressed=${kind === local.kind ? "true" : "false"} @click=${() => change({ kind })}>${KINDS[kind][0]}</button>`)}</span>
      <select aria-label="Class of the curve" .value=${live(label)} @change=${(e: Event) => panel.send("curve", { label: (e.target as HTMLSelectElement).value })}><option value="micro" ?selected=${label === "micro"}>all classes</option>${other.map((name) => html`<option value=${name} ?selected=${name === label}>${name}</option>`)}</select></h4>
    ${plot(`${title} of ${label}`, x, y, svg`${chance}${mark}<polyline points=${path(xs, ys)}></polyline>${dot}`)}
    <div class="row threshold small"><label for="nbt-threshold">Threshold</label><input id="nbt-threshold" type="range" min="0" max="1" step="0.005" .value=${live(String(threshold))} aria-valuetext=${measured(threshold)} @input=${(e: Event) => change({ threshold: Number((e.target as HTMLInputElement).value) })}>
      <b class="num">${threshold.toFixed(3)}</b>${jump(used, "used")}${jump(best, "best")}</div>
    <p class="small mut num">${at < 0 ? "No score reaches it." : html`precision ${percent(points.precision[at])} · recall ${percent(points.recall[at])} · F1 ${percent(points.f1[at])}`}<br>${best === null ? nothing : html`highest F1 ${percent(best_f1)} at ${best.toFixed(3)}`}</p>`;
}

/** The place of the last threshold that is not below `wanted`; they fall. -1 where there is none. */
export function nearest(thresholds: (number | null)[], wanted: number): number {
  let found = -1;
  thresholds.forEach((value, at) => { if (value !== null && value >= wanted) found = at; });
  return found;
}

export function reliability(bins: Evaluation["bins"]): TemplateResult {
  const most = Math.max(1, ...bins.map((bin) => Number(bin.at(-1) ?? 0)));
  const full = bins.filter((bin) => typeof bin.at(-2) === "number" && Number(bin.at(-1)) > 0);
  return html`<h4>Calibration <small class="mut">on the diagonal: confidence matches accuracy</small></h4>
    ${plot("Calibration", "Confidence", "Accuracy", svg`<line class="chance" x1=${across(0)} y1=${up(0)} x2=${across(1)} y2=${up(1)}></line>
      ${full.map((bin) => { const [sure, right, n] = bin.slice(-3) as [number, number, number]; return svg`<circle cx=${across(sure)} cy=${up(right)} r=${2 + 5 * Math.sqrt(n / most)}><title>${n} images, ${percent(sure)} confidence, ${percent(right)} accuracy</title></circle>`; })}`)}`;
}

export function slices(panel: Panel<EvaluationPanel>): TemplateResult {
  const { offered = [], by = "", rows = [] } = panel.get("slices");
  return html`<h4 class="row">By <select aria-label="Divide by" @change=${(e: Event) => panel.send("slice", { by: (e.target as HTMLSelectElement).value })}>${offered.map((name) => html`<option ?selected=${name === by}>${name}</option>`)}</select></h4>
    <div class="scroll"><table class="num slices"><tbody>${rows.map((row) => html`<tr class=${row.worse ? "worse" : ""} title=${row.rest === null ? "" : `all others: ${percent(row.rest)}`}><th scope="row">${row.name}</th><td>${grouped(row.n)}</td>
      <td class="span">${row.low === null || row.high === null ? nothing : html`<i style="left:${100 * row.low}%;right:${100 - 100 * row.high}%"></i>`}${row.value === null ? nothing : html`<b style="left:${100 * row.value}%"></b>`}</td>
      <td>${percent(row.value)}</td></tr>`)}</tbody></table></div>
    ${rows.some((row) => row.worse) ? html`<p class="small mut">Marked: worse than all other images, beyond chance.</p>` : nothing}`;
}

