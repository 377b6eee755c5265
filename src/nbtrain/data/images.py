"""The images of one set: read, transformed and put together to batches, the same ones bit for bit whoever asks.

How an image is augmented follows from the seed, the epoch and its place in the set (randomness.py). Small sets are
decoded once and kept. A damaged image never ends a run: while training the next good one stands in for it, in
validation it is left out. Who asks (the trainer itself, threads, processes), and in which order, is not known here.

Where a list of transforms is somebody else's, reading reseeds torch, numpy and random, so the loop seeds its own step
after it has its batch. Only the trainer reads this file.
Shapes: B images of a batch, C colours, H height, W width, K classes.
"""

from __future__ import annotations

import contextlib
import copy
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from nbtrain.data.cache import PixelCache
from nbtrain.data.decode import Pixels, decode
from nbtrain.data.randomness import Stream, key
from nbtrain.data.recipe import Recipe, Transform, room
from nbtrain.data.records import Record, Root, conversion_of, finder, label_ids, label_matrix
from nbtrain.data.sampling import Place
from nbtrain.data.scan import Progress, Stopped, Ticker
from nbtrain.data.seen import Part, seen_part
from nbtrain.data.workers import Hands
from nbtrain.errors import DataError, NbtrainError, TrainingError
from nbtrain.messages import Cause

T = TypeVar("T")


class Batch(NamedTuple):
    """What one step reads. ``targets`` is B class ids, or B × K of 0 and 1 where images have several labels."""

    images: Tensor
    targets: Tensor
    positions: Tensor
    """Places of the images in the set's list of records."""
    bad: tuple[tuple[int, str], ...] = ()
    """Positions that could not be read, and why."""


class Sample(NamedTuple):
    """One image of a batch on its way: ``image`` is None where none could be read, or where it lies in the batch."""

    position: int
    """Place of the image in the set's list of records; -1 where none could be read."""
    image: Tensor | None
    bad: dict[int, str]
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


def attempted(make: Callable[[], T], n_images: int) -> T | Failed:
    """Return what ``make`` returns, or as data what keeps it from making a part of ``n_images``."""
    try:
        return make()
    except DataError as error:
        return Failed(error.what, error.advice, value=error.value)
    except MemoryError:
        what = f"the computer ran out of memory while the loader read {n_images} images"
        return Failed(what, "Use fewer loader workers or a smaller batch.", cause="out of memory")
    except Exception as error:  # noqa: BLE001 - transforms are anyone's code
        return Failed(f"a batch could not be made ({type(error).__name__}: {error})", "", traceback.format_exc())


