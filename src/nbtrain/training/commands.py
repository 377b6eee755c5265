"""What the person asks of a running trainer, as the trainer's parts see it: one question, asked between pieces of work.

It knows commands; it does not know where they come from, nor who acknowledges them (runs/worker.py does both).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbtrain.messages import Change, Leaving, Message, leaving
from nbtrain.training.budget import Budget, Work

Asked = Callable[[], Sequence[Message]]
"""Returns the commands that have come since the last call."""
Say = Callable[[Message], None]
"""Takes a message for the journal."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised between two pieces of work when the person has asked to stop or to pause."""


class Commands:
    """The commands of one run. Once asked to stop or to pause, it stays so; a time budget that is up is a pause."""

    def __init__(self, asked: Asked, budget: Budget | None = None) -> None:
        self._asked, self.budget = asked, budget or Budget()
        self._leaving: Leaving | None = None
        self._wishes: list[Change] = []

    def stopped(self, ahead: Work = "save") -> bool:
        """Return whether a stop or a pause was asked for, or the time is up for what is ``ahead``."""
        fresh = self._asked()
        self._wishes += [command for command in fresh if isinstance(command, Change)]
        self._leaving = self._leaving or leaving(fresh) or ("paused" if self.budget.is_up(ahead) else None)
        return self._leaving is not None

    def changes(self) -> list[Change]:
        """Return the changes that were asked for since the last call, in the order of asking: files have none."""
        wishes, self._wishes = sorted(self._wishes, key=lambda wish: wish.t_s), []
        return wishes

    @property
    def ending(self) -> Leaving:
        """How the run is to be left, once it is stopped."""
        return self._leaving or "cancelled"

    @property
    def why(self) -> str:
        """Why the run is left, to go on a sentence with; empty where somebody asked for it."""
        return f": {self.budget.why}" if self._leaving == "paused" and self.budget.up else ""

    def look(self, ahead: Work = "save") -> None:
        """Raise Stopped where a stop or a pause was asked for, or the time is up for what is ``ahead``."""
        if self.stopped(ahead):
            raise Stopped
