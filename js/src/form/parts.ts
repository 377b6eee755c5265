// An ordered list of parts (transforms): add from a search, drag or move by keys, switch off, remove, reset, and each
// part's own parameters.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./parts.css";
import type { Choice, FormField } from "../contracts";
import { counted } from "../lib/format";
import { row } from "./controls";
import { drag } from "./drag";
import { choose } from "./picker";
import { word } from "./summary";
import type { FormView } from "./view";

type Part = Record<string, any> & { kind: string };
const SWITCHES = ["enabled", "on"];
/** What was done last, for who cannot see the rows move. */
const words = new WeakMap<FormView, string>();
/** A list that is on its way to Python: it is shown at once, and the next key acts on it. `from` are places in the old one. */
interface Held { parts: Part[]; from: number[] }
const held = new WeakMap<FormView, Map<string, Held>>();
const HELD_MS = 2000;

/** The list at `field`, whose value is a list of plain parts. */
export function partsList(form: FormView, field: FormField): TemplateResult {
  const { parts, from } = present(form, field);
  const start = field.default as Part[] | null;
  const add = (choice: Choice): void => {
    form.open.set(`${field.path}.${parts.length}`, true);
    say(form, `${choice.label} added at place ${parts.length + 1}.`);
    hold(form, field, [...parts, { kind: choice.value }], [...from, -1]);
  };
  const reset = (): void => { fold(form, field, parts.length); say(form, "Reset."); hold(form, field, start ?? [], (start ?? []).map(() => -1)); };
  return html`<div class="grow parts"><div class="list" role="list" aria-label=${field.label}>
    ${parts.length ? parts.map((part, index) => partView(form, field, { parts, from }, part, index)) : html`<div class="none" role="listitem">${field.path.startsWith("augmentation.") ? "Nothing: images are used as they are." : "None."}</div>`}</div>
    ${form.editable ? html`<div class="row"><button type="button" class="add" aria-haspopup="listbox" @click=${(e: Event) => choose(form, field, e.currentTarget as HTMLElement, add)}>+ Add…</button>
      ${start?.length ? html`<button type="button" class="plain" ?disabled=${same(parts, start)} title="Back to the task's defaults: ${start.map((one) => nameOf(field, one)).join(", ")}" @click=${reset}>Reset</button>` : nothing}
      ${field.path.startsWith("augmentation.") && parts.length > 1 ? html`<span class="dim small cut grow keys">${counted(parts.filter((one) => one.enabled !== false).length, "step")} in order · Alt ↑ ↓ moves</span>` : nothing}</div>` : nothing}
    <span class="hidden-text" aria-live="polite">${words.get(form) ?? ""}</span></div>`;
}

