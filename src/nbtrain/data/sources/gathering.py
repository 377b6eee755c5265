"""Gathering: what every annotation format is collected into, and how that becomes a listing.

Classes go by name here, and get their ids at the end. A mark that cannot be drawn (numbers that are none, no width,
a polygon of two corners) is left out and told with its place; one that reaches beyond its image stays, and is told.
This file knows images, marks and labels; it knows no format, and opens nothing.
"""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrain.data import heed
from nbtrain.data.records import Doubt, Listing, Mark, MarkKind, Record, Root, checked, counted, first, natural
from nbtrain.data.sources.cells import Values
from nbtrain.data.sources.census import Why, counted_in
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.tally import Tally
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError

_BEYOND_PX = 1.0
"""How far a mark may reach over its image's edge without a word: half-pixel conventions differ."""


@dataclass(slots=True)
class Image:
    """One image while it is gathered."""

    file: str
    size_bytes: int
    width: float = 0
    height: float = 0
    """In px; 0 where the annotations do not say."""
    split: str = ""
    labels: set[str] = field(default_factory=set)
    marks: list[tuple[MarkKind, str, tuple[float, ...], str, bool]] = field(default_factory=list)
    """Kind, class, points, file, crowd: the fields of a mark in their order."""
    cells: dict[str, str] = field(default_factory=dict)


