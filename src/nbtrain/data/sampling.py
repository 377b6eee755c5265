"""Sampling: which images make up each training step, as a function of the seed and the step alone.

Each image once per epoch, or rare classes more often: an image's share then follows from the size of its class, of
several labels from that of the rarest; images without a label are a class of their own. It knows labels and numbers;
what is read for a place is the loader's matter. Only the trainer reads this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch.utils.data import Sampler

from nbtrain.data.randomness import Stream, key
from nbtrain.data.records import Record

Drawing: TypeAlias = Literal["uniform", "square_root", "balanced"]
Place = tuple[int, int]
"""(epoch, position in the set): all that a worker needs to know."""
Shares: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
"""One share per image; all together are 1."""
_POWER = {"square_root": 0.5, "balanced": 1.0}


class Steps(Sampler[list[Place]]):
    """The places of every training step from ``start`` to before ``stop`` (None goes on for ever)."""

    def __init__(
        self,
        n_images: int,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool,
        start: int,
        stop: int | None,
        shares: Shares | None = None,
    ) -> None:
        self.n_images, self.batch_size = n_images, min(batch_size, n_images)
        self.seed, self.shuffle, self.start, self.stop = seed, shuffle, start, stop
        self.shares = shares

    @property
    def per_epoch(self) -> int:
        """Steps of one epoch. The images left over, fewer than a batch, wait for the next epoch."""
        return self.n_images // self.batch_size

    def __iter__(self) -> Iterator[list[Place]]:
        step, order, drawn = self.start, np.empty(0, np.int64), -1
        while self.stop is None or step < self.stop:
            epoch, batch = divmod(step, self.per_epoch)
            if epoch != drawn:
                order, drawn = self._order(epoch), epoch
            first = batch * self.batch_size
            yield [(epoch, int(position)) for position in order[first : first + self.batch_size]]
            step += 1

    def _order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        if not self.shuffle:
            # Goes on where the last epoch left off, so that those left over are not the same ones for ever.
            return np.roll(np.arange(self.n_images), -epoch * self.per_epoch * self.batch_size)
        generator = torch.Generator().manual_seed(key(self.seed, Stream.SHUFFLE, epoch))
        if self.shares is not None:
            return drawn(self.shares, torch.rand(self.n_images, generator=generator, dtype=torch.float64).numpy())
        return torch.randperm(self.n_images, generator=generator).numpy()


def shares_of(records: Sequence[Record], drawing: Drawing) -> Shares | None:
    """Return how often each image is drawn, None where each is drawn once.

    ``balanced``: every class equally often. ``square_root``: by the square root of its size, half way there.
    """
    if drawing == "uniform":
        return None
    counts = Counter(label for record in records for label in record.labels or (None,))
    rarest = np.array([min(counts[label] for label in record.labels or (None,)) for record in records], np.float64)
    raw = rarest ** -_POWER[drawing]
    return raw / raw.sum()  # type: ignore[no-any-return]


def drawn(shares: Shares, numbers: Shares) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return one position for each of the ``numbers`` between 0 and 1, drawn by the images' shares."""
    ends = np.cumsum(shares)
    found = np.searchsorted(ends, numbers * ends[-1], side="right")
    return np.minimum(found, len(shares) - 1)  # type: ignore[no-any-return]
