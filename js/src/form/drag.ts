// Dragging a row of a list by its handle, with mouse, pen or finger: the others make room, Escape puts it back. It knows
// rows; it does not know what they hold: whoever is told of the new place draws the list anew at once.

const EDGE_PX = 32;
const SCROLL_PX = 8;
/** A row that is taken at the edge of its frame must not run away before it is moved. */
const MEANT_PX = 8;

/** Follows the pointer from `down` on a handle; `drop` gets the new place when it has changed. */
export function drag(down: PointerEvent, drop: (to: number) => void): void {
  const handle = down.currentTarget as HTMLElement;
  const row = handle.closest<HTMLElement>("[data-part]");
  const list = row?.parentElement;
  if (down.button !== 0 || !row || !list) return;
  const rows = [...list.querySelectorAll<HTMLElement>(":scope > [data-part]")];
  const from = rows.indexOf(row);
  const boxes = rows.map((one) => one.getBoundingClientRect());
  const own = boxes[from]!;
  const gap = boxes.length > 1 ? Math.max(0, boxes[1]!.top - boxes[0]!.bottom) : 0;
  const stop = new AbortController();
  const scroller = scrolling(list);
  const start = scroller.scrollTop;
  let to = from;
  let last = down.clientY;
  down.preventDefault();
  handle.focus({ preventScroll: true });
  handle.setPointerCapture(down.pointerId);
  row.classList.add("dragged");

  const follow = (event?: PointerEvent): void => {
    last = event?.clientY ?? last;
    const wished = last - down.clientY + scroller.scrollTop - start;
    const by = Math.max(boxes[0]!.top - own.top, Math.min(boxes.at(-1)!.bottom - own.bottom, wished));
    const [top, bottom] = [own.top + by, own.bottom + by];
    to = boxes.filter((box, index) => (index < from && top > middle(box)) || (index > from && bottom > middle(box))).length;
    rows.forEach((one, index) => {
      const room = index === from ? by : index > from && index <= to ? -(own.height + gap) : index < from && index >= to ? own.height + gap : 0;
      one.style.transform = room ? `translateY(${room}px)` : "";
    });
  };
  /** A list that is longer than its frame moves on while the pointer is held at an edge. */
  const scroll = setInterval(() => {
    const { top, bottom } = visible(scroller);
    const by = last - down.clientY;
    const step = by < -MEANT_PX && last < top + EDGE_PX ? -SCROLL_PX : by > MEANT_PX && last > bottom - EDGE_PX ? SCROLL_PX : 0;
    if (!step) return;
    scroller.scrollTop += step;
    follow();
  }, 16);
  const clear = (): void => {
    for (const one of rows) one.style.transform = "";
    row.classList.remove("dragged");
  };
  const end = (keep: boolean): void => {
    stop.abort();
    clearInterval(scroll);
    if (!keep || to === from) return clear();
    list.classList.add("dropped"); // no motion from where the rows stood
    drop(to);
    clear();
    requestAnimationFrame(() => list.classList.remove("dropped"));
  };
  handle.addEventListener("pointermove", follow, { signal: stop.signal });
  handle.addEventListener("pointerup", () => end(true), { signal: stop.signal });
  handle.addEventListener("pointercancel", () => end(false), { signal: stop.signal });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); end(false); } }, { signal: stop.signal, capture: true });
}

function scrolling(inside: Element): Element {
  for (let one = inside.parentElement; one; one = one.parentElement) {
    if (one.scrollHeight > one.clientHeight && /auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  }
  return document.documentElement;
}

/** The part of a frame that nothing lies over: the form's foot sticks to its end. */
function visible(scroller: Element): { top: number; bottom: number } {
  const { top, bottom } = scroller.getBoundingClientRect();
  return { top: Math.max(0, top), bottom: Math.min(innerHeight, bottom, scroller.querySelector(".foot")?.getBoundingClientRect().top ?? bottom) };
}

const middle = (box: DOMRect): number => (box.top + box.bottom) / 2;
