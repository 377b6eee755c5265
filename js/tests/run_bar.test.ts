import { all, button, drawn, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import header from "../src/header";
import widget from "../src/run_bar";

const STATE = {
  name: "Baseline", status: "training", phase: "training", detail: "", epoch: 23, epochs: 50, step: 1044, steps: 2300, progress: 0.46, eta_s: 750, images_per_s: 1820,
  waiting: 0.02, starting: false, duration_s: null, best: {}, error: {}, kept: "", repeated: {}, busy: {}, startable: true, commands: "", home: "/users/ada", beat: 0,
};

test("training shows place, share, time left and speed", () => {
  const { el } = show(widget, STATE);
  assert.match(text(el), /Training ?epoch 23 \/ 50 · step 1.044/);
  assert.match(text(el), /46.% ?13 min left · 1.820 images\/s · 2.% waiting for data/);
});

/** The page of a server at the home folder; returns what is asked of it. */
function server(): string[] {
  const asked: string[] = [];
  (globalThis as any).fetch = async (url: string, how: any) => { asked.push(`${how.method} ${url}`); return { ok: true }; };
  const settings = Object.assign(document.createElement("script"), { id: "jupyter-config-data", type: "application/json" });
  settings.textContent = JSON.stringify({ baseUrl: "/", serverRoot: "~" });
  document.body.append(settings);
  return asked;
}

test("Stop says so at once and goes two ways", async () => {
  const { el, model } = show(widget, { ...STATE, commands: "/users/ada/p/runs/0001/commands" });
  const asked = server();
  button(el, "Stop").click();
  await drawn();
  assert.deepEqual(model.sent, [{ do: "stop" }]);
  assert.match(asked[0] ?? "", /^PUT \/api\/contents\/p\/runs\/0001\/commands\/stop-\d+\.json$/);
  assert.equal(button(el, "Stopping…").disabled, true);
});

test("Pause says so at once and goes two ways", async () => {
  const { el, model } = show(widget, { ...STATE, commands: "/users/ada/p/runs/0001/commands" });
  const asked = server();
  button(el, "Pause").click();
  await drawn();
  assert.deepEqual(model.sent, [{ do: "pause" }]);
  assert.match(asked[0] ?? "", /commands\/pause-\d+\.json$/);
  assert.equal(button(el, "Pausing…").disabled, true);
  assert.equal(button(el, "Stop").disabled, true);
  model.put({ status: "paused", kept: "Kept: the checkpoint of step 1044." });
  await drawn();
  assert.match(text(el), /‖ ?Paused .*Kept: the checkpoint of step 1044/);
  button(el, "Resume ▶").click();
  assert.deepEqual(model.sent.at(-1), { do: "resume" });
  model.put({ status: "training", kept: "" });
  await drawn();
  assert.equal(button(el, "Pause").disabled, false);
});

test("what a resume has repeated is told, as a warning where it differs", async () => {
  const { el, model } = show(widget, { ...STATE, repeated: { exact: true, text: "Resumed exactly." } });
  assert.match(text(el), /✓ ?Resumed exactly/);
  model.put({ repeated: { exact: false, text: "Resumed, but not exactly: step 3." } });
  await drawn();
  assert.match(text(el.querySelector("[role=alert]") as HTMLElement), /not exactly: step 3/);
});

test("each status has its own buttons", async () => {
  const buttons: Record<string, string[]> = { created: ["Train ▶"], pending: ["Cancel"], preparing: ["Stop"], training: ["Pause", "Stop"], paused: ["Resume ▶", "Restart…"], completed: ["Restart…"], failed: ["Resume ▶", "Restart…"], cancelled: ["Resume ▶", "Restart…"] };
  for (const [status, labels] of Object.entries(buttons)) {
    const { el } = show(widget, { ...STATE, status });
    assert.deepEqual(all(el, "button").map(text), labels, status);
  }
});

test("Restart tells what happens before it does it", async () => {
  const { el, model } = show(widget, { ...STATE, status: "completed" });
  button(el, "Restart…").click();
  await drawn();
  assert.match(text(el), /results move to the project's trash/);
  assert.equal(model.sent.length, 0);
  button(el, "Move results and restart").click();
  assert.deepEqual(model.sent, [{ do: "restart" }]);
});

test("a failure shows cause, message and advice, with the traceback folded", () => {
  const error = { cause: "out of memory", message: "<b>27 GB</b> needed", advice: ["Halve the batch size."], traceback: "Traceback…" };
  const { el } = show(widget, { ...STATE, status: "failed", error });
  assert.match(text(el), /Out of memory ?<b>27 GB<\/b> needed ?Halve the batch size/);
  assert.equal(el.querySelector("details")?.open, false);
});

test("a busy device asks: wait, beside, or not at all", async () => {
  const { el, model } = show(widget, { ...STATE, status: "created", busy: { text: "The device is in use by “First”." } });
  button(el, "Run beside it").click();
  assert.deepEqual(model.sent, [{ do: "answer", how: "beside" }]);
});

test("a page without a pulse says that the kernel is gone", async () => {
  const now = performance.now.bind(performance);
  const state = { project: { name: "p", path: "/p", task: "", n_classes: 0 }, recent: [], machine: {}, unsaved: "", toasts: [], beat: 1 };
  const { el, gone } = show(header, state);
  performance.now = () => now() + 9000;
  await drawn(1200);
  assert.match(text(el), /No word from the kernel for \d+ s.*run the cell again/);
  performance.now = now;
  gone();
});

test("toasts are told once, as text", async () => {
  const state = { project: { name: "p", path: "/p", task: "", n_classes: 0 }, recent: [], machine: {}, unsaved: "", toasts: [{ id: 1, kind: "info", text: "old" }], beat: 0 };
  const { el, model, gone } = show(header, state);
  model.put({ toasts: [{ id: 1, kind: "info", text: "old" }, { id: 2, kind: "good", text: "“<i>A</i>” is completed" }] });
  await drawn();
  assert.deepEqual(all(el, ".toast").map(text), ["“<i>A</i>” is completed"]);
  gone();
});
