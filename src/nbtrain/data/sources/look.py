"""Looking: what lies at a path, told before anything is used or changed.

It knows what a listing says, and puts it in numbers and sentences; formats are the readers' matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nbtrain.data import sampled
from nbtrain.data.records import Listing, counted, first, spaced
from nbtrain.data.sources.base import Source, detect, readable

_SHOWN_CLASSES = 12


class Kind(NamedTuple):
    """How many marks of one kind there are, and on how many images."""

    n_marks: int
    n_images: int


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
    notices: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, listing: Listing) -> Found:
        """Return what ``listing`` says."""
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
            sets={name: len(files) for name, files in (listing.own_split or {}).items()},
            columns={name: len(found - {""}) for name, found in zip(listing.columns, values, strict=True)},
            notices=listing.notices,
        )

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
            "size_bytes": self.size_bytes,
            "classes": dict(zip(self.classes, self.counts, strict=True)),
            "n_unlabelled": self.n_unlabelled,
            "multilabel": self.multilabel,
            "marks": {kind: found._asdict() for kind, found in self.marks.items()},
            "sets": self.sets,
            "columns": self.columns,
            "notices": list(self.notices),
        }

    def lines(self) -> Iterator[str]:
        """Yield what was found, a line for each thing."""
        yield f"{type(self.source).label}: {self.source.path}"
        if self.n_images:
            yield f"images: {spaced(self.n_images)}, {self.size_bytes / 2**20:.1f} MiB"
        order = sorted(zip(self.counts, self.classes, strict=True), key=lambda pair: -pair[0])
        named = first([f"{name} ({spaced(count)})" for count, name in order], _SHOWN_CLASSES)
        if self.classes:
            yield f"classes: {spaced(len(self.classes))}: {named}"
        if self.n_unlabelled and self.classes:
            yield f"without a class: {counted(self.n_unlabelled, 'image', 'images')}"
        for kind, found in self.marks.items():
            lacking = self.lacking.get(kind, "")
            yield f"{kind}: {spaced(found.n_marks)}{f'; {lacking}' if lacking else ''}"
        if self.sets:
            yield f"own split: {', '.join(f'{name} {spaced(n)}' for name, n in self.sets.items())}"
        if self.columns:
            told = first([f"{name} ({counted(n, 'value', 'values')})" for name, n in self.columns.items()], 12)
            yield f"columns: {told}"
        yield from (f"note: {notice}" for notice in self.notices)


def look(path: str | Path | Source) -> Found:
    """Return what lies at ``path``, or what a source with settings of its own reads; nothing is changed by it.

    Raises DataError where it cannot be used, saying what is wrong and what to do.
    """
    source = path if isinstance(path, Source) else detect(path)
    with readable(source.path):
        listing = source.preview()
        files = [record.file for record in listing.records]
        return Found.of(source, listing.noting(*sampled.chosen(listing.root, files, source.values).told))
