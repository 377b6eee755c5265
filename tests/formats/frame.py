"""What a situation is: files as somebody has them, and what must come of them. docs/formats.md is written from these.

The words of the page are made from the very values that the test checks, so that neither can say what the other does
not. A file of situations declares; this one makes the files, looks at them, compares, and puts outcomes in words.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nbtrain.data import unread
from nbtrain.data.records import Listing, OneClassError, counted
from nbtrain.data.sources import Asked as Question
from nbtrain.data.sources import AskError, Found, Source, rooted
from nbtrain.data.sources.base import is_image
from nbtrain.errors import DataError

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WEBP",
}
MASKS = ("masks", "mask", "labels", "annotations", "SegmentationClass")
"""Folders that masks lie in."""
WIDTH, HEIGHT = 20, 16
"""Of every image that a situation names, in px."""


def expand(pattern: str) -> list[str]:
    """Return the names that ``{cat,dog}/{0..2}.jpg`` stands for; ``;`` parts patterns."""
    names: list[str] = []
    for one in filter(None, map(str.strip, pattern.split(";"))):
        parts = re.split(r"\{([^{}]*)\}", one)
        choices = [_choices(part) if place % 2 else [part] for place, part in enumerate(parts)]
        names += map("".join, itertools.product(*choices))
    return names


def _choices(inside: str) -> list[str]:
    between = re.fullmatch(r"([0-9]+)\.\.([0-9]+)", inside)
    return [str(i) for i in range(int(between[1]), int(between[2]) + 1)] if between else inside.split(",")


@cache
def picture(ending: str = ".jpg") -> bytes:
    """Return the bytes of a small image; one of an ending that is no image's is a JPEG."""
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=_FORMATS.get(ending.lower(), "JPEG"))
    return file.getvalue()


@dataclass(frozen=True)
class Given:
    """Files below one folder, and what of them a person gives to nbtrain."""

    images: str = ""
    """Patterns as ``expand`` takes them."""
    texts: Mapping[str, Any] = field(default_factory=dict)
    """Contents by name: text, bytes, or plain values that are written as JSON."""
    give: str = ""
    """What is given, below the folder; "" is the folder."""
    root: str | None = None
    """Folder that is named as the one of the images, below the folder; None names none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the source that the person sets."""
    also: Callable[[Path], object] | None = None
    """What is done to the folder after that: links, archives, permissions."""

    def source(self, folder: Path) -> Source:
        """Write the files into ``folder`` and return the source that reads them, unpacked where it has to be."""
        for name in expand(self.images):
            write(folder / name, picture(Path(name).suffix))
        for name, content in self.texts.items():
            write(folder / name, content)
        if self.also:
            self.also(folder)
        source = rooted(folder / self.give, "" if self.root is None else str(folder / self.root))
        for path, value in self.settings.items():
            source = source.set(path, value)
        return source.placed(folder.parent / "unpacked")


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


