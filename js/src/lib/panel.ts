// What every widget of nbtrain shares: one root element per view, one draw function of the synced state, redrawn at
// most once per frame. It knows anywidget; it does not know any panel. Text from users only ever enters as text.
import { html, nothing, render, type TemplateResult } from "lit-html";
import "../theme.css";

/** The part of anywidget's model that panels use. */
export interface Model {
  get(name: string): any;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, handler: (...args: any[]) => void): void;
  off(event?: string | null, handler?: ((...args: any[]) => void) | null): void;
  send(content: unknown): void;
  widget_manager?: any;
}

/** How often a view that is seen says so again: one that goes without a word shall not be drawn for any longer. */
const AGAIN_MS = 20_000;

/** One view of one widget: its state, its voice to Python and its next redraw. */
export class Panel<State extends object> {
  /** This view's own id: each view of a widget speaks for itself. */
  readonly view = crypto.getRandomValues(new Uint32Array(2)).join("-");
  /** Whether a person can see this view: its page is not hidden, and it is not in a stage or output that is folded. */
  seen = document.visibilityState !== "hidden";
  private folded = false;
  private due = false;
  private drawing: () => TemplateResult = () => { throw new Error("not ready"); };

  constructor(readonly model: Model, readonly el: HTMLElement, readonly signal: AbortSignal) {}

  /** The synced value called `name`. */
  get<Name extends keyof State & string>(name: Name): State[Name] {
    return this.model.get(name) as State[Name];
  }

  /** Asks Python to do `what`, to that which is shown now; the answer is a changed state. */
  send(what: string, content: Record<string, unknown> = {}): void {
    const of = this.model.get("of") as string | undefined;
    this.model.send({ do: what, ...content, ...(of ? { of } : {}) });
  }

  /** Tells Python a value that the browser owns. */
  tell<Name extends keyof State & string>(name: Name, value: State[Name]): void {
    if (this.model.get(name) === value) return;
    this.model.set(name, value);
    this.model.save_changes();
  }

  /** Marks the view as a whole, for a style that its neighbours need too. */
  mark(name: string, on: boolean): void {
    this.el.classList.toggle(name, on);
  }

  /** Draws again with the next frame. */
  redraw = (): void => {
    if (this.due || this.signal.aborted) return;
    this.due = true;
    const once = (): void => {
      if (!this.due) return;
      this.due = false;
      if (!this.signal.aborted) this.draw();
    };
    requestAnimationFrame(once);
    setTimeout(once, 120); // a hidden page has no frames
  };

  /** Draws now; what keeps it from that stands in its place. */
  draw(): void {
    try {
      const broken = this.model.get("broken") as string | undefined;
      render(html`${broken ? note(broken) : nothing}${this.drawing()}`, this.el);
    } catch (error) {
      render(note(`This panel could not be drawn: ${String(error)}. Reload the page.`), this.el);
      globalThis.reportError?.(error); // into the page's log, as if nobody had caught it
    }
  }

  start(drawing: () => TemplateResult): void {
    this.drawing = drawing;
    this.on("change", this.redraw);
    this.draw();
    this.watch();
  }

  /** Says to Python whether this view is seen; `ask` wants to hear at once that the kernel is there. */
  say(more: { ask?: true; gone?: true } = {}): void {
    try {
      this.model.send({ view: this.view, seen: this.seen, ...more });
    } catch { /* the kernel is gone, and the page says so: see heart.ts */ }
  }

  /** Calls `handler` whenever the view comes to be seen, or is hidden. */
  onSight(handler: () => void): void {
    this.listen(this.el, "nbt-sight", handler);
  }

  private watch(): void {
    const look = (): void => {
      const now = document.visibilityState !== "hidden" && !this.folded;
      if (now === this.seen) return;
      this.seen = now;
      this.say();
      this.el.dispatchEvent(new Event("nbt-sight"));
    };
    this.listen(document, "visibilitychange", look);
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(() => {
        this.folded = this.el.isConnected && this.el.getClientRects().length === 0;
        look();
      });
      observer.observe(this.el);
      this.signal.addEventListener("abort", () => observer.disconnect());
    }
    this.say();
    this.every(AGAIN_MS, () => { if (this.seen) this.say(); });
    this.signal.addEventListener("abort", () => { this.seen = false; this.say({ gone: true }); });
  }

  /** Listens to the model until the view goes. */
  on(event: string, handler: (...args: any[]) => void): void {
    this.model.on(event, handler);
    this.signal.addEventListener("abort", () => this.model.off(event, handler));
  }

  /** Listens to a page target until the view goes. */
  listen(target: EventTarget, event: string, handler: (event: any) => void): void {
    target.addEventListener(event, handler, { signal: this.signal });
  }

  /** Calls `action` every `ms` until the view goes. */
  every(ms: number, action: () => void): void {
    const timer = setInterval(action, ms);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }
}

const note = (text: string): TemplateResult => html`<div class="note bad small broken" role="alert">${text}</div>`;

interface RenderProps { model: Model; el: HTMLElement; signal?: AbortSignal }

/** Makes anywidget's default export from a function that prepares one view and returns its draw function. */
export function widget<State extends object>(
  name: string,
  prepare: (panel: Panel<State>) => () => TemplateResult,
  initialize?: (props: { model: Model }) => void,
) {
  return {
    initialize(props: { model: Model }): void { initialize?.(props); },
    render({ model, el, signal }: RenderProps): () => void {
      const gone = new AbortController();
      signal?.addEventListener("abort", () => gone.abort());
      el.classList.add("nbt", `nbt-${name}`);
      el.dataset.lmSuppressShortcuts = "true"; // Lab's single-key commands ("d d") must not act on a card
      const panel = new Panel<State>(model, el, gone.signal);
      panel.start(prepare(panel));
      return () => gone.abort();
    },
  };
}
