// The header: which project, for which task, on which machine; toasts; and the notice that the kernel is gone.
import { html, nothing, type TemplateResult } from "lit-html";
import "./header.css";
import type { Gpu, Header, Machine } from "./contracts";
import { counted, gibibytes } from "./lib/format";
import { heart } from "./lib/heart";
import { type Entry, openMenu, under } from "./lib/menu";
import { type Panel, widget } from "./lib/panel";

const TOAST_MS = 6000;
type Dialog = { kind: "path" } | { kind: "unsaved"; path: string } | null;

function prepare(panel: Panel<Header>): () => TemplateResult {
  const pulse = heart(panel);
  const toasts = livingToasts(panel);
  let dialog: Dialog = null;
  const show = (next: Dialog): void => {
    dialog = next;
    panel.draw();
    panel.el.querySelector<HTMLElement>(".dialog :is(input, button)")?.focus(); // once: the meters redraw every 2 s
  };
  const open = (path: string): void => {
    if (panel.get("unsaved")) return show({ kind: "unsaved", path });
    show(null);
    panel.send("open", { path });
  };
  panel.on("change:project", () => { dialog = null; panel.redraw(); });
  return () => html`
    <div class="row top" role="banner">
      ${projectButton(panel, open, () => show({ kind: "path" }))}
      ${taskPill(panel.get("project"))}
      <div class="corner ${toasts.any() ? "told" : ""}">${meters(panel.get("machine"))}<div class="toasts" role="status" aria-live="polite">${toasts.draw()}</div></div>
    </div>
    ${tabs(panel)}
    ${pulse()}
    ${dialog?.kind === "path" ? pathDialog(panel, open, () => show(null)) : nothing}
    ${dialog?.kind === "unsaved" ? unsavedDialog(panel, dialog.path, () => show(null)) : nothing}`;
}

/** The stages, as tabs: arrows move between them. */
function tabs(panel: Panel<Header>): TemplateResult | typeof nothing {
  const stages = panel.get("stages");
  if (stages.length < 2) return nothing;
  const open = (key: string): void => { if (key !== panel.get("stage")) panel.send("stage", { stage: key }); };
  const keys = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
    if (!step) return;
    event.preventDefault();
    const next = all[(all.indexOf(event.target as HTMLButtonElement) + step + all.length) % all.length];
    next?.focus();
    next?.click();
  };
  return html`<div class="tabs" role="tablist" aria-label="Stages" @keydown=${keys}>${stages.map(({ key, label }) => {
    const on = key === panel.get("stage");
    return html`<button role="tab" aria-selected=${on ? "true" : "false"} tabindex=${on ? 0 : -1} data-label=${label} @click=${() => open(key)}>${label}</button>`;
  })}</div>`;
}

function taskPill(project: Header["project"]): TemplateResult | typeof nothing {
  if (!project.task) return nothing;
  return html`<span class="pill">${project.task}${project.n_classes ? ` · ${counted(project.n_classes, "class", "classes")}` : ""}</span>`;
}

function projectButton(panel: Panel<Header>, open: (path: string) => void, askPath: () => void): TemplateResult {
  const project = panel.get("project");
  const toggle = (event: Event): void => projectMenu(panel, event.currentTarget as HTMLElement, open, askPath);
  return html`<button class="project" aria-haspopup="menu" title=${project.path} @click=${toggle}><span class="cut">${project.name}</span></button>`;
}

function projectMenu(panel: Panel<Header>, button: HTMLElement, open: (path: string) => void, askPath: () => void): void {
  panel.send("look"); // what runs in each may have changed since
  const others = panel.get("recent").filter((one) => !one.current);
  const entries: Entry[] = others.map((one) => ({
    label: one.name, below: one.running.length ? `● ${one.running.join(", ")}` : one.path, action: () => open(one.path),
  }));
  openMenu(panel.el, [...entries, { label: "Open or create a project…", action: askPath }], under(button), button);
}

function pathDialog(panel: Panel<Header>, open: (path: string) => void, cancel: () => void): TemplateResult {
  // No <form>: hosts keep Enter from submitting one.
  const submit = (): void => {
    const path = panel.el.querySelector<HTMLInputElement>(".dialog input")?.value.trim();
    if (path) open(path);
  };
  const keys = (event: KeyboardEvent): void => { if (event.key === "Escape") cancel(); else if (event.key === "Enter") submit(); };
  return html`<div class="dialog">
    <label for="nbt-project-path"><b>Open a project folder</b> <span class="mut">A folder that does not exist yet becomes a new project.</span></label>
    <div class="row"><input id="nbt-project-path" autocomplete="off" spellcheck="false" placeholder="path/to/project" @keydown=${keys}>
      <button class="primary" @click=${submit}>Open</button><button type="button" @click=${cancel}>Cancel</button></div>
    ${panel.get("trouble") ? html`<p class="bad small" role="alert">${panel.get("trouble")}</p>` : nothing}</div>`;
}

