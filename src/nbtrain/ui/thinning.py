"""Numbers for charts: fewer points with the same look, smoothing, round frames, rows of unequal length as one array.

Thinning and smoothing go on where they were when a curve grows: what is new is all that they look at. Functions and
values on arrays; no history, no chart, no widget.

Shapes: N points of a curve, S stretches of it, R curves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
MOST_POINTS = 1000
_ROUND_PARTS = 8
"""About how many round steps lie between the ends of a frame: few, so that a growing curve seldom changes them."""


class Thinning:
    """A growing curve as at most ``most`` points: of each stretch its least and its greatest value, and the newest.

    No peak is lost. Stretches are of equal length, a power of two, which doubles when there are too many of them.
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most, self._stretches = most, max(1, (most - 1) // 2)
        self._few: Curve | None = np.empty(0)
        """All values, as long as there is nothing to thin."""
        self._n, self._length, self._last = 0, 1, np.nan
        self._low, self._high = _Ends(), _Ends()

    def add(self, y_N: Curve) -> None:
        """Take in the next values; gaps are NaN."""
        if not len(y_N):
            return
        start, self._last = self._n, float(y_N[-1])
        self._n += len(y_N)
        if self._few is not None:
            self._few = np.concatenate([self._few, y_N])
            if self._n <= self._most:
                return
            start, y_N, self._few = 0, self._few, None
            while self._n > self._stretches * self._length:
                self._length *= 2
        self._extend(y_N, start)

    def _extend(self, y_N: Curve, start: int) -> None:
        bounds = np.arange(start - start % self._length, start + len(y_N), self._length) - start
        bounds[0] = 0
        goes_on = start % self._length > 0
        for ends, sign in ((self._low, 1.0), (self._high, -1.0)):
            ends.extend(np.where(np.isnan(y_N), np.inf, sign * y_N), bounds, start, goes_on=goes_on)
        while len(self._low.at_S) > self._stretches:
            self._length *= 2
            self._low.join_pairs()
            self._high.join_pairs()

    def picked(self) -> tuple[NDArray[np.intp], Curve]:
        """Return which points are shown, by number, and their values."""
        if self._few is not None:
            return np.arange(self._n), self._few
        at = np.concatenate([self._low.at_S, self._high.at_S, [self._n - 1]])
        y = np.concatenate([self._low.best_S, -self._high.best_S, [self._last]])
        rows, first = np.unique(at, return_index=True)
        return rows, np.where(np.isfinite(y[first]), y[first], np.nan)


class _Ends:
    """The least value of each stretch, infinity where it has none, and where it stands."""

    def __init__(self) -> None:
        self.at_S: NDArray[np.intp] = np.empty(0, np.intp)
        self.best_S: Curve = np.empty(0)

    def extend(self, y_N: Curve, bounds_S: NDArray[np.intp], start: int, *, goes_on: bool) -> None:
        """Add stretches that begin at ``bounds_S`` of ``y_N``; the first ``goes_on`` with the last one there is."""
        best = np.minimum.reduceat(y_N, bounds_S)
        hits = np.flatnonzero(y_N == np.repeat(best, np.diff(bounds_S, append=len(y_N))))
        at = hits[np.searchsorted(hits, bounds_S)] + start
        if goes_on:
            if best[0] < self.best_S[-1]:
                self.at_S[-1], self.best_S[-1] = at[0], best[0]
            at, best = at[1:], best[1:]
        self.at_S, self.best_S = np.concatenate([self.at_S, at]), np.concatenate([self.best_S, best])

    def join_pairs(self) -> None:
        """Make one stretch of every two."""
        odd = len(self.at_S) % 2
        at, best = np.pad(self.at_S, (0, odd)), np.pad(self.best_S, (0, odd), constant_values=np.inf)
        less = best[1::2] < best[::2]
        self.at_S, self.best_S = np.where(less, at[1::2], at[::2]), np.where(less, best[1::2], best[::2])


def thinned(x_N: Curve, y_N: Curve, most: int = MOST_POINTS) -> tuple[Curve, Curve]:
    """Return at most ``most`` points of a whole curve, as :class:`Thinning` picks them."""
    thinning = Thinning(most)
    thinning.add(y_N)
    rows, picked = thinning.picked()
    return x_N[rows], picked


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


class Smoothing:
    """The moving average in which each value has ``weight`` of the one before (0…1), started without bias."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._total, self._share = np.zeros(1), np.zeros(1)

    def smoothed(self, y_N: Curve) -> Curve:
        """Return the average at each of the next values; a gap stays a gap."""
        if self.weight <= 0 or not len(y_N):
            return y_N
        from scipy.signal import lfilter

        known, old, new = np.isfinite(y_N), [1, -self.weight], [1 - self.weight]
        total, self._total = lfilter(new, old, np.where(known, y_N, 0.0), zi=self._total)
        share, self._share = lfilter(new, old, known.astype(float), zi=self._share)
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
