// The data set beside its images: which one, facts, classes, what a scan found, and adding more with a look before.
import { html, nothing, type TemplateResult } from "lit-html";
import "./data.css";
import type { Data } from "./contracts";
import { type SourcesLocal, sourcesPart } from "./data/sources";
import { type SplitsLocal, splitsPart } from "./data/splits";
import { PATH, addingPart, takeAlong } from "./lib/adding";
import { alikePart } from "./lib/alike";
import { counted, grouped } from "./lib/format";
import { type Entry, openMenu, under } from "./lib/menu";
import { askForImages } from "./lib/attend";
import { type Panel, widget } from "./lib/panel";

interface Local extends SourcesLocal, SplitsLocal { adding: boolean; path: string; root?: string; renaming: string; dropping: string; most: number }
const MOST_CLASSES = 30;

function prepare(panel: Panel<Data>): () => TemplateResult {
  const local: Local = { adding: false, path: "", renaming: "", dropping: "", most: MOST_CLASSES, splitting: false, calling: "", removing: null, moving: null, to: "" };
  const change = (part: Partial<Local>): void => {
    Object.assign(local, part);
    panel.draw();
    if (part.adding || part.renaming || part.dropping || part.splitting || part.calling || part.removing || part.moving) panel.el.querySelector<HTMLElement>(`#${PATH}, input.rename, .moving input, .confirm .keep, .splitting input`)?.focus();
  };
  panel.on("change:adding", () => { if (panel.get("adding").done) Object.assign(local, { adding: false, path: "", root: "" }); });
  panel.on("change:finding", () => { if (panel.get("finding").done) Object.assign(local, { moving: null, to: "" }); });
  return () => {
    const none = panel.get("sets").length === 0;
    takeAlong(panel.el, ".choose [aria-expanded]");
    panel.mark("adds", none || local.adding);
    panel.mark("bare", none);
    return html`${none ? html`<div><h3>No images yet</h3><p class="mut small">Images stay where they are; nothing is copied.</p></div>` : chooser(panel, local, change)}
      ${none || local.adding ? adding(panel, local, change, none) : nothing}
      ${panel.get("adding").done ? html`<div class="note small" role="status">${panel.get("adding").done}</div>` : nothing}
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      ${none ? nothing : html`<dl>${panel.get("facts").map((fact) => html`<dt>${fact.label}</dt><dd>${fact.value}</dd>`)}</dl>
      ${reading(panel)}${sourcesPart(panel, local, change)}${scan(panel)}${splitsPart(panel, local, change)}${classes(panel, local, change)}${notices(panel.get("notices"))}`}`;
  };
}

function chooser(panel: Panel<Data>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const sets = panel.get("sets");
  return html`<div class="row choose">${sets.length > 1
    ? html`<select class="grow" aria-label="Data set" @change=${(e: Event) => panel.send("choose", { name: (e.target as HTMLSelectElement).value })}>${sets.map((one) => html`<option value=${one.name} ?selected=${one.name === panel.get("chosen")}>${one.name} (${counted(one.images, "image")})</option>`)}</select>`
    : html`<h3 class="grow cut">${panel.get("chosen")}</h3>`}
    <button aria-expanded=${local.adding ? "true" : "false"} @click=${() => change({ adding: !local.adding })}>+ Add images</button></div>`;
}

function adding(panel: Panel<Data>, local: Local, change: (part: Partial<Local>) => void, none: boolean): TemplateResult {
  return addingPart(panel.get("adding"), {
    local, redraw: panel.redraw, use: none ? "Use these images" : "As a new data set", into: none ? "" : panel.get("chosen"),
    look: (where) => panel.send("look", { ...where }), add: (where, into) => panel.send("add", { ...where, into }), stop: () => panel.send("stop_adding"),
    ...(none ? {} : { close: () => { panel.send("look", { path: "" }); change({ adding: false }); } }),
  });
}

function reading(panel: Panel<Data>): TemplateResult | typeof nothing {
  const { text = "", trouble = "" } = panel.get("reading");
  if (trouble) return html`<div class="note bad small" role="alert">${trouble} <button class="link" @click=${() => panel.send("read")}>Try again</button></div>`;
  return text ? html`<p class="small mut" role="status">${text}</p>` : nothing;
}