function unsavedDialog(panel: Panel<Header>, path: string, cancel: () => void): TemplateResult {
  const go = (how: string) => (): void => { cancel(); panel.send("open", { path, unsaved: how }); };
  return html`<div class="dialog" role="alertdialog" aria-label="Unsaved edits">
    <b>“${panel.get("unsaved")}” has unsaved edits.</b> <span class="mut">They are kept as a draft.</span>
    <div class="row"><button class="primary" @click=${go("keep")}>Switch</button><button @click=${go("save")}>Save and switch</button>
      <button @click=${go("drop")}>Drop the edits</button><button @click=${cancel}>Stay here</button></div></div>`;
}

function meters(machine: Machine): TemplateResult | typeof nothing {
  if (machine.cpu_percent === undefined) return html`<div class="meters"></div>`;
  const memory = `${gibibytes(machine.memory_used_gib ?? 0)} / ${gibibytes(machine.memory_total_gib ?? 0)} GB`;
  const gpus = machine.gpus ?? [];
  return html`<div class="meters num" aria-label="Machine">
    ${meter("CPU", machine.cpu_percent, `${Math.round(machine.cpu_percent)} %`)}
    ${meter("Memory", share(machine.memory_used_gib, machine.memory_total_gib), memory)}
    ${gpus.length ? gpus.map(gpuMeter) : html`<span class="meter">${machine.note || "no GPU"}</span>`}</div>`;
}

function gpuMeter(gpu: Gpu, index: number): TemplateResult {
  const use = gpu.use_percent === null ? "–" : `${Math.round(gpu.use_percent)} %`;
  const memory = `${gibibytes(gpu.memory_used_gib)} / ${gibibytes(gpu.memory_total_gib)} GB`;
  const heat = gpu.temperature_c === null ? "" : `${Math.round(gpu.temperature_c)} °C`;
  return html`<span class="meter" title=${gpu.name}><span>GPU ${index} · ${gpu.name}</span>
    <span class="bar"><i style="width:${gpu.use_percent ?? 0}%"></i></span><span class="value">${use}</span>
    <span class="bar"><i style="width:${share(gpu.memory_used_gib, gpu.memory_total_gib)}%"></i></span><span>${memory}</span>
    <span class="dim">${heat}</span></span>`;
}

function meter(label: string, filled_percent: number, text: string): TemplateResult {
  return html`<span class="meter"><span>${label}</span><span class="bar" aria-hidden="true"><i style="width:${filled_percent}%"></i></span><span class="value">${text}</span></span>`;
}

const share = (part = 0, whole = 0): number => (whole > 0 ? (100 * part) / whole : 0);

/** Toasts are shown once: those that came after the view, for a few seconds, or until they are clicked away. They stand
 * where the meters are, one at a time, the newest first: nothing can be clicked there, and nothing moves for them. */
function livingToasts(panel: Panel<Header>): { any: () => boolean; draw: () => TemplateResult | typeof nothing } {
  const last = (): number => Math.max(0, ...panel.get("toasts").map((toast) => toast.id));
  let seen = last();
  let living: Header["toasts"] = [];
  const drop = (id: number): void => { living = living.filter((toast) => toast.id !== id); panel.redraw(); };
  panel.on("change:toasts", () => {
    const fresh = panel.get("toasts").filter((toast) => toast.id > seen);
    seen = Math.max(seen, last());
    living = [...living, ...fresh].slice(-4);
    for (const toast of fresh) setTimeout(() => drop(toast.id), TOAST_MS);
  });
  const draw = (): TemplateResult | typeof nothing => {
    const [newest, ...older] = [...living].reverse();
    if (!newest) return nothing;
    const all = [newest, ...older].map((toast) => toast.text).join("\n");
    return html`<div class="toast ${newest.kind}" title=${all} @click=${() => drop(newest.id)}><span class="cut">${newest.text}</span>${older.length ? html`<span class="mut num">+${older.length}</span>` : nothing}</div>`;
  };
  return { any: () => living.length > 0, draw };
}

export default widget<Header>("header", prepare);
