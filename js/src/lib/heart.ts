// The clock that notices a kernel that does not answer: a page looks alive long after its kernel has died.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Panel } from "./panel";

const ASK_MS = 3000, PATIENCE_MS = 6000;
/** What ipywidgets puts on the views of a kernel that was restarted or has died. */
const GONE = ".jupyter-widgets-disconnected";

/** Watches for any word from the kernel, and asks for one where it is quiet; returns what to show while there is none. */
export function heart(panel: Panel<{ beat: number }>): () => TemplateResult | typeof nothing {
  let last = performance.now();
  let shown = "";
  const show = (text: string): void => { if (text !== shown) { shown = text; panel.redraw(); } };
  const alive = (): void => { last = performance.now(); show(""); };
  panel.on("change", alive);
  panel.on("msg:custom", alive);
  panel.onSight(alive); // a view that is not seen is sent nothing
  panel.every(1000, () => {
    if (!panel.get("beat") || !panel.seen) return;
    const silence_ms = performance.now() - last;
    if (silence_ms > ASK_MS) panel.say({ ask: true });
    show(silence_ms <= PATIENCE_MS ? "" : panel.el.closest(GONE) ? "gone" : String(Math.floor(silence_ms / 1000)));
  });
  return () => shown === "" ? nothing : html`<div class="note ${shown === "gone" ? "bad" : "warn"} gone" role="alert">${shown === "gone"
    ? html`<b>The kernel was restarted, or has ended.</b> A run in training goes on by itself. Run the cell again to go on here.`
    : html`<b>No word from the kernel for ${shown} s.</b> It is busy, or the connection to it is interrupted. This notice goes as soon as it answers; a run in training goes on meanwhile.`}</div>`;
}
