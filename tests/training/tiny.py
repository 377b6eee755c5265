"""A whole run in miniature: real digits, the real loader, a network of a few thousand weights.

``life`` and ``short_of_memory`` are for processes of their own; test_lives.py starts them.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from sklearn.datasets import load_digits
from torch import nn
from torchvision.transforms import v2

from nbtrain.config import Config
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.recipe import Transform
from nbtrain.data.records import Record
from nbtrain.messages import Change, Message, Notice, Stop
from nbtrain.models.freezing import Unfreezing
from nbtrain.training.changes import Changes
from nbtrain.training.checkpoint import Checkpoints
from nbtrain.training.commands import Commands
from nbtrain.training.ema import Ema
from nbtrain.training.live import Live
from nbtrain.training.loop import Loop
from nbtrain.training.losses import BCE, CrossEntropy
from nbtrain.training.metrics import ClassMetrics, LabelMetrics
from nbtrain.training.monitor import Monitor
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.parts import Parts, Plan
from nbtrain.training.precision import Precision
from nbtrain.training.schedulers import Cosine, Course
from nbtrain.training.settings import Checkpoint

CPU = torch.device("cpu")
CLASSES = tuple(str(i) for i in range(10))
PARTS = "model_state_dict", "ema_state_dict", "optimizer_state_dict", "scheduler_state_dict", "loop_state_dict"


class Network(nn.Sequential):
    """Everything that makes resuming hard: batch normalisation, dropout, biases."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10),
        )  # fmt: skip


@lru_cache(maxsize=1)
def digits() -> tuple[list[np.ndarray], list[int]]:
    """Return the digits as 8×8 images of three equal colours, and their classes."""
    found = load_digits()
    grey = (found.images * 15.9375).astype(np.uint8)
    return [np.repeat(image[:, :, None], 3, 2) for image in grey], [int(y) for y in found.target]


def images(start: int, stop: int, *, train: bool, several: bool, transform: Transform | None = None) -> Images:
    pixels, labels = digits()
    extra = (lambda y: (y, (y + 1) % 10)) if several else (lambda y: (y,))
    records = [Record(f"{i}.png", extra(labels[i])) for i in range(start, stop)]
    transform = transform or (jitter if train else keep)
    made = Images(Path(), records, transform, seed=5, n_classes=10 if several else None, stand_in=train)
    made.kept = list(pixels[start:stop])
    return made


def jitter(image: torch.Tensor) -> torch.Tensor:
    """Shift by up to one pixel: augmentation that draws from torch's generator."""
    dy, dx = torch.randint(-1, 2, (2,)).tolist()
    return image.roll((dy, dx), (1, 2))


def keep(image: torch.Tensor) -> torch.Tensor:
    return image


