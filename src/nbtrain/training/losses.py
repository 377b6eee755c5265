"""Losses: settings of each kind, the tasks it fits, and the function itself.

Shapes: B images, K classes. ``logits_BK`` are raw outputs; a target is ``labels_B`` (whole numbers) or ``shares_BK``
(0…1: several labels per image, or labels mixed by mixup and cutmix).

A loss says what adds up of it over the parts of a step (batches, parts of a batch, processes) or of a validation, and
what it makes of the sums (:class:`Sums`), so that it is the same however the images are divided. Most are a mean over
images: a :class:`MeanLoss`.

Class weights "auto" are N / (k · n_c): N labels, k classes with images, n_c labels of class c; a balanced data set
gives 1 for each. "effective" ones are (1 - β) / (1 - β^n_c) (Cui et al. 2019, arXiv:1901.05555), brought to a mean of
1. A class without training images has the weight 0 in both: nothing is known of it, and label smoothing would teach it.

With one class per image all weights are scaled once, to a mean of 1 over the training images, and the loss is divided
by the number of images. That is torch's weighted mean for the whole training set. torch divides each batch by the
weights that are in it, which makes the loss of an image depend on its neighbours and cancels the weights of one alone.
This file knows nothing of models, metrics or where targets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from nbtrain.errors import ConfigError, Problem
from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import Tensor

_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class Sums:
    """What a loss adds up over parts, and what it makes of the sums of all of them."""

    terms: tuple[Any, ...]
    """Tensors, or numbers that are known without asking the device."""
    of: Callable[..., Tensor]
    """The loss of the terms, a scalar."""

    def __add__(self, other: Sums) -> Sums:
        """Return the sums of both."""
        return Sums(tuple(a + b for a, b in zip(self.terms, other.terms, strict=True)), self.of)

    def exact(self) -> Sums:
        """Return the sums without their graph and in double precision, as many parts are added up."""
        return Sums(tuple(t if isinstance(t, int | float) else t.detach().double() for t in self.terms), self.of)

    def loss(self) -> Tensor:
        """Return the loss of all that was added."""
        return self.of(*self.terms)


class LossFunction:
    """A loss at work: (logits_BK, target) → a scalar."""

    adds_up: ClassVar[bool] = True
    """Whether each part of a step can be learned from by itself; otherwise the step's sums are needed first."""

    def __call__(self, logits_BK: Tensor, target: Tensor) -> Tensor:
        """Return the loss of these images."""
        return self.sums(logits_BK, target).loss()

    def sums(self, logits_BK: Tensor, target: Tensor) -> Sums:
        """Return what these images add to the loss of all."""
        raise NotImplementedError

    def weight(self, target: Tensor) -> float | Tensor:
        """Return what the loss of these images counts in a mean over parts; a tensor where only the device knows it."""
        return len(target)


class MeanLoss(LossFunction):
    """A loss that is a mean: a sum over images, divided by their weight, which is their number."""

    def __init__(self, mean: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._mean = mean

    def __call__(self, logits_BK: Tensor, target: Tensor) -> Tensor:
        """Return the mean of these images."""
        return self._mean(logits_BK, target)

    def sums(self, logits_BK: Tensor, target: Tensor) -> Sums:
        """Return the sum over these images, and their weight."""
        return over_images(self(logits_BK, target), self.weight(target))


def over_images(mean: Tensor, weight: float | Tensor) -> Sums:
    """Return the sums that a ``mean`` over images of some ``weight`` comes from."""
    return Sums((mean.double() * weight, weight), lambda total, weight: total / weight)


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
    """auto: a class with few images counts as much as one with many. none: each image counts the same. With one class
    per image only the proportions of the weights matter: their mean over the training images is brought to 1. With
    several labels per image they multiply what a label that is there counts, as it stands."""
    beta: float = field(
        0.999, ge=0, lt=1, unit="ratio", soft=(0.9, 0.9999), when=lambda s: s.class_weights == "effective"
    )
    """How much further images of a class still add: 0 gives equal weights, near 1 those of auto."""
    given_weights: tuple[float, ...] = field(
        (), ge=0, le=1e6, unit="ratio", label="Weights", when=lambda s: s.class_weights == "given"
    )
    """One weight per class, in the order of the classes; twice the weight counts an image twice."""

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

    def _weights(self, task: str, class_counts: Sequence[int], device: Any) -> Tensor | None:
        """Return the weights that the loss multiplies with, None where all images count the same."""
        import torch

        weights = self.weights(class_counts)
        if weights is not None and task == "classification":
            weights = _per_image(weights, class_counts)
        return None if weights is None else torch.tensor(weights, device=device)


class CrossEntropy(Loss, kind="cross_entropy", label="Cross-entropy"):
    """The usual loss for one class per image."""

    tasks = ("classification",)
    label_smoothing: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.3))
    """Share of each label that is spread over all classes, against over-confidence; 0.05 to 0.1 often helps."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return cross-entropy over softmax."""
        weights_K = self._weights(task, class_counts, device)
        return MeanLoss(partial(cross_entropy, weights_K=weights_K, label_smoothing=self.label_smoothing))


