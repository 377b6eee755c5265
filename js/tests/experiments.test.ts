import { all, button, drawn, press, show, text, type } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import widget, { sorted } from "../src/experiments";
import { matching } from "../src/lib/listed";

const card = (id: string, more = {}): any => ({
  id, name: `Experiment ${id}`, status: "created", tags: [], description: "", edited: false, runs: 0, evaluations: 0, created_s: Number(id) || 0, progress: 0, epoch: 0, epochs: 0, eta_s: null,
  phase: "", metric: "", value: null, duration_s: null, cause: "", place: 0, queued: 0, held: false, ...more,
});
const open = (cards: any[], more = {}): ReturnType<typeof show> => show(widget, { cards, selected: cards[0]?.id ?? "", overlay: [], known_tags: ["day", "night"], branching: {}, blank: false, notices: [], guided: true, found: {}, adding: {}, ...more });

test("names are text, whatever they hold", () => {
  const { el } = open([card("1", { name: "<img src=x onerror=alert(1)> ../x" })]);
  assert.equal(all(el, "img").length, 0);
  assert.match(text(el), /<img src=x onerror=alert\(1\)>/);
});

test("a click selects, and Python is told", () => {
  const { el, model } = open([card("2"), card("1")]);
  all(el, ".card")[1]?.click();
  assert.deepEqual(model.sent.at(-1), { do: "select", id: "1" });
});

test("a patch changes one card, also for a view that comes later", async () => {
  const { el, model } = open([card("2"), card("1")]);
  model.fire("msg:custom", { patch: { id: "1", status: "training", epoch: 3, epochs: 5, progress: 0.5 } });
  await drawn();
  assert.match(text(all(el, ".card")[1] ?? null), /epoch 3 \/ 5/);
  assert.equal(model.get("cards")[1].status, "training");
  assert.equal(model.saved.length, 0);
});

test("a long list is drawn in pages, searched whole, and can be entered by key", async () => {
  const { el } = open(Array.from({ length: 1000 }, (_, at) => card(String(1000 - at))), { selected: "1" });
  assert.equal(all(el, ".card").length, 200);
  assert.deepEqual(all(el, ".card[tabindex='0']").map((one) => one.dataset.id), ["1000"]); // the selected one is not drawn yet
  button(el, "Show more (800 left)").click();
  await drawn();
  assert.equal(all(el, ".card").length, 400);
  type(el.querySelector("input[type=search]")!, "Experiment 7");
  await drawn();
  assert.deepEqual(all(el, ".card").slice(-1).map((one) => one.dataset.id), ["7"]);
});

test("filter takes words of name, tag and status; orders sort", () => {
  const cards = [card("1", { name: "b10", status: "failed", tags: ["night"] }), card("2", { name: "b9", value: 0.9 })];
  assert.deepEqual(matching(cards, "night fail").map((one) => one.id), ["1"]);
  assert.deepEqual(sorted(cards, "name").map((one) => one.name), ["b9", "b10"]);
  assert.deepEqual(sorted(cards, "best").map((one) => one.id), ["2", "1"]);
});

test("filter: tag:x is a tag, quoted words are one, other words also search the description", () => {
  const cards = [card("1", { name: "night owl", tags: ["two words"] }), card("2", { description: "after the storm", tags: ["Night", "x"] })];
  const found = (filter: string): string[] => matching(cards, filter).map((one) => one.id);
  assert.deepEqual(found("night"), ["1", "2"]);
  assert.deepEqual(found("tag:night"), ["2"]);
  assert.deepEqual(found('tag:"two words" owl'), ["1"]);
  assert.deepEqual(found("tag:two tag:x"), []);
  assert.deepEqual(found("STORM"), ["2"]);
  assert.deepEqual(found("tag: owl"), ["1"]);
});

test("edits that are not saved are marked on the card, and selecting another asks nothing", async () => {
  const { el, model } = open([card("2", { edited: true }), card("1")]);
  assert.match(text(all(el, ".card")[0]!), /not saved/);
  all(el, ".card")[1]!.click();
  assert.deepEqual(model.sent.at(-1), { do: "select", id: "1" });
});

test("the filter box narrows the list and says when nothing is left", async () => {
  const { el } = open([card("2"), card("1")]);
  type(el.querySelector("input[type=search]")!, "zzz");
  await drawn();
  assert.equal(all(el, ".card").length, 0);
  assert.match(text(el), /No experiment matches “zzz”/);
});

test("F2 renames in place, Escape keeps the old name", async () => {
  const { el, model } = open([card("1")]);
  press(all(el, ".card")[0]!, "F2");
  await drawn();
  const box = el.querySelector<HTMLInputElement>("input.rename")!;
  box.value = "New name";
  press(box, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "rename", id: "1", name: "New name" });
  await drawn();
  press(all(el, ".card")[0]!, "F2");
  await drawn();
  press(el.querySelector("input.rename")!, "Escape");
  assert.equal(model.sent.length, 1);
});

