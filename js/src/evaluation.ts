// The evaluation of one experiment: metrics with their intervals, confusion matrix, classes, curves with a threshold,
// calibration, slices. What is clicked is shown in the gallery below. Twin of ui/evaluation.py.
import { html, nothing, svg, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./evaluation.css";
import type { Evaluation, EvaluationPanel } from "./contracts";
import { grouped, measured, percent } from "./lib/format";
import { type Panel, reportVisibility, widget } from "./lib/panel";

const SHARES = /accuracy|top|precision|recall|f1|auroc|map|ece|average/i;
const SIZE = { width: 280, height: 196, left: 44, bottom: 30, top: 8, right: 8 };
interface Local { part: string; checkpoint: string; kind: "pr" | "roc" | "f1"; threshold: number | null; deleting: boolean }

function prepare(panel: Panel<EvaluationPanel>): () => TemplateResult {
  const local: Local = { part: "val", checkpoint: "best", kind: "pr", threshold: null, deleting: false };
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.redraw(); };
  panel.on("change:curve", () => { local.threshold = null; });
  reportVisibility(panel);
  return () => {
    const facts = panel.get("experiment_facts");
    if (!facts.name) return html`<div class="empty">${facts.reason}</div>`;
    return html`${top(panel, local, change)}
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      ${progress(panel)}
      ${panel.get("outdated") ? html`<div class="note warn small">Out of date: ${panel.get("outdated")}. Evaluate again to see it as it is now.</div>` : nothing}
      ${panel.get("notices").map((text) => html`<div class="note small">${text}</div>`)}
      ${panel.get("said") ? html`<div class="note small" role="status">${panel.get("said")}</div>` : nothing}
      ${panel.get("number") ? numbers(panel, local, change) : panel.get("job").running ? nothing : html`<div class="empty">${facts.reason || `“${facts.name}” has not been evaluated yet.`}</div>`}`;
  };
}

function top(panel: Panel<EvaluationPanel>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const facts = panel.get("experiment_facts");
  const { parts, checkpoints } = panel.get("offered");
  const running = panel.get("job").running === true;
  const choose = (key: "part" | "checkpoint", label: string, choices: Evaluation["choice"][]): TemplateResult | typeof nothing => !choices.length ? nothing : html`<select aria-label=${label} .value=${live(local[key])} ?disabled=${running}
    @change=${(e: Event) => change({ [key]: (e.target as HTMLSelectElement).value })}>${choices.map((one) => html`<option value=${one.value} ?selected=${one.value === local[key]}>${one.label}</option>`)}</select>`;
  const part = parts.some((one) => one.value === local.part) ? local.part : parts[0]?.value ?? "val";
  const checkpoint = checkpoints.some((one) => one.value === local.checkpoint) ? local.checkpoint : checkpoints[0]?.value ?? "last";
  const listed = panel.get("listed");
  return html`<div class="row top"><h3 class="cut">${facts.name}</h3>
      ${choose("part", "Set", parts)}${choose("checkpoint", "Checkpoint", checkpoints)}
      <button class=${panel.get("number") ? "" : "primary"} ?disabled=${running || facts.reason !== ""} title=${facts.reason} @click=${() => panel.send("evaluate", { part, checkpoint })}>${panel.get("number") ? "Evaluate again" : "Evaluate"}</button>
      <span class="grow"></span>
      ${listed.length > 1 ? html`<select class="which" aria-label="Evaluations" @change=${(e: Event) => panel.send("choose", { number: Number((e.target as HTMLSelectElement).value) })}>${listed.map((one) => html`<option value=${one.number} ?selected=${one.number === panel.get("number")}>${one.number}: ${one.title}</option>`)}</select>` : listed[0] ? html`<span class="mut small cut">${listed[0].title}</span>` : nothing}
      ${panel.get("number") ? html`<button class="plain" title="One page that opens anywhere" @click=${() => panel.send("report")}>Report</button><button class="plain" @click=${() => panel.send("csv")}>CSV</button>
        ${local.deleting ? html`<button class="solid-danger" @click=${() => { panel.send("delete"); change({ deleting: false }); }}>Delete it</button><button @click=${() => change({ deleting: false })}>Keep</button>` : html`<button class="plain" @click=${() => change({ deleting: true })}>Delete</button>`}` : nothing}</div>`;
}

function progress(panel: Panel<EvaluationPanel>): TemplateResult | typeof nothing {
  const job = panel.get("job");
  if (job.trouble) return html`<div class="note bad small" role="alert">${job.trouble}</div>`;
  if (!job.running) return nothing;
  const share = 100 * (job.fraction ?? 0);
  return html`<div class="row job"><div class="bar grow" role="progressbar" aria-valuenow=${Math.round(share)}><i style="width:${share}%"></i></div><span class="mut small">${job.text || "starting"}</span><button class="plain" @click=${() => panel.send("cancel")}>Cancel</button></div>`;
}

