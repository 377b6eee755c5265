// The charts: cards around bqplot figures, with legends, axis choice, smoothing, log axes, a shared cursor that reads
// values from what is drawn (no word to Python), and zoom by dragging. The curves themselves come from curves.py.
import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { repeat } from "lit-html/directives/repeat.js";
import "./curves.css";
import type { Chart, Curves } from "./contracts";
import { duration, grouped, measured, typed } from "./lib/format";
import { type Panel, widget } from "./lib/panel";
import { attachCursor } from "./curves/cursor";
import { keepTicks } from "./curves/ticks";

const AXES: Curves["axis"][] = ["step", "epoch", "time"];

function prepare(panel: Panel<Curves>): () => TemplateResult {
  const figures = new Map<string, Promise<HTMLElement>>();
  const mount = (chart: Chart) => (place?: Element): void => {
    if (!place || place.getAttribute("data-figure") === chart.figure) return;
    place.setAttribute("data-figure", chart.figure);
    if (!figures.has(chart.figure)) figures.set(chart.figure, figureElement(panel, chart.figure));
    void figures.get(chart.figure)?.then((element) => place.append(element));
    keepTicks(panel, chart);
  };
  const place = (x: number): string => panel.get("axis") === "time" ? duration(x * panel.get("unit_s")) : panel.get("axis") === "epoch" ? `epoch ${measured(x)}` : `step ${grouped(x)}`;
  let zoomed = false;
  const reset = attachCursor(panel, place, (now) => { zoomed = now; panel.redraw(); });
  requestAnimationFrame(() => setTimeout(() => panel.tell("painted", true), 0));
  return () => {
    if (!panel.get("shown")) return html``;
    const charts = panel.get("charts");
    return html`${tools(panel, zoomed, reset)}${names(panel.get("compared"))}<div class="charts">
      ${charts.length ? repeat(charts, (chart) => chart.key, (chart) => card(panel, chart, mount)) : [0, 1, 2, 3].map(() => html`<div class="chart"><div class="row"></div><div class="plot"></div></div>`)}</div>`;
  };
}

function tools(panel: Panel<Curves>, zoomed: boolean, reset: () => void): TemplateResult {
  const axis = panel.get("axis");
  return html`<div class="row tools" title="Drag across a chart to zoom, double-click to see all"><span class="seg" role="group" aria-label="Horizontal axis">${AXES.map((name) => html`<button aria-pressed=${name === axis ? "true" : "false"}
      @click=${() => panel.send("axis", { axis: name })}>${name === "time" && name === axis ? `time (${panel.get("unit_s") === 1 ? "s" : "min"})` : name}</button>`)}</span>
    <label>Smoothing <input type="range" min="0" max="0.98" step="0.02" .value=${String(panel.get("smoothing"))} aria-valuetext=${typed(panel.get("smoothing"))}
      @input=${(e: Event) => panel.send("smooth", { smoothing: Number((e.target as HTMLInputElement).value) })}></label>
    <span class="grow"></span>${zoomed ? html`<button class="plain" @click=${reset}>Reset zoom</button>` : nothing}</div>`;
}

/** The names of the compared experiments, once for all charts. */
function names(compared: Curves["compared"]): TemplateResult | typeof nothing {
  if (compared.length < 2) return nothing;
  return html`<div class="legend names" aria-label="Compared experiments">${compared.map((one) => html`<span title=${one.label}><i style="background:${one.color}"></i><span class="cut">${one.label}</span></span>`)}
    <span class="dim">faint: train</span></div>`;
}

function card(panel: Panel<Curves>, chart: Chart, mount: (chart: Chart) => (place?: Element) => void): TemplateResult {
  const toggle = (): void => panel.send("log", { key: chart.key, log: !chart.log });
  const heading = chart.title
    ? html`<h4>${chart.title}</h4>`
    : html`<select class="which" aria-label="What this chart shows" @change=${(e: Event) => panel.send("option", { key: chart.key, option: (e.target as HTMLSelectElement).value })}>
        ${chart.options.map((one) => html`<option value=${one.value} ?selected=${one.value === chart.option}>${one.label}</option>`)}</select>`;
  return html`<div class="chart ${chart.legend.length ? "" : "bare"}" role="figure" aria-label=${chart.title || chart.option}><div class="row">${heading}
      <span class="legend">${(panel.get("compared").length > 1 ? [] : chart.legend.filter((one) => one.label)).map((one) => html`<span title=${one.label}><i style="background:${one.color}"></i><span class="cut">${one.label}</span></span>`)}</span>
      <button class="log" aria-pressed=${chart.log ? "true" : "false"} title="Logarithmic scale" @click=${toggle}>log</button></div>
    <div class="plot" data-key=${chart.key} ${ref(mount(chart))}></div>
    ${chart.legend.length ? nothing : html`<div class="wait">${panel.get("waiting") ? "Waiting for the first numbers…" : chart.key === "metric" ? "After the first validation" : "No numbers yet"}</div>`}</div>`;
}

/** The element of a bqplot figure, made by the host's own widget manager. */
async function figureElement(panel: Panel<Curves>, figure: string): Promise<HTMLElement> {
  const manager = panel.model.widget_manager;
  const view = await manager.create_view(await manager.get_model(figure.replace("IPY_MODEL_", "")));
  panel.signal.addEventListener("abort", () => view.remove());
  requestAnimationFrame(() => view.trigger("displayed")); // what a Lumino parent would have said
  return view.el;
}

export default widget<Curves>("curves", prepare);
