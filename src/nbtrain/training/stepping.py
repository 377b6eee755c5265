"""One step: the gradient of some batches' loss, and the change of the weights by it. The loop takes such steps, and so
do probes that have to know what a real one does.

A step's loss is that of all its images together, whether they come as one batch, as several, or as parts of batches
where memory is short. A loss that is a mean adds up: each part is learned from as it comes, in proportion to its
weight. Any other (soft F1) is computed in two passes: the first finds the sums over all parts, the second learns from
each part by what the loss makes of them. That is GradCache (Gao et al. 2021, arXiv:2101.06983), with a loss's few sums
in place of all outputs.

It knows a run's parts. It knows no epochs, no checkpoints and no schedule: the learning rate is what the optimizer's
groups say.

Shapes: B images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import add
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from nbtrain.data.randomness import Stream, key, seed_everything
from nbtrain.training.losses import Sums
from nbtrain.training.parts import Parts
from nbtrain.training.phases import Span, no_span
from nbtrain.training.transfer import to_device

Pieces: TypeAlias = Callable[[Tensor, Tensor], Iterator[tuple[Tensor, Tensor]]]
"""Yields a batch, images and target, in parts."""
Part: TypeAlias = tuple[Tensor, Tensor, int]
"""Images and target of a batch, or of a part of one, and the number of images of that batch."""


def whole(images_BCHW: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield a batch in one piece."""
    yield images_BCHW, target


