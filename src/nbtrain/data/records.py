"""Records: what every source is turned into, whatever its format was.

A record is one image with its labels, what was drawn on it, and what a table says of it; a listing is all records of
one source under one root folder, or of several sources under theirs. This file knows names, labels and file sizes. It
never opens an image, and does not know where a listing came from.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nbtrain.data import names
from nbtrain.data.conversion import AS_BEFORE, Conversion
from nbtrain.data.questions import Answer, Question
from nbtrain.errors import DataError

MAX_CLASSES = 25_000
"""More classes than any known data set has: beyond it, the "labels" are something else (file names, numbers)."""


MAX_CLASS_CHARACTERS = 1000
_LONG_NAME = 120

MarkKind = Literal["box", "rotated box", "circle", "polygon", "mask"]
UnusedKind = Literal["image", "annotation", "row", "file"]
_NOUNS: dict[UnusedKind, tuple[str, str]] = {
    "image": ("image", "images"),
    "annotation": ("annotation", "annotations"),
    "row": ("row", "rows"),
    "file": ("file", "files"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One object that somebody has drawn on an image: what it shows and where it lies, in pixels from the left top."""

    kind: MarkKind
    label: int
    points: tuple[float, ...] = ()
    """Of a box x0 y0 x1 y1; of a rotated box the centre's x y, width, height and degrees clockwise; of a circle the
    centre's x y and the radius; of a polygon x y of each corner; of a mask nothing."""
    file: str = ""
    """Of a mask its image file, as a posix path below the listing's root."""
    crowd: bool = False
    """Whether it stands for many objects that were not told apart."""


@dataclass(frozen=True, slots=True)
class Record:
    """One image: its file, as a posix path below the listing's root, and the ids of its labels."""

    file: str
    labels: tuple[int, ...]
    size_bytes: int = 0
    marks: tuple[Mark, ...] = ()
    cells: tuple[str, ...] = ()
    """What else is known of the image: a value for each of the listing's columns, "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something said of an image that its source could not use: it is left out, and a scan lists it with its file."""

    file: str
    kind: str
    """The kind of problem that it is, see inspection/problems.py."""
    text: str
    """What is wrong and where, with the value."""


@dataclass(frozen=True, slots=True)
class Unused:
    """Some of what lies at a source and is not used, all for one reason."""

    what: UnusedKind
    reason: str
    """Why, in words that go on after the number: "in no class folder"."""
    n: int
    examples: tuple[str, ...] = ()
    """A few of them, or of the folders that they lie in, with their number."""
    n_more: int = 0
    """How many the examples leave out."""

    @property
    def text(self) -> str:
        """Number, reason and examples: "2 images in no class folder: a.png, b.png"."""
        named = f": {', '.join(map(_short, self.examples))}" if self.examples else ""
        more = f" and {spaced(self.n_more)} more" if self.examples and self.n_more else ""
        return f"{counted(self.n, *_NOUNS[self.what])} {self.reason}{named}{more}"

    @property
    def notice(self) -> str:
        """The same as a full sentence."""
        return f"Not used: {self.text}."


@dataclass(frozen=True)
class Roots:
    """Several root folders, each under a name that the files below it begin with: ``roots / "cats/a.png"``.

    One of them may have the name "": it holds every file that begins with none of the other names.
    """

    folders: Mapping[str, Path | Roots]
    conversion: Conversion = AS_BEFORE
    """How all images below become 8 bits, unless a root further in says so itself."""

    def __truediv__(self, file: str) -> Path:
        """Return where a file lies; raises KeyError for one that lies below none of them."""
        name, _, rest = file.partition("/")
        if "" in self.folders and (not name or name not in self.folders):
            return self.folders[""] / file
        return self.folders[name] / rest

    def __str__(self) -> str:
        return ", ".join(map(str, self.folders.values()))

    def conversion_of(self, file: str) -> Conversion:
        """Return how the values of one image become 8 bits."""
        name, _, rest = file.partition("/")
        inner, rest = (self.folders[name], rest) if name in self.folders else (self.folders.get(""), file)
        return inner.conversion_of(rest) if isinstance(inner, Roots) and inner.converts else self.conversion

    @cached_property
    def converts(self) -> str:
        """How images become 8 bits, all sources together, as a text that differs where pixels may; "" as before."""
        return self._keys(lambda conversion: conversion.key)

    @cached_property
    def ranges(self) -> str:
        """The part of that which belongs to the data: which values are black and white; "" where that is as usual."""
        return self._keys(lambda conversion: conversion.range_key)

    def _keys(self, key: Callable[[Conversion], str]) -> str:
        inner = {name: root._keys(key) for name, root in self.folders.items() if isinstance(root, Roots)}
        told = [f"{name}:{text}" for name, text in sorted(inner.items()) if text]
        return "|".join(filter(None, (key(self.conversion), *told)))

    def text(self, file: str) -> str:
        """Return where a file lies, as text."""
        name, _, rest = file.partition("/")
        if "" in self._texts and (not name or name not in self._texts):
            return self._texts[""](file)
        return self._texts[name](rest)

    @cached_property
    def _texts(self) -> dict[str, Callable[[str], str]]:
        return {name: finder(folder) for name, folder in self.folders.items()}


