// Images to look through: only the rows that are seen are in the page, and pictures come in chunks as one scrolls.
// Click, Ctrl and Shift select, arrows move, digits give a class, Enter opens one large. Twin of ui/gallery.py.
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import "./gallery.css";
import type { Gallery, Tile } from "./contracts";
import { counted, grouped } from "./lib/format";
import { attend } from "./lib/attend";
import { type Panel, widget } from "./lib/panel";

const CHUNK = 48; // images per request
const KEPT = 60; // chunks that are kept: the oldest go first
const TILE_PX = 124, LABEL_PX = 20, GAP_PX = 8;
const OVERSCAN = 2; // rows drawn above and below what is seen

interface Entry extends Tile { url: string }
interface Message { rows?: { version: number; first: number; tiles: Tile[] }; large?: { file: string } }

interface State {
  chunks: Map<number, Entry[] | null>; // null: asked for
  stale: Set<number>; // chunks of the list before an edit: shown until they have come again
  picked: Map<number, string>; // files by place: what was clicked, whatever stands there by now
  at: number; // the image that has the keyboard's attention
  anchor: number; // where a range begins
  large: string; // address of the large picture
  top: number;
  width: number;
  height: number;
  leaving: boolean;
}

function prepare(panel: Panel<Gallery>): () => TemplateResult {
  const state: State = { chunks: new Map(), stale: new Set(), picked: new Map(), at: 0, anchor: 0, large: "", top: 0, width: 0, height: 0, leaving: false };
  const forget = (): void => {
    for (const chunk of state.chunks.values()) for (const entry of chunk ?? []) URL.revokeObjectURL(entry.url);
    state.chunks.clear();
    state.stale.clear();
  };
  const anew = (): void => { forget(); state.picked.clear(); state.at = state.anchor = 0; panel.el.querySelector(".view")?.scrollTo({ top: 0 }); panel.redraw(); };
  const listOf = (): string => JSON.stringify([panel.get("query"), panel.get("title")]);
  let query = listOf();
  panel.on("change:version", () => { // an edit leaves one where one is; another query, or another list, begins at its top
    const now = listOf();
    if (now !== query) { query = now; anew(); } else { state.stale = new Set(state.chunks.keys()); panel.redraw(); }
  });
  panel.on("msg:custom", (message: Message, buffers: DataView[] = []) => {
    if (message.rows) take(state, message.rows, buffers, panel.get("version"));
    if (message.large && message.large.file === panel.get("opened").file && buffers[0]) {
      URL.revokeObjectURL(state.large);
      state.large = URL.createObjectURL(new Blob([part(buffers[0])], { type: "image/jpeg" }));
    }
    panel.redraw();
  });
  panel.on("change:opened", () => { URL.revokeObjectURL(state.large); state.large = ""; panel.draw(); panel.el.querySelector<HTMLElement>(".large .close")?.focus(); });
  panel.signal.addEventListener("abort", () => { forget(); URL.revokeObjectURL(state.large); });
  measureWidth(panel, state);
  const asked = attend(panel);
  const back = (): TemplateResult | typeof nothing => {
    const go = asked.back();
    return go ? html`<button class="plain small" title="To where these images were asked for" @click=${go}>↑ Back</button>` : nothing;
  };
  // without a data set, or an evaluation, there is nothing to look through: the panel beside it says what to do
  return () => !panel.get("editable") && panel.get("total") === 0 ? html`${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}` : html`${panel.get("title") ? html`<div class="row title-row"><h3 class="title cut">${panel.get("title")}</h3>${back()}${panel.get("can_widen") ? html`<button class="plain small" @click=${() => panel.send("widen")}>× Show all images</button>` : nothing}</div>` : nothing}${filters(panel)}${bar(panel, state)}
    ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
    ${panel.get("opened").file ? large(panel, state) : nothing}
    ${view(panel, state)}`;
}

/** Bytes of their own: the message's buffer goes. */
const part = (view: DataView): Uint8Array<ArrayBuffer> => new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);

function take(state: State, rows: NonNullable<Message["rows"]>, buffers: DataView[], version: number): void {
  if (rows.version !== version) return; // of a list that has changed since: asked for again by the next drawing
  const key = rows.first / CHUNK;
  for (const entry of state.chunks.get(key) ?? []) URL.revokeObjectURL(entry.url);
  state.chunks.delete(key);
  if (!rows.tiles.length) return; // overtaken by newer wishes: asked for again when it is seen
  const urls = buffers.map((bytes) => bytes.byteLength ? URL.createObjectURL(new Blob([part(bytes)], { type: "image/jpeg" })) : "");
  state.chunks.set(key, rows.tiles.map((tile, place) => ({ ...tile, url: urls[place] ?? "" })));
  for (const [place, file] of state.picked) // an edit has moved it: nothing is done to what stands there now
    if (Math.floor(place / CHUNK) === key && entryAt(state, place)?.file !== file) state.picked.delete(place);
  for (const [oldest, chunk] of state.chunks) {
    if (state.chunks.size <= KEPT) break;
    for (const entry of chunk ?? []) URL.revokeObjectURL(entry.url);
    state.chunks.delete(oldest);
  }
}

