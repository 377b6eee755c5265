"""Prints of an image: a hash of 64 bits that finds images which show the same, and a small picture that confirms it.

The hash is the perceptual one of Zauner (Implementation and benchmarking of perceptual image hash functions, 2010), as
ImageHash made it common: a grey picture of 32 × 32, its 8 × 8 lowest coefficients of the discrete cosine transform, one
bit each for being above their median. Where there is little to see (digits, icons, sky) different images share hashes,
so a picture of 16 × 16 is kept too: what alike.py compares before it says that two are the same.

It knows grey pictures; it knows no files.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_PX = 32
PRINT_PX = 16
_LOWEST = 8


class Prints(NamedTuple):
    """What is kept of an image to find others that show the same."""

    hash: int
    """64 bits; the first coefficient is the highest of them."""
    picture: bytes
    """16 × 16 grey values, row by row."""


def prints_of(grey: Image.Image) -> Prints:
    """Return the prints of a grey image; larger than 112 px it need not be."""
    # A filter without hard edges: an image and a resized copy of it then give nearly the same values.
    seen = grey.resize((HASH_PX, HASH_PX), Image.Resampling.BILINEAR)
    return Prints(_hash(np.asarray(seen, np.float32)), seen.reduce(HASH_PX // PRINT_PX).tobytes())


def _hash(grey_HW: npt.NDArray[np.float32]) -> int:
    lowest = (_COSINES @ grey_HW @ _COSINES.T).ravel()
    middle = np.partition(lowest, (31, 32))[31:33].mean()
    return int.from_bytes(np.packbits(lowest > middle).tobytes(), "big")


def _cosines() -> npt.NDArray[np.float32]:
    """Return the rows of the discrete cosine transform (type II) that make the lowest coefficients."""
    row, place = np.arange(_LOWEST)[:, None], np.arange(HASH_PX)[None, :]
    return (2 * np.cos(np.pi * row * (2 * place + 1) / (2 * HASH_PX))).astype(np.float32)


_COSINES = _cosines()
