import { all, button, drawn, press, show, text, type } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import compare, { apart } from "../src/compare";
import header from "../src/header";
import { when } from "../src/lib/format";
import table, { ordered } from "../src/run_table";

const HEADER = { project: { name: "p", path: "/p", task: "", n_classes: 0 }, recent: [], machine: {}, unsaved: "", toasts: [], beat: 0 };
const STAGES = [{ key: "train", label: "Train" }, { key: "runs", label: "Runs" }];
const row = (id: string, more = {}): any => ({
  id, name: `Experiment ${id}`, status: "completed", tags: [], description: "", edited: false, runs: 1, created_s: Number(id), progress: 1, epoch: 5, epochs: 5, eta_s: null, phase: "",
  metric: "accuracy", value: null, duration_s: null, cause: "", place: 0, queued: 0, held: false, started_s: null, best_epoch: null, data: "digits", model: "test_resnet", device: "cpu", ...more,
});
const runs = (cards: any[], more = {}): ReturnType<typeof show> => show(table, { cards, selected: cards[0]?.id ?? "", overlay: [], ...more });
const names = (el: Element): string[] => all(el, "td.name").map(text);

test("stages are tabs: a click or an arrow opens another, and one alone is none", () => {
  const { el, model, gone } = show(header, { ...HEADER, stages: STAGES, stage: "train" });
  const tabs = all(el, "[role=tab]");
  assert.deepEqual(tabs.map((tab) => tab.getAttribute("aria-selected")), ["true", "false"]);
  tabs[0]!.click();
  assert.deepEqual(model.sent, []);
  press(tabs[0]!, "ArrowRight");
  assert.deepEqual(model.sent, [{ do: "stage", stage: "runs" }]);
  gone();
  assert.equal(all(show(header, { ...HEADER, stages: STAGES.slice(0, 1), stage: "train" }).el, "[role=tab]").length, 0);
});

test("a column's head sorts one way, the other, and not at all; what has no value comes last", async () => {
  const { el } = runs([row("3", { value: 0.5 }), row("2", { value: null }), row("1", { value: 0.9 })]);
  const sort = async (): Promise<string[]> => { button(el, "Best").click(); await drawn(); return names(el).map((name) => name.at(-1)!); };
  assert.deepEqual(await sort(), ["1", "3", "2"]);
  assert.equal(el.querySelector("th.value")?.getAttribute("aria-sort"), "descending");
  assert.deepEqual(await sort(), ["3", "1", "2"]);
  assert.deepEqual(await sort(), ["3", "2", "1"]);
  assert.deepEqual(ordered([row("1", { name: "b10" }), row("2", { name: "b9" })], "name", true).map((one) => one.name), ["b9", "b10"]);
});

test("words and status filter; groups that nobody is in are not offered", async () => {
  const { el } = runs([row("2", { status: "training", epoch: 2, progress: 0.4 }), row("1", { name: "<b>night</b>", status: "failed", cause: "data" })]);
  assert.deepEqual(all(el, ".chips button").map(text), ["All 2", "Running 1", "Failed 1"]);
  button(el, "Failed").click();
  await drawn();
  assert.deepEqual(names(el), ["<b>night</b>"]);
  assert.match(text(el.querySelector("td.status")), /Failed: data/);
  type(el.querySelector("input[type=search]")!, "nothing like it");
  await drawn();
  assert.match(text(el), /No run matches\./);
});

test("a row opens its experiment, by click and by key; a tick compares", () => {
  const { el, model } = runs([row("2"), row("1")]);
  const [first, second] = all(el, "tbody tr");
  second!.click();
  assert.deepEqual(model.sent.at(-1), { do: "open", id: "1", stage: "train" });
  press(second!, " ");
  assert.deepEqual(model.get("overlay"), ["1"]);
  press(first!, " "); // the selected one is what others are compared with
  assert.deepEqual(model.get("overlay"), ["1"]);
  button(el, "Compare").click();
});

test("what is compared: the best is marked, differences are to the first, and settings that differ stand below", async () => {
  const two = ["a", "b"].map((id) => ({ id, name: `<i>${id}</i>`, status: "completed", epoch: 3, duration_s: 90, color: "var(--c1)" }));
  const rows = [{ name: "accuracy", values: [0.9, 0.95], ranges: [null, [0.93, 0.97]], apart: [0, 0.05], best: 1 }, { name: "loss", values: [0.5, 0.7], ranges: [null, null], apart: [0, 0.2], best: 0 }];
  const { el, model } = show(compare, { compared: two, rows, settings: [{ path: "optimizer.lr", label: "Optimizer › Learning rate", values: ["0.001", "0.01"] }], offered: [{ id: "c", name: "C" }], metric: "accuracy", evaluating: "", labels: {}, lacking: [{ id: "b", why: "not evaluated yet", able: true }], verdicts: [{ id: "b", outcome: "missing", short: "", text: "", notes: [] }] });
  assert.deepEqual(all(el, ".best").map(text), ["95.0\u202f%".replace("\u202f", " "), "0.5"]);
  assert.deepEqual(all(el, ".apart").map(text), ["+5.0", "+0.2"]);
  assert.match(text(el), /Settings that differ ?Optimizer › Learning rate ?0\.001 ?0\.01/);
  assert.match(text(el.querySelector(".range")), /93.0.% – 97.0.%/);
  button(el, "Evaluate them").click();
  assert.deepEqual(model.sent.at(-1), { do: "evaluate", labels: "current" });
  assert.match(text(el.querySelector(".lacking")), /<i>b<\/i> \(not evaluated yet\)/);
  model.put({ labels: { old: false, trained: true } });
  await drawn();
  button(el, "Evaluate with the labels as trained").click();
  assert.deepEqual(model.sent.at(-1), { do: "evaluate", labels: "trained" });
  model.put({ labels: { old: true, trained: false } });
  await drawn();
  assert.match(text(el.querySelector(".lacking")), /earlier labels/);
  button(el, "Evaluate with current labels").click();
  assert.deepEqual(model.sent.at(-1), { do: "evaluate", labels: "current" });
  model.put({ labels: {} });
  model.put({ lacking: [], verdicts: [{ id: "b", outcome: "tie", short: "+1.0 points", text: "A tie: by 0.01, which may be chance.", notes: ["Their splits differ."] }] });
  await drawn();
  assert.match(text(el.querySelector(".verdicts")), /<i>b<\/i> ?a tie ?\+1.0 points ?A tie: by 0.01.*Their splits differ/);
  assert.equal(el.querySelector(".lacking"), null);
  all(el, ".who .icon")[0]!.click();
  assert.deepEqual(model.sent.at(-1), { do: "remove", id: "b" });
  const box = el.querySelector("select")!;
  box.value = "c";
  box.dispatchEvent(new Event("change"));
  assert.deepEqual(model.sent.at(-1), { do: "add", id: "c" });
});

test("small differences are none, and a moment is as short as it is clear", () => {
  assert.equal(apart("accuracy", 0.0001), "±0");
  assert.equal(apart("loss", -0.25), "−0.25");
  assert.equal(apart("loss", null), "");
  const at = new Date(2026, 10, 20, 9, 5);
  assert.equal(when(at.getTime() / 1000, new Date(2026, 10, 20, 23)), "09:05");
  assert.equal(when(at.getTime() / 1000, new Date(2026, 10, 21)), "20 Nov 09:05");
  assert.equal(when(at.getTime() / 1000, new Date(2027, 0, 1)), "20 Nov 2026");
});
