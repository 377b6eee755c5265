// The fourth step: a name, a preset and the few fields that matter most, with the form's own controls.
import { html, nothing, type TemplateResult } from "lit-html";
import type { GuidePanel } from "../contracts";
import { row } from "../form/controls";
import { FormView } from "../form/view";
import type { Panel } from "../lib/panel";
import { type Show, lacking, missingOf, nameBox } from "./view";

/** What the form's controls ask of a form and a draft does not have. */
const NONE: Record<string, unknown> = { editable: true, live: false, changed: {}, autos: {}, advice: [], band: {}, measured: {}, problems: [], hidden: [] };

/** The guide's fields as the form's controls see them. */
export function fieldsOf(panel: Panel<GuidePanel>): FormView {
  const seen = {
    model: panel.model, signal: panel.signal, redraw: panel.redraw,
    get el(): HTMLElement { return panel.el.querySelector<HTMLElement>(".nbt-form") ?? panel.el; },
    get: (name: string): unknown => (name in NONE ? NONE[name] : panel.get(name as keyof GuidePanel)),
    send: (what: string, content: Record<string, unknown> = {}): void => { // what else a form asks for, a draft does not have
      if (what === "set") panel.send("set", content);
      if (what === "catalog") panel.send("catalog", content);
    },
    on: (event: string, handler: () => void): void => panel.on(event, handler),
  };
  return new FormView(seen as any);
}

export function configurationStep({ panel, form }: Show): TemplateResult {
  const presets = panel.get("presets");
  const own = panel.get("own");
  return html`<h3>How should it learn?</h3>
    <div class="named"><label for="nbt-guide-name">Name</label>${nameBox("nbt-guide-name", panel.get("name"), "Name of the experiment", (name) => panel.send("name", { name }))}</div>
    <div class="presets" role="group" aria-label="Preset">${presets.map((one) => html`<button class="option ${one.on ? "on" : ""}" aria-pressed=${one.on ? "true" : "false"} @click=${() => panel.send("preset", { key: one.on ? "" : one.key })}>
      <b>${one.label}</b><span class="mut">${one.about}</span></button>`)}</div>
    <div class="nbt-form"><div class="fields">${panel.get("fields").map((field) => html`<div class="one">${row(form, field)}${own.includes(field.path)
      ? html`<button class="icon" title="Take it as the preset has it" aria-label="Reset ${field.label}" @click=${() => panel.send("unset", { path: field.path })}>↺</button>` : nothing}</div>`)}</div></div>
    ${lacking(missingOf(panel, "configuration"))}
    <p class="mut">All other settings stay as preset and defaults have them. Create opens the experiment in its form, where each can be changed before training.</p>`;
}
