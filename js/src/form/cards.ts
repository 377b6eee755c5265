// Cards inside the sections they belong to: schedule, class balance, optimizers compared, regularisation, timeline.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Cards } from "../contracts";
import { counted, grouped, measured, percent } from "../lib/format";
import { jump } from "./jump";
import { preview } from "./preview";
import { schedule } from "./schedule";
import type { FormView } from "./view";

type Drawn = TemplateResult | typeof nothing;
const TOP_POINTS = 3;

/** What stands above the fields of a section: what they do is seen while they are edited. */
export const aboveFields = (form: FormView, section: string): Drawn => section === "augmentation" ? preview(form) : nothing;

/** What stands below the fields of a section. */
export function inSection(form: FormView, section: string): Drawn {
  const cards = form.panel.get("cards");
  switch (section) {
    case "data": return cards.cache?.text ? cache(form, cards.cache) : nothing;
    case "scheduler": return schedule(form);
    case "loss": return cards.balance?.rows ? balance(form, cards.balance as Required<Cards>["balance"]) : nothing;
    case "optimizer": return cards.optimizers ? optimizers(form, cards.optimizers) : nothing;
    case "augmentation": return cards.regularisation ? regularisation(form, cards.regularisation) : nothing;
    case "training": return cards.timeline ? html`${timeline(form, cards.timeline)}${cards.stops ? html`<p class="small mut">${cards.stops}</p>` : nothing}` : nothing;
    default: return nothing;
  }
}

function card(form: FormView, key: string, title: string, short: unknown, inside: () => TemplateResult, first = false): TemplateResult {
  const isOpen = form.isOpen(`card.${key}`, first);
  return html`<details class="card" .open=${live(isOpen)} @toggle=${(e: Event) => { e.stopPropagation(); form.setOpen(`card.${key}`, (e.currentTarget as HTMLDetailsElement).open); }}>
    <summary><b>${title}</b><span class="cut grow small">${short}</span></summary>${isOpen ? inside() : nothing}</details>`;
}

const cache = (form: FormView, found: Cards["cache"]): TemplateResult => html`<p class="small mut" data-cache>${found.text}
  ${found.clear ? html`<button type="button" class="link" title="The next run decodes the images again" aria-label="Clear the decoded images" @click=${() => form.panel.send("clear_cache")}>Clear</button>` : nothing}</p>`;

function balance(form: FormView, found: Required<Cards>["balance"]): TemplateResult {
  const rows = found.rows ?? [];
  const most = Math.max(1, ...rows.map((row) => row[1]));
  const ratio = found.ratio ?? 1;
  return card(form, "balance", "Class balance", html`ratio ${measured(ratio)} : 1 ${ratio > 10 ? html`<b class="warn">imbalanced</b>` : ""}`, () => html`
    <div class="scroll"><table class="num small"><thead><tr><th scope="col">class</th><th scope="col" class="bars"><span class="hidden-text">images, as bars</span></th><th scope="col">images</th><th scope="col">auto weight</th><th scope="col">share of loss</th></tr></thead>
    <tbody>${rows.map(([name, count, weight, share]) => html`<tr><td class="cut">${name}</td><td class="bars"><i style="width:${100 * count / most}%"></i></td><td>${grouped(count)}</td><td>×${measured(weight)}</td><td>${percent(share)}</td></tr>`)}</tbody></table></div>
    ${found.left_out ? html`<p class="small dim">${counted(found.left_out, "class", "classes")} of middling size are left out.</p>` : nothing}
    <div class="options" role="radiogroup" aria-label="What to do about rare classes">${(found.options ?? []).map((one) => html`<label class="option-row small"><input type="radio" name="balance-${form.panel.el.id}" ?disabled=${!form.editable} .checked=${live(one.chosen)}
      @change=${() => form.panel.send("fix", { fix: one.fix })}><span><b>${one.label}</b>${one.recommended ? html` <span class="ok">recommended</span>` : ""} <span class="mut">${one.effect}</span></span></label>`)}</div>`, ratio > 10);
}

function optimizers(form: FormView, rows: Cards["optimizers"]): TemplateResult {
  const now = rows.find((row) => row.chosen);
  return card(form, "optimizers", "Optimizers compared", now ? [now.stability, now.memory === "none" ? "no memory of its own" : now.memory && `${now.memory} of states`].filter(Boolean).join(" · ") : "", () => html`
    <div class="scroll"><table class="small compared"><thead><tr><th scope="col">optimizer</th><th scope="col" title="Of its states, for this model: numbers kept per weight × 4 bytes">memory</th><th scope="col" title="Numbers that a step reads and writes per weight: what a fused step costs">step moves</th><th scope="col">stability</th><th scope="col">best for</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr class=${row.chosen ? "chosen" : ""}><td>${row.chosen || !form.editable ? html`<b>${row.label}</b>` : html`<button type="button" class="link" title="Use ${row.label}" @click=${() => form.now("optimizer.kind", row.kind)}>${row.label}</button>`}</td>
      <td class="num">${row.memory || "–"}</td><td class="num">${row.moved}</td><td>${row.stability || "–"} <span class="dim">${row.source}</span></td><td>${row.best_for || "–"}</td></tr>`)}</tbody></table></div>`);
}

function regularisation(form: FormView, found: Cards["regularisation"]): TemplateResult {
  return card(form, "regularisation", "Regularisation", html`<b class="strength">${found.overall}</b> · augmentation ${found.augmentation}`, () => html`
    <table class="small"><tbody>${found.parts.map((part) => html`<tr><td><button type="button" class="link" @click=${() => jump(form, part.path)}>${part.label}</button></td><td class="dots" aria-label="counts ${part.points}">${"●".repeat(part.points)}<span class="dim">${"○".repeat(TOP_POINTS - Math.min(TOP_POINTS, part.points))}</span></td><td>${part.value}</td></tr>`)}</tbody></table>
    <p class="small dim">Points are counted by a rule: none 0, light to 2, medium to 5, strong above.</p>`);
}

function timeline(form: FormView, events: Cards["timeline"]): Drawn {
  const total = events.at(-1)?.epoch ?? 0;
  if (!total) return nothing;
  return card(form, "timeline", "Timeline", events.filter((one) => one.epoch < total).map((one) => `${one.label} ${measured(one.epoch)}`).join(" · ") || `${measured(total)} epochs`, () => html`
    <div class="timeline" aria-hidden="true">${events.map((one) => html`<i style="left:${100 * one.epoch / total}%"></i>`)}</div>
    <table class="small"><tbody>${events.map((one) => html`<tr><td><button type="button" class="link" @click=${() => jump(form, one.path)}>${one.label}</button></td><td class="num">epoch ${measured(one.epoch)}</td></tr>`)}</tbody></table>`);
}
