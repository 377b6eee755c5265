"""Metrics: what one validation says, gathered batch by batch on the device and read out once, at its end.

Counts (accuracy, precision, recall, F1) are kept as sums. Ranking metrics (AUROC, average precision) are exact: the
scores of all images are kept, as float32, which takes 4 bytes per image and class (200 MB for 50 000 images of 1 000
classes); up to _DEVICE_BYTES stay on the device, the rest goes to the host's memory.

What the averages cover, as in scikit-learn and torchmetrics:
- classification: precision, recall and F1 over the classes that appear among the labels or the predictions, with 0
  where a quotient is 0/0; multi-label: over all classes;
- AUROC over the classes that have both images with and without them; mean average precision over the classes that
  have images. Where there is no such class the metric is NaN.
A NaN among the outputs makes every metric of that validation NaN: a network that has broken down predicts nothing.

Shapes: B images of a batch, N images of a validation, C classes. It knows tensors; it knows no data set and no loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nbtrain.evaluation.scores import TOP, true_rank
from nbtrain.training.losses import Sums, over_images

_DEVICE_BYTES = 512 * 2**20
_CHUNK = 2**22
"""Scores that are ranked at once, which bounds the memory that sorting takes."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The result of one validation: named numbers, and one row of numbers per class."""

    values: dict[str, float]
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]


