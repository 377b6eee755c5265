// The first step: what is to be learned from an image.
import { html, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Show } from "./view";

export function taskStep({ panel }: Show): TemplateResult {
  const name = `nbt-task-${panel.model.get("_model_name") ?? ""}`;
  return html`<h3>What should the model learn?</h3>
    <div class="tasks" role="radiogroup" aria-label="Task">${panel.get("tasks").map((one) => html`<label class="option ${one.kind === panel.get("task") ? "on" : ""}">
      <input type="radio" name=${name} value=${one.kind} .checked=${live(one.kind === panel.get("task"))} @change=${() => panel.send("task", { kind: one.kind })}>
      <span><b>${one.label}</b><span class="mut">${one.about}</span></span></label>`)}</div>`;
}
