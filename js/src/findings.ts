// What is noticed in a run, as cards: the sentence, its reason, and a button that makes a copy with the fix.
import { html, nothing, type TemplateResult } from "lit-html";
import "./findings.css";
import type { Findings, Suggestion } from "./contracts";
import { type Panel, widget } from "./lib/panel";

const NOTES = { problem: "bad", warning: "warn", info: "" };

function prepare(panel: Panel<Findings>): () => TemplateResult {
  return () => html`${panel.get("findings").map((one) => card(panel, one))}
    ${panel.get("trouble") ? html`<div class="note bad small" role="alert">${panel.get("trouble")}</div>` : nothing}`;
}

function card(panel: Panel<Findings>, one: Suggestion): TemplateResult {
  return html`<div class="note small finding ${NOTES[one.level]}" role="note"><div class="row"><span class="grow"><b>${one.rule}</b> ${one.text}</span>
    ${one.doing ? html`<button type="button" title="Make a copy of this experiment with: ${one.doing}" @click=${() => panel.send("copy", { rule: one.rule })}>Copy with ${one.doing}</button>` : nothing}</div>
    <details><summary>Why</summary>${one.why} ${one.source}.</details></div>`;
}

export default widget<Findings>("findings", prepare);
