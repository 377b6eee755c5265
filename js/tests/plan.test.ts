import { all, button, drawn, show, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import widget from "../src/form";

const PLAN: any = {
  state: "ready", text: "", fraction: null, trouble: "", actual: "", short: "22 s · 558 MB · 15 MB of disk", fits: "",
  rows: [["Time in all", "22 s", "start, epochs and the last save"]],
  table: [
    { batch: 16, speed: 500, steps: 62, memory: "540 MB", fits: true, measured: true, chosen: false },
    { batch: 32, speed: 900, steps: 31, memory: "558 MB", fits: true, measured: true, chosen: true },
    { batch: 256, speed: 1000, steps: 3, memory: "3 GB", fits: false, measured: false, chosen: false },
  ],
};
const STATE: any = {
  name: "Baseline", description: "", tags: [], known_tags: [], presets: [], preset: {}, autos: {}, outside: {}, compared: {}, sheet: {}, said: "",
  status: "created", editable: true, live: false, changed: {}, dirty: false, can_undo: false, can_redo: false, can_train: true, starting: false, reason: "", refused: {}, problems: [], hidden: [], catalog: {}, footer: {},
  sections: [], values: { "training.batch_size": 32 }, advice: [], band: {}, schedule: {}, cards: {}, resources: [], measured: {}, plan: PLAN,
};

async function opened(plan: any, more: any = {}): Promise<any> {
  const page = show(widget, { ...STATE, ...more, plan });
  const section = page.el.querySelector("[data-section='plan']") as any;
  section.open = true;
  section.dispatchEvent(new Event("toggle"));
  await drawn();
  return { ...page, section: page.el.querySelector("[data-section='plan']")! };
}

test("the plan says each number with how it was got, and a row of the table is one click away", async () => {
  const { section, model } = await opened(PLAN);
  assert.match(text(section), /22 s · 558 MB.*Time in all.*start, epochs and the last save/);
  assert.match(text(all(section, "tbody tr").at(-1)!), /256.*too much.*worked out/);
  assert.match(text(section.querySelector("tr.chosen")), /32.*set/);
  button(section, "Use").click();
  assert.deepEqual(model.sent, [{ do: "set", path: "training.batch_size", value: 16 }]);
});

test("measuring shows where it stands and can be cancelled; stale numbers say so", async () => {
  const first = await opened({ ...PLAN, state: "none", rows: [], table: [], short: "" });
  button(first.section, "Measure").click();
  button(first.section, "Compare batch sizes").click();
  assert.deepEqual(first.model.sent, [{ do: "plan", table: false }, { do: "plan", table: true }]);
  const busy = await opened({ ...PLAN, state: "measuring", text: "measuring batches of 64" });
  assert.match(text(busy.section), /measuring batches of 64/);
  button(busy.section, "Cancel").click();
  assert.deepEqual(busy.model.sent, [{ do: "cancel_plan" }]);
  const waiting = await opened({ ...PLAN, state: "measuring", text: "waits for cpu, in use by a run", waits: true });
  button(waiting.section, "Measure now").click();
  assert.deepEqual(waiting.model.sent, [{ do: "plan_now" }]);
  const stale = await opened({ ...PLAN, state: "stale" });
  assert.match(text(stale.section), /settings have changed.*Measure again/);
  const over = await opened({ ...PLAN, actual: "took 30 s, foretold 22 s" }, { editable: false, status: "completed" });
  assert.match(text(over.section), /took 30 s/);
  assert.equal(all(over.section, "button").length, 0);
});
