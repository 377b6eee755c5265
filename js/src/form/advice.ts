// Advice where it belongs: at the field with its fix, in a section's head as a mark, and as a list above Train, beside
// the summary of what is about to run. The sentences and fixes are Python's; nothing here decides.
import { html, nothing, type TemplateResult } from "lit-html";
import "./advice.css";
import type { FormField, Suggestion } from "../contracts";
import { counted, typed } from "../lib/format";
import { jump } from "./jump";
import { measuring } from "./measuring";
import { summary } from "./summary";
import type { FormView } from "./view";

type Words = (path: string) => string;
const MARKS = { problem: "✕", warning: "!", info: "i" };
const ZONES = { low: "low", good: "good", high: "high" };

/** What stands under a field: the band of the learning rate, and suggestions with their button. */
export function beside(form: FormView, field: FormField, place: (field: FormField, value: number) => number): TemplateResult | typeof nothing {
  const found = of(form, field.path);
  const lr = field.path === "optimizer.lr" ? band(form, field, place) : nothing;
  const asked = measuring(form, field);
  if (!found.length && lr === nothing) return asked;
  // A problem that the form tells already needs no second sentence, only its fix.
  return html`${lr}${found.map((one) => html`<span class="advice ${one.level}" role="note">${form.message(field.path) ? nothing : said(one)}${apply(form, one)}</span>`)}${asked}`;
}

const of = (form: FormView, path: string): Suggestion[] =>
  form.editable ? form.panel.get("advice").filter((one) => one.path === path) : [];

function said(one: Suggestion): TemplateResult {
  return html`<span class="said" title=${`${one.why}\n${one.source}`}><i class="mark" aria-hidden="true">${MARKS[one.level]}</i>${one.text}</span>`;
}

function apply(form: FormView, one: Suggestion): TemplateResult | typeof nothing {
  if (!one.doing) return nothing;
  return html`<button type="button" class="apply" aria-label="Apply" title="Apply: ${one.doing}" @click=${() => form.panel.send("fix", { fix: one.fix })}>Apply<span class="mut cut">${one.doing}</span></button>`;
}

function band(form: FormView, field: FormField, place: (field: FormField, value: number) => number): TemplateResult | typeof nothing {
  const found = form.panel.get("band");
  if (found.zone === undefined || found.low === undefined || found.high === undefined || found.far_high === undefined) return nothing;
  const at = (value: number): number => place(field, value) / 10;
  const [low, high, far] = [at(found.low), at(found.high), at(found.far_high)];
  return html`<span class="band" title=${found.source ?? ""}>
    <span class="zones" aria-hidden="true"><i class="good" style="left:${low}%;width:${high - low}%"></i><i class="high" style="left:${high}%;width:${far - high}%"></i><i class="far" style="left:${far}%;width:${100 - far}%"></i></span>
    <span class="small"><b class=${found.zone === "good" ? "ok" : "warn"}>${ZONES[found.zone]}</b> <span class="mut">· ${typed(found.low)} … ${typed(found.high)} recommended for ${found.what}</span></span></span>`;
}

/** The mark in the head of a section that has suggestions. */
export function mark(form: FormView, section: string): TemplateResult | typeof nothing {
  const found = form.editable ? form.panel.get("advice").filter((one) => one.path.startsWith(`${section}.`)) : [];
  if (!found.length) return nothing;
  const worst = found.some((one) => one.level !== "info") ? "warn" : "mut";
  return html`<span class="hinted ${worst}">${counted(found.length, "suggestion")}</span>`;
}

/** Above Train: how many suggestions there are, and the summary of the run, each to be unfolded. */
export function outlook(form: FormView, words: Words): TemplateResult | typeof nothing {
  if (!form.editable) return nothing;
  const advice = form.panel.get("advice");
  const missing = new Set([...form.panel.get("problems").map((one) => one.path), ...Object.keys(form.panel.get("refused"))]).size;
  const open = form.isOpen("foot.summary") ? "summary" : form.isOpen("foot.advice") && advice.length ? "advice" : "";
  const show = (which: string): void => {
    form.open.set("foot.advice", which === "advice" && open !== "advice");
    form.open.set("foot.summary", which === "summary" && open !== "summary");
    form.panel.redraw();
  };
  const tab = (which: string, text: unknown): TemplateResult => html`<button type="button" class="link fold" aria-expanded=${open === which ? "true" : "false"} @click=${() => show(which)}>${open === which ? "▾" : "▸"} ${text}</button>`;
  return html`${open ? html`<div class="unfolded small">${open === "advice" ? list(form, words) : before(form)}</div>` : nothing}
    <div class="row outlook small">${advice.length ? tab("advice", counted(advice.length, "suggestion")) : html`<span class="dim">No suggestions</span>`}
      ${tab("summary", html`Summary: ${missing ? html`<b class="bad">${counted(missing, "value")} missing</b>` : html`<b class="ok">ready</b>`}`)}</div>`;
}

function list(form: FormView, words: Words): TemplateResult {
  return html`<ul class="suggestions">${form.panel.get("advice").map((one) => html`<li class="advice ${one.level}">
    <button type="button" class="link where" @click=${() => jump(form, one.path)}>${words(one.path)}</button>${said(one)}${apply(form, one)}
    <span class="dim source">${one.why} ${one.source}.</span></li>`)}</ul>`;
}

/** Everything that is about to run: each section in a line, and what it needs. */
function before(form: FormView): TemplateResult {
  const { panel } = form;
  const [values, hidden] = [panel.get("values"), panel.get("hidden")];
  const rows = (fields: FormField[]): TemplateResult[] => fields.filter((field) => !hidden.includes(field.path) && field.type !== "parts")
    .map((field) => html`<dt>${field.label}</dt><dd>${typed(values[field.path]) || "–"}</dd>`);
  return html`<dl class="tree num">${panel.get("resources").map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>
    <div class="sections">${panel.get("sections").map((section) => html`<details><summary><b>${section.title}</b><span class="cut grow mut">${summary(section.fields, values, hidden) || "as usual"}</span></summary>
      <dl class="tree num">${rows(section.fields)}</dl></details>`)}</div>`;
}
