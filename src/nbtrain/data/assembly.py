"""Assembly: from the sources of a data set, and what was edited, to the one listing that everybody works with.

Kernel, trainer and renderer call the same functions, so a run that has recorded sources and edits finds the very data
that it was set up with. Classes of several sources are matched by name. It knows listings and edits; it opens no image
and decides nothing about them.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data import heed, sampled, splits
from nbtrain.data.conversion import AS_BEFORE, Conversion
from nbtrain.data.edit_log import NO_MARK, Mark, read_until
from nbtrain.data.edits import NONE, Edits
from nbtrain.data.listings import listed
from nbtrain.data.records import (
    Listing,
    OneClassError,
    Record,
    Root,
    Roots,
    checked,
    class_notices,
    counted,
    first,
)
from nbtrain.data.records import (
    Mark as Drawn,
)
from nbtrain.data.sources import Source, readable
from nbtrain.data.splits import SETS, Extent, Split
from nbtrain.errors import ConfigError, DataError, Problem
from nbtrain.processes import without_collecting


@dataclass(frozen=True, slots=True)
class Part:
    """One source of a data set under its short name, with which its files begin; the first has none."""

    name: str
    source: Source
    conversion: Conversion | None = None
    """How its images become 8 bits; None where that is not chosen yet."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        known = self.conversion is not None and not self.conversion.as_before
        chosen = {"conversion": self.conversion.plain()} if self.conversion and known else {}
        return {"name": self.name, "source": self.source.plain(), **chosen}

    def chosen(self, listing: Listing) -> Part:
        """Return it with how its images become 8 bits, chosen now, by its ``listing``, where that is still open."""
        known = self.conversion
        if known is not None and (known.as_before or not known.is_open):
            return self
        files = [record.file for record in listing.records]
        return replace(self, conversion=sampled.chosen(listing.root, files, self.source.values))

    @classmethod
    def parse(cls, plain: Mapping[str, Any], where: object = "") -> Part:
        """Return what :meth:`plain` has given; raises ConfigError."""
        conversion = Conversion.parse(plain["conversion"], str(where)) if "conversion" in plain else AS_BEFORE
        return cls(str(plain.get("name", "")), Source.parse(plain.get("source"), "source"), conversion)


Parts = tuple[Part, ...]
Read = Callable[[Source], Listing]
"""Looks at one source."""


def parse(plain: object, where: object = "") -> Parts:
    """Return the sources that JSON describes; raises ConfigError for what describes none."""
    if not isinstance(plain, list) or not plain or not all(isinstance(one, dict) for one in plain):
        raise ConfigError([Problem(f"{where}", "its sources are no list.", "Add the images to the project again.")])
    parts = tuple(Part.parse(one, where) for one in plain)
    names = [part.name for part in parts]
    if len(set(names)) < len(names) or any("/" in name for name in names):
        raise ConfigError([Problem(f"{where}", f"its sources have unusable names: {first(names)}.", "Correct them.")])
    return parts


@dataclass(frozen=True)
class AsFound:
    """What the sources hold before any edit: a listing each, whose files begin with the source's name."""

    parts: tuple[Listing, ...]
    where: str = ""
    """Paths of the sources, for messages."""
    sources: Parts = ()
    """The sources themselves, with how their images become 8 bits."""

    @cached_property
    def listing(self) -> Listing:
        """All of them as one."""
        return self.parts[0] if len(self.parts) == 1 else _joined(self.parts, self.where)

    @cached_property
    def extents(self) -> tuple[Extent, ...]:
        """What the sizes of the sets of each source follow from."""
        return tuple(map(Extent.of, self.parts))

    def hash(self, edits: Edits) -> str:
        """Return the hash of the data: of what was found where nothing was edited, else of both; 16 hex digits."""
        return data_hash(self.listing.content_hash, edits)

    def edited(self, edits: Edits) -> Listing:
        """Return the listing after all edits; raises DataError where they leave nothing to learn from."""
        return _Edited(self.listing, edits).listing(self.where) if edits.hash else self.listing

    def split(self, *, val_ratio: float, test_ratio: float, seed: int, name: str) -> Split:
        """Return the split that is made without being asked for: each source's own, or one by ratio.

        It is drawn from what was found, source by source: no edit and no further source ever moves an image from
        training to validation, so a second run is measured on no image that the first has learned.
        """
        choice: dict[str, Any] = {"val_ratio": val_ratio, "test_ratio": test_ratio, "seed": seed, "name": name}
        if len(self.parts) == 1:
            return splits.chosen(self.parts[0], **choice)
        made = [_split_of(part, choice) for part in self.parts]
        return Split(name, seed, {s: tuple(f for one in made for f in one.get(s, ())) for s in SETS})


