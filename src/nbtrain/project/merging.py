"""Merging data sets: what becomes of the sources and edits of one that joins another, and a merged set in memory.

Files of a source begin with its short name, so a set that joins has its sources renamed where a name is taken, and its
edits speak of the files under their new names. Classes are matched by name. This file knows sources, lines and counts;
it writes nothing (datasets.py), and does not know where the sets come from (offers.py).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nbtrain import files
from nbtrain.data import assembly
from nbtrain.data import edits as journal
from nbtrain.data.assembly import AsFound, Part, Parts, Read
from nbtrain.data.edit_log import EditLog
from nbtrain.data.edits import Edits, Line, added_up
from nbtrain.data.records import Listing, OneClassError
from nbtrain.data.sources import Source
from nbtrain.errors import DataError
from nbtrain.project.classes import ClassEdits, Lines, new_edit
from nbtrain.project.dataset_file import DataSet, remember

LEFT_OUT = {0: "no label", 2: "several labels"}
"""Why an image is left out for a task that needs exactly one label."""


# -- one set joins another ------------------------------------------------------------------------------------------


def free_name(name: str, used: set[str]) -> str:
    """Return a short name for a source that is not ``used``: by another source, or a folder of the first one."""
    usual = files.slug(name)
    return next(n for n in (usual, *(f"{usual}-{i}" for i in range(2, 10_000))) if n not in used)


def moved_parts(parts: Parts, usual: str, used: set[str], name: str = "") -> dict[str, Part]:
    """Return by old name the sources of a set that joins: all called ``name``, or as they are, or ``usual``."""
    moved: dict[str, Part] = {}
    for part in parts:
        free = free_name(name or part.name or usual, used | {one.name for one in moved.values()})
        moved[part.name] = replace(part, name=free)
    return moved


def moved_lines(edits: Edits, moved: Mapping[str, Part]) -> list[Line]:
    """Return what the edits of a set that joins say of its files under their new names, and of its classes."""
    prefix = {old: f"{part.name}/" for old, part in moved.items()}

    def there(file: str) -> str:
        begin, _, rest = file.partition("/")
        return prefix[begin] + rest if begin in prefix and begin else prefix[""] + file

    edit = new_edit()
    made = [journal.made("class", edit, classes=(one,), to=to) for one, to in edits.names.items()]
    made += [
        journal.made("label", edit, file=there(file), old=edits.before[file], classes=own)
        for file, own in edits.labels.items()
    ]
    left = edits.excluded.values()
    return [*made, *(journal.made("exclude", edit, file=there(e.file), reason=e.reason) for e in left)]


def refuse_twice(known: Sequence[Part], parts: Sequence[Part], advice: str) -> None:
    """Refuse a source that is there already; raises DataError."""
    paths = {part.source.path for part in known}
    for part in parts:
        if part.source.path in paths:
            raise DataError("this source is part of the data set already", value=part.source.path, advice=advice)


def refuse_other_meanings(mine: Sequence[str], known: Edits, theirs: Sequence[str], edits: Edits) -> None:
    """Refuse a data set in which a class that both have is called otherwise than here; raises DataError."""
    own = set(mine)
    for name in sorted({*theirs, *edits.names}):
        here, there = known.name_of(name), edits.name_of(name)
        if here != there and (name in own or name in known.names):
            told = f"the class {name!r} is called {there or 'dropped'!r} there and {here or 'dropped'!r} here"
            raise DataError(told, value=name, advice="Rename it alike in both, then add the data set.")


# -- a merged set in memory -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """One of the sets that are merged: its name for people, its sources, and all that was said of it."""

    name: str
    parts: Parts
    lines: tuple[Line, ...] = ()


class Merged(ClassEdits):
    """A data set in memory: sources, and a journal that nobody has written yet. Class edits are those of any other."""

    def __init__(self, parts: Parts, found: AsFound, lines: Sequence[Line], owner: Mapping[str, int]) -> None:
        self.parts, self.found, self.lines = parts, found, list(lines)
        self._owner = owner
        """By short name of a source, the place of the set that it came with."""

    @classmethod
    def of(cls, pieces: Sequence[Piece], read: Read) -> Merged:
        """Merge ``pieces`` in their order; raises DataError where they do not fit each other, or cannot be read."""
        first = pieces[0]
        parts, lines, owner = list(first.parts), list(first.lines), {part.name: 0 for part in first.parts}
        used = {part.name for part in parts} | _folders(first.parts, read)
        for place, piece in enumerate(pieces[1:], start=1):
            refuse_twice(parts, piece.parts, "Leave one of the two out.")
            known, theirs = added_up(lines), added_up(piece.lines)
            refuse_other_meanings(_classes(parts, read), known, _classes(piece.parts, read), theirs)
            moved = moved_parts(piece.parts, piece.name, used)
            lines += moved_lines(theirs, moved) if theirs.hash else []
            parts += moved.values()
            owner |= {part.name: place for part in moved.values()}
            used |= {part.name for part in moved.values()}
        found = assembly.look(tuple(parts), read=read, choosing=True)
        return cls(found.sources, found, lines, owner)

    def fork(self) -> Merged:
        """Return a copy, to edit its classes."""
        return Merged(self.parts, self.found, self.lines, self._owner)

    def owner(self, file: str) -> int:
        """Return the place of the set that a file came with."""
        return self._owner.get(file.partition("/")[0], 0)

    @property
    def edits(self) -> Edits:
        """What all lines add up to."""
        return added_up(self.lines)

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes after all edits."""
        return assembly.class_names(self.found.listing.classes, self.edits)

    def _edit(self, lines: Lines) -> DataSet:
        """Say more of it. Whether it leaves anything to learn from, :attr:`counted` finds."""
        now = self._value()
        self.lines += lines(now, EditLog(Path()))
        return now

    def leave_out(self, only_one_label: bool) -> None:
        """Leave out, by edits, every image that a task cannot use which needs exactly one label for each."""
        if not only_one_label:
            return
        listing, edit = self.found.edited(self.edits), new_edit()
        self.lines += [
            journal.made("exclude", edit, file=record.file, reason=LEFT_OUT[min(2, len(record.labels))])
            for record in listing.records
            if len(record.labels) != 1
        ]

    @cached_property
    def counted(self) -> Counts:
        """What it holds; raises DataError where nothing could learn from it. Asked for once all edits are made."""
        return Counts.of(self.found.edited(self.edits), self._owner)

    def _value(self) -> DataSet:
        """Return what an edit looks at: classes and edits, without counts."""
        base = self.found.listing.content_hash
        remember(self.parts, base, self.found)  # so that it is not looked at once more
        return DataSet("", self.parts, self.classes, (), 0, False, False, base, "", edits=self.edits)


