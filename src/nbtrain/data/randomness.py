"""Keyed randomness: every random choice is a function of the seed and of where it is made, never of what ran before.

Shuffling hangs on (seed, epoch), augmentation on (seed, epoch, image), dropout and mixing on (seed, step). So a run
needs no saved generator state: started again at any step, with any number of loader workers, it draws the same
numbers. torch is imported by :func:`seed_everything` alone.
"""

from __future__ import annotations

import random
from enum import IntEnum

_MASK = 0xFFFFFFFFFFFFFFFF


class Stream(IntEnum):
    """What a random number is for; streams with the same seed never share one."""

    SHUFFLE = 0
    AUGMENT = 1
    STEP = 2
    WEIGHTS = 3
    VALIDATE = 4


def key(seed: int, stream: Stream, *place: int) -> int:
    """Return the 63-bit seed for one place of one stream: equal on every machine and in every version.

    The mixing step is that of splitmix64 (Steele, Lea and Flood 2014), once per number.
    """
    mixed = 0x9E3779B97F4A7C15
    for number in (seed, int(stream), *place):
        mixed = (mixed ^ (number & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        mixed ^= mixed >> 27
        mixed = mixed * 0x94D049BB133111EB & _MASK
        mixed ^= mixed >> 31
    return mixed >> 1


def seed_everything(number: int) -> None:
    """Seed torch's CPU generator, numpy and random with ``number``, in microseconds.

    ``torch.manual_seed`` would also walk through every other device, which takes milliseconds; a device that draws
    numbers of its own is seeded by the loop.
    """
    import numpy as np
    import torch

    torch.default_generator.manual_seed(number)
    random.seed(number)
    np.random.seed(number & 0xFFFFFFFF)
