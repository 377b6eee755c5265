// What the steps of the guide share in one view: the panel, what is only the page's, and a few drawings.
import { html, nothing, type TemplateResult } from "lit-html";
import type { GuidePanel, Lacking } from "../contracts";
import type { FormView } from "../form/view";
import type { Panel } from "../lib/panel";

export interface Local { path: string; root?: string; adding: boolean; renaming: string; most: number; discarding: boolean }

export interface Show {
  panel: Panel<GuidePanel>;
  local: Local;
  change(part: Partial<Local>): void;
  form: FormView;
  go(step: string): void;
}

/** What a step lacks, each with what to do. */
export const lacking = (list: Lacking[]): TemplateResult | typeof nothing =>
  list.length ? html`${list.map((one) => html`<div class="note warn" role="note">${one.message} ${one.advice}</div>`)}` : nothing;

export const missingOf = (panel: Panel<GuidePanel>, key: string): Lacking[] => panel.get("steps").find((step) => step.key === key)?.missing ?? [];

/** A box for a name: kept on Enter or when it is left, dropped on Escape. */
export function nameBox(id: string, value: string, label: string, keep: (text: string) => void): TemplateResult {
  const keys = (event: KeyboardEvent): void => {
    const box = event.target as HTMLInputElement;
    if (event.key === "Escape") { box.value = value; event.stopPropagation(); event.preventDefault(); box.blur(); }
    if (event.key === "Enter") { event.stopPropagation(); box.blur(); }
  };
  return html`<input id=${id} aria-label=${label} autocomplete="off" spellcheck="false" maxlength="500" .value=${value} @keydown=${keys}
    @change=${(e: Event) => { const text = (e.target as HTMLInputElement).value.trim(); if (text !== value) keep(text); }}>`;
}
