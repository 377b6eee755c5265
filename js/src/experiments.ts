// The list of experiments: select, filter, sort, rename in place, duplicate, delete, tick to compare; and what an empty
// project offers. A tick of one card arrives as a patch and is written into the shared list in place.
import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./experiments.css";
import type { Card, Experiments } from "./contracts";
import { counted, duration, metricName, metricValue } from "./lib/format";
import { type Entry, openMenu, under } from "./lib/menu";
import { type Model, type Panel, reportVisibility, widget } from "./lib/panel";
import { ICONS, WORDS, isActive } from "./lib/status";

export type Order = "newest" | "name" | "best" | "status";
const ORDERS: Record<Order, string> = { newest: "Newest", name: "Name", best: "Best", status: "Status" };
const STATUS_ORDER = Object.keys(ICONS);
const MAX_COMPARED = 7;

interface Local { filter: string; order: Order; renaming: string; tagging: string; deleting: string; adding: boolean }

function prepare(panel: Panel<Experiments>): () => TemplateResult {
  const local: Local = { filter: "", order: "newest", renaming: "", tagging: "", deleting: "", adding: false };
  const change = (part: Partial<Local>): void => {
    Object.assign(local, part);
    if (!part.renaming && !part.tagging && !part.deleting && !part.adding) return panel.redraw();
    panel.draw(); // what opens takes the focus once; a later redraw must not take it again from whoever types
    const box = panel.el.querySelector<HTMLElement>("input.rename, .confirm button.keep, #nbt-images");
    box?.focus();
    if (box instanceof HTMLInputElement) box.select();
  };
  panel.on("msg:custom", panel.redraw);
  reportVisibility(panel);
  return () => {
    const cards = panel.get("cards");
    const first = panel.get("blank") ? firstSteps(panel, local, change) : nothing;
    if (panel.get("blank") && cards.length === 0) return html`${first}`;
    const shown = sorted(matching(cards, local.filter), local.order);
    return html`${first}${tools(panel, local, change)}
      <ul role="list" aria-label="Experiments" @keydown=${(event: KeyboardEvent) => listKeys(event)}>
        ${repeat(shown, (card) => card.id, (card) => html`<li>${guard(cardState(panel, local, card), () => cardView(panel, local, change, card))}</li>`)}
      </ul>
      ${shown.length ? nothing : html`<div class="none">${cards.length ? `No experiment matches “${local.filter}”.` : "No experiments yet. Press + New experiment."}</div>`}`;
  };
}

