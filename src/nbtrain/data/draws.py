"""Draws: the numbers that torch would draw one by one from a generator, taken from it many at a time.

Every call of torch costs about as much as all the arithmetic of a crop, and gives other threads Python's lock. torch's
generator is a Mersenne Twister, which numpy has too: both yield the same words of 32 bits for a seed. How torch makes
numbers of them is repeated here, to the last bit. recipe.py compares both before it relies on it. Whoever takes numbers
here leaves a generator at no certain place: nobody may draw from it afterwards. Only the trainer reads this file.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Generator

_AT_ONCE = 4
"""Pairs of words that are taken at once: enough for a crop and two flips."""
_WORD, _LOW_24 = 0xFFFFFFFF, 0xFFFFFF


class _Twister(threading.local):
    """A Mersenne Twister of this thread's own."""

    def __init__(self) -> None:
        self._words = np.random.MT19937()
        self._seeds = np.random.RandomState(self._words)  # seeds as torch does: one number, spread by the old rule

    def seed(self, seed: int) -> None:
        """Begin anew; torch takes the lower half of a seed."""
        self._seeds.seed(seed & _WORD)

    def words(self) -> list[int]:
        """Return the next words, the last one first."""
        return self._words.random_raw(2 * _AT_ONCE)[::-1].tolist()  # type: ignore[no-any-return]


_twister = _Twister()


class Draws:
    """The numbers that follow in a generator of torch, or from a seed: then until the next image of this thread."""

    def __init__(self, begins: Generator | int) -> None:
        self._generator = begins if isinstance(begins, Generator) else None
        self._words: list[int] = []
        if isinstance(begins, int):
            _twister.seed(begins)

    @property
    def generator(self) -> Generator:
        """The generator that the numbers come from; only where there is one."""
        assert self._generator is not None
        return self._generator

    def share(self) -> float:
        """Return what ``torch.rand(1)`` would."""
        return (self._word() & _LOW_24) / (1 << 24)

    def between(self, low: float, high: float) -> float:
        """Return what ``torch.empty(1).uniform_(low, high)`` would."""
        low, high = rounded(low), rounded(high)
        return rounded(self.share() * rounded(high - low) + low)

    def below(self, end: int) -> int:
        """Return what ``torch.randint(0, end, (1,))`` would."""
        return self._word() % end

    def _word(self) -> int:
        if not self._words and self._generator is None:
            self._words = _twister.words()
        elif not self._words:
            pairs = (
                torch.empty(_AT_ONCE, dtype=torch.int64).random_(-(1 << 63), None, generator=self.generator).tolist()
            )
            self._words = [word for pair in reversed(pairs) for word in (pair & _WORD, pair >> 32 & _WORD)]
        return self._words.pop()


def rounded(number: float) -> float:
    """Return a number as float32 holds it."""
    return float(np.float32(number))