class Gathering:
    """Collects the images of one source by name, and counts what it cannot use."""

    def __init__(self, files: Files, what: str = "annotation") -> None:
        """Take the files; ``what`` is what the format calls one mark's place, such as "line"."""
        self.files, self.what = files, what
        self.images: dict[str, Image] = {}
        self.n_named = 0
        self.tally, self.values = Tally(), Values()
        self._odd: dict[str, list[str]] = {}
        self._noted: list[str] = []
        self._doubts: list[Doubt] = []

    def image(
        self, name: str, *, place: str = "", base: str = "", split: str = "", size_bytes: int = -1
    ) -> Image | None:
        """Return the image called ``name``, the same one for the same file; None where it is missing.

        ``size_bytes`` is given for one that is known to be there.
        """
        self.n_named += 1
        if self.n_named % heed.EVERY == 0:
            heed.at(self.n_named)
        found = (name, size_bytes) if size_bytes >= 0 else self.files.find(name, place, base)
        if found is None:
            return None
        known = self.images.get(found[0])
        if known is None:
            known = self.images[found[0]] = Image(*found, split=split)
        elif split != known.split:
            told = f"{known.file} is in two sets, {known.split or 'none'} and {split or 'none'}"
            raise DataError(told, value=self.files.told, advice="Name each image in one set only.")
        else:
            self.odd("image is named several times and kept once", "images are named several times and kept once", name)
        return known

    def mark(
        self, image: Image, kind: MarkKind, label: str, points: Iterable[Any], at: object, *, crowd: bool = False
    ) -> None:
        """Add a mark; one that cannot be drawn is counted. ``at`` says which of its file's marks it is."""
        given = points if isinstance(points, list | tuple) else ()
        numbers = _numbers(points)
        told = _wrong(kind, numbers) or _beyond(kind, numbers, image)
        if told is not None:
            self.odd(*told, f"{image.file} ({self.what} {at})")
        if told in _DOUBTED:
            seen = first([f"{number:g}" for number in numbers], 8) or first([str(point) for point in given], 8)
            kind_of, why = _DOUBTED[told]
            self.doubt(image, kind_of, f"{self.what} {at}: this {kind} {why} ({seen or 'nothing'})")
        if told in (None, _CUT):
            image.marks.append((kind, label, numbers, "", crowd))

    def odd(self, one: str, many: str, place: str) -> None:
        """Count something odd at ``place``; ``one`` and ``many`` go on after the number."""
        self._odd.setdefault(f"{one}\0{many}", []).append(place)

    def doubt(self, image: Image, kind: str, text: str) -> None:
        """Keep for a scan what cannot be used of an image's annotations: ``kind`` of problem, and what is wrong."""
        self._doubts.append(Doubt(image.file, kind, text))

    def note(self, *notices: str) -> None:
        """Add sentences of the format's own; empty ones are left out."""
        self._noted += filter(None, notices)

    def listing(
        self,
        root: Root,
        classes: Sequence[str] | None,
        where: Path,
        why: Why | None = None,
        reads: Collection[str] = frozenset(),
    ) -> Listing:
        """Return the listing: ``classes`` in their order, then others, sorted. Raises DataError for none.

        ``why`` says of an image that lies at ``where``, and was not gathered, why it is not used; files that end with
        one of ``reads`` are annotations. Without ``why`` nobody looks at what lies there.
        """
        if not self.images and self.n_named:
            raise self.files.none_found(self.n_named)
        images = list(self.images.values())
        used = {name for i in images for name in (*i.labels, *(m[1] for m in i.marks))}
        names = tuple(dict.fromkeys((*(classes or ()), *sorted(used, key=natural))))
        if images and not used:
            raise DataError("none of the images is annotated", value=str(where), advice=self._why_none())
        ids = {name: i for i, name in enumerate(names)}
        columns = tuple(dict.fromkeys(column for i in images for column in i.cells))
        records = tuple(_record(image, ids, columns) for image in images)
        multilabel = any(len(record.labels) != 1 for record in records)
        own = self._own_split(images)
        listing = Listing(root, names, records, own, multilabel, columns=columns, doubts=tuple(self._doubts))
        self.files.tell(self.tally)
        unused = tuple(self.tally.unused())
        listing = counted_in(listing, where, why, self.tally, reads) if why else replace(listing, unused=unused)
        told = (*self.files.notices(), *self.values.notices(), *self._told(), *self._noted)
        notices = (*told, without_image(listing), _one(listing))
        return checked(listing.noting(*notices).asking(self.files.question()), where)

    def _own_split(self, images: list[Image]) -> dict[str, tuple[str, ...]] | None:
        """A lone train set says nothing about how to validate: that stays to be chosen, as without it."""
        sets = {s: tuple(i.file for i in images if i.split == s) for s in SETS}
        own = {s: files for s, files in sets.items() if files}
        left = [image.file for image in images if not image.split]
        if len(own) < 2 or "train" not in own:
            if own and left:
                named = " and ".join(own)
                self.note(
                    f"Only images of {named} are in a set, so that sets do not say how to validate: {first(left)}."
                )
            return None
        if left:
            self.note(f"{counted(len(left), 'image is', 'images are')} in no set of their own: {first(left)}.")
        return own

    def _told(self) -> Iterator[str]:
        for words, places in self._odd.items():
            yield f"{counted(len(places), *words.split(chr(0)))}: {first(places)}."

    def _why_none(self) -> str:
        unused = (one.notice for one in self.tally.unused())
        return " ".join(
            (*unused, *self.values.notices(), *self._told(), *self._noted, "Give a folder or file with annotations.")
        )


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Make a million small objects without looking through all of them for garbage every few thousand."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def without_image(listing: Listing) -> str:
    """Return a notice on classes without an image, "" where there are none."""
    empty = [name for name, count in zip(listing.classes, listing.counts, strict=True) if not count]
    return f"{counted(len(empty), 'class has', 'classes have')} no image: {first(empty)}." if empty else ""


def box_of(corner_and_size: Iterable[Any], wide: float = 1, high: float = 1) -> tuple[float, ...]:
    """Return x0 y0 x1 y1 of a box given by x, y, width and height in units of ``wide`` and ``high`` px.

    Returns nothing where these are not four numbers.
    """
    numbers = _numbers(corner_and_size)
    if len(numbers) != 4:
        return ()
    x, y, width, height = numbers
    return x * wide, y * high, (x + width) * wide, (y + height) * high


