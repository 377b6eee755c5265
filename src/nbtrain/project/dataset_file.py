"""A data set as a project keeps it: one file with its sources and what a look at them found, and edits beside it.

It knows that file's content, old and new, and how its sources become a listing. It does not know who may write it, nor
splits (datasets.py).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data import assembly
from nbtrain.data.assembly import AsFound, Parts
from nbtrain.data.edit_log import NO_MARK, EditLog, Mark
from nbtrain.data.edits import NONE, Edits
from nbtrain.data.records import Listing
from nbtrain.data.sources import Source
from nbtrain.data.splits import Extent
from nbtrain.errors import FormatError, NbtrainError, Problem
from nbtrain.schema import Format


def _several_sources(plain: dict[str, Any]) -> dict[str, Any]:
    """Lift a file of one source to one of several, the first of which has no name, and to edits, of which none are."""
    rest = {name: value for name, value in plain.items() if name not in ("source", "hash")}
    source = {"name": "", "source": plain.get("source")}
    return {**rest, "sources": [source], "base": plain.get("hash"), "root": "", "edits": {"bytes": 0, "hash": ""}}


FORMAT = Format("data set file", 2, {1: _several_sources})
_TYPES = {
    "name": str, "classes": list, "counts": list, "n_images": int, "multilabel": bool, "own_split": bool,
    "base": str, "root": str, "notices": list,
}  # fmt: skip
_ORIGIN = {"project": str, "dataset": str, "hash": str, "version": int}
_KEPT_LOOKS = 4
_LOOKS: OrderedDict[tuple[Parts, str], AsFound] = OrderedDict()
"""What sources were found to hold, for data sets that are worked on: a relabelled image needs no new look at all."""
_LOOKS_GUARD = threading.Lock()


@dataclass(frozen=True, slots=True)
class Origin:
    """A data set that another was made of: where it was, and how it stood then."""

    project: str
    """Folder of its project."""
    dataset: str
    hash: str
    version: int

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: getattr(self, name) for name in _ORIGIN}


@dataclass(frozen=True)
class DataSet:
    """One data set of a project, as it was when somebody last looked at its images, after all edits."""

    name: str
    parts: Parts
    """Its sources, each under its short name."""
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    """Images that carry each class."""
    n_images: int
    multilabel: bool
    own_split: bool
    """Whether all sources themselves say which images train."""
    base: str
    """Hash of what the sources hold, before any edit."""
    root: str
    """The folder, or folders, that the files lie below."""
    notices: tuple[str, ...] = ()
    file: Path = Path()
    """Its file; the journal of edits lies beside it."""
    edits: Edits = NONE
    mark: Mark = NO_MARK
    """How much of the journal that is."""
    version: int = 0
    """Number of edits, undos and redos so far."""
    removed: Parts = ()
    """Sources that were taken out, and can come back."""
    origins: tuple[Origin, ...] = ()
    """Data sets that it was made of, oldest first; what becomes of them later is no matter of this one."""
    extents: tuple[Extent, ...] = ()
    """What the sizes of its sets follow from, source by source; empty in files of earlier versions."""

    @classmethod
    def of(cls, name: str, file: Path, parts: Parts, found: AsFound, log: EditLog, base: str = "") -> DataSet:
        """Return the data set that these sources, as ``found``, and edits make; raises DataError where they cannot."""
        listing = found.edited(log.edits)
        return cls(
            name=name,
            parts=parts,
            classes=listing.classes,
            counts=listing.counts,
            n_images=len(listing),
            multilabel=listing.multilabel,
            own_split=bool(found.listing.own_split),
            base=base or found.listing.content_hash,
            root=str(listing.root),
            notices=(*listing.notices, *(question.notice for question in listing.questions)),
            file=file,
            extents=found.extents,
        ).after(log)

    @property
    def origin(self) -> Origin:
        """What one that is made of it records."""
        return Origin(str(self.file.parent.parent), self.name, self.hash, self.version)

    @property
    def source(self) -> Source:
        """Its first source."""
        return self.parts[0].source

    @property
    def log_path(self) -> Path:
        """The journal of its edits."""
        return log_path_of(self.file)

    @property
    def path(self) -> str:
        """Where its images come from: the paths of all sources."""
        return ", ".join(part.source.path for part in self.parts)

    @cached_property
    def hash(self) -> str:
        """The hash of the data: changes with every image, class and label."""
        return assembly.data_hash(self.base, self.edits)

    def after(self, log: EditLog) -> DataSet:
        """Return it with the edits of ``log``; what was counted is taken to be right."""
        return replace(self, edits=log.edits, mark=log.mark, version=log.version)

    @property
    def at_hand(self) -> bool:
        """Whether :meth:`found` has its answer in memory; otherwise it lists folders, which takes a while."""
        with _LOOKS_GUARD:
            return (self.parts, self.base) in _LOOKS

    def found(self) -> AsFound:
        """Return what its sources hold before any edit; they are looked at once, as long as they are the same."""
        key = self.parts, self.base
        with _LOOKS_GUARD:
            if key in _LOOKS:
                _LOOKS.move_to_end(key)
                return _LOOKS[key]
        found = assembly.look(self.parts, self.file.parent if self.file.name else None)
        remember(self.parts, self.base, found)  # also where images have come or gone: renewing is for the person to say
        return remember(self.parts, found.listing.content_hash, found)

    def listing(self) -> Listing:
        """Return every image that is in use, with its labels as they are now; raises DataError."""
        return self.found().edited(self.edits)

    def plain(self) -> dict[str, Any]:
        """Return the data set as it stands in its file."""
        told = {name: getattr(self, name) for name in _TYPES}
        mark = {"bytes": self.mark.bytes, "hash": self.mark.hash}
        lists: dict[str, list[Any]] = {"removed": [part.plain() for part in self.removed]}
        lists["made_of"] = [one.plain() for one in self.origins]
        lists["extents"] = [extent.plain() for extent in self.extents]
        there = {name: found for name, found in lists.items() if found}
        return {**told, "sources": [part.plain() for part in self.parts], "edits": mark, **there}

    def frozen(self) -> dict[str, Any]:
        """Return what a run records of it: enough to find the same images and labels again, and to see a change."""
        told: dict[str, Any] = {"name": self.name, "sources": [part.plain() for part in self.parts]}
        if self.mark.bytes:
            told["edits"] = {"file": self.log_path.name, "bytes": self.mark.bytes, "hash": self.mark.hash}
        return {**told, "classes": list(self.classes), "base": self.base, "hash": self.hash, "version": self.version}


def log_path_of(file: Path) -> Path:
    """Return where the journal of edits lies that belongs to the data set in ``file``."""
    return file.with_name(f"{file.stem}.edits.jsonl")


def remember(parts: Parts, base: str, found: AsFound) -> AsFound:
    """Keep what was found in memory, for data sets of this ``base``, as long as it is among the newest; return it."""
    with _LOOKS_GUARD:
        _LOOKS[parts, base] = found
        while len(_LOOKS) > _KEPT_LOOKS:
            _LOOKS.popitem(last=False)
    return found


def read(path: Path, log: EditLog | None = None) -> DataSet:
    """Return the data set in a file, after the edits beside it; raises FormatError or ConfigError for nonsense.

    What the file counts is of one moment of the journal: where that has gone on since, it is counted anew.
    """
    plain = FORMAT.check_types(FORMAT.read(files.read_json(path), path), _TYPES | {"edits": dict}, path)
    classes, counts = tuple(plain["classes"]), tuple(plain["counts"])
    fits = len(classes) == len(counts) and all(type(count) is int for count in counts)
    if not fits or not all(isinstance(name, str) for name in classes):
        told = "its classes and their counts do not fit each other."
        raise FormatError([Problem(str(path), told, "Add the images to the project again under the same name.")])
    known = {name: plain[name] for name in _TYPES}
    lists = {"classes": classes, "counts": counts, "notices": tuple(map(str, plain["notices"]))}
    lists |= {"origins": _origins(plain.get("made_of")), "extents": Extent.parse(plain.get("extents"))}
    lists |= {"removed": assembly.parse(plain["removed"], path) if plain.get("removed") else ()}
    made = DataSet(**{**known, **lists}, parts=assembly.parse(plain.get("sources"), path), file=path)
    log = (log or EditLog(log_path_of(path))).look()
    counted_at = Mark(plain["edits"].get("bytes"), plain["edits"].get("hash"))
    if log.mark == counted_at:
        return made.after(log)
    try:
        now = DataSet.of(made.name, made.file, made.parts, made.found(), log, made.base)
        now = replace(now, removed=made.removed, origins=made.origins)
    except (OSError, NbtrainError):  # the images are away: told when they are needed
        now = made.after(log)
    lost = isinstance(counted_at.bytes, int) and counted_at.bytes > log.mark.bytes
    told = f"Edits are gone: {log.path.name} is shorter than it was. Bring it back from a copy."
    return replace(now, notices=(*now.notices, told)) if lost else now


def _origins(plain: object) -> tuple[Origin, ...]:
    """Return what a data set was made of; what cannot be read is left out, as nothing hangs on it."""
    told = plain if isinstance(plain, list) else []
    fits = [one for one in told if isinstance(one, dict) and all(type(one.get(n)) is t for n, t in _ORIGIN.items())]
    return tuple(Origin(**{name: one[name] for name in _ORIGIN}) for one in fits)