function numbers(panel: Panel<EvaluationPanel>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  return html`<div class="numbers">
    <section class="metrics">${metrics(panel)}</section>
    <section>${panel.get("multilabel") ? nothing : confusion(panel)}</section>
    <section>${curves(panel, local, change)}</section>
    <section>${reliability(panel.get("reliability"))}</section>
    <section class="wide">${classes(panel)}</section>
    <section>${slices(panel)}</section></div>
    <div class="row showing"><h3>Images</h3><button @click=${() => panel.send("errors")}>Worst errors</button><button title="Images whose label the model doubts: look at them and relabel" @click=${() => panel.send("suspicious")}>Doubtful labels</button></div>`;
}

const shown = (name: string, value: number | null): string => SHARES.test(name) ? percent(value) : measured(value);

function metrics(panel: Panel<EvaluationPanel>): TemplateResult {
  const rows = panel.get("metrics");
  return html`<h4>Metrics <small class="mut">with the range that holds 95 % of resamples</small></h4><table class="num"><tbody>${rows.map((row, place) => html`<tr class=${place ? "" : "main"}><th scope="row">${row.label}</th><td>${shown(row.name, row.value)}</td>
    <td class="range">${row.low === null ? nothing : `${shown(row.name, row.low)} – ${shown(row.name, row.high)}`}</td></tr>`)}</tbody></table>`;
}

function confusion(panel: Panel<EvaluationPanel>): TemplateResult {
  const { classes = [], counts = [], most = [] } = panel.get("confusion");
  const show = (is: string, told: string) => (): void => panel.send("cell", { true: is, predicted: told });
  const row = counts.map((cells) => Math.max(1, cells.reduce((sum, n) => sum + n, 0)));
  const side = Math.max(14, Math.min(40, Math.floor(360 / Math.max(1, classes.length))));
  return html`<h4>Confusion <small class="mut">rows are true, columns are told; click for the images</small></h4>
    ${classes.length ? html`<div class="scroll whole"><div class="matrix num" role="grid" style="grid-template-columns:minmax(40px,96px) repeat(${classes.length},${side}px);grid-auto-rows:${side}px;font-size:${side < 22 ? 9 : 12}px">
      <span></span>${classes.map((name) => html`<span class="head" title=${name}><i>${name}</i></span>`)}
      ${counts.map((cells, is) => html`<span class="side cut" title=${classes[is] ?? ""}>${classes[is]}</span>${cells.map((n, told) => html`<button class=${n === 0 ? "none" : is === told ? "right" : "wrong"} style="--share:${(n / (row[is] ?? 1)).toFixed(3)}" ?disabled=${n === 0}
        aria-label="${n} of ${classes[is]} taken for ${classes[told]}" title="${n} of ${classes[is]} taken for ${classes[told]}" @click=${show(classes[is] ?? "", classes[told] ?? "")}>${n && side >= 18 ? n : ""}</button>`)}`)}</div></div>` : nothing}
    ${most.length && (!classes.length || classes.length > 12) ? html`<table class="num most"><thead><tr><th scope="col">is</th><th scope="col" class="left">told</th><th scope="col">images</th></tr></thead><tbody>${most.slice(0, 12).map((one) => html`<tr><td>${one.true}</td><td class="left">${one.predicted}</td><td><button class="link" @click=${show(one.true, one.predicted)}>${grouped(one.count)}</button></td></tr>`)}</tbody></table>` : nothing}`;
}

function classes(panel: Panel<EvaluationPanel>): TemplateResult {
  const { columns = [], rows = [] } = panel.get("per_class");
  const kept = columns.map((name, at) => ({ name, at })).filter((one) => !/_(low|high)$/.test(one.name));
  const cell = (row: (string | number | null)[], at: number): unknown => {
    const [name, value] = [columns[at] ?? "", row[at]];
    const [low, high] = [row[columns.indexOf(`${name}_low`)], row[columns.indexOf(`${name}_high`)]];
    if (typeof value !== "number") return value ?? "–";
    if (name === "support") return grouped(value);
    return html`<span title=${typeof low === "number" && typeof high === "number" ? `95 %: ${percent(low)} – ${percent(high)}` : ""}>${shown(name, value)}</span>`;
  };
  return html`<h4>Classes</h4><div class="scroll"><table class="num"><thead><tr>${kept.map((one) => html`<th scope="col">${one.name.replaceAll("_", " ")}</th>`)}<th scope="col"><span class="hidden-text">Images</span></th></tr></thead>
    <tbody>${rows.map((row) => html`<tr>${kept.map((one) => html`<td>${cell(row, one.at)}</td>`)}<td class="links"><button class="link small" title="Images of this class that were not told" @click=${() => panel.send("errors", { kind: "misses", label: String(row[0]) })}>misses</button>
      <button class="link small" title="Images that were taken for this class" @click=${() => panel.send("errors", { kind: "false positives", label: String(row[0]) })}>false positives</button></td></tr>`)}</tbody></table></div>`;
}

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