class Focal(Loss, kind="focal", label="Focal"):
    """Looks less at images that are already right: for rare or hard classes. With gamma 0 it is the usual loss."""

    tasks = ("classification", "multilabel")
    gamma: float = field(2.0, ge=0, le=10, unit="ratio", soft=(0, 5))
    """How strongly easy images are ignored; 0 not at all."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return focal loss over softmax, or over one sigmoid per class for several labels per image."""
        weights_K = self._weights(task, class_counts, device)
        made = focal if task == "classification" else binary_focal
        return MeanLoss(partial(made, weights_K=weights_K, gamma=self.gamma))


class BCE(Loss, kind="bce", label="Binary cross-entropy"):
    """The usual loss for several labels per image: one yes-or-no question per class."""

    tasks = ("multilabel",)
    label_smoothing: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.3))
    """How far each yes and no is moved towards one half, against over-confidence; 0.05 to 0.1 often helps."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return binary cross-entropy over one sigmoid per class; weights count for labels that are there."""
        weights_K, smoothing = self._weights(task, class_counts, device), self.label_smoothing
        return MeanLoss(partial(binary_focal, weights_K=weights_K, gamma=0.0, label_smoothing=smoothing))


class Asymmetric(Loss, kind="asymmetric", label="Asymmetric"):
    """For several labels of which few are there: easy noes count little. A mean over images and classes; papers sum.

    Ridnik et al. 2020, arXiv:2009.14119. Its gradients are larger by images × classes. AdamW and its like do not see
    that factor, so its learning rates carry over; those for SGD do not.
    """

    tasks = ("multilabel",)
    gamma_yes: float = field(1.0, ge=0, le=10, unit="ratio", soft=(0, 5), label="Focus on yes")
    """How strongly labels that are there and easy are ignored; 0 not at all."""
    gamma_no: float = field(4.0, ge=0, le=10, unit="ratio", soft=(0, 6), label="Focus on no")
    """How strongly labels that are not there and easy are ignored; above the one for yes. Papers sum this loss where it
    is a mean here: multiply a learning rate for SGD that is taken from there by images × classes, and divide a
    gradient clipping by it; rates for AdamW and its like stay as they are."""
    margin: float = field(0.05, ge=0, lt=1, unit="ratio", soft=(0, 0.2))
    """A no with a probability below this counts nothing, which also forgives labels that were forgotten."""

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return the asymmetric loss over one sigmoid per class; weights count for labels that are there."""
        settings: dict[str, Any] = {"gamma_yes": self.gamma_yes, "gamma_no": self.gamma_no, "margin": self.margin}
        return MeanLoss(partial(asymmetric, weights_K=self._weights(task, class_counts, device), **settings))


class SoftF1(Loss, kind="soft_f1", label="Soft F1"):
    """One minus the mean F1 of the classes, with probabilities in place of counts: trains what is measured.

    It needs steps that hold each class several times. Where a step has several batches or parts it is that of all of
    them together, for which each is computed twice.
    """

    tasks = ("classification", "multilabel")

    def build(self, task: str, class_counts: Sequence[int] = (), device: Any = "cpu") -> LossFunction:
        """Return soft F1 over softmax, or over one sigmoid per class for several labels per image."""
        return SoftF1Function(self._weights(task, class_counts, device), softmax=task == "classification")


def balanced(class_counts: Sequence[int]) -> tuple[float, ...]:
    """Return N / (k · n_c) for each of the k classes that have images; 0 for one that has none."""
    total, present = sum(class_counts), sum(count > 0 for count in class_counts)
    return tuple(total / (present * count) if count else 0.0 for count in class_counts)


def effective(class_counts: Sequence[int], beta: float) -> tuple[float, ...]:
    """Return (1 - β) / (1 - β^n_c) for each class that has images, scaled to a mean of 1; 0 for one that has none."""
    raw = [(1 - beta) / (1 - beta**count) if count else 0.0 for count in class_counts]
    present = sum(count > 0 for count in class_counts)
    return tuple(weight * present / sum(raw) if weight else 0.0 for weight in raw)


def _per_image(weights: Sequence[float], class_counts: Sequence[int]) -> tuple[float, ...]:
    """Return the weights scaled to a mean of 1 over the training images; without counts, over the classes."""
    counts = class_counts if any(class_counts) else [1] * len(weights)
    total = sum(weight * count for weight, count in zip(weights, counts, strict=True))
    if not total:
        told = f"every class that has training images has the weight 0 ({', '.join(f'{w:g}' for w in weights)})."
        raise ConfigError([Problem("loss.class_weights", told, "Give one of them a weight above 0.")])
    return tuple(weight * sum(counts) / total for weight in weights)


def cross_entropy(
    logits_BK: Tensor, target: Tensor, *, weights_K: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Return the cross-entropy for ``labels_B`` or ``shares_BK`` per image."""
    from torch.nn import functional

    if weights_K is None:
        return functional.cross_entropy(logits_BK, target, label_smoothing=label_smoothing)
    summed = functional.cross_entropy(
        logits_BK, target, weight=weights_K, label_smoothing=label_smoothing, reduction="sum"
    )
    return summed / len(target)


