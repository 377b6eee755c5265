// A searchable choice for long lists (1 000 model variants): a button that opens a box with a filter and the options,
// each with its facts. The list comes from Python when it is first opened.
import { html, render, type TemplateResult } from "lit-html";
import type { Choice, FormField } from "../contracts";
import { place, showOnTop } from "../lib/menu";
import type { FormView } from "./view";

const MOST = 200;

/** The closed picker: the present choice, with its facts. */
export function picker(form: FormView, field: FormField, id: string): TemplateResult {
  const value = form.panel.get("refused")[field.path]?.text ?? form.value(field.path);
  const choice = choicesOf(form, field).find((one) => one.value === value);
  const open = (event: Event): void => openPicker(form, field, event.currentTarget as HTMLElement);
  return html`<div class="picker"><button type="button" id=${id} aria-haspopup="listbox" ?disabled=${!form.editable} title=${choice?.hint ?? ""}
    @click=${open}><span class="cut">${choice?.label ?? value ?? "choose…"}</span><span class="dim small cut">${choice?.hint ?? ""}</span></button></div>`;
}

/** Opens the search over the field's choices under `button`; what is picked goes to `pick`. */
export function choose(form: FormView, field: FormField, button: HTMLElement, pick: (choice: Choice) => void): void {
  openPicker(form, field, button, pick);
}

const choicesOf = (form: FormView, field: FormField): Choice[] => form.panel.get("catalog")[field.path] ?? field.choices ?? [];

/** The choices that contain every word, those whose name starts with the first word before the others. */
export function search(choices: Choice[], text: string): Choice[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = choices.filter((one) => words.every((word) => `${one.label} ${one.hint ?? ""}`.toLowerCase().includes(word)));
  const first = words[0] ?? "";
  return [...found].sort((a, b) => Number(b.label.toLowerCase().startsWith(first)) - Number(a.label.toLowerCase().startsWith(first)));
}

function openPicker(form: FormView, field: FormField, button: HTMLElement, picked = (choice: Choice): void => form.now(field.path, choice.value)): void {
  if (field.searchable) form.panel.send("catalog", { path: field.path });
  const box = document.createElement("div");
  box.className = "drop";
  form.panel.el.append(box);
  const stop = new AbortController();
  const state = { text: "", here: 0 };
  const close = (): void => { box.remove(); stop.abort(); form.panel.model.off("change:catalog", draw); button.focus(); };
  const pick = (choice: Choice | undefined): void => { close(); if (choice) picked(choice); };
  const options = (): Choice[] => search(choicesOf(form, field), state.text);
  const draw = (): void => {
    render(dropView(field, options(), form.value(field.path), state, pick, (text) => { state.text = text; state.here = 0; draw(); }), box);
    box.querySelector(".here")?.scrollIntoView({ block: "nearest" });
  };
  state.here = Math.max(0, options().slice(0, MOST).findIndex((one) => one.value === form.value(field.path)));
  draw();
  box.style.width = `${Math.min(innerWidth - 16, Math.max(480, button.getBoundingClientRect().width))}px`;
  showOnTop(box);
  place(box, { x: button.getBoundingClientRect().left, y: button.getBoundingClientRect().bottom + 4 });
  form.panel.on("change:catalog", draw);
  box.querySelector("input")?.focus();
  box.addEventListener("keydown", (event) => pickerKeys(event, state, options().slice(0, MOST), pick, close, draw));
  document.addEventListener("pointerdown", (event) => { if (!box.contains(event.target as Node)) close(); }, { signal: stop.signal, capture: true });
}

function pickerKeys(event: KeyboardEvent, state: { here: number }, options: Choice[], pick: (choice?: Choice) => void, close: () => void, draw: () => void): void {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); close(); }
  if (event.key === "Enter") { event.preventDefault(); pick(options[state.here]); }
  if (!step) return;
  event.preventDefault();
  state.here = Math.max(0, Math.min(options.length - 1, state.here + step));
  draw();
}

function dropView(field: FormField, options: Choice[], value: unknown, state: { text: string; here: number }, pick: (choice: Choice) => void, filter: (text: string) => void): TemplateResult {
  const more = options.length - MOST;
  return html`<input type="search" placeholder="Search…" aria-label="Search ${field.label}" role="combobox" aria-expanded="true" autocomplete="off" spellcheck="false"
      @input=${(e: Event) => filter((e.target as HTMLInputElement).value)}>
    <div class="options" role="listbox" aria-label=${field.label}>
      ${options.slice(0, MOST).map((one, index) => html`<div class="option ${index === state.here ? "here" : ""}" role="option" aria-selected=${one.value === value ? "true" : "false"}
        @click=${() => pick(one)}><span class="cut">${one.label}</span><span class="small num cut">${one.hint ?? ""}</span></div>`)}
      ${more > 0 ? html`<div class="dim small" style="padding:8px">${more} more: type to narrow the list.</div>` : ""}
      ${options.length === 0 ? html`<div class="dim small" style="padding:8px">Nothing matches “${state.text}”.</div>` : ""}</div>`;
}
