"""Charts as SVG text, small enough to stand in a page: lines, a matrix, bars of a calibration, dots with intervals.

Colours are classes that the page's style sheet knows, so that a chart follows light and dark; numbers in pixels are
those of the drawing, which scales to the place that it is given. It knows numbers and labels; it knows no evaluation.

Shapes: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrain.escaping import html as escape

Numbers = npt.NDArray[Any]
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 8, 12, 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: points in the units of its axes."""

    name: str
    x: Numbers
    y: Numbers
    number: int = 0
    """Which of the style sheet's colours it has; 0 is the main one."""


def lines(drawn: Sequence[Line], x_label: str, y_label: str, *, diagonal: bool = False) -> str:
    """Return a square chart of lines, both axes from 0 to 1; ``diagonal`` draws what chance alone would give."""
    side = 300
    frame = _Frame(side, side)
    parts = [frame.axes(x_label, y_label)]
    if diagonal:
        parts.append(f'<path class="chance" d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}"/>')
    for line in sorted(drawn, key=lambda one: -one.number):  # the main one on top
        there = np.isfinite(line.x) & np.isfinite(line.y)
        points = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in zip(line.x[there], line.y[there], strict=True))
        title = f"<title>{escape(line.name)}</title>"
        parts.append(f'<polyline class="line c{line.number}" points="{points}">{title}</polyline>')
    return frame.svg(parts, f"{y_label} over {x_label}")


def reliability(confidence: Numbers, right: Numbers, n: Numbers) -> str:
    """Return bars of the accuracy over the confidence; a calibrated model's lie on the diagonal."""
    side = 300
    frame = _Frame(side, side)
    parts = [frame.axes("confidence", "accuracy")]
    width = 1 / len(n)
    for place, count in enumerate(n.tolist()):
        if count:
            left, high = place * width, float(right[place])
            strength = 0.35 + 0.65 * float(np.sqrt(count / n.max()))
            told = f"{count} decisions: confidence {confidence[place]:.2f}, accuracy {high:.2f}"
            x, w = frame.x(left) + 0.5, round(frame.span_x * width - 1, 1)
            y = frame.y(high)
            parts.append(
                f'<rect class="bar" x="{x}" y="{y}" width="{w}" height="{round(frame.y(0) - y, 1)}" '
                f'opacity="{strength:.2f}"><title>{told}</title></rect>'
            )
    parts.append(f'<path class="chance" d="M{frame.x(0)} {frame.y(0)}L{frame.x(1)} {frame.y(1)}"/>')
    return frame.svg(parts, "accuracy over confidence")


