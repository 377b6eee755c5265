"""A flame graph as one page that needs nothing else: what a step is made of, drawn from the whole down to its parts.

The width of a block is its time; a click, or Enter, makes it as wide as the page. It draws a tree of times; where the
times come from it does not know. No torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nbtrain.escaping import html as escape

_LEAST = 0.001
"""Blocks that would be narrower than this share of the page are left out; their time stays in the block above."""
_ROW_PX = 20


@dataclass(slots=True)
class Node:
    """One kind of work inside another: its time, how often it was done, and what it is made of."""

    name: str
    took_us: float = 0.0
    calls: int = 0
    parts: dict[str, Node] = field(default_factory=dict)

    def part(self, name: str) -> Node:
        """Return the part of this name, new where there is none yet."""
        return self.parts.setdefault(name, Node(name))


def page(root: Node, title: str, steps: int) -> str:
    """Return the page of a tree; times are told per step."""
    whole = max(root.took_us, 1e-9)
    blocks = list(_blocks(root, 0.0, 0, whole))
    height = _ROW_PX * (1 + max(depth for _, _, depth in blocks))
    drawn = "".join(_drawn(node, left, depth, whole, steps) for node, left, depth in blocks)
    return _PAGE.format(title=escape(title), blocks=drawn, height=height, css=_CSS, script=_SCRIPT)


def _blocks(node: Node, left: float, depth: int, whole: float) -> Iterator[tuple[Node, float, int]]:
    """Yield each block that is wide enough, its left edge (share of the page) and its depth; longest parts first."""
    yield node, left, depth
    inner = sum(part.took_us for part in node.parts.values())
    shrink = min(1.0, node.took_us / inner) if inner else 1.0  # parts on another thread may add up to more
    for part in sorted(node.parts.values(), key=lambda part: -part.took_us):
        width = shrink * part.took_us / whole
        if width >= _LEAST:
            yield from _blocks(part, left, depth + 1, whole / shrink)
        left += width


def _drawn(node: Node, left: float, depth: int, whole: float, steps: int) -> str:
    width = node.took_us / whole
    name = escape(node.name)
    per_step = node.took_us / 1e3 / max(1, steps)
    told = f"{name}: {per_step:.3g} ms per step, {100 * width:.1f} %, {node.calls / max(1, steps):.3g} times per step"
    hue = sum(node.name.encode()) % 50
    where = f"left:{100 * left:.4f}%;width:{100 * width:.4f}%;top:{depth * _ROW_PX}px;--hue:{hue}"
    data = f'data-l="{left:.6f}" data-w="{width:.6f}"'
    return f'<div role="button" tabindex="0" title="{told}" aria-label="{told}" style="{where}" {data}>{name}</div>\n'


_CSS = """
:root { color-scheme: light dark; --back: light-dark(#fff, #16181c); --text: light-dark(#1c1f24, #e6e8eb); }
body { margin: 16px; background: var(--back); color: var(--text); font: 14px/20px system-ui, sans-serif; }
h1 { font-size: 16px; margin: 0 0 4px; } p { margin: 0 0 12px; opacity: .75; }
main { position: relative; overflow: hidden; }
main div { position: absolute; height: 19px; box-sizing: border-box; padding: 0 4px; overflow: hidden;
  white-space: nowrap; text-overflow: ellipsis; font-size: 12px; line-height: 19px; border-radius: 2px; cursor: pointer;
  border-right: 1px solid var(--back);
  background: light-dark(hsl(calc(10 + var(--hue)) 85% 78%), hsl(calc(10 + var(--hue)) 45% 30%)); }
main div:hover, main div:focus-visible { outline: 2px solid currentColor; outline-offset: -2px; }
"""
_SCRIPT = """
const blocks = [...document.querySelectorAll("main div")];
function zoom(to) {
  const [left, width] = to ? [+to.dataset.l, +to.dataset.w] : [0, 1];
  for (const one of blocks) {
    const l = (+one.dataset.l - left) / width, w = +one.dataset.w / width;
    const from = Math.max(0, l), end = Math.min(1, l + w);
    one.hidden = end - from < 0.0005;
    one.style.left = 100 * from + "%";
    one.style.width = 100 * Math.max(0, end - from) + "%";
  }
}
document.querySelector("main").addEventListener("click", (event) => zoom(event.target.closest("main div")));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") zoom(null);
  if (event.key === "Enter") zoom(document.activeElement.closest("main div"));
});
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{css}</style></head>
<body><h1>{title}</h1><p>Width is time. Click a block to widen it, Escape shows all; the tooltip has the numbers.</p>
<main style="height:{height}px">
{blocks}</main>
<script>{script}</script></body></html>
"""
