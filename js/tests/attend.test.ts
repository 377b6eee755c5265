import { FakeModel, all, drawn, text } from "./stage";
import assert from "node:assert/strict";
import { test } from "node:test";
import evaluation from "../src/evaluation";
import gallery from "../src/gallery";

const GALLERY = {
  trouble: "", broken: "", of: "", total: 3, count: 3, version: 1, query: { label: "", part: "", problem: "", words: "" }, choices: { labels: [], parts: [], problems: [] },
  title: "", can_widen: false, editable: true, undo: "", redo: "", opened: {},
};
const EVALUATION = {
  trouble: "", broken: "", of: "a", experiment_facts: { name: "A", status: "completed", reason: "" }, offered: { parts: [], checkpoints: [] }, listed: [{ number: 1, title: "val" }], number: 1, job: {},
  outdated: "", notices: [], multilabel: false, metrics: [], confusion: { classes: ["a", "b"], counts: [[3, 1], [0, 4]], most: [] }, per_class: { columns: [], rows: [] },
  curve: {}, reliability: [], slices: {}, said: "",
};

/** Two panels side by side in a stage, and a gallery in a stage of its own. */
function page(): { click: HTMLElement; own: FakeModel; foreign: FakeModel; el: HTMLElement; other: HTMLElement } {
  const stages = [0, 1].map(() => Object.assign(document.createElement("div"), { className: "nbt-stage" }));
  const place = (stage: HTMLElement, widget: any, state: Record<string, any>): [FakeModel, HTMLElement] => {
    const [model, el] = [new FakeModel({ ...state }), document.createElement("div")];
    stage.append(el);
    widget.render({ model, el });
    return [model, el];
  };
  document.body.replaceChildren(...stages);
  const [, made] = place(stages[0]!, evaluation, EVALUATION);
  const [own, el] = place(stages[0]!, gallery, GALLERY);
  const [foreign, other] = place(stages[1]!, gallery, GALLERY);
  for (const one of [el, other]) one.getClientRects = () => [1] as any;
  return { click: made.querySelector<HTMLElement>(".matrix button.wrong:not(.none)")!, own, foreign, el, other };
}

test("a click whose images are shown below brings them into sight, in its own stage alone, and back", async () => {
  const { click, own, foreign, el, other } = page();
  own.put({ version: 2 }); // an edit, or another page's click: nothing moves for it
  await drawn();
  assert.notEqual(document.activeElement, el.querySelector(".view"));
  click.focus();
  click.click();
  foreign.put({ version: 2 });
  own.put({ version: 3, title: "a taken for b" });
  await drawn();
  assert.equal(document.activeElement, el.querySelector(".view"));
  assert.equal(all(other, ".title-row").length, 0);
  const back = all(el, "button").find((one) => text(one) === "↑ Back")!;
  back.click();
  await drawn();
  assert.equal(document.activeElement, click);
  assert.equal(all(el, "button").some((one) => text(one) === "↑ Back"), false);
});
