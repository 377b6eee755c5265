"""Loader threads: batches made beside the training, in its own process.

Decoding, cropping and resizing leave Python's lock, so threads make images as fast as processes would, write them where
the batch lies, and hand nothing over. Each batch is split into pieces that all threads work on, so that the first one
is there soon and few have to be held. It knows how batches are made, not what is in them, nor which are asked for.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from queue import SimpleQueue

import numpy as np
import torch
from torch import Tensor

from nbtrain.data.decode import Pixels
from nbtrain.data.images import Batch, Failed, Images, Sample, attempted
from nbtrain.data.sampling import Place

_PIECE = 8
"""Images that one thread takes at a time: long enough to cost nothing, short enough to end together."""
_END_S = 1.0
"""How long :meth:`Threads.close` waits for a thread; one that hangs in a file of a network ends with the process."""


class Threads:
    """Makes batches in ``workers`` threads, ``ahead`` of them before they are asked for."""

    def __init__(self, images: Images, workers: int, ahead: int, *, pinned: bool) -> None:
        self.images, self.workers, self.ahead, self.pinned = images, workers, ahead, pinned
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._rooms = _Rooms()

    def batches(self, asked: Iterable[list[Place]], *, again: bool) -> Iterator[Batch | Failed]:
        """Yield the batches of the places ``asked`` for; the threads stay for the next pass, ``again`` or another."""
        self._start()
        waiting: deque[_Making] = deque()
        try:
            for places in asked:
                waiting.append(self._begun(places))
                if len(waiting) > self.ahead:
                    yield waiting.popleft().awaited()
            while waiting:
                yield waiting.popleft().awaited()
        finally:
            for batch in waiting:
                batch.given_up = True

    def close(self) -> None:
        """End the threads."""
        for _ in self._threads:
            self._pieces.put(None)
        for thread in self._threads:
            thread.join(_END_S)
        self._threads.clear()
        self._pieces = SimpleQueue()

    def _begun(self, places: Sequence[Place]) -> _Making:
        batch = _Making(self.images, places, self._room(len(places)), pinned=self.pinned)
        size = max(1, min(_PIECE, -(-len(places) // self.workers)))
        pieces = [_Piece(batch, start, min(start + size, len(places))) for start in range(0, len(places), size)]
        batch.pieces_left = len(pieces)
        for piece in pieces:
            self._pieces.put(piece)
        return batch

    def _room(self, n_images: int) -> Tensor | None:
        """Return where the batch is written; page-locked memory is torch's own to use again."""
        if self.images.recipe.size is None or self.pinned:
            return self.images.room(n_images, pinned=self.pinned)
        return self._rooms.taken(n_images, self.images.recipe.size)

    def _start(self) -> None:
        if self._threads:
            return
        compute_threads, ready = torch.get_num_threads(), threading.Barrier(self.workers + 1)
        for number in range(self.workers):
            words = {"name": f"nbtrain-loader-{number}", "args": (self._pieces, ready), "daemon": True}
            self._threads.append(threading.Thread(target=_work, **words))  # type: ignore[arg-type]
            self._threads[-1].start()
        ready.wait()
        torch.set_num_threads(compute_threads)  # what a thread sets for itself is the default of all that come later


def _work(pieces: SimpleQueue[_Piece | None], ready: threading.Barrier) -> None:
    torch.set_num_threads(1)
    ready.wait()
    while (piece := pieces.get()) is not None:
        piece.make()


class _Rooms:
    """Memory for batches, given out again once nobody holds its batch: fresh pages would cost as much as a crop."""

    def __init__(self) -> None:
        self._free: list[Pixels] = []

    def taken(self, n_images: int, size: tuple[int, int]) -> Tensor:
        """Return room of shape BCHW, colours innermost."""
        shape = (n_images, *size, 3)
        try:
            memory = self._free.pop()
        except IndexError:
            memory = np.empty(shape, np.uint8)
        if memory.shape != shape:  # the last batch of a pass
            memory = np.empty(shape, np.uint8)
        lent = memory.view()  # every tensor on this memory holds this very object
        weakref.finalize(lent, self._free.append, memory).atexit = False
        return torch.from_numpy(lent).permute(0, 3, 1, 2)


class _Making:
    """One batch while it is made."""

    def __init__(self, images: Images, places: Sequence[Place], room_BCHW: Tensor | None, *, pinned: bool) -> None:
        self.images, self.places, self.room_BCHW, self.pinned = images, places, room_BCHW, pinned
        self.samples: dict[int, list[Sample]] = {}
        self.pieces_left = 0
        self.given_up = False
        self._made: Batch | Failed | None = None
        self._lock, self._done = threading.Lock(), threading.Event()

    def awaited(self) -> Batch | Failed:
        """Return the batch, as soon as its last piece is there."""
        self._done.wait()
        assert self._made is not None
        return self._made

    def take(self, start: int, made: list[Sample] | Failed) -> None:
        """Take a piece that begins at row ``start``; the last one completes the batch."""
        with self._lock:
            if isinstance(made, Failed):
                self._made = self._made or made
            else:
                self.samples[start] = made
            self.pieces_left -= 1
            last = self.pieces_left == 0
        if last:
            self._made = self._made or attempted(self._assembled, len(self.places))
            self._done.set()

    def _assembled(self) -> Batch:
        samples = [sample for start in sorted(self.samples) for sample in self.samples[start]]
        return self.images.assembled(samples, self.room_BCHW, pinned=self.pinned)


class _Piece:
    """Some rows of a batch, made by one thread."""

    def __init__(self, batch: _Making, start: int, stop: int) -> None:
        self.batch, self.start, self.stop = batch, start, stop

    def make(self) -> None:
        """Make the rows, unless nobody waits for them any more."""
        batch = self.batch
        if not batch.given_up:
            batch.take(self.start, attempted(self._samples, len(batch.places)))

    def _samples(self) -> list[Sample]:
        batch, rows = self.batch, slice(self.start, self.stop)
        room = None if batch.room_BCHW is None else batch.room_BCHW[rows]
        return batch.images.samples(batch.places[rows], room)
