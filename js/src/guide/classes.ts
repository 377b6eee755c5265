// The third step: the classes of all chosen sets, from which sets they come, and what the task cannot use.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { alikePart } from "../lib/alike";
import { counted, grouped } from "../lib/format";
import { type Entry, openMenu, under } from "../lib/menu";
import { type Show, lacking, missingOf } from "./view";

const MERGED_INTO = 12;

export function classesStep(show: Show): TemplateResult {
  const { panel, local, change } = show;
  const { rows = [], dropped = [], undo = 0 } = panel.get("classes");
  const sets = panel.get("merging").sets ?? [];
  const most = Math.max(1, ...rows.map((row) => row.count));
  if (!sets.length) return html`<h3>Classes</h3><p class="mut">Choose data sets first.</p>`;
  const left = rows.length - local.most;
  return html`<div class="row"><h3>${rows.length ? counted(rows.length, "class", "classes") : "Classes"}</h3><span class="grow"></span>
      <button class="plain" ?disabled=${!undo} @click=${() => panel.send("undo")}>Undo</button></div>
    ${lacking(missingOf(panel, "classes"))}${unusable(show)}${alikePart(panel.get("classes").alike ?? [], (names, into) => panel.send("merge", { names, into }))}
    ${rows.length ? html`<div class="scroll"><table class="classes"><thead><tr><th scope="col">Class</th><th class="share"></th><th scope="col">Images</th>${sets.length > 1 ? sets.map((name) => html`<th scope="col" title=${name}><span class="cut">${name}</span></th>`) : nothing}<th></th></tr></thead>
      <tbody>${rows.slice(0, local.most).map((row, place) => html`<tr><td>${name(show, row.name)}</td>
        <td class="share" aria-hidden="true"><i style="width:${(100 * row.count) / most}%"></i></td><td class="num">${grouped(row.count)}</td>
        ${sets.length > 1 ? row.per.map((n) => html`<td class="num ${n ? "" : "dim"}">${n ? grouped(n) : "–"}</td>`) : nothing}
        <td><button class="icon" aria-label="Menu of ${row.name}" aria-haspopup="menu" @click=${(e: Event) => menu(show, row.name, place, e.currentTarget as HTMLElement)}>⋯</button></td></tr>`)}</tbody></table></div>` : nothing}
    ${left > 0 ? html`<button class="plain" @click=${() => change({ most: local.most + 200 })}>Show more (${grouped(left)} left)</button>` : nothing}
    ${dropped.length ? html`<p class="mut dropped">Dropped: ${dropped.map((one) => html`<span class="pill">${one}<button class="icon" aria-label="Take ${one} in again" title="Take in again" @click=${() => panel.send("take", { name: one })}>↺</button></span>`)}</p>` : nothing}
    ${panel.get("notices").length ? html`<ul class="told">${panel.get("notices").map((text) => html`<li>${text}</li>`)}</ul>` : nothing}`;
}

/** The way out where images do not suit a task with one label each: leave them out, or another task. */
function unusable({ panel, go }: Show): TemplateResult | typeof nothing {
  const lacks = missingOf(panel, "classes").some((one) => one.advice.includes("Leave them out"));
  const out = panel.get("classes").leave_out ?? false;
  if (!lacks && !out) return nothing;
  return html`<div class="row ways"><label class="check"><input type="checkbox" .checked=${live(out)} @change=${(e: Event) => panel.send("leave_out", { wanted: (e.target as HTMLInputElement).checked })}> Leave these images out</label>
    ${lacks ? html`<button @click=${() => go("task")}>Choose another task</button>` : nothing}</div>`;
}

function name({ panel, local, change }: Show, own: string): TemplateResult {
  if (local.renaming !== own) return html`<button class="link cut" title="Rename ${own}" @click=${() => rename(change, panel.el, own)}>${own}</button>`;
  const done = (box: HTMLInputElement, keep: boolean): void => {
    if (local.renaming !== own) return;
    const to = box.value.trim();
    change({ renaming: "" });
    if (keep && to && to !== own) panel.send("rename", { name: own, to });
  };
  return html`<input class="rename" aria-label="New name of ${own}" maxlength="200" .value=${own} @blur=${(e: Event) => done(e.target as HTMLInputElement, true)}
    @keydown=${(e: KeyboardEvent) => { if (e.key !== "Enter" && e.key !== "Escape") return; e.preventDefault(); e.stopPropagation(); done(e.target as HTMLInputElement, e.key === "Enter"); }}>`;
}

function rename(change: Show["change"], root: HTMLElement, own: string): void {
  change({ renaming: own });
  const box = root.querySelector<HTMLInputElement>("input.rename");
  box?.focus();
  box?.select();
}

function menu({ panel, change }: Show, own: string, place: number, at: HTMLElement): void {
  const rows = panel.get("classes").rows ?? [];
  const others: Entry[] = rows.filter((row) => row.name !== own).slice(0, MERGED_INTO).map((row) => ({ label: `Merge into ${row.name}`, action: () => panel.send("rename", { name: own, to: row.name }) }));
  openMenu(panel.el, [
    { label: "Rename…", action: () => rename(change, panel.el, own) },
    { label: "Move up", disabled: place === 0, action: () => panel.send("move", { name: own, by: -1 }) },
    { label: "Move down", disabled: place === rows.length - 1, action: () => panel.send("move", { name: own, by: 1 }) },
    ...others,
    { label: "Drop", danger: true, action: () => panel.send("drop", { name: own }) },
  ], under(at), at);
}
