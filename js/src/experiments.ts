// The list of experiments: select, filter, sort, rename in place, duplicate, delete, tick to compare; and what an empty
// project offers. A tick of one card arrives as a patch and is written into the shared list in place.
import { html, nothing, render, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { live } from "lit-html/directives/live.js";
import { ref } from "lit-html/directives/ref.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./experiments.css";
import type { Card, Checkpoint, Experiments } from "./contracts";
import { type Adder, PATH, addingPart, takeAlong } from "./lib/adding";
import { counted, duration, grouped, metricName, metricValue } from "./lib/format";
import { type Entry, openMenu, under } from "./lib/menu";
import { MAX_COMPARED, PAGE, applyPatches, matching, nearTheEnd } from "./lib/listed";
import { type Panel, widget } from "./lib/panel";
import { canMoveDown, canMoveUp, inQueue } from "./lib/queue";
import { ICONS, WORDS, isActive } from "./lib/status";

export type Order = "newest" | "name" | "best" | "status";
const ORDERS: Record<Order, string> = { newest: "Newest", name: "Name", best: "Best", status: "Status" };
const STATUS_ORDER = Object.keys(ICONS);

interface Local { filter: string; order: Order; renaming: string; tagging: string; deleting: string; adding: boolean; path: string; root?: string; most: number }

function prepare(panel: Panel<Experiments>): () => TemplateResult {
  const local: Local = { filter: "", order: "newest", renaming: "", tagging: "", deleting: "", adding: false, path: "", most: PAGE };
  const grow = (): void => { local.most += PAGE; panel.redraw(); };
  const end = nearTheEnd(panel, grow);
  const change = (part: Partial<Local>): void => {
    Object.assign(local, part);
    if (!part.renaming && !part.tagging && !part.deleting && !part.adding) return panel.redraw();
    panel.draw(); // what opens takes the focus once; a later redraw must not take it again from whoever types
    const box = panel.el.querySelector<HTMLElement>(`input.rename, .confirm button.keep, #${PATH}`);
    box?.focus();
    if (box instanceof HTMLInputElement) box.select();
  };
  panel.on("msg:custom", panel.redraw);
  panel.on("change:branching", () => {
    const { id } = panel.get("branching");
    panel.draw();
    const box = panel.el.querySelector<HTMLElement>("[role=alertdialog] .keep");
    if (!id) return;
    box?.scrollIntoView({ block: "nearest" });
    box?.focus();
  });
  return () => {
    const cards = panel.get("cards");
    const first = panel.get("blank") ? firstSteps(panel, local, change) : nothing;
    const alone = panel.get("blank") && cards.length === 0;
    takeAlong(panel.el, ".card[tabindex='0']", ".ways .choice:not(.primary)", ".tools button");
    panel.mark("alone", alone);
    if (alone) return html`${first}`;
    const found = sorted(matching(cards, local.filter), local.order);
    const shown = found.slice(0, local.most);
    const left = found.length - shown.length;
    const entry = shown.some((card) => card.id === panel.get("selected")) ? panel.get("selected") : shown[0]?.id ?? "";
    return html`${first}${tools(panel, local, change)}
      <ul role="list" aria-label="Experiments" @keydown=${(event: KeyboardEvent) => listKeys(event)}>
        ${repeat(shown, (card) => card.id, (card) => html`<li>${guard([...cardState(panel, local, card), entry === card.id], () => cardView(panel, local, change, card, entry))}</li>`)}
        ${left > 0 ? html`<li class="more" ${ref(end)}><button @click=${grow}>Show more (${grouped(left)} left)</button></li>` : nothing}
      </ul>
      ${shown.length ? nothing : html`<div class="none">${cards.length ? `No experiment matches “${local.filter}”.` : "No experiments yet. Press + New experiment."}</div>`}`;
  };
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
    <div class="split"><button class="primary new" @click=${() => panel.send("new")}>+ New experiment</button>
    ${panel.get("guided") ? html`<button class="primary how" aria-label="Other ways to begin" aria-haspopup="menu" title="Other ways to begin" @click=${(e: Event) => ways(panel, e.currentTarget as HTMLElement)}>▾</button>` : nothing}</div>
    <div class="finding">
      <input type="search" placeholder="Filter…" title="Words of name, description, tags or status; tag:x for a tag" aria-label="Filter experiments" .value=${live(local.filter)}
        @input=${(e: InputEvent) => change({ filter: (e.target as HTMLInputElement).value })}>
      <select aria-label="Sort experiments" @change=${(e: Event) => change({ order: (e.target as HTMLSelectElement).value as Order })}>
        ${Object.entries(ORDERS).map(([key, label]) => html`<option value=${key} ?selected=${key === local.order}>${label}</option>`)}</select>
    </div>
    ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
    ${panel.get("notices").map((text) => html`<div class="note warn small notice">${text}</div>`)}
  </div>`;
}

/** How else an experiment can begin. */
function ways(panel: Panel<Experiments>, at: HTMLElement): void {
  openMenu(panel.el, [
    { label: "New experiment", action: () => panel.send("new") },
    { label: "Guided start…", action: () => panel.send("guide") },
  ], under(at), at);
}

const cardState = (panel: Panel<Experiments>, local: Local, card: Card): unknown[] => [
  JSON.stringify(card), panel.get("selected") === card.id, panel.get("overlay").indexOf(card.id),
  local.renaming === card.id, local.tagging === card.id && panel.get("known_tags"), local.deleting === card.id,
  panel.get("branching").id === card.id && panel.get("branching"),
];

function cardView(panel: Panel<Experiments>, local: Local, change: (part: Partial<Local>) => void, card: Card, entry: string): TemplateResult {
  const on = panel.get("selected") === card.id;
  if (local.deleting === card.id) return deletion(panel, change, card);
  if (panel.get("branching").id === card.id) return branching(panel, card);
  const select = (): void => panel.send("select", { id: card.id }); // also the selected one: it puts a guided start away
  const menu = (at: { x: number; y: number }, back: HTMLElement | null): void =>
    openMenu(panel.el, entries(panel, card, change), at, back);
  const keys = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).tagName === "INPUT") return;
    const actions: Record<string, () => void> = {
      Enter: select, " ": select, F2: () => change({ renaming: card.id }), Delete: () => change({ deleting: card.id }),
      ContextMenu: () => menu(under(event.currentTarget as Element), event.currentTarget as HTMLElement),
    };
    const shifts: Record<string, () => void> = { ArrowUp: () => shift(panel, card, -1), ArrowDown: () => shift(panel, card, 1) };
    const action = event.altKey ? shifts[event.key] : event.shiftKey && event.key === "F10" ? actions.ContextMenu : actions[event.key];
    if (!action || (event.target as HTMLElement).tagName === "BUTTON") return;
    event.preventDefault();
    action();
  };
  return html`<div class="card ${on ? "on" : ""}" role="button" tabindex=${card.id === entry ? 0 : -1} data-id=${card.id}
      aria-current=${on} aria-label="${card.name}, ${WORDS[card.status]}"
      @click=${select} @dblclick=${() => change({ renaming: card.id })} @keydown=${keys}
      @contextmenu=${(e: MouseEvent) => { e.preventDefault(); e.stopPropagation(); menu({ x: e.clientX, y: e.clientY }, e.currentTarget as HTMLElement); }}>
    <div class="row head">
      <span class="mark ${card.status} ${card.edited ? "edited" : ""}" title="${WORDS[card.status]}${card.edited ? ", with edits that are not saved" : ""}" aria-hidden="true">${ICONS[card.status]}</span>
      ${local.renaming === card.id ? editBox("New name", card.name, (name) => rename(panel, change, card, name)) : html`<span class="title grow" title=${card.name}>${card.name}</span>`}
      ${compareBox(panel, card, on)}
      <button class="icon more" tabindex="-1" aria-label="Menu of ${card.name}" aria-haspopup="menu"
        @click=${(e: Event) => { e.stopPropagation(); menu(under(e.currentTarget as Element), e.currentTarget as HTMLElement); }}>⋯</button>
    </div>
    ${card.status === "training" || card.status === "preparing" ? html`<div class="bar"><i style="width:${100 * card.progress}%"></i></div>` : nothing}
    <div class="line num"><span class="cut">${statusLine(card)}</span></div>
    ${local.tagging === card.id ? html`<div class="tags">${editBox("Tags, separated by commas", card.tags.join(", "), (tags) => tag(panel, change, card, tags), panel.get("known_tags"))}</div>`
      : card.tags.length ? html`<div class="tags">${card.tags.map((tag) => html`<span class="pill cut">${tag}</span>`)}</div>` : nothing}
  </div>`;
}

function statusLine(card: Card): TemplateResult {
  const left = card.eta_s === null ? "" : ` · ${duration(card.eta_s)} left`;
  switch (card.status) {
    case "training": return html`epoch ${card.epoch} / ${card.epochs}${left}`;
    case "preparing": return html`${card.phase || "starting"}…`;
    case "pending": return card.place ? html`${inQueue(card)}` : html`starting…`;
    case "failed": return html`<span class="bad">${card.cause || "failed"}</span>${bestOf(card, " · ")}`;
    case "completed":
    case "cancelled":
    case "paused": {
      const took = card.duration_s === null ? "" : ` · ${duration(card.duration_s)}`;
      return card.value === null ? html`${WORDS[card.status].toLowerCase()}${took}` : html`${bestOf(card, "")}${took}`;
    }
    default: return card.edited ? html`<span class="warn" title="Kept on disk as a draft; Save makes it the configuration">not saved</span>` : html`not trained`;
  }
}

const bestOf = (card: Card, before: string): TemplateResult | typeof nothing =>
  card.value === null ? nothing : html`${before}<b title="best ${metricName(card.metric)}">${metricValue(card.metric, card.value)}</b>`;

function compareBox(panel: Panel<Experiments>, card: Card, on: boolean): TemplateResult | typeof nothing {
  const overlay = panel.get("overlay");
  const place = overlay.indexOf(card.id);
  const toggle = (): void => panel.tell("overlay", place >= 0 ? overlay.filter((id) => id !== card.id) : [...overlay, card.id]);
  const color = place >= 0 && !on ? `accent-color:var(--c${(place % MAX_COMPARED) + 2})` : "";
  return html`<input type="checkbox" class="compare" style=${color} .checked=${live(place >= 0)} tabindex="-1"
    ?disabled=${on || (place < 0 && overlay.length >= MAX_COMPARED)} title="Compare its curves and settings with the selected experiment's" aria-label="Compare ${card.name}"
    @click=${(e: Event) => e.stopPropagation()} @dblclick=${(e: Event) => e.stopPropagation()} @change=${toggle}>`;
}

function entries(panel: Panel<Experiments>, card: Card, change: (part: Partial<Local>) => void): Entry[] {
  const overlay = panel.get("overlay");
  const compared = overlay.includes(card.id);
  return [
    { label: "Rename", keys: "F2", action: () => change({ renaming: card.id, deleting: "" }) },
    { label: "Edit tags", action: () => change({ tagging: card.id }) },
    { label: "Duplicate", action: () => panel.send("duplicate", { id: card.id }) },
    { label: "Branch from a checkpoint…", disabled: card.runs === 0, action: () => panel.send("ask_branch", { id: card.id }) },
    { label: compared ? "Stop comparing" : "Compare", disabled: panel.get("selected") === card.id,
      action: () => panel.tell("overlay", compared ? overlay.filter((id) => id !== card.id) : [...overlay, card.id]) },
    ...(card.held ? [{ label: "Start", action: () => panel.send("start_held", { id: card.id }) }] : []),
    ...(card.queued > 1 ? [
      { label: "Move up in the queue", keys: "Alt+↑", disabled: !canMoveUp(card), action: () => shift(panel, card, -1) },
      { label: "Move down in the queue", keys: "Alt+↓", disabled: !canMoveDown(card), action: () => shift(panel, card, 1) },
    ] : []),
    { label: "Delete…", keys: "Del", danger: true, action: () => change({ deleting: card.id }) },
  ];
}

function shift(panel: Panel<Experiments>, card: Card, by: -1 | 1): void {
  if (by < 0 ? canMoveUp(card) : canMoveDown(card)) panel.send("shift", { id: card.id, by });
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
function editBox(label: string, value: string, done: (text: string | null) => void, known: string[] = []): TemplateResult {
  let over = false;
  const list = known.length ? "nbt-known-tags" : undefined;
  const complete = (event: Event): void => { // the last word is completed, the ones before it stay
    const input = event.target as HTMLInputElement;
    const before = input.value.slice(0, input.value.lastIndexOf(",") + 1);
    const options = known.map((tag) => html`<option value="${before}${before ? " " : ""}${tag}"></option>`);
    if (input.nextElementSibling) render(html`${options}`, input.nextElementSibling as HTMLElement);
  };
  const end = (input: HTMLInputElement, keep: boolean): void => {
    if (over) return;
    over = true;
    done(keep ? input.value.trim() : null);
  };
  return html`<input class="rename grow" aria-label=${label} placeholder=${label} maxlength="500" list=${list ?? nothing} @focus=${complete} @input=${complete} .value=${value} @click=${(e: Event) => e.stopPropagation()}
    @dblclick=${(e: Event) => e.stopPropagation()} @blur=${(e: Event) => end(e.target as HTMLInputElement, true)}
    @keydown=${(e: KeyboardEvent) => { e.stopPropagation(); if (e.key === "Enter" || e.key === "Escape") end(e.target as HTMLInputElement, e.key === "Enter"); }}>${list ? html`<datalist id=${list}></datalist>` : nothing}`;
}

/** From which checkpoint: each with its epoch, its step and the watched metric at that time; the newest first. */
function branching(panel: Panel<Experiments>, card: Card): TemplateResult {
  const kept = panel.get("branching").checkpoints ?? [];
  const close = (): void => { panel.send("ask_branch", { id: "" }); requestAnimationFrame(() => focusCard(panel.el, card.id)); };
  const go = (step: number) => (): void => panel.send("branch", { id: card.id, checkpoint: step });
  const row = (one: Checkpoint, place: number): TemplateResult => html`<button class="${place ? "" : "keep"}" @click=${go(one.step)}>
    <span class="num">epoch ${one.epoch} <span class="mut">· step ${grouped(one.step)}</span></span>
    <b class="num">${one.value === null ? nothing : metricValue(one.metric, one.value)}</b>
    <small class="mut">${[one.best ? "best" : "", place ? "" : "newest"].filter(Boolean).join(", ")}</small><small class="mut">${one.value === null ? nothing : metricName(one.metric)}</small></button>`;
  return html`<div class="card on" role="alertdialog" aria-label="Branch from a checkpoint of ${card.name}" @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") close(); }}>
    <div class="confirm"><p><b>Branch “${card.name}” from</b></p>
      ${kept.length ? html`<div class="kept">${kept.map(row)}</div>` : html`<p class="mut">No checkpoint has been kept yet.</p>`}
      <div class="row"><button class=${kept.length ? "" : "keep"} @click=${close}>Cancel</button></div></div></div>`;
}

function deletion(panel: Panel<Experiments>, change: (part: Partial<Local>) => void, card: Card): TemplateResult {
  const cancel = (): void => { change({ deleting: "" }); requestAnimationFrame(() => focusCard(panel.el, card.id)); };
  const remove = (): void => { change({ deleting: "" }); panel.send("delete", { id: card.id }); };
  const along = [card.runs ? counted(card.runs, "run") : "", card.evaluations ? counted(card.evaluations, "evaluation") : ""].filter(Boolean);
  const runs = along.length ? `Its configuration${along.length > 1 ? ", " : " and "}${along.join(" and ")} move to the project's trash folder.` : "Its configuration moves to the project's trash folder.";
  return html`<div class="card on" role="alertdialog" aria-label="Delete ${card.name}?" @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") cancel(); }}>
    <div class="confirm"><p><b>Delete “${card.name}”?</b> ${isActive(card.status) ? "It is stopped first. " : ""}${runs}</p>
      <div class="row"><button class="solid-danger" @click=${remove}>Delete</button><button class="keep" @click=${cancel}>Keep</button></div></div></div>`;
}

const focusCard = (root: HTMLElement, id: string): void => root.querySelector<HTMLElement>(`.card[data-id="${CSS.escape(id)}"]`)?.focus();

function listKeys(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const edge = { Home: 0, End: -1 }[event.key];
  const here = (event.target as HTMLElement).closest(".card");
  if (event.altKey || (step === undefined && edge === undefined) || !here || (event.target as HTMLElement).tagName === "INPUT") return;
  event.preventDefault();
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".card")];
  const next = edge !== undefined ? all.at(edge) : all[all.indexOf(here as HTMLElement) + (step ?? 0)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function firstSteps(panel: Panel<Experiments>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const found = panel.get("found");
  const adder: Adder = {
    local, redraw: panel.redraw, use: "Use these images", into: "", close: () => { panel.send("look", { path: "" }); change({ adding: false }); },
    look: (where) => panel.send("look", { ...where }), add: (where) => panel.send("add", { ...where }), stop: () => panel.send("stop_adding"),
  };
  const alone = panel.get("cards").length === 0;
  return html`<div class="first ${alone ? "alone" : ""}">
    ${alone ? html`<h2>Start with images</h2><div class="intro">Whatever you choose, images stay where they are, and training runs on this machine.</div>` : nothing}
    <div class="ways ${local.adding ? "adds" : ""}"><button class="choice primary" ?disabled=${found.busy} @click=${() => panel.send("digits")}><b>Try with handwritten digits</b><span>1 797 small images that come with nbtrain. Trains in seconds.</span></button>
    ${local.adding ? addingPart(panel.get("adding"), adder)
      : html`<button class="choice" ?disabled=${found.busy} @click=${() => change({ adding: true })}><b>Add my images</b><span class="mut">A folder of images, or a table with labels.</span></button>`}</div>
    ${alone && panel.get("guided") ? html`<button class="plain step-by-step" ?disabled=${found.busy} @click=${() => panel.send("guide")}>or go step by step: task, data, classes, configuration</button>` : nothing}
    <div aria-live="polite">${found.text ? html`<div class="note found ${found.ok === false ? "bad" : ""}">${found.text}</div>` : nothing}</div>
    ${panel.get("trouble") ? html`<div class="note bad" role="alert">${panel.get("trouble")}</div>` : nothing}
  </div>`;
}

export default widget<Experiments>("experiments", prepare, applyPatches);
