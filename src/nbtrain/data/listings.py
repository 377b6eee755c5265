"""Kept listings: what annotations were parsed into, kept beside the data sets, so that a run's start reads it at once.

A kept listing counts as long as everything that was read for it has the same names, sizes and times: images, and files
of the endings that the source names, below the folders that it depends on. It is derived and may be removed any time:
where it is missing, damaged or of other files, the source is read anew. Files appear whole (files.py), so readers and
writers need no lock. What is kept equals what the source says, record by record. It knows records; it knows no format.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from nbtrain import files
from nbtrain.data import heed
from nbtrain.data.records import Doubt, Listing, Mark, MarkKind, Record, Unused
from nbtrain.data.sources import Source
from nbtrain.data.sources.base import IMAGE_ENDINGS

FOLDER = ".listings"
_FORMAT = 3
_SETTLED_NS = 2 * 10**9
"""Files that were written this shortly before may change again without another time: FAT counts two seconds."""
_MOST_OTHERS = 10
"""Entries per image that are looked at to see whether anything has changed; where more lie there, nothing is kept."""
_KINDS: tuple[MarkKind, ...] = ("box", "rotated box", "circle", "polygon", "mask")
_DIGEST_BYTES = 16
_PROJECT, _OF_PROJECTS = "project.json", frozenset({"experiments", "datasets", "splits", "jobs", "scans", "trash"})
Arrays = dict[str, npt.NDArray[Any]]


def listed(source: Source, folder: Path | None) -> Listing:
    """Return the listing of ``source``: the one kept below ``folder`` where nothing has changed, else read anew.

    Raises DataError as the source does. Without a folder nothing is kept.
    """
    if folder is None or not source.reads:
        return source.listing()
    path = folder / FOLDER / f"{_key(source)}.listing"
    kept = _Kept.read(path)
    found = stamp_of(kept.places, source.reads, kept.most) if kept is not None else None
    if kept is not None and found is not None and found.text == kept.stamp:
        with contextlib.suppress(KeyError, ValueError, TypeError, IndexError, StopIteration):
            return kept.listing()
    return _keep(source, path)


def _keep(source: Source, path: Path) -> Listing:
    """Return the listing, read anew, and keep it where nothing has changed meanwhile."""
    began_ns = time.time_ns()
    listing = source.listing()
    places = source.depends_on(listing)
    stamp = stamp_of(places, source.reads, _most(len(listing))) if places else None
    # What is younger than the first word that was read may have been read before it was written. A question is kept by
    # nobody: it has to be asked again.
    if stamp is not None and not listing.questions and stamp.newest_ns < began_ns - _SETTLED_NS:
        with contextlib.suppress(OSError, TypeError, ValueError, KeyError):  # a folder that nobody may write: no cache
            files.make_folder(path.parent)
            files.write_atomic(path, _packed(listing, source, stamp.text, places), durable=False)
    return listing


def _key(source: Source) -> str:
    return hashlib.sha256(orjson.dumps(source.plain(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _version() -> str:
    """Return what readers may differ by."""
    from nbtrain import __version__

    return f"{_FORMAT}-{__version__}"


def _most(n_images: int) -> int:
    return 10_000 + _MOST_OTHERS * n_images


# -- whether anything has changed -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stamp:
    """What files looked like from outside: a text that changes when any of them does, and the newest time."""

    text: str
    newest_ns: int
    """When the last of them was written, renamed, or given another time."""


def stamp_of(places: Sequence[Path], endings: frozenset[str], most: int) -> Stamp | None:
    """Return the stamp of these files, and of all files below these folders; None for more than ``most`` of them.

    Names are looked at, and sizes and times of images and of files with one of the ``endings``.
    """
    looked_at = IMAGE_ENDINGS | endings
    digest, newest_ns, left = hashlib.blake2b(digest_size=_DIGEST_BYTES), 0, most
    for place in _outermost(places):
        for lines, newest in _folders(place, looked_at):
            left -= len(lines)
            if left < 0:
                return None
            heed.at()
            newest_ns = max(newest_ns, newest)
            digest.update("\n".join(lines).encode("utf-8", "surrogateescape"))
    return Stamp(digest.hexdigest(), newest_ns)


def _outermost(places: Sequence[Path]) -> list[Path]:
    """Return the places without those that lie below another."""
    known = sorted(set(places))
    return [place for place in known if not any(other in place.parents for other in known)]


def _folders(place: Path, looked_at: frozenset[str]) -> Iterator[tuple[list[str], int]]:
    """Yield a line for each entry of every folder below ``place``, with the newest time; links are followed once."""
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(str(place), ())]
    if not place.is_dir():
        waiting = []
        yield _lines(str(place), (_Alone(place),), looked_at, [], ())
    while waiting:
        folder, above = waiting.pop()
        try:
            own = os.stat(folder)
            inode = (own.st_dev, own.st_ino)
            if inode in above:
                continue
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            yield [f"{folder}\0unreadable"], 0
            continue
        if any(entry.name == _PROJECT for entry in entries):  # a project's runs are no matter here
            entries = [entry for entry in entries if entry.name not in _OF_PROJECTS]
        lines, newest_ns = _lines(folder, entries, looked_at, waiting, (*above, inode))
        yield lines, max(newest_ns, own.st_mtime_ns, own.st_ctime_ns)


def _lines(
    folder: str, entries: Sequence[Any], looked_at: frozenset[str], waiting: list[Any], above: tuple[Any, ...]
) -> tuple[list[str], int]:
    lines, newest_ns = [folder], 0
    for entry in entries:
        name = entry.name
        try:
            if entry.is_dir():
                waiting.append((entry.path, above))
                lines.append(f"{name}/")
            elif name[name.rfind(".") :].lower() in looked_at:
                found = entry.stat()
                # The time of a change cannot be given by hand, so a file that was put here meanwhile is seen by it.
                newest_ns = max(newest_ns, found.st_mtime_ns, found.st_ctime_ns)
                lines.append(f"{name}\0{found.st_size}\0{found.st_mtime_ns}")
            else:
                lines.append(name)
        except OSError:  # a link to nowhere
            lines.append(f"{name}\0gone")
    return lines, newest_ns


class _Alone:
    """A file that is no folder's entry."""

    def __init__(self, path: Path) -> None:
        self.name, self.path, self.stat = path.name, str(path), path.stat

    def is_dir(self) -> bool:
        return False


