"""Losses: settings of each kind, the tasks it fits, and the function itself.

Shapes: B images, K classes. ``logits_BK`` are raw outputs; a target is ``labels_B`` (whole numbers) or ``shares_BK``
(0…1: several labels per image, or labels mixed by mixup and cutmix).

Class weights "auto" are N / (k · n_c): N labels, k classes, n_c labels of class c; a balanced data set gives 1 for
each. This file knows nothing of models, metrics or where targets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import Tensor

LossFunction: TypeAlias = Callable[["Tensor", "Tensor"], "Tensor"]
"""(logits_BK, target) → the mean loss as a scalar."""


class Loss(Family):
    """What training makes small."""

    tasks: ClassVar[tuple[str, ...]] = ()
    """Kinds of tasks that this loss fits."""

    class_weights: Literal["none", "auto"] = field("none", labels={"auto": "auto (rare classes count more)"})
    """auto: a class with few images counts as much as one with many. none: each image counts the same."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return the loss for ``task``; ``class_counts`` (training images per class) are read for "auto" weights."""
        raise NotImplementedError

    def weights(self, class_counts: Sequence[int]) -> tuple[float, ...] | None:
        """Return one weight per class, or None where all count the same."""
        return balanced(class_counts) if self.class_weights == "auto" else None


class CrossEntropy(Loss, kind="cross_entropy", label="Cross-entropy"):
    """The usual loss for one class per image."""

    tasks = ("classification",)
    label_smoothing: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.3))
    """Share of each label that is spread over all classes, against over-confidence; 0.05 to 0.1 often helps."""


class Focal(Loss, kind="focal", label="Focal"):
    """Looks less at images that are already right: for rare or hard classes. With gamma 0 it is the usual loss."""

    tasks = ("classification", "multilabel")
    gamma: float = field(2.0, ge=0, le=10, unit="ratio", soft=(0, 5))
    """How strongly easy images are ignored; 0 not at all."""


class BCE(Loss, kind="bce", label="Binary cross-entropy"):
    """The usual loss for several labels per image: one yes-or-no question per class."""

    tasks = ("multilabel",)
