// The form: drawn purely from the description that Python sends. It knows types of fields; it knows no field.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./form.css";
import type { Form, FormField } from "./contracts";
import { row } from "./form/controls";
import { depth, summary } from "./form/summary";
import { FormView } from "./form/view";
import { counted } from "./lib/format";
import { type Panel, widget } from "./lib/panel";
import { isActive } from "./lib/status";

function prepare(panel: Panel<Form>): () => TemplateResult {
  const form = new FormView(panel);
  panel.on("change:name", () => form.typing.clear());
  return () => {
    if (!panel.get("status")) return html`<div class="empty">Select an experiment to see its configuration.</div>`;
    const sections = panel.get("sections");
    return html`${title(panel)}
      ${repeat(sections, (section) => section.key, (section) => sectionView(form, section))}
      ${foot(form)}`;
  };
}

function title(panel: Panel<Form>): TemplateResult {
  const editable = panel.get("editable");
  const state = !editable ? "" : panel.get("dirty") ? html`<span class="warn">● not saved</span>` : html`<span class="dim">saved</span>`;
  return html`<div class="row title"><h3 class="grow">Configuration</h3><span class="state" aria-live="polite">${state}</span>
    ${editable ? html`<button class="plain" ?disabled=${!panel.get("can_undo")} title="Take back the last edit" @click=${() => panel.send("undo")}>Undo</button>
      <button class="plain" ?disabled=${!panel.get("dirty")} title="Back to what was saved" @click=${() => panel.send("revert")}>Revert</button>` : nothing}</div>`;
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
    <summary><b>${section.title}</b><span class="cut grow">${summary(section.fields, panel.get("values"), hidden)}</span>
      ${wrong ? html`<span class="count">${counted(wrong, "problem")}</span>` : nothing}</summary>
    ${isOpen ? html`<div class="fields">${fieldRows(form, usual)}
      ${rare.length ? html`<button type="button" class="link more" aria-expanded=${form.isOpen(more) ? "true" : "false"} @click=${() => form.setOpen(more, !form.isOpen(more))}>
        ${form.isOpen(more) ? "Fewer settings" : `More: ${rare.map((field) => field.label.toLowerCase()).slice(0, 4).join(", ")}${rare.length > 4 ? "…" : ""}`}</button>` : nothing}
      ${form.isOpen(more) ? fieldRows(form, rare) : nothing}</div>` : nothing}</details>`;
}

const fieldRows = (form: FormView, fields: FormField[]): unknown => repeat(fields, (field) => field.path, (field) => row(form, field));

function foot(form: FormView): TemplateResult {
  const { panel } = form;
  const [status, editable] = [panel.get("status"), panel.get("editable")];
  const reason = panel.get("reason");
  return html`<div class="foot">
    ${problemList(form)}
    ${panel.get("trouble") ? html`<div class="note bad small" style="margin-bottom:8px" role="alert">${panel.get("trouble")}</div>` : nothing}
    <div class="row"><span class="mut grow num facts small">${facts(panel.get("footer"))}</span>
    ${editable ? html`<button ?disabled=${!panel.get("dirty")} @click=${() => panel.send("save")}>Save</button>
        <button class="primary" ?disabled=${!panel.get("can_train")} title=${reason} @click=${() => panel.send("train")}>${panel.get("starting") ? "Starting…" : "Train ▶"}</button>
        ${reason ? html`<span class="reason">${reason}</span>` : nothing}`
      : html`<button @click=${() => panel.send("duplicate")}>Duplicate to change</button>
        <span class="reason">${status && isActive(status) ? "Read-only while it runs." : "Read-only: this is what the run used. Restart makes it editable again."}</span>`}</div></div>`;
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
  const refused = Object.entries(panel.get("refused")).map(([path, one]) => ({ path, ...one }));
  const all = [...refused, ...panel.get("problems").filter((one) => !(one.path in panel.get("refused")))];
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

/** Opens the section of a field and puts the focus into it. */
function jump(form: FormView, path: string): void {
  const section = form.panel.get("sections").find((one) => path.startsWith(one.key));
  if (section) {
    form.open.set(section.key, true);
    if (section.fields.find((one) => one.path === path)?.advanced) form.open.set(`${section.key}.more`, true);
  }
  form.panel.draw();
  const target = form.panel.el.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`) ?? form.panel.el.querySelector<HTMLElement>(`[data-section="${CSS.escape(section?.key ?? "")}"]`);
  target?.scrollIntoView({ block: "center" });
  target?.querySelector<HTMLElement>("input, select, button")?.focus({ preventScroll: true });
  target?.classList.add("flash");
  setTimeout(() => target?.classList.remove("flash"), 1300);
}

export default widget<Form>("form", prepare);
