"""What all tools are given, and what each notes while it trains: the same task, the same kinds of moments.

A script is called with its task as JSON, and prints its notes as the last line. It says when it has imported, when a
step is done, and when a validation has its accuracy; nothing of it is read from the device or computed for this.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Task:
    """One training."""

    data: str
    """Folder with train/CLASS/*.jpg and val/CLASS/*.jpg."""
    scratch: str
    """Folder for whatever the tool writes."""
    model: str = "mobilenet_v3_small"
    """Name of a torchvision model; its weights are random."""
    size: int = 64
    batch: int = 32
    epochs: int = 2
    lr: float = 1e-3
    """Peak rate of AdamW; a cosine brings it to 0."""
    decay: float = 0.01
    seed: int = 0
    threads: int = 1
    workers: int = 1
    precision: str = "32"

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return sum(1 for _ in Path(self.data, "train").iterdir())

    @property
    def n_images(self) -> int:
        """Number of training images."""
        return sum(1 for _ in Path(self.data, "train").glob("*/*.jpg"))

    @property
    def resize(self) -> int:
        """Shorter side of a validation image before its centre is cut out."""
        return self.size * 256 // 224

    def encoded(self) -> str:
        """Return the task as :func:`given` reads it."""
        return json.dumps(asdict(self))


@dataclass
class Notes:
    """Moments of one training, as seconds since 1970."""

    began_s: float = 0.0
    """The click, where that is not the process's start."""
    imported_s: float = 0.0
    ended_s: float = 0.0
    """When the end was seen, where that is not the process's end."""
    steps: list[tuple[float, int]] = field(default_factory=list)
    """End of each step, and its number of images."""
    validated: list[tuple[float, float]] = field(default_factory=list)
    """End of each validation, and its accuracy."""

    def imported(self) -> None:
        """Note that everything is imported."""
        self.imported_s = time.time()

    def step(self, n_images: int) -> None:
        """Note that a step over so many images is done."""
        self.steps.append((time.time(), n_images))

    def accuracy(self, value: float) -> None:
        """Note that a validation is done."""
        self.validated.append((time.time(), float(value)))

    def tell(self) -> None:
        """Print all as the last line."""
        print(json.dumps(asdict(self)), flush=True)


def given() -> tuple[Task, Notes]:
    """Return the task that this process was called with, and an empty notebook."""
    return Task(**json.loads(sys.argv[1])), Notes()
