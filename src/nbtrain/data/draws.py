"""Draws: the numbers that torch would draw one by one from a generator, taken from it many at a time.

Every call of torch costs about as much as all the arithmetic of a crop, and gives other threads Python's lock. torch's
generator (a Mersenne Twister) yields words of 32 bits; how torch makes numbers of them is repeated here, to the last
bit. recipe.py compares both before it relies on it. Whoever takes numbers here leaves the generator at no certain
place: nobody may draw from it afterwards. Only the trainer reads this file.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator

_AT_ONCE = 4
"""Pairs of words that are taken at once: enough for a crop and two flips."""
_WORD, _LOW_24 = 0xFFFFFFFF, 0xFFFFFF


class Draws:
    """The numbers that follow in a generator."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self._words: list[int] = []

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
        if not self._words:
            pairs = (
                torch.empty(_AT_ONCE, dtype=torch.int64).random_(-(1 << 63), None, generator=self.generator).tolist()
            )
            self._words = [word for pair in reversed(pairs) for word in (pair & _WORD, pair >> 32 & _WORD)]
        return self._words.pop()


def rounded(number: float) -> float:
    """Return a number as float32 holds it."""
    return float(np.float32(number))