def data_hash(base: str, edits: Edits) -> str:
    """Return the hash of data whose content as found is ``base``, after ``edits``."""
    return hashlib.sha256(f"{base}\n{edits.hash}".encode()).hexdigest()[:16] if edits.hash else base


def look(parts: Parts, kept: Path | None = None, read: Read | None = None, *, choosing: bool = False) -> AsFound:
    """Look at all sources; raises DataError saying which one cannot be read, and why.

    ``kept`` is the folder of data sets where listings are kept that take long to read (listings.py); ``read`` looks at
    one source, for whoever remembers what it has seen. With ``choosing`` it is said now how images become 8 bits, for
    sources of which that is open; otherwise those are read as before.
    """
    where, read = ", ".join(part.source.path for part in parts), read or (lambda source: listed(source, kept))
    with without_collecting():
        if len(parts) == 1:
            with readable(where):
                seen = [read(parts[0].source)]
        else:
            seen = [_listing_of(part, read) for part in parts]
        if choosing:
            parts = tuple(part.chosen(listing) for part, listing in zip(parts, seen, strict=True))
        found = tuple(_placed(part, listing) for part, listing in zip(parts, seen, strict=True))
        if len(parts) > 1:
            _refuse_confusion(parts, found)
    heed.at()  # the last moment to give up before anything is kept
    return AsFound(found, where, parts)


@dataclass(frozen=True)
class Recorded:
    """The data that a run has recorded, found again."""

    parts: Parts
    found: AsFound
    edits: Edits

    @cached_property
    def listing(self) -> Listing:
        """The images after all edits."""
        return self.found.edited(self.edits)

    @property
    def hash(self) -> str:
        """The hash of the data as they are now."""
        return self.found.hash(self.edits)


def recorded(dataset: Mapping[str, Any], folder: Path, seen: Recorded | None = None) -> Recorded:
    """Return the data that ``dataset`` in a run's config.json names; journals of edits lie in ``folder``.

    Sources that were ``seen`` just now are not looked at again. Raises DataError where sources or edits are gone.
    """
    sources = dataset.get("sources", [{"name": "", "source": dataset.get("source")}])  # one source: the older form
    name, mark = mark_of(dataset)
    edits = read_until(files.inside(folder, name), mark) if name else NONE
    parts = parse(sources, dataset.get("name", ""))
    return Recorded(parts, seen.found if seen and seen.parts == parts else look(parts, folder), edits)


def mark_of(dataset: Mapping[str, Any]) -> tuple[str, Mark]:
    """Return the name of the journal that a run has recorded, and how much of it; "" where nothing was edited."""
    told = dataset.get("edits")
    if not isinstance(told, Mapping):
        return "", NO_MARK
    return str(told.get("file", "")), Mark(int(told.get("bytes", 0)), str(told.get("hash", "")))


# -- joining ------------------------------------------------------------------------------------------------------


def _listing_of(part: Part, read: Read) -> Listing:
    try:
        with readable(part.source.path):
            return read(part.source)
    except OneClassError as error:  # the others may have more
        return error.listing


