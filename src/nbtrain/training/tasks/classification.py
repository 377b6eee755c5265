"""Classification: each image belongs to exactly one class.

Shapes: B images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbtrain.training.tasks.task import Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nbtrain.training.metrics import Metrics


class Classification(Task, kind="classification", label="Classification"):
    """One class per image."""

    metrics = ("accuracy", "top5", "precision", "recall", "f1", "auroc")
    monitor = "accuracy"
    loss = "cross_entropy"

    def targets(self, labels: Sequence[Sequence[int]], classes: int) -> Tensor:
        """Return ``labels_B``: the one class index of each image."""
        import torch

        return torch.tensor([first for first, *_ in labels], dtype=torch.int64)

    def probabilities(self, logits_BK: Tensor) -> Tensor:
        """Return ``probabilities_BK``; each row sums to 1."""
        return logits_BK.float().softmax(dim=1)

    def predictions(self, logits_BK: Tensor) -> Tensor:
        """Return ``labels_B``: the most probable class of each image."""
        return logits_BK.argmax(dim=1)

    def measure(self, classes: Sequence[str], device: torch.device) -> Metrics:
        """Return what gathers the metrics of one validation on ``device``."""
        from nbtrain.training.metrics import ClassMetrics

        return ClassMetrics(classes, device)
