import { all, button, drawn, press, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import data from "../src/data";
import gallery, { grid } from "../src/gallery";

URL.createObjectURL = () => `blob:${(made += 1)}`;
URL.revokeObjectURL = () => undefined;
let made = 0;

const QUERY = { label: "", part: "", problem: "", words: "" };
const CHOICES = { labels: [{ value: "cat", label: "cat", count: 600 }, { value: "dog", label: "dog", count: 400 }], parts: [], problems: [{ value: "corrupt", label: "corrupt", count: 3 }] };
const open = (more = {}): ReturnType<typeof show> => show(gallery, { total: 1000, count: 1000, version: 1, query: QUERY, choices: CHOICES, editable: true, title: "", can_widen: false, undo: "", redo: "", opened: {}, ...more });
const tiles = (first: number, n = 48, more = {}): any[] => Array.from({ length: n }, (_, i) => ({ file: `${first + i}.png`, labels: ["cat"], part: "val", problems: [], left_out: false, trouble: "", note: "", ...more }));
const answer = async (model: any, first = 0, version = 1, n = 48): Promise<void> => {
  model.fire("msg:custom", { rows: { version, first, tiles: tiles(first, n) } }, Array.from({ length: n }, () => new DataView(new ArrayBuffer(3))));
  await drawn();
};

test("only what is seen is in the page, and asked for", async () => {
  const { el, model } = open();
  const { columns } = grid(800);
  assert.ok(all(el, ".tile").length <= columns * 8);
  assert.deepEqual(model.sent, [{ do: "rows", first: 0, n: 48, version: 1 }]);
  await answer(model);
  assert.equal(all(el, ".tile img").length, all(el, ".tile").length);
  assert.equal(model.sent.length, 1);
  const view = el.querySelector<HTMLElement>(".view")!;
  view.scrollTop = 4000;
  view.dispatchEvent(new Event("scroll"));
  await drawn();
  assert.ok(model.sent.slice(1).every((wish: any) => wish.do === "rows" && wish.first > 48));
});

test("an answer for another list is not shown; an edit leaves the pictures until they have come again", async () => {
  const { el, model } = open();
  await answer(model, 0, 7);
  assert.equal(all(el, ".tile img").length, 0);
  model.put({ version: 2 });
  await drawn();
  await answer(model, 0, 2);
  const shown = all(el, ".tile img").length;
  assert.ok(shown > 0);
  model.put({ version: 3, undo: "1.png: cat → dog" });
  await drawn();
  assert.equal(all(el, ".tile img").length, shown);
  assert.deepEqual(model.sent.at(-1), { do: "rows", first: 0, n: 48, version: 3 });
  button(el, "↶ 1.png").click();
  assert.deepEqual(model.sent.at(-1), { do: "undo" });
});

test("a class is given to what was clicked, not to what has come to its place since", async () => {
  const { el, model } = open();
  const rows = async (version: number, files: string[]): Promise<void> => {
    model.fire("msg:custom", { rows: { version, first: 0, tiles: tiles(0, files.length).map((tile, i) => ({ ...tile, file: files[i] })) } }, files.map(() => new DataView(new ArrayBuffer(3))));
    await drawn();
  };
  await rows(1, ["a.png", "b.png", "c.png"]);
  all(el, ".tile")[0]!.click();
  all(el, ".tile")[2]!.dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
  await drawn();
  model.put({ version: 2 });
  await rows(2, ["b.png", "a.png", "c.png"]); // an edit elsewhere has changed the order
  const give = el.querySelector<HTMLSelectElement>("select.give")!;
  give.value = "dog";
  give.dispatchEvent(new Event("change"));
  assert.deepEqual(model.sent.at(-1), { do: "relabel", files: ["c.png"], labels: ["dog"] });
});

test("another list of the same query begins anew: nothing of the one before stays", async () => {
  const { el, model } = open({ title: "Worst errors" });
  await answer(model);
  all(el, ".tile")[0]!.click();
  model.put({ title: "Labels that are doubted most" });
  model.put({ version: 2 });
  await drawn();
  assert.equal(all(el, ".tile img").length, 0);
  assert.equal(el.querySelector("select.give"), null);
});

test("what was overtaken is asked for again", async () => {
  const { el, model } = open();
  model.fire("msg:custom", { rows: { version: 1, first: 0, tiles: [] } }, []);
  await drawn();
  assert.equal(model.sent.filter((wish: any) => wish.do === "rows" && wish.first === 0).length, 2);
  assert.equal(all(el, ".tile img").length, 0);
});

test("click, Ctrl and Shift select; a class is given to all of them, by list and by digit", async () => {
  const { el, model } = open();
  await answer(model);
  const click = async (at: number, how = {}): Promise<void> => { all(el, ".tile")[at]!.dispatchEvent(new MouseEvent("click", { bubbles: true, ...how })); await drawn(); };
  await click(1);
  await click(3, { shiftKey: true });
  await click(0, { ctrlKey: true });
  assert.match(text(el.querySelector(".bar-of-edits")), /^4 images selected/);
  press(el.querySelector(".view")!, "2");
  assert.deepEqual(model.sent.at(-1), { do: "relabel", files: ["1.png", "2.png", "3.png", "0.png"], labels: ["dog"] });
  await drawn();
  assert.doesNotMatch(text(el), /selected/);
  press(el.querySelector(".view")!, "ArrowRight");
  press(el.querySelector(".view")!, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "open", file: "1.png" });
});

