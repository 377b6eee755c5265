// The clock that notices a kernel that is gone: a page looks alive long after its kernel has died.
import { html, nothing, type TemplateResult } from "lit-html";
import type { Panel } from "./panel";

const PATIENCE_MS = 5000;

/** Watches the heartbeat trait `beat` (0 = no heart); returns what to show while there is no pulse. */
export function heart(panel: Panel<{ beat: number }>): () => TemplateResult | typeof nothing {
  let last = performance.now();
  let silent_s = 0;
  const alive = (): void => { last = performance.now(); };
  panel.on("change:beat", () => { alive(); silent_s = 0; });
  panel.listen(document, "visibilitychange", alive); // a hidden page is sent nothing
  panel.every(1000, () => {
    if (!panel.get("beat") || document.visibilityState === "hidden") return;
    const silence_ms = performance.now() - last;
    const now_s = silence_ms > PATIENCE_MS ? Math.floor(silence_ms / 1000) : 0;
    if (now_s !== silent_s) { silent_s = now_s; panel.redraw(); }
  });
  return () => silent_s === 0 ? nothing : html`<div class="note bad gone" role="alert">
    <b>No word from the kernel for ${silent_s} s.</b> If it was restarted, run the cell again: everything is on disk, and a
    run in training goes on by itself.</div>`;
}
