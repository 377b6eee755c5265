// Images or statistics: the switch, and a data set's charts, each of which is a table too. A click on a bar shows its images.
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import "./statistics.css";
import type { Chart, Statistics } from "./contracts";
import { openMenu, under } from "./lib/menu";
import { type Panel, widget } from "./lib/panel";
import { drawing } from "./statistics/bars";
import { table } from "./statistics/table";

interface Local { tables: Set<string>; said: Map<string, string>; shown: { chart: string; text: string } }
const SCAN_TELLS = "sizes in pixels, aspect, brightness, contrast, sharpness, formats and modes";

function prepare(panel: Panel<Statistics>): () => TemplateResult {
  const local: Local = { tables: new Set(), said: new Map(), shown: { chart: "", text: "" } };
  panel.on("msg:custom", (message: { copied?: { chart: string; text: string } }) => { if (message.copied) void copy(panel, local, message.copied); });
  return () => {
    if (!panel.get("text")) return html``;
    const open = panel.get("view") === "statistics";
    const charts = panel.get("charts");
    return html`<div class="row switch"><div class="seg" role="group" aria-label="What is shown">${(["images", "statistics"] as const).map((view) => html`<button aria-pressed=${panel.get("view") === view ? "true" : "false"} @click=${() => panel.send("view", { view })}>${view === "images" ? "Images" : "Statistics"}</button>`)}</div>
        <span class="grow"></span>${open || panel.get("busy") || panel.get("failed") ? html`<span class="mut small" role="status">${panel.get("text")}</span>` : nothing}</div>
      ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}
      ${open && panel.get("failed") ? html`<div class="note bad small" role="alert">${panel.get("failed")}</div>` : nothing}
      <div class="charts" ?hidden=${!open}>${charts.length ? scanned(panel) : nothing}${repeat(charts, (one) => one.key, (one) => card(panel, local, one))}</div>`;
  };
}

/** What a scan would add, and the way to have one; nothing where there is one of these very images. */
function scanned(panel: Panel<Statistics>): TemplateResult | typeof nothing {
  const { state = "none", text = "", fraction = 0 } = panel.get("scan");
  if (state === "done") return nothing;
  if (state === "running") return html`<div class="offer"><p class="small mut" role="status">Scanning: ${text}</p><div class="bar" role="progressbar" aria-valuenow=${Math.round(100 * (fraction ?? 0))}><i style="width:${100 * (fraction ?? 0)}%"></i></div></div>`;
  return html`<div class="offer row"><p class="grow">${state === "stale" ? "Images have changed since they were scanned." : html`A scan opens every image once, and adds ${SCAN_TELLS}.`}</p><button @click=${() => panel.send("scan")}>${state === "stale" ? "Scan again" : "Scan all images"}</button></div>`;
}

function card(panel: Panel<Statistics>, local: Local, chart: Chart): TemplateResult {
  const asTable = local.tables.has(chart.key);
  const turn = (on: boolean): void => { if (on) local.tables.add(chart.key); else local.tables.delete(chart.key); panel.redraw(); };
  const menu = (at: HTMLElement): void => openMenu(panel.el, [
    { label: "Copy as CSV", below: "The whole table", action: () => panel.send("copy", { chart: chart.key, form: "csv" }) },
    { label: "Copy as Python", below: "The line that makes it a data frame", action: () => panel.send("copy", { chart: chart.key, form: "python" }) },
  ], under(at), at);
  const left = chart.total - chart.rows.length;
  const shown = local.shown.chart === chart.key ? local.shown.text : "";
  return html`<article class="chart ${chart.key} ${chart.kind} ${asTable ? "as-table" : ""}" aria-label=${chart.title}>
    <div class="row"><h3 class="grow cut">${chart.title}</h3>
      <div class="seg" role="group" aria-label="How ${chart.title} is shown"><button aria-pressed=${asTable ? "false" : "true"} @click=${() => turn(false)}>Chart</button><button aria-pressed=${asTable ? "true" : "false"} @click=${() => turn(true)}>Table</button></div>
      <button class="icon" aria-label="Copy ${chart.title}" aria-haspopup="menu" @click=${(e: Event) => menu(e.currentTarget as HTMLElement)}>⋯</button></div>
    <p class="small mut about">${chart.about}</p>
    ${chart.rows.length ? asTable ? table(panel, chart) : drawing(panel, chart) : html`<p class="small mut">Nothing to count.</p>`}
    ${chart.said || left > 0 || local.said.has(chart.key) ? html`<div class="row foot"><span class="small mut num grow">${chart.said}</span>
      ${left > 0 ? html`<button class="plain small" @click=${() => panel.send("more", { chart: chart.key })}>Show more (${left} left)</button>` : nothing}
      ${local.said.has(chart.key) ? html`<span class="small ok" role="status">${local.said.get(chart.key)}</span>` : nothing}</div>` : nothing}
    ${shown ? html`<textarea class="copied" readonly rows="4" aria-label="The copied text" .value=${shown}></textarea>` : nothing}</article>`;
}

async function copy(panel: Panel<Statistics>, local: Local, copied: { chart: string; text: string }): Promise<void> {
  try {
    await navigator.clipboard.writeText(copied.text);
    local.said = new Map([[copied.chart, "Copied."]]);
    local.shown = { chart: "", text: "" };
    panel.redraw();
  } catch { // no clipboard without https, in some hosts, or without permission
    local.said = new Map([[copied.chart, "Selected: press Ctrl+C."]]);
    local.shown = copied;
    panel.draw();
    panel.el.querySelector<HTMLTextAreaElement>(".copied")?.select();
  }
}

export default widget<Statistics>("statistics", prepare);
