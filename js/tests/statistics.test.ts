import { all, button, drawn, press, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import statistics from "../src/statistics";

const chart = (key: string, more = {}): any => ({ key, title: key, kind: "bins", about: "", unit: "", said: "", total: 2, columns: ["from", "to", "images"], names: ["0 to 0.5", "0.5 to 1"],
  rows: [{ row: 0, from: 0, to: 0.5, images: 3 }, { row: 1, from: 0.5, to: 1, images: 1 }], largest: 3, ...more });
const CLASSES = chart("classes", { kind: "names", total: 40, columns: ["name", "images", "share", "train", "val"], names: ["<b>cat</b>", "dog"], largest: 6,
  rows: [{ row: 1, name: "<b>cat</b>", images: 6, share: 0.6, train: 5, val: 1 }, { row: 0, name: "dog", images: 4, share: 0.4, train: 3, val: 1 }] });
const open = (charts: any[], more = {}): ReturnType<typeof show> => show(statistics, { view: "statistics", text: "10 images", busy: false, failed: "", charts, scan: { state: "done" }, ...more });

test("closed, it is the switch alone; without a data set it is nothing", async () => {
  const { el, model } = open([], { view: "images" });
  button(el, "Statistics").click();
  assert.deepEqual(model.sent.at(-1), { do: "view", view: "statistics" });
  model.put({ text: "" });
  await drawn();
  assert.equal(text(el), "");
});

test("bars are one stop of Tab, arrows go between them, and a click shows the images", () => {
  const { el, model } = open([chart("brightness")]);
  const bars = all(el, ".upright button");
  assert.deepEqual(bars.map((bar) => bar.getAttribute("aria-label")), ["0 to 0.5: 3 images", "0.5 to 1: 1 image"]);
  press(bars[0]!, "ArrowRight");
  assert.deepEqual(bars.map((bar) => bar.tabIndex), [-1, 0]);
  bars[1]!.click();
  assert.deepEqual(model.sent.at(-1), { do: "show", chart: "brightness", row: 1, part: "" });
});

test("classes show their sets, a part of a bar shows that set, and more can be asked for", () => {
  const { el, model } = open([CLASSES]);
  assert.deepEqual(all(el, ".lying .name").map(text), ["<b>cat</b>", "dog"]);
  assert.match(text(el.querySelector(".legend")), /train ?val/);
  (el.querySelectorAll(".track i.val")[0] as HTMLElement).click();
  assert.deepEqual(model.sent.at(-1), { do: "show", chart: "classes", row: 1, part: "val" });
  button(el, "Show more").click();
  assert.deepEqual(model.sent.at(-1), { do: "more", chart: "classes" });
});

test("every chart is a table, and is copied", async () => {
  const { el, model } = open([CLASSES, chart("weights", { kind: "names", columns: ["name", "train", "auto"], names: ["dog"], rows: [{ row: 0, name: "dog", train: 4, auto: 1.5 }] })]);
  assert.match(text(el.querySelector(".weights .lying")), /dog ?1\.50/);
  button(el, "Table").click();
  await drawn();
  assert.deepEqual(all(el, ".classes thead th").map(text), ["Name", "Images", "Share", "train", "val"]);
  assert.match(text(el.querySelector(".classes tbody tr")), /<b>cat<\/b> ?6 ?60\.0.% ?5 ?1/);
  (el.querySelector(".classes .icon") as HTMLElement).click();
  button(el, "Copy as CSV").click();
  assert.deepEqual(model.sent.at(-1), { do: "copy", chart: "classes", form: "csv" });
  model.fire("msg:custom", { copied: { chart: "classes", text: "name,images" } });
  await drawn();
  assert.match(text(el.querySelector(".classes .foot")), /Copied\.|Ctrl\+C/);
});

test("sizes are squares, also where all are alike; before a scan it says what one would add", () => {
  const square = { kind: "grid", columns: ["width_from", "width_to", "height_from", "height_to", "images"], names: ["8 × 8 px"], rows: [{ row: 0, width_from: 8, width_to: 8, height_from: 8, height_to: 8, images: 10 }] };
  const { el, model } = open([chart("sizes", square)], { scan: { state: "none" } });
  assert.match(el.querySelector(".plane button")!.getAttribute("style")!, /left:46%;width:8%/);
  assert.match(text(el.querySelector(".offer")), /adds sizes in pixels/);
  button(el, "Scan all images").click();
  assert.deepEqual(model.sent.at(-1), { do: "scan" });
});
