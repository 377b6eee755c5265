"""What the person asks of a running trainer, as the trainer's parts see it: one question, asked between pieces of work.

It knows commands; it does not know where they come from, nor who acknowledges them (runs/worker.py does both).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbtrain.messages import Message, Stop

Asked = Callable[[], Sequence[Message]]
"""Returns the commands that have come since the last call."""
Say = Callable[[Message], None]
"""Takes a message for the journal."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Raised between two pieces of work when the person has asked to stop."""


class Commands:
    """The commands of one run. Once asked to stop, it stays stopped."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._stop = asked, False

    def stopped(self) -> bool:
        """Return whether a stop was asked for."""
        self._stop = self._stop or any(isinstance(command, Stop) for command in self._asked())
        return self._stop

    def look(self) -> None:
        """Raise Stopped where a stop was asked for."""
        if self.stopped():
            raise Stopped