function curves(panel: Panel<EvaluationPanel>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const { classes = [], label = "", points, best = null, best_f1 = null } = panel.get("curve");
  if (!points) return html``;
  const KINDS: Record<Local["kind"], [string, string, string, (number | null)[], (number | null)[]]> = {
    pr: ["Precision–recall", "recall", "precision", points.recall, points.precision],
    roc: ["ROC", "false positive rate", "true positive rate", points.fpr, points.recall],
    f1: ["F1", "threshold", "F1", points.threshold, points.f1],
  };
  const [title, x, y, xs, ys] = KINDS[local.kind];
  const threshold = local.threshold ?? best ?? 0.5;
  const at = nearest(points.threshold, threshold);
  const dot = at >= 0 && xs[at] != null && ys[at] != null ? svg`<circle cx=${across(xs[at] as number)} cy=${up(ys[at] as number)} r="4"></circle>` : nothing;
  return html`<h4 class="row"><span class="seg" role="group" aria-label="Curve">${(Object.keys(KINDS) as Local["kind"][]).map((kind) => html`<button aria-pressed=${kind === local.kind ? "true" : "false"} @click=${() => change({ kind })}>${KINDS[kind][0]}</button>`)}</span>
      <select aria-label="Class of the curve" @change=${(e: Event) => panel.send("curve", { label: (e.target as HTMLSelectElement).value })}><option value="micro" ?selected=${label === "micro"}>all classes</option>${classes.map((name) => html`<option value=${name} ?selected=${name === label}>${name}</option>`)}</select></h4>
    ${plot(`${title} of ${label}`, x, y, svg`${local.kind === "roc" ? svg`<line class="chance" x1=${across(0)} y1=${up(0)} x2=${across(1)} y2=${up(1)}></line>` : nothing}<polyline points=${path(xs, ys)}></polyline>${dot}`)}
    <div class="row threshold small"><label for="nbt-threshold">Threshold</label><input id="nbt-threshold" type="range" min="0" max="1" step="0.005" .value=${live(String(threshold))} aria-valuetext=${measured(threshold)} @input=${(e: Event) => change({ threshold: Number((e.target as HTMLInputElement).value) })}>
      <b class="num">${threshold.toFixed(3)}</b>${local.threshold !== null && best !== null ? html`<button class="link" @click=${() => change({ threshold: null })}>best</button>` : nothing}</div>
    <p class="small mut num">${at < 0 ? "" : html`precision ${percent(points.precision[at])} · recall ${percent(points.recall[at])} · F1 ${percent(points.f1[at])}`}${best === null ? nothing : html`; highest F1 ${percent(best_f1)} at ${best.toFixed(3)}`}</p>`;
}

/** The place of the last threshold that is not below `wanted`; they fall. -1 where there is none. */
export function nearest(thresholds: (number | null)[], wanted: number): number {
  let found = -1;
  thresholds.forEach((value, at) => { if (value !== null && value >= wanted) found = at; });
  return found;
}

function reliability(bins: Evaluation["bins"]): TemplateResult {
  const most = Math.max(1, ...bins.map((bin) => Number(bin.at(-1) ?? 0)));
  const full = bins.filter((bin) => typeof bin.at(-2) === "number" && Number(bin.at(-1)) > 0);
  return html`<h4>Calibration <small class="mut">on the line, it is as sure as it should be</small></h4>
    ${plot("Calibration", "how sure it is", "share that is right", svg`<line class="chance" x1=${across(0)} y1=${up(0)} x2=${across(1)} y2=${up(1)}></line>
      ${full.map((bin) => { const [sure, right, n] = bin.slice(-3) as [number, number, number]; return svg`<circle cx=${across(sure)} cy=${up(right)} r=${2 + 5 * Math.sqrt(n / most)}><title>${n} images, ${percent(sure)} sure, ${percent(right)} right</title></circle>`; })}`)}`;
}

function slices(panel: Panel<EvaluationPanel>): TemplateResult {
  const { offered = [], by = "", rows = [] } = panel.get("slices");
  return html`<h4 class="row">By <select aria-label="Divide by" @change=${(e: Event) => panel.send("slice", { by: (e.target as HTMLSelectElement).value })}>${offered.map((name) => html`<option ?selected=${name === by}>${name}</option>`)}</select></h4>
    <table class="num slices"><tbody>${rows.map((row) => html`<tr class=${row.worse ? "worse" : ""} title=${row.rest === null ? "" : `all others: ${percent(row.rest)}`}><th scope="row">${row.name}</th><td>${grouped(row.n)}</td>
      <td class="span">${row.low === null || row.high === null ? nothing : html`<i style="left:${100 * row.low}%;right:${100 - 100 * row.high}%"></i>`}${row.value === null ? nothing : html`<b style="left:${100 * row.value}%"></b>`}</td>
      <td>${percent(row.value)}</td></tr>`)}</tbody></table>
    ${rows.some((row) => row.worse) ? html`<p class="small mut">Marked: worse than all other images, beyond chance.</p>` : nothing}`;
}

export default widget<EvaluationPanel>("evaluation", prepare);
