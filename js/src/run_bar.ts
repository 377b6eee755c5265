// The run bar: what the selected experiment's run is doing, and what can be done about it now. Stop goes two ways at
// once, to the kernel and as a file to the trainer, because a busy kernel may not answer.
import { html, nothing, type TemplateResult } from "lit-html";
import "./run_bar.css";
import type { RunBar } from "./contracts";
import { leaveCommand } from "./lib/contents";
import { counted, duration, grouped, metricName, metricValue, percent } from "./lib/format";
import { heart } from "./lib/heart";
import { type Panel, reportVisibility, widget } from "./lib/panel";
import { ICONS, WORDS, type Status, hasEnded, isActive } from "./lib/status";

const UNANSWERED_MS = 6000;

interface Local { asking: boolean; stopping: string; unanswered: boolean }

function prepare(panel: Panel<RunBar>): () => TemplateResult {
  const local: Local = { asking: false, stopping: "", unanswered: false };
  const pulse = heart(panel);
  const change = (part: Partial<Local>): void => { Object.assign(local, part); panel.redraw(); };
  panel.on("change:status", () => {
    const status = panel.get("status") as Status;
    if (!isActive(status)) change({ stopping: "", unanswered: false });
    if (!hasEnded(status)) change({ asking: false });
  });
  panel.on("change:commands", () => change({ stopping: "", unanswered: false, asking: false }));
  reportVisibility(panel);
  return () => {
    const status = panel.get("status");
    if (!status) return html`${pulse()}<div class="empty">Select an experiment to see its results.</div>`;
    return html`${pulse()}
      <div class="row head">
        <span class="pill state ${status}"><span aria-hidden="true">${ICONS[status]}</span>${local.stopping && isActive(status) ? "Stopping" : WORDS[status]}</span>
        <span class="place num grow">${place(panel, status)}</span>
        ${buttons(panel, local, change, status)}</div>
      ${status === "created" ? notYet(panel) : isActive(status) ? progress(panel, status) : nothing}
      ${busy(panel)}${restartQuestion(panel, local, change)}${unanswered(panel, local)}
      ${status === "failed" ? failure(panel.get("error")) : nothing}
      ${panel.get("trouble") ? html`<div class="note bad" role="alert">${panel.get("trouble")}</div>` : nothing}`;
  };
}

function place(panel: Panel<RunBar>, status: Status): TemplateResult | typeof nothing {
  const [epoch, epochs, step] = [panel.get("epoch"), panel.get("epochs"), panel.get("step")];
  if (status === "training") {
    const phase = panel.get("phase");
    return html`<b>epoch ${epoch} / ${epochs}</b> <span class="dim">· step ${grouped(step)}${phase && phase !== "training" ? ` · ${phase}` : ""}</span>`;
  }
  if (status === "preparing") return html`<b>${panel.get("phase") || "starting"}</b> <span class="dim">${panel.get("detail")}</span>`;
  if (status === "pending") return html`<span class="mut">${panel.get("detail") || "for the device"}</span>`;
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
  const stopping = local.stopping === panel.get("commands") && local.stopping !== "";
  if (status === "pending") return html`<button @click=${() => panel.send("stop")}>Cancel</button>`;
  if (isActive(status)) return html`<button ?disabled=${stopping} @click=${() => stop(panel, change)}>${stopping ? "Stopping…" : "Stop"}</button>`;
  if (hasEnded(status)) return html`<button ?disabled=${local.asking} @click=${() => change({ asking: true })}>Restart…</button>`;
  return nothing;
}

/** Both ways at once; whichever arrives first acts, the other finds the run stopping. */
function stop(panel: Panel<RunBar>, change: (part: Partial<Local>) => void): void {
  const commands = panel.get("commands");
  change({ stopping: commands || "starting" });
  panel.send("stop");
  if (commands) void leaveCommand("stop", commands, panel.get("home"));
  setTimeout(() => { if (isActive(panel.get("status") as Status) && panel.get("commands") === commands) change({ unanswered: true }); }, UNANSWERED_MS);
}

function unanswered(panel: Panel<RunBar>, local: Local): TemplateResult | typeof nothing {
  if (!local.unanswered || !local.stopping) return nothing;
  return html`<div class="note warn" role="alert">The trainer has not answered yet. From a terminal: <code>nbtrain stop "${panel.get("name")}"</code></div>`;
}

function notYet(panel: Panel<RunBar>): TemplateResult {
  return html`<div class="call"><span>Not yet trained. Click Train to start.</span>
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
    <div class="row below num"><span class="grow">${known ? percent(share, 0) : status === "pending" ? "Starts by itself as soon as the device is free." : ""}</span><span>${right}</span></div>`;
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

const CAUSES: Record<string, string> = {
  "out of memory": "Out of memory", data: "A problem with the data", numerics: "The numbers ran away", disk: "A problem with the disk",
  killed: "The trainer was killed", interrupted: "Interrupted: the trainer is gone", code: "An error in the code",
};

function failure(error: RunBar["error"]): TemplateResult | typeof nothing {
  if (!error.message && !error.cause) return nothing;
  return html`<div class="note bad" role="alert"><b>${CAUSES[error.cause ?? ""] ?? error.cause ?? "Failed"}</b>
    <div class="what">${error.message}</div>
    ${error.advice?.length ? html`<ul>${error.advice.map((line) => html`<li>${line}</li>`)}</ul>` : nothing}
    ${error.traceback ? html`<details><summary>Traceback</summary><pre>${error.traceback}</pre></details>` : nothing}</div>`;
}

export default widget<RunBar>("run_bar", prepare);
