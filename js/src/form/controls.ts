// One control per type of field, each a function of the field's description and the synced value.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { FormField } from "../contracts";
import { typed } from "../lib/format";
import { beside } from "./advice";
import { partsList } from "./parts";
import { picker } from "./picker";
import { type FormView, readText } from "./view";

const SLIDER_STEPS = 1000;
const FEW = 12;

/** One row of the form: label with its tip, control, message. */
export function row(form: FormView, field: FormField): TemplateResult {
  const message = form.message(field.path);
  const wide = field.type === "parts";
  const id = idOf(form, field.path);
  const label = wide
    ? html`<span class="label" id="${id}-label">${field.label}</span>`
    : html`<label for=${id} id="${id}-label">${field.label}</label>`;
  return html`<div class="field ${wide ? "wide" : ""} ${message ? "refused" : ""}" data-path=${field.path}>
    ${label}${field.help ? html`<span class="tip" id="${id}-tip" role="tooltip">${field.help}</span>` : nothing}
    <div class="control">${control(form, field, id)}</div>
    ${became(form, field)}
    ${message ? html`<span class="message" id="${id}-message" role="alert">${message}</span>` : nothing}${beside(form, field, toPlace)}
    ${form.changed(field.path) ? html`<span class="changed" aria-live="polite">${form.changed(field.path)}</span>` : nothing}</div>`;
}

/** What an auto became, why, and in whose run. */
function became(form: FormView, field: FormField): TemplateResult | typeof nothing {
  const auto = form.panel.get("autos")[field.path];
  if (auto?.value === undefined || form.value(field.path) !== "auto") return nothing;
  const where = auto.source ? html` <span class="dim">in “${auto.source}”</span>` : nothing;
  return html`<span class="became">→ <b class="num">${auto.value}</b>${where}${auto.reason ? html` · ${auto.reason}` : nothing}</span>`;
}

