import { all, button, drawn, press, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import widget, { beside } from "../src/guide";
import { grouped } from "../src/guide/data";

const step = (key: string, missing: any[] = []): any => ({ key, label: key, summary: "so far", missing });
const lacks = { step: "data", message: "No data set is chosen.", advice: "Choose one." };
const steps = [step("task"), step("data", [lacks]), step("classes"), step("configuration"), step("review")];
const offer = (name: string, more = {}): any => ({ key: name, name, project: "", where: "/p", images: 4, classes: ["a", "b"], n_classes: 2, several: false, place: 0, ...more });
const open = (more = {}): ReturnType<typeof show> => show(widget, {
  steps, step: "task", busy: "", touched: false, tasks: [{ kind: "classification", label: "Classification", about: "One." }], task: "classification", offers: [], merging: {}, classes: {},
  notices: [], adding: {}, name: "x", presets: [], fields: [], values: {}, own: [], refused: {}, catalog: {}, review: {}, ...more,
});

test("Next goes on, and is off with the reason beside it while a step lacks something", async () => {
  const { el, model } = open();
  button(el, "Next: data").click();
  assert.deepEqual(model.sent.at(-1), { do: "go", step: "data" });
  model.put({ step: "data" });
  await drawn();
  assert.equal(button(el, "Next: classes").disabled, true);
  assert.match(text(el.querySelector(".foot")), /No data set is chosen\./);
  button(el, "Back").click();
  assert.deepEqual(model.sent.at(-1), { do: "go", step: "task" });
});

test("Enter goes on from where nothing else wants it, Escape closes", () => {
  const { el, model } = open();
  press(el.querySelector(".step")!, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "go", step: "data" });
  press(el.querySelector(".step")!, "Escape");
  assert.deepEqual(model.sent.at(-1), { do: "close" });
  const before = model.sent.length;
  press(button(el, "Next"), "Enter"); // a button's own
  assert.equal(model.sent.length, before);
});

test("discarding asks only where something would be lost", async () => {
  const { el, model } = open();
  assert.equal(button(el, "Discard").disabled, true);
  model.put({ touched: true });
  await drawn();
  button(el, "Discard").click();
  assert.match(text(el.querySelector("[role=alertdialog]")), /Discard what was chosen\?/);
  button(el.querySelector("[role=alertdialog]")!, "Discard").click();
  assert.deepEqual(model.sent.at(-1), { do: "discard" });
});

test("data sets stand by project, and names are text", () => {
  const offers = [offer("cats"), offer("<b>dogs</b>", { project: "Other", where: "/o" }), offer("loose", { loose: true, where: "/x", place: 1 })];
  assert.deepEqual(grouped(offers).map(([title, , own]) => [title, own.length]), [["This project", 1], ["Other", 1], ["Images by path", 1]]);
  const { el, model } = open({ step: "data", offers });
  assert.equal(all(el, ".offers b b").length, 0);
  all(el, ".offers input")[0]?.click();
  assert.deepEqual(model.sent.at(-1), { do: "use", key: "cats" });
});

test("create is off until the draft is ready, and never twice", async () => {
  const { el, model } = open({ step: "review", review: { ready: false, name: "x", missing: [lacks] } });
  assert.equal(button(el, "Create").disabled, true);
  button(el, "Go to data").click();
  assert.deepEqual(model.sent.at(-1), { do: "go", step: "data" });
  model.put({ review: { ready: true, name: "x" } });
  await drawn();
  button(el, "Create and train").click();
  assert.deepEqual(model.sent.at(-1), { do: "create", train: true });
  model.put({ busy: "Creating…" });
  await drawn();
  assert.equal(button(el, "Create and train").disabled, true);
  assert.equal(beside(steps, "review", 1), undefined);
});

test("names that look like one class are merged by one click, and stand as text", () => {
  const alike = [{ names: ["cat", "<b>Cat</b>"], how: "upper and lower case", into: "cat" }];
  const { el, model } = open({ step: "classes", merging: { sets: ["pets"] }, classes: { rows: [], alike } });
  assert.match(text(el.querySelector(".alike")), /These 2 names look like one class, and differ in upper and lower case: cat, <b>Cat<\/b>\./);
  button(el, "Merge into “cat”").click();
  assert.deepEqual(model.sent.at(-1), { do: "merge", names: ["cat", "<b>Cat</b>"], into: "cat" });
});

test("after a merge the focus is on the title, and never on the button that merges the next", async () => {
  const one = { names: ["cat", "Cat"], how: "upper and lower case", into: "cat" };
  const two = { names: ["dog", "Dog"], how: "upper and lower case", into: "dog" };
  const { el, model } = open({ step: "classes", merging: { sets: ["pets"] }, classes: { rows: [], alike: [one, two] } });
  const next = button(el, "Merge into “dog”");
  button(el, "Merge into “cat”").focus();
  button(el, "Merge into “cat”").click();
  assert.equal(document.activeElement?.tagName, "H3");
  model.put({ classes: { rows: [], alike: [two] } });
  await drawn();
  assert.equal(button(el, "Merge into “dog”"), next); // each group keeps its own button
  assert.equal(document.activeElement?.tagName, "H3");
});