def matrix(counts_KK: Numbers, names: Sequence[str]) -> str:
    """Return a confusion matrix: rows are true classes, columns what was predicted, shades the share of the row."""
    k = len(names)
    cell = max(14, min(44, 620 // k))
    margin = 10 + 7 * min(18, max(len(name) for name in names))
    size = margin + k * cell
    shares = counts_KK / np.maximum(counts_KK.sum(1, keepdims=True), 1)
    parts = []
    for row in range(k):
        for column in range(k):
            parts.append(_cell(counts_KK, shares, names, row, column, margin, cell))
    label = min(12, cell - 3)
    for place, name in enumerate(names):
        middle = margin + (place + 0.5) * cell + 4
        text = escape(name if len(name) <= 18 else f"{name[:17]}…")
        turned = f'transform="translate({middle} {margin - 6}) rotate(-90)"'
        for where in (f'x="{margin - 6}" y="{middle}" text-anchor="end"', turned):
            parts.append(f'<text class="name" font-size="{label}" {where}>{text}</text>')
    words = "confusion matrix: rows are true classes, columns are predictions"
    return (
        f'<svg class="matrix" viewBox="0 0 {size + 1} {size + 1}" style="max-width:{size}px" role="img" '
        f'aria-label="{words}">{"".join(parts)}</svg>'
    )


def _cell(
    counts_KK: Numbers, shares_KK: Numbers, names: Sequence[str], row: int, column: int, margin: int, cell: int
) -> str:
    count, share = int(counts_KK[row, column]), float(shares_KK[row, column])
    x, y = margin + column * cell, margin + row * cell
    kind = "hit" if row == column else "miss"
    opacity = round(share**0.6, 3) if count else 0
    told = f"{escape(names[row])} taken for {escape(names[column])}: {count} ({100 * share:.1f} %)"
    place = f'x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" rx="2"'
    made = f'<g><title>{told}</title><rect class="empty" {place}/>'
    if count:
        made += f'<rect class="{kind}" {place} opacity="{opacity}"/>'
    digits = len(str(count))
    if count and cell >= 16 and digits * 7 < cell:
        strong = " strong" if opacity > 0.6 else ""
        size = min(12, cell - 6)
        made += (
            f'<text class="count{strong}" x="{x + (cell - 1) / 2}" y="{y + cell / 2 + 4}" text-anchor="middle" '
            f'font-size="{size}">{count}</text>'
        )
    return f"{made}</g>"


def interval(value: float, low: float, high: float, *, rest: float | None = None, strong: bool = False) -> str:
    """Return a dot with its interval on a line from 0 to 1; a thin mark stands where all others are."""
    width, height, pad = 200, 18, 4
    middle = height / 2

    def at(share: float) -> float:
        return round(pad + (width - 2 * pad) * min(1.0, max(0.0, share)), 1)

    parts = [f'<path class="rail" d="M{pad} {middle}H{width - pad}"/>']
    if rest is not None and rest == rest:
        parts.append(f'<path class="rest" d="M{at(rest)} 3V{height - 3}"/>')
    mark = " strong" if strong else ""
    parts.append(f'<path class="whisker{mark}" d="M{at(low)} {middle}H{at(high)}"/>')
    parts.append(f'<circle class="dot{mark}" cx="{at(value)}" cy="{middle}" r="4"/>')
    words = f"{value:.3f}, 95 % from {low:.3f} to {high:.3f}"
    return (
        f'<svg class="interval" viewBox="0 0 {width} {height}" role="img" aria-label="{words}">{"".join(parts)}</svg>'
    )


class _Frame:
    """The axes of a chart from 0 to 1, and where its points lie."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self.span_x, self._span_y = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def x(self, share: float) -> float:
        """Return the place of a number on the horizontal axis."""
        return round(_LEFT + self.span_x * float(share), 1)

    def y(self, share: float) -> float:
        """Return the place of a number on the vertical axis."""
        return round(_TOP + self._span_y * (1 - float(share)), 1)

    def axes(self, x_label: str, y_label: str) -> str:
        """Return grid, numbers and names of both axes."""
        marks = np.linspace(0, 1, 6)
        grid = "".join(
            f'<path class="grid" d="M{self.x(0)} {self.y(m)}H{self.x(1)}M{self.x(m)} {self.y(0)}V{self.y(1)}"/>'
            for m in marks
        )
        numbers = "".join(
            f'<text class="tick" x="{self.x(m)}" y="{self.y(0) + 15}" text-anchor="middle">{m:g}</text>'
            f'<text class="tick" x="{self.x(0) - 7}" y="{self.y(m) + 3.5}" text-anchor="end">{m:g}</text>'
            for m in marks.round(1)
        )
        below = (
            f'<text class="axis" x="{self.x(0.5)}" y="{self._height - 6}" text-anchor="middle">{escape(x_label)}</text>'
        )
        beside = (
            f'<text class="axis" transform="translate(11 {self.y(0.5)}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )
        return grid + numbers + below + beside

    def svg(self, parts: Sequence[str], words: str) -> str:
        """Return the whole drawing."""
        return (
            f'<svg class="chart" viewBox="0 0 {self._width} {self._height}" role="img" aria-label="{escape(words)}">'
            f"{''.join(parts)}</svg>"
        )


_HEAT = ((0.0, (0, 0, 4)), (0.25, (87, 16, 110)), (0.5, (188, 55, 84)), (0.75, (249, 142, 9)), (1.0, (252, 255, 164)))
"""Five colours of a scale from cold to hot whose brightness only rises (after matplotlib's inferno)."""


def heat_colours(heat: Numbers) -> Numbers:
    """Return the colour of each cell of a map of 0…1, as floats of 0…255 with three channels behind."""
    made = np.zeros((*heat.shape, 3))
    for (low, cold), (high, hot) in pairwise(_HEAT):
        share = ((heat - low) / (high - low))[..., None]
        inside = ((heat >= low) & (heat <= high))[..., None]
        made = np.where(inside, np.array(cold) * (1 - share) + np.array(hot) * share, made)
    return made
