// Experiments side by side: who, what they reached at their best epochs, and in which settings they differ. The first is
// the selected one; differences are to it. Curves stand below, in a panel of their own.
import { html, nothing, type TemplateResult } from "lit-html";
import "./compare.css";
import type { Compare, Compared, ComparedMetric, Verdict } from "./contracts";
import { duration, isShare, measured, metricName, metricValue } from "./lib/format";
import { MAX_COMPARED } from "./lib/listed";
import { type Panel, widget } from "./lib/panel";
import { ICONS, WORDS } from "./lib/status";

function prepare(panel: Panel<Compare>): () => TemplateResult {
  return () => {
    const compared = panel.get("compared");
    if (!compared.length) return html`<div class="empty">No experiment is selected. Choose one in the stage Train or Runs.</div>`;
    return html`<div class="row tools"><h3>${compared.length > 1 ? `${compared.length} experiments compared` : "Compare"}</h3><span class="grow"></span>${adding(panel)}</div>
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      ${compared.length < 2 ? html`<div class="note hint">Add another experiment, or tick experiments in the list, to see them beside “${compared[0]?.name}”.</div>` : nothing}
      ${verdicts(panel)}
      <div class="scroll"><table class="num">
        <thead><tr><td></td>${compared.map((one, place) => head(panel, one, place))}</tr></thead>
        <tbody>
          <tr class="group"><th scope="rowgroup" colspan=${compared.length + 1}>Validation, at the best epoch</th></tr>
          ${panel.get("rows").map((row) => metric(row))}
          ${panel.get("rows").length ? nothing : html`<tr><th scope="row" class="mut" colspan=${compared.length + 1}>No validation yet.</th></tr>`}
          <tr><th scope="row">epoch</th>${compared.map((one) => html`<td>${one.epoch === null ? "–" : measured(one.epoch)}</td>`)}</tr>
          <tr><th scope="row">took</th>${compared.map((one) => html`<td>${duration(one.duration_s)}</td>`)}</tr>
          ${compared.length > 1 ? settings(panel) : nothing}
        </tbody></table></div>`;
  };
}

const OUTCOMES: Record<Verdict["outcome"], string> = { first: "worse", other: "better", tie: "a tie", none: "cannot be compared", busy: "comparing…", missing: "" };

/** Whether a difference is one: the images that both were evaluated on say it, one by one. */
function verdicts(panel: Panel<Compare>): TemplateResult | typeof nothing {
  const list = panel.get("verdicts");
  if (!list.length) return nothing;
  const lacking = panel.get("lacking");
  const named = (id: string): string => panel.get("compared").find((one) => one.id === id)?.name ?? "";
  const first = panel.get("compared")[0]?.name ?? "";
  const told = list.filter((one) => one.outcome !== "missing");
  const labels = panel.get("labels");
  const can = lacking.some((one) => one.able) && !panel.get("evaluating");
  const evaluate = (text: string, which: "current" | "trained"): TemplateResult => html`<button @click=${() => panel.send("evaluate", { labels: which })}>${text}</button>`;
  return html`<div class="verdicts">${told.length ? html`<h4>Beside “${first}”, image by image</h4>` : nothing}
    ${told.map((one) => html`<details class=${one.outcome}><summary><span class="cut who">${named(one.id)}</span><b>${OUTCOMES[one.outcome]}</b><span class="mut small num">${one.short}</span></summary><p class="small mut">${one.text}</p></details>
      ${one.outcome === "none" ? html`<div class="note small">${one.text}</div>` : nothing}${one.notes.map((text) => html`<div class="note warn small">${text}</div>`)}`)}
    ${labels.old ? html`<div class="row wrap lacking"><span class="mut small">These evaluations are of earlier labels: the data set has changed since.</span>${panel.get("evaluating") ? nothing : evaluate("Evaluate with current labels", "current")}</div>` : nothing}
    ${lacking.length ? html`<div class="row wrap lacking"><span class="mut small">To test whether differences are significant, evaluate all experiments on the validation set with the same labels. Missing: ${lacking.map((one, place) => html`${place ? "; " : ""}<b>${named(one.id)}</b> (${one.why})`)}.</span>
      ${can && !labels.old ? evaluate(labels.trained ? "Evaluate with current labels" : "Evaluate them", "current") : nothing}${can && labels.trained ? evaluate("Evaluate with the labels as trained", "trained") : nothing}</div>` : nothing}
    ${panel.get("evaluating") ? html`<span class="row"><span class="mut small" role="status">${panel.get("evaluating")}</span><button class="plain" @click=${() => panel.send("cancel")}>Cancel</button></span>` : nothing}</div>`;
}

