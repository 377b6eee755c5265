// Classes whose names look like one, each group with a button that makes them one.
import { html, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Alike } from "../contracts";

const SHOWN = 5;
const MORE_NAMES = 8;

/** The groups as notes; `merge` hears of the names that become `into`. */
export function alikePart(groups: Alike[], merge: (names: string[], into: string) => void): TemplateResult {
  const left = groups.length - SHOWN;
  const click = (event: Event, { names, into }: Alike): void => {
    merge(names, into);
    // The note goes with the merge: the focus must not fall on the button of the next, which the same key would press.
    const title = (event.currentTarget as HTMLElement).closest("section, .step")?.querySelector("h3");
    title?.setAttribute("tabindex", "-1");
    title?.focus({ preventScroll: true });
  };
  return html`${repeat(groups.slice(0, SHOWN), ({ names }) => names.join("\n"), (group) => html`<div class="note warn small alike"><p>${said(group)}</p>
      <button class="small" title="Undo takes it back" @click=${(event: Event) => click(event, group)}>Merge into “${group.into}”</button></div>`)}
    ${left > 0 ? html`<p class="mut small">${left} more groups of names look like one class.</p>` : ""}`;
}

function said({ names, how }: Alike): string {
  const more = names.length > MORE_NAMES ? ` and ${names.length - MORE_NAMES} more` : "";
  return `These ${names.length} names look like one class, and differ in ${how}: ${names.slice(0, MORE_NAMES).join(", ")}${more}.`;
}
