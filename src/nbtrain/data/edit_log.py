"""The journal of edits as a file: appended in whole lines, read while it grows, and read again up to a mark.

A line that a crash has torn, or a hand has damaged, is skipped and counted. Known here: bytes and lines. Not known
here: what the lines add up to (edits.py), and who may write when (project/datasets.py).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from nbtrain import files
from nbtrain.data.edits import FIELDS, NONE, Edits, Line, added_up, edits_in
from nbtrain.errors import DataError, FormatError, Problem, ProjectError

_MAX_BYTES = 2**30
"""Some three million edits; a larger journal is none."""
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of a journal was read: its first ``bytes``, and their hash."""

    bytes: int = 0
    hash: str = ""


NO_MARK = Mark()


class EditLog:
    """A journal of edits: what is new is read, what is said is appended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start()

    def _start(self) -> None:
        self.lines: list[Line] = []
        """All lines that could be read."""
        self.bad = 0
        """Lines that were skipped: damaged, or of a kind that this version does not know."""
        self._bytes, self._digest = 0, hashlib.sha256()
        self._seen: tuple[int, int, int] | None = None
        self.edits = NONE
        """What the lines add up to."""

    @property
    def mark(self) -> Mark:
        """How much was read."""
        return Mark(self._bytes, self._digest.hexdigest()[:16] if self._bytes else "")

    @property
    def version(self) -> int:
        """How many edits, undos and redos there are: each makes another version of the data."""
        return len(edits_in(self.lines)) + sum(line.kind in ("undo", "redo") for line in self.lines)

    def look(self) -> EditLog:
        """Read what has come since the last look; raises FormatError where the journal is no file."""
        now = stat_of(self.path)
        if now == self._seen:
            return self
        if now is None or (self._seen is not None and (now[0] != self._seen[0] or now[1] < self._bytes)):
            self._start()  # it is gone, was replaced or cut
        if now is not None:
            self._take(_read(self.path, self._bytes))
        self._seen = now
        return self

    def _take(self, data: bytes) -> None:
        whole = data[: data.rfind(b"\n") + 1]
        if not whole:
            return
        read = [_line(line) for line in whole.split(b"\n")[:-1] if line.strip()]
        self.lines = [*self.lines, *(line for line in read if line is not None)]
        self.bad += sum(line is None for line in read)
        self._bytes += len(whole)
        self._digest.update(whole)
        self.edits = added_up(self.lines)

    def append(self, lines: Sequence[Line]) -> None:
        """Add ``lines``, all of them or none, and wait for the disk; raises ProjectError where it has no room.

        Whoever calls holds the data set's lock.
        """
        data = encoded(lines)
        if self._bytes and _hash(self.path, self._bytes) != self.mark.hash:
            self._start()  # somebody has edited it by hand
        try:
            _append(self.path, data)
        except OSError as error:
            what = f"the edit could not be stored: {error.strerror or error}"
            advice = "Make room, or see that you may write there; nothing was changed."
            raise ProjectError(what, value=str(self.path), advice=advice) from None
        self.look()


def encoded(lines: Sequence[Line]) -> bytes:
    """Return ``lines`` as they stand in a journal."""
    return b"".join(orjson.dumps(line.plain()) + b"\n" for line in lines)


def read_until(path: Path, mark: Mark) -> Edits:
    """Return what the first bytes of a journal add up to; raises DataError where they are not those of ``mark``."""
    if not mark.bytes:
        return NONE
    log = EditLog(path)
    with contextlib.suppress(FileNotFoundError):
        log._take(_read(path, 0)[: mark.bytes])
    if log.mark == mark:
        return log.edits
    advice = f"Bring {path.name} back as it was, or start a new run."
    raise DataError("the edits of the data set are not those that this was set up with", value=str(path), advice=advice)


def stat_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file: its inode, size in bytes and time; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path, offset: int) -> bytes:
    descriptor = os.open(path, _READ_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
            told = "is no ordinary file, or is far too large."
            raise FormatError([Problem(str(path), told, "Move it away; edits are then as if never made.")])
        file.seek(offset)
        return file.read()


def _hash(path: Path, length: int) -> str:
    try:
        return hashlib.sha256(_read(path, 0)[:length]).hexdigest()[:16]
    except FileNotFoundError:
        return ""


def _append(path: Path, data: bytes) -> None:
    descriptor = files.open_ours(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        # A line that a crash has torn stays as it is; what comes now begins on a line of its own.
        torn = size > 0 and _last_byte(descriptor, size) != b"\n"
        data = b"\n" * torn + data
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


def _line(data: bytes) -> Line | None:
    """Return one line of a journal, None where it is damaged or unknown."""
    try:
        plain = orjson.loads(data)
        kind = plain["kind"]
        given = {name: _checked(name, plain[name]) for name in FIELDS[kind]}
        by = plain["by"] if isinstance(plain["by"], dict) else {}
        return Line(_text(plain["id"]), kind, float(plain["t_s"]), by, **given)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _checked(name: str, value: Any) -> Any:
    if name in ("old", "classes"):
        if not isinstance(value, list):
            raise TypeError(name)
        return tuple(map(_text, value))
    return value if name == "to" and value is None else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