@dataclass(frozen=True)
class Read:
    """The images are read: with these classes, sets and marks, and with these sentences among the notices."""

    classes: Mapping[str, int]
    """Images of each class."""
    sets: Mapping[str, int] = field(default_factory=dict)
    none: int = 0
    """Images that show none of the classes."""
    marks: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Labels of some files, joined by " + "."""
    columns: tuple[str, ...] | None = None
    told: tuple[str, ...] | str = ()
    """Parts of sentences that must be said."""
    by: str = ""
    """Kind of the source."""
    also: tuple[str, ...] | str = ()
    """Titles of other readings that must be offered."""

    def differences(self, source: Source) -> list[str]:
        """Return what is otherwise, in words; nothing where all is as it should be."""
        try:
            listing = source.listing()
        except DataError as error:
            return [f"refused: {error}"]
        found = Found.of(source, listing)
        labels = {r.file: " + ".join(listing.classes[i] for i in r.labels) for r in listing.records}
        said, offered = "\n".join(listing.notices), [reading.title for reading in found.readings]
        pairs: list[tuple[str, object, object]] = [
            ("classes", dict(zip(found.classes, found.counts, strict=True)), dict(self.classes)),
            ("sets", found.sets, dict(self.sets)),
            ("images without a label", found.n_unlabelled, self.none),
            ("marks", {kind: n.n_marks for kind, n in found.marks.items()}, dict(self.marks)),
            ("files", {name: labels.get(name) for name in self.files}, dict(self.files)),
            ("columns", listing.columns, listing.columns if self.columns is None else self.columns),
            ("kind", source.kind, self.by or source.kind),
            ("questions", [question.text for question in found.questions], []),
            *(("told", f"not told in {said!r}", part) for part in _several(self.told) if part not in said),
            *(("readings", offered, title) for title in _several(self.also) if title not in offered),
        ]
        return [
            *(f"{what}: {seen!r} instead of {due!r}" for what, seen, due in pairs if seen != due),
            *_odd(source, listing),
        ]

    def words(self) -> str:
        """Return the outcome as docs/formats.md says it."""
        parts = [", ".join(f"{name or '“”'} {n}" for name, n in self.classes.items())]
        parts += [f"none of them {self.none}"] if self.none else []
        parts += ["sets " + ", ".join(f"{name} {n}" for name, n in self.sets.items())] if self.sets else []
        parts += [counted(n, kind, f"{kind}es" if kind == "box" else f"{kind}s") for kind, n in self.marks.items()]
        parts += [f"{name} is {label or 'none'}" for name, label in self.files.items()]
        parts += [f"columns {', '.join(self.columns)}"] if self.columns else []
        parts += [f"says “{part}”" for part in _several(self.told)]
        parts += [f"offers “{title}” too" for title in _several(self.also)]
        kind = f"read as {Source.kinds()[self.by].label}: " if self.by else "read: "
        return kind + "; ".join(parts)


@dataclass(frozen=True)
class Refused:
    """It is refused, and these parts of sentences stand in what is said, and in what is advised."""

    what: tuple[str, ...] | str
    advice: tuple[str, ...] | str

    def differences(self, source: Source) -> list[str]:
        """Return what is otherwise, in words; nothing where all is as it should be."""
        try:
            found = Found.of(source, source.listing())
        except DataError as error:
            return self.against(error)
        return ["not refused: " + "; ".join(found.lines())]

    def against(self, error: DataError) -> list[str]:
        """Return what of the refusal is otherwise."""
        whole = f"{error.what} {error.value!s}"
        left = [f"{part!r} not in {whole!r}" for part in _several(self.what) if part not in whole]
        return left + [
            f"{part!r} not advised in {error.advice!r}" for part in _several(self.advice) if part not in error.advice
        ]

    def words(self) -> str:
        """Return the outcome as docs/formats.md says it."""
        told = ", ".join(f"“{part}”" for part in _several(self.what))
        return f"refused: {told}; advises “{' … '.join(_several(self.advice))}”"


@dataclass(frozen=True)
class Asked:
    """A person is asked before images are added; each answer, by its title, leads to an outcome of its own."""

    what: str
    """The question."""
    answers: Mapping[str, Read | Refused]

    def differences(self, source: Source) -> list[str]:
        """Return what is otherwise, in words; nothing where all is as it should be."""
        try:
            listing = source.listing()
        except OneClassError as error:
            listing = error.listing
        except DataError as error:
            return self.against(error)
        return self._against(Found.of(source, listing).questions)

    def against(self, error: DataError) -> list[str]:
        """Return what is otherwise where nothing can be read without an answer."""
        return self._against((error.question,)) if isinstance(error, AskError) else [f"refused: {error}"]

    def _against(self, questions: Sequence[Question]) -> list[str]:
        texts = [question.text for question in questions]
        if texts != [self.what]:
            return [f"questions: {texts} instead of {self.what!r}"]
        titles = [reading.title for reading in questions[0].readings]
        if titles != list(self.answers):
            return [f"answers: {titles} instead of {list(self.answers)}"]
        outcomes = zip(self.answers.items(), questions[0].readings, strict=True)
        return [f"{title}: {told}" for (title, one), reading in outcomes for told in one.differences(reading.source)]

    def words(self) -> str:
        """Return the outcome as docs/formats.md says it."""
        told = "; ".join(f"“{title}” is {outcome.words()}" for title, outcome in self.answers.items())
        return f"asked: “{self.what}” {told}"


Outcome = Read | Refused | Asked


@dataclass(frozen=True)
class Situation:
    """One row of docs/formats.md."""

    format: str
    told: str
    given: Given
    happens: Outcome
    waits: str = ""
    """What it waits for: until that is there the outcome is expected not to hold, and no row is written."""

    @property
    def name(self) -> str:
        return re.sub(r"[^\w.-]+", "-", f"{self.format}: {self.told}", flags=re.ASCII)[:90].strip("-")

    def differences(self, folder: Path) -> list[str]:
        """Make the files in ``folder``, look, and return what is otherwise than it must be."""
        try:
            source = self.given.source(folder)
        except DataError as error:  # nothing fits
            return [f"refused: {error}"] if isinstance(self.happens, Read) else self.happens.against(error)
        return self.happens.differences(source)

    def row(self) -> str:
        """Return the line of the table."""
        cells = (self.format, self.told, self.happens.words())
        return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "⏎")


def _several(parts: tuple[str, ...] | str) -> tuple[str, ...]:
    return (parts,) if isinstance(parts, str) else parts


def _odd(source: Source, listing: Listing) -> list[str]:
    """Whatever the situation: no image twice, none that is not there, none uncounted, no set with other images."""
    files = [record.file for record in listing.records]
    split = [file for names in (listing.own_split or {}).values() for file in names]
    wrong = [
        ("an image twice", {f for f in files if files.count(f) > 1}),
        ("an image that is not there", {f for f in files if not (listing.root / f).is_file()}),
        ("in two sets", {f for f in split if split.count(f) > 1}),
        ("in a set and not listed", set(split) - set(files)),
    ]
    n_there, n_counted = _n_images(source, listing), Found.of(source, listing).n_found
    uncounted = [f"{n_counted} images are counted, and {n_there} are there"] if n_counted != n_there else []
    return uncounted + [f"{what}: {sorted(found)}" for what, found in wrong if found]


def _n_images(source: Source, listing: Listing) -> int:
    """Return how many image files lie where the source looks, counted independently of it; masks are none."""
    place = Path(source.path)
    place = place if place.is_dir() and listing.root.is_relative_to(place) else listing.root
    files = {Path(folder, name) for folder, _, names in os.walk(place) for name in names}
    there = {file for file in files if is_image(file.name) or unread.by_ending(file.suffix.lower())}
    used = {listing.root / record.file for record in listing.records}  # some may lie behind links to folders
    masks = {file for file in there if source.kind == "masks" and file.relative_to(place).parts[0] in MASKS}
    return len((there | used) - masks)
