"""Rules that read the history of a run: what goes wrong while it trains, or has gone wrong.

A fix is for the next run: a configuration that has been trained is changed in a copy. Numbers are per epoch; thresholds
stand in each rule's sentence. A run is judged from its fifth epoch on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding, Rule
from nbtrain.advice.rates import band
from nbtrain.advice.strength import augmentation_level
from nbtrain.advice.words import counted, percent, rounded, typed
from nbtrain.config import Config

Column = NDArray[np.float64]
_FIRST = 5
REPORTS = 5
"""Newest reports of a run that say how it is doing now."""
_LONG_REPORTS = 60
"""Reports, one a second, after which even a first epoch is judged: whoever waits for long wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is known of a run, epoch by epoch."""

    config: Config
    epochs: int
    """Epochs planned."""
    ended: bool = False
    train_loss: Column
    """Mean training loss of each epoch done."""
    val_loss: Column
    val_metric: Column
    """The watched metric of each validation; larger is better. Empty where the loss is watched."""
    lr: Column
    """Last learning rate of each epoch done."""
    waiting: Sequence[float] = ()
    """Share of the time that the loop waited for data, newest last."""
    classes: Sequence[tuple[str, int, float]] = ()
    """Name, validation images and recall of each class in the newest validation."""
    n_gaps: int = 0
    """Numbers that were said and were not numbers."""
    recoveries: Sequence[str] = ()
    """What the trainer did to go on after NaN or out-of-memory, in sentences."""
    ran_away: float | None = None
    """Epochs done when the trainer saw the loss run away within an epoch; None where it has not."""

    @property
    def done(self) -> int:
        """Epochs with a validation."""
        return len(self.val_loss)

    @property
    def mature(self) -> bool:
        """Whether enough epochs are done to judge."""
        return self.done >= _FIRST and len(self.train_loss) >= _FIRST


class Running(Rule):
    """A rule about a run's history."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Yield what is found in the run."""
        raise NotImplementedError


def per_epoch(epochs: Column, values: Column) -> Column:
    """Return the mean of ``values`` over each whole epoch done; ``epochs`` are those done when each was said."""
    if not len(values):
        return np.empty(0)
    places = np.ceil(epochs - 1e-9).astype(int)
    done = math.floor(epochs[-1] + 1e-9)
    known = np.isfinite(values) & (places >= 1) & (places <= done)
    counts = np.bincount(places[known], minlength=done + 1)[1:]
    sums = np.bincount(places[known], values[known], minlength=done + 1)[1:]
    return np.divide(sums, counts, out=np.full(done, np.nan), where=counts > 0)


def recent(values: Sequence[float]) -> float:
    """Return the median of the newest reports of a run: what is said of its speed and of its waiting now."""
    return median(values[-REPORTS:])  # numpy's imports its masked arrays: a tenth of a second


class Overfitting(Running, name="overfitting", source="Prechelt 1998, Early stopping - but when?"):
    """Validation loss 10 % above its best for 3 epochs while training loss has fallen by 10 %, and no better metric."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Compare now with the best epoch."""
        if not case.mature or not np.isfinite(case.val_loss).any():
            return
        best = int(np.nanargmin(case.val_loss))
        now = float(np.nanmin(case.val_loss[-3:]))
        if best + 3 >= case.done or best >= len(case.train_loss) or now < 1.1 * case.val_loss[best]:
            return
        if len(case.val_metric) and int(np.nanargmax(case.val_metric)) >= case.done - 3:
            return
        if case.train_loss[-1] < 0.9 * case.train_loss[best]:
            rise = now / case.val_loss[best] - 1
            text = f"validation loss has risen by {percent(rise)} since epoch {best + 1}, training loss falls."
            fix = _stronger(case.config)
            yield self.found("warning", next(iter(fix), "augmentation.train"), text, fix)


def _stronger(config: Config) -> Mapping[str, Any]:
    """Return the first means against overfitting that is not used yet."""
    if augmentation_level(config) in ("none", "light"):
        steps = [step.plain() for step in config.augmentation.train]
        return {"augmentation.train": [*steps, {"kind": "trivial_augment"}]}
    if not config.training.early_stopping:
        return {"training.early_stopping": True}
    if getattr(config.loss, "label_smoothing", None) == 0.0:
        return {"loss.label_smoothing": 0.1}
    if getattr(config.model, "dropout", None) == 0.0:
        return {"model.dropout": 0.2}
    return {}


class Underfitting(
    Running, name="underfitting", source="Guessing costs ln k with k classes; a model that learns gets below it"
):
    """Training loss after 5 epochs and 30 % of the run still above 90 % of what guessing costs."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Compare the training loss with guessing."""
        k = len(case.classes)
        mixes = case.config.augmentation.mixup > 0 or case.config.augmentation.cutmix > 0
        if (
            not case.mature
            or k < 2
            or case.config.loss.kind != "cross_entropy"
            or mixes
            or case.done < 0.3 * case.epochs
        ):
            return
        loss, guess = float(case.train_loss[-1]), math.log(k)
        if 0.9 * guess < loss < 1.5 * guess:
            done = counted(case.done, "epoch")
            text = f"training loss {typed(loss)} after {done}; guessing among {k} classes costs {typed(guess)}."
            yield self.found("warning", "optimizer.lr", text, _usual_lr(case.config))