function partView(form: FormView, field: FormField, list: Held, part: Part, index: number): TemplateResult {
  const { parts, from } = list;
  const path = `${field.path}.${index}`;
  const known = `${field.path}.${from[index]}`;
  const own = form.panel.get("sections").flatMap((section) => section.fields)
    .filter((one) => one.path.startsWith(`${known}.`) && one.type !== "kind" && !form.panel.get("hidden").includes(one.path));
  const toggle = SWITCHES.find((name) => own.some((one) => one.path === `${known}.${name}`));
  const settings = own.filter((one) => one.path !== `${known}.${toggle}`);
  const label = nameOf(field, part);
  const wrong = form.message(path) || settings.some((one) => form.message(one.path));
  const remark = form.panel.get("preview").rows?.[path] ?? "";
  const isOpen = form.isOpen(path) || settings.some((one) => form.message(one.path));
  const off = toggle !== undefined && part[toggle] === false;
  const move = (to: number): void => shift(form, field, list, index, to);
  const remove = (): void => {
    fold(form, field, parts.length);
    say(form, `${label} removed.`);
    hold(form, field, parts.filter((_, at) => at !== index), from.filter((_, at) => at !== index));
  };
  const keys = (event: KeyboardEvent): void => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !form.editable || !(event.altKey || (event.target as Element).classList.contains("handle"))) return;
    event.preventDefault();
    event.stopPropagation();
    if (!parts[index + step]) return;
    move(index + step);
    focusOn(form, `${field.path}.${index + step}`, event.target as HTMLElement);
  };
  return html`<div class="part ${off ? "off" : ""} ${wrong ? "wrong" : ""}" role="listitem" data-part=${path} @keydown=${keys}><div class="row">
      ${form.editable ? html`<button type="button" class="icon handle" aria-label="Move ${label}: place ${index + 1} of ${parts.length}. Arrow keys move it." title="Drag, or Alt with ↑ and ↓" ?disabled=${parts.length < 2}
        @pointerdown=${(e: PointerEvent) => drag(e, move)}>⠿</button>` : nothing}
      ${toggle ? html`<input type="checkbox" .checked=${live(!off)} ?disabled=${!form.editable} aria-label="Use ${label}" title="On or off"
        @change=${(e: Event) => form.now(`${path}.${toggle}`, (e.target as HTMLInputElement).checked)}>` : nothing}
      <button type="button" class="name" aria-expanded=${isOpen ? "true" : "false"} ?disabled=${!settings.length} title=${field.choices?.find((one) => one.value === part.kind)?.hint ?? ""} @click=${() => form.setOpen(path, !isOpen)}>
        <span>${label}</span><span class="mut cut">${settings.map((one) => word(one, form.panel.get("values"))).filter(Boolean).slice(0, 3).join(" · ")}</span></button>
      ${form.editable ? html`<button type="button" class="icon" aria-label="Remove ${label}" title="Remove" @click=${remove}>✕</button>` : nothing}</div>
    ${form.message(path) ? html`<span class="message" role="alert">${form.message(path)}</span>` : nothing}
    ${remark ? html`<span class="message remark" role="note">${remark}</span>` : nothing}
    ${isOpen && settings.length ? html`<div class="fields">${settings.map((one) => row(form, one))}</div>` : nothing}</div>`;
}

/** Moves a part, and what is unfolded with it. */
function shift(form: FormView, field: FormField, list: Held, place: number, to: number): void {
  const { parts, from } = list;
  const open = moved(parts.map((_, index) => form.isOpen(`${field.path}.${index}`)), place, to);
  open.forEach((isOpen, index) => form.open.set(`${field.path}.${index}`, isOpen));
  say(form, `${nameOf(field, parts[place]!)} is now at place ${to + 1} of ${parts.length}.`);
  hold(form, field, moved(parts, place, to), moved(from, place, to));
}

/** The list to show and to act on: what was done last counts, also before Python has answered. */
function present(form: FormView, field: FormField): Held {
  const parts = (form.value(field.path) ?? []) as Part[];
  const mine = held.get(form)?.get(field.path);
  if (mine && kinds(mine.parts) !== kinds(parts)) return mine;
  held.get(form)?.delete(field.path);
  return { parts, from: parts.map((_, index) => index) };
}

function hold(form: FormView, field: FormField, parts: Part[], from: number[]): void {
  const mine = { parts, from };
  const all = held.get(form) ?? new Map<string, Held>();
  held.set(form, all.set(field.path, mine));
  setTimeout(() => { if (all.get(field.path) === mine) { all.delete(field.path); form.panel.redraw(); } }, HELD_MS); // refused
  form.now(field.path, parts);
  form.panel.draw();
}

const kinds = (parts: Part[]): string => parts.map((part) => part.kind).join();

const fold = (form: FormView, field: FormField, length: number): void => { for (let at = 0; at < length; at += 1) form.open.set(`${field.path}.${at}`, false); };

function say(form: FormView, text: string): void {
  words.set(form, text);
  form.panel.redraw();
}

/** Puts the focus on the row that was moved. */
function focusOn(form: FormView, path: string, from: HTMLElement): void {
  const which = from.classList.contains("handle") ? ".handle" : ".name";
  form.panel.el.querySelector<HTMLElement>(`[data-part="${CSS.escape(path)}"] ${which}`)?.focus();
}

const nameOf = (field: FormField, part: Part): string => field.choices?.find((choice) => choice.value === part.kind)?.label ?? part.kind;
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** A copy of the list with one entry moved. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}
