"""The worker processes of a loader: how they begin and end, which image each has in hand, and when one hangs.

A batch hangs on the seed alone, so whatever workers were to make can be asked of new ones: a worker that gives nothing
for too long costs time and no number. Known here: processes, torch's iterator over them, and where each stands. Not
known here: what a batch is, nor how often workers may be replaced (loader.py).
"""

from __future__ import annotations

import mmap
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import get_worker_info

from nbtrain import processes, stacks

TICK_S = 1.0
"""How often a wait for a batch looks at the clock; a longer time between two looks is time in which nothing ran."""
_SLOT = struct.Struct("q")
_NOTHING = -1


@dataclass(frozen=True, slots=True)
class Vigil:
    """What is done where a batch does not come."""

    patience_s: float = 0.0
    """Seconds after which the workers are replaced; 0 waits for ever."""
    replaced: Callable[[str, str], None] = lambda text, stacks: None
    """Called after that: what happened, in words, and where the processes stood."""


NO_VIGIL = Vigil()


class Hung(Exception):  # noqa: N818 - not always the end
    """Raised where workers have given nothing for too long; they have been ended."""

    def __init__(self, pids: Sequence[int], positions: Sequence[int], told: str) -> None:
        super().__init__(f"loader workers {pids} hang")
        self.pids, self.positions, self.stacks = tuple(pids), tuple(positions), told
        """Their pids, the places of the images that they had in hand, and the stacks of all processes."""


class Hands:
    """What each worker has in hand: the place of an image in its set, written by the worker, read by the trainer."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._shared = mmap.mmap(-1, max(1, workers) * _SLOT.size)
        for worker in range(workers):
            self._write(worker, _NOTHING)

    def take(self, position: int) -> None:
        """Say, in a worker, that the image at ``position`` is being made; anywhere else nothing."""
        worker = get_worker_info()
        if worker is not None and worker.id < self._workers:
            self._write(worker.id, position)

    def put_down(self) -> None:
        """Say, in a worker, that its batch is done."""
        self.take(_NOTHING)

    def of(self, worker: int) -> int | None:
        """Return the place of the image that a worker makes now, None for one that makes none."""
        (position,) = _SLOT.unpack_from(self._shared, worker * _SLOT.size)
        return None if position == _NOTHING else int(position)

    def _write(self, worker: int, position: int) -> None:
        _SLOT.pack_into(self._shared, worker * _SLOT.size, position)


def batches(iterator: Iterator[Any], hands: Hands | None, patience_s: float) -> Iterator[Any]:
    """Yield what ``iterator`` yields; raises Hung where its workers give nothing for ``patience_s``; 0 waits."""
    nothing = object()
    with Watch(iterator, hands, patience_s) as watch:
        while (batch := watch.next(nothing)) is not nothing:
            yield batch


class Watch:
    """A thread beside the wait for batches, which ends workers that give nothing.

    The wait itself could not: torch takes a batch's memory over from the worker by a socket, with no limit of time, so
    one frozen just then would hold the trainer for ever.
    """

    def __init__(self, iterator: Iterator[Any], hands: Hands | None, patience_s: float) -> None:
        self._iterator, self._hands, self._patience_s = iterator, hands, patience_s
        self._workers = tuple(getattr(iterator, "_workers", ()))
        self._since_s: float | None = None
        self._over = threading.Event()
        self.hung: Hung | None = None
        """What was found when the workers were ended, None while they are well."""

    def __enter__(self) -> Watch:
        if self._patience_s and self._workers:
            threading.Thread(target=self._watch, name="nbtrain-loader-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def next(self, nothing: object) -> Any:
        """Return the next batch, or ``nothing`` after the last; raises Hung."""
        self._since_s = time.monotonic()
        try:
            while True:
                try:
                    return next(self._iterator, nothing)
                except Exception as error:
                    if self.hung is not None:  # whatever the end of its workers has done to the wait
                        end(self._iterator)
                        raise self.hung from None
                    if "timed out after" not in str(error):
                        raise
        finally:
            self._since_s = None

    def _watch(self) -> None:
        waited_s, since_s, looked_s = 0.0, None, time.monotonic()
        tick_s = min(TICK_S, self._patience_s / 4)
        while not self._over.wait(tick_s):
            now_s = time.monotonic()
            passed_s, looked_s = min(now_s - looked_s, 2 * tick_s), now_s
            waited_s = waited_s + passed_s if self._since_s is not None and self._since_s == since_s else 0.0
            since_s = self._since_s
            if waited_s >= self._patience_s:
                self.hung = self._found()
                self._kill()
                return

    def _found(self) -> Hung:
        """Return which workers hang, and where; those that are well have made what they may hold ready, and wait."""
        in_hand = {worker.pid: self._hands.of(n) if self._hands else None for n, worker in enumerate(self._workers)}
        busy = [pid for pid, place in in_hand.items() if place is not None or stacks.is_stopped(pid)]
        pids = busy or list(in_hand)
        return Hung(pids, [place for pid in pids if (place := in_hand[pid]) is not None], stacks.dump(pids))

    def _kill(self) -> None:
        """End all workers, whatever they do; one that is stopped would not hear a SIGTERM."""
        if getattr(self._iterator, "_worker_pids_set", False):  # else torch takes their end for a failure
            torch._C._remove_worker_pids(id(self._iterator))
            self._iterator._worker_pids_set = False  # type: ignore[attr-defined]
        for worker in self._workers:
            worker.kill()


def end(iterator: Iterator[Any]) -> None:
    """End the workers of ``iterator`` now, one after the other."""
    # Named with an underscore, yet the only way to end them at a moment of our choice.
    shut = getattr(iterator, "_shutdown_workers", None)
    if shut is not None:
        shut()


def start(_: int) -> None:
    """Begin a worker's life: it dies with the trainer, shows its stacks when asked, and takes one core."""
    processes.die_with_parent()
    stacks.listen()
    # The trainer's handler would write a checkpoint from a worker.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)


def named(error: RuntimeError, iterator: Iterator[Any]) -> RuntimeError | None:
    """Return the error with the signal, where torch says of a dead worker only that it is gone; None elsewhere."""
    died = [worker for worker in getattr(iterator, "_workers", ()) if (worker.exitcode or 0) < 0]
    if "exited unexpectedly" not in str(error) or not died:
        return None
    by = signal.strsignal(-died[0].exitcode)
    return RuntimeError(f"DataLoader worker (pid {died[0].pid}) is killed by signal: {by}.")
