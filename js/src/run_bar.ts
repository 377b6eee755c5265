// The run bar: what the selected experiment's run is doing, and what can be done about it now. Stop and Pause go two
// ways at once, to the kernel and as a file to the trainer, because a busy kernel may not answer.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import "./run_bar.css";
import type { RunBar } from "./contracts";
import { leaveCommand } from "./lib/contents";
import { counted, duration, grouped, metricName, metricValue, percent } from "./lib/format";
import { heart } from "./lib/heart";
import { type Panel, widget } from "./lib/panel";
import { canMoveDown, canMoveUp } from "./lib/queue";
import { ICONS, WORDS, type Status, hasEnded, isActive, isResumable } from "./lib/status";

const UNANSWERED_MS = 6000;

type Leaving = "stop" | "pause";
const LEAVING: Record<Leaving, string> = { stop: "Stopping", pause: "Pausing" };

/** `fixing`: the fix whose restart has to be confirmed, -1 for none. `leaving`: what was asked of the run whose commands lie in `at`. */
interface Local { asking: boolean; fixing: number; adding: string; leaving: Leaving | ""; at: string; unanswered: boolean }

function prepare(panel: Panel<RunBar>): () => TemplateResult {
  const local: Local = { asking: false, fixing: -1, adding: "", leaving: "", at: "", unanswered: false };
  const pulse = heart(panel);
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.redraw(); };
  panel.on("change:status", () => {
    const status = panel.get("status") as Status;
    if (!isActive(status)) change({ leaving: "", unanswered: false });
    if (!hasEnded(status)) change({ asking: false, fixing: -1, adding: "" });
  });
  for (const other of ["commands", "of"]) panel.on(`change:${other}`, () => change({ leaving: "", unanswered: false, asking: false, fixing: -1, adding: "" }));
  return () => {
    const status = panel.get("status");
    if (!status) return html`${pulse()}<div class="empty">Select an experiment to see its results.</div>`;
    return html`${pulse()}
      <div class="row head">
        <span class="pill state ${status}"><span aria-hidden="true">${ICONS[status]}</span>${local.leaving && isActive(status) ? LEAVING[local.leaving] : WORDS[status]}</span>
        <span class="place num grow">${place(panel, status)}</span>
        ${buttons(panel, local, change, status)}</div>
      ${status === "created" ? notYet(panel) : isActive(status) ? progress(panel, status) : nothing}
      ${kept(panel)}${repeated(panel)}${busy(panel)}${restartQuestion(panel, local, change)}${extendQuestion(panel, local, change)}${unanswered(panel, local)}
      ${status === "failed" ? failure(panel, local, change) : nothing}
      ${panel.get("trouble") ? html`<div class="note bad" role="alert">${panel.get("trouble")}</div>` : nothing}`;
  };
}

function place(panel: Panel<RunBar>, status: Status): TemplateResult | typeof nothing {
  const [epoch, epochs, step] = [panel.get("epoch"), panel.get("epochs"), panel.get("step")];
  if (status === "training") {
    const phase = panel.get("phase");
    return html`<b>epoch ${epoch} / ${epochs}</b> <span class="dim">· step ${grouped(step)}${phase && phase !== "training" ? ` · ${panel.get("detail") || phase}` : ""}</span>`;
  }
  if (status === "preparing") return html`<b>${panel.get("phase") || "starting"}</b> <span class="dim">${panel.get("detail")}</span>`;
  if (status === "pending") return html`<span class="mut">${panel.get("held") ? "held in the queue" : panel.get("detail") || "for the device"}</span>`;
  if (!hasEnded(status)) return nothing;
  const took = panel.get("duration_s");
  const reached = status === "completed" ? counted(epochs, "epoch") : epochs ? `at epoch ${epoch} of ${epochs}` : "";
  return html`<span class="mut">${[reached, took === null ? "" : duration(took)].filter(Boolean).join(" · ")}</span>${best(panel)}`;
}

function best(panel: Panel<RunBar>): TemplateResult | typeof nothing {
  const { metric, value } = panel.get("best");
  if (!metric || value === undefined) return nothing;
  return html` <span class="mut">· best ${metricName(metric)}</span> <b>${metricValue(metric, value)}</b>`;
}

function buttons(panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void, status: Status): TemplateResult | typeof nothing {
  const leaving = local.leaving !== "" && local.at === panel.get("commands");
  const ask = (kind: Leaving, word: string): TemplateResult =>
    html`<button ?disabled=${leaving && (kind === "pause" || local.leaving === "stop")} @click=${() => leave(kind, panel, local, change)}>${leaving && local.leaving === kind ? `${LEAVING[kind]}…` : word}</button>`;
  if (status === "pending") return html`${panel.get("held") ? html`<button class="primary" @click=${() => panel.send("start_held")}>Start ▶</button>` : nothing}${moves(panel)}<button @click=${() => panel.send("stop", { id: panel.get("of") })}>Cancel</button>`;
  if (isActive(status)) return html`${status === "training" ? ask("pause", "Pause") : nothing}${ask("stop", "Stop")}`;
  const first = panel.get("resume_first");
  const resume = isResumable(status) ? html`<button class=${first ? "primary" : ""} ?disabled=${panel.get("starting")} @click=${() => panel.send("resume")}>${panel.get("starting") ? "Resuming…" : "Resume ▶"}</button>` : nothing;
  const restart = html`<button class=${isResumable(status) && !first ? "primary" : ""} ?disabled=${local.asking} @click=${() => change({ asking: true, adding: "" })}>Restart…</button>`;
  if (hasEnded(status)) return html`${first ? resume : nothing}
    ${status === "completed" ? html`<button ?disabled=${local.adding !== "" || panel.get("starting")} @click=${() => askExtension(panel, change, "10")}>${panel.get("starting") ? "Extending…" : "Extend…"}</button>` : nothing}
    ${restart}${first ? nothing : resume}`;
  return nothing;
}

