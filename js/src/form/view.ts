// What the parts of the form share in one view: the panel, the texts being typed, and how an edit leaves the page.
import type { Form, FormField } from "../contracts";
import type { Panel } from "../lib/panel";

const PAUSE_MS = 250;

/** The form of one view. Texts being typed live here; everything else is synced state. */
export class FormView {
  readonly typing = new Map<string, string>();
  readonly open = new Map<string, boolean>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(readonly panel: Panel<Form>) {}

  /** The field's value, as Python holds it. */
  value(path: string): any {
    return this.panel.get("values")[path];
  }

  get editable(): boolean {
    return this.panel.get("editable");
  }

  /** Sends an edit after a short pause in typing. */
  later(path: string, value: unknown): void {
    clearTimeout(this.timers.get(path));
    this.timers.set(path, setTimeout(() => this.now(path, value), PAUSE_MS));
  }

  /** Sends an edit now. */
  now(path: string, value: unknown): void {
    clearTimeout(this.timers.get(path));
    this.timers.delete(path);
    this.panel.send("set", { path, value });
  }

  /** Ends typing in a field: what was typed is sent, what Python makes of it is shown. */
  end(path: string, read: (text: string) => unknown): void {
    const text = this.typing.get(path);
    if (text === undefined) return;
    if (this.timers.has(path)) this.now(path, read(text));
    this.typing.delete(path);
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
