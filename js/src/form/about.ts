// What an experiment is called, what it is about and how it is tagged: editable at any time, told to Python when a box
// is left or Enter is pressed; Escape gives up.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { idOf } from "./controls";
import { newline } from "../lib/newline";
import type { FormView } from "./view";

type Box = HTMLInputElement | HTMLTextAreaElement;

/** Name, tags and description. */
export function about(form: FormView): TemplateResult {
  const { panel } = form;
  const described = panel.get("description") || form.isOpen("@description");
  return html`<div class="about">
    ${box(form, "@name", panel.get("name"), "Name", (text) => { if (text) panel.send("annotate", { name: text }); })}
    <div class="tags">${panel.get("tags").map((tag) => chip(form, tag))}${tagBox(form)}
      ${described ? nothing : html`<button type="button" class="link dim" @click=${() => describe(form)}>Add a description</button>`}</div>
    ${described ? description(form) : nothing}</div>`;
}

function chip(form: FormView, tag: string): TemplateResult {
  const without = (): void => form.panel.send("annotate", { tags: form.panel.get("tags").filter((one) => one !== tag) });
  return html`<span class="pill"><span class="cut">${tag}</span><button type="button" class="icon" aria-label="Remove tag ${tag}" @click=${without}>✕</button></span>`;
}

function tagBox(form: FormView): TemplateResult {
  const { panel } = form;
  const list = idOf(form, "tags");
  const tags = panel.get("tags");
  const add = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const words = input.value.split(",").map((one) => one.trim()).filter(Boolean);
    input.value = "";
    if (words.length) panel.send("annotate", { tags: [...tags, ...words] });
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); add(event); }
    if (event.key === "Escape") (event.target as HTMLInputElement).value = "";
  };
  return html`<input class="tag" placeholder="+ tag" aria-label="Add a tag" list=${list} maxlength="100" autocomplete="off" @change=${add} @keydown=${keys}>
    <datalist id=${list}>${panel.get("known_tags").filter((one) => !tags.includes(one)).map((one) => html`<option value=${one}></option>`)}</datalist>`;
}

function describe(form: FormView): void {
  form.open.set("@description", true);
  form.panel.draw();
  form.panel.el.querySelector<HTMLElement>(".about textarea")?.focus();
}

function description(form: FormView): TemplateResult {
  const text = form.typing.get("@description") ?? form.panel.get("description");
  const rows = Math.min(6, Math.max(1, text.split("\n").length));
  return html`<textarea aria-label="Description" placeholder="What is this experiment about?" rows=${rows} maxlength="20000" .value=${live(text)}
    @input=${(e: Event) => { form.typing.set("@description", (e.target as Box).value); form.panel.redraw(); }}
    @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") leave(form, "@description", e); else newline(e); }}
    @blur=${() => keep(form, "@description", (value) => { form.open.set("@description", false); form.panel.send("annotate", { description: value }); })}></textarea>`;
}

function box(form: FormView, key: string, value: string, label: string, told: (text: string) => void): TemplateResult {
  return html`<input class="name" aria-label=${label} maxlength="500" autocomplete="off" spellcheck="false" title=${value} .value=${live(form.typing.get(key) ?? value)}
    @input=${(e: Event) => form.typing.set(key, (e.target as Box).value)}
    @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") (e.target as Box).blur(); if (e.key === "Escape") leave(form, key, e); }}
    @blur=${() => keep(form, key, told)}>`;
}

function keep(form: FormView, key: string, told: (text: string) => void): void {
  const text = form.typing.get(key);
  form.typing.delete(key);
  if (text !== undefined) told(text.trim());
  form.panel.redraw();
}

function leave(form: FormView, key: string, event: Event): void {
  form.typing.delete(key);
  form.panel.draw();
  (event.target as Box).blur();
}
