"""Scores: every named metric of some predictions, for the set as it is and for any weighting of its images.

One definition serves both: a set as it is has the weight 1 for every image, a bootstrap resample how often each image
was drawn (bootstrap.py). What averages cover is as in training/metrics.py, scikit-learn and torchmetrics: of one label
per image over the classes that appear among labels or predictions, of several labels over all; AUROC over the classes
that have images with and without them. It knows arrays; it does not know where they come from.

Shapes: R weightings, N images, K classes, G groups of equal scores, B bins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbtrain.evaluation.predictions import Floats, Ints, Predictions

TOP = 5
"""Top-5 accuracy is told where there are more classes than this, as while training."""
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


def label(name: str) -> str:
    """Return what a metric is called for people."""
    return LABELS.get(name, name)


def values(predictions: Predictions) -> dict[str, float]:
    """Return every metric of the set as it is; NaN where it has none."""
    found = weighted(predictions, np.ones((1, len(predictions)), np.float32))
    return {name: float(value_R[0]) for name, value_R in found.items()}


def weighted(predictions: Predictions, weights_RN: Floats, *, ranking: bool = True) -> dict[str, Floats]:
    """Return every metric under each weighting of the images, R values each; ``ranking`` leaves the slow ones out."""
    n_R = np.maximum(weights_RN.sum(1, dtype=np.float64), 1e-300)
    make = _of_labels if predictions.multilabel else _of_classes
    found = make(predictions, weights_RN, n_R)
    if ranking:
        ranks = [ranked_class(*pair, weights_RN) for pair in _by_class(predictions)]
        found["auroc"] = _mean(np.stack([auroc_R for auroc_R, _ in ranks], 1))
        if predictions.multilabel:
            found["map"] = _mean(np.stack([precision_R for _, precision_R in ranks], 1))
    if not len(predictions):
        found = {name: np.full_like(value_R, np.nan) for name, value_R in found.items()}
    return {name: found[name] for name in LABELS if name in found}


def _of_classes(predictions: Predictions, weights_RN: Floats, n_R: Floats) -> dict[str, Floats]:
    counts = Counts.of(predictions, weights_RN)
    quotients = counts.quotients()
    seen_RK = (counts.predicted + counts.support) > 0
    means = {name: _mean(np.where(seen_RK, q_RK, np.nan)) for name, q_RK in quotients.items()}
    single = {
        "accuracy": predictions.right, "nll": predictions.losses, "brier": _brier(predictions),
        **({"top5": _true_rank(predictions) < TOP} if len(predictions.classes) > TOP else {}),
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


def ranked(predictions: Predictions) -> tuple[Floats, Floats]:
    """Return AUROC and average precision of every class, K each."""
    once = np.ones((1, len(predictions)), np.float32)
    found = [ranked_class(*pair, once) for pair in _by_class(predictions)]
    return np.array([auroc_R[0] for auroc_R, _ in found]), np.array([precision_R[0] for _, precision_R in found])


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
    by_image = np.zeros((len(predictions), N_BINS))
    if len(predictions):
        np.add.at(by_image, (np.repeat(np.arange(len(predictions)), per), bins), gaps)
    total_R = np.maximum(weights_RN.sum(1, dtype=np.float64) * per, 1e-300)
    found: Floats = np.abs(weights_RN.astype(np.float64) @ by_image).sum(1) / total_R
    return found


def _brier(predictions: Predictions) -> Floats:
    """Return the squared distance of the probabilities from the truth: summed over classes, of several labels meant."""
    distance_NK = np.square(predictions.probabilities.astype(np.float64) - predictions.truth)
    found: Floats = distance_NK.mean(1) if predictions.multilabel else distance_NK.sum(1)
    return found


def _true_rank(predictions: Predictions) -> Ints:
    """Return how many classes are more probable than the true one."""
    true_N1 = np.take_along_axis(predictions.probabilities, predictions.targets[:, None], 1)
    found: Ints = (predictions.probabilities > true_N1).sum(1)
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