class Metrics:
    """Base of both kinds: the mean loss, the kept scores, and the mark for NaN."""

    def __init__(self, classes: Sequence[str], device: torch.device) -> None:
        self.classes, self.device = tuple(classes), device
        self._loss: Sums | None = None
        self._broken = torch.zeros((), dtype=torch.bool, device=device)
        self._scores_BC: list[Tensor] = []
        self._truth: list[Tensor] = []
        self._n = 0

    @torch.no_grad()
    def add(self, logits_BC: Tensor, truth: Tensor, loss: Sums | Tensor) -> None:
        """Take one batch in: its outputs, its labels, and what it adds to the loss, or its mean loss over the images.

        Nothing is read from the device.
        """
        logits_BC = logits_BC.detach().float()
        self._n += len(logits_BC)
        added = (loss if isinstance(loss, Sums) else over_images(loss, len(logits_BC))).exact()
        self._loss = added if self._loss is None else self._loss + added
        self._broken |= logits_BC.isnan().any()
        scores_BC = self._scored(logits_BC)
        self._count(logits_BC, scores_BC, truth)
        kept = len(self._scores_BC) * logits_BC.nbytes < _DEVICE_BYTES
        place = self.device if kept else torch.device("cpu")
        self._scores_BC.append(scores_BC.to(place))
        self._truth.append(truth.detach().to(place))

    def result(self) -> Scores:
        """Return the metrics of all that was added."""
        if not self._n or self._loss is None:
            return Scores({"loss": float("nan")}, ("class", "support"), ())
        truth = torch.cat([t.to(self._scores_BC[0].device) for t in self._truth])
        scores_NC = torch.cat([s.to(self._scores_BC[0].device) for s in self._scores_BC])
        auroc_C, precision_C = ranked(scores_NC, self._indicator(truth))
        values, per_class = self._summary(auroc_C, precision_C)
        values = {"loss": self._loss.loss(), **values}
        return self._read(values, {**per_class, "auroc": auroc_C})

    def _read(self, values: dict[str, Tensor], per_class: dict[str, Tensor]) -> Scores:
        """Bring everything to the host in two copies, one for the values and one for the rows."""
        broken = torch.where(self._broken, torch.nan, 0.0)
        numbers = (torch.stack([v.double().to(self.device) for v in values.values()]) + broken).tolist()
        support = per_class.pop("support")
        table = torch.stack([v.double().to(self.device) for v in per_class.values()], 1) + broken
        rows = zip(self.classes, support.tolist(), table.tolist(), strict=True)
        columns = ("class", "support", *per_class)
        return Scores(dict(zip(values, numbers, strict=True)), columns, tuple((n, int(s), *r) for n, s, r in rows))

    def _count(self, logits_BC: Tensor, scores_BC: Tensor, truth: Tensor) -> None:
        raise NotImplementedError

    def _scored(self, logits_BC: Tensor) -> Tensor:
        raise NotImplementedError

    def _indicator(self, truth: Tensor) -> Tensor:
        raise NotImplementedError

    def _summary(self, auroc_C: Tensor, precision_C: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        raise NotImplementedError


class ClassMetrics(Metrics):
    """One label per image; labels are class ids of shape B."""

    def __init__(self, classes: Sequence[str], device: torch.device) -> None:
        super().__init__(classes, device)
        self._hits_C, self._predicted_C, self._support_C = torch.zeros((3, len(classes)), device=device).long()
        self._top = torch.zeros((), dtype=torch.long, device=device)

    def _count(self, logits_BC: Tensor, scores_BC: Tensor, truth: Tensor) -> None:
        guess_B, n = logits_BC.argmax(1), len(self.classes)
        self._support_C += torch.bincount(truth, minlength=n)
        self._predicted_C += torch.bincount(guess_B, minlength=n)
        # Counted with a weight, since indexing by a mask would wait for the device to tell how many are left.
        self._hits_C += torch.bincount(truth, weights=(guess_B == truth).double(), minlength=n).long()
        if n > TOP:  # of the probabilities, which an evaluation has too: logits that differ may give equal ones
            true_B1, places_C = truth[:, None], torch.arange(n, device=truth.device)
            self._top += (true_rank(scores_BC, scores_BC.gather(1, true_B1), places_C, true_B1) < TOP).sum()

    def _scored(self, logits_BC: Tensor) -> Tensor:
        return logits_BC.softmax(1)

    def _indicator(self, truth: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(truth, len(self.classes)).bool()

    def _summary(self, auroc_C: Tensor, precision_C: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        quotients = _quotients(self._hits_C, self._predicted_C, self._support_C)
        seen_C = (self._predicted_C + self._support_C) > 0
        top = {"top5": self._top / self._n} if len(self.classes) > TOP else {}
        means = {name: _mean(q_C, seen_C) for name, q_C in quotients.items()}
        values = {"accuracy": self._hits_C.sum() / self._n, **top, **means, "auroc": _mean(auroc_C)}
        return values, {"support": self._support_C, **quotients}


class LabelMetrics(Metrics):
    """Any number of labels per image; labels are zeros and ones of shape B×C. A label is told from ``threshold`` on."""

    def __init__(self, classes: Sequence[str], device: torch.device, threshold: float = 0.5) -> None:
        super().__init__(classes, device)
        self.threshold = threshold
        self._hits_C, self._predicted_C, self._support_C = torch.zeros((3, len(classes)), device=device).long()

    def _count(self, logits_BC: Tensor, scores_BC: Tensor, truth: Tensor) -> None:
        guess_BC, truth_BC = scores_BC >= self.threshold, truth > 0.5
        self._hits_C += (guess_BC & truth_BC).sum(0)
        self._predicted_C += guess_BC.sum(0)
        self._support_C += truth_BC.sum(0)

    def _scored(self, logits_BC: Tensor) -> Tensor:
        return logits_BC.sigmoid()

    def _indicator(self, truth: Tensor) -> Tensor:
        return truth > 0.5

    def _summary(self, auroc_C: Tensor, precision_C: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        counts = self._hits_C, self._predicted_C, self._support_C
        quotients = _quotients(*counts)
        means = {name: q_C.mean() for name, q_C in quotients.items()}
        micro = _quotients(*(c.sum() for c in counts))["f1"]
        values = {"map": _mean(precision_C), **means, "f1_micro": micro, "auroc": _mean(auroc_C)}
        return values, {"support": self._support_C, **quotients, "average_precision": precision_C}


def _quotients(hits: Tensor, predicted: Tensor, support: Tensor) -> dict[str, Tensor]:
    """Return precision, recall and F1 of counts, 0 where they are 0/0."""
    hits = hits.double()
    return {
        "precision": hits / predicted.clamp(min=1),
        "recall": hits / support.clamp(min=1),
        "f1": 2 * hits / (predicted + support).clamp(min=1),
    }


def _mean(value_C: Tensor, counted_C: Tensor | None = None) -> Tensor:
    """Return the mean over the counted classes, or over those that have a value; NaN where there is none."""
    counted_C = ~value_C.isnan() if counted_C is None else counted_C
    return torch.where(counted_C, value_C, 0.0).sum() / counted_C.sum()


def ranked(scores_NC: Tensor, truth_NC: Tensor) -> tuple[Tensor, Tensor]:
    """Return AUROC and average precision of every class against the rest; NaN where a class cannot have one.

    Classes are ranked a few at a time. Equal scores count as scikit-learn counts them: half for AUROC, and all at once
    for average precision.
    """
    some = max(1, _CHUNK // max(1, len(scores_NC)))
    parts = zip(torch.split(scores_NC, some, 1), torch.split(truth_NC, some, 1), strict=True)
    found = [_ranked(s.T.contiguous(), t.T.contiguous()) for s, t in parts]
    return torch.cat([auroc for auroc, _ in found]), torch.cat([precision for _, precision in found])


def _ranked(scores_CN: Tensor, truth_CN: Tensor) -> tuple[Tensor, Tensor]:
    n = scores_CN.shape[1]
    sorted_CN, order_CN = scores_CN.sort(1)
    hits_CN = truth_CN.gather(1, order_CN)
    before_CN = torch.nn.functional.pad(hits_CN.cumsum(1), (1, 0))  # positives among the i lowest scores
    low_CN = torch.searchsorted(sorted_CN, sorted_CN)  # scores below this one
    high_CN = torch.searchsorted(sorted_CN, sorted_CN, right=True)  # scores up to and with this one
    positive_C, negative_C = before_CN[:, -1], n - before_CN[:, -1]
    hits_low_CN, hits_high_CN = before_CN.gather(1, low_CN), before_CN.gather(1, high_CN)
    beaten_CN = ((low_CN - hits_low_CN) + (high_CN - hits_high_CN)).double() / 2  # negatives below, ties by half
    precision_CN = (positive_C[:, None] - hits_low_CN).double() / (n - low_CN)
    auroc_C = (beaten_CN * hits_CN).sum(1) / (positive_C * negative_C)
    average_C = (precision_CN * hits_CN).sum(1) / positive_C
    auroc_C = torch.where(positive_C * negative_C > 0, auroc_C, torch.nan)
    return auroc_C, torch.where(positive_C > 0, average_C, torch.nan)
