// Splits of a data set: those that somebody has named, and behind a line those that runs have made by themselves.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Data, Split } from "../contracts";
import { counted, grouped } from "../lib/format";
import { type Entry, openMenu, under } from "../lib/menu";
import { askForImages } from "../lib/attend";
import type { Panel } from "../lib/panel";

/** Whether a split is being made, and the name of the one that is being renamed. */
export interface SplitsLocal { splitting: boolean; calling: string }

type Change = (part: Partial<SplitsLocal>) => void;

export function splitsPart(panel: Panel<Data>, local: SplitsLocal, change: Change): TemplateResult {
  const all = panel.get("splits");
  const named = all.filter((one) => !one.words);
  const made = all.filter((one) => one.words);
  const { name = "", split = "" } = panel.get("user");
  return html`<section><div class="row"><h3 class="grow">Splits</h3><button class="plain" aria-expanded=${local.splitting ? "true" : "false"} @click=${() => change({ splitting: !local.splitting })}>+ New split</button></div>
    ${local.splitting ? newSplit(panel, change) : nothing}
    <ul class="splits"><li class=${name !== "" && split === "" ? "on" : ""}><span class="grow cut">By shares and seed<small class="mut">as the form's data section says</small></span>${use(panel, "")}</li>
      ${named.map((one) => row(panel, one, local, change))}</ul>
    ${made.length ? html`<details class="made" ?open=${made.some((one) => one.name === split)}><summary class="small">Made by runs (${made.length})</summary><ul class="splits">${made.map((one) => row(panel, one, local, change))}</ul></details>` : nothing}</section>`;
}

function use(panel: Panel<Data>, key: string): TemplateResult | typeof nothing {
  const { name = "", split = "", editable = false } = panel.get("user");
  if (name !== "" && split === key) return html`<span class="small ok" title="“${name}” uses it">in use</span>`;
  return editable ? html`<button class="plain small" title="Let “${name}” train with it" @click=${() => panel.send("use", { name: key })}>Use</button>` : nothing;
}

function row(panel: Panel<Data>, one: Split, local: SplitsLocal, change: Change): TemplateResult {
  const locked = one.used.length > 0;
  const who = `${one.used.slice(0, 5).join("; ")}${one.used.length > 5 ? ` and ${one.used.length - 5} more` : ""}`;
  const sizes = [`train ${grouped(one.train)}`, `val ${grouped(one.val)}`, one.test ? `test ${grouped(one.test)}` : ""].filter(Boolean).join(" · ");
  const rename = (to: string): void => { if (to && to !== one.name) panel.send("rename_split", { name: one.name, to }); change({ calling: "" }); };
  const menu = (at: HTMLElement): void => {
    const below = locked ? `Locked: ${one.used[0]} used it` : "";
    const entries: Entry[] = [{ label: "Rename…", below, disabled: locked, action: () => change({ calling: one.name }) }, { label: "Delete", below: locked ? below : "Moves it to the trash", danger: true, disabled: locked, action: () => panel.send("delete_split", { name: one.name }) }];
    openMenu(panel.el, one.words ? entries.slice(1) : entries, under(at), at);
  };
  const keys = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const box = event.target as HTMLInputElement;
    if (event.key === "Escape") box.value = one.name;
    if (event.key === "Enter" || event.key === "Escape") box.blur();
  };
  return html`<li>${local.calling === one.name ? html`<input class="rename" aria-label="New name" .value=${one.name} maxlength="80" @keydown=${keys} @blur=${(e: Event) => rename((e.target as HTMLInputElement).value.trim())}>`
    : html`<div class="grow"><span class="cut" title=${one.name}>${one.words || one.name}</span><small class="mut num">${sizes}</small>
      ${locked ? html`<small class="mut" title=${who}>${one.words ? `used by ${counted(one.used.length, "run")}` : `locked: used by ${counted(one.used.length, "run")}`}</small>` : nothing}
      ${one.leaks === null ? nothing : one.leaks ? html`<small><button class="link warn" title="Copies of one image in several sets make the result look better than it is" @click=${() => askForImages(panel, "leaks", { name: one.name })}>${counted(one.leaks, "copy", "copies")} across sets</button></small>`
        : html`<small class="ok">no copies across sets</small>`}</div>
    ${use(panel, one.name)}<button class="icon" aria-label="Menu of the split ${one.name}" aria-haspopup="menu" @click=${(e: Event) => menu(e.currentTarget as HTMLElement)}>⋯</button>`}</li>`;
}

/** A named split: shares, what stays together, or folds. It is stored by its files, and never changes. */
function newSplit(panel: Panel<Data>, change: Change): TemplateResult {
  const value = (key: string): string => panel.el.querySelector<HTMLInputElement>(`.splitting [name=${key}]`)?.value.trim() ?? "";
  const make = (): void => {
    const together = panel.el.querySelector<HTMLInputElement>(".splitting [name=together]")?.checked ?? false;
    panel.send("split", { name: value("name"), val: Number(value("val")), test: Number(value("test")), by: value("by"), folds: Number(value("folds")), together });
    change({ splitting: false });
  };
  const keys = (event: KeyboardEvent): void => { event.stopPropagation(); if (event.key === "Enter") make(); if (event.key === "Escape") change({ splitting: false }); };
  const columns = panel.get("columns");
  const scanned = ["done", "stale"].includes(panel.get("scan").state ?? "");
  return html`<div class="splitting" @keydown=${keys}>
    <label>Name <input name="name" value="split 1" maxlength="80"></label>
    <label>Validation, % <input name="val" type="number" min="1" max="90" value="20"></label>
    <label>Test, % <input name="test" type="number" min="0" max="90" value="0"></label>
    <label title="0 for one split; 5 makes five, in each of which another fifth validates">Folds <input name="folds" type="number" min="0" max="50" value="0"></label>
    ${columns.length ? html`<label title="Images with the same value stay in one set">Keep together by <select name="by"><option value="">nothing</option>${columns.map((name) => html`<option>${name}</option>`)}</select></label>` : nothing}
    ${scanned ? html`<label class="check"><input type="checkbox" name="together" checked> Keep copies of an image together</label>` : nothing}
    <div class="row"><button class="primary" @click=${make}>Make</button><button class="plain" @click=${() => change({ splitting: false })}>Cancel</button></div></div>`;
}
