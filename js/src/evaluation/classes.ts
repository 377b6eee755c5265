// What becomes of each class: a table to sort and to search, drawn in pages; of several labels also how its decisions
// fall. A number that stands for images shows them, a name draws the class's curves.
import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { ref } from "lit-html/directives/ref.js";
import type { EvaluationPanel } from "../contracts";
import { counted, grouped, measured, percent } from "../lib/format";
import { askForImages } from "../lib/attend";
import type { Panel } from "../lib/panel";

type Cell = string | number | null;
export interface Sorting { words: string; by: string; up: boolean; most: number }
/** One class, with what its decisions were. */
export interface Row { name: string; cells: Cell[]; hits: number; misses: number; wrong: number; support: number }
const LABELS: Record<string, string> = {
  class: "Class", support: "Images", misses: "Misses", wrong: "False positives", precision: "Precision", recall: "Recall", f1: "F1",
  auroc: "AUROC", average_precision: "Average precision", best_threshold: "Best threshold", best_f1: "F1 there",
};
const TITLES: Record<string, string> = {
  misses: "Images of the class that were predicted as another one, or not at all", wrong: "Images that were taken for the class", best_threshold: "Where F1 is highest", support: "Images of the class",
};
export const PAGE = 60;
const MOST_BARS = 14;

/** The rows with their counts: what is right, missed and predicted wrongly follows from the columns. */
export function withCounts(columns: string[], rows: Cell[][]): Row[] {
  const [support, predicted, recall] = ["support", "predicted", "recall"].map((name) => columns.indexOf(name));
  return rows.map((cells) => {
    const [n, told] = [Number(cells[support!] ?? 0), Number(cells[predicted!] ?? 0)];
    const hits = Math.round(Number(cells[recall!] ?? 0) * n);
    return { name: String(cells[0]), cells, hits, misses: n - hits, wrong: Math.max(0, told - hits), support: n };
  });
}

/** Those whose name holds the words, by one column; what has no value comes last, whichever way. */
export function arranged(columns: string[], rows: Row[], { words, by, up }: Sorting): Row[] {
  const sought = words.trim().toLowerCase();
  const found = sought ? rows.filter((row) => row.name.toLowerCase().includes(sought)) : rows;
  if (!by) return found;
  const value = (row: Row): Cell => by === "misses" ? row.misses : by === "wrong" ? row.wrong : row.cells[columns.indexOf(by)] ?? null;
  return [...found].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = typeof a === "string" && typeof b === "string" ? a.localeCompare(b, undefined, { numeric: true }) : Number(a) - Number(b);
    return (up ? 1 : -1) * order;
  });
}

export function classes(panel: Panel<EvaluationPanel>, local: Sorting, change: (part: Partial<Sorting>) => void, end: (element?: Element) => void): TemplateResult {
  const { columns = [], rows = [] } = panel.get("per_class");
  return html`${guard([columns, rows, local.words, local.by, local.up, local.most], () => {
    const all = withCounts(columns, rows);
    const found = arranged(columns, all, local);
    const shown = found.slice(0, local.most);
    const kept = ["class", "support", "misses", "wrong", ...columns.filter((name) => !/_(low|high)$/.test(name) && !["class", "support", "predicted"].includes(name))];
    return html`<h4 class="row">Classes ${all.length > 12 ? html`<input type="search" class="find" aria-label="Find classes" placeholder="Find classes…" .value=${local.words} @input=${(e: Event) => change({ words: (e.target as HTMLInputElement).value, most: PAGE })}><small class="mut">${local.words ? `${grouped(found.length)} of ${grouped(all.length)}` : grouped(all.length)}</small>` : nothing}</h4>
      <div class="scroll"><table class="num per-class"><thead><tr>${kept.map((name) => head(name, local, change))}</tr></thead>
      <tbody>${shown.map((row) => line(panel, columns, kept, row))}</tbody></table>
      ${found.length > shown.length ? html`<div class="more" ${ref(end)}><button @click=${() => change({ most: local.most + PAGE })}>Show more (${grouped(found.length - shown.length)} left)</button></div>` : nothing}
      ${found.length ? nothing : html`<p class="mut small">No class has “${local.words}” in its name.</p>`}</div>`;
  })}`;
}

