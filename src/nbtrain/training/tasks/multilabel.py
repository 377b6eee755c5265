"""Multi-label classification: each image may show any number of classes, none included.

Shapes: B images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbtrain.schema import field
from nbtrain.training.tasks.task import Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nbtrain.training.metrics import Metrics


class MultiLabel(Task, kind="multilabel", label="Multi-label"):
    """Any number of labels per image."""

    metrics = ("map", "f1", "precision", "recall", "auroc")
    monitor = "map"
    loss = "bce"

    threshold: float = field(0.5, gt=0, lt=1, unit="ratio", soft=(0.1, 0.9))
    """Probability from which a label counts as predicted."""

    def targets(self, labels: Sequence[Sequence[int]], classes: int) -> Tensor:
        """Return ``shares_BK``: 1 where the image has the label, else 0."""
        import torch

        shares_BK = torch.zeros(len(labels), classes)
        for row, indices in enumerate(labels):
            shares_BK[row, list(indices)] = 1.0
        return shares_BK

    def probabilities(self, logits_BK: Tensor) -> Tensor:
        """Return ``probabilities_BK``; each class stands for itself."""
        return logits_BK.float().sigmoid()

    def predictions(self, logits_BK: Tensor) -> Tensor:
        """Return ``chosen_BK``: true where the probability reaches the threshold."""
        return self.probabilities(logits_BK) >= self.threshold

    def measure(self, classes: Sequence[str], device: torch.device) -> Metrics:
        """Return what gathers the metrics of one validation on ``device``."""
        from nbtrain.training.metrics import LabelMetrics

        return LabelMetrics(classes, device, self.threshold)
