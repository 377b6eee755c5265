// A chart's drawing: upright bars over a number, lying bars by name, squares over width and height. Each is a button: arrow
// keys go from one to the next, so that a chart is one stop of the Tab key.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Chart, Statistics } from "../contracts";
import { grouped, measured } from "../lib/format";
import { askForImages } from "../lib/attend";
import type { Panel } from "../lib/panel";

type Row = Chart["rows"][number];
const SETS = ["train", "val", "test", "none"] as const;
const WAYS = ["auto", "effective", "given"] as const;
/** Bounds that are so many times apart stand on a logarithmic axis. */
const APART = 50;

export const number = (row: Row, key: string): number => Number(row[key] ?? 0);
const counts = (row: Row): string => [row.objects === undefined || row.name !== undefined ? "" : `${grouped(number(row, "objects"))} objects on`, `${grouped(number(row, "images"))} ${number(row, "images") === 1 ? "image" : "images"}`].filter(Boolean).join(" ");

export function drawing(panel: Panel<Statistics>, chart: Chart): TemplateResult {
  const show = (row: Row, part = "") => (): void => askForImages(panel, "show", { chart: chart.key, row: row.row, part });
  if (chart.kind === "bins" && chart.rows.length > 1) return bins(chart, show);
  if (chart.kind === "grid") return grid(chart, show);
  return chart.key === "weights" ? weights(chart, show) : names(chart, show);
}

type Show = (row: Row, part?: string) => () => void;

function bins(chart: Chart, show: Show): TemplateResult {
  const what = chart.rows[0]?.objects === undefined ? "images" : "objects";
  const [first, last] = [chart.rows[0]!, chart.rows.at(-1)!];
  const middle = chart.rows[Math.floor(chart.rows.length / 2)]!;
  const end = last.to === null ? "more" : measured(number(last, "to"));
  return html`<div class="upright" role="group" aria-label="${chart.title}, bars" @keydown=${walk}>${chart.rows.map((row, place) => html`<button tabindex=${place ? "-1" : "0"} title="${chart.names[place]}: ${counts(row)}" aria-label="${chart.names[place]}: ${counts(row)}" ?disabled=${!number(row, "images")} @click=${show(row)}><i style="height:${height(number(row, what), chart.largest)}%"></i></button>`)}</div>
    <div class="axis num" aria-hidden="true"><span>${measured(number(first, "from"))}</span>${chart.rows.length > 4 ? html`<span>${measured(number(middle, "from"))}</span>` : nothing}<span>${end}${chart.unit ? ` ${chart.unit}` : ""}</span></div>`;
}

/** Few images are still seen beside many. */
const height = (n: number, largest: number): number => (n ? Math.max(2, (100 * n) / largest) : 0);

function names(chart: Chart, show: Show): TemplateResult {
  const parts = chart.rows[0]?.train === undefined ? [] : SETS.filter((part) => chart.rows.some((row) => number(row, part)));
  return html`${parts.length ? html`<div class="legend small">${parts.map((part) => html`<span><i class=${part}></i>${part === "none" ? "in no set" : part}</span>`)}</div>` : nothing}
    <div class="lying" role="group" aria-label="${chart.title}, bars" @keydown=${walk}>${chart.rows.map((row, place) => html`<button class="name cut" tabindex=${place ? "-1" : "0"} title="${chart.names[place]}: show ${counts(row)}" @click=${show(row)}>${chart.names[place]}</button>
      <span class="track" aria-hidden="true">${parts.length
        ? parts.map((part) => html`<i class=${part} title="${part}: ${grouped(number(row, part))}" style="width:${(100 * number(row, part)) / chart.largest}%" @click=${part === "none" ? show(row) : show(row, part)}></i>`)
        : html`<i style="width:${(100 * number(row, "images")) / chart.largest}%" @click=${show(row)}></i>`}</span><span class="num">${grouped(number(row, "images"))}</span>`)}</div>`;
}

function weights(chart: Chart, show: Show): TemplateResult {
  const ways = WAYS.filter((way) => chart.rows.some((row) => row[way] !== undefined));
  return html`<div class="legend small">${ways.map((way) => html`<span><i class=${way}></i>${way}</span>`)}</div>
    <div class="lying" role="group" aria-label="${chart.title}, bars" @keydown=${walk}>${chart.rows.map((row, place) => html`<button class="name cut" tabindex=${place ? "-1" : "0"} title="${chart.names[place]}: show its images" @click=${show(row)}>${chart.names[place]}</button>
      <span class="track thin" aria-hidden="true">${ways.map((way) => html`<i class=${way} style="width:${(100 * number(row, way)) / chart.largest}%"></i>`)}</span><span class="num">${ways.map((way) => (row[way] === undefined ? "–" : number(row, way).toFixed(2))).join(" · ")}</span>`)}</div>`;
}

function grid(chart: Chart, show: Show): TemplateResult {
  const across = axis(chart.rows, "width");
  const down = axis(chart.rows, "height");
  const shade = (n: number): number => 0.2 + 0.8 * (Math.log1p(n) / Math.log1p(chart.largest));
  return html`<div class="axis top num" aria-hidden="true"><span>height, px: ${down.text}</span></div>
    <div class="plane" role="group" aria-label="${chart.title}, squares" @keydown=${walk}>${chart.rows.map((row, place) => {
      const [left, right, bottom, top] = [across.at(number(row, "width_from")), across.at(number(row, "width_to")), down.at(number(row, "height_from")), down.at(number(row, "height_to"))];
      return html`<button tabindex=${place ? "-1" : "0"} title="${chart.names[place]}: ${counts(row)}" aria-label="${chart.names[place]}: ${counts(row)}" @click=${show(row)}
        style="left:${left}%;width:${right - left || 8}%;bottom:${bottom}%;height:${top - bottom || 12}%;--full:${Math.round(100 * shade(number(row, "images")))}%"></button>`;
    })}</div>
    <div class="axis num" aria-hidden="true"><span>${measured(across.low)}</span><span>width, px</span><span>${measured(across.high)}</span></div>`;
}

/** Where a number of px lies, in per cent; a lone value lies in the middle. */
function axis(rows: Row[], side: string): { low: number; high: number; text: string; at: (px: number) => number } {
  const low = Math.min(...rows.map((row) => number(row, `${side}_from`)));
  const high = Math.max(...rows.map((row) => number(row, `${side}_to`)));
  const scale = low > 0 && high / low >= APART ? Math.log : (px: number): number => px;
  const at = (px: number): number => (high === low ? 46 : (100 * (scale(px) - scale(low))) / (scale(high) - scale(low)));
  return { low, high, at, text: high === low ? measured(low) : `${measured(low)} to ${measured(high)}` };
}

/** Arrow keys, Home and End go from bar to bar. */
function walk(event: KeyboardEvent): void {
  const bars = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
  const here = bars.indexOf(event.target as HTMLButtonElement);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? bars.length - 1 : step ? here + step : -1;
  if (here < 0 || !bars[to]) return;
  event.preventDefault();
  for (const bar of bars) bar.tabIndex = bar === bars[to] ? 0 : -1;
  bars[to].focus();
}
