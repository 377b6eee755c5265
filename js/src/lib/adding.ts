// Adding images: type a path, look, see what is there and how it is read, use it. What is not clear is asked, and each
// other reading is one click away. Every panel that adds images draws this part; it asks the panel for the rest.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./adding.css";
import type { Adding, Picture, Reading } from "../contracts";

/** A path, the folder of its images where that is another one, and the key of the reading that was chosen, or "". */
export interface Where { path: string; root: string; reading: string }

/** What the part keeps between drawings, and what its buttons are called and do. */
export interface Adder {
  local: { path: string; root?: string };
  /** Of the button that adds: "Use these images", "As a new data set". */
  use: string;
  /** Name of the data set that the images may go into, empty for none. */
  into: string;
  redraw(): void;
  look(where: Where): void;
  add(where: Where, into: boolean): void;
  stop(): void;
  /** Puts the part away; a part that always stands there has none. */
  close?(): void;
}

export const PATH = "nbt-adding-path";
const KINDS = "A folder with one folder per class, a table, an archive, annotations (COCO, YOLO, Pascal VOC, Label Studio), or a Dataset of your own as module:name.";

/** Called before a panel draws: where the part goes with the focus in it, the first of `places` takes that along. */
export function takeAlong(el: HTMLElement, ...places: string[]): void {
  if (!el.querySelector(".adding")?.contains(document.activeElement)) return;
  queueMicrotask(() => {
    if (!el.querySelector(".adding")) places.map((place) => el.querySelector<HTMLElement>(place)).find((found) => found)?.focus();
  });
}

/** Facts that a person should not pass over. */
const HEEDED = ["not used", "note"];

/** How far it is: a bar that fills where that is known, and moves where it is not. */
function busy({ text, fraction }: Adding): TemplateResult {
  const share = fraction ?? null;
  return html`<div class="bar ${share === null ? "unknown" : ""}" role="progressbar" aria-label="Adding images" aria-valuenow=${share === null ? nothing : Math.round(100 * share)}>
      <i style="width:${100 * (share ?? 0.3)}%"></i></div><p class="small mut num" role="status">${text}</p>`;
}

/** The part as it stands: a box for the path, what was found there, and what can be done with it. */
export function addingPart(found: Adding, { local, use, into, redraw, look, add, stop, close }: Adder): TemplateResult {
  const here = found.path === local.path.trim() && found.path !== "";
  const where = (reading = ""): Where => ({ path: local.path.trim(), root: local.root?.trim() ?? "", reading });
  const asked = here && !!found.questions?.length;
  const shown = here ? (found.reading ?? "") : "";
  const ask = (): void => { if (local.path.trim() && !found.busy) look(where()); };
  const enter = (): void => { if (here && found.ok && !found.busy) add(where(shown), false); else ask(); };
  const leave = (): void => { if (found.busy) stop(); else close?.(); };
  // Buttons go while it works, and once an answer is given: Enter in the box then uses the images, Escape gives up.
  const toBox = (event: Event): void => (event.currentTarget as HTMLElement).closest(".adding")?.querySelector<HTMLElement>(`#${PATH}`)?.focus();
  const read: Read = (key) => (event) => { if (!found.busy) { look(where(key)); toBox(event); } };
  return html`<div class="adding">
    <label for=${PATH}><b>Add images</b></label>
    <input id=${PATH} placeholder="folder, archive, CSV, COCO, YOLO, VOC, …" autocomplete="off" spellcheck="false" .value=${live(local.path)}
      @input=${(e: Event) => { Object.assign(local, { path: (e.target as HTMLInputElement).value, root: "" }); redraw(); }} @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") enter(); if (e.key === "Escape") leave(); }}>
    ${here && found.facts?.length ? nothing : html`<span class="small mut">${KINDS}</span>`}
    ${here && found.lines?.length ? html`<p class="said ${found.ok ? "" : "bad"}" role=${found.ok ? "status" : "alert"}>${found.lines.join("\n")}</p>` : nothing}
    ${here ? html`${facts(found.facts ?? [])}${question(found, read)}${pictures(found.pictures ?? [])}${otherwise(found, read)}` : nothing}
    ${found.busy ? busy(found) : here && found.said ? html`<p class="small mut" role="status">${found.said}</p>` : nothing}
    ${here && (found.elsewhere || local.root) ? rootBox(local, ask) : nothing}
    ${asked && !found.busy && !close ? nothing : html`<div class="row">${found.busy || asked ? nothing : here && found.ok ? html`<button class="primary" @click=${(e: Event) => { toBox(e); add(where(shown), false); }}>${use}</button>
        ${into ? html`<button @click=${(e: Event) => { toBox(e); add(where(shown), true); }}>Into “${into}”</button>` : nothing}`
      : html`<button class="primary" ?disabled=${!local.path.trim()} @click=${(e: Event) => { toBox(e); ask(); }}>Look</button>`}
      ${found.busy || close ? html`<button class=${found.busy ? "" : "plain"} @click=${(e: Event) => { toBox(e); leave(); }}>Cancel</button>` : nothing}</div>`}</div>`;
}