function moves(panel: Panel<RunBar>): TemplateResult | typeof nothing {
  const at = { place: panel.get("place"), queued: panel.get("queued") };
  if (at.queued < 2) return nothing;
  return html`<button ?disabled=${!canMoveUp(at)} title="Train it earlier" @click=${() => panel.send("shift", { by: -1 })}>Move up</button>
    <button ?disabled=${!canMoveDown(at)} title="Train it later" @click=${() => panel.send("shift", { by: 1 })}>Move down</button>`;
}

/** Both ways at once; whichever arrives first acts, the other finds the run leaving. */
function leave(kind: Leaving, panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void): void {
  const commands = panel.get("commands");
  change({ leaving: kind, at: commands });
  if (kind === "pause") panel.send("pause", { id: panel.get("of") });
  else panel.send("stop", { id: panel.get("of") });
  if (commands) void leaveCommand(kind, commands, panel.get("home"));
  setTimeout(() => { if (local.leaving === kind && isActive(panel.get("status") as Status) && panel.get("commands") === commands) change({ unanswered: true }); }, UNANSWERED_MS);
}

function kept(panel: Panel<RunBar>): TemplateResult | typeof nothing {
  return panel.get("kept") ? html`<div class="kept small mut">${panel.get("kept")}</div>` : nothing;
}

function repeated(panel: Panel<RunBar>): TemplateResult | typeof nothing {
  const { exact, text } = panel.get("repeated");
  if (!text) return nothing;
  return exact ? html`<div class="kept small mut"><span aria-hidden="true">✓</span> ${text}</div>` : html`<div class="note warn" role="alert">${text}</div>`;
}

function unanswered(panel: Panel<RunBar>, local: Local): TemplateResult | typeof nothing {
  if (!local.unanswered || !local.leaving) return nothing;
  return html`<div class="note warn" role="alert">The trainer has not answered yet. From a terminal: <code>nbtrain ${local.leaving} "${panel.get("name")}"</code></div>`;
}

function notYet(panel: Panel<RunBar>): TemplateResult {
  return html`<div class="call"><span>Not yet trained. ${panel.get("startable") || panel.get("starting") ? "Click Train to start." : "What keeps it from starting is named in the form."}</span>
    <button class="primary" ?disabled=${!panel.get("startable")} @click=${() => panel.send("train")}>${panel.get("starting") ? "Starting…" : "Train ▶"}</button></div>`;
}

function progress(panel: Panel<RunBar>, status: Status): TemplateResult {
  const share = panel.get("progress");
  const known = status === "training";
  const eta = panel.get("eta_s");
  const [speed, waiting] = [panel.get("images_per_s"), panel.get("waiting")];
  const right = [
    known && eta !== null ? `${duration(eta)} left` : "",
    known && speed ? `${grouped(speed)} images/s` : "",
    known && waiting !== null && waiting >= 0.01 ? `${percent(waiting, 0)} waiting for data` : "",
  ].filter(Boolean).join(" · ");
  return html`<div class="bar ${status === "preparing" ? "unknown" : ""}" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.round(100 * share)}><i style=${known ? `width:${100 * share}%` : status === "pending" ? "width:0" : ""}></i></div>
    <div class="row below num"><span class="grow">${known ? percent(share, 0) : status !== "pending" ? "" : panel.get("held") ? `Does not start by itself: ${panel.get("held")}. Only what you queue on this machine does.` : "Starts by itself, also when this page and the kernel are closed."}</span><span>${right}</span></div>`;
}

function busy(panel: Panel<RunBar>): TemplateResult | typeof nothing {
  const { text } = panel.get("busy");
  if (!text) return nothing;
  const answer = (how: string) => (): void => panel.send("answer", { how });
  return html`<div class="note warn" role="alertdialog" aria-label="The device is busy"><b>${text}</b>
    <div class="row"><button @click=${answer("wait")}>Wait for it</button><button @click=${answer("beside")}>Run beside it</button>
      <button class="plain" @click=${answer("cancel")}>Cancel</button></div></div>`;
}