/** The cards whose name, tags or status contain every word of `filter`. */
export function matching(cards: Card[], filter: string): Card[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return cards;
  return cards.filter((card) => {
    const text = [card.name, card.status, WORDS[card.status], ...card.tags].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The cards in the order that a person chose. */
export function sorted(cards: Card[], order: Order): Card[] {
  const newest = (a: Card, b: Card): number => b.created_s - a.created_s;
  const orders: Record<Order, (a: Card, b: Card) => number> = {
    newest,
    name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
    best: (a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || newest(a, b),
    status: (a, b) => STATUS_ORDER.indexOf(a.status) - STATUS_ORDER.indexOf(b.status) || newest(a, b),
  };
  return [...cards].sort(orders[order]);
}

function tools(panel: Panel<Experiments>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  return html`<div class="tools">
    <button class="primary new" @click=${() => panel.send("new")}>+ New experiment</button>
    <div class="finding">
      <input type="search" placeholder="Filter…" title="Name, tag or status" aria-label="Filter experiments by name, tag or status" .value=${live(local.filter)}
        @input=${(e: InputEvent) => change({ filter: (e.target as HTMLInputElement).value })}>
      <select aria-label="Sort experiments" @change=${(e: Event) => change({ order: (e.target as HTMLSelectElement).value as Order })}>
        ${Object.entries(ORDERS).map(([key, label]) => html`<option value=${key} ?selected=${key === local.order}>${label}</option>`)}</select>
    </div>
    ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
    ${panel.get("notices").map((text) => html`<div class="note warn small notice">${text}</div>`)}
  </div>`;
}

const cardState = (panel: Panel<Experiments>, local: Local, card: Card): unknown[] => [
  JSON.stringify(card), panel.get("selected") === card.id, panel.get("overlay").indexOf(card.id),
  local.renaming === card.id, local.tagging === card.id, local.deleting === card.id,
];

function cardView(panel: Panel<Experiments>, local: Local, change: (part: Partial<Local>) => void, card: Card): TemplateResult {
  const on = panel.get("selected") === card.id;
  if (local.deleting === card.id) return deletion(panel, change, card);
  const select = (): void => { if (!on) panel.tell("selected", card.id); };
  const menu = (at: { x: number; y: number }, back: HTMLElement | null): void =>
    openMenu(panel.el, entries(panel, card, change), at, back);
  const keys = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).tagName === "INPUT") return;
    const actions: Record<string, () => void> = {
      Enter: select, " ": select, F2: () => change({ renaming: card.id }), Delete: () => change({ deleting: card.id }),
      ContextMenu: () => menu(under(event.currentTarget as Element), event.currentTarget as HTMLElement),
    };
    const action = event.shiftKey && event.key === "F10" ? actions.ContextMenu : actions[event.key];
    if (!action || (event.target as HTMLElement).tagName === "BUTTON") return;
    event.preventDefault();
    action();
  };
  return html`<div class="card ${on ? "on" : ""}" role="button" tabindex=${on || !panel.get("selected") ? 0 : -1} data-id=${card.id}
      aria-current=${on} aria-label="${card.name}, ${WORDS[card.status]}"
      @click=${select} @dblclick=${() => change({ renaming: card.id })} @keydown=${keys}
      @contextmenu=${(e: MouseEvent) => { e.preventDefault(); e.stopPropagation(); menu({ x: e.clientX, y: e.clientY }, e.currentTarget as HTMLElement); }}>
    <div class="row head">
      <span class="mark ${card.status}" title=${WORDS[card.status]} aria-hidden="true">${ICONS[card.status]}</span>
      ${local.renaming === card.id ? editBox("New name", card.name, (name) => rename(panel, change, card, name)) : html`<span class="title cut grow" title=${card.name}>${card.name}</span>`}
      ${compareBox(panel, card, on)}
      <button class="icon more" tabindex="-1" aria-label="Menu of ${card.name}" aria-haspopup="menu"
        @click=${(e: Event) => { e.stopPropagation(); menu(under(e.currentTarget as Element), e.currentTarget as HTMLElement); }}>⋯</button>
    </div>
    ${card.status === "training" || card.status === "preparing" ? html`<div class="bar"><i style="width:${100 * card.progress}%"></i></div>` : nothing}
    <div class="line num"><span class="cut">${statusLine(card)}</span></div>
    ${local.tagging === card.id ? html`<div class="tags">${editBox("Tags, separated by commas", card.tags.join(", "), (tags) => tag(panel, change, card, tags))}</div>`
      : card.tags.length ? html`<div class="tags">${card.tags.map((tag) => html`<span class="pill cut">${tag}</span>`)}</div>` : nothing}
  </div>`;
}

function statusLine(card: Card): TemplateResult {
  const left = card.eta_s === null ? "" : ` · ${duration(card.eta_s)} left`;
  switch (card.status) {
    case "training": return html`epoch ${card.epoch} / ${card.epochs}${left}`;
    case "preparing": return html`${card.phase || "starting"}…`;
    case "pending": return html`waiting for the device`;
    case "failed": return html`<span class="bad">${card.cause || "failed"}</span>${bestOf(card, " · ")}`;
    case "completed":
    case "cancelled": {
      const took = card.duration_s === null ? "" : ` · ${duration(card.duration_s)}`;
      return card.value === null ? html`${WORDS[card.status].toLowerCase()}${took}` : html`${bestOf(card, "")}${took}`;
    }
    default: return html`not trained`;
  }
}

const bestOf = (card: Card, before: string): TemplateResult | typeof nothing =>
  card.value === null ? nothing : html`${before}<b title="best ${metricName(card.metric)}">${metricValue(card.metric, card.value)}</b>`;

function compareBox(panel: Panel<Experiments>, card: Card, on: boolean): TemplateResult | typeof nothing {
  if (card.status === "created") return nothing;
  const overlay = panel.get("overlay");
  const place = overlay.indexOf(card.id);
  const toggle = (): void => panel.tell("overlay", place >= 0 ? overlay.filter((id) => id !== card.id) : [...overlay, card.id]);
  const color = place >= 0 && !on ? `accent-color:var(--c${(place % MAX_COMPARED) + 2})` : "";
  return html`<input type="checkbox" class="compare" style=${color} .checked=${live(place >= 0)} tabindex="-1"
    ?disabled=${on || (place < 0 && overlay.length >= MAX_COMPARED)} title="Show its curves beside the selected experiment's" aria-label="Compare ${card.name}"
    @click=${(e: Event) => e.stopPropagation()} @dblclick=${(e: Event) => e.stopPropagation()} @change=${toggle}>`;
}

function entries(panel: Panel<Experiments>, card: Card, change: (part: Partial<Local>) => void): Entry[] {
  const overlay = panel.get("overlay");
  const compared = overlay.includes(card.id);
  return [
    { label: "Rename", keys: "F2", action: () => change({ renaming: card.id, deleting: "" }) },
    { label: "Edit tags", action: () => change({ tagging: card.id }) },
    { label: "Duplicate", action: () => panel.send("duplicate", { id: card.id }) },
    { label: compared ? "Stop comparing" : "Compare curves", disabled: card.status === "created" || panel.get("selected") === card.id,
      action: () => panel.tell("overlay", compared ? overlay.filter((id) => id !== card.id) : [...overlay, card.id]) },
    { label: "Delete…", keys: "Del", danger: true, action: () => change({ deleting: card.id }) },
  ];
}

function rename(panel: Panel<Experiments>, change: (part: Partial<Local>) => void, card: Card, name: string | null): void {
  if (name && name !== card.name) panel.send("rename", { id: card.id, name });
  change({ renaming: "" });
  requestAnimationFrame(() => focusCard(panel.el, card.id));
}

function tag(panel: Panel<Experiments>, change: (part: Partial<Local>) => void, card: Card, text: string | null): void {
  if (text !== null) panel.send("tag", { id: card.id, tags: text.split(",").map((one) => one.trim()).filter(Boolean) });
  change({ tagging: "" });
  requestAnimationFrame(() => focusCard(panel.el, card.id));
}

/** A box to type in place: Enter or leaving it keeps the text, Escape gives null. */
function editBox(label: string, value: string, done: (text: string | null) => void): TemplateResult {
  let over = false;
  const end = (input: HTMLInputElement, keep: boolean): void => {
    if (over) return;
    over = true;
    done(keep ? input.value.trim() : null);
  };
  return html`<input class="rename grow" aria-label=${label} placeholder=${label} maxlength="500" .value=${value} @click=${(e: Event) => e.stopPropagation()}
    @dblclick=${(e: Event) => e.stopPropagation()} @blur=${(e: Event) => end(e.target as HTMLInputElement, true)}
    @keydown=${(e: KeyboardEvent) => { e.stopPropagation(); if (e.key === "Enter" || e.key === "Escape") end(e.target as HTMLInputElement, e.key === "Enter"); }}>`;
}

function deletion(panel: Panel<Experiments>, change: (part: Partial<Local>) => void, card: Card): TemplateResult {
  const cancel = (): void => { change({ deleting: "" }); requestAnimationFrame(() => focusCard(panel.el, card.id)); };
  const remove = (): void => { change({ deleting: "" }); panel.send("delete", { id: card.id }); };
  const runs = card.runs ? `Its configuration and ${counted(card.runs, "run")} move to the project's trash folder.` : "Its configuration moves to the project's trash folder.";
  return html`<div class="card on" role="alertdialog" aria-label="Delete ${card.name}?" @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") cancel(); }}>
    <div class="confirm"><p><b>Delete “${card.name}”?</b> ${isActive(card.status) ? "It is stopped first. " : ""}${runs}</p>
      <div class="row"><button class="solid-danger" @click=${remove}>Delete</button><button class="keep" @click=${cancel}>Keep</button></div></div></div>`;
}

const focusCard = (root: HTMLElement, id: string): void => root.querySelector<HTMLElement>(`.card[data-id="${CSS.escape(id)}"]`)?.focus();

function listKeys(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const edge = { Home: 0, End: -1 }[event.key];
  const here = (event.target as HTMLElement).closest(".card");
  if ((step === undefined && edge === undefined) || !here || (event.target as HTMLElement).tagName === "INPUT") return;
  event.preventDefault();
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".card")];
  const next = edge !== undefined ? all.at(edge) : all[all.indexOf(here as HTMLElement) + (step ?? 0)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function firstSteps(panel: Panel<Experiments>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const found = panel.get("found");
  const add = (): void => { // no <form>: hosts keep Enter from submitting one
    const path = panel.el.querySelector<HTMLInputElement>("#nbt-images")?.value.trim();
    if (path && !found.busy) panel.send("add_images", { path });
  };
  const alone = panel.get("cards").length === 0;
  return html`<div class="first ${alone ? "alone" : ""}">
    ${alone ? html`<h2>Start with images</h2><div class="intro">Whatever you choose, images stay where they are, and training runs on this machine.</div>` : nothing}
    <div class="ways"><button class="choice primary" ?disabled=${found.busy} @click=${() => panel.send("digits")}><b>Try with handwritten digits</b><span>1 797 small images that come with nbtrain. Trains in seconds.</span></button>
    ${local.adding ? html`<div class="adding">
        <label for="nbt-images"><b>Add my images</b></label>
        <input id="nbt-images" @keydown=${(e: KeyboardEvent) => { if (e.key === "Enter") add(); }} placeholder="folder or table.csv" autocomplete="off" spellcheck="false">
        <span class="small mut">A folder with one folder per class (or train/ and val/ with classes inside), or a CSV table of paths and labels.</span>
        <button class="primary" ?disabled=${found.busy} @click=${add}>${found.busy ? "Looking…" : "Add"}</button></div>`
      : html`<button class="choice" ?disabled=${found.busy} @click=${() => change({ adding: true })}><b>Add my images</b><span class="mut">A folder of images, or a table with labels.</span></button>`}</div>
    <div aria-live="polite">${found.text ? html`<div class="note found ${found.ok === false ? "bad" : ""}">${found.text}</div>` : nothing}</div>
    ${panel.get("trouble") ? html`<div class="note bad" role="alert">${panel.get("trouble")}</div>` : nothing}
  </div>`;
}

/** Writes a patch into the model's own list, once per model, so that every view, early or late, sees it. */
export function applyPatches({ model }: { model: Model }): void {
  model.on("msg:custom", (message: { patch?: Partial<Card> & { id: string } }) => {
    const patch = message.patch;
    const card = patch && (model.get("cards") as Card[]).find((one) => one.id === patch.id);
    if (card) Object.assign(card, patch);
  });
}

export default widget<Experiments>("experiments", prepare, applyPatches);