def _placed(part: Part, listing: Listing) -> Listing:
    """Return the listing of one source with its name before every file, and with how its images become 8 bits."""
    name, conversion = part.name, part.conversion or AS_BEFORE
    listing = listing.noting(*conversion.told)
    if not name:
        return listing if conversion.as_before else replace(listing, root=Roots({"": listing.root}, conversion))
    begin = f"{name}/"
    records = tuple(
        Record(begin + r.file, r.labels, r.size_bytes, tuple(_moved(begin, m) for m in r.marks), r.cells)
        for r in listing.records
    )
    own = listing.own_split and {s: tuple(begin + f for f in own) for s, own in listing.own_split.items()}
    notes = tuple(f"{name}: {note}" for note in listing.notes)
    unused = tuple(replace(one, reason=f"{one.reason} ({name})") for one in listing.unused)
    root = Roots({name: listing.root if conversion.as_before else Roots({"": listing.root}, conversion)})
    doubts = tuple(replace(doubt, file=begin + doubt.file) for doubt in listing.doubts)
    return replace(listing, root=root, records=records, own_split=own, notes=notes, doubts=doubts, unused=unused)


def _moved(begin: str, mark: Drawn) -> Drawn:
    return replace(mark, file=begin + mark.file) if mark.file else mark


def _refuse_confusion(parts: Parts, found: Sequence[Listing]) -> None:
    """Refuse a first source with a folder that is called as another source: its files could mean either."""
    names = {part.name for part in parts if part.name}
    tops = {r.file.partition("/")[0] for p, one in zip(parts, found, strict=True) if not p.name for r in one.records}
    for name in sorted(names & tops):
        told = f"the folder {name!r} is called as one of the other sources of this data set"
        raise DataError(told, value=name, advice="Rename the folder, or add that source again under another name.")


def _joined(parts: Sequence[Listing], where: str) -> Listing:
    classes = tuple(dict.fromkeys(_nfc(name) for part in parts for name in part.classes))
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    records = tuple(record for part in parts for record in _matched(part, classes, columns))
    root: dict[str, Root] = {}
    for part in parts:
        root |= part.root.folders if isinstance(part.root, Roots) and "" not in part.root.folders else {"": part.root}
    own = [part.own_split for part in parts]
    sets = {s: tuple(f for one in own if one for f in one.get(s, ())) for s in SETS} if all(own) else None
    joined = Listing(
        Roots(root),
        classes,
        records,
        {s: sets[s] for s in SETS if sets[s]} if sets else None,
        any(part.multilabel for part in parts),
        tuple(note for part in parts for note in part.notes),
        columns,
        tuple(doubt for part in parts for doubt in part.doubts),
        unused=tuple(one for part in parts for one in part.unused),
        questions=tuple(question for part in parts for question in part.questions),
    )
    return _once(checked(joined, where))


