"""Scores: every named metric of some predictions, for the set as it is and for any weighting of its images.

One definition serves both: a set as it is has the weight 1 for every image, a bootstrap resample how often each image
was drawn (bootstrap.py). What averages cover is as in training/metrics.py, scikit-learn and torchmetrics: of one label
per image over the classes that appear among labels or predictions, of several labels over all; AUROC over the classes
that have images with and without them. It knows arrays; it does not know where they come from.

Shapes: R weightings, N images, K classes, G groups of equal scores, B bins.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nbtrain.evaluation.predictions import Floats, Ints, Predictions

TOP = 5
"""Top-5 accuracy is told where there are more classes than this."""
N_BINS = 15
"""Bins of the calibration error: usual since Guo et al. 2017 (arXiv:1706.04599)."""
LOWER_IS_BETTER = frozenset({"loss", "nll", "brier", "ece"})
LABELS: Mapping[str, str] = {
    "accuracy": "Accuracy", "top5": "Top-5 accuracy", "precision": "Precision (macro)", "recall": "Recall (macro)",
    "f1": "F1 (macro)", "f1_weighted": "F1 (weighted)", "f1_micro": "F1 (micro)", "auroc": "AUROC (macro)",
    "map": "Mean average precision", "exact_match": "Exact match", "nll": "Log loss", "brier": "Brier score",
    "ece": "Calibration error", "loss": "Loss as trained",
}  # fmt: skip
"""What metrics are called for people, in the order in which they are shown."""
RANKING = ("auroc", "map")
"""Metrics that need every class's scores in order, which takes by far the longest."""
_SORTED = 2**22
"""Scores that are sorted at once, which bounds the memory."""


def label(name: str) -> str:
    """Return what a metric is called for people."""
    return LABELS.get(name, name)


def main(names: Container[str], *, multilabel: bool) -> str:
    """Return the metric that decides, and is shown first, among those that there are."""
    return "accuracy" if not multilabel else "map" if "map" in names else "f1_micro"


def values(predictions: Predictions) -> dict[str, float]:
    """Return every metric of the set as it is; NaN where it has none."""
    once = np.ones((1, len(predictions)), np.float32)
    found = {name: float(value_R[0]) for name, value_R in _unranked(predictions, once).items()}
    ranks = ranked(predictions)
    found["auroc"] = float(_mean(ranks.auroc[None])[0])
    if predictions.multilabel:
        found["map"] = float(_mean(ranks.average_precision[None])[0])
    return {name: found[name] for name in LABELS if name in found}


def weighted(predictions: Predictions, weights_RN: Floats, *, ranking: bool = True) -> dict[str, Floats]:
    """Return every metric under each weighting of the images, R values each; ``ranking`` leaves the slow ones out."""
    found = _unranked(predictions, weights_RN)
    if ranking:
        ranks = [ranked_class(*pair, weights_RN) for pair in _by_class(predictions)]
        found["auroc"] = _mean(np.stack([auroc_R for auroc_R, _ in ranks], 1))
        if predictions.multilabel:
            found["map"] = _mean(np.stack([precision_R for _, precision_R in ranks], 1))
    return {name: found[name] for name in LABELS if name in found}


def _unranked(predictions: Predictions, weights_RN: Floats) -> dict[str, Floats]:
    n_R = np.maximum(weights_RN.sum(1, dtype=np.float64), 1e-300)
    found = (_of_labels if predictions.multilabel else _of_classes)(predictions, weights_RN, n_R)
    if not len(predictions):
        found = {name: np.full_like(value_R, np.nan) for name, value_R in found.items()}
    return found


def _of_classes(predictions: Predictions, weights_RN: Floats, n_R: Floats) -> dict[str, Floats]:
    counts = Counts.of(predictions, weights_RN)
    quotients = counts.quotients()
    seen_RK = (counts.predicted + counts.support) > 0
    means = {name: _mean(np.where(seen_RK, q_RK, np.nan)) for name, q_RK in quotients.items()}
    single = {
        "accuracy": predictions.right, "nll": predictions.losses, "brier": _brier(predictions),
        **({"top5": _in_top(predictions)} if len(predictions.classes) > TOP else {}),
    }  # fmt: skip
    weighted_f1 = (quotients["f1"] * counts.support).sum(1) / n_R
    return {**_means(single, weights_RN, n_R), **means, "f1_weighted": weighted_f1, "ece": ece(predictions, weights_RN)}


def _of_labels(predictions: Predictions, weights_RN: Floats, n_R: Floats) -> dict[str, Floats]:
    counts = Counts.of(predictions, weights_RN)
    means = {name: _mean(q_RK) for name, q_RK in counts.quotients().items()}
    summed = Counts(*(part.sum(1, keepdims=True) for part in (counts.hits, counts.predicted, counts.support)))
    single = {
        "exact_match": predictions.right, "nll": predictions.losses, "brier": _brier(predictions),
    }  # fmt: skip
    micro = summed.quotients()["f1"][:, 0]
    return {**_means(single, weights_RN, n_R), **means, "f1_micro": micro, "ece": ece(predictions, weights_RN)}


