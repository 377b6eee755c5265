// Boxes above the fields: a preset before it is used, settings side by side, and a file that somebody else has changed.
import { html, nothing, type TemplateResult } from "lit-html";
import type { SideBySide } from "../contracts";
import { jump } from "./jump";
import type { FormView } from "./view";

/** What a preset would change, and why. */
export function presetBox(form: FormView): TemplateResult {
  const { panel } = form;
  const one = panel.get("preset");
  const rows = one.rows ?? [];
  const close = (): void => panel.send("preset", { key: "" });
  return html`<div class="box" role="group" aria-label="Preset ${one.label}">
    <div class="row"><b class="grow">${one.label}</b><button type="button" class="icon" aria-label="Close" @click=${close}>✕</button></div>
    <p class="mut small">${one.about}</p>
    ${rows.length ? html`<div class="scroll"><table class="changes"><thead><tr><th>Setting</th><th>Now</th><th>Then</th></tr></thead><tbody>${rows.map((row) => html`<tr>
        <td>${row.label}${row.why ? html`<span class="why">${row.why}</span>` : nothing}</td><td class="num">${row.here}</td><td class="num new">${row.there}</td></tr>`)}</tbody></table></div>`
      : html`<p>Everything that it sets is set like this already.</p>`}
    <div class="row actions">${rows.length ? html`<button type="button" class="primary" @click=${() => panel.send("apply_preset", { key: one.key })}>Use this preset</button>` : nothing}
      <button type="button" @click=${close}>${rows.length ? "Cancel" : "Close"}</button></div></div>`;
}

/** The settings in which compared experiments differ. */
export function compareBox(form: FormView): TemplateResult {
  const { names = [], rows = [] } = form.panel.get("compared");
  const close = (): void => { form.sheet = ""; form.panel.redraw(); };
  return html`<div class="box" role="group" aria-label="Compared settings">
    <div class="row"><b class="grow">Compared settings</b><button type="button" class="icon" aria-label="Close" @click=${close}>✕</button></div>
    ${rows.length ? sideBySide(form, names, rows) : html`<p class="mut">All settings are equal.</p>`}</div>`;
}

/** A file that cannot be used, or two versions to choose from. */
export function outsideBox(form: FormView): TemplateResult {
  const { panel } = form;
  const { reason = "", rows = [] } = panel.get("outside");
  const mine = html`<button type="button" @click=${() => panel.send("keep_mine")}>${reason ? "Write this version to the file" : "Keep mine"}</button>`;
  if (reason) {
    return html`<div class="box warned" role="alert"><p><b>The experiment's file was changed and cannot be used.</b> The last good configuration stands. It is picked up as soon as it is put right.</p>
      <p class="small told">${reason}</p><div class="row actions">${mine}</div></div>`;
  }
  return html`<div class="box warned" role="alert"><p><b>Somebody else has changed this experiment's file,</b> and there are edits here that are not saved.</p>
    ${sideBySide(form, ["Mine", "Theirs"], rows)}
    <div class="row actions">${mine}<button type="button" @click=${() => panel.send("take_theirs")}>Take theirs</button></div></div>`;
}

function sideBySide(form: FormView, names: string[], rows: SideBySide[]): TemplateResult {
  return html`<div class="scroll"><table class="changes"><thead><tr><th>Setting</th>${names.map((name) => html`<th class="cut" title=${name}>${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><td>${row.path ? html`<button type="button" class="link" @click=${() => jump(form, row.path)}>${row.label}</button>` : row.label}</td>
      ${row.values.map((value, index) => html`<td class="num ${index && value !== row.values[0] ? "new" : ""}">${value}</td>`)}</tr>`)}</tbody></table></div>`;
}