function adding(panel: Panel<Compare>): TemplateResult {
  const full = panel.get("compared").length > MAX_COMPARED;
  const offered = panel.get("offered");
  const add = (event: Event): void => {
    const box = event.target as HTMLSelectElement;
    if (box.value) panel.send("add", { id: box.value });
    box.value = "";
  };
  return html`<select class="adding" aria-label="Add an experiment" ?disabled=${full || !offered.length} title=${full ? `${MAX_COMPARED + 1} can be compared at once` : ""} @change=${add}>
    <option value="">+ Add an experiment…</option>${offered.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select>`;
}

function head(panel: Panel<Compare>, one: Compared, place: number): TemplateResult {
  const remove = place ? html`<button class="icon" title="Compare it no longer" aria-label="Compare ${one.name} no longer" @click=${() => panel.send("remove", { id: one.id })}>×</button>` : nothing;
  return html`<th scope="col"><span class="who"><i style="background:${panel.get("compared").length > 1 ? one.color : "var(--accent)"}"></i><b class="cut" title=${one.name}>${one.name}</b>${remove}</span>
    <span class="state"><span class="mark ${one.status}" aria-hidden="true">${ICONS[one.status]}</span> ${WORDS[one.status]}</span></th>`;
}

function metric(row: ComparedMetric): TemplateResult {
  return html`<tr><th scope="row">${metricName(row.name)}</th>${row.values.map((value, place) => html`<td>
    <span class=${place === row.best ? "best" : ""} title=${place === row.best ? "the best of these" : ""}>${metricValue(row.name, value)}</span>
    ${row.ranges[place] ? html`<small class="range" title="holds 95 % of resamples of the images">${metricValue(row.name, row.ranges[place]?.[0])} – ${metricValue(row.name, row.ranges[place]?.[1])}</small>` : nothing}
    ${place ? html`<small class="apart">${apart(row.name, row.apart[place] ?? null)}</small>` : nothing}</td>`)}</tr>`;
}

/** The difference to the first, in percentage points for shares: "+1.2", "±0". */
export function apart(name: string, difference: number | null): string {
  if (difference === null) return "";
  const value = isShare(name) ? 100 * difference : difference;
  const text = isShare(name) ? Math.abs(value).toFixed(1) : measured(Math.abs(value));
  return Number(text.replace("\u202f", "")) === 0 ? "±0" : `${value > 0 ? "+" : "−"}${text}`;
}

function settings(panel: Panel<Compare>): TemplateResult {
  const rows = panel.get("settings");
  const width = panel.get("compared").length + 1;
  return html`<tr class="group"><th scope="rowgroup" colspan=${width}>Settings that differ</th></tr>
    ${rows.map((row) => html`<tr class="setting"><th scope="row" title=${row.path}>${row.label}</th>${row.values.map((value) => html`<td class=${value === row.values[0] ? "mut" : "other"}>${value}</td>`)}</tr>`)}
    ${rows.length ? nothing : html`<tr><th scope="row" class="mut" colspan=${width}>None: they are set alike.</th></tr>`}`;
}

export default widget<Compare>("compare", prepare);