@dataclass(frozen=True)
class Counts:
    """How often each class was right, was predicted, and is there, under each weighting."""

    hits: Floats
    predicted: Floats
    support: Floats

    @classmethod
    def of(cls, predictions: Predictions, weights_RN: Floats | None = None) -> Counts:
        """Count; without weights each image counts once."""
        weights_RN = np.ones((1, len(predictions)), np.float32) if weights_RN is None else weights_RN
        k = len(predictions.classes)
        if predictions.multilabel:
            guess_NK, truth_NK = predictions.guess, predictions.truth
            parts = (guess_NK & truth_NK, guess_NK, truth_NK)
            return cls(*((weights_RN @ part.astype(np.float32)).astype(np.float64) for part in parts))
        right = np.flatnonzero(predictions.right)
        return cls(
            summed(weights_RN[:, right], predictions.targets[right], k),
            summed(weights_RN, predictions.predicted, k),
            summed(weights_RN, predictions.targets, k),
        )

    def quotients(self) -> dict[str, Floats]:
        """Return precision, recall and F1 of each class, 0 where they are 0/0."""
        hits = self.hits
        return {
            "precision": hits / np.where(self.predicted > 0, self.predicted, 1),
            "recall": hits / np.where(self.support > 0, self.support, 1),
            "f1": 2 * hits / np.where((both := self.predicted + self.support) > 0, both, 1),
        }


def summed(values_RN: Floats, ids_N: Ints, n_ids: int) -> Floats:
    """Return the sums of columns that have the same id: R × ``n_ids``."""
    found = np.zeros((len(values_RN), n_ids))
    if len(ids_N):
        order = np.argsort(ids_N, kind="stable")
        sorted_N = ids_N[order]
        starts = np.flatnonzero(np.r_[True, sorted_N[1:] != sorted_N[:-1]])
        found[:, sorted_N[starts]] = np.add.reduceat(values_RN[:, order], starts, axis=1, dtype=np.float64)
    return found


def ranked_class(scores_N: Floats, truth_N: npt.NDArray[np.bool_], weights_RN: Floats) -> tuple[Floats, Floats]:
    """Return AUROC and average precision of one class against the rest; NaN where it cannot have one.

    Equal scores count as scikit-learn counts them: half for AUROC, and all at once for average precision.
    """
    if not len(scores_N):
        return np.full(len(weights_RN), np.nan), np.full(len(weights_RN), np.nan)
    order = np.argsort(-scores_N, kind="stable")
    sorted_N = scores_N[order]
    starts = np.flatnonzero(np.r_[True, sorted_N[1:] != sorted_N[:-1]])
    drawn_RN = weights_RN[:, order]
    all_RG = np.add.reduceat(drawn_RN, starts, axis=1, dtype=np.float64)
    positive_RG = np.add.reduceat(drawn_RN * truth_N[order], starts, axis=1, dtype=np.float64)
    hits_RG, reached_RG = positive_RG.cumsum(1), all_RG.cumsum(1)
    n_positive_R, n_negative_R = hits_RG[:, -1], reached_RG[:, -1] - hits_RG[:, -1]
    below_RG = n_negative_R[:, None] - (reached_RG - hits_RG) + (all_RG - positive_RG) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        auroc_R = (positive_RG * below_RG).sum(1) / (n_positive_R * n_negative_R)
        precision_R = (positive_RG * hits_RG / np.maximum(reached_RG, 1e-300)).sum(1) / n_positive_R
    return auroc_R, precision_R


class Ranks(NamedTuple):
    """What follows from the order of each class's scores, K numbers each; NaN where a class cannot have one."""

    auroc: Floats
    average_precision: Floats
    best_threshold: Floats
    """Where F1 is highest."""
    best_f1: Floats


