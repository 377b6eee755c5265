// A small menu in the page's top layer: opened at a point or under a button, closed by Escape or a click elsewhere,
// moved through with the arrow keys. It knows entries; it does not know what they do.
import { html, nothing, render } from "lit-html";

export interface Entry { label: string; below?: string; keys?: string; danger?: boolean; disabled?: boolean; action: () => void }

/** Opens a menu inside `host` (so that the theme applies); `back` gets the focus when it closes. */
export function openMenu(host: HTMLElement, entries: Entry[], at: { x: number; y: number }, back?: HTMLElement | null): void {
  host.querySelector(":scope > .menu")?.remove();
  const menu = document.createElement("div");
  menu.className = "menu";
  menu.setAttribute("role", "menu");
  const close = (): void => { menu.remove(); stop.abort(); back?.focus(); };
  const stop = new AbortController();
  const pick = (entry: Entry): void => { close(); entry.action(); };
  render(html`${entries.map((entry) => html`<button role="menuitem" tabindex="-1" ?disabled=${entry.disabled}
    class=${entry.danger ? "danger" : ""} @click=${() => pick(entry)}><span class="cut">${entry.label}${entry.below ? html`<small class="cut">${entry.below}</small>` : nothing}</span>${entry.keys ? html`<kbd>${entry.keys}</kbd>` : nothing}</button>`)}`, menu);
  host.append(menu);
  showOnTop(menu);
  place(menu, at);
  const items = [...menu.querySelectorAll<HTMLButtonElement>("button:not([disabled])")];
  items[0]?.focus();
  menu.addEventListener("keydown", (event) => {
    const here = items.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); event.stopPropagation(); close(); }
    if (step) { event.preventDefault(); items[(here + step + items.length) % items.length]?.focus(); }
  });
  document.addEventListener("pointerdown", (event) => { if (!menu.contains(event.target as Node)) close(); },
    { signal: stop.signal, capture: true });
}

/** Lifts an element above everything that clips it, where the browser can. */
export function showOnTop(element: HTMLElement): void {
  if (!element.showPopover) return;
  element.setAttribute("popover", "manual");
  element.showPopover();
}

/** Puts a fixed element near a point, inside the window. */
export function place(element: HTMLElement, at: { x: number; y: number }): void {
  const box = element.getBoundingClientRect();
  element.style.left = `${Math.max(4, Math.min(at.x, innerWidth - box.width - 4))}px`;
  element.style.top = `${Math.max(4, Math.min(at.y, innerHeight - box.height - 4))}px`;
}

/** The point under an element where its menu opens. */
export function under(element: Element): { x: number; y: number } {
  const box = element.getBoundingClientRect();
  return { x: box.left, y: box.bottom + 4 };
}
