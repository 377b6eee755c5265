import { all, button, drawn, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import findings from "../src/findings";
import widget from "../src/form";
import { ticks } from "../src/form/schedule";

const LR: any = { path: "optimizer.lr", label: "Learning rate", type: "float", default: 0.001, unit: "ratio", soft: [1e-5, 0.1], log: true };
const KIND: any = { path: "scheduler.kind", label: "Kind", type: "kind", default: "cosine", choices: [{ value: "cosine", label: "Cosine" }] };
const WEIGHTS: any = { path: "loss.class_weights", label: "Class weights", type: "choice", default: "none", choices: [{ value: "none", label: "none" }, { value: "auto", label: "auto" }] };
const HIGH: any = { rule: "learning rate", level: "warning", path: "optimizer.lr", text: "0.5 is too high.", why: "Too high.", source: "arXiv:1", fix: { "optimizer.lr": 7e-4 }, doing: "learning rate 7e-4" };
const STATE: any = {
  preview: {}, pictures: [],
  name: "Baseline", description: "", tags: [], known_tags: [], presets: [], preset: {}, autos: {}, outside: {}, compared: {}, sheet: {}, said: "",
  status: "created", editable: true, live: false, changed: {}, dirty: false, can_undo: false, can_redo: false, can_train: true, starting: false, reason: "", refused: {}, problems: [], hidden: [], catalog: {}, footer: {},
  sections: [{ key: "optimizer", title: "Optimizer", open: true, fields: [LR] }, { key: "scheduler", title: "Scheduler", open: true, fields: [KIND] }, { key: "loss", title: "Loss", open: true, fields: [WEIGHTS] }],
  values: { "optimizer.lr": 0.5, "scheduler.kind": "cosine", "loss.class_weights": "none" },
  advice: [HIGH], band: { low: 1e-4, high: 1e-3, far_low: 7e-6, far_high: 7e-3, usual: 7e-4, zone: "high", what: "AdamW, batch 32", source: "arXiv:2" },
  schedule: { epochs: [0, 25, 49.9], lrs: [0.5, 0.25, 1e-9], told: [[10, 0.45], [25, 0.25], [50, 1e-9]], total: 50, warmup: 0, still: 0.01, highest: false },
  cards: {
    balance: { rows: [["daisy", 90, 0.6, 0.9], ["rose", 10, 5, 0.1]], left_out: 0, ratio: 19, options: [{ name: "none", label: "None", effect: "each image counts the same", fix: {}, chosen: true, recommended: false }, { name: "auto", label: "Auto weights", effect: "each class counts the same", fix: { "loss.class_weights": "auto" }, chosen: false, recommended: true }] },
    optimizers: [], regularisation: { parts: [], augmentation: "light", overall: "medium" }, timeline: [], stops: "",
  },
  resources: [["Model", "resnet18"]], measured: {}, plan: {},
};

test("advice stands at its field, with a button that applies it", () => {
  const { el, model } = show(widget, STATE);
  const field = el.querySelector("[data-path='optimizer.lr']")!;
  assert.match(text(field), /high · 1e-4 … 1e-3 recommended for AdamW, batch 32/);
  assert.match(text(field), /0\.5 is too high\./);
  button(field, "Apply").click();
  assert.deepEqual(model.sent, [{ do: "fix", fix: { "optimizer.lr": 7e-4 } }]);
});

test("a problem that the form tells already keeps its fix and loses its second sentence", () => {
  const { el } = show(widget, { ...STATE, problems: [{ path: "optimizer.lr", message: "Out of range.", advice: "" }] });
  const field = el.querySelector("[data-path='optimizer.lr']")!;
  assert.doesNotMatch(text(field), /too high/);
  button(field, "Apply");
});

test("under a refused text no zone is told, and values are counted once, as what they are", async () => {
  const good = { ...STATE.band, zone: "good" };
  const { el, model } = show(widget, { ...STATE, band: good, refused: { "optimizer.lr": { text: "-1", message: "-1 is too low.", advice: "Above 0." } }, problems: [{ path: "optimizer.lr", message: "Out of range.", advice: "" }] });
  const field = el.querySelector("[data-path='optimizer.lr']")!;
  assert.doesNotMatch(text(field), /good/);
  assert.match(text(field), /1e-4 … 1e-3 recommended/);
  button(el, "▸ Summary: 1 value needs attention");
  model.put({ refused: {}, problems: [] });
  await drawn();
  assert.match(text(field), /good · 1e-4/);
});

test("suggestions and summary unfold above Train, one at a time", async () => {
  const { el } = show(widget, STATE);
  assert.match(text(el.querySelector("[data-section='optimizer'] summary")), /1 suggestion/);
  button(el, "▸ 1 suggestion").click();
  await drawn();
  assert.match(text(el.querySelector(".unfolded")), /Optimizer › Learning rate.*too high.*arXiv:1/);
  button(el, "▸ Summary: ready").click();
  await drawn();
  assert.match(text(el.querySelector(".unfolded")), /resnet18.*Optimizer/);
  assert.equal(button(el, "Train").disabled, false);
});

test("the schedule is drawn, with its values and its end under 1e-7; the axis can be logarithmic", async () => {
  const { el } = show(widget, STATE);
  const figure = (): Element => el.querySelector("figure.schedule")!;
  assert.match(text(figure()), /10.*25.*50 \(last\).*0\.45.*0\.25.*1e-9.*Under 1e-7 in the last 1\.0/);
  const linear = figure().querySelector("path")!.getAttribute("d");
  button(figure(), "log").click();
  await drawn();
  assert.notEqual(figure().querySelector("path")!.getAttribute("d"), linear);
  assert.doesNotMatch(figure().querySelector("path")!.getAttribute("d")!, /NaN|Infinity/);
  assert.deepEqual(ticks(50), [0, 20, 40, 50]);
  assert.deepEqual(ticks(1), [0, 1]);
  assert.deepEqual(ticks(100), [0, 50, 100]);
});

test("typing a learning rate asks for its curve at once", () => {
  const { el, model } = show(widget, STATE);
  const box = el.querySelector<HTMLInputElement>("[data-path='optimizer.lr'] input")!;
  box.value = "0.01";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  assert.deepEqual(model.sent, [{ do: "preview", path: "optimizer.lr", value: "0.01" }]);
});

test("an imbalance opens its table, and a choice is made there", () => {
  const { el, model } = show(widget, STATE);
  assert.match(text(el.querySelector("[data-section='loss']")), /rose10×510\.0/);
  const auto = all(el, "input[type=radio]")[1] as HTMLInputElement;
  auto.checked = true;
  auto.dispatchEvent(new Event("change", { bubbles: true }));
  assert.deepEqual(model.sent, [{ do: "fix", fix: { "loss.class_weights": "auto" } }]);
});

test("the data section says what is kept of decoded images, and clears it", () => {
  const data = { key: "data", title: "Data", open: true, fields: [] };
  const shown = (clear: boolean) => show(widget, { ...STATE, sections: [data], cards: { ...STATE.cards, cache: { text: "276 MiB of decoded images are kept in memory.", clear } } });
  assert.match(text(shown(false).el.querySelector("[data-cache]")), /276 MiB of decoded images are kept in memory\.$/);
  const { el, model } = shown(true);
  button(el.querySelector("[data-cache]")!, "Clear").click();
  assert.deepEqual(model.sent, [{ do: "clear_cache" }]);
});

test("a finished run has no advice in its form, and its findings are cards", () => {
  const { el } = show(widget, { ...STATE, editable: false, status: "completed" });
  assert.doesNotMatch(text(el), /too high|suggestion/);
  const { el: panel, model } = show(findings, { findings: [{ ...HIGH, rule: "divergence" }] });
  assert.match(text(panel), /divergence 0\.5 is too high/);
  button(panel, "Copy with learning rate 7e-4").click();
  assert.deepEqual(model.sent, [{ do: "copy", rule: "divergence" }]);
});

const CURVE: any = { running: false, text: "", fraction: null, trouble: "", lrs: [1e-6, 1e-4, 1e-2, 1], losses: [2.3, 2.2, 0.8, 9], suggested: 1e-3, steepest: 2e-3, diverged: true, why: "the loss was lowest at 0.01.", source: "arXiv:3", stale: false };

test("a range test is asked for at the learning rate, shows how far it is, and can be cancelled", async () => {
  const idle = { running: false, text: "", fraction: null, trouble: "" };
  const { el, model } = show(widget, { ...STATE, measured: { lr_range: idle } });
  const field = (): Element => el.querySelector("[data-path='optimizer.lr']")!;
  button(field(), "Range test").click();
  model.put({ measured: { lr_range: { ...idle, running: true, text: "step 20 of 100", fraction: 0.2 } } });
  await drawn();
  assert.match(text(field()), /20.% step 20 of 100/);
  button(field(), "Cancel").click();
  assert.deepEqual(model.sent, [{ do: "measure", kind: "lr_range" }, { do: "cancel_measuring", kind: "lr_range" }]);
  model.put({ measured: { lr_range: { ...idle, trouble: "Out of memory." } } });
  await drawn();
  assert.match(text(field()), /Out of memory/);
});

test("the curve marks what it suggests, and one click applies it; a curve of another configuration is out of date", async () => {
  const { el, model } = show(widget, { ...STATE, measured: { lr_range: CURVE } });
  const figure = (): Element => el.querySelector("[data-path='optimizer.lr'] figure")!;
  assert.match(figure().querySelector("svg")!.getAttribute("aria-label")!, /suggested learning rate 0.001|suggested learning rate 1e-3/);
  assert.ok(figure().querySelector("line.suggested"));
  button(figure(), "Use 1e-3").click();
  assert.deepEqual(model.sent, [{ do: "fix", fix: { "optimizer.lr": 1e-3 } }]);
  model.put({ measured: { lr_range: { ...CURVE, stale: true } } });
  await drawn();
  assert.match(text(figure()), /Out of date/);
  assert.equal(all(figure(), "button").length, 0);
});

test("colours are measured on request where the data set's are asked for", async () => {
  const NORMAL: any = { path: "normalisation.kind", label: "Kind", type: "kind", default: "imagenet", choices: [{ value: "imagenet", label: "ImageNet" }, { value: "dataset", label: "From this data set" }] };
  const idle = { running: false, text: "", fraction: null, trouble: "" };
  const sections = [{ key: "normalisation", title: "Normalisation", open: true, fields: [NORMAL] }];
  const { el, model } = show(widget, { ...STATE, sections, values: { "normalisation.kind": "dataset" }, measured: { colours: idle } });
  button(el, "Measure now").click();
  const fix = { "normalisation.kind": "custom" };
  model.put({ measured: { colours: { ...idle, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], n_images: 32, fix } } });
  await drawn();
  assert.match(text(el.querySelector("[data-kind='colours']")), /mean.*0\.100.*deviation.*0\.600.*32 training images/);
  button(el, "Use as custom values").click();
  assert.deepEqual(model.sent, [{ do: "measure", kind: "colours" }, { do: "fix", fix }]);
});
