// A chart as the table that it is: the same rows, with every column; a click on a row shows its images.
import { html, type TemplateResult } from "lit-html";
import type { Chart, Statistics } from "../contracts";
import { grouped, measured, percent } from "../lib/format";
import { askForImages } from "../lib/attend";
import type { Panel } from "../lib/panel";

const HEADS: Record<string, string> = {
  name: "Name", images: "Images", objects: "Objects", share: "Share", from: "From", to: "To", none: "In no set", a: "Class", b: "and", share_of_a: "of the first", share_of_b: "of the other",
  width_from: "Width from", width_to: "to", height_from: "Height from", height_to: "to",
};
const WHOLE = new Set(["images", "objects", "train", "val", "test", "none"]);

export function table(panel: Panel<Statistics>, chart: Chart): TemplateResult {
  const show = (row: number) => (): void => askForImages(panel, "show", { chart: chart.key, row, part: "" });
  return html`<div class="scroll"><table class="num"><thead><tr>${chart.columns.map((key) => html`<th scope="col">${HEADS[key] ?? key}</th>`)}</tr></thead>
    <tbody>${chart.rows.map((row) => html`<tr>${chart.columns.map((key, place) => html`<td>${place ? value(key, row[key]) : html`<button class="link" title="Show its images" @click=${show(row.row)}>${value(key, row[key])}</button>`}</td>`)}</tr>`)}</tbody></table></div>`;
}

function value(key: string, told: string | number | null | undefined): string {
  if (told === null) return "and more";
  if (told === undefined || typeof told === "string") return told ?? "–";
  if (key.startsWith("share")) return percent(told);
  return WHOLE.has(key) ? grouped(told) : measured(told);
}