test("leaving out asks for a reason and can be cancelled", async () => {
  const { el, model } = open();
  await answer(model);
  all(el, ".tile")[0]!.click();
  await drawn();
  button(el, "Leave out…").click();
  const box = el.querySelector<HTMLInputElement>("input.reason")!;
  press(box, "Escape");
  await drawn();
  assert.equal(all(el, "input.reason").length, 0);
  button(el, "Leave out…").click();
  el.querySelector<HTMLInputElement>("input.reason")!.value = "blurred";
  button(el, "Leave out").click();
  assert.deepEqual(model.sent.at(-1), { do: "exclude", files: ["0.png"], reason: "blurred" });
});

test("names are text, an image that cannot be read says why, and nothing found offers all", async () => {
  const { el, model } = open({ count: 1 });
  model.fire("msg:custom", { rows: { version: 1, first: 0, tiles: tiles(0, 1, { labels: ["<b>x</b>"], trouble: "it is cut off", problems: ["it is cut off"] }) } }, [new DataView(new ArrayBuffer(0))]);
  await drawn();
  assert.match(text(el.querySelector(".tile")), /it is cut off/);
  assert.match(text(el), /<b>x<\/b>/);
  model.put({ count: 0, version: 2 });
  await drawn();
  button(el, "Show all").click();
  assert.deepEqual(model.sent.at(-1), { do: "find", ...QUERY });
});

const SOURCE = { name: "", path: "/here/pets", shown: "pets", kind: "Image folder", there: true, images: 10, classes: 2, removed: false };
const DATA = { sets: [{ name: "pets", images: 10, classes: 2 }], chosen: "pets", facts: [{ label: "Images", value: "10" }], classes: [{ name: "cat", count: 6 }, { name: "dog", count: 4 }], alike: [], notices: [], scan: { state: "none", text: "" }, splits: [{ name: "by-patient", train: 8, val: 2, test: 0, words: "", used: [], leaks: null }], sources: [SOURCE], finding: {}, reading: {}, columns: ["patient"], user: { name: "First", split: "", editable: true }, adding: {} };

