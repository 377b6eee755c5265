"""Schedules of the learning rate: settings, and the curve itself as a plain function.

``Scheduler.lr(step, course)`` is the learning rate at one optimizer step. The trainer applies it and a preview draws
it: one code, and no torch in it. tests/training/test_schedulers.py holds every kind equal to torch's own schedulers.
Lengths are given in epochs, the curve moves at every optimizer step. A warm-up comes first; what follows counts from
its end, as torch's SequentialLR has it, except for milestones, which are epochs of the run.

Reduce-on-plateau also depends on results: ``Schedule`` (the curve at work on one optimizer) takes the watched metric of
each validation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from nbtrain.errors import ConfigError, Problem
from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer

_FACTOR: dict[str, Any] = {"gt": 0, "lt": 1, "unit": "ratio", "soft": (0.1, 0.9)}
_FLOOR: dict[str, Any] = {"ge": 0, "le": 1, "unit": "ratio", "advanced": True, "label": "Lowest learning rate"}


@dataclass(frozen=True, slots=True)
class Drops:
    """What validations have done to the learning rate so far (reduce-on-plateau alone uses it)."""

    scale: float = 1.0
    """What the curve is multiplied with."""
    best: float = math.inf
    """Best value of the watched metric, negated where higher is better."""
    waited: int = 0
    """Validations since then."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a schedule runs over: the peak learning rate and the optimizer steps of the run."""

    lr: float
    steps: int
    steps_per_epoch: int


class Scheduler(Family):
    """How the learning rate changes during the run."""

    warmup_epochs: float = field(0.0, ge=0, le=1000, unit="epochs", soft=(0, 10))
    """Epochs in which the learning rate rises from its start to its full value. 0: none."""
    warmup_start: float = field(0.01, gt=0, le=1, unit="ratio", when=lambda s: s.warmup_epochs > 0)
    """Where the warm-up starts, as a share of the full learning rate."""

    def lr(self, step: int, course: Course) -> float:
        """Return the learning rate for optimizer step ``step`` (the first is 0)."""
        warmup = self.warmup_steps(course)
        if step < warmup:
            return course.lr * (self.warmup_start + (1 - self.warmup_start) * step / warmup)
        return self._after_warmup(step - warmup, replace(course, steps=max(course.steps - warmup, 1)), warmup)

    def warmup_steps(self, course: Course) -> int:
        """Return the number of optimizer steps that the warm-up takes."""
        return round(self.warmup_epochs * course.steps_per_epoch)

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        raise NotImplementedError

    def dropped(self, lr: float, drops: Drops) -> float:
        """Return ``lr`` of the curve as validations have lowered it."""
        return lr * drops.scale

    def after_validation(self, cost: float, drops: Drops) -> Drops:
        """Return the drops after one more validation with ``cost`` (lower is better); most kinds take no notice."""
        return drops

    def build(self, optimizer: TorchOptimizer, course: Course) -> Schedule:
        """Return this schedule at work on ``optimizer``, with the learning rate of step 0 set."""
        return Schedule(self, optimizer, course)


class Constant(Scheduler, kind="constant", label="Constant"):
    """The learning rate stays as it is."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        return course.lr


class Cosine(Scheduler, kind="cosine", label="Cosine"):
    """The learning rate falls along half a cosine: fast in the middle, gently at the end. A good default."""

    min_lr: float = field(0.0, **_FLOOR)
    """Learning rate at the end of the curve."""
    period_epochs: float | Literal["auto"] = field("auto", gt=0, le=100_000, unit="epochs", advanced=True)
    """Length of the fall (T_max). auto: the rest of the run after the warm-up."""
    restarts: bool = field(False, advanced=True, when=lambda s: s.period_epochs != "auto")
    """Start again from the full learning rate when a period ends; otherwise it stays at its lowest."""
    period_factor: float = field(
        1.0, ge=1, le=10, unit="ratio", advanced=True, when=lambda s: s.restarts and s.period_epochs != "auto"
    )
    """What the length of the period is multiplied with at each restart (T_mult)."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        place, period = float(step), float(course.steps)
        if not isinstance(self.period_epochs, str):
            period = max(round(self.period_epochs * course.steps_per_epoch), 1)
            place, period = self._restarted(place, period) if self.restarts else (place, period)
        fallen = (1 + math.cos(math.pi * min(place / period, 1))) / 2
        return self.min_lr + (course.lr - self.min_lr) * fallen

    def _restarted(self, step: float, period: float) -> tuple[float, float]:
        """Return the step within the present period, and that period's length."""
        if self.period_factor == 1:
            return step % period, period
        while step >= period:
            step, period = step - period, period * self.period_factor
        return step, period


class Step(Scheduler, kind="step", label="Step"):
    """The learning rate drops by a factor every few epochs."""

    every_epochs: float = field(10.0, gt=0, le=100_000, unit="epochs", soft=(1, 50))
    """Epochs between two drops, counted from the end of the warm-up."""
    factor: float = field(0.1, **_FACTOR)
    """What the learning rate is multiplied with at each drop."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        every = max(round(self.every_epochs * course.steps_per_epoch), 1)
        return float(course.lr * self.factor ** (step // every))


class MultiStep(Scheduler, kind="multistep", label="Multi-step"):
    """The learning rate drops by a factor at the epochs that you name."""

    milestones: tuple[float, ...] = field((30.0, 60.0, 90.0), gt=0, le=100_000, unit="epochs")
    """Epochs of the run at which the learning rate drops, in rising order."""
    factor: float = field(0.1, **_FACTOR)
    """What the learning rate is multiplied with at each drop."""

    @field_validator("milestones", mode="after")
    @classmethod
    def _rising(cls, milestones: tuple[float, ...]) -> tuple[float, ...]:
        if list(milestones) != sorted(set(milestones)):
            told = f"{list(milestones)} does not rise."
            raise ConfigError([Problem("milestones", told, "Give epochs in rising order, each once.")])
        return milestones

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        passed = sum(step + warmup >= round(epoch * course.steps_per_epoch) for epoch in self.milestones)
        return float(course.lr * self.factor**passed)


class Polynomial(Scheduler, kind="polynomial", label="Polynomial"):
    """The learning rate falls to zero along a power of what is left of the run; power 1 is a straight line."""

    power: float = field(1.0, gt=0, le=10, unit="ratio", soft=(0.5, 3))
    """Shape of the fall: 1 is straight, above 1 falls early, below 1 late."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        return float(course.lr * (1 - min(step / course.steps, 1)) ** self.power)