def focal(logits_BK: Tensor, target: Tensor, *, weights_K: Tensor | None = None, gamma: float = 2.0) -> Tensor:
    """Return the focal loss (1 - p)^gamma · -log p over softmax per image (Lin et al. 2017, arXiv:1708.02002)."""
    from torch.nn import functional

    shares_BK = target if target.ndim == 2 else functional.one_hot(target, logits_BK.shape[1]).to(logits_BK.dtype)
    weighted_BK = shares_BK if weights_K is None else shares_BK * weights_K
    log_BK = logits_BK.log_softmax(dim=1)
    # -expm1 keeps 1 - p exact near p = 1, and the clamp keeps the gradient of its power finite there.
    missing_BK = (-log_BK.expm1()).clamp_min(_TINY)
    return -(weighted_BK * missing_BK**gamma * log_BK).sum() / shares_BK.sum()


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


class SoftF1Function(LossFunction):
    """One minus the mean over classes of 2·tp / (2·tp + fp + fn), of the classes that are there."""

    adds_up = False

    def __init__(self, weights_K: Tensor | None = None, *, softmax: bool = False) -> None:
        self._weights_K, self._softmax = weights_K, softmax

    def sums(self, logits_BK: Tensor, target: Tensor) -> Sums:
        """Return hits, probabilities and labels of each class, K sums each."""
        from torch.nn import functional

        shares_BK = target if target.ndim == 2 else functional.one_hot(target, logits_BK.shape[1]).to(logits_BK.dtype)
        p_BK = logits_BK.softmax(dim=1) if self._softmax else logits_BK.sigmoid()
        return Sums(((p_BK * shares_BK).sum(dim=0), p_BK.sum(dim=0), shares_BK.sum(dim=0)), self._loss)

    def _loss(self, hit_K: Tensor, p_K: Tensor, shares_K: Tensor) -> Tensor:
        f1_K = 2 * hit_K / (p_K + shares_K).clamp_min(_TINY)
        there_K = (shares_K > 0).to(hit_K.dtype)  # a class that is not there has no F1
        counted_K = there_K if self._weights_K is None else there_K * self._weights_K
        return 1 - (counted_K * f1_K).sum() / counted_K.sum().clamp_min(_TINY)
