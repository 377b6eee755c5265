import { all, button, drawn, press, show, text, type } from "./stage";
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
const STEPS: any = { path: "augmentation.train", label: "Training", type: "parts", default: [{ kind: "resize" }], choices: [{ value: "resize", label: "Resize" }, { value: "flip", label: "Flip" }] };
const P: any = { path: "augmentation.train.1.p", label: "Probability", type: "float", default: 0.5 };
const ON: any = { path: "augmentation.train.1.enabled", label: "On", type: "bool", default: true };
const STATE = {
  name: "Baseline", description: "", tags: ["day"], known_tags: ["day", "night"], autos: {}, measured: {}, outside: {}, preset: {}, compared: {}, sheet: {}, said: "",
  presets: [{ key: "quick", label: "Quick check", about: "Does it work?" }],
  status: "created", editable: true, live: false, changed: {}, dirty: true, can_undo: true, can_redo: false, can_train: true, starting: false, reason: "", refused: {}, problems: [], hidden: [], catalog: {},
  advice: [], band: {}, schedule: {}, cards: {}, resources: [], plan: {}, preview: {}, pictures: [],
  footer: { batch: "32", multiplier: 1, effective: "32", steps_per_epoch: 45, n_train: 1437 },
  sections: [
    { key: "optimizer", title: "Optimizer", open: true, fields: [KIND, LR] },
    { key: "data", title: "Data", open: true, fields: [WORKERS] },
    { key: "augmentation", title: "Augmentation", open: false, fields: [STEPS, P, ON] },
  ],
  values: { "optimizer.kind": "adamw", "optimizer.lr": 0.0003, "data.workers": "auto", "augmentation.train": [{ kind: "resize" }, { kind: "flip", p: 0.5, enabled: true }], "augmentation.train.1.p": 0.5, "augmentation.train.1.enabled": true },
};
const OPEN = { ...STATE, sections: STATE.sections.map((one) => ({ ...one, open: true })) };
const field = (el: Element, path: string): HTMLElement => el.querySelector<HTMLElement>(`[data-path="${path}"]`)!;

test("a typed number is sent as text after a pause, and stays as it was typed", async () => {
  const { el, model } = show(widget, STATE);
  const box = field(el, "optimizer.lr").querySelector("input")!;
  assert.equal(box.value, "3e-4");
  type(box, "5e-");
  await drawn(300);
  assert.deepEqual(model.sent.map(({ join, ...rest }) => rest), [{ do: "preview", path: "optimizer.lr", value: "5e-" }, { do: "set", path: "optimizer.lr", value: "5e-" }]);
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

test("an auto says what it became, and switching it off starts from there", async () => {
  const auto = { value: "2", reason: "two kept the device busy", source: "Before", manual: 2 };
  const { el, model } = show(widget, { ...STATE, autos: { "data.workers": auto } });
  assert.match(text(field(el, "data.workers")), /→ 2 in “Before” · two kept the device busy/);
  button(field(el, "data.workers"), "auto").click();
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "data.workers", value: 2 });
});

const keys = (el: Element, key: string, more = {}): void => { el.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey: true, bubbles: true, cancelable: true, ...more })); };

test("Ctrl+Z undoes what is still being typed, and leaves boxes of free text alone", () => {
  const { el, model } = show(widget, STATE);
  const box = field(el, "optimizer.lr").querySelector("input")!;
  type(box, "0.5");
  keys(box, "z");
  const wishes = (): any[] => model.sent.filter((one) => one.do !== "preview");
  assert.deepEqual(wishes().map((one) => [one.do, one.value]), [["set", "0.5"], ["undo", undefined]]);
  keys(box, "Z", { shiftKey: true });
  keys(box, "y");
  keys(el.querySelector(".about .name")!, "z");
  assert.deepEqual(wishes().slice(2).map((one) => one.do), ["redo", "redo"]);
});

