"""Inputs: the settings that decide how images are read, in one place for the trainer and the preview.

The trainer builds its loaders with it, and the preview its pictures, so that both are the same numbers. Reading itself
is data/images.py's. Only processes that train or render read this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nbtrain.data.augmentation import Augmentation
from nbtrain.data.images import Images
from nbtrain.data.records import Record, Root
from nbtrain.training.tasks import Task


@dataclass(frozen=True, slots=True)
class Inputs:
    """The settings that decide what a model gets of an image."""

    task: Task
    augmentation: Augmentation
    seed: int
    n_classes: int
    shrink_px: int = 0

    @classmethod
    def of(cls, config: Any, n_classes: int) -> Inputs:
        """Return those of a whole configuration, for a data set of ``n_classes``."""
        return cls(config.task, config.augmentation, config.training.seed, n_classes, config.data.shrink_px)

    def images(
        self, root: Root, records: Sequence[Record], part: Literal["train", "val"], made: type[Images] = Images
    ) -> Images:
        """Return the images of one set as a loader reads them; those for training have stand-ins."""
        return made(
            root,
            records,
            self.augmentation.pipeline(part, self.task.image_size),
            seed=self.seed,
            n_classes=self.n_classes if self.task.kind == "multilabel" else None,
            stand_in=part == "train",
            shrink_px=self.shrink_px,
        )
