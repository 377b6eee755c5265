"""Numbers for charts: fewer points with the same look, smoothing, round frames, rows of unequal length as one array.

Pure functions on arrays; no chart, no widget.

Shapes: N points of a curve, R curves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
MOST_POINTS = 1000
_ROUND_PARTS = 8
"""About how many round steps lie between the ends of a frame: few, so that a growing curve seldom changes them."""


def thinned(x_N: Curve, y_N: Curve, most: int = MOST_POINTS) -> tuple[Curve, Curve]:
    """Return at most ``most`` points: of each stretch its least and its greatest value, so that no peak is lost."""
    if len(x_N) <= most:
        return x_N, y_N
    stretches = max(1, most // 2)
    width = -(-len(x_N) // stretches)
    padded = np.full(stretches * width, np.nan)
    padded[: len(y_N)] = y_N
    table = padded.reshape(stretches, width)
    low, high = np.where(np.isnan(table), np.inf, table).argmin(1), np.where(np.isnan(table), -np.inf, table).argmax(1)
    picked = np.sort(np.stack([low, high], 1), axis=1) + np.arange(stretches)[:, None] * width
    index = np.unique(picked[picked < len(x_N)])
    return x_N[index], y_N[index]


def dashed(rows: Sequence[tuple[Curve, Curve]]) -> list[tuple[Curve, Curve]]:
    """Return ``rows`` with every curve of one point as a short dash: a line through one point cannot be seen."""
    ends = [end for x, _ in rows if len(x) for end in (x[0], x[-1])]
    half = max(0.5, 0.01 * (max(ends) - min(ends))) if ends else 0.5
    return [(np.array([x[0] - half, x[0] + half]), np.repeat(y, 2)) if len(x) == 1 else (x, y) for x, y in rows]


def frame(rows: Sequence[tuple[Curve, Curve]], *, log: bool = False) -> tuple[Curve, Curve]:
    """Return the two opposite corners, as x and y, of a frame with round ends around ``rows``; empty around nothing.

    A chart whose ends are round redraws its axes only when a curve outgrows them, not with every point.
    """
    x_N, y_N = (np.concatenate([row[i] for row in rows]) if rows else np.empty(0) for i in (0, 1))
    seen = np.isfinite(x_N) & np.isfinite(y_N) & ((y_N > 0) | (not log))
    if not seen.any():
        return np.empty(0), np.empty(0)
    y_ends = np.exp2(_round_ends(np.log2(y_N[seen]))) if log else _round_ends(y_N[seen])
    return _round_ends(x_N[seen]), y_ends


def _round_ends(values_N: Curve) -> Curve:
    low, high = float(values_N.min()), float(values_N.max())
    rough = (high - low) / _ROUND_PARTS
    if not rough > 0:
        return np.array([low, high])
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(one for one in (1.0, 2.0, 5.0, 10.0) if one * power >= rough)
    ends: Curve = np.array([np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)]) * step
    return ends


def smoothed(y_N: Curve, weight: float) -> Curve:
    """Return the moving average in which each value has ``weight`` of the one before (0…1), started without bias."""
    if weight <= 0 or len(y_N) < 2:
        return y_N
    from scipy.signal import lfilter

    known = np.isfinite(y_N)
    filled = np.where(known, y_N, 0.0)
    total = lfilter([1 - weight], [1, -weight], filled)
    share = lfilter([1 - weight], [1, -weight], known.astype(float))
    return np.where(known, np.divide(total, share, out=np.full_like(total, np.nan), where=share > 0), np.nan)


def stacked(rows: Sequence[tuple[Curve, Curve]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return R curves as two float32 arrays of one length; shorter ones stay at their last known point."""
    # bqplot squeezes its arrays: an axis of length one would be lost, and with it which curve a number belongs to.
    if not rows:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    ends = [int(np.flatnonzero(np.isfinite(y))[-1]) + 1 if np.isfinite(y).any() else 0 for _, y in rows]
    x_RN = np.zeros((len(rows), max(2, *ends)), dtype=np.float32)
    y_RN = np.full_like(x_RN, np.nan)
    for row, (end, (x, y)) in enumerate(zip(ends, rows, strict=True)):
        if end:
            x_RN[row], y_RN[row] = x[end - 1], y[end - 1]
            x_RN[row, :end], y_RN[row, :end] = x[:end], y[:end]
    return x_RN, y_RN