function restartQuestion(panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void): TemplateResult | typeof nothing {
  if (!local.asking) return nothing;
  const go = (): void => { change({ asking: false }); panel.send("restart"); };
  return html`<div class="note" role="alertdialog" aria-label="Restart?" @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") change({ asking: false }); }}>
    <b>Restart this experiment?</b> Its results move to the project's trash folder, and the configuration can be edited again.
    <div class="row"><button class="solid-danger" @click=${go}>Move results and restart</button><button @click=${() => change({ asking: false })}>Keep</button></div></div>`;
}

/** Asks Python what so many more epochs would do, and shows the question. */
function askExtension(panel: Panel<RunBar>, change: (part: Partial<Local>) => void, epochs: string): void {
  change({ adding: epochs, asking: false });
  panel.send("ask_extension", { epochs });
}

function extendQuestion(panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void): TemplateResult | typeof nothing {
  if (local.adding === "") return nothing;
  const { epochs, text, refused } = panel.get("extension");
  const close = (): void => { change({ adding: "" }); panel.send("ask_extension", { epochs: 0 }); };
  const go = (): void => { if (refused) return; const added = local.adding; change({ adding: "" }); panel.send("extend", { epochs: added }); };
  const keys = (event: KeyboardEvent): void => { if (event.key === "Escape") close(); if (event.key === "Enter") go(); };
  return html`<div class="note extend" role="dialog" aria-label="Extend the run" @keydown=${keys}>
    <label><b>Train for</b> <input class="num" inputmode="numeric" size="5" aria-label="Epochs to add" .value=${live(local.adding.trim())}
      @input=${(e: Event) => askExtension(panel, change, (e.target as HTMLInputElement).value || " ")}> <b>more epochs</b>${epochs ? html` <span class="mut">(${grouped(epochs)} in all)</span>` : nothing}</label>
    ${refused ? html`<div class="bad" role="alert">${refused}</div>` : text ? html`<div class="mut" aria-live="polite">${text}</div>` : nothing}
    <div class="row"><button class="primary" ?disabled=${refused !== undefined || !text} @click=${go}>Extend ▶</button><button class="plain" @click=${close}>Cancel</button></div></div>`;
}

const CAUSES: Record<string, string> = {
  "out of memory": "Out of memory", "shared memory": "Out of shared memory", worker: "A loader worker is gone or hangs", data: "A problem with the data", numerics: "The numbers ran away", disk: "A problem with the disk",
  killed: "The trainer was killed", interrupted: "Interrupted: the trainer is gone", code: "An error in the code", configuration: "The configuration cannot be trained",
};

function failure(panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void): TemplateResult | typeof nothing {
  const error = panel.get("error");
  if (!error.message && !error.cause) return nothing;
  return html`<div class="note bad" role="alert"><b>${CAUSES[error.cause ?? ""] ?? error.cause ?? "Failed"}</b>
    <div class="what">${error.message}</div>
    ${error.advice?.length ? html`<ul>${error.advice.map((line) => html`<li>${line}</li>`)}</ul>` : nothing}
    ${fixes(panel, local, change)}
    ${error.traceback ? html`<details><summary>Traceback</summary><pre>${error.traceback}</pre></details>` : nothing}</div>`;
}

/** One click where nothing is lost; with checkpoints, what would move to the trash is told first. */
function fixes(panel: Panel<RunBar>, local: Local, change: (part: Partial<Local>) => void): TemplateResult | typeof nothing {
  const { fixes: proposed = [], asks } = panel.get("error");
  if (!proposed.length) return nothing;
  const apply = (number: number): void => { change({ fixing: -1 }); panel.send("fix", { number }); };
  const resume = (number: number) => (): void => panel.send("fix", { number, resume: true });
  const begins = (number: number) => (): void => (asks ? change({ fixing: number }) : apply(number));
  const chosen = proposed[local.fixing];
  if (chosen) {
    return html`<div class="fixes" role="alertdialog" aria-label="Restart with this change?" @keydown=${(e: KeyboardEvent) => { if (e.key === "Escape") change({ fixing: -1 }); }}>
      <b>${chosen.label}?</b> That begins anew: results and checkpoints of this run move to the project's trash folder.
      <div class="row"><button class="solid-danger" @click=${() => apply(local.fixing)}>Move results and change</button><button @click=${() => change({ fixing: -1 })}>Keep</button></div></div>`;
  }
  return html`<div class="fixes"><b>What can be changed</b> <span class="small mut">“Resume with it” goes on from the newest checkpoint. “Restart with it” begins anew: it is set in the configuration, and Train comes next.</span>
    <ul>${proposed.map((fix, number) => html`<li title=${setting(fix.changes)}><span class="grow">${fix.label}</span>
      <button ?disabled=${Boolean(fix.restarts) || panel.get("starting")} title=${fix.restarts || setting(fix.changes)} aria-label="${fix.label}, and resume" @click=${resume(number)}>Resume with it</button>
      <button title=${setting(fix.changes)} aria-label="${fix.label}, and restart" @click=${begins(number)}>Restart with it</button></li>`)}</ul></div>`;
}

function setting(changes: Record<string, unknown>): string {
  return Object.entries(changes).map(([path, value]) => `${path} = ${String(value)}`).join(", ");
}

export default widget<RunBar>("run_bar", prepare);