test("tags are edited in place, separated by commas", async () => {
  const { el, model } = open([card("1", { tags: ["a"] })]);
  all(el, ".more")[0]!.click();
  button(el, "Edit tags").click();
  await drawn();
  const box = el.querySelector<HTMLInputElement>("input.rename")!;
  assert.equal(box.value, "a");
  box.value = " night,  two words ,";
  press(box, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "tag", id: "1", tags: ["night", "two words"] });
});

test("what could not be read is told", () => {
  const { el } = open([], { notices: ["experiment.json has format 9"] });
  assert.match(text(el), /experiment.json has format 9/);
});

test("a tick of the card does not disturb whoever renames it", async () => {
  const { el, model } = open([card("1")]);
  press(all(el, ".card")[0]!, "F2");
  const box = el.querySelector<HTMLInputElement>("input.rename")!;
  assert.equal(document.activeElement, box);
  type(box, "Half a na");
  box.setSelectionRange(9, 9);
  model.fire("msg:custom", { patch: { id: "1", epoch: 2 } });
  await drawn();
  assert.equal(el.querySelector("input.rename"), box);
  assert.deepEqual([box.value, box.selectionStart], ["Half a na", 9]);
});

test("delete asks in place and tells what goes to the trash", async () => {
  const { el, model } = open([card("1", { runs: 1, status: "training" })]);
  press(all(el, ".card")[0]!, "Delete");
  await drawn();
  assert.match(text(el), /stopped first.*configuration and 1 run move.*trash/);
  assert.equal(model.sent.length, 0);
  button(el, "Delete").click();
  assert.deepEqual(model.sent, [{ do: "delete", id: "1" }]);
});

test("delete tells of evaluations", async () => {
  const { el } = open([card("1", { runs: 1, evaluations: 2, status: "completed" })]);
  press(all(el, ".card")[0]!, "Delete");
  await drawn();
  assert.match(text(el), /configuration, 1 run and 2 evaluations move.*trash/);
});

test("the menu offers rename, duplicate, compare and delete", () => {
  const { el, model } = open([card("1"), card("2", { status: "completed" })]);
  all(el, ".more")[0]!.click();
  assert.deepEqual(all(el, "[role=menuitem]").map((one) => text(one.querySelector("span"))), ["Rename", "Edit tags", "Duplicate", "Branch from a checkpoint…", "Compare", "Delete…"]);
  button(el, "Duplicate").click();
  assert.equal(model.sent.at(-1).do, "duplicate");
});

test("an empty project offers two ways in, and says what was found", async () => {
  const { el, model } = open([], { blank: true });
  button(el, "Try with handwritten digits").click();
  assert.deepEqual(model.sent, [{ do: "digits" }]);
  model.put({ found: { text: "Found 40 images in 4 classes.", ok: true } });
  await drawn();
  assert.match(text(el), /Found 40 images/);
});

test("a card in the queue tells its place and is moved by keys and by its menu", async () => {
  const { el, model } = open([card("2", { status: "pending", place: 2, queued: 2 }), card("1", { status: "pending", place: 1, queued: 2 })]);
  const [last, first] = all(el, ".card") as HTMLElement[];
  assert.match(text(last ?? null), /2nd in the queue/);
  for (const [at, key] of [[last, "ArrowUp"], [last, "ArrowDown"], [first, "ArrowUp"], [first, "ArrowDown"]] as const) {
    at?.dispatchEvent(new KeyboardEvent("keydown", { key, altKey: true, bubbles: true, cancelable: true }));
  }
  assert.deepEqual(model.sent, [{ do: "shift", id: "2", by: -1 }, { do: "shift", id: "1", by: 1 }]);
  button(last as HTMLElement, "⋯").click();
  await drawn();
  button(document.body, "Move up in the queue").click();
  assert.deepEqual(model.sent.at(-1), { do: "shift", id: "2", by: -1 });
});

test("a branch begins with any checkpoint that is kept", async () => {
  const { el, model } = open([card("1", { status: "completed", runs: 1 })]);
  const checkpoints = [{ step: 60, epoch: 5, best: false, metric: "accuracy", value: 0.9 }, { step: 36, epoch: 3, best: true, metric: "accuracy", value: 0.95 }];
  model.put({ branching: { id: "1", checkpoints } });
  await drawn();
  const rows = all(el, ".kept button");
  assert.deepEqual(rows.map((one) => text(one)), ["epoch 5 · step 60 90.0 % newestaccuracy", "epoch 3 · step 36 95.0 % bestaccuracy"]);
  assert.equal(document.activeElement, rows[0]);
  rows[1]?.click();
  button(el, "Cancel").click();
  assert.deepEqual(model.sent, [{ do: "branch", id: "1", checkpoint: 36 }, { do: "ask_branch", id: "" }]);
});
