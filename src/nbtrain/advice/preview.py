"""The schedule before the run: the very functions that training calls, drawn over the epochs.

It knows a configuration and the number of training images. Where the steps of an epoch are not known yet, 100 are
taken: the curve over epochs hardly depends on them. Where epochs are auto, the curve is that of the longest run.
"""

from __future__ import annotations

from dataclasses import dataclass

from nbtrain.config import Config
from nbtrain.training.schedulers import Course

TINY_LR = 1e-7
"""Below this a step changes nothing that float32 would keep."""
EPOCHS = (10, 25, 50, 100)
"""Epochs whose learning rate the preview tells, besides the last."""
_POINTS, _STEPS = 240, 100


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning rate over a run."""

    epochs: tuple[float, ...]
    lrs: tuple[float, ...]


def course_of(config: Config, n_train: int | None = None) -> Course:
    """Return what the schedule runs over, as the trainer works it out (build.py)."""
    steps = (config.steps_per_epoch(n_train) if n_train else None) or _STEPS
    return Course(config.optimizer.lr, config.training.most_epochs * steps, steps)


def lr_at(config: Config, course: Course, epoch: float) -> float:
    """Return the learning rate after ``epoch`` epochs; at the end of the run, that of its last step."""
    step = min(round(epoch * course.steps_per_epoch), course.steps - 1)
    return config.scheduler.lr(step, course)


def curve(config: Config, n_train: int | None = None, points: int = _POINTS) -> Curve:
    """Return the learning rate at up to ``points`` steps, the first and the last among them, and where it jumps."""
    course = course_of(config, n_train)
    last = course.steps - 1
    steps = sorted({round(index * last / max(points - 1, 1)) for index in range(points)})
    lrs = [config.scheduler.lr(step, course) for step in steps]
    return Curve(tuple(step / course.steps_per_epoch for step in steps), tuple(lrs))


def told(config: Config, n_train: int | None = None) -> list[tuple[int, float]]:
    """Return the learning rate at the epochs that people ask for, and at the last one."""
    course, last = course_of(config, n_train), config.training.most_epochs
    return [(epoch, lr_at(config, course, epoch)) for epoch in (*(e for e in EPOCHS if e < last), last)]


def share_below(config: Config, n_train: int | None = None, limit: float = TINY_LR) -> float:
    """Return the share of the run, behind the warm-up, in which the learning rate is below ``limit``."""
    found = curve(config, n_train)
    below = [
        lr < limit for epoch, lr in zip(found.epochs, found.lrs, strict=True) if epoch >= config.scheduler.warmup_epochs
    ]
    return sum(below) / len(found.epochs)