function measureWidth(panel: Panel<Gallery>, state: State): void {
  const look = (): void => {
    const place = panel.el.querySelector<HTMLElement>(".view");
    if (!place || (place.clientWidth === state.width && place.clientHeight === state.height)) return;
    [state.width, state.height] = [place.clientWidth, place.clientHeight];
    panel.redraw();
  };
  if (typeof ResizeObserver === "undefined") { [state.width, state.height] = [800, 600]; return; }
  const observer = new ResizeObserver(look);
  observer.observe(panel.el);
  panel.signal.addEventListener("abort", () => observer.disconnect());
}

/** How many images stand in a row, and how high a row is. */
export function grid(width_px: number, lines = 1): { columns: number; row_px: number; tile_px: number } {
  const columns = Math.max(2, Math.floor((width_px + GAP_PX) / (TILE_PX + GAP_PX)));
  const tile_px = Math.floor((width_px - (columns - 1) * GAP_PX) / columns);
  return { columns, tile_px, row_px: tile_px + lines * LABEL_PX + GAP_PX };
}

const entryAt = (state: State, place: number): Entry | undefined => state.chunks.get(Math.floor(place / CHUNK))?.[place % CHUNK];

function filters(panel: Panel<Gallery>): TemplateResult {
  const query = panel.get("query");
  const ask = (part: Partial<Gallery["query"]>): void => panel.send("find", { ...query, ...part });
  const select = (key: "label" | "part" | "problem", all: string, choices: Gallery["choices"]["labels"]): TemplateResult | typeof nothing => choices.length
    ? html`<select aria-label=${all} class=${query[key] ? "set" : ""} @change=${(e: Event) => ask({ [key]: (e.target as HTMLSelectElement).value })}>
      <option value="">${all}</option>${choices.map((one) => html`<option value=${one.value} ?selected=${one.value === query[key]}>${one.label} (${grouped(one.count)})</option>`)}</select>` : nothing;
  const { labels, parts, problems } = panel.get("choices");
  return html`<div class="row filters">
    <input type="search" placeholder="File name…" aria-label="Find by file name" .value=${query.words} @change=${(e: Event) => ask({ words: (e.target as HTMLInputElement).value })}
      @input=${(e: Event) => { const { value } = e.target as HTMLInputElement; if (value === "" || value.length > 1) ask({ words: value }); }}>
    ${select("label", "All classes", labels)}${select("part", "All sets", parts)}${select("problem", "All images", problems)}
    <span class="grow"></span><span class="mut num" role="status">${panel.get("count") === panel.get("total") ? counted(panel.get("total"), "image") : `${grouped(panel.get("count"))} of ${counted(panel.get("total"), "image")}`}</span></div>`;
}

function bar(panel: Panel<Gallery>, state: State): TemplateResult {
  const files = pickedFiles(state);
  const out = [...state.picked.keys()].every((place) => entryAt(state, place)?.left_out);
  const done = (): void => { state.picked.clear(); state.leaving = false; panel.redraw(); };
  const give = (event: Event): void => {
    const box = event.target as HTMLSelectElement;
    if (box.value) relabel(panel, state, [box.value]);
    box.value = "";
  };
  const reason = (): string => panel.el.querySelector<HTMLInputElement>("input.reason")?.value.trim() ?? "";
  const leave = (): void => { panel.send("exclude", { files, reason: reason() }); done(); };
  return html`<div class="row bar-of-edits">
    ${files.length ? html`<b class="num">${counted(files.length, "image")} selected</b>
      ${panel.get("editable") ? html`<select class="give" aria-label="Give the selected images a class" @change=${give}><option value="">Label as…</option>${panel.get("choices").labels.map((one, place) => html`<option value=${one.value}>${one.label}${place < 9 ? `  (${place + 1})` : ""}</option>`)}</select>
      ${out ? html`<button @click=${() => { panel.send("include", { files }); done(); }}>Take in again</button>`
        : state.leaving ? html`<input class="reason" placeholder="Reason (optional)" aria-label="Reason" maxlength="200" @keydown=${(e: KeyboardEvent) => { e.stopPropagation(); if (e.key === "Enter") leave(); if (e.key === "Escape") { state.leaving = false; panel.redraw(); } }}><button class="primary" @click=${leave}>Leave out</button>`
        : html`<button @click=${() => { state.leaving = true; panel.draw(); panel.el.querySelector<HTMLElement>("input.reason")?.focus(); }}>Leave out…</button>`}` : nothing}
      <button class="plain" @click=${done}>Clear</button>` : html`<span class="mut small">Click to select, Shift for a range${panel.get("editable") ? ", 1–9 to give a class" : ""}, Enter to open.</span>`}
    <span class="grow"></span>
    ${panel.get("undo") ? html`<button class="plain cut undo" title="Take back: ${panel.get("undo")}" @click=${() => panel.send("undo")}>↶ ${panel.get("undo")}</button>` : nothing}
    ${panel.get("redo") ? html`<button class="plain" title="Make again: ${panel.get("redo")}" @click=${() => panel.send("redo")}>↷</button>` : nothing}</div>`;
}

