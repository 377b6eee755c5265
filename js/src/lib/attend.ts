// A click whose images are shown in the gallery of the same stage: they are brought into sight, with the focus, however
// far below they stand; and a button leads back. The two panels meet on the page alone: Python knows of no scrolling.
import type { Panel } from "./panel";

const ASKED = "nbt-images-asked";
const PATIENCE_MS = 15_000;
const TRIES = 20, AGAIN_MS = 50;
const STAGE = ".nbt-stage";

/** Asks Python for what will show images, and the gallery of this stage to bring them into sight. */
export function askForImages<State extends object>(panel: Panel<State>, what: string, content: Record<string, unknown> = {}): void {
  panel.el.dispatchEvent(new CustomEvent(ASKED, { bubbles: true }));
  panel.send(what, content);
}

/** Brings the gallery into sight, and with it first of all what its images are; it may be about to be unfolded. */
function arrive(gallery: HTMLElement, tries: number): void {
  if (tries > 0 && gallery.getClientRects().length === 0) { setTimeout(() => arrive(gallery, tries - 1), AGAIN_MS); return; }
  const view = gallery.querySelector<HTMLElement>(".view");
  view?.scrollIntoView({ block: "nearest" });
  (gallery.querySelector(".title-row") ?? gallery).scrollIntoView({ block: "nearest" });
  view?.focus({ preventScroll: true });
}

/** For the gallery: brings its images into sight once the list that was asked for is there; `back` leads to where a person was. */
export function attend(panel: Panel<any>): { back: () => (() => void) | null } {
  let asked_ms = -PATIENCE_MS;
  let from: HTMLElement | null = null;
  let came: HTMLElement | null = null;
  panel.listen(document, ASKED, (event: Event) => {
    const stage = panel.el.closest(STAGE);
    if (!stage || stage !== (event.target as Element).closest(STAGE)) return;
    asked_ms = performance.now();
    from = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  });
  panel.on("change:version", () => {
    if (performance.now() - asked_ms > PATIENCE_MS) return;
    asked_ms = -PATIENCE_MS;
    came = from;
    panel.draw();
    arrive(panel.el, TRIES);
  });
  return {
    back: () => {
      const place = came;
      if (!place?.isConnected || !panel.get("title")) return null;
      return () => { came = null; place.scrollIntoView({ block: "center" }); place.focus({ preventScroll: true }); panel.redraw(); };
    },
  };
}
