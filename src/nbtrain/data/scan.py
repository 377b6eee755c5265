"""The scan before training: the header of every image is read once, in parallel, and what cannot be used is listed.

Only headers: decoding everything would take minutes for a large set. An image that turns out to be damaged further in
is dealt with when it is read (loader.py). The result is kept beside the data set and reused as long as size and time
of a file have not changed. This file knows files and reasons; it knows no labels.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from nbtrain import files as disk
from nbtrain.data.decode import size_of
from nbtrain.data.records import Root, counted, first, spaced
from nbtrain.errors import DataError

Progress = Callable[[str], None]
"""Takes what to show, such as "400 of 1 797 files"."""
Stopped = Callable[[], bool]
"""Tells whether to give up; asked several times a second."""

_CHUNK = 64
_OF = re.compile(r"(\d[\d ]*) of (\d[\d ]*)")
_FORMAT = 1
_TOLD_EVERY_S = 0.2


class Seen(NamedTuple):
    """What a look at one file has shown."""

    size_bytes: int
    mtime_ns: int
    width: int
    height: int
    reason: str
    """Why it cannot be used; "" where it can."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Raised when ``stopped`` said so; no error, and not for the person."""


@dataclass(frozen=True, slots=True)
class Bad:
    """One image that cannot be used, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What the scan of a list of files has found."""

    n_images: int
    bad: tuple[Bad, ...]
    decoded_bytes: int
    """Memory that all good images take when decoded to uint8."""
    seen: Mapping[str, Seen] = field(default_factory=dict, repr=False, compare=False)
    """Every file, as it was when it was looked at."""

    def check(self, allowed_share: float) -> str:
        """Return a notice on the bad images, "" for none; raises DataError where their share is above the allowed."""
        if not self.bad:
            return ""
        told = f"{counted(len(self.bad), 'image', 'images')} of {self.n_images} cannot be used"
        named = first([f"{bad.file} ({bad.reason})" for bad in self.bad])  # told is read by broken_in
        if len(self.bad) > allowed_share * self.n_images:
            raise DataError(
                f"{told}, more than the allowed {100 * allowed_share:g} %: {named}",
                advice="Replace or remove these files, or raise data.allowed_bad_share.",
            )
        return f"{told} and {'is' if len(self.bad) == 1 else 'are'} skipped: {named}."


_BROKEN = re.compile(r"([\d ]+) images? of (\d+) cannot be used, more than")


def broken_in(message: str) -> tuple[int, int] | None:
    """Return how many images of how many a refusal of :meth:`ScanResult.check` counts; None for another message."""
    found = _BROKEN.search(message)
    return (int(found[1].replace(" ", "")), int(found[2])) if found else None


def scan(
    root: Root,
    files: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress = lambda _: None,
    stopped: Stopped = lambda: False,
) -> ScanResult:
    """Read the header of each of ``files`` below ``root``; ``cache`` is the file that keeps what was seen.

    Raises Interrupted as soon as ``stopped`` says so.
    """
    known = _load(cache)
    seen: dict[str, Seen] = {}
    told = Ticker(progress, stopped, len(files), "files")
    for chunk in _in_parallel(lambda file: (file, _looked_at(root / file, known.get(file))), files):
        seen.update(chunk)
        told.at(len(seen))
    if cache is not None and seen != known:
        _save(cache, {**known, **seen})
    bad = tuple(Bad(file, seen[file].reason) for file in files if seen[file].reason)
    return ScanResult(len(files), bad, sum(3 * s.width * s.height for s in seen.values() if not s.reason), seen)


class Ticker:
    """Tells how far a long piece of work is, and asks whether to give it up."""

    def __init__(self, progress: Progress, stopped: Stopped, total: int, what: str) -> None:
        self._progress, self._stopped, self._total, self._what = progress, stopped, total, what
        self._told_s = 0.0

    def at(self, done: int) -> None:
        """Say that ``done`` pieces are ready; raises Interrupted where the work is to stop."""
        if self._stopped():
            raise Interrupted
        now = time.monotonic()
        if now - self._told_s >= _TOLD_EVERY_S or done == self._total:
            self._told_s = now
            self._progress(f"{spaced(done)} of {spaced(self._total)} {self._what}")


def share(text: str) -> float | None:
    """Return how much is done, from its words: "400 of 1 797 files" is 0.22; None where they do not say."""
    found = _OF.search(text)
    done, total = (int(number.replace(" ", "")) for number in found.groups()) if found else (0, 0)
    return min(1.0, done / total) if total else None


def _in_parallel(look: Callable[[str], Any], files: Sequence[str]) -> Iterator[list[Any]]:
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    pool = ThreadPoolExecutor(min(32, 2 * (os.cpu_count() or 1)), thread_name_prefix="scan")
    try:
        yield from pool.map(lambda chunk: [look(file) for file in chunk], chunks)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _looked_at(path: Path, known: Seen | None) -> Seen:
    try:
        stat = path.stat()
    except OSError:
        return Seen(0, 0, 0, 0, "the file is missing")
    # What could not be used is looked at again: a permission changes without leaving a trace in size or time.
    if known is not None and not known[4] and known[:2] == (stat.st_size, stat.st_mtime_ns):
        return known
    try:
        width, height = size_of(path)
    except DataError as error:
        return Seen(stat.st_size, stat.st_mtime_ns, 0, 0, error.what)
    return Seen(stat.st_size, stat.st_mtime_ns, width, height, "")


def _load(cache: Path | None) -> dict[str, Seen]:
    """Return what was seen before; a missing, foreign or broken file only costs looking again."""
    try:
        plain = orjson.loads(disk.content(cache)) if cache else {}
        if plain.get("format") != _FORMAT:
            return {}
        return {file: Seen(int(s[0]), int(s[1]), int(s[2]), int(s[3]), str(s[4])) for file, s in plain["files"].items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}


def _save(cache: Path, seen: dict[str, Seen]) -> None:
    try:
        disk.write_atomic(
            cache,
            orjson.dumps({"format": _FORMAT, "files": {file: tuple(one) for file, one in seen.items()}}),
            durable=False,
        )
    except OSError:
        return  # a project folder that is full or read-only: the next scan looks again
