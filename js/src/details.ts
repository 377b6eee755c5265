// What stands below the charts: metrics, classes, data, notices, what "auto" became and why, and the log. All folded but
// the metrics.
import { html, nothing, type TemplateResult } from "lit-html";
import "./details.css";
import type { Details } from "./contracts";
import { counted, grouped, measured, metricName, metricValue, percent } from "./lib/format";
import { type Panel, widget } from "./lib/panel";

function prepare(panel: Panel<Details>): () => TemplateResult {
  return () => html`${metrics(panel.get("metrics"))}
    ${classes(panel.get("per_class"))}
    ${fold("Data", panel.get("facts").slice(0, 3).map((fact) => fact.value).join(" · "), panel.get("facts").length > 0, () => html`<dl>${panel.get("facts").map((fact) => html`<dt>${fact.label}</dt><dd>${fact.value}</dd>`)}</dl>`)}
    ${notices(panel.get("notices"))}
    ${changes(panel.get("changes"))}
    ${resolved(panel.get("resolved"))}
    ${speed(panel.get("speed"), panel.get("phases"))}
    ${fold("Log", "", panel.get("log") !== "", () => html`<pre>${panel.get("log")}</pre>`)}`;
}

function fold(title: string, short: string, any: boolean, inside: () => TemplateResult): TemplateResult | typeof nothing {
  if (!any) return nothing;
  return html`<details><summary><b>${title}</b><span class="cut grow">${short}</span></summary><div class="inside">${inside()}</div></details>`;
}

function metrics(rows: Details["metrics"]): TemplateResult | typeof nothing {
  if (!rows.length) return nothing;
  return html`<table class="metrics num"><thead><tr><th scope="col">validation</th><th scope="col">now</th><th scope="col">best</th><th scope="col">epoch</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr><td>${metricName(row.name)}</td><td>${metricValue(row.name, row.now)}</td><td>${metricValue(row.name, row.best)}</td>
      <td>${row.epoch === null ? "–" : measured(row.epoch)}</td></tr>`)}</tbody></table>`;
}

const WHOLE = new Set(["support", "count", "images", "n"]);

function classes({ columns = [], rows = [] }: Details["per_class"]): TemplateResult | typeof nothing {
  const cell = (value: string | number | null, index: number): string =>
    typeof value !== "number" ? String(value ?? "–") : WHOLE.has(columns[index] ?? "") || Number.isInteger(value) && value > 1 ? measured(value) : percent(value);
  return fold("Per class", counted(rows.length, "class", "classes"), rows.length > 0, () => html`<div class="scroll"><table class="num">
    <thead><tr>${columns.map((name) => html`<th scope="col">${metricName(name).replace(" (macro)", "")}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((value, index) => html`<td>${cell(value, index)}</td>`)}</tr>`)}</tbody></table></div>`);
}

function notices(list: string[]): TemplateResult | typeof nothing {
  return fold("Notices", list.length === 1 ? (list[0] ?? "") : counted(list.length, "notice"), list.length > 0,
    () => html`<div class="notices">${list.map((text) => html`<div class="note warn small">${text}</div>`)}</div>`);
}

function resolved(list: Details["resolved"]): TemplateResult | typeof nothing {
  return fold("Chosen by measuring", list.map((one) => `${one.path.split(".").at(-1)?.replaceAll("_", " ")} ${one.value}`).join(" · "), list.length > 0,
    () => html`<table class="num"><tbody>${list.map((one) => html`<tr><td>${one.path}</td><td>${one.value}</td><td class="reason">${one.reason}</td></tr>`)}</tbody></table>`);
}

function speed(facts: Details["speed"], phases: Details["phases"]): TemplateResult | typeof nothing {
  const short = facts.slice(0, 2).map((fact, index) => index ? `${fact.value.replace(" of the time", "")} waiting for data` : fact.value).join(" · ");
  return fold("Speed", short, facts.length + phases.length > 0, () => html`<dl>${facts.map((fact) => html`<dt>${fact.label}</dt><dd class="num">${fact.value}</dd>`)}</dl>
    ${phases.length ? html`<table class="num phases"><thead><tr><th scope="col">phase</th><th scope="col">seconds</th><th scope="col">share</th><th scope="col">ms per step</th><th scope="col"></th></tr></thead>
      <tbody>${phases.map((one) => html`<tr><td>${one.phase}</td><td>${one.seconds.toFixed(2)}</td><td>${percent(one.share)}</td><td>${measured(one.ms_per_step)}</td><td class="reason">${one.meaning}</td></tr>`)}</tbody></table>
      <p class="small mut">The flame graph of a few steps is <code>profile.html</code> in the run's folder.</p>` : nothing}`);
}

function changes(list: Details["changes"]): TemplateResult | typeof nothing {
  const newest = list.at(-1);
  return fold("Changed since the start", newest ? newest.text ?? `${newest.path} ${newest.value} at step ${grouped(newest.step)}` : "", list.length > 0,
    () => html`<table class="num"><thead><tr><th scope="col">after step</th><th scope="col">what</th><th scope="col">from</th><th scope="col">to</th></tr></thead>
      <tbody>${list.map((one) => html`<tr><td>${grouped(one.step)}</td>${one.text ? html`<td class="reason" colspan="3">${one.text}</td>` : html`<td>${one.path}${one.extends ? " (extended)" : ""}</td><td>${one.old}</td><td>${one.value}</td>`}</tr>`)}</tbody></table>`);
}

export default widget<Details>("details", prepare);
