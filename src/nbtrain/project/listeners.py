"""Who wants to hear of an experiment, and of what.

It knows the words for events. It does not know what an experiment does, nor who calls from which thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from nbtrain.errors import NbtrainError

T = TypeVar("T")
EVENTS = ("status", "epoch", "news", "completed", "failed", "cancelled", "paused")


class Listeners(Generic[T]):
    """Functions to be called with their subject at an event."""

    def __init__(self) -> None:
        self._by_event: dict[str, list[Callable[[T], None]]] = defaultdict(list)

    def add(self, event: str, listener: Callable[[T], None]) -> Callable[[], None]:
        """Call ``listener`` at every ``event`` from now on; return the function that takes it off again."""
        if event not in EVENTS:
            raise NbtrainError("there is no such event", value=event, advice=f"Events: {', '.join(EVENTS)}.")
        self._by_event[event].append(listener)

        def off() -> None:
            with suppress(ValueError):  # taken off already
                self._by_event[event].remove(listener)

        return off

    def tell(self, subject: T, events: Iterable[str]) -> None:
        """Call whoever listens to one of ``events``."""
        for event in events:
            for listener in tuple(self._by_event[event]):
                listener(subject)


def happened(before: tuple[str, int], now: tuple[str, int]) -> list[str]:
    """Return the events that lie between two states of status and epoch."""
    word = [now[0]] if now[0] in EVENTS else []
    return ["news", *(["epoch"] if now[1] != before[1] else []), *(["status", *word] if now[0] != before[0] else [])]
