"""Looking: what lies at a path, told before anything is used or changed.

It knows what a listing says, and puts it in numbers and sentences: how the path was read, what it holds, a few images
with their labels, what is not clear, and how else it could be read. Formats are the readers' matter.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from nbtrain.data import sampled
from nbtrain.data.conversion import AS_BEFORE, Conversion, other_ways
from nbtrain.data.records import Listing, OneClassError, Record, Roots, Unused, counted, first, spaced
from nbtrain.data.sources.base import Source, readable
from nbtrain.data.sources.readings import Asked, AskError, Reading, bound, detect, others, rooted
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError

_SHOWN_CLASSES = 12
_PICTURES = 8


class Kind(NamedTuple):
    """How many marks of one kind there are, and on how many images."""

    n_marks: int
    n_images: int


class Fact(NamedTuple):
    """One thing that was found: what it is, and what is said of it."""

    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


class Picture(NamedTuple):
    """One image, and the names of its classes."""

    file: str
    path: str
    """Where it lies."""
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What was found at a path, and the source that reads it so."""

    source: Source
    n_images: int
    size_bytes: int
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    """Images that carry each class."""
    n_unlabelled: int
    multilabel: bool
    marks: dict[str, Kind]
    """By kind of mark, such as "polygon"; the commonest first."""
    sets: dict[str, int]
    """Images of each set, where the source itself says which train."""
    columns: dict[str, int]
    """Distinct values of what else is known of images, by name."""
    unused: tuple[Unused, ...]
    """What lies there and is not used, and why: each image file that is not used is counted once."""
    notes: tuple[str, ...]
    """What else a person should know, in full sentences."""
    conversion: Conversion
    """How its images become 8 bits."""
    pictures: tuple[Picture, ...]
    """A few images, spread over the classes; none where they are not unpacked yet."""
    readings: tuple[Reading, ...]
    """How it is read; then each other way in which it could be."""
    questions: tuple[Asked, ...]
    """What has to be answered before it can be added: by adding the source of one of its readings."""

    @classmethod
    def of(cls, source: Source, listing: Listing, conversion: Conversion = AS_BEFORE) -> Found:
        """Return what ``listing`` of ``source`` says, with how its images become 8 bits."""
        listing = listing.noting(*conversion.told)
        questions = tuple(Asked.of(question, source) for question in listing.questions)
        answers = [reading for question in questions for reading in question.readings]
        _, *more = every = [*others(source, listing), *bound(other_ways(source.values, conversion), source)]
        marks = Counter(mark.kind for record in listing.records for mark in record.marks)
        with_kind = Counter(kind for record in listing.records for kind in {mark.kind for mark in record.marks})
        values = ({record.cells[i] for record in listing.records} for i in range(len(listing.columns)))
        return cls(
            source=source,
            n_images=len(listing),
            size_bytes=listing.size_bytes,
            classes=listing.classes,
            counts=listing.counts,
            n_unlabelled=sum(not record.labels for record in listing.records),
            multilabel=listing.multilabel,
            marks={kind: Kind(n, with_kind[kind]) for kind, n in marks.most_common()},
            sets={name: len(files) for name, files in _in_order(listing.own_split or {})},
            columns={name: len(found - {""}) for name, found in zip(listing.columns, values, strict=True)},
            unused=listing.unused,
            notes=listing.notes,
            conversion=conversion,
            pictures=tuple(_pictures(listing)),
            readings=_once([*answers, *more] if answers else every),
            questions=questions,
        )

    @property
    def n_used(self) -> int:
        """Images that are used: ``n_images``."""
        return self.n_images

    @property
    def n_found(self) -> int:
        """Image files that lie there, used or not."""
        return self.n_images + sum(one.n for one in self.unused if one.what == "image")

    @property
    def notices(self) -> tuple[str, ...]:
        """All that a person should know, in full sentences: what is not used, then ``notes``."""
        return (*(one.notice for one in self.unused), *self.notes)

    @property
    def lacking(self) -> dict[str, str]:
        """Return by kind of mark what images have none of it: "42 of 300 images have no polygon"."""
        left = {kind: self.n_images - found.n_images for kind, found in self.marks.items()}
        images = f"{counted(self.n_images, 'image has', 'images have')}"
        return {kind: f"{spaced(n)} of {images} no {kind}" for kind, n in left.items() if n}

    def plain(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "source": self.source.plain(),
            "n_images": self.n_images,
            "n_found": self.n_found,
            "n_used": self.n_used,
            "size_bytes": self.size_bytes,
            "classes": dict(zip(self.classes, self.counts, strict=True)),
            "n_unlabelled": self.n_unlabelled,
            "multilabel": self.multilabel,
            "marks": {kind: found._asdict() for kind, found in self.marks.items()},
            "sets": self.sets,
            "columns": self.columns,
            "unused": [asdict(one) for one in self.unused],
            "notices": list(self.notices),
            "pictures": [picture._asdict() for picture in self.pictures],
            "readings": [reading.plain() for reading in self.readings],
            "questions": [
                {"text": question.text, "readings": [self.number(reading) for reading in question.readings]}
                for question in self.questions
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield what was found, a line for each thing; then what is not clear, and the other readings by number."""
        yield from map(str, self.facts())
        for question in self.questions:
            yield f"question: {question.text}"
            yield from (self._line(reading) for reading in question.readings)
        asked = [reading for question in self.questions for reading in question.readings]
        more = [reading for reading in self.readings[0 if asked else 1 :] if reading not in asked]
        if more:
            yield "other readings:"
            yield from map(self._line, more)

    def facts(self) -> Iterator[Fact]:
        """Yield what was found, one fact for each thing; the first is the kind of source, and where it lies."""
        yield Fact(type(self.source).label, self.source.path)
        how = self.readings[0]
        if self.questions:
            yield Fact("shown as", f"{how.title}, until you have answered")
        elif how.title != self.source.label:
            yield Fact("read as", f"{how.title}. {how.why}")
        if self.n_images:
            found = f" of {spaced(self.n_found)} found" if self.n_found > self.n_used else ""
            yield Fact("images", f"{spaced(self.n_used)}{found}, {_size(self.size_bytes)}")
        order = sorted(zip(self.counts, self.classes, strict=True), key=lambda pair: -pair[0])
        named = first([f"{name} ({spaced(count)})" for count, name in order], _SHOWN_CLASSES)
        if self.classes:
            yield Fact("classes", f"{spaced(len(self.classes))}: {named}")
        if self.n_unlabelled and self.classes:
            yield Fact("without a class", counted(self.n_unlabelled, "image", "images"))
        for kind, marks in self.marks.items():
            lacking = self.lacking.get(kind, "")
            yield Fact(kind, f"{spaced(marks.n_marks)}{f'; {lacking}' if lacking else ''}")
        if self.sets:
            yield Fact("own split", ", ".join(f"{name} {spaced(n)}" for name, n in self.sets.items()))
        if self.columns:
            told = first([f"{name} ({counted(n, 'value', 'values')})" for name, n in self.columns.items()], 12)
            yield Fact("columns", told)
        yield from (Fact("not used", one.text) for one in self.unused)
        yield from (Fact("note", note) for note in self.notes)

    def number(self, reading: Reading) -> int:
        """Return the number of one of the readings, from 1, by which the command line chooses it."""
        return 1 + [one.source for one in self.readings].index(reading.source)

    def _line(self, reading: Reading) -> str:
        return f"  {self.number(reading)}. {reading.title}: {reading.why}"


def look(path: str | Path | Source) -> Found:
    """Return what lies at ``path``, or what a source with settings of its own reads; nothing is changed by it.

    Raises DataError where it cannot be used, saying what is wrong and what to do.
    """
    try:
        source = path if isinstance(path, Source) else detect(path)
        with readable(source.path):
            listing = _seen(source)
            files = [record.file for record in listing.records]
            return Found.of(source, listing, sampled.chosen(listing.root, files, source.values))
    except AskError as error:
        return _first_answer(error.question)


def chosen(path: str | Path | Source, images_root: str = "", numbers: Sequence[int] = ()) -> Source:
    """Return the source at ``path`` (see rooted()), or the reading of this number (from 1) that ``look`` lists.

    Further numbers choose among the readings of the one before. Raises DataError for a number that is none.
    """
    if not numbers:
        return path if isinstance(path, Source) else rooted(path, images_root)
    source = rooted(path, images_root) if images_root and not isinstance(path, Source) else path
    for number in numbers:
        readings = look(source).readings
        if not 0 < number <= len(readings):
            names = "; ".join(f"{n} {reading.title}" for n, reading in enumerate(readings, 1))
            raise DataError("there is no reading of this number", value=number, advice=f"There are: {names}.")
        source = readings[number - 1].source
    assert isinstance(source, Source)
    return source


def _seen(source: Source) -> Listing:
    try:
        return source.preview()
    except OneClassError as error:
        if not error.listing.questions:
            raise
        return error.listing  # another answer may give more


def _first_answer(asked: Asked) -> Found:
    """Return what the first answer that can be read gives, with the question; raises the error of the first."""
    problem: DataError | None = None
    for reading in asked.readings:
        try:
            found = look(reading.source)
        except DataError as error:
            problem = problem or error
        else:
            return replace(found, questions=(asked,), readings=_once([*asked.readings, *found.readings]))
    raise problem or AssertionError


def _once(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return the readings without those whose source another one has already."""
    found: dict[str, Reading] = {}
    for reading in readings:
        found.setdefault(repr(reading.source.plain()), reading)
    return tuple(found.values())


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:.1f} MiB" if n_bytes >= 2**20 / 10 else f"{n_bytes / 2**10:.1f} KiB"


def _in_order(split: Mapping[str, Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    """Return the sets of a split in the order in which people name them: train, val, test."""
    return sorted(split.items(), key=lambda one: SETS.index(one[0]) if one[0] in SETS else len(SETS))


def _pictures(listing: Listing) -> Iterator[Picture]:
    """Yield the first image of each class in turn, until there are enough; then the second of each, and so on."""
    if not listing.classes or isinstance(listing.root, Roots):
        return
    firsts: dict[int, list[Record]] = {label: [] for label in range(len(listing.classes))}
    for record in listing.records:
        for label in record.labels[:1]:
            if len(firsts[label]) < _PICTURES:
                firsts[label].append(record)
    step = max(1, len(firsts) // _PICTURES)
    spread = [*list(firsts.values())[::step], *firsts.values()]
    in_turn = (found[place] for place in range(_PICTURES) for found in spread if place < len(found))
    for record in islice(dict.fromkeys(in_turn), _PICTURES):
        labels = tuple(listing.classes[label] for label in record.labels)
        yield Picture(record.file, os.fspath(listing.root / record.file), labels)