class Exponential(Scheduler, kind="exponential", label="Exponential"):
    """The learning rate shrinks by the same factor each epoch."""

    factor: float = field(0.95, gt=0, lt=1, unit="ratio", soft=(0.8, 0.999))
    """What one epoch multiplies the learning rate with; spread evenly over the epoch's steps."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        return float(course.lr * self.factor ** (step / course.steps_per_epoch))


class OneCycle(Scheduler, kind="one_cycle", label="One cycle"):
    """The learning rate rises to its full value and falls to almost nothing, in one cycle over the run.

    It brings its own warm-up: the rise (Smith and Topin 2018, arXiv:1708.07120).
    """

    rise: float = field(0.3, ge=0, lt=1, unit="ratio", soft=(0.05, 0.5))
    """Share of the run in which the learning rate rises."""
    start_divisor: float = field(25.0, ge=1, le=1e6, unit="ratio", log=True, soft=(5, 100))
    """The learning rate starts at its full value divided by this."""
    end_divisor: float = field(1e4, ge=1, le=1e12, unit="ratio", log=True, soft=(10, 1e6), advanced=True)
    """The learning rate ends at its start divided by this."""
    shape: Literal["cos", "linear"] = field("cos", labels={"cos": "cosine", "linear": "straight"}, advanced=True)
    """How it goes from one value to the next."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        top, last = self.rise * course.steps - 1, course.steps - 1
        start = course.lr / self.start_divisor
        if step <= top:
            return self._between(start, course.lr, step / top if top > 0 else 1.0)
        share = min((step - top) / (last - top), 1.0) if last > top else 1.0
        return self._between(course.lr, start / self.end_divisor, share)

    def _between(self, first: float, second: float, share: float) -> float:
        if self.shape == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return first + (second - first) * share


class Plateau(Scheduler, kind="plateau", label="Reduce on plateau"):
    """The learning rate drops when the watched metric (training.monitor) has stopped improving."""

    factor: float = field(0.5, **_FACTOR)
    """What the learning rate is multiplied with at each drop."""
    patience: int = field(5, ge=0, le=10_000, unit="epochs", soft=(3, 30), live=True)
    """Validations without a better value before the learning rate drops."""
    threshold: float = field(1e-4, ge=0, lt=1, unit="ratio", advanced=True)
    """Share of the best value by which another must be better to count."""
    min_lr: float = field(1e-7, **_FLOOR)
    """The learning rate never drops below this."""

    def _after_warmup(self, step: int, course: Course, warmup: int) -> float:
        return course.lr

    def dropped(self, lr: float, drops: Drops) -> float:
        """Return ``lr`` of the curve as validations have lowered it, not below the lowest."""
        return max(lr * drops.scale, min(lr, self.min_lr))

    def after_validation(self, cost: float, drops: Drops) -> Drops:
        """Return the drops after one more validation, as torch's ReduceLROnPlateau decides in either mode."""
        share = 1 - self.threshold if drops.best > 0 else 1 + self.threshold
        if cost < drops.best * share:
            return replace(drops, best=cost, waited=0)
        if drops.waited < self.patience:
            return replace(drops, waited=drops.waited + 1)
        return replace(drops, scale=drops.scale * self.factor, waited=0)


class Schedule:
    """A schedule at work: it sets the learning rate of one optimizer, step by step.

    All that it remembers is the step and what validations have done, so that a checkpoint restores it exactly.
    """

    def __init__(self, scheduler: Scheduler, optimizer: TorchOptimizer, course: Course) -> None:
        """Start at step 0 of ``course`` and set the learning rate."""
        self.scheduler, self.course = scheduler, course
        self.done, self.drops, self._factor = 0, Drops(), 1.0
        self._optimizer = optimizer
        self._apply()

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self.scheduler.dropped(self.scheduler.lr(self.done, self.course), self.drops) * self._factor

    def scale(self, factor: float) -> None:
        """Take ``factor`` times the curve from here on; whoever asks for it keeps it over a checkpoint."""
        self._factor = factor
        self._apply()

    def step(self) -> None:
        """Go on by one optimizer step."""
        self.done += 1
        self._apply()

    def validated(self, cost: float) -> None:
        """Take notice of a validation (lower is better); those during the warm-up do not count."""
        if self.done > self.scheduler.warmup_steps(self.course):
            self.drops = self.scheduler.after_validation(cost, self.drops)
            self._apply()

    def replan(self, scheduler: Scheduler, lr: float, steps: int) -> None:
        """From the next step on follow the curve of ``scheduler`` for a run of ``steps`` steps with the peak ``lr``."""
        self.scheduler, self.course = scheduler, replace(self.course, lr=lr, steps=steps)
        self._apply()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs to go on from here."""
        return {"done": self.done, "drops": asdict(self.drops)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        self.done, self.drops = state["done"], Drops(**state["drops"])
        self._apply()

    def _apply(self) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self.lr * group.get("lr_scale", 1.0)  # layer-wise decay, folded in here and nowhere else