def half(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image with its neighbour by a drawn share."""
    share = float(torch.rand(()))
    y = nn.functional.one_hot(y, 10).float()
    return torch.lerp(x.roll(1, 0), x, share), torch.lerp(y.roll(1, 0), y, share)


def tiny_loop(
    folder: Path,
    *,
    stop_at: int | None = None,
    kill_at: int | None = None,
    changes: Sequence[tuple[int, str, Any]] = (),
    n: int = 330,
    batch: int = 32,
    epochs: int = 3,
    multiplier: int = 1,
    clip: float = 0.0,
    lr: float = 1e-2,
    warmup: float = 0.0,
    ema: bool = False,
    mix: bool = False,
    several: bool = False,
    precision: str = "32",
    workers: int = 0,
    threads: bool = False,
    crop: bool = False,
    patience: int = 0,
    monitor: str = "",
    save_every: int = 1,
    save_every_s: float = 0.0,
    say_every: int = 4,
    settings: Checkpoint = Checkpoint(),  # noqa: B008 - frozen
    optimizer: str = "",
    layer_decay: float = 1.0,
    unfreeze: int = 0,
    wrap: Callable[[nn.Module], nn.Module] = lambda m: m,
) -> tuple[Loop, list[Message]]:
    """Return a loop over ``n`` training digits, and the list that takes what it says.

    ``changes`` are asked for at their steps; ``kill_at`` is the step at which the process ends itself by SIGKILL.
    """
    torch.manual_seed(0)
    model = wrap(Network())
    shift = v2.RandomCrop(8, padding=1) if crop else None  # torchvision's own, as threads need it
    train_set = images(0, n, train=True, several=several, transform=shift)
    train = Loader(train_set, batch, Reading(workers=workers, threads=threads))
    val = Loader(images(n, n + 150, train=False, several=several), 64, Reading())
    plan = Plan(
        seed=5, epochs=epochs, batches_per_epoch=train.steps_per_epoch, multiplier=multiplier,
        clip_norm=clip, say_every=say_every, save_every=save_every, save_every_s=save_every_s,
        keep_best_only=settings.keep_best_only,
    )  # fmt: skip
    made = Optimizer.kinds()[optimizer or "adamw"](lr=lr, layer_decay=layer_decay).build(model)
    parts = Parts(
        model=model,
        loss=BCE().build("multilabel") if several else CrossEntropy(label_smoothing=0.05).build("classification"),
        optimizer=made,
        schedule=Cosine(warmup_epochs=warmup).build(made, Course(lr, plan.steps, plan.steps_per_epoch)),
        train=train,
        val=val,
        prepare=lambda x: x.float() / 255,
        metrics=lambda: (LabelMetrics if several else ClassMetrics)(CLASSES, CPU),
        one_label=not several,
        mix=half if mix else None,
        precision=Precision(precision, CPU),  # type: ignore[arg-type]
        ema=Ema(model, 0.99) if ema else None,
        unfreezing=Unfreezing(tuple(model.parameters())[:4], unfreeze) if unfreeze else None,
    )
    said: list[Message] = []
    loop = Loop(
        parts, plan, Monitor(monitor or ("map" if several else "accuracy"), patience),
        Checkpoints(folder, settings), said.append, Commands(list), {"config": {}, "classes": list(CLASSES)},
        Live(chosen(lr, epochs, warmup, patience, save_every), Changes.of(folder)),
    )  # fmt: skip
    wishes = list(changes)

    def asked() -> list[Message]:
        if kill_at is not None and loop.place.step >= kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        due = [wish for wish in wishes if wish[0] <= loop.place.step]
        del wishes[: len(due)]
        stop = [Stop()] if stop_at is not None and loop.place.step >= stop_at else []
        return [*stop, *(Change(path=path, value=value) for _, path, value in due)]

    loop.commands = Commands(asked)
    return loop, said


def chosen(lr: float, epochs: int, warmup: float, patience: int, save_every: int) -> Config:
    """Return the configuration that says of these numbers what the loop is built with."""
    told = {"optimizer.lr": lr, "training.epochs": epochs, "scheduler.warmup_epochs": warmup}
    told |= {"training.early_stopping": patience > 0, "training.patience": max(1, patience)}
    return Config().set_all({**told, "checkpoint.every_n_epochs": save_every})


def life(folder: Path, options: dict[str, Any]) -> None:
    """Be one life of a run, in a process of its own."""
    torch.set_num_threads(1)
    tiny_loop(folder, **options)[0].run()


class Wide(Network):
    """A network that needs 40 MiB for each image that it learns from."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.empty(self.training * len(x) * 40 * 2**20, dtype=torch.uint8)
        return super().forward(x)


def short_of_memory(folder: Path, options: dict[str, Any]) -> None:
    """Live where a batch of 32 does not fit: whole, and once more in two lives; write down what was said and found."""
    torch.set_num_threads(1)

    def made(name: str, **more: Any) -> tuple[Loop, list[Message]]:
        return tiny_loop(folder / name, epochs=2, wrap=lambda _: Wide(), **options, **more)

    resource.setrlimit(resource.RLIMIT_AS, [psutil.Process().memory_info().vms + 1270 * 2**20] * 2)
    whole, said = made("whole")
    whole.run()
    made("pieces", stop_at=13)[0].run()
    second, later = made("pieces")
    second.run()
    found = {
        "told": [m.text for m in of(said, Notice)],
        "splits": [whole.rescue.changes.splits, second.rescue.changes.splits],
        "told again": sum("memory" in m.text for m in of(later, Notice)),
        "exact": same(second._state(), whole._state()),
    }
    (folder / "found.json").write_text(json.dumps(found))


def of(said: list[Message], kind: type) -> list[Any]:
    """Return the messages of one kind."""
    return [m for m in said if isinstance(m, kind)]


def same(a: Any, b: Any) -> bool:
    """Return whether two states are equal, every tensor bit for bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