test("annotations that lead out ask for the folder of the images, and another path for none", async () => {
  const { el, model } = show(data, DATA);
  button(el, "+ Add images").click();
  const box = el.querySelector<HTMLInputElement>("#nbt-adding-path")!;
  const type = (input: HTMLInputElement, value: string): void => { input.value = value; input.dispatchEvent(new Event("input", { bubbles: true })); };
  type(box, "a.json");
  model.put({ adding: { path: "a.json", lines: ["it lies outside"], ok: false, elsewhere: true } });
  await drawn();
  type(el.querySelector<HTMLInputElement>("#nbt-adding-path-root")!, "photos");
  button(el, "Look").click();
  assert.deepEqual(model.sent.at(-1), { do: "look", path: "a.json", root: "photos", reading: "" });
  type(box, "b.json");
  await drawn();
  assert.equal(el.querySelector("#nbt-adding-path-root"), null);
  button(el, "Look").click();
  assert.deepEqual(model.sent.at(-1), { do: "look", path: "b.json", root: "", reading: "" });
});

test("what lies at a path is shown before it is added", async () => {
  const { el, model } = show(data, DATA);
  button(el, "+ Add images").click();
  const box = el.querySelector<HTMLInputElement>("#nbt-adding-path")!;
  box.value = "photos.zip";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await drawn();
  button(el, "Look").click();
  assert.deepEqual(model.sent.at(-1), { do: "look", path: "photos.zip", root: "", reading: "" });
  assert.equal(document.activeElement, box); // the button goes while it works
  model.put({ adding: { path: "photos.zip", facts: [["Archive", "photos.zip"], ["images", "20"], ["note", "<b>"]], ok: true } });
  await drawn();
  assert.match(text(el.querySelector(".found")), /Archive photos.zip ?images ?20 ?note ?<b>/);
  button(el, "Into “pets”").click();
  assert.deepEqual(model.sent.at(-1), { do: "add", path: "photos.zip", into: true, root: "", reading: "" });
  model.put({ adding: { path: "photos.zip", facts: [["Archive", "photos.zip"], ["images", "20"]], ok: true, busy: true, text: "3 of 12 MiB", fraction: 0.25 } });
  await drawn();
  assert.equal(el.querySelector(".adding [role=progressbar]")?.getAttribute("aria-valuenow"), "25");
  assert.match(text(el.querySelector(".adding")), /images ?20 ?3 of 12 MiB ?Cancel/);
  button(el.querySelector(".adding")!, "Cancel").click();
  assert.deepEqual(model.sent.at(-1), { do: "stop_adding" });
  model.put({ adding: { path: "photos.zip", facts: [["Archive", "photos.zip"], ["images", "20"]], ok: true, said: "Cancelled. Nothing was added." } });
  await drawn();
  assert.match(text(el.querySelector(".adding")), /Nothing was added/);
  press(el.querySelector("#nbt-adding-path")!, "Enter"); // what was found is used
  assert.deepEqual(model.sent.at(-1), { do: "add", path: "photos.zip", into: false, root: "", reading: "" });
  model.put({ adding: { path: "", done: "30 images in pets." } });
  await drawn();
  assert.equal(all(el, "#nbt-adding-path").length, 0);
  assert.equal(document.activeElement, button(el, "+ Add images")); // the box is gone, a place near it is left
  assert.match(text(el), /30 images in pets/);
  button(el, "+ Add images").click();
  press(el.querySelector("#nbt-adding-path")!, "Escape");
  await drawn();
  assert.equal(all(el, "#nbt-adding-path").length, 0);
  assert.equal(document.activeElement, button(el, "+ Add images"));
});

