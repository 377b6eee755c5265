// What every widget of nbtrain shares: one root element per view, one draw function of the synced state, redrawn at
// most once per frame. It knows anywidget; it does not know any panel. Text from users only ever enters as text.
import { render, type TemplateResult } from "lit-html";
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

/** One view of one widget: its state, its voice to Python and its next redraw. */
export class Panel<State extends object> {
  private due = false;
  private drawing: () => TemplateResult = () => { throw new Error("not ready"); };

  constructor(readonly model: Model, readonly el: HTMLElement, readonly signal: AbortSignal) {}

  /** The synced value called `name`. */
  get<Name extends keyof State & string>(name: Name): State[Name] {
    return this.model.get(name) as State[Name];
  }

  /** Asks Python to do `what`; the answer is a changed state. */
  send(what: string, content: Record<string, unknown> = {}): void {
    this.model.send({ do: what, ...content });
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

  /** Draws now. */
  draw(): void {
    render(this.drawing(), this.el);
  }

  start(drawing: () => TemplateResult): void {
    this.drawing = drawing;
    this.on("change", this.redraw);
    this.draw();
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

/** Tells Python whether anybody can see this view, so that nothing is sent to a hidden page. */
export function reportVisibility(panel: Panel<{ visible: boolean }>): void {
  let folded = false; // in a stage that is not open, or in a cell that the host has taken off the page
  const report = (): void => panel.tell("visible", document.visibilityState !== "hidden" && !folded);
  const resized = (): void => {
    const now = panel.el.isConnected && panel.el.getClientRects().length === 0;
    if (now !== folded) { folded = now; report(); }
  };
  panel.listen(document, "visibilitychange", report);
  panel.on("change:visible", () => { if (document.visibilityState !== "hidden" && !folded) report(); });
  if (typeof ResizeObserver !== "undefined") {
    const observer = new ResizeObserver(resized);
    observer.observe(panel.el);
    panel.signal.addEventListener("abort", () => observer.disconnect());
  }
  if (!panel.get("visible")) report();
  // After a reload the kernel may hear the old page's goodbye after this page has read its state, and before it listens
  // for changes. So it is told by a message too: a trait that has not changed here would not be sent.
  if (document.visibilityState !== "hidden") panel.model.send({ seen: true });
  panel.signal.addEventListener("abort", () => {
    panel.model.set("visible", false);
    panel.model.save_changes();
  });
}
