import { all, button, drawn, show, text, type } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import widget from "../src/form";
import { fromPlace, toPlace } from "../src/form/controls";
import { moved } from "../src/form/parts";
import { search } from "../src/form/picker";
import { summary } from "../src/form/summary";

const LR: any = { path: "optimizer.lr", label: "Learning rate", help: "Size of a step.", type: "float", default: 0.001, unit: "ratio", soft: [1e-5, 0.1], log: true };
const KIND: any = { path: "optimizer.kind", label: "Kind", type: "kind", default: "adamw", choices: [{ value: "adamw", label: "AdamW" }, { value: "sgd", label: "SGD" }] };
const WORKERS: any = { path: "data.workers", label: "Loader workers", type: "int", default: "auto", auto: true, minimum: 0, unit: "processes" };
const STEPS: any = { path: "augmentation.train", label: "Training", type: "parts", default: [], choices: [{ value: "resize", label: "Resize" }, { value: "flip", label: "Flip" }] };
const P: any = { path: "augmentation.train.1.p", label: "Probability", type: "float", default: 0.5 };
const ON: any = { path: "augmentation.train.1.enabled", label: "On", type: "bool", default: true };
const STATE = {
  name: "Baseline", status: "created", editable: true, dirty: true, can_undo: false, can_train: true, starting: false, reason: "", refused: {}, problems: [], hidden: [], catalog: {},
  footer: { batch: "32", multiplier: 1, effective: "32", steps_per_epoch: 45, n_train: 1437 },
  sections: [
    { key: "optimizer", title: "Optimizer", open: true, fields: [KIND, LR] },
    { key: "data", title: "Data", open: true, fields: [WORKERS] },
    { key: "augmentation", title: "Augmentation", open: true, fields: [STEPS, P, ON] },
  ],
  values: { "optimizer.kind": "adamw", "optimizer.lr": 0.0003, "data.workers": "auto", "augmentation.train": [{ kind: "resize" }, { kind: "flip", p: 0.5, enabled: true }], "augmentation.train.1.p": 0.5, "augmentation.train.1.enabled": true },
};
const field = (el: Element, path: string): HTMLElement => el.querySelector<HTMLElement>(`[data-path="${path}"]`)!;

test("a typed number is sent as text after a pause, and stays as it was typed", async () => {
  const { el, model } = show(widget, STATE);
  const box = field(el, "optimizer.lr").querySelector("input")!;
  assert.equal(box.value, "3e-4");
  type(box, "5e-");
  await drawn(300);
  assert.deepEqual(model.sent, [{ do: "set", path: "optimizer.lr", value: "5e-" }]);
  model.put({ refused: { "optimizer.lr": { text: "5e-", message: "'5e-' is not a number.", advice: "" } } });
  await drawn();
  assert.equal(field(el, "optimizer.lr").querySelector("input")!.value, "5e-");
  assert.match(text(field(el, "optimizer.lr")), /not a number/);
  assert.match(text(el.querySelector(".summary")), /1 value needs attention.*Optimizer › Learning rate/);
});

test("a kind is switched by its select", () => {
  const { el, model } = show(widget, STATE);
  const select = field(el, "optimizer.kind").querySelector("select")!;
  select.value = "sgd";
  select.dispatchEvent(new Event("change"));
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "optimizer.kind", value: "sgd" });
});

test("auto is a value that a button gives and takes", () => {
  const { el, model } = show(widget, STATE);
  button(field(el, "data.workers"), "auto").click();
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "data.workers", value: 0 });
});

test("parts are added, moved, switched off and removed", () => {
  const { el, model } = show(widget, STATE);
  const list = field(el, "augmentation.train");
  list.querySelector<HTMLElement>("[aria-label='Move Flip up']")!.click();
  assert.deepEqual(model.sent.at(-1).value.map((part: any) => part.kind), ["flip", "resize"]);
  list.querySelector<HTMLElement>("[aria-label='Remove Resize']")!.click();
  assert.deepEqual(model.sent.at(-1).value.map((part: any) => part.kind), ["flip"]);
  const use = list.querySelector<HTMLInputElement>("[aria-label='Use Flip']")!;
  use.checked = false;
  use.dispatchEvent(new Event("change"));
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "augmentation.train.1.enabled", value: false });
  assert.deepEqual(moved([1, 2, 3], 0, 2), [2, 3, 1]);
});

test("Train is off with its reason beside it; after the start the form is read-only", async () => {
  const { el, model } = show(widget, { ...STATE, can_train: false, reason: "Train is off: no data set is chosen." });
  assert.equal(button(el, "Train").disabled, true);
  assert.match(text(el.querySelector(".reason")), /no data set/);
  model.put({ editable: false, status: "training" });
  await drawn();
  assert.equal(all(el, "input:not(:disabled), select:not(:disabled)").length, 0);
  button(el, "Duplicate to change").click();
  assert.deepEqual(model.sent, [{ do: "duplicate" }]);
});

test("a slider is logarithmic where its field says so", () => {
  assert.equal(toPlace(LR, 1e-3), 500);
  assert.equal(fromPlace(LR, 500), 0.001);
  assert.equal(fromPlace(LR, 1000), 0.1);
});

test("a folded section says what it holds", () => {
  assert.equal(summary([KIND, LR], STATE.values, []), "AdamW · learning rate 3e-4");
  assert.equal(summary([STEPS, P], STATE.values, []), "2 training steps");
});

test("the picker finds every word, names that start with it first", () => {
  const choices = [{ value: "a", label: "seresnet50" }, { value: "b", label: "resnet50", hint: "25.6 M" }, { value: "c", label: "vit" }];
  assert.deepEqual(search(choices, "resnet").map((one) => one.value), ["b", "a"]);
  assert.deepEqual(search(choices, "resnet 25.6").map((one) => one.value), ["b"]);
});
