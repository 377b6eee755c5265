"""Cards: what a configuration means, laid out beside it. Plain data, made of facts and of numbers with a source.

Class balance, optimizers compared, regularisation, the run's timeline, and how runs like this ended before. Advice
(findings with a level) is the rules' matter, drawing is the panels'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrain.advice.case import Case
from nbtrain.advice.labels import IMBALANCED
from nbtrain.advice.machine import states_per_weight
from nbtrain.advice.strength import Part, Strength, augmentation_level, overall, parts
from nbtrain.advice.words import counted, percent, typed
from nbtrain.training.losses import Focal, balanced
from nbtrain.training.optimizers import Optimizer

_BYTES = 4


# -- class balance ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class: its training images, what one of them weighs with "auto", and what the class makes of the loss."""

    name: str
    count: int
    weight: float
    share_now: float
    """Share of the loss that the class has as the configuration stands."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to treat rare classes: what it would do here, and the values that choose it."""

    name: str
    label: str
    effect: str
    fix: dict[str, Any]
    chosen: bool
    recommended: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """The classes of the training images."""

    rows: tuple[ClassRow, ...]
    ratio: float
    """How many times more images the largest class has than the smallest that has any."""
    options: tuple[Option, ...]


def balance(case: Case) -> Balance | None:
    """Return the class table with what can be done about it; None where the counts are not known."""
    counts = case.evidence.class_counts
    if not case.smallest or not case.largest:
        return None
    weights = balanced(list(counts.values()))
    chosen = case.config.loss.weights(list(counts.values())) or (1.0,) * len(counts)
    if len(chosen) != len(counts):  # given weights for another data set: told as a problem at their field
        return None
    masses = [count * weight for count, weight in zip(counts.values(), chosen, strict=True)]
    told, total = zip(counts.items(), weights, masses, strict=True), sum(masses) or 1.0
    rows = tuple(ClassRow(name, count, weight, mass / total) for (name, count), weight, mass in told)
    ratio = case.largest[1] / case.smallest[1]
    return Balance(rows, ratio, _options(case, ratio))


def _options(case: Case, ratio: float) -> tuple[Option, ...]:
    config, smallest, largest = case.config, case.smallest, case.largest
    assert smallest is not None
    assert largest is not None
    images = sum(case.evidence.class_counts.values())
    filled = sum(count > 0 for count in case.evidence.class_counts.values())
    gamma = getattr(config.loss, "gamma", Focal().gamma)
    now = "focal" if config.loss.kind == "focal" else config.loss.class_weights
    usual = {"loss.kind": config.task.loss}
    texts = {
        "none": f"each image counts the same: “{smallest[0]}” makes {percent(smallest[1] / images)} of the loss",
        "auto": f"each class counts the same, {percent(1 / filled)}: an image of “{smallest[0]}” as much as "
        f"{ratio:.3g} of “{largest[0]}”",
        "focal": f"an image that is recognised with 90 % counts {percent(0.1**gamma)} of one that is missed (gamma "
        f"{typed(gamma)})",
    }
    fixes: dict[str, dict[str, Any]] = {
        "none": {**usual, "loss.class_weights": "none"},
        "auto": {**usual, "loss.class_weights": "auto"},
        "focal": {"loss.kind": "focal"},
    }
    labels = {"none": "None", "auto": "Auto weights", "focal": "Focal loss"}
    best = "auto" if ratio > IMBALANCED else "none"
    return tuple(Option(name, labels[name], texts[name], fixes[name], name == now, name == best) for name in texts)


# -- optimizers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Character:
    """What is known of an optimizer beyond its arithmetic, and who found it."""

    stability: str
    best_for: str
    source: str


CHARACTERS: dict[str, Character] = {
    "sgd": Character("steady once its rate is tuned", "long runs of convolutional networks", "arXiv:1705.08292"),
    "adam": Character("forgiving; decay acts unevenly", "quick tries without weight decay", "arXiv:1412.6980"),
    "adamw": Character("forgiving", "most tasks, and attention", "arXiv:1711.05101"),
    "nadam": Character("forgiving, as AdamW, with Nesterov's look ahead", "as Adam", "Dozat 2016"),
    "lion": Character("steps of one size: wants a small rate", "large batches, little memory", "arXiv:2302.06675"),
    "lamb": Character(
        "steady in very large batches; tuned AdamW is as good",
        "batches of thousands of images",
        "arXiv:1904.00962, 2102.06356",
    ),
    "muon": Character(
        "steady; a step also multiplies matrices, which takes longer than moving them",
        "matrices of attention",
        "arXiv:2502.16982",
    ),
    "schedule_free_adamw": Character(
        "steady after a warm-up; decay wants to be tuned", "runs whose length is not known before", "arXiv:2405.15682"
    ),
    "schedule_free_sgd": Character(
        "steady after a warm-up; rate and decay want to be tuned", "as schedule-free AdamW", "arXiv:2405.15682"
    ),
    "rmsprop": Character("forgiving; oscillates without momentum", "older mobile networks", "arXiv:1905.11946"),
}