test("what is still being typed is sent when the page goes", () => {
  const { el, model } = show(widget, STATE);
  type(field(el, "optimizer.lr").querySelector("input")!, "0.5");
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(model.sent.filter((one) => one.do === "set").map((one) => one.value), ["0.5"]);
});

test("one stretch of typing is one edit, the next is another", async () => {
  const { el, model } = show(widget, STATE);
  const box = field(el, "optimizer.lr").querySelector("input")!;
  for (const value of ["0.5", "0.52"]) { type(box, value); await drawn(300); }
  box.dispatchEvent(new Event("blur"));
  type(box, "0.6");
  press(box, "Enter");
  const joins = model.sent.filter((one) => one.do === "set").map((one) => one.join);
  assert.equal(joins[0], joins[1]);
  assert.notEqual(joins[1], joins[2]);
});

test("name, tags and description are told when their box is left, and Escape gives up", async () => {
  const { el, model } = show(widget, { ...STATE, editable: false, status: "completed" });
  const name = el.querySelector<HTMLInputElement>(".about .name")!;
  type(name, "Other");
  name.dispatchEvent(new Event("blur"));
  assert.deepEqual(model.sent.at(-1), { do: "annotate", name: "Other" });
  type(name, "Gone");
  press(name, "Escape");
  assert.equal(name.value, "Baseline");
  const tag = el.querySelector<HTMLInputElement>("input.tag")!;
  assert.deepEqual(all(el, "datalist option").map((one) => one.getAttribute("value")), ["night"]);
  tag.value = "night, rain";
  press(tag, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "annotate", tags: ["day", "night", "rain"] });
  el.querySelector<HTMLElement>("[aria-label='Remove tag day']")!.click();
  assert.deepEqual(model.sent.at(-1), { do: "annotate", tags: [] });
  button(el, "Add a description").click();
  const about = el.querySelector<HTMLTextAreaElement>("textarea")!;
  type(about, "why");
  press(about, "Enter");
  assert.match(about.value, /\n/);
  type(about, "why");
  about.dispatchEvent(new Event("blur"));
  assert.deepEqual(model.sent.at(-1), { do: "annotate", description: "why" });
});

test("a preset is shown with its reasons before it is used", () => {
  const rows = [{ path: "optimizer.lr", label: "Optimizer › Learning rate", here: "3e-4", there: "0.01", why: "<b>usual</b>" }];
  const { el, model } = show(widget, { ...STATE, preset: { key: "quick", label: "Quick check", about: "Does it work?", rows } });
  const box = el.querySelector("[aria-label='Preset Quick check']")!;
  assert.match(text(box), /Learning rate<b>usual<\/b> ?3e-4 ?0.01/);
  button(box, "Use this preset").click();
  assert.deepEqual(model.sent.at(-1), { do: "apply_preset", key: "quick" });
  button(box, "Cancel").click();
  assert.deepEqual(model.sent.at(-1), { do: "preset", key: "" });
});

test("a file changed outside: refused with its reason, or two versions to choose from", async () => {
  const { el, model } = show(widget, { ...STATE, outside: { reason: "line 3 is broken", rows: [] } });
  assert.match(text(el.querySelector(".warned")), /cannot be used.*line 3 is broken/);
  button(el, "Write this version").click();
  assert.deepEqual(model.sent.at(-1), { do: "keep_mine" });
  model.put({ outside: { reason: "", rows: [{ path: "training.epochs", label: "Training › Epochs", values: ["3", "9"] }] } });
  await drawn();
  assert.match(text(el.querySelector(".warned")), /Mine ?Theirs.*Epochs ?3 ?9/);
  button(el, "Take theirs").click();
  assert.deepEqual(model.sent.at(-1), { do: "take_theirs" });
});