def ranked(predictions: Predictions) -> Ranks:
    """Return AUROC, average precision and the highest F1 of every class, as :func:`ranked_class` and curves.py have it.

    Only where the images of a class lie among all is looked up. So all scores are sorted without their places, some
    columns at a time, which takes a fifth of the time: many classes are quick this way.
    """
    n, k = predictions.probabilities.shape
    found_4K = np.full((4, k), np.nan)
    some = max(1, _SORTED // max(1, n))
    for first in range(0, k if n else 0, some):
        columns_KN = np.ascontiguousarray(predictions.probabilities[:, first : first + some].T)
        truth_KN = np.ascontiguousarray(predictions.truth[:, first : first + some].T)
        own = [np.sort(columns_KN[at][truth_KN[at]]) for at in range(len(columns_KN))]
        columns_KN.sort(axis=1)
        for at, own_P in enumerate(own):
            if len(own_P):
                found_4K[:, first + at] = _ranked_once(columns_KN[at], own_P)
    return Ranks(*found_4K)


def _ranked_once(sorted_N: Floats, own_P: Floats) -> tuple[float, float, float, float]:
    """Return the numbers of one class from all scores and those of its own images, each from low to high."""
    n, p = len(sorted_N), len(own_P)
    below_P, upto_P = np.searchsorted(sorted_N, own_P, "left"), np.searchsorted(sorted_N, own_P, "right")
    own_below_P, own_upto_P = np.searchsorted(own_P, own_P, "left"), np.searchsorted(own_P, own_P, "right")
    # Of the images without the class those below count whole, equal ones half.
    beaten_P = (below_P - own_below_P) + ((upto_P - below_P) - (own_upto_P - own_below_P)) / 2
    auroc = float(beaten_P.sum() / (p * (n - p))) if n > p else np.nan
    # From its score on, each of the class's images has been reached with so many others; F1 is highest at one of them.
    hits_P, reached_P = p - own_below_P, n - below_P
    f1_P = 2 * hits_P / (reached_P + p)
    best = p - 1 - int(f1_P[::-1].argmax())
    return auroc, float((hits_P / reached_P).mean()), float(own_P[best]), float(f1_P[best])


def binned(predictions: Predictions) -> tuple[Floats, npt.NDArray[np.bool_], Ints]:
    """Return the confidences that calibration is about, whether each came true, and its bin (0 … N_BINS − 1).

    Of one label per image that is the predicted class's probability; of several labels the probability of each.
    """
    if predictions.multilabel:
        confidence, right = predictions.probabilities.ravel(), predictions.truth.ravel()
    else:
        confidence, right = predictions.probabilities.max(1, initial=0.0), predictions.right
    edges = np.linspace(0, 1, N_BINS + 1, dtype=np.float32)
    # A bin takes what lies above its lower edge, up to and with its upper one; 0 itself belongs to the first.
    return confidence, right, np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, N_BINS - 1)


def ece(predictions: Predictions, weights_RN: Floats) -> Floats:
    """Return the expected calibration error: how far confidence and success lie apart, in the mean over all bins."""
    confidence, right, bins = binned(predictions)
    per = len(predictions.classes) if predictions.multilabel else 1
    gaps = right.astype(np.float64) - confidence
    cells = np.repeat(np.arange(len(predictions)), per) * N_BINS + bins
    by_image = np.bincount(cells, gaps, len(predictions) * N_BINS).reshape(-1, N_BINS)
    total_R = np.maximum(weights_RN.sum(1, dtype=np.float64) * per, 1e-300)
    found: Floats = np.abs(weights_RN.astype(np.float64) @ by_image).sum(1) / total_R
    return found


def _brier(predictions: Predictions) -> Floats:
    """Return the squared distance of the probabilities from the truth: summed over classes, of several labels meant."""
    # (p − y)² is p² − 2py + y, since y is 0 or 1: no array of N × K in doubles.
    shares_NK = predictions.probabilities
    squares_N = np.einsum("nk,nk->n", shares_NK, shares_NK, dtype=np.float64)
    if not predictions.multilabel:
        true_N1 = np.take_along_axis(shares_NK, predictions.targets[:, None], 1)
        single: Floats = squares_N - 2.0 * true_N1[:, 0].astype(np.float64) + 1
        return single
    own_N = np.einsum("nk,nk->n", shares_NK, predictions.targets, dtype=np.float64)
    found: Floats = (squares_N - 2 * own_N + predictions.targets.sum(1)) / max(1, shares_NK.shape[1])
    return found


def true_rank(scores_NK: Any, own_N1: Any, places_K: Any, true_N1: Any) -> Any:
    """Return how many classes come before the true one: those with a higher score and, of equal ones, the first named.

    That is the order of argmax, so an image that is right is in the top 5 too. It serves arrays here and tensors in
    training/metrics.py: ``own_N1`` are the scores of the true classes ``true_N1``, ``places_K`` is 0 … K − 1.
    """
    return ((scores_NK > own_N1) | ((scores_NK == own_N1) & (places_K < true_N1))).sum(1)


def _in_top(predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Return whether the true class is among the most probable ones."""
    scores_NK, true_N1 = predictions.probabilities, predictions.targets[:, None]
    own_N1 = np.take_along_axis(scores_NK, true_N1, 1)
    found: npt.NDArray[np.bool_] = true_rank(scores_NK, own_N1, np.arange(scores_NK.shape[1]), true_N1) < TOP
    return found


def _means(single: Mapping[str, npt.NDArray[np.generic]], weights_RN: Floats, n_R: Floats) -> dict[str, Floats]:
    table = np.stack([np.asarray(value_N, np.float64) for value_N in single.values()], 1)
    found = (weights_RN.astype(np.float64) @ table) / n_R[:, None]
    return {name: found[:, column] for column, name in enumerate(single)}


def _mean(value_RK: Floats) -> Floats:
    """Return the mean over the classes that have a value; NaN where there is none."""
    there_RK = ~np.isnan(value_RK)
    n_R = there_RK.sum(1)
    found: Floats = np.where(n_R > 0, np.where(there_RK, value_RK, 0).sum(1) / np.maximum(n_R, 1), np.nan)
    return found


def _by_class(predictions: Predictions) -> Iterator[tuple[Floats, npt.NDArray[np.bool_]]]:
    for place in range(len(predictions.classes)):
        yield predictions.probabilities[:, place], predictions.truth[:, place]