class Images(Dataset[Batch]):
    """The images of one set: read, transformed and stacked batch by batch.

    ``n_classes`` is given where images have several labels. ``stand_in`` says that the next good image replaces a
    damaged one, as training needs for batches of one size; without it the damaged one is left out.
    """

    def __init__(
        self,
        root: Root,
        records: Sequence[Record],
        transform: Transform,
        *,
        seed: int,
        n_classes: int | None = None,
        stand_in: bool = True,
        shrink_px: int = 0,
    ) -> None:
        if not records:
            raise DataError("the set holds no images", value=str(root), advice="Check the split.")
        self.root, self.records, self.recipe = root, tuple(records), Recipe(transform)
        self.seed, self.stand_in, self.shrink_px = seed, stand_in, shrink_px
        self._find = finder(root)
        self.cache: PixelCache | None = None
        """Where decoded images are kept, and looked for first."""
        self.kept: list[Pixels | DataError | None] = []
        """What is kept decoded, by place, None where it has not been read yet; nothing where images are not kept."""
        self.hands: Hands | None = None
        """Where worker processes say which image they are at."""
        self._stream = Stream.AUGMENT if stand_in else Stream.VALIDATE
        # A byte per class and image: float targets of a whole set could take gigabytes, those of a batch do not.
        ids = label_ids(records) if n_classes is None else label_matrix(records, n_classes)
        self._labels = torch.from_numpy(ids)

    def __len__(self) -> int:
        return len(self.records)

    def keep_as_read(self) -> None:
        """From now on, keep each image decoded once it has been read."""
        self.kept = [None] * len(self)

    def keep(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Decode every image once, now, and keep it; raises Interrupted where ``stopped`` says so."""
        self.kept = self.kept or [None] * len(self)
        told = Ticker(progress, stopped, len(self), "images")
        for position in range(len(self)):
            told.at(position)
            with contextlib.suppress(DataError):  # told where it is used
                self.read(position)
        told.at(len(self))

    def first(self, n_images: int) -> Images:
        """Return the first images as a set of their own, decoded and kept: they are read as from a cache."""
        some = copy.copy(self)
        some.records, some._labels = self.records[:n_images], self._labels[:n_images]
        some.cache, some.hands, some.kept = None, None, self.kept[:n_images]
        some.keep()
        return some

    def read(self, position: int, *, passing: bool = False) -> Pixels:
        """Return the pixels at ``position``, where they are ``passing`` until the next; raises DataError."""
        if not self.kept:
            return self._fetched(position, passing=passing)
        found = self.kept[position]
        if found is None:
            try:
                found = self._fetched(position)
            except DataError as error:
                found = error
            self.kept[position] = found
        if isinstance(found, DataError):
            raise found
        return found

    def seen_part(self, position: int) -> Part | None:
        """Return which part of the image at ``position`` the transforms show; raises DataError where it is damaged."""
        height, width = self.read(position).shape[:2]
        return seen_part(self.recipe, height, width, key(self.seed, self._stream, 0, position))

    def _fetched(self, position: int, *, passing: bool = False) -> Pixels:
        """Return the pixels at ``position`` from the cache, or from the file."""
        file = self.records[position].file
        pixels = self.cache.get(file) if self.cache else None
        if pixels is None:
            conversion = conversion_of(self.root, file)
            pixels = shrunk(decode(self._find(file), passing=passing, conversion=conversion), self.shrink_px)
            if self.cache:
                self.cache.put(file, pixels, self.root)
        return pixels

    def __getitems__(self, places: Sequence[Place]) -> Batch | Failed:
        """Return the batch of these places; the same places always give the same tensors."""

        def make() -> Batch:
            room_BCHW = self.room(len(places))
            return self.assembled(self.samples(places, room_BCHW), room_BCHW)

        try:
            return attempted(make, len(places))
        finally:
            if self.hands:
                self.hands.put_down()

    def room(self, n_images: int, *, pinned: bool = False) -> Tensor | None:
        """Return memory that the images of a batch are written into; None where their size is not known before."""
        return None if self.recipe.size is None else room(n_images, self.recipe.size, pinned=pinned)

    def samples(self, places: Sequence[Place], room_BCHW: Tensor | None = None) -> list[Sample]:
        """Return the images of these places, which may be some of a batch; those with room are written into it."""
        made = []
        for row, (epoch, position) in enumerate(places):
            bad: dict[int, str] = {}
            found = self._sound(position, bad, passing=room_BCHW is not None)
            if found is None:
                made.append(Sample(-1, None, bad))
                continue
            used, pixels = found
            seed = key(self.seed, self._stream, epoch, position)
            one_1CHW = None if room_BCHW is None else room_BCHW[row : row + 1]
            made.append(Sample(used, self._transformed(used, pixels, seed, one_1CHW), bad))
        return made

    def assembled(self, samples: Sequence[Sample], room_BCHW: Tensor | None, *, pinned: bool = False) -> Batch:
        """Return the batch of ``samples``, whose images lie in ``room_BCHW`` where there is one."""
        rows = [row for row, sample in enumerate(samples) if sample.position >= 0]
        chosen = torch.tensor([samples[row].position for row in rows], dtype=torch.long)
        targets = self._labels[chosen]
        targets = targets.float() if targets.dim() == 2 else targets
        if room_BCHW is not None:
            images = room_BCHW if len(rows) == len(samples) else room_BCHW[rows]
        else:
            images = _stacked([image for sample in samples if (image := sample.image) is not None])
        bad = tuple({position: why for sample in samples for position, why in sample.bad.items()}.items())
        if pinned:
            images, targets, chosen = (one.pin_memory() for one in (images, targets, chosen))
        return Batch(images, targets, chosen, bad)

    def _sound(self, position: int, bad: dict[int, str], *, passing: bool) -> tuple[int, Pixels] | None:
        """Return the image at ``position``, or its stand-in, with its position; damaged ones are added to ``bad``."""
        tries = len(self) if self.stand_in else 1
        for step in range(tries):
            candidate = (position + step) % len(self)
            if self.hands:
                self.hands.take(candidate)
            try:
                return candidate, self.read(candidate, passing=passing)
            except DataError as error:
                bad[candidate] = error.what
        if not self.stand_in:
            return None
        raise DataError("not one image of the set can be read", value=str(self.root), advice="Check the files.")

    def _transformed(self, position: int, pixels: Pixels, seed: int, room_1CHW: Tensor | None) -> Tensor | None:
        image_CHW = torch.from_numpy(pixels).permute(2, 0, 1)
        if self.recipe.foreign and (self.kept or self.cache):
            image_CHW = image_CHW.clone()  # nobody knows whether it changes what it is given
        try:
            if room_1CHW is None:
                return self.recipe(image_CHW, seed)
            self.recipe.into(room_1CHW, image_CHW, seed)
        except Exception as error:
            size = f"{pixels.shape[1]} × {pixels.shape[0]} px"
            raise DataError(
                f"a transform failed on {self.records[position].file} ({size}): {error}",
                advice="Check the list of transforms: a crop may be larger than the image.",
            ) from error
        return None


def shrunk(pixels: Pixels, side_px: int) -> Pixels:
    """Return an image whose shorter side is at most ``side_px``; 0 leaves it as it is."""
    height, width = shrunk_size(pixels.shape[0], pixels.shape[1], side_px)
    if (height, width) == pixels.shape[:2]:
        return pixels
    small_1CHW = room(1, (height, width))
    small_1CHW[0].copy_(
        v2.functional.resize(torch.from_numpy(pixels).permute(2, 0, 1), [height, width], antialias=True)
    )
    return small_1CHW[0].permute(1, 2, 0).numpy()


def shrunk_size(height: int, width: int, side_px: int) -> tuple[int, int]:
    """Return the size of an image of this size once :func:`shrunk`."""
    share = side_px / min(height, width) if side_px else 1.0
    return (height, width) if share >= 1 else (max(1, round(height * share)), max(1, round(width * share)))


def _stacked(images: Sequence[Tensor]) -> Tensor:
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise DataError(
            f"the images of one batch differ in shape: {sorted(shapes)}",
            advice="Add a resize or crop to one size at the end of the list of transforms.",
        )
    return torch.stack(list(images)) if images else torch.empty(0)
