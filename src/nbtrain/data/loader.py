"""The loader: from a list of records to batches of tensors, the same ones bit for bit however they are fetched.

Which images make up step n, and how each is augmented, follows from the seed alone (randomness.py): a run may start
at any step, with any number of worker processes, and reads the same tensors. Small sets are decoded once and kept in
memory; others are read by worker processes that die with the trainer, and are replaced where they hang (workers.py). A
damaged image never ends a run: while training the next good one stands in for it, in validation it is left out, and it
is told once.

Reading in this process reseeds torch, numpy and random, so the loop seeds its own step after it has its batch.
Shapes: B images of a batch, C colours, H height, W width, K classes. Only the trainer reads this file.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from nbtrain import processes, stacks
from nbtrain.data import workers
from nbtrain.data.decode import Pixels, decode
from nbtrain.data.randomness import Stream, key, seed_everything
from nbtrain.data.records import Record, counted, label_ids, label_matrix
from nbtrain.data.sampling import Place, Shares, Steps
from nbtrain.data.scan import Progress, Stopped, Ticker
from nbtrain.data.statistics import MAX_MEASURED, PixelStatistics
from nbtrain.data.workers import NO_VIGIL, Hands, Hung, Vigil
from nbtrain.errors import DataError, NbtrainError, TrainingError
from nbtrain.messages import Cause

MAX_KEPT_BYTES = 64 * 2**20
"""Sets up to this decoded size are kept in memory: reading them again would cost more than everything else."""
MAX_WORKERS = 8
MAX_HANGS = 3
"""So many times in a row may workers hang at one batch; it is the image's fault then, or its transform's."""
MAX_REPLACED = 20
"""So many times in all: a machine on which workers hang again and again needs a person."""

Transform = Callable[[Tensor], Tensor]
"""Takes one image, uint8 of shape CHW, and returns what the network sees; all results have one shape."""


class Batch(NamedTuple):
    """What one step reads. ``targets`` is B class ids, or B × K of 0 and 1 where images have several labels."""

    images: Tensor
    targets: Tensor
    positions: Tensor
    """Places of the images in the set's list of records."""
    bad: tuple[tuple[int, str], ...] = ()
    """Positions that could not be read, and why."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A batch that could not be made, sent from a worker as data: torch would bury the reason in a traceback."""

    what: str
    advice: str
    trace: str = ""
    value: object = None
    cause: Cause = "data"

    def error(self) -> NbtrainError:
        """Return what the trainer raises for it."""
        if self.cause == "data":
            return DataError(self.what, value=self.value, advice=self.advice)
        return TrainingError(self.what, cause=self.cause, advice=self.advice)