@dataclass(frozen=True, slots=True)
class Stepping:
    """How the weights of some parts are changed; every random number hangs on seed, step and batch."""

    parts: Parts
    seed: int
    pieces: Pieces = whole
    before_change: Callable[[], None] = lambda: None
    """Called when the gradient is there, right before the weights change."""
    span: Span = no_span
    """The context of each phase of a step, for a profile."""

    def step(self, batches: Iterator[Any], step: int, of: int, clip_norm: float) -> tuple[Tensor, Tensor]:
        """Change the weights once, by the gradient of the loss over the next ``of`` batches.

        A gradient with a norm above ``clip_norm`` is scaled down to it; 0 does not clip.

        Return the loss, and the share of right answers, as tensors on the device.
        """
        parts, scaler = self.parts, self.parts.precision.scaler
        parts.optimizer.zero_grad(set_to_none=True)
        found = self._gradient(islice(batches, of), step, of)
        with self.span("step"):
            if clip_norm:
                scaler.unscale_(parts.optimizer)
                nn.utils.clip_grad_norm_(parts.model.parameters(), clip_norm)
            self.before_change()
            scaler.step(parts.optimizer)
            scaler.update()
        return found

    def _gradient(self, batches: Iterator[Any], step: int, of: int) -> tuple[Tensor, Tensor]:
        """Make the gradient of the loss over ``batches``; return the loss and the share of right answers."""
        if self.parts.loss.adds_up:
            return self._in_one_pass(self._parts(batches, step), of)
        kept = list(batches)
        if len(kept) == 1 and len(parts := list(self._parts(kept, step))) == 1:
            return self._in_one_pass(iter(parts), of)
        return self._in_two_passes(kept, step)

    def _in_one_pass(self, parts: Iterator[Part], of: int) -> tuple[Tensor, Tensor]:
        """Learn from each part as it comes, as if all ``of`` batches had as many images as the first; mend it after."""
        told: list[tuple[Tensor, Tensor]] = []
        weight: float | Tensor = 0
        expected, n_images = 0, 0
        for images_BCHW, target, size in parts:
            expected = expected or size * of
            own = self.parts.loss.weight(target)
            told.append(self._learn(images_BCHW, target, own / expected, len(images_BCHW) / expected))
            weight, n_images = weight + own, n_images + len(images_BCHW)
        loss, hits = told[0] if len(told) == 1 else torch.stack([torch.stack(one) for one in told]).sum(0)
        if isinstance(weight, Tensor) or weight != expected:
            gradients = [p.grad for p in self.parts.model.parameters() if p.grad is not None]
            torch._foreach_mul_(gradients, expected / weight)
            loss = loss * (expected / weight)
        return loss, hits if n_images == expected else hits * (expected / n_images)

    def _learn(
        self, images_BCHW: Tensor, target: Tensor, share: float | Tensor, share_of_images: float
    ) -> tuple[Tensor, Tensor]:
        """Add a part's ``share`` of the gradient; return what it adds to the loss and to the share of right answers."""
        with self.span("forward"):
            logits_BK = self._logits(images_BCHW)
            loss = self.parts.loss(logits_BK, target)
            if isinstance(share, Tensor) or share != 1:
                loss = loss * share
        self._backward(loss)
        hits = _hits(logits_BK.detach(), target)
        return loss.detach(), hits if share_of_images == 1 else hits * share_of_images

    def _in_two_passes(self, batches: list[Any], step: int) -> tuple[Tensor, Tensor]:
        """Find the sums over all parts, then learn from each part by how the loss changes with them."""
        before = [(buffer, buffer.detach().clone()) for buffer in self.parts.model.buffers()]
        found = [self._added(images_BCHW, target) for images_BCHW, target, _ in self._parts(batches, step)]
        with torch.no_grad():  # running statistics take each part in once: in the second pass
            for buffer, value in before:
                buffer.copy_(value)
        added = reduce(add, (sums for sums, _, _ in found))
        terms = [term.requires_grad_() for term in added.terms]
        loss = added.of(*terms)
        slopes = torch.autograd.grad(loss, terms, allow_unused=True)
        for images_BCHW, target, _ in self._parts(batches, step):
            self._learn_by(slopes, images_BCHW, target)
        hits = torch.stack([hits * n_images for _, hits, n_images in found]).sum()
        return loss.detach().float(), hits / sum(n_images for _, _, n_images in found)

    def _added(self, images_BCHW: Tensor, target: Tensor) -> tuple[Sums, Tensor, int]:
        """Return what a part adds to the loss's sums, its share of right answers, and its number of images.

        The graph is made and let go: without one, a compiled network would be another program, which drops other units.
        """
        with self.span("forward"):
            logits_BK = self._logits(images_BCHW)
            sums = self.parts.loss.sums(logits_BK, target).exact()
        return sums, _hits(logits_BK.detach(), target), len(images_BCHW)

    def _learn_by(self, slopes: Sequence[Tensor | None], images_BCHW: Tensor, target: Tensor) -> None:
        """Add a part to the gradient, by the ``slopes`` of the loss over its sums."""
        with self.span("forward"):
            terms = self.parts.loss.sums(self._logits(images_BCHW), target).terms
            pairs = [(t, s) for t, s in zip(terms, slopes, strict=True) if s is not None and t.requires_grad]
            loss = torch.stack([(term * slope.to(term.dtype)).sum() for term, slope in pairs]).sum()
        self._backward(loss)

    def _logits(self, images_BCHW: Tensor) -> Tensor:
        with self.parts.precision.autocast():
            logits_BK: Tensor = (self.parts.compiled or self.parts.model)(images_BCHW)
        return logits_BK.float()

    def _backward(self, loss: Tensor) -> None:
        with self.span("backward"):
            self.parts.precision.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def _parts(self, batches: Iterable[Any], step: int) -> Iterator[Part]:
        """Yield a step's batches part by part, as the model takes them; the same ones each time."""
        device = self.parts.precision.device
        for place, batch in enumerate(batches):
            seed(key(self.seed, Stream.STEP, step, place), device)
            with self.span("transfer"):
                images_BCHW, target = self.parts.prepare(batch.images), to_device(batch.targets, device)
                if self.parts.mix:
                    images_BCHW, target = self.parts.mix(images_BCHW, target)
            for some_BCHW, wanted in self.pieces(images_BCHW, target):
                yield some_BCHW, wanted, len(images_BCHW)


def seed(number: int, device: torch.device) -> None:
    """Seed everything that draws random numbers for work on ``device``."""
    seed_everything(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


def _hits(logits_BK: Tensor, target: Tensor) -> Tensor:
    """Return the share of right answers; of mixed labels the larger share counts."""
    wanted_B = target if target.ndim == 1 else target.argmax(1)
    return (logits_BK.argmax(1) == wanted_B).float().mean()
