// The confusion matrix, whole for few classes; beside it, or instead of it, the pairs that are confused most, to search.
import { html, nothing, type TemplateResult } from "lit-html";
import type { EvaluationPanel } from "../contracts";
import { grouped } from "../lib/format";
import { askForImages } from "../lib/attend";
import type { Panel } from "../lib/panel";

const ASK_MS = 250;

/** What is sought among the confusions; asked for a moment after the last key. */
export interface Seeking { sought: string; asking: ReturnType<typeof setTimeout> | undefined }

export function confusion(panel: Panel<EvaluationPanel>, local: Seeking): TemplateResult {
  const { classes = [], counts = [], most = [], words = "" } = panel.get("confusion");
  const show = (is: string, told: string) => (): void => askForImages(panel, "cell", { true: is, predicted: told });
  const row = counts.map((cells) => Math.max(1, cells.reduce((sum, n) => sum + n, 0)));
  const side = Math.max(14, Math.min(40, Math.floor(360 / Math.max(1, classes.length))));
  return html`<h4>Confusion <small class="mut">rows: true class, columns: predicted; click a cell to see its images</small></h4>
    ${classes.length ? html`<div class="scroll whole"><div class="matrix num" role="grid" style="grid-template-columns:minmax(40px,96px) repeat(${classes.length},${side}px);grid-auto-rows:${side}px;font-size:${side < 22 ? 9 : 12}px">
      <span></span>${classes.map((name) => html`<span class="head" title=${name}><i>${name}</i></span>`)}
      ${counts.map((cells, is) => html`<span class="side cut" title=${classes[is] ?? ""}>${classes[is]}</span>${cells.map((n, told) => html`<button class=${n === 0 ? "none" : is === told ? "right" : "wrong"} style="--share:${(n / (row[is] ?? 1)).toFixed(3)}" ?disabled=${n === 0}
        aria-label="${n} of ${classes[is]} taken for ${classes[told]}" title="${n} of ${classes[is]} taken for ${classes[told]}" @click=${show(classes[is] ?? "", classes[told] ?? "")}>${n && side >= 18 ? n : ""}</button>`)}`)}</div></div>` : nothing}
    ${(most.length || words) && (!classes.length || classes.length > 12) ? pairs(most, classes.length ? 12 : most.length, words, show, panel, local) : nothing}`;
}

function pairs(most: NonNullable<EvaluationPanel["confusion"]["most"]>, n: number, words: string, show: (is: string, told: string) => () => void, panel: Panel<EvaluationPanel>, local: Seeking): TemplateResult {
  const seek = (e: Event): void => {
    local.sought = (e.target as HTMLInputElement).value;
    clearTimeout(local.asking);
    local.asking = setTimeout(() => panel.send("confused", { words: local.sought }), ASK_MS);
  };
  const find = html`<input type="search" class="find" aria-label="Find confusions of a class" placeholder="Find a class…" .value=${local.sought} @input=${seek}>`;
  return html`<div class="row most-head small"><span class="mut">Confused most</span>${find}</div>
    <div class="scroll"><table class="num most"><thead><tr><th scope="col">true</th><th scope="col" class="left">predicted</th><th scope="col">images</th></tr></thead><tbody>${most.slice(0, n).map((one) => html`<tr><td>${one.true}</td><td class="left">${one.predicted}</td><td><button class="link" aria-label="${one.count} of ${one.true} taken for ${one.predicted}" @click=${show(one.true, one.predicted)}>${grouped(one.count)}</button></td></tr>`)}</tbody></table>
    ${most.length ? nothing : html`<p class="mut small">No confusion of a class with “${words}” in its name.</p>`}</div>`;
}
