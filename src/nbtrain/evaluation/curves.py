"""Curves over the threshold: precision and recall, ROC, and F1, for one class against the rest or all at once.

A point stands at each score that occurs; a class counts as predicted from that score on, as in scikit-learn. It
computes from arrays of scores; it draws nothing.

Shapes: N images, K classes, T points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nbtrain.evaluation.predictions import Floats, Ints, Predictions

MICRO = "micro"
"""Stands for all classes at once: every pair of image and class is one decision."""
MOST_SORTED = 2**20
"""Scores up to which each is a point of its own; more are counted into bins."""
_DROPPED, _AT_ONCE = np.uint32(11), 2**22


@dataclass(frozen=True)
class Sweep:
    """What becomes of one class, or of all decisions, at each threshold, the highest first."""

    thresholds: Floats
    hits: Floats
    """Right positives from each threshold on."""
    predicted: Floats
    """All positives from each threshold on."""
    n_positive: int
    n: int

    @classmethod
    def of(cls, scores_N: Floats, truth_N: npt.NDArray[np.bool_]) -> Sweep:
        """Sort the scores once; equal ones are one point."""
        order = np.argsort(-scores_N, kind="stable")
        sorted_N = scores_N[order]
        ends = np.flatnonzero(np.r_[sorted_N[1:] != sorted_N[:-1], True]) if len(order) else np.zeros(0, np.int64)
        hits_T = truth_N[order].cumsum()[ends].astype(np.float64)
        return cls(sorted_N[ends], hits_T, ends + 1.0, int(truth_N.sum()), len(order))

    @classmethod
    def coarse(cls, scores_NK: npt.NDArray[np.float32], truth_NK: npt.NDArray[np.bool_]) -> Sweep:
        """Count millions of scores into narrow bins instead of sorting them: exact at fewer thresholds.

        The bits of a number from 0 to 1 rise with it, so the higher ones are bins, each 0.02 % wide at most.
        """
        n_bins = int(np.float32(1).view(np.uint32) >> _DROPPED) + 1
        all_T, own_T = np.zeros(n_bins, np.int64), np.zeros(n_bins, np.int64)
        rows = max(1, _AT_ONCE // max(1, scores_NK.shape[1]))
        for first in range(0, len(scores_NK), rows):
            some = np.ascontiguousarray(scores_NK[first : first + rows]).clip(0, 1).view(np.uint32) >> _DROPPED
            all_T += np.bincount(some.ravel(), minlength=n_bins)
            own_T += np.bincount(some[truth_NK[first : first + rows]], minlength=n_bins)
        there = np.flatnonzero(all_T)[::-1]
        edges_T = (there.astype(np.uint32) << _DROPPED).view(np.float32)
        hits_T, predicted_T = own_T[there].cumsum().astype(np.float64), all_T[there].cumsum().astype(np.float64)
        return cls(edges_T, hits_T, predicted_T, int(own_T.sum()), scores_NK.size)

    @property
    def precision(self) -> Floats:
        """Share of the positives that are right."""
        found: Floats = self.hits / self.predicted
        return found

    @property
    def recall(self) -> Floats:
        """Share of the images of the class that are found; NaN where there are none."""
        return _share(self.hits, self.n_positive)

    @property
    def false_positive_rate(self) -> Floats:
        """Share of the images without the class that are taken for it; NaN where there are none."""
        return _share(self.predicted - self.hits, self.n - self.n_positive)

    @cached_property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall."""
        found: Floats = 2 * self.hits / (self.predicted + self.n_positive)
        return found

    def best(self) -> tuple[float, float]:
        """Return the threshold at which F1 is highest, and that F1; NaN where the class has no images."""
        if not self.n_positive or not len(self.thresholds):
            return float("nan"), float("nan")
        place = int(self.f1.argmax())
        return float(self.thresholds[place]), float(self.f1[place])

    def at(self, threshold: float) -> dict[str, float]:
        """Return precision, recall and F1 where scores from ``threshold`` on count; 0 where they are 0/0."""
        # The scores fall, so they are looked for from the other end.
        reached = len(self.thresholds) - int(np.searchsorted(self.thresholds[::-1], threshold, side="left"))
        hits, predicted = (float(part[reached - 1]) if reached else 0.0 for part in (self.hits, self.predicted))
        return {
            "precision": hits / predicted if predicted else 0.0,
            "recall": hits / self.n_positive if self.n_positive else 0.0,
            "f1": 2 * hits / (predicted + self.n_positive) if predicted + self.n_positive else 0.0,
        }

    def points(self, kind: str, most: int = 400) -> tuple[Floats, Floats]:
        """Return x and y of the ``pr``, ``roc`` or ``f1`` curve, thinned evenly along the curve to ``most`` points."""
        x, y = self._drawn(kind)
        keep = _even(x, y, most)
        return x[keep], y[keep]

    def places(self, most: int) -> Ints:
        """Return thresholds by their places: of each curve ``most`` at most, evenly along it."""
        n, found = len(self.thresholds), [_even(self.thresholds.astype(np.float64), self.f1, most)]
        for kind in ("pr", "roc"):
            x, y = self._drawn(kind)
            found.append(_even(x[-n:], y[-n:], most))
        return np.unique(np.concatenate(found))

    def _drawn(self, kind: str) -> tuple[Floats, Floats]:
        if kind == "pr":
            return np.r_[0.0, self.recall], np.r_[1.0, self.precision]
        if kind == "roc":
            return np.r_[0.0, self.false_positive_rate], np.r_[0.0, self.recall]
        return self.thresholds[::-1].astype(np.float64), self.f1[::-1]


def _even(x: Floats, y: Floats, most: int) -> Ints:
    """Return places of a curve that lie evenly along it, all of them where they are few."""
    if len(x) <= most:
        return np.arange(len(x))
    along = np.r_[0.0, np.hypot(np.diff(np.nan_to_num(x)), np.diff(np.nan_to_num(y))).cumsum()]
    return np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)).clip(0, len(x) - 1))


class Curves:
    """The sweeps of all classes of some predictions, each made when somebody asks."""

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self._made: dict[str, Sweep] = {}

    def sweep(self, label: str = MICRO) -> Sweep:
        """Return the sweep of a class by its name, or of all of them at once; raises KeyError for another name."""
        if label not in self._made:
            self._made[label] = self._sweep(label)
        return self._made[label]

    def _sweep(self, label: str) -> Sweep:
        found = self._predictions
        if label in found.classes:
            place = found.classes.index(label)
            return Sweep.of(found.probabilities[:, place], found.truth[:, place])
        if label != MICRO:
            raise KeyError(label)
        if found.probabilities.size > MOST_SORTED:
            return Sweep.coarse(found.probabilities, found.truth)
        return Sweep.of(found.probabilities.ravel(), found.truth.ravel())


def _share(part_T: Floats, whole: int) -> Floats:
    found: Floats = part_T / whole if whole else np.full(len(part_T), np.nan)
    return found
