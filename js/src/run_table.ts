// The status table: one row per experiment with its run, live; sorted by a click on a column's head, filtered by words
// and by status. A row opens its experiment, a tick compares it. Drawn in pages.
import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { live } from "lit-html/directives/live.js";
import { ref } from "lit-html/directives/ref.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./run_table.css";
import type { RunRow, RunTable } from "./contracts";
import { counted, duration, grouped, measured, metricName, metricValue, percent, when } from "./lib/format";
import { MAX_COMPARED, PAGE, applyPatches, matching, nearTheEnd } from "./lib/listed";
import { type Panel, widget } from "./lib/panel";
import { inQueue } from "./lib/queue";
import { ICONS, type Status, WORDS, isActive } from "./lib/status";

type Value = string | number | null;
interface Column { key: string; label: string; title: string; number?: boolean; up?: boolean; value: (row: RunRow) => Value }
const STATUS_ORDER = Object.keys(ICONS);
/** `up`: the first click sorts upwards, as for names; numbers begin with the largest. */
export const COLUMNS: Column[] = [
  { key: "name", label: "Experiment", title: "Name", up: true, value: (row) => row.name },
  { key: "status", label: "Status", title: "Where its run stands", up: true, value: (row) => STATUS_ORDER.indexOf(row.status) },
  { key: "epoch", label: "Epoch", title: "Epochs done, of those planned", number: true, value: (row) => row.runs ? row.epoch : null },
  { key: "value", label: "Best", title: "Best value of the watched metric", number: true, value: (row) => row.value },
  { key: "best_epoch", label: "at", title: "Epoch of the best value", number: true, value: (row) => row.best_epoch },
  { key: "duration_s", label: "Took", title: "How long it has trained", number: true, value: (row) => row.duration_s },
  { key: "started_s", label: "Started", title: "When its run began", number: true, value: (row) => row.started_s },
  { key: "data", label: "Data", title: "Data set", up: true, value: (row) => row.data },
  { key: "model", label: "Model", title: "Model", up: true, value: (row) => row.model },
  { key: "device", label: "Device", title: "Device, as configured", up: true, value: (row) => row.device },
];
const GROUPS: { key: string; label: string; has: (status: Status) => boolean }[] = [
  { key: "all", label: "All", has: () => true },
  { key: "active", label: "Running", has: isActive },
  { key: "completed", label: "Completed", has: (status) => status === "completed" },
  { key: "ended", label: "Paused or stopped", has: (status) => status === "paused" || status === "cancelled" },
  { key: "failed", label: "Failed", has: (status) => status === "failed" },
  { key: "created", label: "Not trained", has: (status) => status === "created" },
];

interface Local { filter: string; group: string; by: string; up: boolean; most: number }

function prepare(panel: Panel<RunTable>): () => TemplateResult {
  const local: Local = { filter: "", group: "all", by: "", up: false, most: PAGE };
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.redraw(); };
  const grow = (): void => change({ most: local.most + PAGE });
  const end = nearTheEnd(panel, grow);
  panel.on("msg:custom", panel.redraw);
  return () => {
    const cards = panel.get("cards");
    const found = matching(cards, local.filter);
    const inGroup = GROUPS.find((group) => group.key === local.group) ?? GROUPS[0]!;
    const rows = ordered(found.filter((row) => inGroup.has(row.status)), local.by, local.up);
    const shown = rows.slice(0, local.most);
    const oneMetric = new Set(cards.map((row) => row.metric).filter(Boolean)).size < 2;
    const entry = shown.some((row) => row.id === panel.get("selected")) ? panel.get("selected") : shown[0]?.id ?? "";
    return html`${tools(panel, local, change, found)}
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      <div class="scroll"><table class="num" aria-label="Runs of this project" @keydown=${rowKeys}>
        <thead><tr><th scope="col"><span class="hidden-text">Compare</span></th>${COLUMNS.map((column) => head(column, local, change))}</tr></thead>
        <tbody>${repeat(shown, (row) => row.id, (row) => guard([JSON.stringify(row), panel.get("selected") === row.id, panel.get("overlay").indexOf(row.id), panel.get("overlay").length, entry === row.id, oneMetric], () => line(panel, row, entry, oneMetric)))}</tbody></table></div>
      ${rows.length > shown.length ? html`<div class="more" ${ref(end)}><button @click=${grow}>Show more (${grouped(rows.length - shown.length)} left)</button></div>` : nothing}
      ${shown.length ? nothing : html`<div class="empty">${cards.length ? "No run matches." : "No experiments yet. The first one is made in the stage Train."}</div>`}`;
  };
}

/** The rows by one column; what has no value comes last, whichever way. Without a column the newest first. */
export function ordered(rows: RunRow[], by: string, up: boolean): RunRow[] {
  const column = COLUMNS.find((one) => one.key === by);
  if (!column) return rows;
  const compare = (a: Value, b: Value): number => typeof a === "string" && typeof b === "string" ? a.localeCompare(b, undefined, { numeric: true }) : Number(a) - Number(b);
  const missing = (value: Value): boolean => value === null || value === "";
  return [...rows].sort((one, other) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    return (up ? 1 : -1) * compare(a, b) || other.created_s - one.created_s;
  });
}

