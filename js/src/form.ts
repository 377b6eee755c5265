// The form: drawn purely from the description that Python sends. It knows types of fields; it knows no field.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./form.css";
import type { Form, FormField } from "./contracts";
import { about } from "./form/about";
import { mark, outlook } from "./form/advice";
import { aboveFields, inSection } from "./form/cards";
import { row } from "./form/controls";
import { jump } from "./form/jump";
import { planned } from "./form/plan";
import { depth, summary } from "./form/summary";
import { tools } from "./form/tools";
import { FormView } from "./form/view";
import { counted } from "./lib/format";
import { type Panel, widget } from "./lib/panel";
import { isActive } from "./lib/status";

function prepare(panel: Panel<Form>): () => TemplateResult {
  const form = new FormView(panel);
  const desk = tools(form);
  panel.listen(window, "pagehide", () => form.flush());
  panel.on("change:sections", () => { if (panel.get("status") === "") form.sheet = ""; });
  return () => {
    panel.mark("started", !["", "created"].includes(panel.get("status")));
    if (!panel.get("status")) return html`<div class="empty">Select an experiment to see its configuration.</div>`;
    const sections = panel.get("sections");
    return html`${about(form)}${desk()}
      ${repeat(sections, (section) => section.key, (section) => sectionView(form, section))}
      ${planned(form)}${foot(form)}`;
  };
}

function sectionView(form: FormView, section: Form["sections"][number]): TemplateResult {
  const { panel } = form;
  const hidden = panel.get("hidden");
  const top = section.fields.filter((field) => depth(field, section.fields) === 0 && !hidden.includes(field.path));
  const usual = top.filter((field) => !field.advanced || form.message(field.path));
  const rare = top.filter((field) => !usual.includes(field));
  const wrong = section.fields.filter((field) => form.message(field.path)).length;
  const isOpen = form.isOpen(section.key, section.open);
  const more = `${section.key}.more`;
  return html`<details class="section" data-section=${section.key} .open=${live(isOpen)} @toggle=${(e: Event) => form.setOpen(section.key, (e.currentTarget as HTMLDetailsElement).open)}>
    <summary @click=${(e: Event) => { e.preventDefault(); form.setOpen(section.key, !isOpen); }}><b>${section.title}</b><span class="cut grow">${summary(section.fields, panel.get("values"), hidden)}</span>
      ${wrong ? html`<span class="count">${counted(wrong, "problem")}</span>` : mark(form, section.key)}</summary>
    ${isOpen ? html`<div class="fields">${aboveFields(form, section.key)}${fieldRows(form, usual)}
      ${rare.length ? html`<button type="button" class="link more" aria-expanded=${form.isOpen(more) ? "true" : "false"} @click=${() => form.setOpen(more, !form.isOpen(more))}>
        ${form.isOpen(more) ? "Fewer settings" : `More: ${rare.map((field) => field.label.toLowerCase()).slice(0, 4).join(", ")}${rare.length > 4 ? "…" : ""}`}</button>` : nothing}
      ${form.isOpen(more) ? fieldRows(form, rare) : nothing}${inSection(form, section.key)}</div>` : nothing}</details>`;
}

const fieldRows = (form: FormView, fields: FormField[]): unknown => repeat(fields, (field) => field.path, (field) => row(form, field));

function foot(form: FormView): TemplateResult {
  const { panel } = form;
  const [status, editable] = [panel.get("status"), panel.get("editable")];
  const reason = panel.get("reason");
  return html`<div class="foot">
    ${problemList(form)}${outlook(form, (path) => labelOf(panel, path))}
    ${panel.get("trouble") && form.sheet !== "import" ? html`<div class="note bad small told" role="alert">${panel.get("trouble")}</div>` : nothing}
    ${panel.get("said") ? html`<div class="note small told" role="status">${panel.get("said")}</div>` : nothing}
    <div class="row"><span class="mut grow num facts small">${facts(panel.get("footer"))}</span>
    ${editable ? html`<button ?disabled=${!panel.get("dirty")} @click=${() => panel.send("save")}>Save</button>
        <button class="primary" ?disabled=${!panel.get("can_train")} title=${reason} @click=${() => panel.send("train")}>${panel.get("starting") ? "Starting…" : "Train ▶"}</button>
        ${reason ? html`<span class="reason">${reason}</span>` : nothing}`
      : html`<button @click=${() => panel.send("duplicate")}>Duplicate to change</button>
        <span class="reason">${status && isActive(status) ? "While it runs, the fields that are not greyed out can be changed; changes apply at the next step." : "Read-only: this is what the run used. Restart makes it editable again."}</span>`}</div></div>`;
}

function facts(footer: Form["footer"]): TemplateResult | typeof nothing {
  if (footer.effective === undefined) return nothing;
  const steps = footer.steps_per_epoch;
  const product = footer.multiplier && footer.multiplier > 1 ? ` (${footer.batch} × ${footer.multiplier})` : "";
  const below = [steps ? `${counted(steps, "step")} per epoch` : "", footer.n_train ? `${counted(footer.n_train, "training image")}` : ""];
  return html`<span>Effective batch size: <b>${footer.effective}</b>${product}</span><span>${below.filter(Boolean).join(" · ")}</span>`;
}

function problemList(form: FormView): TemplateResult | typeof nothing {
  const { panel } = form;
  const all = form.attention();
  if (!all.length || !panel.get("editable")) return nothing;
  return html`<div class="note bad small summary" role="group" aria-label="Problems"><b>${counted(all.length, "value needs", "values need")} attention</b>
    <ul>${all.map((one) => html`<li><button type="button" class="link" @click=${() => jump(form, one.path)}><b>${labelOf(panel, one.path)}</b>: ${one.message} ${one.advice}</button></li>`)}</ul></div>`;
}

/** A problem's path in the words of the form: "Optimizer › Learning rate". */
function labelOf(panel: Panel<Form>, path: string): string {
  const section = panel.get("sections").find((one) => path === one.key || path.startsWith(`${one.key}.`));
  const field = section?.fields.find((one) => one.path === path);
  return [section?.title, field?.label].filter(Boolean).join(" › ") || path;
}

export default widget<Form>("form", prepare);
