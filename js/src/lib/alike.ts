// Classes whose names look like one, each group with a button that makes them one.
import { html, type TemplateResult } from "lit-html";
import type { Alike } from "../contracts";

const SHOWN = 5;
const MORE_NAMES = 8;

/** The groups as notes; `merge` hears of the names that become `into`. */
export function alikePart(groups: Alike[], merge: (names: string[], into: string) => void): TemplateResult {
  const left = groups.length - SHOWN;
  return html`${groups.slice(0, SHOWN).map((group) => html`<div class="note warn small alike">${said(group)}
      <button class="plain small" title="Undo takes it back" @click=${() => merge(group.names, group.into)}>Merge into “${group.into}”</button></div>`)}
    ${left > 0 ? html`<p class="mut small">${left} more groups of names look like one class.</p>` : ""}`;
}

function said({ names, how }: Alike): string {
  const more = names.length > MORE_NAMES ? ` and ${names.length - MORE_NAMES} more` : "";
  return `These ${names.length} names look like one class, and differ in ${how}: ${names.slice(0, MORE_NAMES).join(", ")}${more}.`;
}