function scan(panel: Panel<Data>): TemplateResult {
  const now = panel.get("scan");
  const kinds = now.kinds ?? [];
  const open = kinds.filter((kind) => kind.count > kind.dealt).length;
  return html`<section><div class="row"><h3 class="grow">Problems</h3>${now.state === "running"
    ? html`<button class="plain" @click=${() => panel.send("cancel")}>Cancel</button>`
    : html`<button class=${now.state === "none" ? "" : "plain"} @click=${() => panel.send("scan")}>${now.state === "none" ? "Scan all images" : "Scan again"}</button>`}</div>
    ${now.state === "running" ? html`<div class="bar" role="progressbar" aria-valuenow=${Math.round(100 * (now.fraction ?? 0))}><i style="width:${100 * (now.fraction ?? 0)}%"></i></div>` : nothing}
    <p class="small mut" role="status">${now.text}</p>
    ${now.trouble ? html`<div class="note bad small">${now.trouble}</div>` : nothing}
    ${kinds.length ? html`<ul class="kinds">${kinds.map((kind) => html`<li class=${kind.count > kind.dealt ? "" : "dealt"}>
        <button class="link grow" title=${kind.help} @click=${() => askForImages(panel, "find", { key: "problem", value: kind.label })}>${kind.label}</button>
        <span class="num">${grouped(kind.count)}</span>
        ${kind.count > kind.dealt ? html`<button class="plain small" title="Leave all of them out of training and measuring; undo takes it back" @click=${() => panel.send("exclude", { kind: kind.kind })}>Leave out</button>` : html`<span class="small ok">dealt with</span>`}</li>`)}</ul>`
      : now.state === "done" && !open ? html`<p class="small ok">✓ Nothing is wrong with these images.</p>` : nothing}</section>`;
}

function classes(panel: Panel<Data>, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const all = panel.get("classes");
  const most = Math.max(1, ...all.map((one) => one.count));
  const menu = (name: string, at: HTMLElement): void => {
    const others: Entry[] = all.filter((one) => one.name !== name).slice(0, 12).map((one) => ({ label: `Merge into ${one.name}`, action: () => panel.send("rename", { name, to: one.name }) }));
    openMenu(panel.el, [{ label: "Rename…", action: () => change({ renaming: name }) }, ...others, { label: "Drop…", danger: true, action: () => change({ dropping: name }) }], under(at), at);
  };
  const rename = (name: string, to: string | null): void => { if (to && to !== name) panel.send("rename", { name, to }); change({ renaming: "" }); };
  return html`<section><h3>${counted(all.length, "class", "classes")}</h3>${alikePart(panel.get("alike"), (names, into) => panel.send("merge", { names, into }))}<ul class="classes">${all.slice(0, local.most).map((one) => html`<li>
    ${local.renaming === one.name ? html`<input class="rename" aria-label="New name" .value=${one.name} maxlength="200" @blur=${(e: Event) => rename(one.name, (e.target as HTMLInputElement).value.trim())}
        @keydown=${(e: KeyboardEvent) => { e.stopPropagation(); if (e.key === "Enter") (e.target as HTMLElement).blur(); if (e.key === "Escape") { (e.target as HTMLInputElement).value = one.name; (e.target as HTMLElement).blur(); } }}>`
      : html`<button class="link cut" title="Show its images" @click=${() => askForImages(panel, "find", { key: "label", value: one.name })}>${one.name}</button>`}
    <span class="share" aria-hidden="true"><i style="width:${(100 * one.count) / most}%"></i></span><span class="num">${grouped(one.count)}</span>
    <button class="icon" aria-label="Menu of ${one.name}" aria-haspopup="menu" @click=${(e: Event) => menu(one.name, e.currentTarget as HTMLElement)}>⋯</button>
    ${local.dropping === one.name ? html`<div class="confirm" role="alertdialog"><p class="small">Drop “${one.name}”? Its ${counted(one.count, "image")} leave the data set, but for those with other classes. Undo brings them back.</p>
      <div class="row"><button class="solid-danger" @click=${() => { panel.send("drop", { name: one.name }); change({ dropping: "" }); }}>Drop</button><button class="keep" @click=${() => change({ dropping: "" })}>Keep</button></div></div>` : nothing}</li>`)}</ul>
    ${all.length > local.most ? html`<button class="plain" @click=${() => change({ most: local.most + 200 })}>Show more (${grouped(all.length - local.most)} left)</button>` : nothing}</section>`;
}

const notices = (list: string[]): TemplateResult | typeof nothing => list.length ? html`<section class="notices">${list.map((text) => html`<div class="note warn small">${text}</div>`)}</section>` : nothing;

export default widget<Data>("data", prepare);