class Images(Dataset[Batch]):
    """The images of one set: read, transformed and stacked batch by batch.

    ``n_classes`` is given where images have several labels. ``stand_in`` says that the next good image replaces a
    damaged one, as training needs for batches of one size; without it the damaged one is left out.
    """

    def __init__(
        self,
        root: Path,
        records: Sequence[Record],
        transform: Transform,
        *,
        seed: int,
        n_classes: int | None = None,
        stand_in: bool = True,
    ) -> None:
        if not records:
            raise DataError("the set holds no images", value=str(root), advice="Check the split.")
        self.root, self.records, self.transform = root, tuple(records), transform
        self.seed, self.stand_in = seed, stand_in
        self.kept: list[Pixels | DataError] = []
        self.hands: Hands | None = None
        """Where worker processes say which image they are at."""
        self._stream = Stream.AUGMENT if stand_in else Stream.VALIDATE
        # A byte per class and image: float targets of a whole set could take gigabytes, those of a batch do not.
        ids = label_ids(records) if n_classes is None else label_matrix(records, n_classes)
        self._labels = torch.from_numpy(ids)

    def __len__(self) -> int:
        return len(self.records)

    def keep(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Decode every image once and keep it; raises Interrupted where ``stopped`` says so."""
        told = Ticker(progress, stopped, len(self), "images")
        for position in range(len(self)):
            told.at(position)
            try:
                self.kept.append(self.read(position))
            except DataError as error:
                self.kept.append(error)
        told.at(len(self))

    def read(self, position: int) -> Pixels:
        """Return the pixels at ``position``; raises DataError where they cannot be read."""
        if position < len(self.kept):
            kept = self.kept[position]
            if isinstance(kept, DataError):
                raise kept
            return kept
        return decode(self.root / self.records[position].file)

    def __getitems__(self, places: Sequence[Place]) -> Batch | Failed:
        """Return the batch of these places; the same places always give the same tensors."""
        try:
            return self._batch(places)
        except DataError as error:
            return Failed(error.what, error.advice, value=error.value)
        except MemoryError:
            what = f"the computer ran out of memory while the loader read {len(places)} images"
            return Failed(what, "Use fewer loader workers or a smaller batch.", cause="out of memory")
        except Exception as error:  # noqa: BLE001 - transforms are anyone's code
            return Failed(f"a batch could not be made ({type(error).__name__}: {error})", "", traceback.format_exc())
        finally:
            if self.hands:
                self.hands.put_down()

    def _batch(self, places: Sequence[Place]) -> Batch:
        images: list[Tensor] = []
        positions: list[int] = []
        bad: dict[int, str] = {}
        for epoch, position in places:
            found = self._sound(position, bad)
            if found is None:
                continue
            used, pixels = found
            seed_everything(key(self.seed, self._stream, epoch, position))
            images.append(self._transformed(used, pixels))
            positions.append(used)
        shapes = {tuple(image.shape) for image in images}
        if len(shapes) > 1:
            raise DataError(
                f"the images of one batch differ in shape: {sorted(shapes)}",
                advice="Add a resize or crop to one size at the end of the list of transforms.",
            )
        chosen = torch.tensor(positions, dtype=torch.long)
        targets = self._labels[chosen]
        stacked = torch.stack(images) if images else torch.empty(0)
        return Batch(stacked, targets.float() if targets.dim() == 2 else targets, chosen, tuple(bad.items()))

    def _sound(self, position: int, bad: dict[int, str]) -> tuple[int, Pixels] | None:
        """Return the image at ``position``, or its stand-in, with its position; damaged ones are added to ``bad``."""
        tries = len(self) if self.stand_in else 1
        for step in range(tries):
            candidate = (position + step) % len(self)
            if self.hands:
                self.hands.take(candidate)
            try:
                return candidate, self.read(candidate)
            except DataError as error:
                bad[candidate] = error.what
        if not self.stand_in:
            return None
        raise DataError("not one image of the set can be read", value=str(self.root), advice="Check the files.")

    def _transformed(self, position: int, pixels: Pixels) -> Tensor:
        image_chw = torch.from_numpy(pixels).permute(2, 0, 1)
        try:
            return self.transform(image_chw)
        except Exception as error:
            size = f"{pixels.shape[1]} × {pixels.shape[0]} px"
            raise DataError(
                f"a transform failed on {self.records[position].file} ({size}): {error}",
                advice="Check the list of transforms: a crop may be larger than the image.",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How batches are fetched; no part of it changes a single number in them."""

    workers: int = 0
    """Loader processes; 0 reads in this process."""
    prefetch: int = 2
    """Batches that each worker holds ready."""
    pin_memory: bool = False
    """Whether batches lie in memory from which a GPU copies faster."""
    persistent: bool = True
    """Whether the workers of validation stay between validations."""


class Loader:
    """Batches of one set: an endless stream of steps for training, one pass in fixed order for validation.

    ``told`` is called once per damaged image, with its file and the reason; ``vigil`` says what is done where workers
    hang.
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
        if reading.workers and processes.LINUX:  # elsewhere workers share no memory by being forks
            images.hands = Hands(reading.workers)
            stacks.prepare()
        self.bad: dict[str, str] = {}
        self._told = told
        self._open: list[Iterator[Batch | Failed]] = []
        self._once: DataLoader[Batch | Failed] | None = None
        self._replaced = 0

    @property
    def steps_per_epoch(self) -> int:
        """Training steps of one epoch; a batch larger than the set is cut down to it."""
        return self._steps(0, None).per_epoch

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Yield the batches of steps ``start`` to before ``stop``, over all epochs in one go."""
        yield from self._lasting(lambda done: self._loader(self._steps(start + done, stop)))

    def once(self) -> Iterator[Batch]:
        """Yield the whole set in its own order, the last batch being as small as it comes out."""
        yield from self._lasting(self._rest)

    def _rest(self, done: int) -> DataLoader[Batch | Failed]:
        """Return what reads the whole set, kept for the next time; where batches are done, what reads the others."""
        if self._once is not None and not done:
            return self._once
        whole = [(0, position) for position in range(len(self.images))]
        batches = [whole[i : i + self.batch_size] for i in range(0, len(whole), self.batch_size)]
        made = self._loader(batches[done:])
        self._once = self._once if done else made
        return made

    def close(self) -> None:
        """End the worker processes now; a loader that is dropped ends them too."""
        for iterator in self._open:
            workers.end(iterator)
        self._open.clear()
        self._once = None

    def _steps(self, start: int, stop: int | None) -> Steps:
        n_images, seed = len(self.images), self.images.seed
        order: dict[str, Any] = {"seed": seed, "shuffle": self.shuffle, "shares": self.shares}
        return Steps(n_images, self.batch_size, start=start, stop=stop, **order)

    def _loader(self, batches: Sampler[list[Place]] | list[list[Place]]) -> DataLoader[Batch | Failed]:
        reading = self.reading
        return DataLoader(
            self.images,
            batch_sampler=batches,
            num_workers=reading.workers,
            collate_fn=_handed_over,
            pin_memory=reading.pin_memory,
            worker_init_fn=workers.start,
            generator=torch.Generator(),  # else torch draws a number from the loop's own generator
            prefetch_factor=reading.prefetch if reading.workers else None,
            persistent_workers=reading.persistent and reading.workers > 0,
            timeout=min(workers.TICK_S, self.vigil.patience_s) if reading.workers else 0,
            # Where the default is to start anew, every worker would import torch for seconds.
            multiprocessing_context="fork" if reading.workers and processes.LINUX else None,
        )

    def _lasting(self, made: Callable[[int], DataLoader[Batch | Failed]]) -> Iterator[Batch]:
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

    def _checked(self, loader: DataLoader[Batch | Failed]) -> Iterator[Batch]:
        """Yield the batches of ``loader``; raises DataError for one that could not be made, Hung for one not made."""
        iterator = iter(loader)
        if iterator not in self._open:  # workers that stay are one iterator for good
            self._open.append(iterator)
        hung = False
        try:
            for batch in workers.batches(iterator, self.images.hands, self.vigil.patience_s):
                if isinstance(batch, Failed):
                    raise batch.error() from (_Trace(batch.trace) if batch.trace else None)
                for position, reason in batch.bad:
                    self._tell(self.images.records[position].file, reason)
                yield batch
        except Hung:
            hung = True
            raise
        except RuntimeError as error:
            named = workers.named(error, iterator)
            if named is None:
                raise
            raise named from error
        finally:
            if hung and loader is self._once:
                self._once = None
            if loader is not self._once and iterator in self._open:
                self._open.remove(iterator)
                workers.end(iterator)

    def _tell(self, file: str, reason: str) -> None:
        if file not in self.bad:
            self.bad[file] = reason
            self._told(file, reason)


class _Trace(Exception):  # noqa: N818 - carries the traceback of a worker, never raised itself
    pass


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


def choose_workers(n_images: int, decoded_bytes: int, n_cpus: int) -> tuple[int, str]:
    """Return the number of loader processes for a set of this decoded size, with the reason in words."""
    mib = decoded_bytes / 2**20
    if decoded_bytes <= MAX_KEPT_BYTES:
        return 0, f"all {n_images} images fit into memory decoded ({mib:.1f} MiB)"
    workers = max(1, min(MAX_WORKERS, n_cpus - 1))
    return workers, f"{counted(n_cpus, 'core', 'cores')}, of which one is left to the network ({mib:,.0f} MiB decoded)"


def mean_and_spread(
    images: Images, progress: Progress = lambda _: None, stopped: Stopped = lambda: False
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per colour over at most MAX_MEASURED images, evenly taken from the set."""
    n_used = min(len(images), MAX_MEASURED)
    measured, told = PixelStatistics(), Ticker(progress, stopped, n_used, "images")
    for done in range(n_used):
        told.at(done)
        try:
            measured.add(images.read(done * len(images) // n_used))
        except DataError:
            continue  # damaged: told when training meets it
    told.at(n_used)
    return measured.result()