function head(name: string, local: Sorting, change: (part: Partial<Sorting>) => void): TemplateResult {
  const sorted = local.by === name;
  const first = name === "class" || ["precision", "recall", "f1", "auroc", "average_precision", "best_f1"].includes(name); // the weakest are looked for
  const next = (): void => change(!sorted ? { by: name, up: first, most: PAGE } : local.up === first ? { up: !first, most: PAGE } : { by: "", most: PAGE });
  return html`<th scope="col" aria-sort=${sorted ? (local.up ? "ascending" : "descending") : "none"}><button class="sort" title=${TITLES[name] ?? ""} @click=${next}>${LABELS[name] ?? name.replaceAll("_", " ")}${sorted ? (local.up ? " ▴" : " ▾") : ""}</button></th>`;
}

function line(panel: Panel<EvaluationPanel>, columns: string[], kept: string[], row: Row): TemplateResult {
  const images = (kind: string, n: number, what: string): unknown => n === 0 ? html`<span class="dim">0</span>` : html`<button class="link" aria-label="${counted(n, what)} of ${row.name}" @click=${() => askForImages(panel, "errors", { kind, label: row.name })}>${grouped(n)}</button>`;
  const cell = (name: string): unknown => {
    if (name === "class") return html`<button class="link name cut" title="Draw the curves of ${row.name}" @click=${() => panel.send("curve", { label: row.name })}>${row.name}</button>`;
    if (name === "misses") return images("misses", row.misses, "miss");
    if (name === "wrong") return images("false positives", row.wrong, "false positive");
    const value = row.cells[columns.indexOf(name)];
    if (typeof value !== "number") return value ?? "–";
    if (name === "support") return grouped(value);
    if (name === "best_threshold") return measured(value);
    const [low, high] = [row.cells[columns.indexOf(`${name}_low`)], row.cells[columns.indexOf(`${name}_high`)]];
    return typeof low === "number" && typeof high === "number" ? html`<span title="95 %: ${percent(low)} – ${percent(high)}">${percent(value)}</span>` : percent(value);
  };
  return html`<tr>${kept.map((name) => name === "class" ? html`<th scope="row">${cell(name)}</th>` : html`<td>${cell(name)}</td>`)}</tr>`;
}

/** Of several labels: how each label's decisions fall, those with most wrong ones first. A part of a bar shows its images. */
export function decisions(panel: Panel<EvaluationPanel>): TemplateResult {
  const { columns = [], rows = [] } = panel.get("per_class");
  return html`${guard([columns, rows], () => {
    const all = withCounts(columns, rows).sort((one, other) => other.misses + other.wrong - one.misses - one.wrong);
    const widest = Math.max(1, ...all.map((row) => row.support + row.wrong));
    const shown = all.slice(0, MOST_BARS);
    const part = (row: Row, kind: "hits" | "misses" | "wrong", words: string, click: () => void): unknown =>
      row[kind] ? html`<button class=${kind} style="flex:${row[kind]} 0 0" title="${grouped(row[kind])} ${words}" aria-label="${row.name}: ${grouped(row[kind])} ${words}" @click=${click}></button>` : nothing;
    return html`<h4>Decisions <small class="mut">click a part for its images</small></h4>
      <p class="small mut key"><i class="hits"></i>hits <i class="misses"></i>misses <i class="wrong"></i>false positives</p>
      <div class="decisions">${shown.map((row) => html`<span class="cut" title=${row.name}>${row.name}</span><span class="stack" style="width:${((100 * (row.support + row.wrong)) / widest).toFixed(1)}%">
        ${part(row, "hits", "hits", () => askForImages(panel, "cell", { true: row.name, predicted: row.name }))}${part(row, "misses", "misses", () => askForImages(panel, "errors", { kind: "misses", label: row.name }))}${part(row, "wrong", "false positives", () => askForImages(panel, "errors", { kind: "false positives", label: row.name }))}</span>`)}</div>
      ${all.length > shown.length ? html`<p class="small mut">The ${shown.length} with most wrong decisions of ${grouped(all.length)}.</p>` : nothing}`;
  })}`;
}
