// What the parts of the form share in one view: the panel, the texts being typed, and how an edit leaves the page.
import type { Form, FormField, Trouble } from "../contracts";
import type { Panel } from "../lib/panel";

const PAUSE_MS = 250;
/** What the curve of the learning rate hangs on: it is drawn while one still types. */
const PREVIEWED = /^(scheduler\.|optimizer\.(lr|momentum)$|training\.(epochs|batch_size|batch_multiplier)$)/;

/** The form of one view. Texts being typed live here; everything else is synced state. */
export class FormView {
  readonly typing = new Map<string, string>();
  readonly open = new Map<string, boolean>();
  /** Fields of a run that trains whose text waits to be confirmed: a half-typed number must not reach the trainer. */
  private readonly unconfirmed = new Set<string>();
  /** What is open above the fields: a text to copy or to import, or the compared settings. */
  sheet: "" | "text" | "import" | "compare" = "";
  private readonly timers = new Map<string, { timer: ReturnType<typeof setTimeout>; value: unknown }>();
  private readonly id = crypto.getRandomValues(new Uint32Array(1))[0];
  private stretch = 0;

  constructor(readonly panel: Panel<Form>) {}

  /** The field's value, as Python holds it. */
  value(path: string): any {
    return this.panel.get("values")[path];
  }

  get editable(): boolean {
    return this.panel.get("editable");
  }

  /** Whether the field can be edited: before the run all of them, while it trains those that may change live. */
  can(field: FormField): boolean {
    return this.editable || (this.panel.get("live") && field.live === true);
  }

  /** What is said beside a field of a run: that its text waits for Enter, or what it was changed from and when. */
  changed(path: string): string {
    if (this.unconfirmed.has(path)) return "Enter applies it, Escape drops it.";
    return this.panel.get("changed")[path] ?? "";
  }

  /**
   * Sends an edit after a short pause in typing; those of one stretch of typing or dragging are one to undo. To a run
   * that trains nothing is sent before it is confirmed.
   */
  later(path: string, value: unknown): void {
    this.forget(path);
    if (!this.editable) {
      this.unconfirmed.add(path);
      return this.panel.redraw();
    }
    const timer = setTimeout(() => { this.timers.delete(path); this.part(path, value); }, PAUSE_MS);
    this.timers.set(path, { timer, value });
    if (PREVIEWED.test(path)) this.panel.send("preview", { path, value });
  }

  /** Sends an edit now. */
  now(path: string, value: unknown): void {
    this.forget(path);
    this.panel.send("set", { path, value });
  }

  /** Sends the last edit of a stretch now. */
  last(path: string, value: unknown): void {
    this.forget(path);
    this.part(path, value);
    this.stretch += 1;
  }

  private part(path: string, value: unknown): void {
    this.panel.send("set", { path, value, join: `${this.id}-${this.stretch}-${path}` });
  }

  /** Drops a text that waits to be confirmed: the field shows the run's value again. */
  drop(path: string): void {
    if (!this.unconfirmed.delete(path)) return;
    this.typing.delete(path);
    this.panel.redraw();
  }

  private forget(path: string): void {
    clearTimeout(this.timers.get(path)?.timer);
    this.timers.delete(path);
    this.unconfirmed.delete(path);
  }

  /** Ends typing in a field: what was typed is sent, what Python makes of it is shown. */
  end(path: string, read: (text: string) => unknown): void {
    const text = this.typing.get(path);
    if (text === undefined) return;
    if (this.timers.has(path) || this.unconfirmed.has(path)) this.part(path, read(text));
    this.forget(path);
    this.stretch += 1;
    this.typing.delete(path);
    this.panel.redraw();
  }

  /** Sends what waits for a pause in typing: the page may be about to go. */
  flush(): void {
    for (const [path, { value }] of [...this.timers]) this.last(path, value);
  }

  /** Undo or redo; what is still being typed is sent first, so that it is what undo takes back. */
  step(what: "undo" | "redo"): void {
    this.flush();
    for (const path of [...this.typing.keys()]) if (!path.startsWith("@")) this.typing.delete(path);
    this.stretch += 1;
    if (what === "undo") this.panel.send("undo");
    else this.panel.send("redo");
    this.panel.redraw();
  }

  /** Whether a fold is open; sections start as `first` says. */
  isOpen(key: string, first = false): boolean {
    return this.open.get(key) ?? first;
  }

  setOpen(key: string, open: boolean): void {
    if (this.open.get(key) === open) return;
    this.open.set(key, open);
    this.panel.redraw();
  }

  /** What keeps the configuration from being used: refused texts, and what the rules say of the other fields. */
  attention(): Trouble[] {
    const refused = this.panel.get("refused");
    return [...Object.entries(refused).map(([path, one]) => ({ path, ...one })), ...this.panel.get("problems").filter((one) => !(one.path in refused))];
  }

  /** The message under a field: of the refused text, or of the rules across fields. */
  message(path: string): string {
    const refused = this.panel.get("refused")[path];
    const problem = refused ?? this.panel.get("problems").find((one) => one.path === path);
    return problem ? `${problem.message} ${problem.advice}`.trim() : "";
  }
}

/** Reads a number field's text: numbers stay texts, because Python decides what a number is. */
export const readText = (field: FormField) => (text: string): unknown =>
  field.type === "numbers" ? text.split(/[,;\s]+/).filter(Boolean) : text.trim();
