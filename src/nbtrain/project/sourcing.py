"""The sources of one data set: which there are, taking one out and back in, finding one again whose folder has moved.

Files of the sources are never touched. A source that was taken out stays on a list, so that it comes back under its old
name, with the edits of its images. Runs keep what they recorded. It knows sources and names of files; adding a new one
is dataset.py's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrain.data import assembly, splits
from nbtrain.data.assembly import Part, Parts
from nbtrain.data.conversion import AUTO, by_hand
from nbtrain.data.listings import listed
from nbtrain.data.records import Listing, OneClassError, counted, first, spaced
from nbtrain.data.sources import Source
from nbtrain.data.sources.base import existing
from nbtrain.errors import DataError, NbtrainError
from nbtrain.project.dataset_file import DataSet

if TYPE_CHECKING:
    from nbtrain.project.project import Project


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source as it is told."""

    name: str
    """With which its files begin; the first has none."""
    path: str
    kind: str
    """What reads it, for people."""
    n_images: int | None
    """None where its images were not listed yet, or it was taken out."""
    n_classes: int | None
    there: bool
    """Whether something lies at its path."""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """How the images at another path fit those that a source had."""

    path: str
    n_same: int
    n_new: int
    missing: tuple[str, ...]
    """Files that the source had and that are not there; none where nobody knows any more which it had."""
    known: bool
    """Whether that is known: from memory, a scan or a split."""
    exact: bool
    """Whether names, sizes and labels are those of before."""

    @property
    def whole(self) -> bool:
        """Whether nothing is missing, as far as anybody can tell."""
        return self.exact or (self.known and not self.missing and self.n_same > 0)

    def __str__(self) -> str:
        same = counted(self.n_same, "image", "images")
        if self.exact:
            return f"All {same} are there, with the same labels."
        if not self.known:
            return f"{same} found; which images there were before is not known any more."
        had = self.n_same + len(self.missing)
        told = [f"{spaced(self.n_same)} of {counted(had, 'image is', 'images are')} there"]
        told += [f"{len(self.missing)} missing: {first(self.missing, 3)}"] if self.missing else []
        told += [f"{self.n_new} new"] if self.n_new else []
        return "; ".join(told) + ("." if self.missing or self.n_new else ", with other labels or sizes.")


