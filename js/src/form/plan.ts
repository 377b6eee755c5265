// The plan of a run: measured when somebody asks, with its progress, its numbers, and the table of batch sizes. Numbers
// and words are Python's; whether the section is open is the view's own matter.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./plan.css";
import type { BatchRow, Plan } from "../contracts";
import { grouped, percent } from "../lib/format";
import type { FormView } from "./view";

const KEY = "plan";

/** The section below all others; nothing where there is no plan to show or to make. */
export function planned(form: FormView): TemplateResult | typeof nothing {
  const found = form.panel.get("plan");
  if (found.state === undefined) return nothing;
  const plan = found as Plan;
  const isOpen = form.isOpen(KEY, plan.state === "measuring");
  return html`<details class="section plan" data-section="plan" .open=${live(isOpen)} @toggle=${(e: Event) => form.setOpen(KEY, (e.currentTarget as HTMLDetailsElement).open)}>
    <summary><b>Plan</b><span class="cut grow num">${short(plan)}</span>${plan.state === "stale" ? html`<span class="hinted warn">settings have changed</span>` : nothing}</summary>
    ${isOpen ? html`<div class="fields">${form.editable || plan.state === "measuring" ? tools(form, plan) : nothing}${result(form, plan)}</div>` : nothing}</details>`;
}

const short = (plan: Plan): string =>
  plan.state === "measuring" ? "measuring…" : plan.actual || plan.short || "time, memory and disk, from real steps";

function tools(form: FormView, plan: Plan): TemplateResult {
  if (plan.state === "measuring") {
    return html`<div class="row measuring" role="status">${plan.fraction === null ? html`<progress aria-label="Measuring"></progress>` : html`<progress max="1" aria-label="Measuring" value=${plan.fraction}></progress>`}
      <span class="grow small mut cut">${plan.text || "starting"}</span>
      ${plan.waits ? html`<button type="button" title="Shares the device: the times come out longer than alone" @click=${() => form.panel.send("plan_now")}>Measure now</button>` : nothing}
      <button type="button" @click=${() => form.panel.send("cancel_plan")}>Cancel</button></div>`;
  }
  const measure = (table: boolean) => (): void => { form.setOpen(KEY, true); form.panel.send("plan", { table }); };
  const again = plan.state === "none" ? "" : " again";
  return html`<div class="row"><button type="button" ?disabled=${form.panel.get("problems").length > 0} @click=${measure(false)}>Measure${again}</button>
      <button type="button" ?disabled=${form.panel.get("problems").length > 0} title="Takes longer: batches of 16, 32, 64, 128 and 256 images" @click=${measure(true)}>Compare batch sizes</button></div>
    <p class="small mut">${plan.state === "stale" ? "These numbers are of other settings than the ones above." : "A few real steps in a process of their own: the experiment stays as it is."}</p>
    ${plan.trouble ? html`<div class="note bad small" role="alert">${plan.trouble}</div>` : nothing}`;
}

function result(form: FormView, plan: Plan): TemplateResult | typeof nothing {
  if (!plan.rows.length) return nothing;
  return html`<div class=${plan.state === "stale" ? "old" : ""}>
    ${plan.fits ? html`<div class="note bad small">${plan.fits}</div>` : nothing}
    ${plan.actual ? html`<p class="small"><b>This run</b> ${plan.actual}</p>` : nothing}
    <table class="small numbers"><tbody>${plan.rows.map(([label, value, how]) => html`<tr><th scope="row">${label}</th><td class="num">${value}<span class="how dim">${how}</span></td></tr>`)}</tbody></table>
    ${plan.table.length ? sizes(form, plan.table) : nothing}</div>`;
}

function sizes(form: FormView, rows: BatchRow[]): TemplateResult {
  const fastest = Math.max(1e-9, ...rows.map((row) => row.speed));
  return html`<div class="scroll"><table class="small sizes"><thead><tr><th scope="col">batch</th><th scope="col">images/s</th><th scope="col" class="bars"><span class="hidden-text">speed, as bars</span></th><th scope="col">steps/epoch</th><th scope="col">peak memory</th><th scope="col"><span class="hidden-text">use</span></th></tr></thead>
    <tbody>${rows.map((row) => html`<tr class=${row.chosen ? "chosen" : ""}><td class="num">${row.batch}</td><td class="num">${grouped(row.speed)}</td>
      <td class="bars" title=${`${percent(row.speed / fastest)} of the fastest`}><i style="width:${100 * row.speed / fastest}%"></i></td><td class="num">${grouped(row.steps)}</td>
      <td class="num">${row.memory}${row.fits ? nothing : html` <b class="bad">too much</b>`}${row.measured ? nothing : html` <span class="dim" title="Worked out from the sizes that were measured">worked out</span>`}</td>
      <td>${row.chosen ? html`<span class="mut">set</span>` : form.editable ? html`<button type="button" class="link" aria-label="Use a batch size of ${row.batch}" @click=${() => form.now("training.batch_size", row.batch)}>Use</button>` : nothing}</td></tr>`)}</tbody></table></div>`;
}