test("a question shows each answer, and nothing is added before one is chosen", async () => {
  const { el, model } = show(data, DATA);
  button(el, "+ Add images").click();
  const box = el.querySelector<HTMLInputElement>("#nbt-adding-path")!;
  box.value = "odd";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  const readings = [{ key: "a", title: "A class", why: "cat, dog, <test>" }, { key: "b", title: "A set", why: "not used" }, { key: "c", title: "Table: t.csv", why: "says more" }];
  const pictures = [{ src: "data:image/jpeg;base64,", file: "cat/1.png", labels: "cat" }, { src: "", file: "cat/2.png", labels: "" }];
  model.put({ adding: { path: "odd", facts: [["Image folder", "odd"], ["images", "6"]], ok: false, pictures, readings, reading: "", questions: [{ text: "Is test a class, or a set?", readings: ["a", "b"] }] } });
  await drawn();
  assert.match(text(el.querySelector(".asked")), /Is test a class, or a set\? ?A class ?cat, dog, <test> ?A set ?not used$/);
  assert.equal(text(el.querySelector(".otherwise")), "Read otherwise: Table: t.csv");
  assert.deepEqual(all(el, ".pictures li").map((one) => text(one)), ["cat", "cannot be readno label"]);
  assert.deepEqual(all(el, ".adding > .row button").map((one) => text(one)), ["Cancel"]);
  assert.equal(all(el, ".found dt").length, 1);
  press(box, "Enter"); // a question that is open: it is looked at again
  assert.deepEqual(model.sent.at(-1), { do: "look", path: "odd", root: "", reading: "" });
  all(el, ".asked button")[1]?.click();
  assert.deepEqual(model.sent.at(-1), { do: "look", path: "odd", root: "", reading: "b" });
  assert.equal(document.activeElement, box);
  model.put({ adding: { path: "odd", facts: [["Image folder", "odd"], ["images", "4"]], ok: true, pictures: [], readings, reading: "b", questions: [] } });
  await drawn();
  assert.equal(el.querySelector(".asked"), null);
  assert.equal(all(el, ".otherwise button").length, 2); // also the way back
  press(box, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "add", path: "odd", into: false, root: "", reading: "b" });
});

test("problems are kinds with a count; one click shows them, another leaves them out", async () => {
  const kinds = [{ kind: "corrupt", label: "Corrupt", help: "", count: 3, dealt: 0 }, { kind: "near", label: "Near duplicates", help: "", count: 2, dealt: 2 }];
  const { el, model } = show(data, { ...DATA, scan: { state: "done", text: "10 images looked at", kinds } });
  button(el, "Corrupt").click();
  assert.deepEqual(model.sent.at(-1), { do: "find", key: "problem", value: "Corrupt" });
  button(el, "Leave out").click();
  assert.deepEqual(model.sent.at(-1), { do: "exclude", kind: "corrupt" });
  assert.match(text(el), /Near duplicates ?2 ?dealt with/);
  model.put({ scan: { state: "running", text: "4 of 10 images", fraction: 0.4 } });
  await drawn();
  button(el, "Cancel").click();
  assert.deepEqual(model.sent.at(-1), { do: "cancel" });
});

test("a split is made, given to the selected experiment, and deleted", async () => {
  const { el, model } = show(data, DATA);
  assert.match(text(el.querySelector(".splits")), /By shares and seed.*in use ?by-patient ?train 8 · val 2/);
  button(el, "Use").click();
  assert.deepEqual(model.sent.at(-1), { do: "use", name: "by-patient" });
  button(el, "+ New split").click();
  const put = (name: string, value: string): void => { (el.querySelector(`.splitting [name=${name}]`) as HTMLInputElement).value = value; };
  put("name", "folds");
  put("folds", "5");
  put("by", "patient");
  button(el, "Make").click();
  assert.deepEqual(model.sent.at(-1), { do: "split", name: "folds", val: 20, test: 0, by: "patient", folds: 5, together: false });
  await drawn();
  assert.equal(all(el, ".splitting").length, 0);
  all(el, ".splits .icon")[0]!.click();
  button(el, "Delete").click();
  assert.deepEqual(model.sent.at(-1), { do: "delete_split", name: "by-patient" });
  all(el, ".splits .icon")[0]!.click();
  button(el, "Rename…").click();
  const box = el.querySelector<HTMLInputElement>(".splits input.rename")!;
  box.value = "patients";
  box.dispatchEvent(new Event("blur"));
  assert.deepEqual(model.sent.at(-1), { do: "rename_split", name: "by-patient", to: "patients" });
});

