import { all, button, drawn, show, text, type } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import header from "../src/header";
import widget from "../src/run_bar";

const STATE = {
  name: "Baseline", status: "training", phase: "training", detail: "", epoch: 23, epochs: 50, step: 1044, steps: 2300, progress: 0.46, eta_s: 750, images_per_s: 1820,
  waiting: 0.02, starting: false, duration_s: null, best: {}, error: {}, kept: "", resume_first: true, repeated: {}, extension: {}, busy: {}, place: 0, queued: 0, held: "", startable: true, commands: "", home: "/users/ada", beat: 0,
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
  assert.deepEqual(model.sent, [{ do: "stop", id: "" }]);
  assert.match(asked[0] ?? "", /^PUT \/api\/contents\/p\/runs\/0001\/commands\/stop-\d+\.json$/);
  assert.equal(button(el, "Stopping…").disabled, true);
});

test("Pause says so at once and goes two ways", async () => {
  const { el, model } = show(widget, { ...STATE, commands: "/users/ada/p/runs/0001/commands" });
  const asked = server();
  button(el, "Pause").click();
  await drawn();
  assert.deepEqual(model.sent, [{ do: "pause", id: "" }]);
  assert.match(asked[0] ?? "", /commands\/pause-\d+\.json$/);
  assert.equal(button(el, "Pausing…").disabled, true);
  button(el, "Stop").click(); // harder, at any time
  await drawn();
  assert.deepEqual(model.sent, [{ do: "pause", id: "" }, { do: "stop", id: "" }]);
  assert.match(asked[1] ?? "", /commands\/stop-\d+\.json$/);
  assert.equal(button(el, "Stopping…").disabled, true);
  assert.equal(button(el, "Pause").disabled, true);
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
  const buttons: Record<string, string[]> = { created: ["Train ▶"], pending: ["Cancel"], preparing: ["Stop"], training: ["Pause", "Stop"], paused: ["Resume ▶", "Restart…"], completed: ["Extend…", "Restart…"], failed: ["Resume ▶", "Restart…"], cancelled: ["Resume ▶", "Restart…"] };
  for (const [status, labels] of Object.entries(buttons)) {
    const { el } = show(widget, { ...STATE, status });
    assert.deepEqual(all(el, "button").map(text), labels, status);
  }
});

test("a run in the queue tells its place and can be moved", async () => {
  const { el, model } = show(widget, { ...STATE, status: "pending", detail: "2nd in the queue, after Baseline", place: 2, queued: 3 });
  assert.match(text(el), /Waiting ?2nd in the queue, after Baseline/);
  button(el, "Move up").click();
  button(el, "Move down").click();
  assert.deepEqual(model.sent, [{ do: "shift", by: -1 }, { do: "shift", by: 1 }]);
  model.put({ place: 3 });
  await drawn();
  assert.deepEqual(["Move up", "Move down"].map((label) => button(el, label).disabled), [false, true]);
  model.put({ place: 1 });
  await drawn();
  assert.deepEqual(["Move up", "Move down"].map((label) => button(el, label).disabled), [true, false]);
});

test("what somebody else has queued is started by a click", async () => {
  const held = "eve on mars queued it";
  const { el, model } = show(widget, { ...STATE, status: "pending", detail: `held in the queue: ${held}`, held, place: 1, queued: 1 });
  assert.match(text(el), /held in the queue.*Does not start by itself: eve on mars queued it\./s);
  button(el, "Start ▶").click();
  assert.deepEqual(model.sent, [{ do: "start_held" }]);
  model.put({ held: "" });
  await drawn();
  assert.deepEqual(all(el, "button").map(text), ["Cancel"]);
  assert.match(text(el), /Starts by itself/);
});

const FIXES = [{ label: "Halve the batch size to 16", changes: { "training.batch_size": 16 } }, { label: "Use images of 160 px", changes: { "task.image_size": 160 }, restarts: "task.image_size cannot change within a run" }];

