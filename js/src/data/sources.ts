// The sources of a data set: where each lies, what it holds, taking one out and back in, and finding one again that has moved.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Data, Source } from "../contracts";
import { counted } from "../lib/format";
import { type Entry, openMenu, under } from "../lib/menu";
import type { Panel } from "../lib/panel";

/** What only the browser knows: the source that is asked about (by what it is called), and the path that is typed. */
export interface SourcesLocal { removing: string | null; moving: string | null; to: string }

const called = (source: Source): string => source.name || source.path;

export function sourcesPart(panel: Panel<Data>, local: SourcesLocal, change: (part: Partial<SourcesLocal>) => void): TemplateResult {
  const sources = panel.get("sources");
  const finding = panel.get("finding");
  const here = sources.filter((one) => !one.removed);
  const out = sources.filter((one) => one.removed);
  return html`<section><h3>${here.length === 1 ? "Source" : `${here.length} sources`}</h3>
    ${finding.done || (finding.busy && finding.path === undefined) ? html`<p class="small mut" role="status">${finding.done ?? finding.text}</p>`
      : finding.text && finding.path === undefined ? html`<div class="note bad small" role="alert">${finding.text}</div>` : nothing}
    <ul class="sources">${here.map((one) => row(panel, one, here.length > 1, local, change))}
    ${out.map((one) => html`<li class="out"><div class="grow"><s class="path" title=${one.path}>${one.shown}</s><small class="mut">taken out; its files are where they were</small></div>
      <button class="plain small" ?disabled=${finding.busy} @click=${() => panel.send("restore_source", { source: called(one) })}>Bring back</button></li>`)}</ul></section>`;
}

function row(panel: Panel<Data>, one: Source, several: boolean, local: SourcesLocal, change: (part: Partial<SourcesLocal>) => void): TemplateResult {
  const name = called(one);
  const menu = (at: HTMLElement): void => {
    const entries: Entry[] = [{ label: "Find again…", below: "Its folder has moved", action: () => { panel.send("check_source", { source: name, path: "" }); change({ moving: name, removing: null, to: "" }); } },
      { label: "Take out…", below: several ? "" : "It is the only source", danger: true, disabled: !several, action: () => change({ removing: name, moving: null }) }];
    openMenu(panel.el, entries, under(at), at);
  };
  const facts = [one.kind, one.images === null ? "" : counted(one.images, "image"), one.classes === null ? "" : counted(one.classes, "class", "classes"), one.name && several ? `as ${one.name}/…` : ""];
  return html`<li><div class="grow"><span class="path" title=${one.path}>${one.shown}</span><small class="mut num">${facts.filter(Boolean).join(" · ")}</small>
      ${one.there ? nothing : html`<small class="bad">Nothing lies at this path. <button class="link" @click=${() => change({ moving: name, removing: null, to: "" })}>Find again…</button></small>`}</div>
    <button class="icon" aria-label="Menu of the source ${one.shown}" aria-haspopup="menu" @click=${(e: Event) => menu(e.currentTarget as HTMLElement)}>⋯</button>
    ${local.removing === name ? removing(panel, one, change) : nothing}${local.moving === name ? moving(panel, one, local, change) : nothing}</li>`;
}

function removing(panel: Panel<Data>, one: Source, change: (part: Partial<SourcesLocal>) => void): TemplateResult {
  const images = one.images === null ? "Its images" : `Its ${counted(one.images, "image")}`;
  const remove = (): void => { panel.send("remove_source", { source: called(one) }); change({ removing: null }); };
  return html`<div class="confirm" role="alertdialog"><p class="small">Take “${one.shown}” out? ${images} leave the data set; the files stay where they are. It can come back with all edits, and runs keep what they recorded.</p>
    <div class="row"><button class="solid-danger" @click=${remove}>Take out</button><button class="keep" @click=${() => change({ removing: null })}>Keep</button></div></div>`;
}

function moving(panel: Panel<Data>, one: Source, local: SourcesLocal, change: (part: Partial<SourcesLocal>) => void): TemplateResult {
  const source = called(one);
  const found = panel.get("finding");
  const mine = found.source === source && found.path === local.to && local.to !== "";
  const look = (): void => { if (local.to.trim() && !found.busy) panel.send("check_source", { source, path: local.to }); };
  const close = (): void => { panel.send("check_source", { source, path: "" }); change({ moving: null, to: "" }); };
  const use = (): void => panel.send("move_source", { source, path: local.to, partly: !found.whole });
  const keys = (event: KeyboardEvent): void => { event.stopPropagation(); if (event.key === "Enter") look(); if (event.key === "Escape") close(); };
  return html`<div class="confirm moving"><label class="small" for="nbt-moved">Where do its images lie now?</label>
    <input id="nbt-moved" placeholder="new path" autocomplete="off" spellcheck="false" .value=${local.to} @keydown=${keys}
      @input=${(e: Event) => { local.to = (e.target as HTMLInputElement).value; panel.redraw(); }}>
    ${mine && found.text ? html`<div class="note small ${found.busy || found.whole ? "" : found.ok ? "warn" : "bad"}" role="status">${found.text}</div>` : nothing}
    <div class="row">${mine && found.ok && !found.busy ? html`<button class="primary" @click=${use}>${found.whole ? "Use this path" : "Use it all the same"}</button>`
      : html`<button class="primary" ?disabled=${found.busy || !local.to.trim()} @click=${look}>Look</button>`}<button class="plain" @click=${close}>Cancel</button></div></div>`;
}
