"""Edits: what a person has said about images and classes of a data set, in a journal beside it.

One line per edit, appended whole, never changed: another label for an image, an image left out with its reason, another
name for a class, the order of classes, and lines that take earlier ones back. Of several that speak of the same image
or class the last one counts. Nothing is written to the person's own files. Known here: lines, and what they add up to.
Not known here: the journal's file (edit_log.py), and which images and classes there are (assembly.py).

A class is named in the journal as its source names it, so that renaming it later changes no line.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nbtrain import processes
from nbtrain.schema import canonical


@dataclass(frozen=True, slots=True)
class Line:
    """One line: part of the edit ``id``, which may have several."""

    id: str
    kind: str
    t_s: float
    """Wall clock, in seconds since 1970."""
    by: Mapping[str, Any]
    """Who: user, host, boot, pid and start of the process."""
    file: str = ""
    reason: str = ""
    old: tuple[str, ...] = ()
    """Of a label: what the image had when it was changed."""
    classes: tuple[str, ...] = ()
    """Of a label: what it has now; of a class: which are meant; of an order: all of them."""
    to: str | None = None
    """Of a class: its name now, "" where it is dropped, None where it is as the source has it."""
    of: str = ""
    """Of an undo or redo: the edit that is taken back, or made again."""

    def plain(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        told = {"id": self.id, "kind": self.kind, "t_s": self.t_s, "by": dict(self.by)}
        return told | {name: _json(getattr(self, name)) for name in FIELDS[self.kind]}


FIELDS: dict[str, tuple[str, ...]] = {
    "label": ("file", "old", "classes"),
    "exclude": ("file", "reason"),
    "include": ("file",),
    "class": ("classes", "to"),
    "order": ("classes",),
    "undo": ("of",),
    "redo": ("of",),
}


@dataclass(frozen=True, slots=True)
class Excluded:
    """One image that is left out: why, and since when (wall clock in seconds since 1970)."""

    file: str
    reason: str
    t_s: float


@dataclass(frozen=True)
class Edits:
    """What all lines of a journal add up to."""

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By file, the classes that somebody gave it, as the sources name them."""
    excluded: Mapping[str, Excluded] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """By a class as the sources name it, its name now; "" where it is dropped."""
    order: tuple[str, ...] = ()
    """Names of classes in the order that somebody gave them."""
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By file, its classes before anybody changed them, also where that was taken back."""

    @cached_property
    def hash(self) -> str:
        """A hash over all that counts, 16 hex digits; "" where nothing was edited."""
        told = {
            "labels": {file: list(own) for file, own in self.labels.items()},
            "excluded": sorted(self.excluded),
            "names": dict(self.names),
            "order": list(self.order),
        }
        return hashlib.sha256(canonical(told)).hexdigest()[:16] if any(told.values()) else ""

    def name_of(self, found: str) -> str:
        """Return what a class of a source is called now; "" where it is dropped."""
        return self.names.get(found, found)


NONE = Edits()


def added_up(lines: Sequence[Line]) -> Edits:
    """Return what ``lines`` say together: of each image and class the last word that was not taken back."""
    back = taken_back(lines)
    before: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if line.kind == "label":
            before.setdefault(line.file, line.old)
    stand = [line for line in lines if line.id not in back]
    labels = {line.file: line.classes for line in stand if line.kind == "label"}
    labels = {file: own for file, own in labels.items() if own != before[file]}
    order = next((line.classes for line in reversed(stand) if line.kind == "order"), ())
    return Edits(labels, _excluded(stand), _names(stand), order, before)


def _excluded(stand: Sequence[Line]) -> dict[str, Excluded]:
    found: dict[str, Excluded] = {}
    for line in stand:
        if line.kind == "exclude":
            found[line.file] = Excluded(line.file, line.reason, line.t_s)
        elif line.kind == "include":
            found.pop(line.file, None)
    return found


def _names(stand: Sequence[Line]) -> dict[str, str]:
    told = {name: line.to for line in stand if line.kind == "class" for name in line.classes}
    return {name: to for name, to in told.items() if to is not None}


def taken_back(lines: Iterable[Line]) -> set[str]:
    """Return the ids of the edits that an undo has taken back, and no redo has made again since."""
    back: set[str] = set()
    for line in lines:
        if line.kind == "undo":
            back.add(line.of)
        elif line.kind == "redo":
            back.discard(line.of)
    return back


def edits_in(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the lines of each edit by its id, oldest first; undo and redo are not among them."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.kind not in ("undo", "redo"):
            found.setdefault(line.id, []).append(line)
    return found


def next_undo(lines: Sequence[Line]) -> str:
    """Return the id of the newest edit that stands and was made by whoever asks; "" where there is none."""
    back = taken_back(lines)
    return next((i for i, own in reversed(edits_in(lines).items()) if i not in back and _ours(own[0])), "")


def next_redo(lines: Sequence[Line]) -> str:
    """Return the id of the edit that whoever asks took back last, with no edit of theirs since; "" for none."""
    back = taken_back(lines)
    for line in reversed([line for line in lines if _ours(line)]):
        if line.kind not in ("undo", "redo"):
            return ""
        if line.kind == "undo" and line.of in back:
            return line.of
    return ""


def _ours(line: Line) -> bool:
    """Tell whether this process made a line, or one of the same person's that has ended: nobody else would undo it."""
    me = whoever()
    if line.by.get("user") != me["user"] or line.by.get("host") != me["host"]:
        return False
    return line.by.get("pid") == me["pid"] or not processes.alive(line.by)


def whoever() -> dict[str, Any]:
    """Return who edits here: user, host, boot, pid and the start of this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without this user's name
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    return {"user": user, **processes.identity()}


def made(kind: str, edit: str, **fields: Any) -> Line:
    """Return a line of the edit ``edit``, made now and here."""
    return Line(edit, kind, round(time.time(), 3), whoever(), **fields)


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def differing(then: Edits, now: Edits) -> Iterator[str]:
    """Yield the files that were relabelled, left out or taken in between two states of one journal."""
    for file in sorted({*then.labels, *now.labels, *then.excluded, *now.excluded}):
        labels = [edits.labels.get(file, now.before.get(file, ())) for edits in (then, now)]
        if labels[0] != labels[1] or (file in then.excluded) != (file in now.excluded):
            yield file