def _record(image: Image, ids: dict[str, int], columns: tuple[str, ...]) -> Record:
    marks = tuple(Mark(kind, ids[name], points, file, crowd) for kind, name, points, file, crowd in image.marks)
    labels = {ids[name] for name in image.labels} | {mark.label for mark in marks}
    cells = tuple(image.cells.get(column, "") for column in columns)
    return Record(image.file, tuple(sorted(labels)), image.size_bytes, marks, cells)


def _numbers(points: Iterable[Any]) -> tuple[float, ...]:
    """Return ``points`` as floats; nothing where one is no finite number."""
    try:
        numbers = tuple(map(float, points))
    except (TypeError, ValueError, OverflowError):
        return ()
    return numbers if math.isfinite(sum(numbers)) else ()


_OUTSIDE = ("mark lies outside its image and is left out", "marks lie outside their images and are left out")
_CUT = ("mark reaches beyond its image's edge", "marks reach beyond their images' edges")
_NO_NUMBERS = ("mark has no usable numbers and is left out", "marks have no usable numbers and are left out")
_NO_SIZE = ("mark has no or a negative size and is left out", "marks have no or a negative size and are left out")
_CORNERS = ("polygon has under 3 corners and is left out", "polygons have under 3 corners and are left out")
Told = tuple[str, str]
_DOUBTED: dict[Told | None, tuple[str, str]] = {
    _OUTSIDE: ("outside", "lies outside the image"),
    _NO_SIZE: ("no area", "covers nothing"),
    _CORNERS: ("few points", "has fewer than three corners"),
    _NO_NUMBERS: ("unreadable", "has no usable numbers"),
}
"""Of what is left out the kind of problem that it is, and what is wrong in words."""
_N_POINTS: dict[str, int] = {"box": 4, "rotated box": 5, "circle": 3}
_SIZES: dict[str, Callable[[tuple[float, ...]], float]] = {
    "box": lambda p: min(p[2] - p[0], p[3] - p[1]),
    "rotated box": lambda p: min(p[2:4]),
    "circle": lambda p: p[2],
    "polygon": lambda p: min(max(p[0::2]) - min(p[0::2]), max(p[1::2]) - min(p[1::2])),
}


def _wrong(kind: MarkKind, points: tuple[float, ...]) -> Told | None:
    """Return what is wrong with a mark that cannot be drawn."""
    if kind == "mask":
        return None
    if not points or len(points) != _N_POINTS.get(kind, len(points)) or (kind == "polygon" and len(points) % 2):
        return _NO_NUMBERS
    if kind == "polygon" and len(points) < 6:
        return _CORNERS
    return None if _SIZES[kind](points) > 0 else _NO_SIZE


def extent(kind: MarkKind, p: tuple[float, ...]) -> tuple[float, float, float, float]:
    """Return x0 y0 x1 y1 of the upright box around a mark."""
    if kind == "box":
        return p[0], p[1], p[2], p[3]
    if kind == "circle":
        return p[0] - p[2], p[1] - p[2], p[0] + p[2], p[1] + p[2]
    if kind == "polygon":
        return min(p[0::2]), min(p[1::2]), max(p[0::2]), max(p[1::2])
    sine, cosine = abs(math.sin(math.radians(p[4]))), abs(math.cos(math.radians(p[4])))
    x, y = (p[2] * cosine + p[3] * sine) / 2, (p[2] * sine + p[3] * cosine) / 2
    return p[0] - x, p[1] - y, p[0] + x, p[1] + y


def _beyond(kind: MarkKind, points: tuple[float, ...], image: Image) -> Told | None:
    if kind == "mask" or not image.width or not image.height:
        return None
    x0, y0, x1, y1 = extent(kind, points)
    if x1 <= 0 or y1 <= 0 or x0 >= image.width or y0 >= image.height:
        return _OUTSIDE
    inside = min(x0, y0) >= -_BEYOND_PX and x1 <= image.width + _BEYOND_PX and y1 <= image.height + _BEYOND_PX
    return None if inside else _CUT


def _one(listing: Listing) -> str:
    if len(listing.classes) != 1:
        return ""
    return f"There is one class only ({listing.classes[0]}): enough to find it, not to tell images apart."
