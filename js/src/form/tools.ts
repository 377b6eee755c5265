// The form's tools: undo and redo, presets, the menu of what can be done with a configuration, and what those open.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Form } from "../contracts";
import { type Entry, openMenu, under } from "../lib/menu";
import { compareBox, outsideBox, presetBox } from "./boxes";
import { importSheet, textSheet, watchSheet } from "./sheet";
import type { FormView } from "./view";

/** Prepares the keys and returns what draws the row of tools and what is open below it. */
export function tools(form: FormView): () => TemplateResult {
  const { panel } = form;
  panel.listen(panel.el, "keydown", (event: KeyboardEvent) => keys(form, event));
  const asked = watchSheet(form);
  return () => html`${titleRow(form, asked)}
    ${panel.get("outside").rows ? outsideBox(form) : nothing}
    ${form.sheet === "text" ? textSheet(form) : form.sheet === "import" ? importSheet(form) : nothing}
    ${form.sheet === "compare" && panel.get("compared").names ? compareBox(form) : nothing}
    ${panel.get("preset").key ? presetBox(form) : nothing}`;
}

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) act on the configuration, but in boxes of free text, which have their own undo. */
function keys(form: FormView, event: KeyboardEvent): void {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key) || !form.editable) return;
  if ((event.target as Element).closest(".about, .sheet, .drop")) return;
  event.preventDefault();
  event.stopPropagation();
  form.step(key === "y" || event.shiftKey ? "redo" : "undo");
}

function titleRow(form: FormView, asked: (what: string) => void): TemplateResult {
  const { panel } = form;
  const editable = panel.get("editable");
  return html`<div class="row title"><h3>Configuration</h3>${savedState(panel.get("dirty"), editable)}<span class="grow"></span>
    ${panel.get("compared").names ? html`<button type="button" class="plain" aria-expanded=${form.sheet === "compare"} @click=${() => toggle(form, "compare")}>Compare settings</button>` : nothing}
    ${editable ? html`<button type="button" class="icon" ?disabled=${!panel.get("can_undo")} aria-label="Undo" title="Take back the last edit (Ctrl+Z)" @click=${() => form.step("undo")}>↶</button>
      <button type="button" class="icon" ?disabled=${!panel.get("can_redo")} aria-label="Redo" title="Bring it back (Ctrl+Shift+Z)" @click=${() => form.step("redo")}>↷</button>
      <button type="button" class="plain" aria-haspopup="menu" @click=${(e: Event) => presetMenu(form, e.currentTarget as HTMLElement)}>Presets</button>` : nothing}
    <button type="button" class="icon" aria-haspopup="menu" aria-label="More to do with this configuration" title="More" @click=${(e: Event) => moreMenu(form, e.currentTarget as HTMLElement, asked)}>⋯</button></div>`;
}

function savedState(dirty: boolean, editable: boolean): TemplateResult | typeof nothing {
  if (!editable) return nothing;
  return html`<span class="state" aria-live="polite">${dirty ? html`<span class="warn" title="Kept on disk as a draft; Save makes it the configuration">● not saved</span>` : html`<span class="dim">saved</span>`}</span>`;
}

function toggle(form: FormView, sheet: FormView["sheet"]): void {
  form.sheet = form.sheet === sheet ? "" : sheet;
  form.panel.redraw();
}

function presetMenu(form: FormView, button: HTMLElement): void {
  const { panel } = form;
  const entries: Entry[] = panel.get("presets").map((one) => ({
    label: one.label, below: one.about, action: () => panel.send("preset", { key: one.key }),
  }));
  openMenu(panel.el, entries, under(button), button);
}

function moreMenu(form: FormView, button: HTMLElement, asked: (what: string) => void): void {
  const { panel } = form;
  const get = (style: Form["sheet"]["style"]) => (): void => {
    asked(style ?? "");
    if (style === "python") panel.send("python");
    else panel.send("export", { style });
  };
  const editing: Entry[] = [
    { label: "Import…", below: "JSON or YAML, whole or in part", action: () => toggle(form, "import") },
    { label: "Revert", below: "Back to what was saved", disabled: !panel.get("dirty"), action: () => panel.send("revert") },
  ];
  openMenu(panel.el, [
    { label: "Copy as Python", below: "A script with the same configuration", action: get("python") },
    { label: "Export as YAML", action: get("yaml") },
    { label: "Export as JSON", action: get("json") },
    ...(panel.get("editable") ? editing : []),
    { label: "Use as this project's defaults", below: "New experiments here start like this", action: () => panel.send("defaults", { where: "project" }) },
    { label: "Use as my defaults", below: "In all my projects that set none", action: () => panel.send("defaults", { where: "user" }) },
  ], under(button), button);
}
