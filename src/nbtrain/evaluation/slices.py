"""Slices: the same numbers for parts of the images, by a table's column, by class, or by how the images look.

Numbers such as brightness are cut into bins that hold about as many images each. Each slice has its interval, so that a
low number of a few images is not taken for more than it is. It knows predictions; it opens no image.

Shapes: N images, S slices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nbtrain.data.records import first
from nbtrain.errors import DataError
from nbtrain.evaluation import bootstrap, scores
from nbtrain.evaluation.bootstrap import Interval
from nbtrain.evaluation.predictions import Floats, Predictions

CLASS = "class"
BINS = 4
"""Bins of a number: quarters of the images."""
MOST = 50
"""Slices that are shown; what is rarer goes together."""
UNKNOWN, REST = "(not known)", "(all others)"
_NAMES: dict[str, Sequence[str]] = {
    "brightness": ("darkest", "dark", "bright", "brightest"), "contrast": ("flattest", "flat", "strong", "strongest"),
    "sharpness": ("blurriest", "blurry", "sharp", "sharpest"), "size": ("smallest", "small", "large", "largest"),
}  # fmt: skip
Masks: TypeAlias = "list[tuple[str, npt.NDArray[np.bool_]]]"


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the images."""

    name: str
    n: int
    value: float
    """The main metric: accuracy, of several labels F1 over all decisions."""
    interval: Interval
    loss: float
    """Mean loss."""
    rest: float
    """The main metric of all other images; NaN where there are none."""

    @property
    def stands_out(self) -> bool:
        """Whether the other images' value lies outside of this slice's interval."""
        return self.n > 1 and not (self.interval.low <= self.rest <= self.interval.high) and self.rest == self.rest

    @property
    def worse(self) -> bool:
        """Whether it stands out because it is worse."""
        return self.stands_out and self.value < self.rest


def offered(predictions: Predictions) -> list[str]:
    """Return what the images can be sliced by."""
    known = [name for name, values in predictions.conditions.items() if np.isfinite(values).any()]
    return [CLASS, *known, *predictions.columns]


def slices(predictions: Predictions, by: str) -> list[Slice]:
    """Return the slices of the images ``by`` a column, a condition or the class; raises DataError naming those."""
    return [_measured(predictions, name, mask_N) for name, mask_N in masks(predictions, by)]


def metric(predictions: Predictions) -> str:
    """Return the metric that slices are measured by."""
    return "f1_micro" if predictions.multilabel else "accuracy"


def masks(predictions: Predictions, by: str) -> Masks:
    """Return each slice's name and which images it holds."""
    if by in predictions.columns:
        place = predictions.columns.index(by)
        return _by_text([row[place] for row in predictions.cells])
    if by in predictions.conditions:
        return _by_number(np.asarray(predictions.conditions[by], np.float64), _NAMES.get(by, ()))
    if by == CLASS:
        return _by_class(predictions)
    raise DataError(
        "the images cannot be sliced by this", value=by, advice=f"There is: {first(offered(predictions), 20)}."
    )


def _by_class(predictions: Predictions) -> Masks:
    """Return the images of each class, of many classes those of the largest ones."""
    n_K = predictions.truth.sum(0)
    there = np.flatnonzero(n_K)
    if len(there) > MOST:
        there = np.sort(there[np.argsort(-n_K[there], kind="stable")][: MOST - 1])
    found: Masks = [(predictions.classes[place], predictions.truth[:, place]) for place in there.tolist()]
    rest_N = ~np.logical_or.reduce([mask_N for _, mask_N in found]) if found else np.zeros(0, bool)
    return [*found, *([(REST, rest_N)] if rest_N.any() and len(there) < (n_K > 0).sum() else [])]


def _by_text(texts: Sequence[str]) -> Masks:
    frequent = [text for text, _ in Counter(texts).most_common(MOST + 1)]
    shown = sorted(frequent if len(frequent) <= MOST else frequent[: MOST - 1])
    table = np.array(texts, dtype=object)
    found: Masks = [(text or UNKNOWN, np.asarray(table == text, bool)) for text in shown]
    rest_N = ~np.logical_or.reduce([mask_N for _, mask_N in found]) if found else np.zeros(0, bool)
    return [*found, *([(REST, rest_N)] if rest_N.any() else [])]


def _by_number(values_N: Floats, names: Sequence[str]) -> Masks:
    """Cut numbers into bins of about as many images each; equal numbers stay together."""
    there_N = np.isfinite(values_N)
    if not there_N.any():
        return [(UNKNOWN, ~there_N)]
    inner = np.unique(np.quantile(values_N[there_N], np.linspace(0, 1, BINS + 1)[1:-1]))
    bins_N = np.searchsorted(inner, values_N, side="left")
    found: Masks = []
    for place in range(len(inner) + 1):
        mask_N = there_N & (bins_N == place)
        if mask_N.any():
            low, high = values_N[mask_N].min(), values_N[mask_N].max()
            name = f"{names[place]}, " if len(inner) + 1 == len(names) else ""
            found.append((f"{name}{_range(low, high)}", mask_N))
    return [*found, *([(UNKNOWN, ~there_N)] if not there_N.all() else [])]


def _range(low: float, high: float) -> str:
    return f"{low:.3g}" if low == high else f"{low:.2g} to {high:.2g}" if high < 1 else f"{low:.3g} to {high:.3g}"


def _measured(predictions: Predictions, name: str, mask_N: npt.NDArray[np.bool_]) -> Slice:
    value, interval = _value(predictions, mask_N)
    rest = _value(predictions, ~mask_N, spread=False)[0] if not mask_N.all() else float("nan")
    return Slice(name, int(mask_N.sum()), value, interval, float(predictions.losses[mask_N].mean()), rest)


def _value(predictions: Predictions, mask_N: npt.NDArray[np.bool_], *, spread: bool = True) -> tuple[float, Interval]:
    """Return the main metric of some images, and its interval."""
    n = int(mask_N.sum())
    if not predictions.multilabel:
        hits = int(predictions.right[mask_N].sum())
        return hits / n, bootstrap.wilson(hits, n)
    guess_NK, truth_NK = predictions.guess[mask_N], predictions.truth[mask_N]
    counts_N3 = np.stack([(guess_NK & truth_NK).sum(1), guess_NK.sum(1), truth_NK.sum(1)], 1).astype(np.float64)
    value = float(_f1(counts_N3.sum(0, keepdims=True))[0])
    if not spread:
        return value, Interval(value, value)
    parts = [_f1(weights_RN.astype(np.float64) @ counts_N3) for weights_RN in bootstrap.drawn(n, bootstrap.FEWEST)]
    return value, bootstrap.ends({scores.RANKING[0]: np.concatenate(parts)})[scores.RANKING[0]]


def _f1(counts_R3: Floats) -> Floats:
    hits_R, predicted_R, support_R = counts_R3.T
    found: Floats = 2 * hits_R / np.maximum(predicted_R + support_R, 1)
    return found
