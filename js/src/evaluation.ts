// The evaluation of one experiment: metrics with their intervals, confusion matrix, classes, curves with a threshold,
// calibration, slices. What is clicked is shown in the gallery below. Twin of ui/evaluation.py.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./evaluation.css";
import type { Evaluation, EvaluationPanel } from "./contracts";
import { type Sorting, PAGE, classes, decisions } from "./evaluation/classes";
import { type Seeking, confusion } from "./evaluation/confusion";
import { type Curve, curves, reliability, slices } from "./evaluation/plots";
import { measured, percent } from "./lib/format";
import { nearTheEnd } from "./lib/listed";
import { askForImages } from "./lib/attend";
import { type Panel, widget } from "./lib/panel";

const SHARES = /accuracy|top|precision|recall|f1|auroc|map|ece|average|match/i;
interface Local extends Curve, Seeking, Sorting { part: string; checkpoint: string; labels: string; deleting: boolean }

function prepare(panel: Panel<EvaluationPanel>): () => TemplateResult {
  const local: Local = { part: "val", checkpoint: "best", labels: "current", kind: "pr", threshold: null, deleting: false, words: "", by: "", up: true, most: PAGE, sought: "", asking: undefined };
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.redraw(); };
  panel.on("change:curve", () => { local.threshold = null; });
  panel.on("change:per_class", () => { Object.assign(local, { words: "", by: "", most: PAGE, sought: panel.get("confusion").words ?? "" }); });
  const end = nearTheEnd(panel, () => change({ most: local.most + PAGE }));
  return () => {
    const facts = panel.get("experiment_facts");
    if (!facts.name) return html`<div class="empty">${facts.reason}</div>`;
    return html`${top(panel, local, change)}
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      ${progress(panel)}
      ${panel.get("outdated") ? html`<div class="note warn small">Out of date: ${panel.get("outdated")}. Evaluate again to see it as it is now.</div>` : nothing}
      ${panel.get("notices").map((text) => html`<div class="note small">${text}</div>`)}
      ${panel.get("said") ? html`<div class="note small" role="status">${panel.get("said")}</div>` : nothing}
      ${panel.get("number") ? numbers(panel, local, change, end) : panel.get("job").running ? nothing : html`<div class="empty">${facts.reason || `“${facts.name}” has not been evaluated yet.`}</div>`}`;
  };
}

function top(panel: Panel<EvaluationPanel>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const facts = panel.get("experiment_facts");
  const { parts, checkpoints, labels = [] } = panel.get("offered");
  const running = panel.get("job").running === true;
  const choose = (key: "part" | "checkpoint" | "labels", label: string, choices: Evaluation["choice"][]): TemplateResult | typeof nothing => !choices.length ? nothing : html`<select aria-label=${label} .value=${live(local[key])} ?disabled=${running}
    @change=${(e: Event) => change({ [key]: (e.target as HTMLSelectElement).value })}>${choices.map((one) => html`<option value=${one.value} ?selected=${one.value === local[key]}>${one.label}</option>`)}</select>`;
  const part = parts.some((one) => one.value === local.part) ? local.part : parts[0]?.value ?? "val";
  const checkpoint = checkpoints.some((one) => one.value === local.checkpoint) ? local.checkpoint : checkpoints[0]?.value ?? "last";
  const listed = panel.get("listed");
  return html`<div class="row top"><h3 class="cut">${facts.name}</h3>
      ${choose("part", "Set", parts)}${choose("checkpoint", "Checkpoint", checkpoints)}${choose("labels", "Labels", labels)}
      <button class=${panel.get("number") ? "" : "primary"} ?disabled=${running || facts.reason !== ""} title=${facts.reason} @click=${() => panel.send("evaluate", { part, checkpoint, labels: labels.length ? local.labels : "current" })}>${panel.get("number") ? "Evaluate again" : "Evaluate"}</button>
      <span class="grow"></span>
      ${listed.length > 1 ? html`<select class="which" aria-label="Evaluations" @change=${(e: Event) => panel.send("choose", { number: Number((e.target as HTMLSelectElement).value) })}>${listed.map((one) => html`<option value=${one.number} ?selected=${one.number === panel.get("number")}>${one.number}: ${one.title}</option>`)}</select>` : listed[0] ? html`<span class="mut small cut">${listed[0].title}</span>` : nothing}
      ${panel.get("number") ? html`<button class="plain" title="One page that opens anywhere" @click=${() => panel.send("report")}>Report</button><button class="plain" @click=${() => panel.send("csv")}>CSV</button>
        ${local.deleting ? html`<button class="solid-danger" @click=${() => { panel.send("delete", { number: panel.get("number") }); change({ deleting: false }); }}>Delete it</button><button @click=${() => change({ deleting: false })}>Keep</button>` : html`<button class="plain" @click=${() => change({ deleting: true })}>Delete</button>`}` : nothing}</div>`;
}

function progress(panel: Panel<EvaluationPanel>): TemplateResult | typeof nothing {
  const job = panel.get("job");
  if (job.trouble) return html`<div class="note bad small" role="alert">${job.trouble}</div>`;
  if (!job.running) return nothing;
  const share = 100 * (job.fraction ?? 0);
  return html`<div class="row job"><div class="bar grow" role="progressbar" aria-valuenow=${Math.round(share)}><i style="width:${share}%"></i></div><span class="mut small">${job.text || "starting"}</span><button class="plain" @click=${() => panel.send("cancel")}>Cancel</button></div>`;
}

function numbers(panel: Panel<EvaluationPanel>, local: Local, change: (part: Partial<Local>) => void, end: (element?: Element) => void): TemplateResult {
  return html`<div class="numbers">
    <section class="metrics">${metrics(panel)}</section>
    <section>${panel.get("multilabel") ? decisions(panel) : confusion(panel, local)}</section>
    <section>${curves(panel, local, change)}</section>
    <section>${reliability(panel.get("reliability"))}</section>
    <section class="wide">${classes(panel, local, change, end)}</section>
    <section>${slices(panel)}</section></div>
    <div class="row showing"><h3>Images</h3><button @click=${() => askForImages(panel, "errors")}>Worst errors</button><button title="Images whose label the model doubts: look at them and relabel" @click=${() => askForImages(panel, "suspicious")}>Doubtful labels</button></div>`;
}

const shown = (name: string, value: number | null): string => SHARES.test(name) ? percent(value) : measured(value);

function metrics(panel: Panel<EvaluationPanel>): TemplateResult {
  const rows = panel.get("metrics");
  return html`<h4>Metrics <small class="mut">with the range that holds 95 % of resamples</small></h4><table class="num"><tbody>${rows.map((row, place) => html`<tr class=${place ? "" : "main"}><th scope="row">${row.label}</th><td>${shown(row.name, row.value)}</td>
    <td class="range">${row.low === null ? nothing : `${shown(row.name, row.low)} – ${shown(row.name, row.high)}`}</td></tr>`)}</tbody></table>`;
}

export default widget<EvaluationPanel>("evaluation", prepare);
