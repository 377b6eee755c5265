"""Checkpoints written behind the loop: it hands its state over and goes on, a thread copies, hashes and writes it.

One at a time: the next one, and the end of a run, wait for the one under way. Nothing is lost of what a synchronous
write gives: the marker still comes after the bytes, the fence is still asked, and what the disk refuses is raised, a
little later, in the loop. It knows when the loop may go on; it does not know what is in a state, nor what is due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from nbtrain.training.checkpoint import Checkpoints, Marker, State
from nbtrain.training.snapshot import Snapshot


@dataclass(slots=True)
class Writing:
    """One checkpoint on its way to the disk."""

    step: int
    epoch: int
    best: bool
    marker: Marker | None = None
    """What was committed."""
    error: BaseException | None = None
    """Why nothing was."""
    took_s: float = 0.0


class Behind:
    """Writes the loop's checkpoints on a thread of its own; all methods are the loop's."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints, self._snapshot = checkpoints, Snapshot()
        self._thread: threading.Thread | None = None
        self._copied = threading.Event()
        self._copied.set()
        self._writing = Writing(0, 0, False)

    @property
    def under_way(self) -> bool:
        """Whether a checkpoint was begun whose end has not been taken in."""
        return self._thread is not None

    def begin(self, state: State, changing: Iterable[Tensor], *, best: bool) -> None:
        """Begin to keep ``state``; ``changing`` are the tensors in it that change before the optimizer's next step."""
        if self._thread is not None:
            raise RuntimeError("a checkpoint is under way; take in its end first")
        copied = self._snapshot.begin(state, changing)
        self._writing = Writing(state["step"], state["epoch"], best)
        self._copied.clear()
        self._thread = threading.Thread(target=self._write, args=(copied,), name="nbtrain-checkpoint", daemon=True)
        self._thread.start()

    def before_step(self) -> None:
        """Wait until the optimizer may change what is being kept."""
        self._copied.wait()
        self._snapshot.before_step()

    def ended(self, *, wait: bool) -> Writing | None:
        """Return how the write under way ended, once; None while it goes on, or where there is none."""
        if self._thread is None or (self._thread.is_alive() and not wait):
            return None
        self._thread.join()
        self._thread = None
        return self._writing

    def _write(self, state: State) -> None:
        began_s = time.monotonic()
        try:
            self._snapshot.copy()
            self._copied.set()
            self._writing.marker = self._checkpoints.save(state, best=self._writing.best)
        except BaseException as error:  # noqa: BLE001 - the loop raises it
            self._writing.error = error
        finally:
            self._copied.set()
            self._writing.took_s = time.monotonic() - began_s