/** An id that is unique on the page, also with two views of one form. */
export const idOf = (form: FormView, path: string): string => {
  const root = form.panel.el;
  root.id ||= `nbt-form-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  return `${root.id}-${path}`;
};

function control(form: FormView, field: FormField, id: string): TemplateResult {
  switch (field.type) {
    case "bool": return checkbox(form, field, id);
    case "kind": return select(form, field, id);
    case "choice": return (field.choices?.length ?? 0) > FEW || field.searchable ? picker(form, field, id) : select(form, field, id);
    case "text": return field.choices || field.searchable ? choosable(form, field, id) : textBox(form, field, id, "");
    case "parts": return partsList(form, field);
    default: return number(form, field, id);
  }
}

const choosable = (form: FormView, field: FormField, id: string): TemplateResult =>
  field.searchable || (field.choices?.length ?? 0) > FEW ? picker(form, field, id) : select(form, field, id);

function checkbox(form: FormView, field: FormField, id: string): TemplateResult {
  return html`<input type="checkbox" id=${id} ?disabled=${!form.can(field)} .checked=${live(Boolean(form.value(field.path)))} aria-describedby="${id}-tip"
    @change=${(e: Event) => form.now(field.path, (e.target as HTMLInputElement).checked)}>`;
}

function select(form: FormView, field: FormField, id: string): TemplateResult {
  const value = form.panel.get("refused")[field.path]?.text ?? form.value(field.path);
  const choices = field.choices ?? [];
  const known = choices.some((choice) => choice.value === value);
  const hint = choices.find((choice) => choice.value === value)?.hint ?? "";
  return html`<select id=${id} ?disabled=${!form.can(field)} title=${hint} aria-describedby="${id}-tip" .value=${live(String(value ?? ""))}
      @change=${(e: Event) => form.now(field.path, (e.target as HTMLSelectElement).value)}>
    ${known ? nothing : html`<option value=${String(value ?? "")} selected>${value || "choose…"}</option>`}
    ${choices.map((choice) => html`<option value=${choice.value} ?selected=${choice.value === value}>${choice.label}</option>`)}</select>`;
}

function textBox(form: FormView, field: FormField, id: string, kind: string): TemplateResult {
  const refused = form.panel.get("refused")[field.path];
  const text = form.typing.get(field.path) ?? (refused ? typed(refused.text) : typed(form.value(field.path)));
  const read = readText(field);
  return html`<input id=${id} class="${kind} num" autocomplete="off" spellcheck="false" ?disabled=${!form.can(field)} .value=${live(text)}
    inputmode=${kind ? "decimal" : "text"} aria-invalid=${refused ? "true" : "false"} aria-describedby="${id}-tip ${id}-message"
    @input=${(e: Event) => { const now = (e.target as HTMLInputElement).value; form.typing.set(field.path, now); form.later(field.path, read(now)); }}
    @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") form.drop(field.path); if (e.key === "Enter") form.last(field.path, read((e.target as HTMLInputElement).value)); }}
    @blur=${() => form.end(field.path, read)}>`;
}

function number(form: FormView, field: FormField, id: string): TemplateResult {
  const value = form.value(field.path);
  const isAuto = field.auto && value === "auto";
  const box = isAuto
    ? html`<input class="number" id=${id} disabled value="auto">`
    : textBox(form, field, id, field.type === "numbers" ? "" : "number");
  const unit = field.unit && !["ratio", "factor", "number"].includes(field.unit) ? field.unit : "";
  return html`${box}
    ${field.auto ? html`<button type="button" class="auto" aria-pressed=${isAuto ? "true" : "false"} ?disabled=${!form.can(field)}
      title="Let nbtrain choose; what it chose is shown and recorded" @click=${() => form.now(field.path, isAuto ? manual(form, field) : "auto")}>auto</button>` : nothing}
    ${field.soft && !isAuto && field.type !== "numbers" ? slider(form, field, Number(value)) : nothing}
    ${unit ? html`<span class="unit">${unit}</span>` : nothing}`;
}

/** The number to start from when auto is switched off: the one of before, what auto became, or a legal one. */
const manual = (form: FormView, field: FormField): number => {
  const known = form.panel.get("autos")[field.path]?.manual;
  if (typeof known === "number") return known;
  return typeof field.default === "number" ? field.default : (field.soft?.[0] ?? field.minimum ?? 1);
};

function slider(form: FormView, field: FormField, value: number): TemplateResult {
  const place = Number.isFinite(value) ? toPlace(field, value) : 0;
  const move = (event: Event): void => {
    const next = fromPlace(field, Number((event.target as HTMLInputElement).value));
    form.typing.set(field.path, typed(next));
    form.later(field.path, next);
    form.panel.redraw();
  };
  const drop = (event: Event): void => {
    form.typing.delete(field.path);
    form.last(field.path, fromPlace(field, Number((event.target as HTMLInputElement).value)));
  };
  return html`<input type="range" class="grow" min="0" max=${SLIDER_STEPS} step="1" .value=${live(String(place))} ?disabled=${!form.can(field)}
    aria-label="${field.label}, slider" aria-valuetext=${typed(value)} tabindex="-1" @input=${move} @change=${drop}>`;
}

/** The slider's place (0…1000) for a value, logarithmic where the field says so. */
export function toPlace(field: FormField, value: number): number {
  const [low, high] = field.soft ?? [0, 1];
  const share = field.log ? Math.log(Math.max(value, 1e-300) / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.round(SLIDER_STEPS * Math.min(1, Math.max(0, share)));
}

/** The value at a slider's place, in few digits. */
export function fromPlace(field: FormField, place: number): number {
  const [low, high] = field.soft ?? [0, 1];
  const share = place / SLIDER_STEPS;
  const value = field.log ? low * (high / low) ** share : low + (high - low) * share;
  return field.type === "int" ? Math.round(value) : Number(value.toPrecision(2));
}
