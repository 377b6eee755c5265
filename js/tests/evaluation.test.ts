import { all, button, drawn, show, text, type } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import evaluation from "../src/evaluation";
import { PAGE, arranged, withCounts } from "../src/evaluation/classes";

const COLUMNS = ["class", "support", "predicted", "precision", "recall", "recall_low", "recall_high", "f1", "auroc"];
const rows = (n: number): any[] => Array.from({ length: n }, (_, at) => [`class ${at}`, 10, 8 + (at % 5), 0.5, (at % 10) / 10, 0.1, 0.9, ((at * 7) % 10) / 10, at === 3 ? null : 0.8]);
const POINTS = { threshold: [0.9, 0.5, 0.1], precision: [1, 0.8, 0.4], recall: [0.2, 0.7, 1], fpr: [0, 0.2, 1], f1: [0.33, 0.75, 0.57] };
const state = (n: number, more = {}): any => ({
  experiment_facts: { name: "<b>E</b>", status: "completed", reason: "" }, offered: { parts: [{ value: "val", label: "validation (9)" }], checkpoints: [{ value: "best", label: "best checkpoint" }] },
  listed: [{ number: 1, title: "val" }], number: 1, job: {}, outdated: "", notices: [], said: "", multilabel: true,
  metrics: [{ name: "map", label: "Mean average precision", value: 0.8, low: 0.7, high: 0.9 }, { name: "exact_match", label: "Exact match", value: 0.25, low: null, high: null }],
  confusion: {}, per_class: { columns: COLUMNS, rows: rows(n) }, curve: { classes: ["class 0"], label: "micro", points: POINTS, best: 0.5, best_f1: 0.75, used: 0.1 },
  reliability: [], slices: { offered: ["class"], by: "class", rows: [] }, ...more,
});

test("of several labels, each label's decisions are parts of a bar that show their images", () => {
  const { el, model } = show(evaluation, state(3));
  assert.equal(text(el.querySelector(".metrics tr.main th")), "Mean average precision");
  assert.match(text(el.querySelector(".metrics")), /Exact match ?25\.0/);
  const first = all(el, ".stack")[0]!;
  (first.querySelector(".misses") as HTMLElement).click();
  assert.deepEqual(model.sent.at(-1), { do: "errors", kind: "misses", label: "class 0" });
  (all(el, ".stack .hits")[0] as HTMLElement).click();
  assert.equal(model.sent.at(-1).do, "cell");
  assert.equal(all(el, ".matrix").length, 0);
});

test("the curves stand at the threshold that the numbers are by, and jump to the best", async () => {
  const { el } = show(evaluation, state(3));
  assert.match(text(el.querySelector(".threshold")), /0\.100 ?best$/);
  button(el, "best").click();
  await drawn();
  assert.match(text(el.querySelector(".threshold")), /0\.500 ?used$/);
  assert.match(text(el), /precision 80\.0.%.*recall 70\.0.%/);
});

test("a thousand classes are drawn in pages, sorted and searched", async () => {
  const { el, model } = show(evaluation, state(1000));
  const names = (): string[] => all(el, ".per-class tbody th").map(text);
  assert.equal(names().length, PAGE);
  assert.match(text(el), /The 14 with most wrong decisions of 1.000/);
  button(el, "Recall").click();
  await drawn();
  assert.deepEqual(names().slice(0, 2), ["class 0", "class 10"]); // the weakest first
  assert.equal(el.querySelector("th[aria-sort=ascending]")?.textContent?.trim(), "Recall ▴");
  button(el, "Show more").click();
  await drawn();
  assert.equal(names().length, 2 * PAGE);
  type(el.querySelector(".find[aria-label='Find classes']")!, "class 99");
  await drawn();
  assert.deepEqual(names().length, 11);
  all(el, ".per-class .name")[0]!.click();
  assert.equal(model.sent.at(-1).do, "curve");
});

test("what a class lacks comes last, and counts follow from its columns", () => {
  const made = withCounts(COLUMNS, rows(5));
  assert.deepEqual([made[2]!.hits, made[2]!.misses, made[2]!.wrong], [2, 8, 8]);
  assert.equal(arranged(COLUMNS, made, { words: "", by: "auroc", up: true, most: 9 }).at(-1)!.name, "class 3");
});

test("of many classes the pairs that are confused most are listed, and found by name", async () => {
  const most = [{ true: "a", predicted: "<i>b</i>", count: 7 }];
  const { el, model } = show(evaluation, state(3, { multilabel: false, confusion: { classes: [], counts: [], most, words: "" } }));
  type(el.querySelector("[aria-label='Find confusions of a class']")!, "x");
  type(el.querySelector("[aria-label='Find confusions of a class']")!, "b");
  for (let tries = 0; !model.sent.length && tries < 100; tries += 1) await drawn();
  assert.deepEqual(model.sent, [{ do: "confused", words: "b" }]);
  button(el.querySelector(".most")!, "7").click();
  assert.deepEqual(model.sent.at(-1), { do: "cell", true: "a", predicted: "<i>b</i>" });
});
