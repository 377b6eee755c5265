"""One step: the mean gradient of some batches, and the change of the weights by it. The loop takes such steps, and so
do probes that have to know what a real one does.

It knows a run's parts. It knows no epochs, no checkpoints and no schedule: the learning rate is what the optimizer's
groups say.

Shapes: B images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from nbtrain.data.randomness import Stream, key, seed_everything
from nbtrain.training.parts import Parts
from nbtrain.training.phases import Span, no_span
from nbtrain.training.transfer import to_device

Pieces: TypeAlias = Callable[[Tensor, Tensor], Iterator[tuple[Tensor, Tensor, float]]]
"""Yields a batch in parts, each with its share of the batch."""


def whole(images_BCHW: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor, float]]:
    """Yield a batch in one piece."""
    yield images_BCHW, target, 1.0


@dataclass(frozen=True, slots=True)
class Stepping:
    """How the weights of some parts are changed; every random number hangs on seed, step and batch."""

    parts: Parts
    seed: int
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    pieces: Pieces = whole
    before_change: Callable[[], None] = lambda: None
    """Called when the gradient is there, right before the weights change."""
    span: Span = no_span
    """The context of each phase of a step, for a profile."""

    def step(self, batches: Iterator[Any], step: int, of: int) -> tuple[Tensor, Tensor]:
        """Change the weights once, by the mean gradient of the next ``of`` batches.

        Return the loss, and the share of right answers, as tensors on the device.
        """
        parts, scaler = self.parts, self.parts.precision.scaler
        parts.optimizer.zero_grad(set_to_none=True)
        shares = [self._backward(batch, step, place, of) for place, batch in enumerate(islice(batches, of))]
        with self.span("step"):
            if self.clip_norm:
                scaler.unscale_(parts.optimizer)
                nn.utils.clip_grad_norm_(parts.model.parameters(), self.clip_norm)
            self.before_change()
            scaler.step(parts.optimizer)
            scaler.update()
        loss, hits = (torch.stack(told).sum() for told in zip(*shares, strict=True))
        return loss, hits

    def _backward(self, batch: Any, step: int, place: int, of: int) -> tuple[Tensor, Tensor]:
        """Add one of a step's ``of`` batches to the gradient; return its shares of the loss and of right answers."""
        device = self.parts.precision.device
        seed(key(self.seed, Stream.STEP, step, place), device)
        with self.span("transfer"):
            images_BCHW, target = self.parts.prepare(batch.images), to_device(batch.targets, device)
            if self.parts.mix:
                images_BCHW, target = self.parts.mix(images_BCHW, target)
        told = [self._backward_part(*part, of) for part in self.pieces(images_BCHW, target)]
        loss, hits = told[0] if len(told) == 1 else torch.stack([torch.stack(one) for one in told]).sum(0)
        return loss / of, hits / of

    def _backward_part(self, images_BCHW: Tensor, target: Tensor, share: float, of: int) -> tuple[Tensor, Tensor]:
        """Add a part of a batch, all of it as a rule, to the gradient; return what it adds to the batch's numbers."""
        with self.span("forward"):
            with self.parts.precision.autocast():
                logits_BK = (self.parts.compiled or self.parts.model)(images_BCHW)
            loss = self.parts.loss(logits_BK.float(), target)
            weighted = loss if share == of == 1 else loss * share / of
        with self.span("backward"):
            self.parts.precision.scaler.scale(weighted).backward()  # type: ignore[no-untyped-call]
        return loss.detach() * share, _hits(logits_BK.detach(), target) * share


def seed(number: int, device: torch.device) -> None:
    """Seed everything that draws random numbers for work on ``device``."""
    seed_everything(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


def _hits(logits_BK: Tensor, target: Tensor) -> Tensor:
    """Return the share of right answers; of mixed labels the larger share counts."""
    wanted_B = target if target.ndim == 1 else target.argmax(1)
    return (logits_BK.argmax(1) == wanted_B).float().mean()