Root: TypeAlias = Path | Roots
"""What a file's name is put behind to find it."""


def finder(root: Root) -> Callable[[str], str]:
    """Return what tells where a file lies, as text: joining paths as objects costs as much as reading a header."""
    return root.text if isinstance(root, Roots) else partial(os.path.join, str(root))


def conversion_of(root: Root, file: str) -> Conversion:
    """Return how the values of an image below ``root`` become 8 bits."""
    return root.conversion_of(file) if isinstance(root, Roots) else AS_BEFORE


def converts(root: Root) -> str:
    """Return a text that differs where images below ``root`` are read as other pixels; "" as before."""
    return root.converts if isinstance(root, Roots) else ""


@dataclass(frozen=True)
class Listing:
    """All images of one source, in a fixed order; ids of labels are positions in ``classes``."""

    root: Root
    classes: tuple[str, ...]
    records: tuple[Record, ...]
    own_split: Mapping[str, tuple[str, ...]] | None = None
    """Files per set ("train", "val", "test") where the source itself says so."""
    multilabel: bool = False
    """Whether some image has no label, or several."""
    notes: tuple[str, ...] = ()
    """What the person should know of what was found beside ``unused``, in full sentences."""
    columns: tuple[str, ...] = ()
    """Names of what else is known of each image, such as "patient": what splits group by, and evaluations slice by."""
    doubts: tuple[Doubt, ...] = ()
    """What annotations say that cannot be used; neither part of the records nor of the hash."""
    left_out: frozenset[str] = frozenset()
    """Files that are there and that somebody wants left out: a split may still name them."""
    unused: tuple[Unused, ...] = ()
    """What lies there and is in no record, each image once; neither part of the records nor of the hash."""
    questions: tuple[Question, ...] = ()
    """What could be meant otherwise, and is read as the first answers say; no part of the records or of the hash."""
    ways: tuple[Answer, ...] = ()
    """How it was read, and then how else its source could read it, where that is known; no part of them either."""

    def __len__(self) -> int:
        return len(self.records)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the person should know of what was found, in full sentences: what is not used, then all else."""
        return (*(one.notice for one in self.unused), *self.notes)

    @cached_property
    def content_hash(self) -> str:
        """A hash over the class names, and every image's relative name, size in bytes and labels; 16 hex digits.

        Marks are counted where there are any, so that data of classes alone keeps the hash that it has always had. So
        are the values that become black and white, where they were chosen.

        It does not read the images: a file overwritten with other pixels of exactly the same size goes unnoticed.
        The order in which files were found, the root folder and the own split are no part of it.
        """
        digest = hashlib.sha256("\0".join(self.classes).encode())
        for record in sorted(self.records, key=lambda r: r.file):
            labels = ",".join(map(str, record.labels))
            marks = f"\0{record.marks!r}" if record.marks else ""
            digest.update(f"\n{record.file}\0{record.size_bytes}\0{labels}{marks}".encode())
        if isinstance(self.root, Roots) and self.root.ranges:
            digest.update(f"\0{self.root.ranges}".encode())
        return digest.hexdigest()[:16]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of images that carry each class."""
        found = Counter(label for record in self.records for label in record.labels)
        return tuple(found[i] for i in range(len(self.classes)))

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(record.size_bytes for record in self.records)

    def positions(self) -> dict[str, int]:
        """Return the place of every file in ``records``."""
        return {record.file: place for place, record in enumerate(self.records)}

    def noting(self, *notices: str) -> Listing:
        """Return a copy with more ``notes``; empty ones are left out."""
        return replace(self, notes=(*self.notes, *filter(None, notices)))

    def asking(self, *questions: Question | None) -> Listing:
        """Return a copy with more ``questions``; those that are None are left out."""
        return replace(self, questions=(*self.questions, *filter(None, questions)))

    def read_as(self, *ways: Answer) -> Listing:
        """Return a copy that says how it was read, and how else it could be."""
        return replace(self, ways=(*self.ways, *ways))


