"""The root of all tasks: what a task decides for the rest of a run.

A task says what the target of an image is, how raw outputs become probabilities and predictions, and which metrics
tell how good they are (metrics.py computes them). Which losses fit, each loss says itself.

Shapes: B images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from nbtrain.schema import Family, field

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nbtrain.training.metrics import Metrics


class Task(Family):
    """What is learned from an image."""

    metrics: ClassVar[tuple[str, ...]] = ()
    """Names of the metrics of a validation, most telling first."""
    monitor: ClassVar[str] = ""
    """The metric that says which epoch is best where the person named none."""
    loss: ClassVar[str] = ""
    """Kind of the loss to start from."""

    image_size: int = field(224, ge=8, le=4096, unit="px", soft=(32, 640))
    """Height and width that every image has when the model sees it. Usual: 224; 384 shows finer detail, slower."""

    def targets(self, labels: Sequence[Sequence[int]], classes: int) -> Tensor:
        """Return the targets of a batch from each image's class indices."""
        raise NotImplementedError

    def probabilities(self, logits_BK: Tensor) -> Tensor:
        """Return ``probabilities_BK`` (0…1) for raw outputs."""
        raise NotImplementedError

    def predictions(self, logits_BK: Tensor) -> Tensor:
        """Return what is predicted: ``labels_B``, or ``chosen_BK`` (true and false) where several labels may hold."""
        raise NotImplementedError

    def measure(self, classes: Sequence[str], device: torch.device) -> Metrics:
        """Return what gathers the metrics of one validation on ``device``."""
        raise NotImplementedError
