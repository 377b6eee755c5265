"""Headers: the sizes of images for formats that give coordinates as shares, read in parallel and only where needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from nbtrain.data.decode import shown_size_of
from nbtrain.errors import DataError

_CHUNK = 64
A = TypeVar("A")
B = TypeVar("B")


def in_parallel(look: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """Yield ``look(item)`` for all items in their order; threads wait for the disk."""
    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    with ThreadPoolExecutor(min(32, 2 * (os.cpu_count() or 1)), thread_name_prefix="sources") as pool:
        for done in pool.map(lambda chunk: [look(item) for item in chunk], chunks):
            yield from done


def size_or_reason(path: str | Path) -> tuple[int, int, str]:
    """Return width and height in px and "", or zeros and why the image cannot be used."""
    try:
        return *shown_size_of(path), ""
    except DataError as error:
        return 0, 0, error.what
