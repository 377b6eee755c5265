"""Errors: the images that a model gets most wrong, one row for each wrong decision.

Of one label per image an error is an image that is taken for another class; of several labels it is a label that is
predicted and not there (a false positive), or there and not predicted (a miss). It knows predictions, and opens no
image.

Shapes: N images, K classes, E errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from nbtrain.errors import DataError
from nbtrain.evaluation.predictions import Floats, Ints, Predictions

Kind: TypeAlias = Literal["all", "false positives", "misses"]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong decision about one image."""

    place: int
    """The image, by its place in the list of files."""
    file: str
    true: tuple[str, ...]
    """The classes that the image has."""
    predicted: tuple[str, ...]
    """The classes that are predicted."""
    label: str
    """The class that the error is about: the one that was told, or that was missed."""
    kind: Literal["wrong class", "false positive", "miss"]
    probability: float
    """Of ``label``."""
    true_probability: float
    """Of the true class; where there are several, of ``label``."""
    loss: float


def errors(predictions: Predictions, n: int = 50, *, kind: Kind = "all", label: str = "") -> list[Wrong]:
    """Return the ``n`` worst errors, the highest loss first.

    ``kind`` and ``label`` choose among them: false positives of a label are images that were taken for it, misses
    images of that class. Raises DataError for words that mean nothing.
    """
    if kind not in get_args(Kind):
        raise DataError("there is no such kind of error", value=kind, advice=f"Kinds: {', '.join(get_args(Kind))}.")
    if label and label not in predictions.classes:
        raise DataError("there is no such class", value=label, advice="per_class lists them.")
    wanted = predictions.classes.index(label) if label else -1
    return _of_labels(predictions, n, kind, wanted) if predictions.multilabel else _of_classes(
        predictions, n, kind, wanted
    )  # fmt: skip


def _of_classes(predictions: Predictions, n: int, kind: Kind, wanted: int) -> list[Wrong]:
    true_N, predicted_N = predictions.targets, predictions.predicted
    chosen_N = ~predictions.right
    if wanted >= 0:
        told_N, missed_N = predicted_N == wanted, true_N == wanted
        chosen_N &= told_N if kind == "false positives" else missed_N if kind == "misses" else told_N | missed_N
    found = np.flatnonzero(chosen_N)
    worst = found[np.argsort(-predictions.losses[found], kind="stable")][:n]
    made = []
    for place in worst.tolist():
        true, told = int(true_N[place]), int(predicted_N[place])
        names = predictions.classes[true], predictions.classes[told]
        about = true if kind == "misses" else told
        shares = predictions.probabilities[place]
        made.append(
            Wrong(
                place, predictions.files[place], names[:1], names[1:], predictions.classes[about], "wrong class",
                float(shares[about]), float(shares[true]), float(predictions.losses[place]),
            )
        )  # fmt: skip
    return made


def _of_labels(predictions: Predictions, n: int, kind: Kind, wanted: int) -> list[Wrong]:
    """Each wrong pair of image and label is one error, its loss that of the one decision."""
    wrong_NK = predictions.guess != predictions.truth
    if kind != "all":
        wrong_NK = wrong_NK & (predictions.guess if kind == "false positives" else predictions.truth)
    if wanted >= 0:
        only_NK = np.zeros_like(wrong_NK)
        only_NK[:, wanted] = True
        wrong_NK = wrong_NK & only_NK
    places_E, labels_E = np.nonzero(wrong_NK)
    losses_E = _decision_losses(predictions, places_E, labels_E)
    worst = np.argsort(-losses_E, kind="stable")[:n]
    made = []
    for place, about, loss in zip(places_E[worst].tolist(), labels_E[worst].tolist(), losses_E[worst], strict=True):
        share = float(predictions.probabilities[place, about])
        told = "false positive" if predictions.guess[place, about] else "miss"
        made.append(
            Wrong(
                place, predictions.files[place], names_of(predictions, predictions.truth[place]),
                names_of(predictions, predictions.guess[place]), predictions.classes[about],
                "false positive" if told == "false positive" else "miss", share, share, float(loss),
            )
        )  # fmt: skip
    return made


def names_of(predictions: Predictions, chosen_K: Sequence[bool] | Ints) -> tuple[str, ...]:
    """Return the names of the chosen classes."""
    return tuple(predictions.classes[place] for place in np.flatnonzero(chosen_K).tolist())


def _decision_losses(predictions: Predictions, places_E: Ints, labels_E: Ints) -> Floats:
    shares_E = predictions.probabilities[places_E, labels_E].astype(np.float64)
    right_E = np.where(predictions.truth[places_E, labels_E], shares_E, 1 - shares_E)
    found: Floats = -np.log(np.maximum(right_E, 1e-12))
    return found
