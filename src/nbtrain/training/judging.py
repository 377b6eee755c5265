"""Judging: one pass over a set with weights that stay as they are, giving what the model says of each image.

The numbers are those of a validation while training: the same batches, the same parts of a batch where memory was short
before, the same sums. A batch that does not fit is computed in more parts. It knows tensors and loaders; checkpoints,
files and what becomes of the numbers it does not know.

Shapes: B images of a batch, N images of a set, C colours, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbtrain.messages import Message, Notice
from nbtrain.training.losses import LossFunction
from nbtrain.training.metrics import Metrics, Scores
from nbtrain.training.precision import Precision
from nbtrain.training.rescue import Rescue
from nbtrain.training.tasks import Task
from nbtrain.training.transfer import to_device


@dataclass(slots=True)
class Judged:
    """What the model says of the images of a set; those that could not be read are missing."""

    positions: npt.NDArray[np.int64]
    """N places in the set's list of records."""
    probabilities: npt.NDArray[np.float32]
    """N×K."""
    targets: npt.NDArray[Any]
    """N class ids, or N×K of 0 and 1."""
    losses: npt.NDArray[np.float32]
    """N, without the weights, smoothing and powers that the loss of training may have."""
    chosen: npt.NDArray[np.int64] | None
    """N predicted classes, None where images have several labels."""
    scores: Scores
    """What the validation of a run says of them."""


@dataclass(slots=True)
class Judge:
    """A model with all that it takes to judge images by it."""

    model: nn.Module
    task: Task
    loss: LossFunction
    prepare: Callable[[Tensor], Tensor]
    metrics: Metrics
    precision: Precision
    rescue: Rescue
    say: Callable[[Message], None]
    _parts: list[dict[str, Tensor]] = field(default_factory=list, init=False)

    @torch.no_grad()
    def judge(self, batches: Iterator[Any], told: Callable[[int], None]) -> Judged:
        """Go once through ``batches``; ``told`` takes the number of images that are done."""
        self.model.eval()
        done = 0
        for batch in batches:
            for logits_BK, target in self._computed(batch):
                self.metrics.add(logits_BK, target, self.loss.sums(logits_BK, target))
                self._parts.append(self._kept(logits_BK, target))
            self._parts[-1]["positions"] = batch.positions
            done += len(batch.images)
            told(done)
        return self._gathered()

    def _computed(self, batch: Any) -> list[tuple[Tensor, Tensor]]:
        """Return the outputs and targets of a batch in its parts; in more of them where memory runs out."""
        while True:
            try:
                return list(self._outputs(batch))
            except Exception as error:
                trouble = self.rescue.trouble(error)
                if trouble is None:
                    raise
            self.rescue.changes.splits *= 2
            self.rescue.free_memory()
            parts = self.rescue.changes.splits
            what = trouble.what[:1].upper() + trouble.what[1:]
            self.say(Notice(level="warning", text=f"{what}. Each batch is computed in {parts} parts from here on."))

    def _outputs(self, batch: Any) -> Iterator[tuple[Tensor, Tensor]]:
        images_BCHW, wanted = self.prepare(batch.images), to_device(batch.targets, self.precision.device)
        for some_BCHW, target in self.rescue.pieces(images_BCHW, wanted):
            with self.precision.autocast():
                logits_BK = self.model(some_BCHW).float()
            yield logits_BK, target

    def _kept(self, logits_BK: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return what is kept of some images, on the host."""
        single = target.ndim == 1
        exact_BK = logits_BK.double()
        if single:
            losses_B = nn.functional.cross_entropy(exact_BK, target, reduction="none")
        else:
            given_BK = target.double()
            losses_B = nn.functional.binary_cross_entropy_with_logits(exact_BK, given_BK, reduction="none").mean(1)
        found = {"probabilities": self.task.probabilities(logits_BK), "losses": losses_B.float(), "targets": target}
        found |= {"chosen": logits_BK.argmax(1)} if single else {}
        return {name: tensor.cpu() for name, tensor in found.items()}

    def _gathered(self) -> Judged:
        def all_of(name: str) -> npt.NDArray[Any]:
            found: npt.NDArray[Any] = torch.cat([part[name] for part in self._parts if name in part]).numpy()
            return found

        single = "chosen" in self._parts[0] if self._parts else True
        if not self._parts:
            nothing = np.zeros(0, np.int64)
            empty = np.zeros((0, len(self.metrics.classes)), np.float32)
            return Judged(nothing, empty, nothing, empty[:, :0].sum(1), None, self.metrics.result())
        return Judged(
            all_of("positions"),
            all_of("probabilities").astype(np.float32),
            all_of("targets") if single else all_of("targets").astype(np.uint8),
            all_of("losses"),
            all_of("chosen") if single else None,
            self.metrics.result(),
        )
