// The last step: everything that will be made, advice with the step that changes it, and what is still missing.
import { html, nothing, type TemplateResult } from "lit-html";
import type { InSets } from "../contracts";
import { grouped } from "../lib/format";
import type { Show } from "./view";

const SETS = [["train", "Training"], ["val", "Validation"], ["test", "Test"]] as const;
const MARKS = { problem: "✕", warning: "!", info: "i" };
const SHOWN = 50;

export function reviewStep({ panel, go }: Show): TemplateResult {
  const { name = "", data = "", made, facts = [], changes = [], sets = [], classes = [], findings = [], missing = [], ready } = panel.get("review");
  return html`<h3 class="cut" title=${name}>${name}</h3>
    ${missing.length ? html`<ul class="missing" aria-label="What is missing">${missing.map((one) => html`<li class="note warn"><span>${one.message} ${one.advice}</span><button @click=${() => go(one.step)}>Go to ${one.step}</button></li>`)}</ul>`
      : ready ? html`<div class="note ready">Ready. ${made ? `The data set “${data}” and the experiment are made now.` : "The experiment is made now."}</div>` : nothing}
    <div class="pair"><section><h4>Run</h4><dl>${facts.map((one) => html`<dt>${one.label}</dt><dd class="num">${one.value}</dd>`)}</dl></section>
    <section class="changes"><h4>Different from the defaults</h4>${changes.length ? html`<dl>${changes.map((one) => html`<dt>${one.label}</dt><dd class="num"><b>${one.value}</b> <span class="dim">instead of ${one.default}</span></dd>`)}</dl>` : html`<p class="mut">Nothing.</p>`}</section></div>
    ${sets.length ? html`<section><h4>Images</h4><div class="scroll"><table><thead>${heads("Data set", sets)}</thead><tbody>${sets.map((one) => line(one, sets))}</tbody>
      <thead>${heads("Class", sets)}</thead><tbody>${classes.slice(0, SHOWN).map((one) => line(one, sets))}</tbody></table></div>
      ${classes.length > SHOWN ? html`<p class="dim small">and ${grouped(classes.length - SHOWN)} more classes</p>` : nothing}</section>` : nothing}
    ${findings.length ? html`<section><h4>Worth knowing</h4><ul class="findings">${findings.map((one) => html`<li class=${one.level}><i class="mark" aria-hidden="true">${MARKS[one.level]}</i><span>${one.text}</span>
      <button class="link" @click=${() => go(one.step)}>${one.step}</button></li>`)}</ul></section>` : nothing}`;
}

const parts = (rows: InSets[]): readonly (readonly ["train" | "val" | "test", string])[] => SETS.filter(([key]) => rows.some((row) => row[key]));

const heads = (first: string, rows: InSets[]): TemplateResult => html`<tr><th scope="col">${first}</th>${parts(rows).map(([, label]) => html`<th scope="col">${label}</th>`)}<th scope="col">All</th></tr>`;

const line = (one: InSets, rows: InSets[]): TemplateResult => html`<tr><td><span class="cut" title=${one.name}>${one.name}</span></td>${parts(rows).map(([key]) => html`<td class="num">${grouped(one[key] ?? 0)}</td>`)}<td class="num">${grouped(one.images)}</td></tr>`;