@dataclass(frozen=True)
class Counts:
    """What a merged set holds, counted over its listing."""

    listing: Listing
    per_set: npt.NDArray[np.int64]
    """Images by merged set and class: shape sets × classes."""
    images: tuple[int, ...]
    """Images of each merged set."""
    unlabelled: tuple[int, ...]
    """Images of each merged set that have no label."""
    several: tuple[int, ...]
    """Images of each merged set that have several labels."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """Images that carry each kind of mark, such as "box"; the commonest first."""

    @classmethod
    def of(cls, listing: Listing, owner: Mapping[str, int]) -> Counts:
        """Count the images of ``listing``; ``owner`` says to which set the files of a source belong."""
        n = max(owner.values()) + 1
        per_set = np.zeros((n, len(listing.classes)), np.int64)
        images, unlabelled, several = [0] * n, [0] * n, [0] * n
        marks: Counter[str] = Counter()
        for record in listing.records:
            place = owner.get(record.file.partition("/")[0], 0)
            images[place] += 1
            unlabelled[place] += not record.labels
            several[place] += len(record.labels) > 1
            for label in record.labels:
                per_set[place, label] += 1
            marks.update({mark.kind for mark in record.marks})
        kinds = dict(marks.most_common())
        return cls(listing, per_set, tuple(images), tuple(unlabelled), tuple(several), kinds)

    def by_class(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """Yield each class with its images: in all, and by merged set."""
        for place, name in enumerate(self.listing.classes):
            own = tuple(int(n) for n in self.per_set[:, place])
            yield name, sum(own), own

    @property
    def unusable(self) -> tuple[int, int]:
        """Images without a label, and with several: neither suits a task that needs exactly one."""
        return sum(self.unlabelled), sum(self.several)


def _folders(parts: Parts, read: Read) -> set[str]:
    """Return the folders on top of a source that has no name: no other source may be called like one of them."""
    bare = [part for part in parts if not part.name]
    return {record.file.partition("/")[0] for part in bare for record in _seen(part.source, read).records}


def _classes(parts: Sequence[Part], read: Read) -> list[str]:
    """Return the classes of several sources, in the form that equal names share."""
    found = (name for part in parts for name in _seen(part.source, read).classes)
    return list(dict.fromkeys(unicodedata.normalize("NFC", name) for name in found))


def _seen(source: Source, read: Read) -> Listing:
    try:
        return read(source)
    except OneClassError as error:  # the other sets may have more
        return error.listing