/** What was found, as the reader says it: first what it is and where it lies, then each thing by its name. */
function facts([what, ...more]: [string, string][]): TemplateResult | typeof nothing {
  if (!what) return nothing;
  return html`<div class="found" role="status"><p><b>${what[0]}</b> <span class="mut">${what[1]}</span></p>
    <dl>${more.map(([label, text], place) => html`${label === more[place - 1]?.[0] ? nothing : html`<dt class=${HEEDED.includes(label) ? "warn" : ""}>${label}</dt>`}<dd>${text}</dd>`)}</dl></div>`;
}

/** A few images with their labels: whether they are what a person means is seen at a glance. */
function pictures(list: Picture[]): TemplateResult | typeof nothing {
  if (!list.length) return nothing;
  return html`<ul class="pictures" aria-label="Some of the images">${list.map(({ src, file, labels }) => html`<li title="${file}: ${labels || "no label"}">
    ${src ? html`<img src=${src} alt=${file}>` : html`<span class="none small dim">cannot be read</span>`}<span class="small label ${labels ? "" : "dim"}">${labels || "no label"}</span></li>`)}</ul>`;
}

type Read = (key: string) => (event: Event) => void;

/** The question that is open, with a button for each answer. */
function question({ busy, questions = [], readings = [] }: Adding, read: Read): TemplateResult | typeof nothing {
  const asked = questions[0];
  if (!asked) return nothing;
  const answer = ({ key, title, why }: Reading): TemplateResult => html`<button ?disabled=${busy} @click=${read(key)}><b>${title}</b><span class="small mut">${why}</span></button>`;
  return html`<div class="asked note warn" role="group" aria-label=${asked.text}><p><b>${asked.text}</b></p>${readings.filter(({ key }) => asked.readings.includes(key)).map(answer)}</div>`;
}

/** The other ways to read what is there, also those that answers have left: the way back. */
function otherwise({ busy, questions = [], readings = [], reading }: Adding, read: Read): TemplateResult | typeof nothing {
  const others = readings.filter(({ key }) => key !== reading && !questions[0]?.readings.includes(key));
  return others.length ? html`<p class="small mut otherwise">Read otherwise: ${others.map(({ key, title, why }) => html`<button class="link" title=${why} ?disabled=${busy} @click=${read(key)}>${title}</button>`)}</p>` : nothing;
}

/** Annotations may name images elsewhere: a person says where, nothing is followed unasked. */
function rootBox(local: Adder["local"], ask: () => void): TemplateResult {
  return html`<label for="${PATH}-root"><b>Folder of the images</b></label>
    <input id="${PATH}-root" placeholder="the folder that holds all of them" autocomplete="off" spellcheck="false" .value=${live(local.root ?? "")}
      @input=${(e: Event) => { local.root = (e.target as HTMLInputElement).value; }} @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") ask(); }}>`;
}
