// What panels share that list every experiment: patches of one card, pages of a long list, words to find. Twin of ui/listed.py.
import type { Card } from "../contracts";
import type { Model, Panel } from "./panel";
import { WORDS } from "./status";

/** Experiments that can be compared with the selected one: as many as there are other colours. */
export const MAX_COMPARED = 7;
/** Entries drawn at first, and again each time the end of the list comes near. */
export const PAGE = 200;

/** Writes a patch into the model's own list, once per model, so that every view, early or late, sees it. */
export function applyPatches({ model }: { model: Model }): void {
  model.on("msg:custom", (message: { patch?: Partial<Card> & { id: string } }) => {
    const patch = message.patch;
    const card = patch && (model.get("cards") as Card[]).find((one) => one.id === patch.id);
    if (card) Object.assign(card, patch);
  });
}

/** Calls `reached` when the element it is a ref of comes near to what is seen; hosts without observers have its button. */
export function nearTheEnd(panel: Panel<any>, reached: () => void): (end?: Element) => void {
  if (typeof IntersectionObserver === "undefined") return () => undefined;
  const observer = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) reached(); }, { rootMargin: "400px" });
  panel.signal.addEventListener("abort", () => observer.disconnect());
  return (end) => {
    observer.disconnect();
    if (end) observer.observe(end);
  };
}

/** The cards that every word of `filter` fits: `tag:x` and `tag:"two words"` their tags, others name, description, tags and status. */
export function matching<One extends Card>(cards: One[], filter: string): One[] {
  const found = filter.toLowerCase().matchAll(/(tag:)?"([^"]*)"?|(tag:)(\S*)|(\S+)/g);
  const words = [...found].map(([, quotedTag, quoted, tag, tagged, plain]) => ({ tag: quotedTag ?? tag, text: quoted ?? tagged ?? plain ?? "" }));
  if (!words.length) return cards;
  return cards.filter((card) => {
    const tags = card.tags.map((tag) => tag.toLowerCase());
    const text = [card.name, card.description, card.status, WORDS[card.status], ...tags].join(" ").toLowerCase();
    return words.every((word) => (word.tag ? tags.some((tag) => tag.startsWith(word.text)) : text.includes(word.text)));
  });
}