const pickedFiles = (state: State): string[] => [...state.picked.values()];

function choose(state: State, place: number): void {
  const entry = entryAt(state, place);
  if (entry) state.picked.set(place, entry.file);
}

function relabel(panel: Panel<Gallery>, state: State, labels: string[]): void {
  if (!state.picked.size) choose(state, state.at);
  const files = pickedFiles(state);
  if (!files.length || !panel.get("editable")) return;
  panel.send("relabel", { files, labels });
  state.picked.clear();
  panel.redraw();
}

function view(panel: Panel<Gallery>, state: State): TemplateResult {
  const count = panel.get("count");
  const { columns, row_px, tile_px } = grid(state.width || 800, panel.get("title") ? 2 : 1);
  const rows = Math.ceil(count / columns);
  const first = Math.max(0, Math.floor(state.top / row_px) - OVERSCAN);
  const last = Math.min(rows, Math.ceil((state.top + (state.height || 600)) / row_px) + OVERSCAN);
  const places = Array.from({ length: Math.max(0, Math.min(count, last * columns) - first * columns) }, (_, i) => first * columns + i);
  ask(panel, state, places);
  const scrolled = (event: Event): void => { state.top = (event.target as HTMLElement).scrollTop; panel.redraw(); };
  return html`<div class="view" role="listbox" aria-label="Images" aria-multiselectable="true" tabindex="0" aria-activedescendant="nbt-tile-${state.at}" @scroll=${scrolled} @keydown=${(e: KeyboardEvent) => keys(panel, state, columns, row_px, e)}>
    <div class="all" style="height:${rows * row_px}px">${repeat(places, (place) => place, (place) => tile(panel, state, place, columns, row_px, tile_px))}</div>
    ${count ? nothing : html`<div class="empty">${panel.get("total") ? html`No image matches. <button class="link" @click=${() => panel.send("find", { label: "", part: "", problem: "", words: "" })}>Show all</button>` : "No images yet."}</div>`}</div>`;
}

/** Asks for the chunks that are seen and are not here; what is asked for last is answered first: the middle of the view. */
function ask(panel: Panel<Gallery>, state: State, places: number[]): void {
  const middle = (places[Math.floor(places.length / 2)] ?? 0) / CHUNK - 0.5;
  const wanted = [...new Set(places.map((place) => Math.floor(place / CHUNK)))].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
  for (const chunk of wanted) {
    const known = state.chunks.get(chunk);
    if (known !== undefined) { state.chunks.delete(chunk); state.chunks.set(chunk, known); } // newest last
    if (known !== undefined && !state.stale.delete(chunk)) continue;
    if (known === undefined) state.chunks.set(chunk, null);
    panel.send("rows", { first: chunk * CHUNK, n: CHUNK, version: panel.get("version") });
  }
}

