"""Which images are the same file, and which show the same: groups, from the prints of all images.

Two images show the same where their hashes differ in at most 10 of 64 bits, and their small pictures agree after the
best change of brightness and contrast: correlation of at least 0.98, a root mean square difference of at most 8 of 255.
Both are needed. By hashes alone many pairs of the 1797 digits are "alike", by correlation some are (two hands
write a 1 alike); by both none is, while copies that were compressed to quality 30, halved, doubled, made grey, a fifth
darker or a quarter richer in contrast are found (tests/data/inspection/test_alike.py). Not found are mirrored, turned
and cropped copies. Images of hardly any contrast show nothing that could be compared: of those only equal files count.

Comparing all with all would grow with the square of their number. Two hashes that differ in at most 11 bits have, of
six parts, one that differs in at most one bit; so only those are compared that share such a part.
Shapes: N images, P pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MOST_BITS = 10
LEAST_CORRELATION = 0.98
MOST_DIFFERENCE = 8.0
"""Of 255, root mean square, once brightness and contrast are alike."""
LEAST_DEVIATION = 6.0
"""Of 255: pictures whose grey values deviate less from their mean are not compared."""
NONE = -1

_PARTS = 6
_FEW = 4096
"""So many are compared all with all: that is sooner done than sorting them into parts."""
_AT_ONCE = 1 << 21
_VERIFIED_AT_ONCE = 1 << 14
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Pictures = npt.NDArray[np.uint8]


class Groups(NamedTuple):
    """The group that each image is in, a number from 0; NONE (-1) for those that are in none."""

    equal: npt.NDArray[np.int32]
    """Equal files."""
    alike: npt.NDArray[np.int32]
    """Images that show the same, equal files among them; only groups in which some files differ."""


def groups(
    digests: Sequence[bytes], hashes_N: Hashes, pictures_NP: Pictures, tell: Callable[[float], None] = lambda _: None
) -> Groups:
    """Return the groups among N images; those without a digest (b"") take no part. ``tell`` hears the share done."""
    by_digest = defaultdict[bytes, list[int]](list)
    for place, digest in enumerate(digests):
        if digest:
            by_digest[digest].append(place)
    equal = np.full(len(digests), NONE, np.int32)
    for number, places in enumerate(places for places in by_digest.values() if len(places) > 1):
        equal[places] = number
    firsts = np.array([places[0] for places in by_digest.values()], np.int64)
    return Groups(equal, _alike(len(digests), list(by_digest.values()), firsts, hashes_N, pictures_NP, tell))


def _alike(
    n: int, same: list[list[int]], firsts: Ints, hashes_N: Hashes, pictures_NP: Pictures, tell: Callable[[float], None]
) -> npt.NDArray[np.int32]:
    found = np.full(n, NONE, np.int32)
    if not len(firsts):
        return found
    pictures = pictures_NP[firsts]
    compared = np.flatnonzero(_deviation(pictures) >= LEAST_DEVIATION)
    union = _Union(len(firsts))
    for pairs_P2 in near_pairs(hashes_N[firsts[compared]], tell):
        pairs = compared[pairs_P2]
        for a, b in pairs[_show_the_same(pictures, pairs)].tolist():
            union.join(a, b)
    for number, members in enumerate(union.groups()):
        found[[place for member in members for place in same[member]]] = number
    return found


def near_pairs(hashes_N: Hashes, tell: Callable[[float], None] = lambda _: None) -> Iterator[Ints]:
    """Yield pairs (P × 2) of places whose hashes differ in at most MOST_BITS; a pair may come more than once."""
    if len(hashes_N) <= _FEW:
        yield from _among(hashes_N, np.arange(len(hashes_N)))
        return
    for part in range(_PARTS):
        keys = _keys(hashes_N, part)
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange((1 << _bits(part)) + 1))
        held = [order[starts[key] : starts[key + 1]] for key in range(1 << _bits(part))]
        for key, rows in enumerate(held):
            if len(rows):
                yield from _among(hashes_N, rows)
                # Each pair of parts comes up once: with the bit that one has and the other lacks.
                others = [held[key | 1 << bit] for bit in range(_bits(part)) if not key >> bit & 1]
                yield from _between(hashes_N, rows, np.concatenate(others) if others else rows[:0])
        tell((part + 1) / _PARTS)


def _bits(part: int) -> int:
    return len(range(part, 64, _PARTS))


def _keys(hashes_N: Hashes, part: int) -> Ints:
    """Return every sixth bit of the hashes: neighbours say much the same, and parts should differ."""
    found = np.zeros(len(hashes_N), np.int64)
    for place, bit in enumerate(range(part, 64, _PARTS)):
        found |= ((hashes_N >> np.uint64(bit)) & np.uint64(1)).astype(np.int64) << place
    return found


def _among(hashes_N: Hashes, places: Ints) -> Iterator[Ints]:
    for pairs in _between(hashes_N, places, places):
        yield pairs[pairs[:, 0] < pairs[:, 1]]


def _between(hashes_N: Hashes, rows: Ints, columns: Ints) -> Iterator[Ints]:
    if not len(columns):
        return
    step = max(1, _AT_ONCE // len(columns))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        row, column = np.nonzero(_popcount(hashes_N[some][:, None] ^ hashes_N[columns][None, :]) <= MOST_BITS)
        if len(row):
            yield np.stack((some[row], columns[column]), axis=1)


def _show_the_same(pictures_NP: Pictures, pairs_P2: Ints) -> npt.NDArray[np.bool_]:
    """Return which pairs show the same, by their small pictures."""
    found = np.zeros(len(pairs_P2), np.bool_)
    for start in range(0, len(pairs_P2), _VERIFIED_AT_ONCE):
        some = pairs_P2[start : start + _VERIFIED_AT_ONCE]
        (a, a_deviation), (b, b_deviation) = (_unit(pictures_NP[some[:, side]]) for side in (0, 1))
        correlation = (a * b).sum(axis=1)
        difference = np.sqrt(2 * np.maximum(1 - correlation, 0) * a_deviation * b_deviation)
        found[start : start + len(some)] = (correlation >= LEAST_CORRELATION) & (difference <= MOST_DIFFERENCE)
    return found


def _unit(pictures_NP: Pictures) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return pictures with mean 0 and length 1, and the deviation that they had."""
    away = pictures_NP.astype(np.float32)
    away -= away.mean(axis=1, keepdims=True)
    deviation = np.sqrt((away**2).mean(axis=1))
    return away / np.maximum(deviation * np.float32(np.sqrt(away.shape[1])), 1e-6)[:, None], deviation


def _deviation(pictures_NP: Pictures) -> npt.NDArray[np.float32]:
    parts = [_unit(pictures_NP[at : at + _VERIFIED_AT_ONCE])[1] for at in range(0, len(pictures_NP), _VERIFIED_AT_ONCE)]
    return np.concatenate(parts)


def _by_table(values: Any) -> Any:
    """Count bits with a table of 16: numpy before 2.0 has no instruction for it."""
    return _COUNTS[values.view(np.uint16).reshape(*values.shape, 4)].sum(axis=-1)


_COUNTS = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)
_popcount: Callable[[Any], Any] = getattr(np, "bitwise_count", _by_table)


class _Union:
    """Sets that grow together."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def join(self, a: int, b: int) -> None:
        a, b = self._root(a), self._root(b)
        self._parent[max(a, b)] = min(a, b)

    def groups(self) -> list[list[int]]:
        """Return the sets of two and more."""
        found = defaultdict[int, list[int]](list)
        for one in range(len(self._parent)):
            found[self._root(one)].append(one)
        return [members for members in found.values() if len(members) > 1]

    def _root(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = one = self._parent[self._parent[one]]
        return one
