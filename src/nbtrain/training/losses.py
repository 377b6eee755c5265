"""Losses: settings of each kind, the tasks it fits, and the function itself.

Shapes: B images, K classes. ``logits_BK`` are raw outputs; a target is ``labels_B`` (whole numbers) or ``shares_BK``
(0…1: several labels per image, or labels mixed by mixup and cutmix).

Class weights "auto" are N / (k · n_c): N labels, k classes, n_c labels of class c; a balanced data set gives 1 for
each. "effective" ones are (1 - β) / (1 - β^n_c) (Cui et al. 2019, arXiv:1901.05555), brought to a mean of 1. This file
knows nothing of models, metrics or where targets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import Tensor

_TINY = 1e-8

LossFunction: TypeAlias = Callable[["Tensor", "Tensor"], "Tensor"]
"""(logits_BK, target) → the mean loss as a scalar."""


class Loss(Family):
    """What training makes small."""

    tasks: ClassVar[tuple[str, ...]] = ()
    """Kinds of tasks that this loss fits."""

    class_weights: Literal["none", "auto", "effective", "given"] = field(
        "none",
        labels={
            "auto": "auto (rare classes count more)",
            "effective": "effective number (gentler than auto)",
            "given": "as given",
        },
    )
    """auto: a class with few images counts as much as one with many. none: each image counts the same."""
    beta: float = field(
        0.999, ge=0, lt=1, unit="ratio", soft=(0.9, 0.9999), when=lambda s: s.class_weights == "effective"
    )
    """How much further images of a class still add: 0 gives equal weights, near 1 those of auto."""
    given_weights: tuple[float, ...] = field(
        (), ge=0, le=1e6, unit="ratio", label="Weights", when=lambda s: s.class_weights == "given"
    )
    """One weight per class, in the order of the classes; 1 counts each image once."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return the loss for ``task``; ``class_counts`` (training images per class) are read for "auto" weights."""
        raise NotImplementedError

    def weights(self, class_counts: Sequence[int]) -> tuple[float, ...] | None:
        """Return one weight per class, or None where all count the same."""
        match self.class_weights:
            case "auto":
                return balanced(class_counts)
            case "effective":
                return effective(class_counts, self.beta)
            case "given":
                return self.given_weights
        return None

    def _weights(self, class_counts: Sequence[int], device: Any) -> Tensor | None:
        import torch

        weights = self.weights(class_counts)
        return None if weights is None else torch.tensor(weights, device=device)


class CrossEntropy(Loss, kind="cross_entropy", label="Cross-entropy"):
    """The usual loss for one class per image."""

    tasks = ("classification",)
    label_smoothing: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.3))
    """Share of each label that is spread over all classes, against over-confidence; 0.05 to 0.1 often helps."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return cross-entropy over softmax."""
        weights_K = self._weights(class_counts, device)
        return partial(cross_entropy, weights_K=weights_K, label_smoothing=self.label_smoothing)


class Focal(Loss, kind="focal", label="Focal"):
    """Looks less at images that are already right: for rare or hard classes. With gamma 0 it is the usual loss."""

    tasks = ("classification", "multilabel")
    gamma: float = field(2.0, ge=0, le=10, unit="ratio", soft=(0, 5))
    """How strongly easy images are ignored; 0 not at all."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return focal loss over softmax, or over one sigmoid per class for several labels per image."""
        weights_K = self._weights(class_counts, device)
        made = focal if task == "classification" else binary_focal
        return partial(made, weights_K=weights_K, gamma=self.gamma)


class BCE(Loss, kind="bce", label="Binary cross-entropy"):
    """The usual loss for several labels per image: one yes-or-no question per class."""

    tasks = ("multilabel",)
    label_smoothing: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.3))
    """How far each yes and no is moved towards one half, against over-confidence; 0.05 to 0.1 often helps."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return binary cross-entropy over one sigmoid per class; weights count for labels that are there."""
        weights_K, smoothing = self._weights(class_counts, device), self.label_smoothing
        return partial(binary_focal, weights_K=weights_K, gamma=0.0, label_smoothing=smoothing)


class Asymmetric(Loss, kind="asymmetric", label="Asymmetric"):
    """For several labels per image of which few are there: easy noes count little, doubtful ones not at all.

    Ridnik et al. 2020, arXiv:2009.14119.
    """

    tasks = ("multilabel",)
    gamma_yes: float = field(1.0, ge=0, le=10, unit="ratio", soft=(0, 5), label="Focus on yes")
    """How strongly labels that are there and easy are ignored; 0 not at all."""
    gamma_no: float = field(4.0, ge=0, le=10, unit="ratio", soft=(0, 6), label="Focus on no")
    """How strongly labels that are not there and easy are ignored; above the one for yes."""
    margin: float = field(0.05, ge=0, lt=1, unit="ratio", soft=(0, 0.2))
    """A no with a probability below this counts nothing, which also forgives labels that were forgotten."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return the asymmetric loss over one sigmoid per class; weights count for labels that are there."""
        settings: dict[str, Any] = {"gamma_yes": self.gamma_yes, "gamma_no": self.gamma_no, "margin": self.margin}
        return partial(asymmetric, weights_K=self._weights(class_counts, device), **settings)


