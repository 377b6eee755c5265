// A page and a model for tests: happy-dom, and a model that remembers what was set, saved and sent.
import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost/lab" });
const names = ["document", "HTMLElement", "Element", "Node", "Event", "CustomEvent", "MouseEvent", "KeyboardEvent", "CSS", "FormData", "DocumentFragment", "Comment", "Text", "MutationObserver", "HTMLTemplateElement"];
for (const name of names) (globalThis as any)[name] = (window as any)[name];
Object.assign(globalThis, {
  window, document: window.document, innerWidth: 1400, innerHeight: 900, customElements: window.customElements,
  requestAnimationFrame: (f: () => void) => setTimeout(f, 0), FormData: window.FormData,
});

/** A stand-in for anywidget's model: the state that Python would have sent. */
export class FakeModel {
  readonly sent: any[] = [];
  readonly said: any[] = [];
  readonly saved: Record<string, unknown>[] = [];
  private readonly handlers = new Map<string, Set<(...args: any[]) => void>>();
  private pending: Record<string, unknown> = {};

  constructor(readonly state: Record<string, any>) {}

  get(name: string): any { return this.state[name]; }
  set(name: string, value: unknown): void { this.pending[name] = value; this.put({ [name]: value }); }
  save_changes(): void { this.saved.push(this.pending); this.pending = {}; }
  on(event: string, handler: (...args: any[]) => void): void {
    if (!this.handlers.has(event)) this.handlers.set(event, new Set());
    this.handlers.get(event)?.add(handler);
  }
  off(event?: string | null, handler?: ((...args: any[]) => void) | null): void {
    if (event && handler) this.handlers.get(event)?.delete(handler);
  }
  /** Clicks; what the view says of itself is kept apart from them. */
  send(content: unknown): void { if (content && typeof content === "object" && "seen" in content) this.said.push(content); else this.sent.push(content); }
  /** A change that comes from Python. */
  put(values: Record<string, unknown>): void {
    Object.assign(this.state, values);
    for (const name of Object.keys(values)) this.fire(`change:${name}`);
    this.fire("change");
  }
  fire(event: string, ...args: unknown[]): void { for (const handler of this.handlers.get(event) ?? []) handler(...args); }
}

/** Shows a widget with this state; `gone` takes the view away. */
export function show(widget: any, state: Record<string, any>): { el: HTMLElement; model: FakeModel; gone: () => void } {
  const model = new FakeModel({ trouble: "", broken: "", of: "", ...state });
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  widget.initialize?.({ model });
  const gone = widget.render({ model, el });
  return { el, model, gone };
}

/** Waits until what was asked for has been drawn. */
export const drawn = (ms = 20): Promise<void> => new Promise((done) => setTimeout(done, ms));
export const all = (el: Element, selector: string): HTMLElement[] => [...el.querySelectorAll<HTMLElement>(selector)];
export const text = (el: Element | null): string => (el?.textContent ?? "").replace(/\s+/g, " ").trim();
export const button = (el: Element, label: string): HTMLButtonElement => {
  const found = all(el, "button").find((one) => text(one).startsWith(label));
  if (!found) throw new Error(`no button ${label} in: ${text(el)}`);
  return found as HTMLButtonElement;
};
export const press = (el: Element, key: string): void => { el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); };
export const type = (el: Element, value: string): void => { (el as HTMLInputElement).value = value; el.dispatchEvent(new Event("input", { bubbles: true })); };
