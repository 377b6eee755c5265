"""Curves of histories as charts draw them: thinned and smoothed, and kept up while a run goes on.

A redraw costs what the history has grown by since the last, not what there is. It knows histories and numbers; it does
not know charts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from nbtrain.project.history import Column, History
from nbtrain.ui.thinning import Smoothing, Thinning


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one curve that are drawn, all of one length."""

    step: Column
    epoch: Column
    t_s: Column
    """Wall clock, seconds since 1970."""
    y: Column


NOTHING = Points(np.empty(0), np.empty(0), np.empty(0), np.empty(0))


class Drawn:
    """What has been worked out of histories so far; it goes with them."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[History, dict[tuple[str, str, float], _Growing]] = WeakKeyDictionary()

    def points(self, history: History, split: str, name: str, smoothing: float = 0.0) -> Points:
        """Return the points of one metric, smoothed or as it was said; none where it never was."""
        known = self._known.setdefault(history, {})
        growing = known.setdefault((split, name, smoothing), _Growing(smoothing))
        while True:
            rows, y = growing.follow(history, split, name)
            if not len(rows):
                return NOTHING
            places = history.places(split, rows, growing.cuts)
            if places is not None:
                return Points(*places, y)


@dataclass(slots=True)
class _Growing:
    """One curve as far as it has been looked at."""

    weight: float
    cuts: int = -1
    n: int = 0
    thinning: Thinning = field(default_factory=Thinning)
    smoothing: Smoothing = field(default_factory=lambda: Smoothing(0.0))

    def follow(self, history: History, split: str, name: str) -> tuple[NDArray[np.intp], Column]:
        """Look at what is new; begin anew where rows have been dropped, because a resume says them again."""
        cuts, new = history.values_from(split, name, self.n)
        if cuts != self.cuts:
            self.cuts, self.n, self.thinning, self.smoothing = cuts, 0, Thinning(), Smoothing(self.weight)
            _, new = history.values_from(split, name)
        self.n += len(new)
        self.thinning.add(self.smoothing.smoothed(new))
        return self.thinning.picked()