test("a text to copy opens in the view that asked; without a clipboard it stands selected", async () => {
  const { el, model } = show(widget, STATE);
  model.put({ sheet: { number: 1, style: "python", name: "a.py", text: "import x" } });
  await drawn();
  assert.equal(el.querySelector(".sheet"), null, "another view has asked");
  el.querySelector<HTMLElement>("[aria-label^='More to do']")!.click();
  button(el, "Copy as Python").click();
  assert.deepEqual(model.sent.at(-1), { do: "python" });
  model.put({ sheet: { number: 2, style: "python", name: "a.py", text: "import y" } });
  await drawn();
  assert.equal(el.querySelector<HTMLTextAreaElement>(".sheet textarea")!.value, "import y");
  assert.match(text(el.querySelector(".sheet")), /Copied|press Ctrl\+C/);
});

test("an import that is refused keeps the text and says why", async () => {
  const { el, model } = show(widget, STATE);
  el.querySelector<HTMLElement>("[aria-label^='More to do']")!.click();
  button(el, "Import…").click();
  await drawn();
  type(el.querySelector(".sheet textarea")!, "a: !!x");
  await drawn();
  button(el.querySelector(".sheet")!, "Import").click();
  assert.deepEqual(model.sent.at(-1), { do: "import", text: "a: !!x" });
  model.put({ trouble: "the tag !!x is not read" });
  await drawn();
  assert.match(text(el.querySelector(".sheet [role=alert]")), /tag/);
  assert.equal(el.querySelector<HTMLTextAreaElement>(".sheet textarea")!.value, "a: !!x");
  model.put({ trouble: "", sheet: { number: 3, style: "imported", name: "", text: "" } });
  await drawn();
  assert.equal(el.querySelector(".sheet"), null);
});

test("parts are moved by keys, switched off, removed and reset", async () => {
  const { el, model } = show(widget, OPEN);
  const list = field(el, "augmentation.train");
  const flip = list.querySelector<HTMLElement>("[data-part='augmentation.train.1']")!;
  const handle = flip.querySelector<HTMLElement>(".handle")!;
  const press = (key: string, more = {}): void => { flip.querySelector(".name")!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more })); };
  const sent = model.sent.length;
  press("ArrowUp");
  press("ArrowDown", { altKey: true });
  assert.equal(model.sent.length, sent); // without Alt, and at the end, nothing moves
  press("ArrowUp", { altKey: true });
  assert.deepEqual(model.sent.at(-1).value.map((part: any) => part.kind), ["flip", "resize"]);
  await drawn();
  assert.match(text(list.querySelector("[aria-live]")), /Flip is now at place 1 of 2/);
  assert.match(text(list.querySelector("[data-part='augmentation.train.0']")), /^⠿ Flip/); // at once, before Python has answered
  handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }));
  assert.deepEqual(model.sent.at(-1).value.map((part: any) => part.kind), ["resize", "flip"]); // and the next key acts on what is shown
  list.querySelector<HTMLElement>("[aria-label='Remove Resize']")!.click();
  assert.deepEqual(model.sent.at(-1).value.map((part: any) => part.kind), ["flip"]);
  const use = list.querySelector<HTMLInputElement>("[aria-label='Use Flip']")!;
  use.checked = false;
  use.dispatchEvent(new Event("change"));
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "augmentation.train.0.enabled", value: false });
  assert.deepEqual(moved([1, 2, 3], 0, 2), [2, 3, 1]);
  button(list, "Reset").click();
  assert.deepEqual(model.sent.at(-1), { do: "set", path: "augmentation.train", value: STEPS.default });
});

test("a remark about a step stands at its row", async () => {
  const { el, model } = show(widget, OPEN);
  model.put({ preview: { rows: { "augmentation.train.1": "Leaves nothing but one colour." } } });
  await drawn();
  assert.match(text(field(el, "augmentation.train").querySelector(".remark")), /one colour/);
});

