"""Which stored values of a source's images become black and white: chosen once, from a sample spread over it.

Most sources hold images of 8 bits and are done after a glance at some headers. It knows files and conversions; where
the choice is kept, assembly.py says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import ImageFile

from nbtrain.data import heed
from nbtrain.data.conversion import DARK, DEPTHS, MOST, SIGNED_MOST, Conversion, Span, Spread, Values, by_hand, depth_of
from nbtrain.data.decode import JPEG_BEGINS, opened
from nbtrain.data.deep import is_deep, values_of
from nbtrain.data.records import Root, counted, finder, spaced
from nbtrain.errors import DataError
from nbtrain.files import ordinary

T = TypeVar("T")

HEADERS = 128
"""Files that are glanced at."""
MORE_HEADERS = 2048
"""Files that are glanced at where some of the first hold more than 8 bits: enough of those must be found."""
IMAGES = 64
"""Images whose values are looked at."""
_MOST_VALUES = 64_000_000
"""Values that are looked at, of all images together; a first image counts whatever its size."""
_KEPT_VALUES = 1 << 16
"""Values of each image that percentiles are taken of."""
_SHALLOW = (".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp")
"""Endings of formats that hold 8 bits."""
_PNG_BEGINS, _PNG_BITS_AT = b"\x89PNG", 24
_TIFF_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PGM_BEGINS = (b"P5", b"P2", b"Pf")


class _Seen(NamedTuple):
    """What one image has shown."""

    counts: bool
    highest: int
    """Of whole numbers."""
    below: int
    """The highest of them but for 65 535 and 32 767, which often stand for no value."""
    known: Values
    """Some of the measured values."""
    unknown_share: float


def chosen(root: Root, files: Sequence[str], asked: str = "auto") -> Conversion:
    """Return how the images ``files`` below ``root`` become 8 bits: as a person has ``asked``, or by a sample of them.

    What cannot be read is passed over: a scan tells it. Raises ConfigError for a wish that is no range.
    """
    hand = by_hand(asked)
    if hand is not None:
        return hand
    path = finder(root)
    likely = [file for file in files if not file.lower().endswith(_SHALLOW)]
    deep = [file for file in _spread(likely, HEADERS) if _holds_more(path(file))]
    if not deep:
        return Conversion(profiles=True)
    if len(likely) > HEADERS and len(deep) < IMAGES:
        deep = [file for file in _spread(likely, MORE_HEADERS) if _holds_more(path(file))]
    return _by_values(deep, list(_looks(_spread(deep, IMAGES), path)), len(files))


def _spread(items: Sequence[T], n: int) -> list[T]:
    """Return at most ``n`` of the items, evenly taken: the same ones each time."""
    return [items[place * len(items) // n] for place in range(n)] if len(items) > n else list(items)


def _holds_more(path: str) -> bool:
    """Return whether a file holds more than 8 bits per colour, by its first bytes where they tell."""
    try:
        with open(path, "rb", buffering=0, opener=ordinary) as file:
            head = file.read(_PNG_BITS_AT + 1)
    except OSError:
        return False
    if head.startswith(_PNG_BEGINS):
        return len(head) > _PNG_BITS_AT and head[_PNG_BITS_AT] > 8
    if head.startswith(JPEG_BEGINS) or not head.startswith((*_TIFF_BEGINS, *_PGM_BEGINS)):
        return False
    try:
        with opened(path) as image:
            return is_deep(image)
    except (DataError, MemoryError):
        return False


def _looks(files: Sequence[str], path: Callable[[str], str]) -> Iterator[_Seen]:
    left = _MOST_VALUES
    for file in files:
        heed.at()
        where = path(file)
        try:
            with opened(where) as image:
                size = math.prod(image.size)
                if left < size and left < _MOST_VALUES:
                    continue
                left -= size
                yield _seen(image, where)
        except (DataError, MemoryError):
            continue


def _seen(image: ImageFile.ImageFile, path: str) -> _Seen:
    values = values_of(image, lambda: opened(path))
    values = values[..., :3] if values.ndim == 3 else values
    flat = values.ravel()
    some = flat[:: 1 + flat.size // _KEPT_VALUES]
    if values.dtype != np.uint16:
        known = np.isfinite(flat)
        extremes = (np.nanmin(flat), np.nanmax(flat)) if known.any() else ()
        kept = np.concatenate((some[np.isfinite(some)], np.array(extremes, flat.dtype)))
        return _Seen(False, 0, 0, kept, 1 - float(known.mean()))
    below = flat[(flat != MOST) & (flat != SIGNED_MOST)]
    return _Seen(True, int(flat.max(initial=0)), int(below.max(initial=0)), some, 0.0)


# ---------------------------------------------------------------------- choosing


def _by_values(deep: Sequence[str], seen: Sequence[_Seen], n_files: int) -> Conversion:
    counts, measured = [one for one in seen if one.counts], [one for one in seen if not one.counts]
    of = f"({spaced(len(seen))} of {counted(n_files, 'image', 'images')} looked at)"
    told, spans = list[str](), dict[str, Span]()
    if counts:
        spans["counts"], words = _depth(counts)
        told.append(f"{words} {of}.")
    if measured:
        spans["measured"], words = _range(measured)
        told.append(f"{words} {of}.")
    return Conversion(**spans, profiles=True, told=tuple(told))


def _depth(seen: Sequence[_Seen]) -> tuple[Span, str]:
    highest, below = max(one.highest for one in seen), max(one.below for one in seen)
    bits = depth_of(highest)
    if highest in (MOST, SIGNED_MOST) and below >= 2**9 and depth_of(below) < bits:
        bits, more = depth_of(below), f", {spaced(highest)} left aside, which stands for no value or too much light"
    else:
        below, more = highest, ""
    told = f"16-bit images whose values end at {spaced(below)}{more}: read as {bits} bits"
    return Span(0, 2**bits - 1), told + _most_end_lower(seen, bits, above=bool(more))


def _most_end_lower(seen: Sequence[_Seen], bits: int, *, above: bool) -> str:
    """Tell where most images have fewer bits than the whole source is read as, and come out dark beside a few."""
    depths = [depth_of(one.below if above else one.highest) for one in seen if one.highest]
    usual = Counter(depths).most_common(1)[0] if depths else (bits, 0)
    if usual[0] >= bits or 2 * usual[1] <= len(depths) or usual[0] <= min(DEPTHS):
        return ""
    n = counted(usual[1], "image ends", "images end")
    return f", though {n} at {usual[0]} bits and {DARK}: values='{usual[0]} bits' makes more white"


def _range(seen: Sequence[_Seen]) -> tuple[Span, str]:
    spread = Spread.of(np.concatenate([one.known.astype(np.float64) for one in seen]))
    low, high = spread.span
    told = f"Images of measured values (floats, or whole numbers beyond 16 bits): {low:.6g} is black, {high:.6g} white"
    if spread.has_outliers and (low, high) == (spread.low, spread.high):
        told += (
            f", which leaves out half a percent of the values at either end, that reach from {spread.lowest:.6g} to "
            f"{spread.highest:.6g}"
        )
    unknown = float(np.mean([one.unknown_share for one in seen]))
    if unknown:
        told += f"; {100 * unknown:.2g} % of their pixels have no value (NaN, infinite, or marked so) and are black"
    if low == high:  # all alike: any range shows them so
        high = low + 1.0
    return Span(low, high), told
