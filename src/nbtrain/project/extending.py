"""Extending a run that has ended by itself: more epochs in the same folder, and how its schedule goes on, in words.

A new number of epochs plans the rest of the schedule anew, live or afterwards: from there on the learning rate follows
the curve of a run of the new length. It knows the run folder and the schedule's curve; it does not know traits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from nbtrain import locks
from nbtrain.config import Config
from nbtrain.errors import BusyError, ConfigError, Problem, StatusError
from nbtrain.messages import RESUMABLE
from nbtrain.runs.folder import RunFolder
from nbtrain.training import kept
from nbtrain.training.changes import Changes, Entry
from nbtrain.training.schedulers import Course

MAX_ADDED = 100_000
GONE_S = 5.0
"""How long a trainer that has said its last word may hold the run: the lock goes last, a moment after that word."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension would do."""

    epochs: int
    """Epochs that the run has in all afterwards."""
    entry: Entry
    text: str
    """How the run goes on, for the person."""


def must_be_extendable(status: str) -> None:
    """Raise StatusError where the run has not ended by itself."""
    if status == "completed":
        return
    advice = (
        "train() starts it." if status == "created"
        else "resume() goes on with it first." if status in RESUMABLE
        else 'While it trains, set("training.epochs", N) changes their number.'
    )  # fmt: skip
    raise StatusError(f"an experiment that is {status} cannot be extended", advice=advice)


def plan(run: RunFolder, chosen: Config, epochs: int, last_lr: float | None = None) -> Extension:
    """Return what ``epochs`` more would do to a completed run; raises ConfigError, or StatusError without checkpoints.

    ``last_lr`` is the learning rate that was said last; only a schedule that depends on results needs it.
    """
    if not isinstance(epochs, int) or isinstance(epochs, bool) or not 1 <= epochs <= MAX_ADDED:
        told = Problem("training.epochs", f"{epochs!r} is no number of epochs to add.", f"Give 1 to {MAX_ADDED}.")
        raise ConfigError([told])
    there, said = kept.checkpoints(run.path / "checkpoints"), run.status()
    if not there:
        advice = "Restart it, or duplicate it with more epochs."
        raise StatusError(
            "the checkpoints of this run are gone, so it cannot go on", value=str(run.path), advice=advice
        )
    before = Changes.of(run.path).present(chosen)
    after = before.set("training.epochs", said.epoch + epochs)
    entry = Entry(
        step=said.step, path="training.epochs", old=before.training.epochs, value=after.training.epochs,
        extends=True, t_s=time.time(),
    )  # fmt: skip
    length = max(1, said.step // max(1, said.epoch))
    sentences = [schedule_text(after, said.step, length, epochs, last_lr), _waits(after), _again(said.step, there)]
    return Extension(said.epoch + epochs, entry, " ".join(filter(None, sentences)))


def write(run: RunFolder, entry: Entry) -> None:
    """Write the extension down while no trainer has the run; raises BusyError where one has."""
    lock = locks.FileLock(run.lock)
    if not lock.acquire(GONE_S):
        raise BusyError("this run is being trained", value=str(run.path), advice="Look at it again in a moment.")
    try:
        Changes.of(run.path).add(entry)
    finally:
        lock.release()


def take_back(run: RunFolder, entry: Entry) -> None:
    """Take an extension back that no trainer has begun."""
    lock = locks.FileLock(run.lock)
    if lock.acquire(GONE_S):
        try:
            Changes.of(run.path).remove(entry)
        finally:
            lock.release()


def take_back_unbegun(run: RunFolder) -> bool:
    """Take back what a completed run was extended by and has not begun; return whether it is as it was before."""
    changes, ended_at = Changes.of(run.path), run.status().step
    kept = [entry for entry in changes.entries if not (entry.extends and entry.step >= ended_at)]
    if len(kept) == len(changes.entries):
        return False
    changes.replace(kept)
    return True


def schedule_text(config: Config, step: int, length: int, added: int, last_lr: float | None = None) -> str:
    """Return how the learning rate goes on after ``step`` for ``added`` epochs of ``length`` steps each."""
    scheduler, course = config.scheduler, Course(config.optimizer.lr, config.training.most_epochs * length, length)
    over = "the added epoch" if added == 1 else f"the added {added} epochs"
    if scheduler.kind == "plateau" and last_lr is not None:
        return f"The learning rate goes on at {last_lr:.2g}, and drops further when the validation loss stops falling."
    first, last = scheduler.lr(step, course), scheduler.lr(course.steps - 1, course)
    if first <= config.optimizer.lr * 1e-9:
        return f"The learning rate stays at {first:.2g} over {over}: little will be learned. Branch to change it."
    if abs(first - last) <= first * 1e-6:
        return f"The learning rate stays at {first:.2g} over {over}."
    name = scheduler.label.lower()
    return (
        f"The learning rate follows {name} as in a run of {config.training.most_epochs} epochs: "
        f"from {first:.2g} to {last:.2g} over {over}."
    )


def _waits(config: Config) -> str:
    if not config.training.early_stopping:
        return ""
    patience = config.training.patience
    return f"Early stopping waits anew, for {patience} epoch{'' if patience == 1 else 's'}."


def _again(step: int, there: list[kept.Kept]) -> str:
    newest = there[-1].step
    if newest >= step:
        return ""
    return f"It goes on from step {newest}, the newest checkpoint kept: {step - newest} steps are done again."