class Sourcing:
    """What a data set offers of its sources; a mixin for whoever has ``project``, ``name``, ``value``, ``_changed``."""

    project: Project
    name: str

    @property
    def value(self) -> DataSet:
        """All that is known of it."""
        raise NotImplementedError

    def _changed(self, change: Callable[[], DataSet]) -> DataSet:
        raise NotImplementedError

    @property
    def source_facts(self) -> list[SourceFacts]:
        """Every source with its path, kind, images and classes, those that were taken out last; lists no folder."""
        now = self.value
        seen: Sequence[Listing | None] = now.found().parts if now.at_hand else [None] * len(now.parts)
        return [
            *(_facts(part, listing) for part, listing in zip(now.parts, seen, strict=True)),
            *(_facts(part, None, removed=True) for part in now.removed),
        ]

    def remove_source(self, source: str) -> DataSet:
        """Take a source, by name or path, out of the data set: its images leave, its files stay where they are.

        :meth:`restore_source` brings it back. Raises DataError for the only one, or where too little would be left.
        """
        part = _named(self.value.parts, source)
        if len(self.value.parts) == 1:
            told = "this is the only source of the data set"
            raise DataError(told, value=part.source.path, advice="Add another one first.")
        return self._arranged(lambda now: (_without(now.parts, part), (*_without(now.removed, part), part)))

    def restore_source(self, source: str) -> DataSet:
        """Bring a source back that was taken out, with what was said of its images."""
        part = _named(self.value.removed, source, "no such source was taken out")
        return self._arranged(lambda now: (_put_back(now.parts, part), _without(now.removed, part)))

    def set_values(self, values: str, source: str = "") -> DataSet:
        """Say which stored values of a source's images of more than 8 bits become black and white.

        ``values`` is a number of bits ("12 bits"), two values ("200 to 1800"), or "auto", which looks at a sample now.
        ``source`` is a name or path; the first one has no name. Runs keep what they were set up with. Raises DataError
        or ConfigError.
        """
        by_hand(values)
        part = _named(self.value.parts, source)
        made = Part(part.name, part.source.replace(values=values.strip() or AUTO))
        return self._arranged(lambda now: (tuple(made if one == part else one for one in now.parts), now.removed))

    def check_source(self, source: str, path: str | Path) -> Match:
        """Say how many of a source's images lie at another path, and change nothing."""
        part = _named(self.value.parts, source)
        return self._match(part, replace(part, source=_at(part.source, path)))

    def move_source(self, source: str, path: str | Path, *, partly: bool = False) -> Match:
        """Read a source from another path, because its folder has moved; return how its images fit.

        The same files must be there, as they are called below the folder; with ``partly`` some may be missing. Raises
        DataError, and changes nothing then.
        """
        part = _named(self.value.parts, source)
        moved = replace(part, source=_at(part.source, path))
        match = self._match(part, moved)
        if not match.n_same:
            advice = "Give the folder that holds the same files."
            raise DataError("none of the source's images is there", value=moved.source.path, advice=advice)
        if not match.whole and not partly:
            advice = "Give the folder that holds all of them; partly=True takes what is there."
            raise DataError(f"these are not all images of the source: {match}", value=moved.source.path, advice=advice)
        self._arranged(lambda now: (tuple(moved if one == part else one for one in now.parts), now.removed))
        return match

    def _arranged(self, choose: Callable[[DataSet], tuple[Parts, Parts]]) -> DataSet:
        return self._changed(lambda: self.project.data.arrange(self.name, choose))

    def _match(self, part: Part, moved: Part) -> Match:
        now = self.value
        listing = _listing_at(moved)
        there = {(f"{moved.name}/" if moved.name else "") + record.file for record in listing.records}

        def read(source: Source) -> Listing:
            return listing if source == moved.source else listed(source, self.project.data.folder)

        try:
            parts = tuple(moved if one == part else one for one in now.parts)
            exact = assembly.look(parts, read=read).listing.content_hash == now.base
        except (OSError, NbtrainError):  # another source is away, too
            exact = False
        had = there if exact else self._files_of(now, part)
        same = there & had if had else there
        missing = tuple(sorted(had - there))
        return Match(moved.source.path, len(same), len(there - had) if had else 0, missing, bool(had), exact)

    def _files_of(self, now: DataSet, part: Part) -> set[str]:
        """Return the files that a source had when somebody looked last; none where nobody knows."""
        others = tuple(f"{one.name}/" for one in now.parts if one != part and one.name)
        for files in self._remembered(now):
            mine = {f for f in files if (f.startswith(f"{part.name}/") if part.name else not f.startswith(others))}
            if mine:
                return mine
        return set()

    def _remembered(self, now: DataSet) -> Iterator[Sequence[str]]:
        if now.at_hand:
            yield [record.file for record in now.found().listing.records]
        columns = self.project.scan(self.name, start=False).columns
        if columns is not None:
            yield columns.files
        for path in self.project.data.splits_folder.glob("*.json"):
            with suppress(OSError, NbtrainError):
                split = splits.load(path)
                if split.dataset == self.name:
                    yield [file for files in split.files.values() for file in files]


def _facts(part: Part, listing: Listing | None, *, removed: bool = False) -> SourceFacts:
    n_images, n_classes = (len(listing), len(listing.classes)) if listing is not None else (None, None)
    kind = type(part.source).label
    return SourceFacts(part.name, part.source.path, kind, n_images, n_classes, _there(part.source), removed)


def _there(source: Source) -> bool:
    """Return whether something lies at the path of a source, or where it was unpacked: its archive may be gone."""
    unpacked = getattr(source, "unpacked", "")
    return any((source.means(source.path), os.path.exists(source.path), unpacked and os.path.isdir(unpacked)))


def _listing_at(part: Part) -> Listing:
    try:
        return part.source.listing()
    except OneClassError as error:  # the other sources may have more
        return error.listing


def _named(parts: Parts, source: str, told: str = "the data set has no such source") -> Part:
    found = next((part for part in parts if source in (part.name, part.source.path)), None)
    if found is None:
        known = first([repr(p.name or p.source.path) for p in parts]) or "none"
        raise DataError(told, value=source, advice=f"There are: {known}.")
    return found


def _without(parts: Parts, part: Part) -> Parts:
    return tuple(one for one in parts if one.name != part.name)


def _put_back(parts: Parts, part: Part) -> Parts:
    return (part, *parts) if not part.name else (*parts, part)


def _at(source: Source, path: str | Path) -> Source:
    """Return ``source`` as it is read from another path; whatever else it names below the old folder moves along."""
    where, old = existing(path), Path(source.path)
    if where.is_dir() and (where / old.name).is_file():
        where = where / old.name  # annotations: the folder was given that holds them
    before, after = (f"{p.parent if where.is_file() else p}" for p in (old, where))
    moved = {
        name: after + value[len(before) :]
        for name in type(source).model_fields
        if isinstance(value := getattr(source, name), str) and (value + os.sep).startswith(before + os.sep)
    }
    return source.replace(**{**moved, "path": str(where)})