test("splits of runs stand behind a line, in words; a locked one says so, and copies across sets are shown", async () => {
  const made = { name: "pets-0.2-0-seed42-0123abcd", train: 8, val: 2, test: 0, words: "20 % val, seed 42", used: ["First, run 1"], leaks: 3 };
  const { el, model } = show(data, { ...DATA, splits: [...DATA.splits, made] });
  assert.match(text(el.querySelector("details.made")), /Made by runs \(1\) ?20 % val, seed 42 ?train 8 · val 2 ?used by 1 run ?3 copies across sets/);
  button(el, "3 copies across sets").click();
  assert.deepEqual(model.sent.at(-1), { do: "leaks", name: made.name });
  all(el, "details.made .icon")[0]!.click();
  const entry = el.querySelector<HTMLButtonElement>(".menu button")!;
  assert.match(text(entry), /Delete ?Locked: First, run 1 used it/);
  assert.equal(entry.disabled, true);
});

test("a source is taken out after asking, brought back, and found again once its images were looked for", async () => {
  const more = { ...SOURCE, name: "more", path: "/here/more", shown: "more", there: false, images: null, classes: null };
  const { el, model } = show(data, { ...DATA, sources: [SOURCE, more, { ...more, name: "old", shown: "<i>old</i>", removed: true }] });
  assert.match(text(el.querySelector(".sources")), /pets ?Image folder · 10 images · 2 classes ⋯ ?more ?Image folder · as more\/… ?Nothing lies at this path\./);
  button(el, "Bring back").click();
  assert.deepEqual(model.sent.at(-1), { do: "restore_source", source: "old" });
  all(el, ".sources .icon")[0]!.click();
  button(el, "Take out…").click();
  button(el, "Take out").click();
  assert.deepEqual(model.sent.at(-1), { do: "remove_source", source: "/here/pets" });
  button(el, "Find again…").click();
  const box = el.querySelector<HTMLInputElement>("#nbt-moved")!;
  box.value = "/there/more";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await drawn();
  press(box, "Enter");
  assert.deepEqual(model.sent.at(-1), { do: "check_source", source: "more", path: "/there/more" });
  model.put({ finding: { source: "more", path: "/there/more", text: "8 of 10 images are there; 2 missing.", ok: true, whole: false } });
  await drawn();
  button(el, "Use it all the same").click();
  assert.deepEqual(model.sent.at(-1), { do: "move_source", source: "more", path: "/there/more", partly: true });
  model.put({ finding: { source: "more", done: "Read from /there/more from now on." } });
  await drawn();
  assert.equal(el.querySelector("#nbt-moved"), null);
});

test("while images are listed the panel says so, and where that failed one can try again", async () => {
  const { el, model } = show(data, { ...DATA, reading: { text: "Reading the list of 10 images…" } });
  assert.match(text(el), /Reading the list of 10 images…/);
  model.put({ reading: { trouble: "there is no such path" } });
  await drawn();
  button(el, "Try again").click();
  assert.deepEqual(model.sent.at(-1), { do: "read" });
});

test("a class is renamed in place, and dropped after asking", async () => {
  const { el, model } = show(data, DATA);
  const menu = async (label: string): Promise<void> => { all(el, ".classes .icon")[0]!.click(); await drawn(); button(el, label).click(); await drawn(); };
  await menu("Rename…");
  const box = el.querySelector<HTMLInputElement>("input.rename")!;
  box.value = "kitten";
  box.dispatchEvent(new Event("blur"));
  assert.deepEqual(model.sent.at(-1), { do: "rename", name: "cat", to: "kitten" });
  await menu("Drop…");
  button(el, "Drop").click();
  assert.deepEqual(model.sent.at(-1), { do: "drop", name: "cat" });
});
