"""The loader: from a set of images to batches of tensors, the same ones bit for bit however they are fetched.

Which images make up step n, and how each is augmented, follows from the seed alone (sampling.py, images.py): a run may
start at any step, with any number of workers, threads or processes, and reads the same tensors. Damaged images are told
once. It knows which batches are wanted; how they are made is for worker_threads.py and worker_processes.py.
Only the trainer reads this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbtrain.data.images import Batch, Failed, Images
from nbtrain.data.sampling import Shares, Steps
from nbtrain.data.worker_processes import Processes
from nbtrain.data.worker_threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How batches are fetched; no part of it changes a single number in them."""

    workers: int = 0
    """Threads or processes that read; 0 reads when a batch is asked for."""
    threads: bool = False
    """Whether the workers are threads; transforms that are somebody else's need processes."""
    prefetch: int = 2
    """Batches that are made ahead: by each process, or by all threads together."""
    pin_memory: bool = False
    """Whether batches lie in memory from which a GPU copies faster."""
    persistent: bool = True
    """Whether the processes of validation stay between validations."""

    def fetcher(self, images: Images) -> Threads | Processes:
        """Return what makes the batches."""
        if self.threads and self.workers and not images.recipe.foreign:
            return Threads(images, self.workers, self.prefetch, pinned=self.pin_memory)
        pinned, stay = self.pin_memory, self.persistent
        return Processes(images, self.workers, self.prefetch, pinned=pinned, persistent=stay)


class Loader:
    """Batches of one set: an endless stream of steps for training, one pass in fixed order for validation.

    ``told`` is called once per damaged image, with its file and the reason.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        reading: Reading,
        *,
        shuffle: bool = True,
        shares: Shares | None = None,
        told: Callable[[str, str], None] = lambda file, reason: None,
    ) -> None:
        self.images, self.batch_size, self.reading = images, batch_size, reading
        self.shuffle, self.shares = shuffle, shares
        self.bad: dict[str, str] = {}
        self._told = told
        self._fetcher = reading.fetcher(images)

    @property
    def steps_per_epoch(self) -> int:
        """Training steps of one epoch; a batch larger than the set is cut down to it."""
        return self._steps(0, None).per_epoch

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Yield the batches of steps ``start`` to before ``stop``, over all epochs in one go."""
        yield from self._checked(self._fetcher.batches(self._steps(start, stop), again=False))

    def once(self) -> Iterator[Batch]:
        """Yield the whole set in its own order, the last batch being as small as it comes out."""
        whole = [(0, position) for position in range(len(self.images))]
        batches = [whole[i : i + self.batch_size] for i in range(0, len(whole), self.batch_size)]
        yield from self._checked(self._fetcher.batches(batches, again=True))

    def close(self) -> None:
        """End the workers now, and give up the share in a cache."""
        self._fetcher.close()
        if self.images.cache:
            self.images.cache.close()

    def _steps(self, start: int, stop: int | None) -> Steps:
        n_images, seed = len(self.images), self.images.seed
        order: dict[str, Any] = {"seed": seed, "shuffle": self.shuffle, "shares": self.shares}
        return Steps(n_images, self.batch_size, start=start, stop=stop, **order)

    def _checked(self, batches: Iterator[Batch | Failed]) -> Iterator[Batch]:
        """Yield the sound ones of ``batches``; raises DataError for one that could not be made."""
        for batch in batches:
            if isinstance(batch, Failed):
                raise batch.error() from (_Trace(batch.trace) if batch.trace else None)
            for position, reason in batch.bad:
                self._tell(self.images.records[position].file, reason)
            if len(batch.positions):
                yield batch

    def _tell(self, file: str, reason: str) -> None:
        if file not in self.bad:
            self.bad[file] = reason
            self._told(file, reason)


class _Trace(Exception):  # noqa: N818 - carries the traceback of a worker, never raised itself
    pass
