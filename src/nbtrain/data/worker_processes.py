"""Loader processes: batches made by torch's DataLoader, whose workers die with the trainer.

They are for transforms that draw from generators of the whole process, or that hold Python's lock for long; a worker's
batch is handed over through shared memory. With no workers, batches are made in this process, when they are asked for.
It knows how batches are made and handed over, not what is in them, nor which ones are asked for; how a worker lives,
and when it hangs, is for workers.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler, get_worker_info

from nbtrain import processes, stacks
from nbtrain.data import workers as lives
from nbtrain.data.images import Batch, Failed, Images
from nbtrain.data.sampling import Place
from nbtrain.data.workers import Hands, Hung

Asked = Sampler[list[Place]] | Sequence[list[Place]]
"""The places of each batch, in order."""


class Processes:
    """Makes batches in ``workers`` processes; those of one pass stay for the next where they are ``persistent``.

    Workers that give no batch for ``patience_s`` are ended; 0 waits for ever.
    """

    def __init__(
        self,
        images: Images,
        workers: int,
        prefetch: int,
        *,
        pinned: bool,
        persistent: bool,
        patience_s: float = 0.0,
    ) -> None:
        self.images, self.workers, self.prefetch = images, workers, prefetch
        self.pinned, self.persistent, self.patience_s = pinned, persistent, patience_s
        if workers and processes.LINUX:  # elsewhere workers share no memory by being forks
            images.hands = Hands(workers)
            stacks.prepare()
        self._open: list[Iterator[Batch | Failed]] = []
        self._again: DataLoader[Batch | Failed] | None = None

    def batches(self, asked: Asked, *, again: bool) -> Iterator[Batch | Failed]:
        """Yield the batches of the places ``asked`` for; ``again`` says that it will be the same ones each time.

        Raises Hung where workers had to be ended.
        """
        if self._again is None or not again:
            loader = self._loader(asked)
            self._again = loader if again else self._again
        else:
            loader = self._again
        iterator = iter(loader)
        if iterator not in self._open:  # workers that stay are one iterator for good
            self._open.append(iterator)
        try:
            yield from lives.batches(iterator, self.images.hands, self.patience_s)
        except Hung:
            if loader is self._again:
                self._again = None
            raise
        except RuntimeError as error:
            named = lives.named(error, iterator)
            if named is None:
                raise
            raise named from error
        finally:
            if loader is not self._again and iterator in self._open:
                self._open.remove(iterator)
                lives.end(iterator)

    def close(self) -> None:
        """End the processes now; those of a loader that is dropped end too."""
        for iterator in self._open:
            lives.end(iterator)
        self._open.clear()
        self._again = None

    def _loader(self, asked: Asked) -> DataLoader[Batch | Failed]:
        return DataLoader(
            self.images,
            batch_sampler=asked,
            num_workers=self.workers,
            collate_fn=_handed_over,
            pin_memory=self.pinned,
            worker_init_fn=lives.start,
            generator=torch.Generator(),  # else torch draws a number from the loop's own generator
            prefetch_factor=self.prefetch if self.workers else None,
            persistent_workers=self.persistent and self.workers > 0,
            timeout=min(lives.TICK_S, self.patience_s) if self.workers else 0,
            # Where the default is to start anew, every worker would import torch for seconds.
            multiprocessing_context="fork" if self.workers and processes.LINUX else None,
        )


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
