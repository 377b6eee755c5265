"""Where a scan keeps what it has seen: a journal while it runs, columns once it is done.

    looks.jsonl    a line per handful of files, appended as they were looked at; gone once the scan is done
    looks.npz      a column per number, for all files, and the groups of images that are alike
    problems.json  what the scan has found wrong (problems.py)
    lock           held by the process that scans

A scan that is killed loses what it had not appended yet, and goes on from there; half a line is left out. Both files
hold a file's size and time, so what has not changed is not looked at again. Damaged, or made by another version, they
only cost looking again. It knows looks; it does not know what they mean.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from nbtrain import files as disk
from nbtrain.data.inspection.alike import Groups
from nbtrain.data.inspection.look import DIGEST_BYTES, Look
from nbtrain.data.inspection.prints import PRINT_PX
from nbtrain.locks import FileLock

FORMAT = 1
PROBLEMS, COLUMNS = "problems.json", "looks.npz"
_NUMBERS: dict[str, type[np.generic]] = {
    "size_bytes": np.int64, "mtime_ns": np.int64, "width": np.int32, "height": np.int32, "odd": np.uint16,
    "hash": np.uint64, "brightness": np.float64, "contrast": np.float64, "sharpness": np.float64,
}  # fmt: skip
_PREFIX = "column."
"""Some names alone would be taken for numpy's own arguments."""
_TEXTS = ("file", "trouble", "text", "format")
_BYTES = {"digest": DIGEST_BYTES, "picture": PRINT_PX**2}
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, EOFError)
_PASSING = frozenset({"missing", "no permission"})
"""Troubles that end without leaving a trace in a file's size and time."""


class Store:
    """The folder of one data set's scan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.columns = folder / COLUMNS
        self.lock = FileLock(folder / "lock")
        self.converted = ""
        """How images become 8 bits (records.converts): looks at other pixels do not count."""

    @property
    def journal(self) -> Path:
        """Where looks are appended."""
        short = hashlib.blake2b(self.converted.encode(), digest_size=4).hexdigest() if self.converted else ""
        return self.folder / f"looks{short and '-'}{short}.jsonl"

    def known(self) -> dict[str, Look]:
        """Return what was seen before and may still be true, by file."""
        before = read(self.folder)
        looks = {look.file: look for look in _rows(before)} if before and before.converted == self.converted else {}
        looks.update((look.file, look) for look in self._appended())
        return {file: look for file, look in looks.items() if look.trouble not in _PASSING}

    def append(self, looks: Iterable[Look]) -> None:
        """Write looks down: whole, or not at all for whoever reads."""
        line = orjson.dumps([_plain(look) for look in looks])
        descriptor = disk.open_ours(self.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, b"\n" + line + b"\n")  # a killed scan may have left half a line
        finally:
            os.close(descriptor)

    def finish(self, looks: Sequence[Look], groups: Groups) -> None:
        """Write all looks as columns, in this order, with the groups; the journal has served."""
        columns = {name: np.array([getattr(look, name) for look in looks], kind) for name, kind in _NUMBERS.items()}
        columns |= {name: _joined([getattr(look, name) for look in looks]) for name in _TEXTS}
        columns |= {name: _fixed([getattr(look, name) for look in looks], n) for name, n in _BYTES.items()}
        columns |= {"version": np.array(FORMAT), "converted": _joined([self.converted]), **groups._asdict()}
        with disk.replacing(self.columns, durable=False) as file:
            np.savez(file, allow_pickle=False, **{f"{_PREFIX}{name}": column for name, column in columns.items()})
        disk.remove(self.journal)

    def _appended(self) -> Iterable[Look]:
        try:
            lines = disk.content(self.journal).split(b"\n")
        except OSError:
            return
        for line in filter(None, lines):
            try:
                yield from [_parsed(row) for row in orjson.loads(line)]
            except _UNREADABLE:
                continue


@dataclass(frozen=True)
class Columns:
    """What a whole scan has seen: a column per number, a row per file."""

    arrays: Mapping[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return one column of numbers, or ``equal`` and ``alike``, the groups."""
        return self.arrays[name]

    @cached_property
    def files(self) -> list[str]:
        """The files, in the order of the listing."""
        return self.texts("file")

    @property
    def converted(self) -> str:
        """How images became 8 bits; "" as before that was chosen."""
        return self.texts("converted")[0] if "converted" in self.arrays else ""

    def texts(self, name: str) -> list[str]:
        """Return one column of texts."""
        return bytes(self.arrays[name]).decode().split("\0")[:-1]


def read(folder: Path) -> Columns | None:
    """Return what the last whole scan has seen; None where there was none, or what it left cannot be read."""
    try:
        with open(folder / COLUMNS, "rb", opener=disk.ordinary) as file, np.load(file, allow_pickle=False) as archive:
            found = Columns({name.removeprefix(_PREFIX): archive[name] for name in archive.files})
            if int(found["version"]) != FORMAT:
                return None
            return found if len(found["odd"]) == len(found) else None
    except _UNREADABLE:
        return None


def _rows(columns: Columns | None) -> Iterable[Look]:
    if columns is None:
        return
    lists: dict[str, Sequence[Any]] = {name: columns[name].tolist() for name in _NUMBERS}
    lists |= {name: columns.texts(name) for name in _TEXTS}
    for name in _BYTES:
        lists[name] = [bytes(row) for row in columns[name]]
    troubles = lists["trouble"]
    for place, values in enumerate(zip(*(lists[name] for name in Look._fields), strict=True)):
        look = Look(*values)
        yield look._replace(picture=b"") if troubles[place] else look


def _plain(look: Look) -> list[Any]:
    digest, picture = (base64.b64encode(one).decode() for one in (look.digest, look.picture))
    return list(look._replace(digest=digest, picture=picture))  # type: ignore[arg-type]


def _parsed(row: list[Any]) -> Look:
    plain = dict(zip(Look._fields, row, strict=True))
    return Look(**{**plain, **{name: base64.b64decode(plain[name]) for name in _BYTES}})


def _joined(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode(), np.uint8)


def _fixed(values: Sequence[bytes], n_bytes: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(value.ljust(n_bytes, b"\0") for value in values), np.uint8).reshape(-1, n_bytes)
