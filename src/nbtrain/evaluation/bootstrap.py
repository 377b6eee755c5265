"""Bootstrap: how far a metric may lie from what it would be on many more images like these.

Images are drawn with replacement, as many as there are (Efron 1979); the interval leaves out the same share of the
resamples on both sides. Drawn plainly, not class by class: an interval that keeps the number of images of each class
says too little about new images, whose classes are drawn too. It draws and sorts; metrics are scores.py's.

Shapes: R resamples, N images, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from nbtrain.evaluation import scores
from nbtrain.evaluation.predictions import Floats, Predictions
from nbtrain.evaluation.scores import Counts

LEVEL = 0.95
RESAMPLES, FEWEST = 1000, 200
SEED = 0
BIASED = frozenset({"ece"})
"""Metrics without an interval: the calibration error of few images is too high, that of their resamples even more."""
_PROPORTIONS = ("accuracy", "top5", "exact_match")
_CHUNK = 2**22
"""Weights that are made at once, which bounds the memory."""
MOST_RANKED = 2 * 10**8
"""Resamples times images times classes that are ranked: some seconds; more would keep a person waiting."""
_Z = 1.959963984540054
"""The normal distribution leaves 2.5 % above it."""


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


class ClassIntervals(NamedTuple):
    """Lower and upper ends, class by class."""

    low: Floats
    high: Floats


def drawn(n: int, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[Floats]:
    """Yield how often each of ``n`` images is drawn in each resample, some resamples at a time."""
    generator = np.random.default_rng(seed)
    some = max(1, _CHUNK // max(1, n))
    for first in range(0, resamples, some):
        rows = min(some, resamples - first)
        places = generator.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(places.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float32)


def intervals(
    predictions: Predictions, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = SEED
) -> dict[str, Interval]:
    """Return the interval of every metric that can have one; those that rank only where that does not take too long."""
    n = len(predictions)
    if not n:
        return {}
    found = ends(_resampled(predictions, scores.weighted, resamples, seed, ranking=False), level)
    ranked = min(resamples, MOST_RANKED // max(1, n * len(predictions.classes)))
    if ranked >= min(FEWEST, resamples):
        some = _resampled(predictions, _ranking, ranked, seed)
        found |= ends(some, level)
    for name in _PROPORTIONS:
        if name in found and found[name].low == found[name].high:
            found[name] = wilson(round(found[name].low * n), n)
    return {name: found[name] for name in scores.LABELS if name in found}


def class_intervals(
    predictions: Predictions, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = SEED
) -> dict[str, ClassIntervals]:
    """Return the intervals of each class's precision, recall and F1."""
    if not len(predictions):
        return {}
    most = max(FEWEST, min(resamples, _CHUNK // max(1, len(predictions.classes))))
    parts = [Counts.of(predictions, weights_RN).quotients() for weights_RN in drawn(len(predictions), most, seed)]
    tail = (1 - level) / 2
    made = {}
    for name in parts[0]:
        low_K, high_K = np.quantile(np.concatenate([part[name] for part in parts]), (tail, 1 - tail), axis=0)
        made[name] = ClassIntervals(low_K, high_K)
    return made


def ends(resampled: Mapping[str, Floats], level: float = LEVEL) -> dict[str, Interval]:
    """Return where the middle ``level`` of each metric's resamples ends; those without a value are not counted."""
    tail, found = (1 - level) / 2, {}
    for name, value_R in resampled.items():
        there_R = value_R[~np.isnan(value_R)]
        if len(there_R) and name not in BIASED:
            low, high = np.quantile(there_R, (tail, 1 - tail))
            found[name] = Interval(float(low), float(high))
    return found


def wilson(hits: int, n: int) -> Interval:
    """Return Wilson's 95 % interval (1927) of a proportion: where every image is right, all resamples are alike."""
    if not n:
        return Interval(math.nan, math.nan)
    share, spread = hits / n, _Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / n + spread / n / 4) / (1 + spread)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def _resampled(
    predictions: Predictions, measure: Callable[..., dict[str, Floats]], resamples: int, seed: int, **more: bool
) -> dict[str, Floats]:
    parts = [measure(predictions, weights_RN, **more) for weights_RN in drawn(len(predictions), resamples, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _ranking(predictions: Predictions, weights_RN: Floats) -> dict[str, Floats]:
    found = scores.weighted(predictions, weights_RN)
    return {name: found[name] for name in scores.RANKING if name in found}
