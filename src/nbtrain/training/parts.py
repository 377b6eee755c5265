"""What a loop is made of: the numbers of a run, and its working parts. build.py fills them in, loop.py uses them.

It says what each part must be able to do; it makes none.
Shapes: B images of a batch, C colours, H height, W width, R = W × C numbers of a row of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from nbtrain.models.freezing import Unfreezing
from nbtrain.training.compiling import Compiled
from nbtrain.training.ema import Ema
from nbtrain.training.losses import LossFunction
from nbtrain.training.metrics import Metrics
from nbtrain.training.precision import Precision
from nbtrain.training.schedulers import Schedule
from nbtrain.training.transfer import to_device

_NEAR = 4
"""Images that are normalised together on the CPU: so many stay in its cache between two operations."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended by itself, and why, in words for the person."""

    status: Literal["completed", "cancelled", "paused"]
    reason: str = ""


class Batches(Protocol):
    """What the loop needs of a loader (data/loader.py)."""

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[Any]:
        """Yield training batches ``start`` to before ``stop``, over all epochs in one go."""

    def once(self) -> Iterator[Any]:
        """Yield the whole set in its own order."""

    def close(self) -> None:
        """End the worker processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The numbers of a run."""

    seed: int
    epochs: int
    batches_per_epoch: int
    multiplier: int = 1
    """Batches per step."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    say_every: int = 10
    """Steps between two messages about the training loss."""
    save_every: int = 1
    """Epochs between two checkpoints."""
    save_every_s: float = 0.0
    """Seconds after which one is kept in the middle of an epoch too; 0 waits for its end."""
    keep_best_only: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch; the last may have fewer batches."""
        return -(-self.batches_per_epoch // self.multiplier)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is trained, and with what; all on its device."""

    model: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    train: Batches
    val: Batches
    prepare: Callable[[Tensor], Tensor]
    """Brings a loader's images to the device, and into the form that the model takes."""
    metrics: Callable[[], Metrics]
    """Makes the metrics of one validation."""
    one_label: bool
    """Whether each image has exactly one label, so that there are right answers to count while training."""
    precision: Precision
    mix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    """Mixes the images and labels of a training batch, drawing from torch's default generator."""
    ema: Ema | None = None
    unfreezing: Unfreezing | None = None
    """What is frozen at first, and until when."""
    compiled: Compiled | None = None
    """The model's training pass, compiled; None trains the model as it is."""


class Prepare:
    """Brings a batch of a loader (uint8 of shape BCHW) to the device, as floats of mean 0 and deviation 1.

    Bytes travel, floats are made where they are used, in the channels-last order that convolutions are fastest with.
    """

    def __init__(self, device: torch.device, mean: Sequence[float], std: Sequence[float]) -> None:
        self.device = device
        self._mean_C11, self._scale_C11 = (
            torch.tensor(values, device=device).reshape(-1, 1, 1)
            for values in ([255 * m for m in mean], [1 / (255 * s) for s in std])
        )

    def __call__(self, images_BCHW: Tensor) -> Tensor:
        """Return the batch as the model takes it."""
        images_BCHW = to_device(images_BCHW, self.device)
        if self.device.type == "cpu" and images_BCHW.is_contiguous(memory_format=torch.channels_last):
            return self._in_rows(images_BCHW)
        images_BCHW = images_BCHW.to(torch.float32, memory_format=torch.channels_last)
        return images_BCHW.sub_(self._mean_C11).mul_(self._scale_C11)

    def _in_rows(self, images_BCHW: Tensor) -> Tensor:
        """Return the same numbers four times as soon, on the CPU: whole rows at once, a few images while they are near.

        With colours innermost, an operation that knows one value per colour would work on three numbers at a time.
        """
        made_BCHW = torch.empty_like(images_BCHW, dtype=torch.float32, memory_format=torch.channels_last)
        width = images_BCHW.shape[-1]
        mean_R, scale_R = (values.flatten().repeat(width) for values in (self._mean_C11, self._scale_C11))
        from_BHR, to_BHR = (one.permute(0, 2, 3, 1).flatten(2) for one in (images_BCHW, made_BCHW))
        for first in range(0, len(images_BCHW), _NEAR):
            some = slice(first, first + _NEAR)
            to_BHR[some].copy_(from_BHR[some]).sub_(mean_R).mul_(scale_R)
        return made_BCHW
