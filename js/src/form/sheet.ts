// A text to take away (script, JSON, YAML) or to bring in: copied, downloaded, pasted or read from a file. Where the
// browser gives no clipboard, the text stands there selected.
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { newline } from "../lib/newline";
import type { FormView } from "./view";

const TITLES: Record<string, string> = { python: "Python script", json: "Configuration as JSON", yaml: "Configuration as YAML" };
const TYPES: Record<string, string> = { python: "text/x-python", json: "application/json", yaml: "application/yaml" };
const copied = new WeakMap<FormView, string>();

/** Opens the text in the view that asked for it; returns how a view says that it asks. */
export function watchSheet(form: FormView): (style: string) => void {
  let wanted = "";
  form.panel.on("change:sheet", () => {
    const { style = "" } = form.panel.get("sheet");
    if (style === "imported" && form.sheet === "import") { form.sheet = ""; form.typing.delete("@import"); form.panel.redraw(); }
    if (style !== wanted) return;
    wanted = "";
    form.sheet = "text";
    copied.set(form, "");
    form.panel.draw();
    if (style === "python") void copy(form);
  });
  return (style) => { wanted = style; };
}

/** The text that was asked for. */
export function textSheet(form: FormView): TemplateResult {
  const { style = "", name = "", text = "" } = form.panel.get("sheet");
  return html`<div class="box sheet" role="group" aria-label=${TITLES[style] ?? ""}>${head(form, TITLES[style] ?? "")}
    <textarea readonly rows="12" spellcheck="false" aria-label="Text" .value=${text}></textarea>
    <div class="row actions"><button type="button" @click=${() => void copy(form)}>Copy</button>
      <button type="button" @click=${() => download(name, text, TYPES[style] ?? "text/plain")}>Download ${name}</button>
      <span class="small mut" role="status">${copied.get(form) ?? ""}</span></div></div>`;
}

/** Where a configuration is pasted, or a file is chosen. */
export function importSheet(form: FormView): TemplateResult {
  const { panel } = form;
  const text = form.typing.get("@import") ?? "";
  const read = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    const found = await file.text();
    form.typing.set("@import", found);
    panel.send("import", { text: found, name: file.name });
    panel.redraw();
  };
  return html`<div class="box sheet" role="group" aria-label="Import a configuration">${head(form, "Import a configuration")}
    <p class="small mut">Paste JSON or YAML, or choose a file. What it does not name stays as it is.</p>
    <textarea rows="8" spellcheck="false" aria-label="Configuration as JSON or YAML" placeholder="optimizer:&#10;  kind: sgd&#10;  lr: 0.01" .value=${live(text)} @keydown=${newline}
      @input=${(e: Event) => { form.typing.set("@import", (e.target as HTMLTextAreaElement).value); panel.redraw(); }}></textarea>
    ${panel.get("trouble") ? html`<div class="note bad small told" role="alert">${panel.get("trouble")}</div>` : nothing}
    <div class="row actions"><button type="button" class="primary" ?disabled=${!text.trim()} @click=${() => panel.send("import", { text })}>Import</button>
      <label class="file">Choose a file…<input type="file" class="hidden-text" accept=".json,.yaml,.yml" @change=${read}></label></div></div>`;
}

function head(form: FormView, title: string): TemplateResult {
  const close = (): void => { form.sheet = ""; form.panel.send("dismiss"); form.panel.redraw(); };
  return html`<div class="row"><b class="grow">${title}</b><button type="button" class="icon" aria-label="Close" @click=${close}>✕</button></div>`;
}

async function copy(form: FormView): Promise<void> {
  const text = form.panel.get("sheet").text ?? "";
  try {
    await navigator.clipboard.writeText(text);
    copied.set(form, "Copied.");
  } catch { // no clipboard without https, in some hosts, or without permission
    form.panel.el.querySelector<HTMLTextAreaElement>(".sheet textarea")?.select();
    copied.set(form, "Selected: press Ctrl+C.");
  }
  form.panel.redraw();
}

function download(name: string, text: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
