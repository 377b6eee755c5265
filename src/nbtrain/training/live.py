"""Changes at work: what a person changes while the run trains, and what earlier lives changed, put into the loop.

Looked at between two steps, and after a validation before the loop asks whether it has ended: a step of the run has
one place in each. What a loop does follows from the configuration as it stands at that place, so :meth:`Live.begin`
restores it in a new life and :meth:`Live.look` repeats the later entries at their own steps. Who decides what may be
asked is the kernel; a command file may hold anything, so it is judged here again.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbtrain.errors import NbtrainError
from nbtrain.messages import Change, Changed
from nbtrain.schema import Section
from nbtrain.training.changes import Changes, Entry, live_paths

if TYPE_CHECKING:
    from nbtrain.training.loop import Loop


class Live:
    """The configuration of a loop as it stands, and what was changed when."""

    def __init__(self, config: Section, changes: Changes, anew_at: Collection[int] = ()) -> None:
        """Start from the frozen ``config``; at the steps ``anew_at`` early stopping forgets how long it has waited."""
        self._chosen, self._now, self._changes = config, config, changes
        self._anew_at = frozenset(anew_at)
        self._at = -1

    def begin(self, loop: Loop) -> None:
        """Bring the loop to where its place says: it has come from a checkpoint, or is at its start."""
        place = loop.place
        validated = place.epoch == place.step // loop.plan.steps_per_epoch
        self._go_to(place.step if validated else place.step - 1, loop)

    def look(self, loop: Loop) -> None:
        """Repeat what was changed at this step, then do what is asked now; called where a change may take effect."""
        step = loop.place.step
        if any(self._at < mark <= step for mark in self._marks):
            self._go_to(step, loop)
        for wish in loop.commands.changes():
            self._take(wish, loop)

    @property
    def _marks(self) -> list[int]:
        """Steps at which something is to be done."""
        return [*self._anew_at, *(entry.step for entry in self._changes.entries)]

    def _go_to(self, step: int, loop: Loop) -> None:
        before, self._at = self._now, step
        self._now = self._changes.present(self._chosen, step)
        if self._now is not before:
            self._apply(loop)
        if step in self._anew_at or any(entry.extends and entry.step == step for entry in self._changes.entries):
            loop.monitor.rest()

    def _take(self, wish: Change, loop: Loop) -> None:
        """Record one change, then act on it; whatever becomes of it is answered."""
        step = loop.place.step
        old = None
        try:
            old = self._now.get(wish.path)
            value = self._judged(wish, loop)
            if value != old:
                self._changes.add(Entry(step=step, path=wish.path, old=old, value=value, t_s=time.time()))
        except (NbtrainError, OSError) as error:
            loop.say(Changed(path=wish.path, old=old, value=old, step=step, refused=str(error)))
            return
        self._at, self._now = step, self._changes.present(self._chosen, step)
        self._apply(loop)
        loop.say(Changed(path=wish.path, old=old, value=value, step=step))
        loop.tell_place()

    def _judged(self, wish: Change, loop: Loop) -> Any:
        """Return the value as the configuration takes it; raises NbtrainError where it may not be changed now."""
        if wish.path not in live_paths(self._now):
            raise NbtrainError(f"{wish.path} cannot be changed while it trains")
        value = self._now.set(wish.path, wish.value).get(wish.path)
        if value == "auto":
            raise NbtrainError(f"{wish.path} cannot become auto while it trains: that is decided before a run begins")
        if wish.path == "training.epochs":
            place, length = loop.place, loop.plan.steps_per_epoch
            value = max(value, place.epoch + (place.step > place.epoch * length))
        return value

    def _apply(self, loop: Loop) -> None:
        """Give each part of the loop its value of the present configuration."""
        now = self._now.get
        loop.commands.budget.minutes = now("training.time_budget_minutes")
        loop.plan = replace(
            loop.plan,
            epochs=now("training.epochs"),
            clip_norm=now("training.clip_norm"),
            save_every=now("checkpoint.every_n_epochs"),
            save_every_s=60 * now("checkpoint.every_n_minutes"),
        )
        loop.parts.schedule.replan(now("scheduler"), now("optimizer.lr"), loop.plan.steps)
        if loop.monitor.patience:
            loop.monitor.patience = now("training.patience")
