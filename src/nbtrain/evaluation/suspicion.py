"""Suspicious labels: images whose label a model finds so unlikely that the label may be what is wrong.

Confident learning (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068): a class that is told at least as surely as is
usual for images of that class is told with confidence; an image whose confident class is not its own label is
suspected. All are ranked by the normalised margin, the label's probability minus that of the best other class. It
holds for images that the model has not learned from; those of training it knows by heart.

Shapes: N images, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbtrain.evaluation.predictions import Floats, Ints, Predictions

NEAR = 1e-6


@dataclass(frozen=True)
class Suspicion:
    """How much each label is doubted."""

    order: Ints
    """All images, the most doubtful label first."""
    quality: Floats
    """0 for a label that is surely wrong, 1 for one that is surely right."""
    suspected: npt.NDArray[np.bool_]
    """Images that are taken for another class with confidence."""
    given: Ints
    """The label in doubt: the image's own class, or of several labels the most doubtful one."""
    proposed: Ints
    """What it should be by the model; of several labels the same class, which is then there too much or too little."""


def suspicion(predictions: Predictions) -> Suspicion:
    """Rank all images by how much their labels are doubted."""
    made = _of_labels(predictions) if predictions.multilabel else _of_classes(predictions)
    quality_N, suspected_N, given_N, proposed_N = made
    # Those that are suspected come first; among equals the higher loss.
    order_N = np.lexsort((-predictions.losses, quality_N, ~suspected_N))
    return Suspicion(order_N, quality_N, suspected_N, given_N, proposed_N)


def _of_classes(predictions: Predictions) -> tuple[Floats, npt.NDArray[np.bool_], Ints, Ints]:
    shares_NK, given_N = predictions.probabilities.astype(np.float64), predictions.targets
    rows = np.arange(len(predictions))
    own_N = shares_NK[rows, given_N]
    usual_K = _usual(own_N, given_N, len(predictions.classes))
    confident_NK = np.where(shares_NK >= usual_K - NEAR, shares_NK, -1.0)
    told_N = confident_NK.argmax(1)
    suspected_N = (confident_NK.max(1, initial=-1.0) >= 0) & (told_N != given_N)
    others_NK = shares_NK.copy()
    others_NK[rows, given_N] = -1.0
    best_N = others_NK.argmax(1)
    return (own_N - others_NK[rows, best_N] + 1) / 2, suspected_N, given_N, best_N


def _usual(own_N: Floats, given_N: Ints, n_classes: int) -> Floats:
    """Return how probable each class is on average for the images that carry it; 2, never reached, without any."""
    n_K = np.bincount(given_N, minlength=n_classes)
    return np.where(n_K > 0, np.bincount(given_N, own_N, n_classes) / np.maximum(n_K, 1), 2.0)


def _of_labels(predictions: Predictions) -> tuple[Floats, npt.NDArray[np.bool_], Ints, Ints]:
    """Each class for itself is a question of yes or no; an image is as doubtful as its most doubtful answer."""
    shares_NK = predictions.probabilities.astype(np.float64)
    truth_NK = predictions.truth
    own_NK = np.where(truth_NK, shares_NK, 1 - shares_NK)
    usual = [_usual(own_NK[:, place], truth_NK[:, place].astype(np.int64), 2) for place in range(own_NK.shape[1])]
    usual_K2 = np.stack(usual) if usual else np.zeros((0, 2))
    other_NK = np.where(truth_NK, usual_K2[:, 0], usual_K2[:, 1])  # what is usual for the answer that was not given
    suspected_NK = (1 - own_NK >= other_NK - NEAR) & (own_NK < 0.5)
    doubtful_N = own_NK.argmin(1)
    suspected_N = np.asarray(suspected_NK.any(axis=1), bool)
    return own_NK.min(1, initial=1.0), suspected_N, doubtful_N, doubtful_N