class SoftF1(Loss, kind="soft_f1", label="Soft F1"):
    """One minus the mean F1 of the classes, with probabilities in place of counts: trains what is measured.

    It needs batches that hold each class several times.
    """

    tasks = ("classification", "multilabel")

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return soft F1 over softmax, or over one sigmoid per class for several labels per image."""
        return partial(soft_f1, weights_K=self._weights(class_counts, device), softmax=task == "classification")


def balanced(class_counts: Sequence[int]) -> tuple[float, ...]:
    """Return N / (k · n_c) for each class; a class without images counts as if it had one."""
    total, classes = sum(class_counts), len(class_counts)
    return tuple(total / (classes * max(count, 1)) for count in class_counts)


def effective(class_counts: Sequence[int], beta: float) -> tuple[float, ...]:
    """Return (1 - β) / (1 - β^n_c) for each class, scaled to a mean of 1; no images count as one."""
    raw = [(1 - beta) / (1 - beta ** max(count, 1)) for count in class_counts]
    return tuple(weight * len(raw) / sum(raw) for weight in raw)


def cross_entropy(
    logits_BK: Tensor, target: Tensor, *, weights_K: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Return the mean cross-entropy for ``labels_B`` or ``shares_BK``, divided by the weights of what is there."""
    from torch.nn import functional

    if target.ndim == 1 or weights_K is None:
        return functional.cross_entropy(logits_BK, target, weight=weights_K, label_smoothing=label_smoothing)
    # torch divides soft targets by B, whole numbers by their weights; both are brought to the latter.
    summed = functional.cross_entropy(
        logits_BK, target, weight=weights_K, label_smoothing=label_smoothing, reduction="sum"
    )
    return summed / (target @ weights_K).sum()


def focal(logits_BK: Tensor, target: Tensor, *, weights_K: Tensor | None = None, gamma: float = 2.0) -> Tensor:
    """Return the mean focal loss (1 - p)^gamma · -log p over softmax (Lin et al. 2017, arXiv:1708.02002)."""
    from torch.nn import functional

    shares_BK = target if target.ndim == 2 else functional.one_hot(target, logits_BK.shape[1]).to(logits_BK.dtype)
    weighted_BK = shares_BK if weights_K is None else shares_BK * weights_K
    log_BK = logits_BK.log_softmax(dim=1)
    # -expm1 keeps 1 - p exact near p = 1, and the clamp keeps the gradient of its power finite there.
    missing_BK = (-log_BK.expm1()).clamp_min(_TINY)
    return -(weighted_BK * missing_BK**gamma * log_BK).sum() / weighted_BK.sum()


def binary_focal(
    logits_BK: Tensor,
    target: Tensor,
    *,
    weights_K: Tensor | None = None,
    gamma: float = 2.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the mean focal loss of one yes-or-no question per class; gamma 0 is binary cross-entropy.

    ``target`` is ``shares_BK``; ``weights_K`` count for the labels that are there, not for those that are not.
    """
    from torch.nn.functional import logsigmoid

    yes_BK, no_BK = logsigmoid(logits_BK), logsigmoid(-logits_BK)
    target = target * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else target
    weights = 1.0 if weights_K is None else weights_K
    if gamma == 0:
        return -(weights * target * yes_BK + (1 - target) * no_BK).mean()
    missed_BK, raised_BK = no_BK.exp().clamp_min(_TINY), yes_BK.exp().clamp_min(_TINY)
    return -(weights * target * missed_BK**gamma * yes_BK + (1 - target) * raised_BK**gamma * no_BK).mean()


def asymmetric(
    logits_BK: Tensor,
    target: Tensor,
    *,
    weights_K: Tensor | None = None,
    gamma_yes: float = 1.0,
    gamma_no: float = 4.0,
    margin: float = 0.05,
) -> Tensor:
    """Return the mean asymmetric loss of one yes-or-no question per class, ``target`` being ``shares_BK``."""
    from torch.nn.functional import logsigmoid

    p_BK = logits_BK.sigmoid()
    raised_BK = (p_BK - margin).clamp_min(0)  # what is left of the probability of a label that is not there
    yes_BK = (1 - p_BK).clamp_min(_TINY) ** gamma_yes * logsigmoid(logits_BK)
    no_BK = raised_BK.clamp_min(_TINY) ** gamma_no * (1 - raised_BK).clamp_min(_TINY).log()
    if margin == 0:
        no_BK = raised_BK.clamp_min(_TINY) ** gamma_no * logsigmoid(-logits_BK)
    weights = 1.0 if weights_K is None else weights_K
    return -(weights * target * yes_BK + (1 - target) * no_BK).mean()


def soft_f1(logits_BK: Tensor, target: Tensor, *, weights_K: Tensor | None = None, softmax: bool = False) -> Tensor:
    """Return one minus the mean over classes of 2·tp / (2·tp + fp + fn), of the classes in the batch."""
    from torch.nn import functional

    shares_BK = target if target.ndim == 2 else functional.one_hot(target, logits_BK.shape[1]).to(logits_BK.dtype)
    p_BK = logits_BK.softmax(dim=1) if softmax else logits_BK.sigmoid()
    hit_K = (p_BK * shares_BK).sum(dim=0)
    f1_K = 2 * hit_K / (p_BK.sum(dim=0) + shares_BK.sum(dim=0)).clamp_min(_TINY)
    there_K = (shares_BK.sum(dim=0) > 0).to(logits_BK.dtype)
    there_K = (shares_BK.sum(dim=0) > 0).to(logits_BK.dtype)  # a class that is not in the batch has no F1
    counted_K = there_K if weights_K is None else there_K * weights_K
    return 1 - (counted_K * f1_K).sum() / counted_K.sum().clamp_min(_TINY)