@dataclass(frozen=True, slots=True)
class OptimizerRow:
    """One optimizer as it would be for this model."""

    kind: str
    label: str
    memory_bytes: int | None
    """Of its states; a fact of its arithmetic."""
    moved: int
    """Numbers that one step reads and writes per weight: what a fused step costs is moving them."""
    character: Character | None
    chosen: bool


def optimizers(case: Case) -> tuple[OptimizerRow, ...]:
    """Return every optimizer whose states are known, as it would be for the model of ``case``."""
    weights = case.entry.parameters if case.entry and not case.frozen else None
    rows = []
    for kind, made in Optimizer.kinds().items():
        chosen = kind == case.config.optimizer.kind
        states = states_per_weight(case.config.optimizer if chosen else made())
        if states is not None:
            memory = weights * states * _BYTES if weights else None
            rows.append(OptimizerRow(kind, made.label, memory, 3 + 2 * states, CHARACTERS.get(kind), chosen))
    return tuple(rows)


# -- regularisation -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Regularisation:
    """Every means against overfitting, and how strong they are together (strength.py says by which rule)."""

    parts: tuple[Part, ...]
    augmentation: Strength
    overall: Strength


def regularisation(case: Case) -> Regularisation:
    """Return the means against overfitting that ``case`` uses, and those it does not."""
    return Regularisation(parts(case.config), augmentation_level(case.config), overall(case.config))


# -- timeline -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a run, after ``epoch`` epochs."""

    epoch: float
    label: str
    path: str
    """The setting that decides about it."""


def timeline(case: Case) -> tuple[Event, ...]:
    """Return what will happen when, in order; checkpoints are counted, not listed."""
    config, training = case.config, case.config.training
    every, epochs = config.checkpoint.every_n_epochs, training.most_epochs
    events = [Event(epochs, "end of the run", "training.epochs")]
    if config.scheduler.warmup_epochs:
        events.append(Event(config.scheduler.warmup_epochs, "warm-up ends", "scheduler.warmup_epochs"))
    if training.early_stopping and training.patience + 1 < epochs:
        events.append(Event(training.patience + 1, "earliest early stop", "training.patience"))
    unfreezes = getattr(config.model, "unfreeze_epoch", 0) if getattr(config.model, "freeze", "none") != "none" else 0
    if 0 < unfreezes < epochs:
        events.append(Event(unfreezes, "everything is trained", "model.unfreeze_epoch"))
    milestones = getattr(config.scheduler, "milestones", ())
    events += [Event(epoch, "learning rate drops", "scheduler.milestones") for epoch in milestones if epoch < epochs]
    saved = -(-epochs // every)
    first = f"first of {counted(saved, 'checkpoint')}" if saved > 1 else "checkpoint"
    events.append(Event(min(every, epochs), first, "checkpoint.every_n_epochs"))
    return tuple(sorted(events, key=lambda event: event.epoch))


# -- how runs like this ended -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stops:
    """How runs with early stopping, on the same data set, have ended in this project."""

    runs: int
    early: int
    epochs: tuple[int, ...] = field(default_factory=tuple)
    """Epochs after which the early ones stopped, rising."""

    @property
    def text(self) -> str:
        """The history in one sentence; empty where there is none."""
        if not self.runs:
            return ""
        told = f"{self.early} of {counted(self.runs, 'finished run')} on this data stopped early"
        if not self.early:
            return f"{told}."
        first, last = self.epochs[0], self.epochs[-1]
        return (
            f"{told}, after {counted(first, 'epoch')}." if first == last else f"{told}, after {first} to {last} epochs."
        )


def stops(ended: Sequence[tuple[int, int]]) -> Stops:
    """Return the history of runs that ended by themselves, each given as epochs done and epochs planned."""
    early = sorted(done for done, planned in ended if done < planned)
    return Stops(len(ended), len(early), tuple(early))
