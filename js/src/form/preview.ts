// The images as the model gets them, below the lists of transforms. It says to Python whether anybody looks, and what
// to show; which numbers the pictures stand for is Python's to say.
import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import "./preview.css";
import type { Picture, Preview } from "../contracts";
import { grouped } from "../lib/format";
import type { FormView } from "./view";

const SHOWN = 8;
const LOOK_MS = 10_000;
const SIDES = "preview.sides";
type Sides = "after" | "before" | "both";

/** What one view of the form knows of its pictures: whether they are on screen, and the addresses of their bytes. */
class Looker {
  sides: Sides = "after";
  private readonly id = `${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  private readonly urls = new Map<DataView, string>();
  private seen = false;
  private told = false;
  private observer: IntersectionObserver | undefined;

  constructor(private readonly form: FormView) {
    const { panel } = form;
    panel.on("change:pictures", () => this.forget());
    panel.listen(document, "visibilitychange", () => this.tell());
    panel.every(LOOK_MS, () => { if (this.looks) panel.send("look", { view: this.id, on: true }); });
    panel.signal.addEventListener("abort", () => { this.seen = false; this.tell(); this.forget(true); });
  }

  /** Called by lit with the figure when it comes, and with nothing when it goes. */
  readonly attach = (figure?: Element): void => {
    this.observer?.disconnect();
    this.seen = false;
    if (figure && typeof IntersectionObserver === "undefined") this.seen = true;
    else if (figure) {
      this.observer = new IntersectionObserver((entries) => { this.seen = entries.some((one) => one.isIntersecting); this.tell(); });
      this.observer.observe(figure);
    }
    this.tell();
  };

  private get looks(): boolean {
    return this.seen && document.visibilityState !== "hidden";
  }

  private tell(): void {
    if (this.looks === this.told) return;
    this.told = this.looks;
    this.form.panel.send("look", { view: this.id, on: this.looks });
  }

  /** An address for the bytes of a picture, as long as it is shown. */
  url(bytes: DataView): string {
    let found = this.urls.get(bytes);
    if (!found) {
      const type = bytes.getUint8(0) === 0x89 ? "image/png" : "image/jpeg";
      found = URL.createObjectURL(new Blob([bytes as DataView<ArrayBuffer>], { type }));
      this.urls.set(bytes, found);
    }
    return found;
  }

  private forget(all = false): void {
    const shown = new Set(all ? [] : this.form.panel.get("pictures").flatMap((one) => [one.before, one.after]));
    for (const [bytes, url] of this.urls) {
      if (shown.has(bytes)) continue;
      this.urls.delete(bytes);
      setTimeout(() => URL.revokeObjectURL(url), 1000); // the old picture stands until the new one is decoded
    }
  }
}

const lookers = new WeakMap<FormView, Looker>();

/** Controls, pictures and what is told of them. */
export function preview(form: FormView): TemplateResult {
  const looker = lookers.get(form) ?? new Looker(form);
  lookers.set(form, looker);
  const now = { part: "train", first: 0, epoch: 0, raw: false, one: -1, ...form.panel.get("preview") } as Preview;
  return html`<figure class="preview" aria-label="Preview of the images" aria-busy=${now.busy ? "true" : "false"} ${ref(looker.attach)}>
    <figcaption class="row"><b class="grow">What the model gets</b>${switcher("Images", [["train", "Training"], ["val", "Validation"]], now.part, (part) => show(form, { part }))}</figcaption>
    <div class="row tools small">${places(form, now)}${epochs(form, now)}
      ${switcher("Before and after", [["before", "Before"], ["after", "After"], ["both", "Both"]], looker.sides, (sides) => { looker.sides = sides as Sides; form.setOpen(SIDES, !form.isOpen(SIDES)); })}
      ${switcher("Colours", [["", "Colours"], ["raw", "Numbers"]], now.raw ? "raw" : "", (how) => show(form, { raw: how === "raw" }), "Colours: the normalisation taken back. Numbers: as the model gets them, −3 black to 3 white.")}</div>
    ${problem(form, now)}${grid(form, looker, now)}
    <div class="small mut num facts" aria-live="polite">${now.starting ? "Starting the preview…" : facts(now)}</div></figure>`;
}

const show = (form: FormView, where: Record<string, unknown>): void => form.panel.send("picture", where);

function switcher(label: string, options: [string, string][], value: string, pick: (value: string) => void, title = ""): TemplateResult {
  return html`<span class="switch" role="radiogroup" aria-label=${label} title=${title}>${options.map(([key, word]) => html`<button type="button" role="radio" aria-checked=${key === value ? "true" : "false"}
    @click=${() => pick(key)}>${word}</button>`)}</span>`;
}

function places(form: FormView, now: Preview): TemplateResult {
  if (now.one >= 0) return html`<span class="pager"><button type="button" class="link" @click=${() => show(form, { one: -1 })}>← All images</button></span>`;
  const count = now.count ?? 0;
  const last = Math.min(now.first + SHOWN, count);
  return pager("images", count ? `${grouped(now.first + 1)}–${grouped(last)} of ${grouped(count)}` : "images",
    now.first > 0 ? () => show(form, { first: Math.max(0, now.first - SHOWN) }) : undefined, last < count ? () => show(form, { first: now.first + SHOWN }) : undefined);
}

function epochs(form: FormView, now: Preview): TemplateResult | typeof nothing {
  if (now.part !== "train") return html`<span class="pager dim">alike in every epoch</span>`;
  const total = Number(form.panel.get("values")["training.epochs"]) || Infinity;
  const step = now.one >= 0 ? SHOWN : 1;
  const text = now.one >= 0 ? `epochs ${now.epoch + 1}–${now.epoch + SHOWN}` : `epoch ${now.epoch + 1}`;
  return pager("epoch", text, now.epoch > 0 ? () => show(form, { epoch: Math.max(0, now.epoch - step) }) : undefined,
    now.epoch + step < total ? () => show(form, { epoch: now.epoch + step }) : undefined);
}

function pager(what: string, text: string, back?: () => void, on?: () => void): TemplateResult {
  return html`<span class="pager ${what}"><button type="button" class="icon" aria-label="Previous ${what}" ?disabled=${!back} @click=${back}>‹</button><span class="num">${text}</span><button
    type="button" class="icon" aria-label="Next ${what}" ?disabled=${!on} @click=${on}>›</button></span>`;
}

function problem(form: FormView, now: Preview): TemplateResult | typeof nothing {
  if (!now.problem) return nothing;
  return html`<div class="note small" role="alert"><span class="told">${sentence(now.problem)} ${now.advice ?? ""}</span>
    <button type="button" class="link" @click=${() => form.panel.send("again")}>Try again</button></div>`;
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`;

function grid(form: FormView, looker: Looker, now: Preview): TemplateResult {
  const pictures = form.panel.get("pictures");
  const drawn = pictures.slice(0, now.one >= 0 ? SHOWN : Math.max(1, Math.min(SHOWN, (now.count ?? SHOWN) - now.first)));
  if (!drawn.length) return html`<div class="grid">${Array.from({ length: SHOWN }, () => html`<div class="tile"><span class="picture blank"></span><span class="cut small">&nbsp;</span></div>`)}</div>`;
  return html`<div class="grid ${looker.sides} ${now.problem ? "stale" : ""}">${drawn.map((one) => tile(form, looker, now, one))}</div>`;
}

function tile(form: FormView, looker: Looker, now: Preview, one: Picture): TemplateResult {
  const word = now.one >= 0 ? `epoch ${one.epoch + 1}` : one.label;
  if (!one.before || !one.after) return html`<div class="tile broken" title=${one.file}><span class="picture"><span class="small">${one.error}</span></span><span class="cut small">${one.file.split("/").at(-1)}</span></div>`;
  const sides = looker.sides === "both" ? [one.before, one.after] : [looker.sides === "before" ? one.before : one.after];
  const names = looker.sides === "both" ? ["before", "after"] : [looker.sides];
  const into = now.one >= 0 || now.part !== "train" ? undefined : () => show(form, { one: one.position });
  return html`<div class="tile"><button type="button" class="picture ${names.length > 1 ? "two" : ""}" ?disabled=${!into} @click=${into} aria-label="${one.label}, ${one.file}${into ? ": show in eight epochs" : ""}"
    title="${one.file} · ${one.width} × ${one.height} px · ${one.label}${one.partner ? `\nMixed with ${one.partner}` : ""}${one.note ? `\n${one.note}` : ""}${into ? "\nClick: this image in eight epochs" : ""}">${sides.map((bytes, side) =>
      html`<img src=${looker.url(bytes)} alt="${names[side]}" draggable="false">`)}</button><span class="cut small ${one.note ? "dim" : "mut"}">${word}</span></div>`;
}

function facts(now: Preview): string {
  const found = now.facts ?? {};
  if (!found.size) return "\u00a0";
  const [, height, width] = found.size;
  const numbers = `numbers ${found.lowest} … ${found.highest}, mean ${found.centre}, deviation ${found.spread}`;
  const how = now.raw ? "shown as numbers, −3 black to 3 white" : "shown with the normalisation taken back";
  return [`${width} × ${height} px`, numbers, how, found.mixed ? "mixed as in the step that meets them" : ""].filter(Boolean).join(" · ").replaceAll("-", "−");
}
