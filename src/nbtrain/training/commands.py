"""What the person asks of a running trainer, as the trainer's parts see it: one question, asked between pieces of work.

It knows commands; it does not know where they come from, nor who acknowledges them (runs/worker.py does both).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbtrain.messages import Leaving, Message, leaving

Asked = Callable[[], Sequence[Message]]
"""Returns the commands that have come since the last call."""
Say = Callable[[Message], None]
"""Takes a message for the journal."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised between two pieces of work when the person has asked to stop or to pause."""


class Commands:
    """The commands of one run. Once asked to stop or to pause, it stays so."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._leaving: Leaving | None = None

    def stopped(self) -> bool:
        """Return whether a stop or a pause was asked for."""
        self._leaving = self._leaving or leaving(self._asked())
        return self._leaving is not None

    @property
    def ending(self) -> Leaving:
        """How the run is to be left, once it is stopped."""
        return self._leaving or "cancelled"

    def look(self) -> None:
        """Raise Stopped where a stop or a pause was asked for."""
        if self.stopped():
            raise Stopped
