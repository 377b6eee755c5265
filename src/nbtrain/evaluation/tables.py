"""Tables of one evaluation: the confusion matrix, a row per class, the bins of the calibration.

It knows predictions and plain arrays; pandas dresses them for people elsewhere (project/evaluation.py).

Shapes: N images, K classes, B bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrain.errors import DataError
from nbtrain.evaluation import bootstrap, scores
from nbtrain.evaluation.predictions import Ints, Predictions
from nbtrain.evaluation.scores import Counts

MOST_CLASSES = 5000
"""A matrix of more classes would take gigabytes, and nobody could look at it."""


def confusion(predictions: Predictions) -> Ints:
    """Return how many images of each class (rows) were taken for each class (columns).

    Of several labels: K × 2 × 2, as scikit-learn's multilabel_confusion_matrix has it. Raises DataError for more
    classes than can be looked at.
    """
    k = len(predictions.classes)
    if predictions.multilabel:
        counts = Counts.of(predictions)
        hits, predicted, support = counts.hits[0], counts.predicted[0], counts.support[0]
        wrong, missed = predicted - hits, support - hits
        none = len(predictions) - hits - wrong - missed
        return np.stack([np.stack([none, wrong], 1), np.stack([missed, hits], 1)], 1).astype(np.int64)
    if k > MOST_CLASSES:
        advice = "cell() and errors() tell the images; per_class has a row for each class."
        raise DataError(f"a confusion matrix of {k} classes is too large", advice=advice)
    return np.bincount(predictions.targets * k + predictions.predicted, minlength=k * k).reshape(k, k)


def confused(predictions: Predictions, most: int, words: str = "") -> list[tuple[int, int, int]]:
    """Return the pairs of a class and what it was taken for with their images, the most frequent pair first.

    ``words`` keeps pairs one of whose names holds them, in any case. Of one label per image only; it takes no matrix.
    """
    k, wrong = len(predictions.classes), np.flatnonzero(~predictions.right)
    pairs, counts = np.unique(predictions.targets[wrong] * k + predictions.predicted[wrong], return_counts=True)
    true_P, told_P = np.divmod(pairs, max(1, k))
    if words.strip():
        sought = words.strip().casefold()
        named_K = np.array([sought in name.casefold() for name in predictions.classes], bool)
        kept = named_K[true_P] | named_K[told_P]
        true_P, told_P, counts = true_P[kept], told_P[kept], counts[kept]
    order = np.argsort(-counts, kind="stable")[:most]
    return list(zip(true_P[order].tolist(), told_P[order].tolist(), counts[order].tolist(), strict=True))


def cell(predictions: Predictions, true: int, predicted: int) -> Ints:
    """Return the places of the images of class ``true`` that were taken for ``predicted``, worst loss first.

    Of several labels: those that have the label ``true`` and lack ``predicted``, which was told of them all the same;
    the same class twice means its hits.
    """
    if predictions.multilabel:
        truth_NK, guess_NK = predictions.truth, predictions.guess
        alone_N = guess_NK[:, predicted] if true == predicted else ~truth_NK[:, predicted] & guess_NK[:, predicted]
        found_N = truth_NK[:, true] & alone_N
    else:
        found_N = (predictions.targets == true) & (predictions.predicted == predicted)
    places = np.flatnonzero(found_N)
    return places[np.argsort(-predictions.losses[places], kind="stable")]


def per_class(
    predictions: Predictions, intervals: Mapping[str, bootstrap.ClassIntervals] | None = None
) -> dict[str, Any]:
    """Return the columns of a table with a row per class: class, support, precision, recall, F1, AUROC and more.

    ``intervals`` by metric add a ``…_low`` and ``…_high`` column each.
    """
    counts = Counts.of(predictions)
    ranks = scores.ranked(predictions)
    columns: dict[str, Any] = {"class": list(predictions.classes), "support": counts.support[0].astype(np.int64)}
    columns["predicted"] = counts.predicted[0].astype(np.int64)
    for name, value_RK in counts.quotients().items():
        columns[name] = value_RK[0]
        if intervals and name in intervals:
            columns[f"{name}_low"], columns[f"{name}_high"] = intervals[name]
    columns |= {"auroc": ranks.auroc, "average_precision": ranks.average_precision}
    if predictions.multilabel:
        columns |= {"best_threshold": ranks.best_threshold, "best_f1": ranks.best_f1}
    return columns


def reliability(predictions: Predictions) -> dict[str, Any]:
    """Return the calibration's bins: their edges, how many decisions fall in, mean confidence, and share that is right.

    Means of an empty bin are NaN.
    """
    confidence, right, bins = scores.binned(predictions)
    n_B = np.bincount(bins, minlength=scores.N_BINS)
    safe_B = np.where(n_B > 0, n_B, np.nan)
    edges = np.linspace(0, 1, scores.N_BINS + 1)
    return {
        "from": edges[:-1], "to": edges[1:], "n": n_B,
        "confidence": np.bincount(bins, confidence, scores.N_BINS) / safe_B,
        "right": np.bincount(bins, right, scores.N_BINS) / safe_B,
    }  # fmt: skip
