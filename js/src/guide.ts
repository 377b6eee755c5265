// The guided start: a rail of steps, one step at a time, and what comes next always at the right of the foot. What a
// step means and lacks is Python's; here it is drawn, and a step's own drawing is a file in guide/.
import { html, nothing, type TemplateResult } from "lit-html";
import "./form.css";
import "./guide.css";
import type { GuidePanel, GuideStep } from "./contracts";
import { classesStep } from "./guide/classes";
import { configurationStep, fieldsOf } from "./guide/configuration";
import { dataStep } from "./guide/data";
import { reviewStep } from "./guide/review";
import { taskStep } from "./guide/task";
import type { Local, Show } from "./guide/view";
import { takeAlong } from "./lib/adding";
import { type Panel, widget } from "./lib/panel";

const STEPS: Record<string, (show: Show) => TemplateResult> = {
  task: taskStep, data: dataStep, classes: classesStep, configuration: configurationStep, review: reviewStep,
};

function prepare(panel: Panel<GuidePanel>): () => TemplateResult {
  const local: Local = { path: "", adding: false, renaming: "", most: 100, discarding: false };
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.draw(); };
  const show: Show = { panel, local, change, form: fieldsOf(panel), go: (step) => panel.send("go", { step }) };
  panel.on("change:step", () => {
    panel.draw();
    const body = panel.el.querySelector<HTMLElement>(".step");
    body?.scrollTo?.(0, 0);
    if (panel.el.contains(document.activeElement) || document.activeElement === document.body) body?.focus({ preventScroll: true });
  });
  const take = (): void => { // opened from a button beside it, which Enter and Tab would otherwise still act on
    if (panel.seen && document.activeElement?.closest(".nbt-studio")) panel.el.querySelector<HTMLElement>(".step")?.focus({ preventScroll: true });
  };
  panel.onSight(() => requestAnimationFrame(take));
  requestAnimationFrame(take);
  panel.on("change:adding", () => { if (panel.get("adding").done !== undefined) Object.assign(local, { adding: false, path: "" }); });
  panel.listen(panel.el, "keydown", (event: KeyboardEvent) => keys(event, show));
  return () => {
    takeAlong(panel.el, "button.more", ".step");
    const steps = panel.get("steps");
    const here = steps.find((step) => step.key === panel.get("step")) ?? steps[0];
    if (!here) return html``;
    return html`${head(show)}
      <div class="middle">${rail(show, steps, here)}
        <div class="step" tabindex="-1" role="group" aria-label=${here.label} data-step=${here.key}>
          ${(STEPS[here.key] ?? taskStep)(show)}</div></div>
      ${foot(show, steps, here)}`;
  };
}

/** The step before (-1) or after (1) the open one. */
export function beside(steps: GuideStep[], step: string, by: -1 | 1): GuideStep | undefined {
  return steps[steps.findIndex((one) => one.key === step) + by];
}

/** Puts the guide away; the focus goes back to where it was opened from. */
function leave(panel: Panel<GuidePanel>): void {
  panel.send("close");
  panel.el.closest(".nbt-studio")?.querySelector<HTMLElement>(".nbt-experiments button.how")?.focus();
}

/** Enter goes on where nothing else wants it, Escape puts the guide away. */
function keys(event: KeyboardEvent, show: Show): void {
  const { panel, local } = show;
  const target = event.target as HTMLElement;
  const takes = target.matches("button, a, textarea, select, .menu *, .drop *") || (target.matches("input") && !target.matches("[type=radio], [type=checkbox]"));
  if (event.defaultPrevented) return;
  if (event.key === "Escape" && !target.matches("input:not([type=radio], [type=checkbox]), .menu *, .drop *")) {
    event.preventDefault();
    if (local.discarding) show.change({ discarding: false });
    else leave(panel);
  }
  if (event.key !== "Enter" || takes) return;
  const here = panel.get("steps").find((step) => step.key === panel.get("step"));
  const next = beside(panel.get("steps"), panel.get("step"), 1);
  if (!next || here?.missing.length) return;
  event.preventDefault();
  show.go(next.key);
}

function head({ panel, local, change }: Show): TemplateResult {
  const discard = (): void => { change({ discarding: false }); panel.send("discard"); };
  const ask = (): void => { if (panel.get("touched")) change({ discarding: true }); else discard(); };
  return html`<div class="row top"><h2>Guided start</h2><span class="small mut cut" role="status">${panel.get("busy")}</span><span class="grow"></span>
    ${local.discarding ? html`<span class="row asks" role="alertdialog" aria-label="Discard the draft?"><span class="small">Discard what was chosen?</span>
        <button class="solid-danger" @click=${discard}>Discard</button><button @click=${() => change({ discarding: false })}>Keep</button></span>`
      : html`<button class="plain" ?disabled=${!panel.get("touched")} @click=${ask}>Discard</button>`}
    <button class="icon" aria-label="Close; the draft is kept" title="Close; the draft is kept" @click=${() => leave(panel)}>✕</button></div>
    ${panel.get("trouble") ? html`<div class="note bad trouble" role="alert">${panel.get("trouble")}</div>` : nothing}`;
}

function rail({ go }: Show, steps: GuideStep[], here: GuideStep): TemplateResult {
  const arrows = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
    if (!by) return;
    event.preventDefault();
    all[all.indexOf(event.target as HTMLElement) + by]?.focus();
  };
  return html`<nav class="rail" aria-label="Steps" @keydown=${arrows}><ol>${steps.map((step, place) => {
    const state = step.missing.length || !step.summary ? "open" : "done";
    return html`<li><button class="${step === here ? "here" : ""} ${state}" aria-current=${step === here ? "step" : "false"} data-key=${step.key} title="${step.label}: ${step.summary}"
        aria-label="${place + 1}. ${step.label}: ${step.summary}${state === "open" ? ", not complete" : ""}" @click=${() => go(step.key)}>
      <i class="num" aria-hidden="true">${state === "done" && step !== here && step.key !== "review" ? "✓" : place + 1}</i>
      <span class="words"><b>${step.label}</b><span class="small cut">${step.summary}</span></span></button></li>`;
  })}</ol></nav>`;
}

function foot({ panel, go }: Show, steps: GuideStep[], here: GuideStep): TemplateResult {
  const back = beside(steps, here.key, -1);
  const next = beside(steps, here.key, 1);
  const lacks = here.key === "review" ? "" : here.missing[0];
  const idle = !panel.get("busy");
  const ready = here.key === "review" && Boolean(panel.get("review").ready) && idle;
  return html`<div class="row foot">
    ${back ? html`<button @click=${() => go(back.key)}>Back</button>` : html`<span></span>`}
    <span class="grow small warn why" role="status">${lacks ? lacks.message : nothing}</span>
    ${next ? html`<button class="primary next" ?disabled=${Boolean(lacks)} @click=${() => go(next.key)}>Next: ${next.label}</button>`
      : html`<button ?disabled=${!ready} @click=${() => panel.send("create")}>Create</button>
        <button class="primary next" ?disabled=${!ready} @click=${() => panel.send("create", { train: true })}>Create and train</button>`}</div>`;
}

export default widget<GuidePanel>("guide", prepare);