test("pictures: asked for while seen, other images and epochs by their buttons, problems in words", async () => {
  const { el, model, gone } = show(widget, OPEN);
  const figure = (): HTMLElement => el.querySelector<HTMLElement>("figure.preview")!;
  assert.deepEqual(model.sent.filter((one) => one.do === "look").map((one) => one.on), [true]);
  assert.equal(all(figure(), ".blank").length, 8);
  const bytes = new DataView(new Uint8Array([0x89, 0x50]).buffer);
  const one = { file: "red/1.png", label: "red", position: 3, epoch: 0, blobs: 2, width: 9, height: 9, before: bytes, after: bytes };
  const broken = { file: "red/2.png", label: "red", position: 4, epoch: 0, blobs: 0, error: "It is cut off." };
  model.put({ pictures: [one, broken], preview: { part: "train", first: 0, epoch: 0, raw: false, one: -1, busy: false, starting: false, count: 20, facts: { size: [3, 9, 9], lowest: -1, highest: 2, centre: 0, spread: 1 } } });
  await drawn();
  assert.match(text(figure()), /1–8 of 20.*epoch 1.*It is cut off.*9 × 9 px · numbers −1 … 2/);
  figure().querySelector<HTMLElement>("[aria-label='Next images']")!.click();
  figure().querySelector<HTMLElement>("[aria-label='Next epoch']")!.click();
  button(figure(), "Validation").click();
  button(figure(), "Numbers").click();
  figure().querySelector<HTMLElement>("button.picture")!.click();
  assert.deepEqual(model.sent.filter((wish) => wish.do === "picture").map(({ do: _, ...where }) => where), [{ first: 8 }, { epoch: 1 }, { part: "val" }, { raw: true }, { one: 3 }]);
  button(figure(), "Both").click();
  await drawn();
  assert.equal(all(figure(), "img").length, 2);
  model.put({ preview: { ...model.state.preview, problem: "step 2: a crop is larger", advice: "Choose less." } });
  await drawn();
  button(figure(), "Try again").click();
  assert.match(text(figure().querySelector("[role=alert]")), /Step 2: a crop is larger. Choose less./);
  assert.deepEqual(model.sent.at(-1), { do: "again" });
  gone();
  assert.equal(model.sent.at(-1).on, false);
});

test("Train is off with its reason beside it; after the start the form is read-only", async () => {
  const { el, model } = show(widget, { ...STATE, can_train: false, reason: "Train is off: no data set is chosen." });
  assert.equal(button(el, "Train").disabled, true);
  assert.match(text(el.querySelector(".reason")), /no data set/);
  model.put({ editable: false, status: "training" });
  await drawn();
  assert.equal(all(el, ".fields :is(input, select):not(:disabled)").length, 0);
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

test("while it runs live fields alone can be edited, and Enter sends what was typed", async () => {
  const live = { ...LR, live: true };
  const sections = [{ key: "optimizer", title: "Optimizer", open: true, fields: [KIND, live] }];
  const { el, model } = show(widget, { ...STATE, sections, status: "training", editable: false, live: true });
  const box = field(el, "optimizer.lr").querySelector("input")!;
  assert.deepEqual([box.disabled, field(el, "optimizer.kind").querySelector("select")!.disabled], [false, true]);
  type(box, "1e-4");
  await drawn(300);
  assert.equal(model.sent.length, 0);
  assert.match(text(field(el, "optimizer.lr")), /Enter applies it, Escape drops it/);
  press(box, "Escape");
  await drawn();
  assert.equal(box.value, "3e-4");
  type(box, "1e-4");
  press(box, "Enter");
  assert.deepEqual(model.sent.map((one) => [one.do, one.path, one.value]), [["set", "optimizer.lr", "1e-4"]]);
  model.put({ changed: { "optimizer.lr": "changed at step 120; it was 0.001" } });
  await drawn();
  assert.match(text(field(el, "optimizer.lr")), /changed at step 120; it was 0.001/);
  model.put({ live: false, status: "completed" });
  await drawn();
  assert.equal(field(el, "optimizer.lr").querySelector("input")!.disabled, true);
});
