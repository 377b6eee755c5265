// The second step: which data sets, of this project, of others, or at a path; and what they become together.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { Offered } from "../contracts";
import { PATH, addingPart } from "../lib/adding";
import { counted } from "../lib/format";
import { type Show, lacking, missingOf, nameBox } from "./view";

export function dataStep(show: Show): TemplateResult {
  const { panel } = show;
  const groups = grouped(panel.get("offers"));
  return html`<h3>Which images?</h3>
    ${groups.length ? groups.map(([title, where, offers]) => html`<section class="offers" aria-label=${title}><h4 title=${where}>${title}${where ? html` <span class="dim cut">${where}</span>` : nothing}</h4>
      <ul>${repeat(offers, (one) => one.key, (one) => offer(show, one))}</ul></section>`)
      : html`<p class="mut">No project that was open lately has images. Name a folder, a table or an archive:</p>`}
    ${adding(show, groups.length === 0)}
    ${merged(show)}
    ${lacking(missingOf(panel, "data").filter((one) => chosen(panel.get("offers")) > 0 || one.step !== "data"))}`;
}

const chosen = (offers: Offered[]): number => offers.filter((one) => one.place > 0).length;

/** Data sets by project: this one first, images that are in no project after it. */
export function grouped(offers: Offered[]): [string, string, Offered[]][] {
  const found = new Map<string, [string, string, Offered[]]>();
  for (const one of offers) {
    const key = one.loose ? "\n" : one.project ? one.where : "";
    const title = one.loose ? "Images by path" : one.project || "This project";
    if (!found.has(key)) found.set(key, [title, one.project ? one.where : "", []]);
    found.get(key)?.[2].push(one);
  }
  return [...found.values()];
}

function offer({ panel }: Show, one: Offered): TemplateResult {
  const facts = [one.images === null ? "" : counted(one.images, "image"), one.n_classes ? counted(one.n_classes, "class", "classes") : "", one.several ? "several labels each" : ""];
  const more = one.n_classes - 6;
  return html`<li><label class="option ${one.place ? "on" : ""}"><input type="checkbox" .checked=${live(one.place > 0)} @change=${() => panel.send("use", { key: one.key })}>
    <span><b class="cut" title=${one.name}>${one.name}</b><span class="mut num cut">${facts.filter(Boolean).join(" · ")}</span>
    <span class="dim small cut">${one.loose ? one.where : `${one.classes.slice(0, 6).join(", ")}${more > 0 ? ` and ${more} more` : ""}`}</span></span></label></li>`;
}

function adding({ panel, local, change }: Show, alone: boolean): TemplateResult {
  const close = (): void => { panel.send("look", { path: "" }); change({ adding: false, path: "" }); };
  if (!alone && !local.adding) {
    return html`<div><button class="plain more" @click=${() => { change({ adding: true }); panel.el.querySelector<HTMLElement>(`#${PATH}`)?.focus(); }}>+ Other images, or another project…</button></div>`;
  }
  return addingPart(panel.get("adding"), {
    local, use: "Use these images", into: "", redraw: panel.redraw,
    look: (where) => panel.send("look", { ...where }), add: (where) => panel.send("add", { ...where }),
    stop: () => panel.send("stop"), ...(alone ? {} : { close }),
  });
}

/** What the chosen sets become: one that is used as it is, or a new one, whose name can be given. */
function merged({ panel }: Show): TemplateResult | typeof nothing {
  const { name = "", made, sets = [], images } = panel.get("merging");
  if (!sets.length) return nothing;
  const n = images === null || images === undefined ? "" : ` ${counted(images, "image")}.`;
  if (!made) return html`<p class="mut">“${name}” is used as it is.${n}</p>`;
  return html`<div class="merged"><label for="nbt-guide-data"><b>New data set</b></label>${nameBox("nbt-guide-data", name, "Name of the new data set", (text) => panel.send("data_name", { name: text }))}
    <p class="mut">${sets.length > 1 ? `${sets.join(", ")} are merged: classes of the same name are one.` : "A copy in this project."}${n} Images stay where they are; edits come along; nothing is written before the end.</p></div>`;
}