def _matched(part: Listing, classes: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[Record]:
    """Yield the records of one source with the ids and columns of all."""
    if part.classes == classes and part.columns == columns:
        yield from part.records
        return
    ids = {name: i for i, name in enumerate(classes)}
    new = [ids[_nfc(name)] for name in part.classes]
    places = [part.columns.index(name) if name in part.columns else -1 for name in columns]
    for record in part.records:
        labels = tuple(sorted({new[label] for label in record.labels}))
        marks = tuple(replace(mark, label=new[mark.label]) for mark in record.marks)
        cells = tuple(record.cells[place] if place >= 0 else "" for place in places)
        yield Record(record.file, labels, record.size_bytes, marks, cells)


def _split_of(part: Listing, choice: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return the sets of one source beside others: what says only what tests does so, one image alone trains."""
    if part.own_split and not part.own_split.get("train"):
        return part.own_split
    if len(part) == 1:
        return {"train": (part.records[0].file,)}
    return splits.chosen(part, **choice).files


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _once(listing: Listing) -> Listing:
    return replace(listing, notes=tuple(dict.fromkeys(listing.notes)))


# -- editing ------------------------------------------------------------------------------------------------------


def class_names(found: Sequence[str], edits: Edits) -> tuple[str, ...]:
    """Return the classes after all edits: those that were given an order first, then the others as they were found."""
    told = [name for name, to in edits.names.items() if name == to]  # added without an image as yet
    names = dict.fromkeys(edits.name_of(name) for name in (*found, *told))
    names.pop("", None)
    return tuple(dict.fromkeys([*(name for name in edits.order if name in names), *names]))


class _Edited:
    """Applies edits to a listing, and counts what leaves by them."""

    def __init__(self, found: Listing, edits: Edits) -> None:
        self.found, self.edits = found, edits
        self.classes = class_names(found.classes, edits)
        self._ids = {name: i for i, name in enumerate(self.classes)}
        self._new = [self._id(name) for name in found.classes]
        self._same = self._new == list(range(len(self.classes)))
        self._unused: Counter[str] = Counter()
        self._left: list[str] = []
        self._excluded = 0

    def listing(self, where: str) -> Listing:
        """Return the listing after all edits; raises DataError where they leave nothing to learn from."""
        found = self.found
        records = tuple(kept for record in found.records if (kept := self._record(record)) is not None)
        # One class is enough where marks say where its objects are, or where some images do not show it.
        if len(self.classes) < 1 + all(len(r.labels) == 1 and not r.marks for r in records):
            told = f"these edits leave {counted(len(self.classes), 'class', 'classes')} ({first(self.classes)})"
            raise DataError(told, value=where, advice="Keep two at least: undo() takes the last edit back.")
        if not records:
            raise DataError("these edits leave no image", value=where, advice="undo() takes the last one back.")
        left = frozenset({*self._left, *self.edits.excluded})  # also those that are gone by now: nobody misses them
        own = found.own_split
        made = replace(
            found,
            classes=self.classes,
            records=records,
            own_split=own and {s: tuple(f for f in files if f not in left) for s, files in own.items()},
            multilabel=any(len(record.labels) != 1 for record in records),
            left_out=left,
            notes=self._still_true(found),
        )
        return _once(made.noting(*class_notices(made), *self._notices()))

    def _id(self, found: str) -> int | None:
        return self._ids.get(self.edits.name_of(found))

    def _record(self, record: Record) -> Record | None:
        if record.file in self.edits.excluded:
            self._excluded += 1
            self._left.append(record.file)
            return None
        given = self.edits.labels.get(record.file)
        if given is None and self._same:
            return record
        labels, ids = self._labels(record, given)
        if ids and not labels:
            self._left.append(record.file)
            return None
        marks = [(mark, self._new[mark.label]) for mark in record.marks]
        kept = tuple(mark if new == mark.label else replace(mark, label=new) for mark, new in marks if new is not None)
        return Record(record.file, labels, record.size_bytes, kept, record.cells)

    def _labels(self, record: Record, given: tuple[str, ...] | None) -> tuple[tuple[int, ...], bool]:
        """Return the ids of an image's classes, and whether it has any before some are dropped."""
        own = given if given is not None else tuple(self.found.classes[label] for label in record.labels)
        told = [(name, self._id(name)) for name in own]
        self._unused.update(name for name, new in told if new is None)
        return tuple(sorted({new for _, new in told if new is not None})), bool(told)

    def _still_true(self, found: Listing) -> tuple[str, ...]:
        """Return the notes of the sources, but for those on classes, which are told anew."""
        told_anew = set(class_notices(found))
        return tuple(note for note in found.notes if note not in told_anew)

    def _notices(self) -> Iterator[str]:
        if self._excluded:
            reasons = Counter(self.edits.excluded[f].reason for f in self._left if f in self.edits.excluded)
            told = first([f"{reason or 'no reason given'} ({n})" for reason, n in reasons.most_common()])
            yield f"Left out: {counted(self._excluded, 'image', 'images')}: {told}."
        if self._unused:
            names = first([f"{name} ({n})" for name, n in self._unused.most_common()])
            gone = len(self._left) - self._excluded
            images = f", and {counted(gone, 'image leaves', 'images leave')} with them" if gone else ""
            yield f"Not used: labels of classes that were dropped, or are not there: {names}{images}."