def _usual_lr(config: Config) -> Mapping[str, Any]:
    found = band(Case(config))
    if found is None or found.zone(config.optimizer.lr) == "good":
        return {}
    return {"optimizer.lr": rounded(found.usual)}


class Plateau(
    Running, name="plateau", source="He et al. 2016, arXiv:1512.03385, divide the rate by 10 when the error plateaus"
):
    """Neither loss has moved by 1 % in 5 epochs and a fifth of the run, at a learning rate that has hardly fallen."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Look at the last epochs."""
        wait = max(_FIRST, math.ceil(case.epochs / 5))
        if (
            case.done <= wait
            or len(case.train_loss) <= wait
            or len(case.lr) < case.done
            or case.done > 0.9 * case.epochs
        ):
            return
        before, after = case.val_loss[:-wait], case.val_loss[-wait:]
        still = np.nanmin(after) > 0.99 * np.nanmin(before) and np.nanmax(after) < 1.1 * np.nanmin(before)
        flat = np.nanmin(case.train_loss[-wait:]) > 0.99 * np.nanmin(case.train_loss[:-wait])
        if still and flat and case.lr[-1] > 0.3 * np.nanmax(case.lr):
            lr = typed(float(case.lr[-1]))
            text = f"neither loss has moved by 1 % in {counted(wait, 'epoch')}, at a learning rate of {lr}."
            fix = {"scheduler.kind": "plateau", "scheduler.patience": 3}
            yield self.found("warning", "scheduler.kind", text, {} if case.config.scheduler.kind == "plateau" else fix)


class Divergence(
    Running,
    name="divergence",
    source="Goodfellow et al. 2016, Deep Learning, 11.4.1: too large a rate raises the training error",
):
    """Training loss 50 % above its lowest epoch and above its first one, or 4 times its lowest within this epoch."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Compare the newest epoch with the lowest and the first."""
        text = _risen(case.train_loss)
        if not text and case.ran_away is not None and len(case.train_loss) <= case.ran_away:
            text = f"training loss runs away in epoch {math.ceil(case.ran_away)}."
        if text:
            lr = rounded(case.config.optimizer.lr / 10)
            yield self.found("problem", "optimizer.lr", text, {"optimizer.lr": lr})


def _risen(loss: Column) -> str:
    """Return how far the newest epoch's loss has risen above the lowest, empty where it has not."""
    if len(loss) < 3 or not np.isfinite(loss[-1]):
        return ""
    low, now = float(np.nanmin(loss)), float(loss[-1])
    return f"training loss has risen from {typed(low)} to {typed(now)}." if now > max(1.5 * low, loss[0]) else ""


class Recovery(
    Running, name="recovery", source="Chowdhery et al. 2022, PaLM, arXiv:2204.02311, 5.1: go back behind a loss spike"
):
    """After a loss or weight that was NaN or infinite, or out of memory, the trainer changed a setting and went on."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Tell what the trainer has told."""
        for text in case.recoveries:
            yield self.found("warning", "training", text, {})


class Gaps(Running, name="not a number", source="IEEE 754: a sum with NaN or infinity in it is one"):
    """Losses or metrics that were NaN or infinite."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Count the gaps."""
        if case.n_gaps:
            fix: dict[str, Any] = {"optimizer.lr": rounded(case.config.optimizer.lr / 3), "training.clip_norm": 1.0}
            if case.config.hardware.precision == "16-mixed":
                fix["hardware.precision"] = "32"
            text = (
                f"{counted(case.n_gaps, 'value')} told by the run {'is' if case.n_gaps == 1 else 'are'} not a number."
            )
            yield self.found("warning", "optimizer.lr", text, fix)


class LoaderBound(Running, name="waiting for data", source="Measured in the run: the share of the time between steps"):
    """The loop has waited for images in more than 30 % of the time, over the last 5 reports, after the first epochs."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Look at the newest reports, not while a first epoch that decodes for all others may be among them."""
        if len(case.waiting) < REPORTS or (case.done < _FIRST and len(case.waiting) < _LONG_REPORTS):
            return
        share = recent(case.waiting)
        if share > 0.3:
            fix = {"data.workers": "auto"} if case.config.data.workers != "auto" else {}
            text = f"training waits for images in {percent(share)} of the time."
            yield self.found("warning", "data.workers", text, fix)


class DeadClasses(Running, name="class never found", source="Recall 0: not one of its images was recognised"):
    """A class of 5 validation images or more of which none is found, after 5 epochs and a fifth of the run."""

    def findings(self, case: Course) -> Iterator[Finding]:
        """Look at the recall of each class."""
        if not case.mature or case.done < 0.2 * case.epochs:
            return
        dead = [(name, support) for name, support, recall in case.classes if support >= 5 and recall == 0]
        if dead and 2 * len(dead) <= len(case.classes):  # with more, the model as a whole has not learned
            others = f", nor {counted(len(dead) - 1, 'other class', 'other classes')}" if len(dead) > 1 else ""
            text = f"none of the {dead[0][1]} validation images of “{dead[0][0]}” is recognised{others}."
            fix = {"loss.class_weights": "auto"} if case.config.loss.class_weights == "none" else {}
            yield self.found("warning", "loss.class_weights", text, fix)
