"""Loader processes: batches made by torch's DataLoader, whose workers die with the trainer.

They are for transforms that draw from generators of the whole process, or that hold Python's lock for long; a worker's
batch is handed over through shared memory. With no workers, batches are made in this process, when they are asked for.
It knows how batches are made and handed over, not what is in them, nor which ones are asked for.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler, get_worker_info

from nbtrain import processes, stacks
from nbtrain.data.images import Batch, Failed, Images
from nbtrain.data.sampling import Place

Asked = Sampler[list[Place]] | Sequence[list[Place]]
"""The places of each batch, in order."""


class Processes:
    """Makes batches in ``workers`` processes; those of one pass stay for the next where they are ``persistent``."""

    def __init__(self, images: Images, workers: int, prefetch: int, *, pinned: bool, persistent: bool) -> None:
        self.images, self.workers, self.prefetch = images, workers, prefetch
        self.pinned, self.persistent = pinned, persistent
        self._open: list[Iterator[Batch | Failed]] = []
        self._again: DataLoader[Batch | Failed] | None = None

    def batches(self, asked: Asked, *, again: bool) -> Iterator[Batch | Failed]:
        """Yield the batches of the places ``asked`` for; ``again`` says that it will be the same ones each time."""
        if self._again is None or not again:
            loader = self._loader(asked)
            self._again = loader if again else self._again
        else:
            loader = self._again
        iterator = iter(loader)
        if iterator not in self._open:  # workers that stay are one iterator for good
            self._open.append(iterator)
        try:
            yield from iterator
        except RuntimeError as error:
            named = _named(error, iterator)
            if named is None:
                raise
            raise named from error
        finally:
            if loader is not self._again and iterator in self._open:
                self._open.remove(iterator)
                _end_workers(iterator)

    def close(self) -> None:
        """End the processes now; those of a loader that is dropped end too."""
        for iterator in self._open:
            _end_workers(iterator)
        self._open.clear()
        self._again = None

    def _loader(self, asked: Asked) -> DataLoader[Batch | Failed]:
        return DataLoader(
            self.images,
            batch_sampler=asked,
            num_workers=self.workers,
            collate_fn=_handed_over,
            pin_memory=self.pinned,
            worker_init_fn=_start_worker,
            generator=torch.Generator(),  # else torch draws a number from the loop's own generator
            prefetch_factor=self.prefetch if self.workers else None,
            persistent_workers=self.persistent and self.workers > 0,
            # Where the default is to start anew, every worker would import torch for seconds.
            multiprocessing_context="fork" if self.workers and processes.LINUX else None,
        )


def _named(error: RuntimeError, iterator: Iterator[Batch | Failed]) -> RuntimeError | None:
    """Return the error with the signal, where torch says of a dead worker only that it is gone; None elsewhere."""
    died = [worker for worker in getattr(iterator, "_workers", ()) if (worker.exitcode or 0) < 0]
    if "exited unexpectedly" not in str(error) or not died:
        return None
    by = signal.strsignal(-died[0].exitcode)
    return RuntimeError(f"DataLoader worker (pid {died[0].pid}) is killed by signal: {by}.")


def _end_workers(iterator: Iterator[Batch | Failed]) -> None:
    # Named with an underscore, yet the only way to end them at a moment of our choice.
    shut = getattr(iterator, "_shutdown_workers", None)
    if shut is not None:
        shut()


def _handed_over(batch: Any) -> Any:
    """Put a worker's batch into shared memory now; torch believes that it is given a list of samples.

    Left to the queue's own thread, a lack of shared memory is printed, the batch is lost, and the trainer waits on.
    """
    if isinstance(batch, Failed) or get_worker_info() is None:
        return batch
    try:
        for tensor in (batch.images, batch.targets, batch.positions):
            if tensor.numel():
                tensor.share_memory_()
    except RuntimeError as error:
        what = f"the loader workers ran out of shared memory (/dev/shm): {error}"
        return Failed(what, "Set data.workers to 0, or give the container a larger /dev/shm.", cause="shared memory")
    return batch


def _start_worker(_: int) -> None:
    processes.die_with_parent()
    stacks.listen()
    # The trainer's handler would write a checkpoint from a worker.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