function tile(panel: Panel<Gallery>, state: State, place: number, columns: number, row_px: number, tile_px: number): TemplateResult {
  const entry = entryAt(state, place);
  const left = (place % columns) * (tile_px + GAP_PX);
  const style = `width:${tile_px}px;transform:translate(${left}px,${Math.floor(place / columns) * row_px}px)`;
  const on = state.picked.has(place);
  const name = entry ? `${entry.file}: ${entry.labels.join(", ") || "no label"}` : "loading";
  return html`<div class="tile ${on ? "on" : ""} ${place === state.at ? "at" : ""} ${entry?.left_out ? "out" : ""}" id="nbt-tile-${place}" role="option" aria-selected=${on ? "true" : "false"} style=${style} title=${entry ? entry.file : ""} aria-label=${name}
      @click=${(e: MouseEvent) => pick(panel, state, place, e)} @dblclick=${() => entry && panel.send("open", { file: entry.file })}>
    <div class="picture" style="height:${tile_px}px">${entry?.url ? html`<img src=${entry.url} alt="" draggable="false" @load=${sharpen}>` : entry ? html`<span class="broken" title=${entry.trouble}>✗<small>${entry.trouble || "cannot be read"}</small></span>` : nothing}
      ${entry?.problems.length ? html`<span class="badge" title=${entry.problems.join("\n")}>!</span>` : nothing}</div>
    <div class="label cut">${entry ? entry.left_out ? html`<s>${entry.labels.join(", ")}</s>` : entry.labels.join(", ") || html`<span class="warn">no label</span>` : nothing}${entry?.part ? html`<span class="part">${entry.part}</span>` : nothing}</div>
    ${panel.get("title") ? html`<div class="label cut note-of" title=${entry?.note ?? ""}>${entry?.note}</div>` : nothing}</div>`;
}

/** A picture of a few pixels is shown as what it is, and not blurred. */
function sharpen(event: Event): void {
  const image = event.target as HTMLImageElement;
  image.classList.toggle("tiny", Math.max(image.naturalWidth, image.naturalHeight) <= 64);
}

function pick(panel: Panel<Gallery>, state: State, place: number, event: MouseEvent): void {
  if (event.shiftKey) range(state, place);
  else if (event.ctrlKey || event.metaKey) { if (!state.picked.delete(place)) choose(state, place); state.anchor = place; }
  else { const only = state.picked.size === 1 && state.picked.has(place); state.picked.clear(); if (!only) choose(state, place); state.anchor = place; }
  state.at = place;
  panel.redraw();
}

function range(state: State, place: number): void {
  const [from, to] = [Math.min(state.anchor, place), Math.max(state.anchor, place)];
  state.picked.clear();
  for (let one = from; one <= to; one += 1) choose(state, one);
}

function keys(panel: Panel<Gallery>, state: State, columns: number, row_px: number, event: KeyboardEvent): void {
  const count = panel.get("count");
  const page = columns * Math.max(1, Math.floor((state.height || 600) / row_px));
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page, Home: -count, End: count }[event.key];
  const entry = entryAt(state, state.at);
  const name = panel.get("choices").labels[Number(event.key) - 1]?.value;
  if (step !== undefined) {
    state.at = Math.max(0, Math.min(count - 1, state.at + step));
    if (event.shiftKey) range(state, state.at); else { state.picked.clear(); choose(state, state.at); state.anchor = state.at; }
    const view = event.currentTarget as HTMLElement;
    const top = Math.floor(state.at / columns) * row_px;
    if (top < view.scrollTop) view.scrollTop = top;
    if (top + row_px > view.scrollTop + view.clientHeight) view.scrollTop = top + row_px - view.clientHeight;
  } else if (event.key === " ") { if (!state.picked.delete(state.at)) choose(state, state.at); }
  else if (event.key === "Enter") { if (entry) panel.send("open", { file: entry.file }); }
  else if (event.key === "Escape") state.picked.clear();
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) { if (panel.get("undo")) panel.send("undo"); }
  else if ((event.key === "Delete" || event.key === "x") && pickedFiles(state).length && panel.get("editable")) { state.leaving = true; panel.draw(); panel.el.querySelector<HTMLElement>("input.reason")?.focus(); event.preventDefault(); return; }
  else if (/^[1-9]$/.test(event.key) && name) relabel(panel, state, [name]);
  else return;
  event.preventDefault();
  panel.redraw();
}

function large(panel: Panel<Gallery>, state: State): TemplateResult {
  const { file = "", heat = "", facts = [] } = panel.get("opened");
  const close = (): void => { panel.send("open", { file: "" }); panel.el.querySelector<HTMLElement>(".view")?.focus(); };
  return html`<div class="large" role="dialog" aria-label=${file} @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") { e.stopPropagation(); close(); } }}>
    <div class="picture ${heat ? "two" : ""}">${state.large ? html`<img src=${state.large} alt=${file} @load=${sharpen}>` : html`<span class="mut">Reading…</span>`}
      ${heat ? html`<figure><img src=${heat} alt="Heat map of ${file}" @load=${sharpen}><figcaption class="small mut">what spoke for the label in question (Grad-CAM)</figcaption></figure>` : nothing}</div>
    <div class="facts"><div class="row"><b class="grow name">${file}</b><button class="icon close" aria-label="Close" @click=${close}>×</button></div>
      <dl>${facts.map((fact) => html`<dt>${fact.label}</dt><dd>${fact.value}</dd>`)}</dl></div></div>`;
}

export default widget<Gallery>("gallery", prepare);
