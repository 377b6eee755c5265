// An ordered list of parts (transforms): add, remove, move, switch off, and each part's own parameters.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { FormField } from "../contracts";
import { row } from "./controls";
import { word } from "./summary";
import type { FormView } from "./view";

type Part = Record<string, any> & { kind: string };
const SWITCHES = ["enabled", "on"];

/** The list at `field`, whose value is a list of plain parts. */
export function partsList(form: FormView, field: FormField): TemplateResult {
  const parts = (form.value(field.path) ?? []) as Part[];
  const add = (event: Event): void => {
    const select = event.target as HTMLSelectElement;
    if (select.value) form.now(field.path, [...parts, { kind: select.value }]);
    select.value = "";
  };
  return html`<div class="grow parts" role="list">
    ${parts.length ? parts.map((part, index) => partView(form, field, parts, part, index)) : html`<div class="none">${field.path.startsWith("augmentation.") ? "Nothing: images are used as they are." : "None."}</div>`}
    ${form.editable ? html`<select aria-label="Add to ${field.label}" @change=${add}><option value="">+ Add…</option>
      ${(field.choices ?? []).map((choice) => html`<option value=${choice.value} title=${choice.hint ?? ""}>${choice.label}</option>`)}</select>` : nothing}</div>`;
}

function partView(form: FormView, field: FormField, parts: Part[], part: Part, index: number): TemplateResult {
  const path = `${field.path}.${index}`;
  const own = form.panel.get("sections").flatMap((section) => section.fields)
    .filter((one) => one.path.startsWith(`${path}.`) && one.type !== "kind" && !form.panel.get("hidden").includes(one.path));
  const toggle = SWITCHES.find((name) => own.some((one) => one.path === `${path}.${name}`));
  const settings = own.filter((one) => one.path !== `${path}.${toggle}`);
  const label = field.choices?.find((choice) => choice.value === part.kind)?.label ?? part.kind;
  const isOpen = form.isOpen(path) || settings.some((one) => form.message(one.path));
  const off = toggle !== undefined && part[toggle] === false;
  const move = (to: number): void => { form.setOpen(path, false); form.now(field.path, moved(parts, index, to)); };
  const remove = (): void => { form.setOpen(path, false); form.now(field.path, parts.filter((_, at) => at !== index)); };
  return html`<div class="part ${off ? "off" : ""}" role="listitem"><div class="row">
      ${toggle ? html`<input type="checkbox" .checked=${live(!off)} ?disabled=${!form.editable} aria-label="Use ${label}" title="On or off"
        @change=${(e: Event) => form.now(`${path}.${toggle}`, (e.target as HTMLInputElement).checked)}>` : nothing}
      <button type="button" class="name" aria-expanded=${isOpen ? "true" : "false"} ?disabled=${!settings.length} @click=${() => form.setOpen(path, !isOpen)}>
        <span>${label}</span><span class="mut cut">${settings.map((one) => word(one, form.panel.get("values"))).filter(Boolean).slice(0, 3).join(" · ")}</span></button>
      ${form.editable ? html`<button type="button" class="icon" aria-label="Move ${label} up" title="Move up" ?disabled=${index === 0} @click=${() => move(index - 1)}>↑</button>
        <button type="button" class="icon" aria-label="Move ${label} down" title="Move down" ?disabled=${index === parts.length - 1} @click=${() => move(index + 1)}>↓</button>
        <button type="button" class="icon" aria-label="Remove ${label}" title="Remove" @click=${remove}>✕</button>` : nothing}</div>
    ${isOpen && settings.length ? html`<div class="fields">${settings.map((one) => row(form, one))}</div>` : nothing}</div>`;
}

/** A copy of the list with one entry moved. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}
