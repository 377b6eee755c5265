"""The loader: from a set of images to batches of tensors, the same ones bit for bit however they are fetched.

Which images make up step n, and how each is augmented, follows from the seed alone (sampling.py, images.py): a run may
start at any step, with any number of workers, threads or processes, and reads the same tensors. Damaged images are told
once, and workers that hang are replaced. It knows which batches are wanted; how they are made is for worker_threads.py
and worker_processes.py. Only the trainer reads this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbtrain.data.images import Batch, Failed, Images
from nbtrain.data.sampling import Shares, Steps
from nbtrain.data.worker_processes import Processes
from nbtrain.data.worker_threads import Threads
from nbtrain.data.workers import NO_VIGIL, Hung, Vigil
from nbtrain.errors import TrainingError

MAX_HANGS = 3
"""So many times in a row may workers hang at one batch; it is the image's fault then, or its transform's."""
MAX_REPLACED = 20
"""So many times in all: a machine on which workers hang again and again needs a person."""


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

    def fetcher(self, images: Images, patience_s: float = 0.0) -> Threads | Processes:
        """Return what makes the batches; processes that give none for ``patience_s`` are ended, 0 waits for ever."""
        if self.threads and self.workers and not images.recipe.foreign:
            return Threads(images, self.workers, self.prefetch, pinned=self.pin_memory)
        how: Any = {"pinned": self.pin_memory, "persistent": self.persistent, "patience_s": patience_s}
        return Processes(images, self.workers, self.prefetch, **how)


class Loader:
    """Batches of one set: an endless stream of steps for training, one pass in fixed order for validation.

    ``told`` is called once per damaged image, with its file and the reason; ``vigil`` says what is done where worker
    processes hang. Threads cannot be ended: where one hangs, the run stands still, and its minder notices.
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
        vigil: Vigil = NO_VIGIL,
    ) -> None:
        self.images, self.batch_size, self.reading = images, batch_size, reading
        self.shuffle, self.shares, self.vigil = shuffle, shares, vigil
        self.bad: dict[str, str] = {}
        self._told = told
        self._replaced = 0
        self._fetcher = reading.fetcher(images, vigil.patience_s)

    @property
    def steps_per_epoch(self) -> int:
        """Training steps of one epoch; a batch larger than the set is cut down to it."""
        return self._steps(0, None).per_epoch

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Yield the batches of steps ``start`` to before ``stop``, over all epochs in one go."""
        yield from self._lasting(lambda done: self._fetcher.batches(self._steps(start + done, stop), again=False))

    def once(self) -> Iterator[Batch]:
        """Yield the whole set in its own order, the last batch being as small as it comes out."""
        whole = [(0, position) for position in range(len(self.images))]
        batches = [whole[i : i + self.batch_size] for i in range(0, len(whole), self.batch_size)]
        yield from self._lasting(lambda done: self._fetcher.batches(batches[done:], again=not done))

    def read_by(self, reading: Reading) -> None:
        """Fetch batches in another way from now on; they stay the same. Not while some are being fetched."""
        self._fetcher.close()
        self.reading, self._fetcher = reading, reading.fetcher(self.images, self.vigil.patience_s)

    def close(self) -> None:
        """End the workers now, and give up the share in a cache."""
        self._fetcher.close()
        if self.images.cache:
            self.images.cache.close()

    def _steps(self, start: int, stop: int | None) -> Steps:
        n_images, seed = len(self.images), self.images.seed
        order: dict[str, Any] = {"seed": seed, "shuffle": self.shuffle, "shares": self.shares}
        return Steps(n_images, self.batch_size, start=start, stop=stop, **order)

    def _lasting(self, made: Callable[[int], Iterator[Batch | Failed]]) -> Iterator[Batch]:
        """Yield the batches of ``made(0)``; where workers hang, new ones go on with those of ``made(done)``."""
        done, hangs, hung_at = 0, 0, -1
        while True:
            try:
                for batch in self._checked(made(done)):
                    done += 1
                    if len(batch.positions):
                        yield batch
                return
            except Hung as hung:
                hangs, hung_at = (hangs + 1 if done == hung_at else 1), done
                self._replace(hung, hangs)

    def _replace(self, hung: Hung, hangs: int) -> None:
        """Tell of workers that have been ended; raises TrainingError where new ones would be no help."""
        self._replaced += 1
        files = [self.images.records[position].file for position in hung.positions]
        at = f" while it read {' and '.join(files)}" if files else ""
        which = f"loader worker (pid {', '.join(map(str, hung.pids))})"
        what = f"{which} gave nothing for {self.vigil.patience_s:g} s{at}"
        if hangs >= MAX_HANGS or self._replaced > MAX_REPLACED:
            often = (
                f"{MAX_HANGS} times in a row"
                if hangs >= MAX_HANGS
                else f"after {MAX_REPLACED} others had been replaced"
            )
            look = f"Look at {files[0]} and at the transforms" if files else "Look at the disk that the images lie on"
            advice = f"{look}; raise training.stall_limit_s where reading may take that long."
            raise TrainingError(f"a {what}, {often}", cause="worker", advice=advice) from _Trace(hung.stacks)
        self.vigil.replaced(f"A {what}. It was replaced, and the run goes on with the same images", hung.stacks)

    def _checked(self, batches: Iterator[Batch | Failed]) -> Iterator[Batch]:
        """Yield ``batches``; raises DataError for one that could not be made, Hung for one that does not come."""
        for batch in batches:
            if isinstance(batch, Failed):
                raise batch.error() from (_Trace(batch.trace) if batch.trace else None)
            for position, reason in batch.bad:
                self._tell(self.images.records[position].file, reason)
            yield batch

    def _tell(self, file: str, reason: str) -> None:
        if file not in self.bad:
            self.bad[file] = reason
            self._told(file, reason)


class _Trace(Exception):  # noqa: N818 - carries the traceback of a worker, never raised itself
    pass
