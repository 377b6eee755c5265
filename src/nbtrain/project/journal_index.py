"""The kept index of a journal: the story so far in columns, in ``events.index.npz`` beside ``events.jsonl``.

A long journal is read line by line once; whoever comes back reads columns, and the lines that came after them.
The journal alone is the truth: the index is written by readers, anybody may delete it, and it is used only where it
fits the journal that lies there now. Where it cannot be written, or is damaged, the journal is read. It is a numpy
archive without pickles: one JSON header, and one array of float64 for each column of each split. Known here: the
file, and when it is worth writing. What messages mean is story.py's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

import nbtrain
from nbtrain import files
from nbtrain.messages import Message
from nbtrain.project.history import Column, History
from nbtrain.project.story import Story
from nbtrain.runs.journal import JournalReader

FORMAT = 2
"""To be raised whenever the same messages make another story."""
LEAST_BYTES = 1 << 20
"""A shorter journal is read in tens of milliseconds and gets no index; neither does a smaller rest behind one."""
_GROWTH = 1.25
"""While a run goes on, the index is written anew when the journal has grown by this: five times its size in all."""
_PIECE_BYTES = 1 << 20
_SAMPLE_BYTES, _SAMPLES = 4096, 64
_TABLES = ("history", "usage_rows")
_REBUILT = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, zipfile.BadZipFile)
"""What a damaged or foreign index raises; the journal is read instead."""


class IndexedStory:
    """The story of one run with the reader that goes on with it."""

    def __init__(self, events: Path) -> None:
        """Take what the index of ``events`` knows, nothing where there is none that fits."""
        self.events = events
        self.story, self.reader = _load(events) or (Story(), JournalReader(events))
        self._kept_bytes = self.reader.offset

    def read_on(self) -> Story:
        """Read what the journal has grown by, keep the index if that was much, and return the story."""
        while messages := self.reader.read(_PIECE_BYTES):
            self.story.tell(messages)
        self.keep(over=True)
        return self.story

    def tell(self, messages: Sequence[Message], *, over: bool = False) -> None:
        """Fold in what somebody else has read with :attr:`reader`; keep the index where that has become worth it."""
        self.story.tell(messages)
        self.keep(over=over)

    def keep(self, *, over: bool) -> None:
        """Write the index if the journal has grown enough; for a run that is ``over`` little is enough."""
        covered = self.reader.offset
        least = LEAST_BYTES if over else max(4 * LEAST_BYTES, (_GROWTH - 1) * self._kept_bytes)
        if covered - self._kept_bytes >= least:
            self._kept_bytes = covered  # also where it cannot be written: a full disk is not asked again at once
            with contextlib.suppress(OSError):
                _save(self.events, self.story, self.reader)


def path_of(events: Path) -> Path:
    """Return where the index of a journal lies."""
    return events.with_suffix(".index.npz")


def _save(events: Path, story: Story, reader: JournalReader) -> None:
    columns = [
        ((table, split, name), column)
        for table in _TABLES
        for split, found in getattr(story, table).columns().items()
        for name, column in found.items()
    ]
    header = {
        "format": FORMAT, "nbtrain": nbtrain.__version__, "covered_bytes": reader.offset, "bad": reader.bad,
        **_marks(events, reader.offset), "story": _plain(story), "columns": [name for name, _ in columns],
    }  # fmt: skip
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {f"column_{number}": column for number, (_, column) in enumerate(columns)}
    with files.replacing(path_of(events), durable=False) as file:
        np.savez(file, header=text, **arrays)


def _load(events: Path) -> tuple[Story, JournalReader] | None:
    """Return the story and a reader behind it; None without an index that fits the journal as it is now."""
    try:
        with open(path_of(events), "rb", opener=files.ordinary) as file, np.load(file, allow_pickle=False) as kept:
            header = json.loads(kept["header"].tobytes())
            covered = int(header["covered_bytes"])
            known = (header["format"], header["nbtrain"]) == (FORMAT, nbtrain.__version__)
            if not known or not _fits(header, events, covered):
                return None
            columns = [(*name, kept[f"column_{number}"]) for number, name in enumerate(header["columns"])]
        return _story(header["story"], columns), JournalReader(events, covered, int(header["bad"]))
    except _REBUILT:
        return None


def _fits(header: dict[str, Any], events: Path, covered: int) -> bool:
    now = _marks(events, covered)
    whole = header["mtime_ns"] and now["mtime_ns"]
    return bool(header["samples"] == now["samples"] and (not whole or header["mtime_ns"] == now["mtime_ns"]))


def _marks(events: Path, covered: int) -> dict[str, Any]:
    """Return what tells whether a journal still begins with what the index has read of it.

    A hash of its first and last 4 KiB and of 62 places between, which hold the times at which lines were written; and
    for a journal that ends there, when it was changed last. Raises ValueError for one that has become shorter.
    """
    with open(events, "rb", opener=files.ordinary) as file:
        found = os.fstat(file.fileno())
        if found.st_size < covered:
            raise ValueError("the journal is shorter than what its index has read")
        digest = hashlib.sha256()
        for place in np.linspace(0, max(0, covered - _SAMPLE_BYTES), _SAMPLES).astype(int).tolist():
            file.seek(place)
            digest.update(file.read(min(_SAMPLE_BYTES, covered - place)))
    return {"samples": digest.hexdigest(), "mtime_ns": found.st_mtime_ns if found.st_size == covered else 0}


def _plain(story: Story) -> dict[str, Any]:
    return {f.name: getattr(story, f.name) for f in fields(story) if f.name not in _TABLES}


def _story(plain: dict[str, Any], columns: Sequence[tuple[str, str, str, Column]]) -> Story:
    """Return the story that :func:`_plain` and the columns tell; JSON has made lists of its tuples."""
    made = Story(**{**plain, "first": tuple(plain["first"]) if plain["first"] else None})
    if made.per_class:
        made.per_class["columns"] = tuple(made.per_class["columns"])
        made.per_class["rows"] = tuple(map(tuple, made.per_class["rows"]))
    made.error = {name: tuple(value) if isinstance(value, list) else value for name, value in made.error.items()}
    tables: dict[str, dict[str, dict[str, Column]]] = {table: {} for table in _TABLES}
    for table, split, name, column in columns:
        tables[table].setdefault(split, {})[name] = column
    made.history, made.usage_rows = (History.from_columns(tables[table]) for table in _TABLES)
    return made