test("a fix is one click, and a question where checkpoints would go", async () => {
  const error = { cause: "out of memory", message: "No room.", advice: [], traceback: "Traceback", fixes: FIXES, asks: false };
  const { el, model } = show(widget, { ...STATE, status: "failed", error });
  const [halve, smaller] = all(el, ".fixes li");
  assert.equal(halve?.title, "training.batch_size = 16");
  assert.deepEqual(all(el, ".fixes button").map((one) => (one as HTMLButtonElement).disabled), [false, false, true, false]);
  assert.match(all(el, ".fixes button")[2]?.title ?? "", /cannot change within a run/);
  button(smaller!, "Restart with it").click();
  button(halve!, "Resume with it").click();
  assert.deepEqual(model.sent, [{ do: "fix", number: 1 }, { do: "fix", number: 0, resume: true }]);
  model.put({ error: { ...error, asks: true } });
  await drawn();
  button(el, "Restart with it").click();
  await drawn();
  assert.match(text(el), /Halve the batch size to 16\? That begins anew/);
  assert.equal(model.sent.length, 2);
  button(el, "Move results and change").click();
  assert.deepEqual(model.sent.at(-1), { do: "fix", number: 0 });
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

const HEADER = { project: { name: "p", path: "/p", task: "", n_classes: 0 }, recent: [], machine: {}, unsaved: "", stages: [], stage: "", toasts: [] as any[], beat: 1 };

test("a page asks a quiet kernel for a word, says that there is none, and no longer once there is one", async () => {
  const now = performance.now.bind(performance);
  const { el, model, gone } = show(header, HEADER);
  performance.now = () => now() + 9000;
  await drawn(1200);
  assert.deepEqual(model.said.at(-1), { view: model.said[0].view, seen: true, ask: true });
  assert.match(text(el), /No word from the kernel for \d+ s.*goes as soon as it answers/);
  assert.doesNotMatch(text(el), /run the cell/i); // it may be busy only
  model.fire("msg:custom", { here: "x" });
  await drawn();
  assert.doesNotMatch(text(el), /No word/);
  el.classList.add("jupyter-widgets-disconnected");
  performance.now = () => now() + 18_000;
  await drawn(1200);
  assert.match(text(el), /kernel was restarted.*Run the cell again/);
  performance.now = now;
  gone();
});

test("each view has an id of its own, says that it is seen, and says goodbye for itself alone", () => {
  const first = show(widget, STATE);
  const one = first.model.said[0];
  const second = show(widget, STATE);
  assert.equal(one.seen, true);
  assert.notEqual(second.model.said[0].view, one.view);
  first.gone();
  assert.deepEqual(first.model.said.at(-1), { view: one.view, seen: false, gone: true });
  assert.equal(second.model.said.length, 1);
});

test("every wish carries what was shown when it was clicked", () => {
  const { el, model } = show(widget, { ...STATE, status: "completed", of: "a1" });
  button(el, "Extend…").click();
  assert.equal(model.sent[0].of, "a1");
});

test("what could not be drawn stands on the page, whichever side it was", async () => {
  const { el, model } = show(widget, { ...STATE, broken: "This could not be drawn: KeyError: 'x'" });
  assert.match(text(el.querySelector(".broken")), /KeyError/);
  assert.match(text(el), /Training/);
  model.put({ broken: "", best: null, status: "completed" });
  await drawn();
  assert.match(text(el), /This panel could not be drawn: TypeError/);
  model.put({ best: {} });
  await drawn();
  assert.doesNotMatch(text(el), /could not be drawn/);
});

test("toasts are told once, as text, one at a time and the newest first", async () => {
  const old = { id: 1, kind: "info", text: "old" };
  const { el, model, gone } = show(header, { ...HEADER, beat: 0, toasts: [old] });
  model.put({ toasts: [old, { id: 2, kind: "good", text: "“<i>A</i>” is completed" }] });
  await drawn();
  assert.deepEqual(all(el, ".toast").map(text), ["“<i>A</i>” is completed"]);
  model.put({ toasts: [old, { id: 2, kind: "good", text: "“<i>A</i>” is completed" }, { id: 3, kind: "bad", text: "“B” failed" }] });
  await drawn();
  assert.deepEqual(all(el, ".toast").map(text), ["“B” failed+1"]);
  el.querySelector<HTMLElement>(".toast")!.click();
  await drawn();
  assert.deepEqual(all(el, ".toast").map(text), ["“<i>A</i>” is completed"]);
  gone();
});

test("Extend says how it goes on before it does, and refuses what cannot be", async () => {
  const { el, model } = show(widget, { ...STATE, status: "completed" });
  button(el, "Extend…").click();
  await drawn();
  assert.deepEqual(model.sent, [{ do: "ask_extension", epochs: "10" }]);
  assert.equal(button(el, "Extend ▶").disabled, true);
  model.put({ extension: { epochs: 60, text: "The learning rate follows cosine as in a run of 60 epochs." } });
  await drawn();
  assert.match(text(el), /Train for more epochs ?\(60 in all\) ?The learning rate follows cosine/);
  type(el.querySelector(".extend input")!, "many");
  assert.deepEqual(model.sent.at(-1), { do: "ask_extension", epochs: "many" });
  model.put({ extension: { refused: "-1 is no number of epochs to add." } });
  await drawn();
  assert.equal(button(el, "Extend ▶").disabled, true);
  type(el.querySelector(".extend input")!, "5");
  model.put({ extension: { epochs: 55, text: "The learning rate stays." } });
  await drawn();
  button(el, "Extend ▶").click();
  assert.deepEqual(model.sent.at(-1), { do: "extend", epochs: "5" });
  await drawn();
  assert.equal(el.querySelector(".extend"), null);
});

test("Resume comes first only where it can help", async () => {
  const error = { cause: "configuration", message: "model.weights_file: weights file not found: '/gone.pt'.", advice: ["Choose another under Model › Weights file."] };
  const { el, model } = show(widget, { ...STATE, status: "failed", error, resume_first: false });
  const names = (): string[] => all(el, ".bar-buttons button, button").map((one) => `${text(one)}${one.classList.contains("primary") ? "!" : ""}`).filter((name) => /^Res/.test(name));
  assert.deepEqual(names(), ["Restart…!", "Resume ▶"]);
  assert.match(text(el), /The configuration cannot be trained.*weights file not found/);
  model.put({ resume_first: true, error: { cause: "killed", message: "Interrupted." } });
  await drawn();
  assert.deepEqual(names(), ["Resume ▶!", "Restart…"]);
});
