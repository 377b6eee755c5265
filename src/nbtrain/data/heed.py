"""Heeding: how far a long listing is, and whether to give it up, between whoever waits for it and whoever reads.

Listings are made many calls below a click. Whoever waits for one says so around the call, on the same thread; the loops
over images call :func:`at` now and then, which costs nothing where nobody listens. It knows no format, and no panel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from nbtrain.data.records import spaced
from nbtrain.data.scan import Interrupted, Progress, Stopped

EVERY = 256
"""Images between two calls of :func:`at`: what a busy disk reads in a blink."""
_TOLD_EVERY_S = 0.2


@dataclass(slots=True)
class _Heeded:
    progress: Progress
    stopped: Stopped
    told_s: float = 0.0


_HEEDED: ContextVar[_Heeded | None] = ContextVar("heeded", default=None)


@contextmanager
def heeding(progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> Iterator[None]:
    """Let what is read inside tell ``progress`` how far it is, and raise Interrupted once ``stopped`` says so."""
    token = _HEEDED.set(_Heeded(progress, stopped))
    try:
        yield
    finally:
        _HEEDED.reset(token)


def at(n_images: int = 0) -> None:
    """Say that so many images have been read; raises Interrupted where the work is to stop."""
    heeded = _HEEDED.get()
    if heeded is None:
        return
    if heeded.stopped():
        raise Interrupted
    now_s = time.monotonic()
    if n_images and now_s - heeded.told_s >= _TOLD_EVERY_S:
        heeded.told_s = now_s
        heeded.progress(f"{spaced(n_images)} images read")