def label_ids(records: Sequence[Record]) -> npt.NDArray[np.int64]:
    """Return the one label of each record; raises DataError for a record that has none, or several."""
    for record in records:
        if len(record.labels) != 1:
            raise DataError(
                f"{record.file} has {len(record.labels)} labels, and classification needs exactly one",
                advice="Choose the task multi-label, or give every image one label.",
            )
    return np.fromiter((record.labels[0] for record in records), np.int64, len(records))


def label_matrix(records: Sequence[Record], n_classes: int) -> npt.NDArray[np.uint8]:
    """Return one row per record with a 1 for each of its labels."""
    matrix = np.zeros((len(records), n_classes), np.uint8)
    for row, record in enumerate(records):
        matrix[row, list(record.labels)] = 1
    return matrix


class OneClassError(DataError):
    """All images show one class; ``listing`` holds them, for whoever has images of other classes beside them."""

    def __init__(self, listing: Listing, where: object, also: str = "", advice: str = "") -> None:
        """Take what may lie there beside the one class, with what to do about that."""
        self.listing = listing
        known = "Add images of at least one other class, each class in a folder of its own or with its own label."
        told = f"there is only one class ({', '.join(listing.classes) or 'none'}), so there is nothing to tell apart"
        super().__init__(f"{told}; {also}" if also else told, value=str(where), advice=advice or known)


def checked(listing: Listing, where: object) -> Listing:
    """Return ``listing`` with notices on its classes; raises DataError where no network could learn from it.

    One class is enough where marks say where its objects are, or where some images do not show it.
    """
    n_classes, n_images = len(listing.classes), len(listing)
    if n_images == 0:
        raise DataError("there are no images", value=str(where), advice="Give a folder or table that names images.")
    if n_classes > MAX_CLASSES:
        raise DataError(
            f"there are {n_classes} classes for {n_images} images, more than the {MAX_CLASSES} that are allowed",
            value=str(where),
            advice="Check that the labels are classes, and not file names or numbers.",
        )
    long = next((name for name in listing.classes if len(name) > MAX_CLASS_CHARACTERS), None)
    if long is not None:
        told = f"{where}: a class has a name of {len(long)} characters, and {MAX_CLASS_CHARACTERS} are allowed"
        raise DataError(told, value=long, advice="Check that it is a class, and not a text; rename it in the source.")
    if n_classes < 2 and not (n_classes and any(r.marks or not r.labels for r in listing.records)):
        raise OneClassError(listing, where)
    return listing.noting(*class_notices(listing))


def class_notices(listing: Listing) -> tuple[str, ...]:
    """Return what a person should know of the classes, in full sentences."""
    return (*filter(None, (_single(listing),)), *names.notices(listing.classes))


def _single(listing: Listing) -> str:
    lone = [name for name, count in zip(listing.classes, listing.counts, strict=True) if count == 1]
    if not lone:
        return ""
    return f"{counted(len(lone), 'class has', 'classes have')} one image only, used for training: {first(lone)}."


def in_words(names: Sequence[str], most: int = 4) -> str:
    """Return names as in a sentence: "train, val and test"; of more than ``most``, how many more there are."""
    shown = list(names) if len(names) <= most else [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def first(names: Sequence[str], limit: int = 5) -> str:
    """Return the first ``limit`` names as text, long ones shortened, with the number of the others."""
    more = len(names) - limit
    return ", ".join(map(_short, names[:limit])) + (f" and {more} more" if more > 0 else "")


def _short(name: str) -> str:
    name = name.encode("utf-8", "replace").decode()  # a file's name may be in another encoding
    return name if len(name) <= _LONG_NAME else f"{name[: _LONG_NAME // 2]}…{name[-_LONG_NAME // 3 :]}"


def counted(number: int, one: str, many: str) -> str:
    """Return ``number`` with the word that fits it: "1 file", "1 797 files"."""
    return f"{spaced(number)} {one if number == 1 else many}"


def spaced(number: int) -> str:
    """Return ``number`` in groups of three digits: "1 797"."""
    return f"{number:,}".replace(",", " ")


def natural(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sort key in which ``class 9`` comes before ``class 10``, on every platform alike."""
    texts = re.split("([0-9]+)", name.casefold())
    # Texts and numbers alternate, so that equal places always hold equal types. A number compares by its length first:
    # int() would refuse one of thousands of digits.
    parts = [(len(t.lstrip("0")), t.lstrip("0")) if place % 2 else t for place, t in enumerate(texts)]
    return parts, name
