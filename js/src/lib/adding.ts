// Adding images: type a path, look, see what is there, use it. Every panel that adds images draws this part; it knows
// what was found, and asks the panel for the rest.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./adding.css";
import type { Adding } from "../contracts";

/** What the part keeps between drawings, and what its buttons are called and do. */
export interface Adder {
  local: { path: string; root?: string };
  /** Of the button that adds: "Use these images", "As a new data set". */
  use: string;
  /** Name of the data set that the images may go into, empty for none. */
  into: string;
  redraw(): void;
  look(path: string, root: string): void;
  add(path: string, into: boolean, root: string): void;
  stop(): void;
  /** Puts the part away; a part that always stands there has none. */
  close?(): void;
}

export const PATH = "nbt-adding-path";
const KINDS = "A folder with one folder per class, a table, an archive, annotations (COCO, YOLO, Pascal VOC, Label Studio), or a Dataset of your own as module:name.";

/** How far it is: a bar that fills where that is known, and moves where it is not. */
function busy({ text, fraction }: Adding): TemplateResult {
  const share = fraction ?? null;
  return html`<div class="bar ${share === null ? "unknown" : ""}" role="progressbar" aria-label="Adding images" aria-valuenow=${share === null ? nothing : Math.round(100 * share)}>
      <i style="width:${100 * (share ?? 0.3)}%"></i></div><p class="small mut num" role="status">${text}</p>`;
}

/** The part as it stands: a box for the path, what was found there, and what can be done with it. */
export function addingPart(found: Adding, { local, use, into, redraw, look, add, stop, close }: Adder): TemplateResult {
  const here = found.path === local.path.trim() && found.path !== "";
  const ask = (): void => { if (local.path.trim() && !found.busy) look(local.path.trim(), local.root?.trim() ?? ""); };
  const enter = (): void => { if (here && found.ok && !found.busy) add(local.path.trim(), false, local.root?.trim() ?? ""); else ask(); };
  const leave = (): void => { if (found.busy) stop(); else close?.(); };
  return html`<div class="adding">
    <label for=${PATH}><b>Add images</b></label>
    <input id=${PATH} placeholder="folder, archive, CSV, COCO, YOLO, VOC, …" autocomplete="off" spellcheck="false" .value=${live(local.path)}
      @input=${(e: Event) => { Object.assign(local, { path: (e.target as HTMLInputElement).value, root: "" }); redraw(); }} @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") enter(); if (e.key === "Escape") leave(); }}>
    <span class="small mut">${KINDS}</span>
    ${here && found.lines ? html`<pre class="found ${found.ok ? "" : "bad"}" role=${found.ok ? "status" : "alert"}>${found.lines.join("\n")}</pre>` : nothing}
    ${found.busy ? busy(found) : here && found.said ? html`<p class="small mut" role="status">${found.said}</p>` : nothing}
    ${here && (found.elsewhere || local.root) ? rootBox(local, ask) : nothing}
    <div class="row">${found.busy ? nothing : here && found.ok ? html`<button class="primary" @click=${() => add(local.path.trim(), false, local.root?.trim() ?? "")}>${use}</button>
        ${into ? html`<button @click=${() => add(local.path.trim(), true, local.root?.trim() ?? "")}>Into “${into}”</button>` : nothing}`
      : html`<button class="primary" ?disabled=${!local.path.trim()} @click=${ask}>Look</button>`}
      ${found.busy || close ? html`<button class=${found.busy ? "" : "plain"} @click=${leave}>Cancel</button>` : nothing}</div></div>`;
}

/** Annotations may name images elsewhere: a person says where, nothing is followed unasked. */
function rootBox(local: Adder["local"], ask: () => void): TemplateResult {
  return html`<label for="${PATH}-root"><b>Folder of the images</b></label>
    <input id="${PATH}-root" placeholder="the folder that holds all of them" autocomplete="off" spellcheck="false" .value=${live(local.root ?? "")}
      @input=${(e: Event) => { local.root = (e.target as HTMLInputElement).value; }} @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") ask(); }}>`;
}