# -- on disk ----------------------------------------------------------------------------------------------------------


def _packed(listing: Listing, source: Source, stamp: str, places: Sequence[Path]) -> bytes:
    """Return a listing as bytes: a digest, the length of a JSON head, the head, and the numbers as in memory."""
    records, marks = listing.records, [mark for record in listing.records for mark in record.marks]
    positions = listing.positions()
    own = listing.own_split
    arrays: Arrays = {
        "sizes": _ints(r.size_bytes for r in records),
        "n_labels": _ints(len(r.labels) for r in records),
        "labels": _ints(label for r in records for label in r.labels),
        "n_marks": _ints(len(r.marks) for r in records),
        "kinds": _ints(_KINDS.index(m.kind) for m in marks),
        "classes": _ints(m.label for m in marks),
        "crowds": _ints(m.crowd for m in marks),
        "n_points": _ints(len(m.points) for m in marks),
        "points": np.fromiter((p for m in marks for p in m.points), np.float64),
        **{f"set {name}": _ints(positions[file] for file in own) for name, own in (own or {}).items()},
    }
    head = orjson.dumps({
        "version": _version(), "source": source.plain(), "stamp": stamp, "places": list(map(str, places)),
        "hash": listing.content_hash, "root": str(listing.root), "classes": listing.classes,
        "files": [r.file for r in records], "cells": [r.cells for r in records] if listing.columns else [],
        "mask_files": [[i, m.file] for i, m in enumerate(marks) if m.file], "sets": None if own is None else list(own),
        "multilabel": listing.multilabel, "notes": listing.notes, "columns": listing.columns,
        "doubts": [[doubt.file, doubt.kind, doubt.text] for doubt in listing.doubts],
        "unused": [[one.what, one.reason, one.n, one.examples, one.n_more] for one in listing.unused],
        "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
    })  # fmt: skip
    body = b"".join((len(head).to_bytes(8, "little"), head, *(array.tobytes() for array in arrays.values())))
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest() + body


def _ints(values: Iterator[int]) -> npt.NDArray[np.int64]:
    return np.fromiter(values, np.int64)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A kept listing that is whole, not yet made into records."""

    head: dict[str, Any]
    arrays: Arrays

    @classmethod
    def read(cls, path: Path) -> _Kept | None:
        """Return what is kept in a file; None where there is none, or it is damaged or another version's."""
        try:
            data = files.content(path)
            digest, body = data[:_DIGEST_BYTES], memoryview(data)[_DIGEST_BYTES:]
            if hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest() != digest:
                return None
            end = 8 + int.from_bytes(body[:8], "little")
            head = orjson.loads(body[8:end])
            arrays, at = Arrays(), end
            for name, dtype, length in head["arrays"]:
                arrays[name] = np.frombuffer(body, dtype, length, at)
                at += arrays[name].nbytes
            return cls(head, arrays) if head["version"] == _version() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def places(self) -> list[Path]:
        """Files and folders that must not have changed."""
        return [Path(place) for place in self.head["places"]]

    @property
    def stamp(self) -> str:
        """What they looked like."""
        return str(self.head["stamp"])

    @property
    def most(self) -> int:
        """Entries that are looked at to compare them."""
        return _most(len(self.head["files"]))

    def listing(self) -> Listing:
        """Return the listing, with its hash, which is as dear to reckon as the listing to read."""
        head = self.head
        cells = map(tuple, head["cells"]) if head["columns"] else ((),) * len(head["files"])
        records = tuple(
            map(
                Record,
                head["files"],
                self._cut("labels", "n_labels"),
                self._list("sizes"),
                self._per_image(),
                cells,
            )
        )
        names = head["sets"]
        own = None if names is None else {s: tuple(records[i].file for i in self._list(f"set {s}")) for s in names}
        made = Listing(
            Path(head["root"]),
            tuple(head["classes"]),
            records,
            own,
            head["multilabel"],
            tuple(head["notes"]),
            tuple(head["columns"]),
            tuple(Doubt(*doubt) for doubt in head["doubts"]),
            unused=tuple(Unused(what, reason, n, tuple(few), more) for what, reason, n, few, more in head["unused"]),
        )
        made.__dict__["content_hash"] = head["hash"]  # where the cached property keeps it
        return made

    def _per_image(self) -> Iterator[tuple[Mark, ...]]:
        kinds = map(_KINDS.__getitem__, self._list("kinds"))
        named = [""] * len(self.arrays["kinds"])
        for place, file in self.head["mask_files"]:
            named[place] = file
        crowds = map(bool, self._list("crowds"))
        marks = map(Mark, kinds, self._list("classes"), self._cut("points", "n_points"), named, crowds)
        return (tuple(islice(marks, n)) for n in self._list("n_marks"))

    def _list(self, name: str) -> list[Any]:
        found: list[Any] = self.arrays[name].tolist()
        return found

    def _cut(self, flat: str, lengths: str) -> Iterator[tuple[Any, ...]]:
        values = iter(self._list(flat))
        return (tuple(islice(values, n)) for n in self._list(lengths))