function tools(panel: Panel<RunTable>, local: Local, change: (part: Partial<Local>) => void, found: RunRow[]): TemplateResult {
  const ticked = panel.get("overlay").filter((id) => id !== panel.get("selected")).length;
  const groups = GROUPS.map((group) => ({ ...group, count: found.filter((row) => group.has(row.status)).length }));
  return html`<div class="row tools">
    <input type="search" class="finding" placeholder="Filter…" title="Words of name, description, tags or status; tag:x for a tag" aria-label="Filter runs" .value=${live(local.filter)}
      @input=${(e: InputEvent) => change({ filter: (e.target as HTMLInputElement).value })}>
    <span class="chips" role="group" aria-label="Status">${groups.filter((group) => group.count || group.key === "all" || group.key === local.group).map((group) => html`<button aria-pressed=${group.key === local.group ? "true" : "false"}
      @click=${() => change({ group: group.key })}>${group.label} <span class="num dim">${grouped(group.count)}</span></button>`)}</span>
    <span class="grow"></span>
    <button ?disabled=${!ticked} title=${ticked ? "Curves, metrics and settings side by side" : "Tick experiments to compare them with the selected one"}
      @click=${() => panel.send("open", { id: panel.get("selected"), stage: "compare" })}>${ticked ? `Compare ${counted(ticked + 1, "experiment")}` : "Compare"}</button></div>`;
}

function head(column: Column, local: Local, change: (part: Partial<Local>) => void): TemplateResult {
  const on = local.by === column.key;
  const click = (): void => { // first way, other way, back to the newest first
    const first = column.up ?? false;
    change(!on ? { by: column.key, up: first } : local.up === first ? { up: !first } : { by: "" });
  };
  return html`<th scope="col" class="${column.key} ${column.number ? "" : "left"}" aria-sort=${on ? (local.up ? "ascending" : "descending") : "none"}>
    <button title="${column.title}; click to sort" @click=${click}>${column.label}<span aria-hidden="true">${on ? (local.up ? "↑" : "↓") : ""}</span></button></th>`;
}

function line(panel: Panel<RunTable>, row: RunRow, entry: string, oneMetric: boolean): TemplateResult {
  const on = panel.get("selected") === row.id;
  const open = (): void => panel.send("open", { id: row.id, stage: "train" });
  const keys = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter") { event.preventDefault(); open(); }
    if (event.key === " ") { event.preventDefault(); toggle(panel, row.id, on); }
  };
  return html`<tr class=${on ? "on" : ""} data-id=${row.id} tabindex=${row.id === entry ? 0 : -1} aria-current=${on} @click=${open} @keydown=${keys}>
    <td class="tick" @click=${(e: Event) => e.stopPropagation()}>${tickBox(panel, row, on)}</td>
    <td class="name left"><span class="cut" title=${row.name}>${row.name}</span>${row.tags.map((tag) => html`<span class="pill cut">${tag}</span>`)}</td>
    <td class="status left">${status(row)}</td>
    <td class="epoch">${row.runs ? html`${row.epoch}<span class="dim"> / ${row.epochs}</span>` : "–"}</td>
    <td class="value">${row.value === null ? "–" : html`<b title=${metricName(row.metric)}>${metricValue(row.metric, row.value)}</b>${oneMetric ? nothing : html` <span class="dim">${metricName(row.metric)}</span>`}`}</td>
    <td class="best_epoch">${row.best_epoch === null ? "–" : measured(row.best_epoch)}</td>
    <td class="duration_s">${duration(row.duration_s)}</td>
    <td class="started_s">${row.started_s === null ? "–" : when(row.started_s)}</td>
    <td class="data left"><span class="cut" title=${row.data}>${row.data || "–"}</span></td>
    <td class="model left"><span class="cut" title=${row.model}>${row.model}</span></td>
    <td class="device left">${row.device}</td></tr>`;
}

function status(row: RunRow): TemplateResult {
  const mark = html`<span class="mark ${row.status}" aria-hidden="true">${ICONS[row.status]}</span>`;
  if (row.status === "training") return html`${mark} <span class="bar" title=${percent(row.progress)}><i style="width:${100 * row.progress}%"></i></span> <span class="mut">${row.eta_s === null ? percent(row.progress, 0) : `${duration(row.eta_s)} left`}</span>`;
  if (row.status === "pending" && row.place) return html`${mark} ${inQueue(row)}`;
  if (row.status === "preparing") return html`${mark} ${row.phase || "starting"}…`;
  if (row.status === "failed") return html`${mark} Failed${row.cause ? html`<span class="mut">: ${row.cause}</span>` : nothing}`;
  return html`${mark} ${row.edited ? html`<span class="warn">Not saved</span>` : WORDS[row.status]}`;
}

function tickBox(panel: Panel<RunTable>, row: RunRow, on: boolean): TemplateResult {
  const overlay = panel.get("overlay");
  const place = overlay.indexOf(row.id);
  const color = on ? "accent-color:var(--c1)" : place >= 0 ? `accent-color:var(--c${(place % MAX_COMPARED) + 2})` : "";
  return html`<input type="checkbox" style=${color} .checked=${live(on || place >= 0)} tabindex="-1" ?disabled=${on || (place < 0 && overlay.length >= MAX_COMPARED)}
    title=${on ? "The selected experiment: others are compared with it" : "Compare with the selected experiment"} aria-label="Compare ${row.name}" @change=${() => toggle(panel, row.id, on)}>`;
}

function toggle(panel: Panel<RunTable>, id: string, on: boolean): void {
  const overlay = panel.get("overlay");
  if (overlay.includes(id)) panel.tell("overlay", overlay.filter((one) => one !== id));
  else if (!on && overlay.length < MAX_COMPARED) panel.tell("overlay", [...overlay, id]);
}

function rowKeys(event: KeyboardEvent): void {
  const here = event.target as HTMLElement;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (here.tagName !== "TR" || !step) return;
  event.preventDefault();
  const next = (step > 0 ? here.nextElementSibling : here.previousElementSibling) as HTMLElement | null;
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export default widget<RunTable>("run_table", prepare, applyPatches);
