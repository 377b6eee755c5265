"""Downwards: commands that anybody has put into the run folder, each taken once and acknowledged at once.

Known here: when a command was taken by this process and when by the loop, and so whether the loop is late. Not known
here: what a loop does about a Stop or a Pause, or what happens to a trainer whose loop stays late.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from nbtrain.messages import Acknowledged, Leaving, Message, leaving
from nbtrain.runs.folder import RunFolder

_LOOK_S = 0.005


class Mailbox:
    """The trainer's view of ``commands/``; used by its loop and by its minder."""

    def __init__(
        self, run: RunFolder, say: Callable[[Message], None], step: Callable[[], int], stale: Collection[str] = ()
    ) -> None:
        """Make the mailbox of one life; ``stale`` commands were meant for earlier ones, and are passed over."""
        self._run, self._say, self._step = run, say, step
        self._guard = threading.Lock()
        self._seen: set[str] = set(stale)
        self._fresh: list[Message] = []
        self._looked_s = 0.0
        self._called_s: float | None = None
        self._longest_s = 0.0
        self._leaving: Leaving | None = None
        self.leave_s: float | None = None
        """Monotonic time at which a Stop or a Pause was first seen; None before that."""
        self.leave_taken = False
        """Whether the loop has been handed it."""

    def look(self) -> None:
        """Take new commands in and acknowledge them."""
        with self._guard:
            self._looked_s = time.monotonic()
            for name, command in self._run.commands(self._seen).items():
                self._seen.add(name)
                self._take(command)
                self._say(Acknowledged(command=name, step=self._step()))

    def put(self, command: Message) -> None:
        """Take in a command that came some other way, such as a signal."""
        with self._guard:
            self._take(command)

    def asked(self) -> list[Message]:
        """Return the commands that the loop has not been handed yet; called by the loop between its steps."""
        now = time.monotonic()
        if now - self._looked_s >= _LOOK_S:
            self.look()
        with self._guard:
            if self._called_s is not None:
                self._longest_s = max(self._longest_s, now - self._called_s)
            self._called_s = now
            fresh, self._fresh = self._fresh, []
            self.leave_taken = self.leave_taken or leaving(fresh) is not None
            return fresh

    @property
    def longest_s(self) -> float:
        """The longest time between two looks of the loop: how long a step can take without anything being wrong."""
        return self._longest_s

    @property
    def heard(self) -> float | None:
        """When the loop last looked here: its sign of life."""
        return self._called_s

    @property
    def ending(self) -> Leaving:
        """How the run is to be left, once that was asked."""
        return self._leaving or "cancelled"

    @property
    def stopped(self) -> bool:
        """Whether a Stop has come, be it after a Pause."""
        return self._leaving == "cancelled"

    def _take(self, command: Message) -> None:
        self._fresh.append(command)
        asked = leaving([command])
        if asked is not None and self.leave_s is None:
            self.leave_s = time.monotonic()
        if asked is not None and self._leaving != "cancelled":  # a Stop goes before a Pause, also after it
            self._leaving = asked
