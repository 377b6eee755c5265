"""The pixel cache: decoded images in one file that is mapped into memory, filled while the first epoch reads them.

One file per data set, shared by all runs and all workers on this machine, and an index beside it with one record per
version of an image (name, size, time and how it was read make its key). Room is given out when a run opens the cache,
under a lock; a record never moves and never changes but for its marker. Pixels are written first and the marker after
them, so a kill leaves an entry that does not count. After a reboot only entries count that had reached the disk before.

Writing goes through ``pwrite``, reading through the map: a full disk is an error here, in a map it would be a signal.
It knows bytes, keys and files; whether a cache pays, and for which images, is decided elsewhere (reading.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import struct
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nbtrain import files, processes
from nbtrain.data.cache_files import LOCK, alone, in_memory, index_of, remove, remove_unused, share
from nbtrain.data.decode import Pixels
from nbtrain.data.records import Root
from nbtrain.locks import FileLock

FOLDER = ".pixels"
"""Where caches on the disk lie, below a project's data sets."""
MAX_KEPT_BYTES = 64 * 2**20
"""Sets up to this decoded size the trainer keeps itself: reading them again would cost more than everything else."""
RESERVE_BYTES = 2 * 2**30
"""Room that a cache leaves to everybody else."""
_MAGIC = b"NBPIX001"
_HEADER_BYTES = 64
_RECORD = np.dtype(
    [("key", "<u8", 2), ("offset", "<u8"), ("bytes", "<u8"), ("height", "<u4"), ("width", "<u4"), ("marker", "<u8")]
)
_FIELDS = struct.Struct("<4Q2IQ")
"""The same record for reading one: a few times as fast."""
_SIZE_AT, _MARKER_AT = _RECORD.fields["height"][1], _RECORD.fields["marker"][1]  # type: ignore[index]
Records = np.ndarray[tuple[int], np.dtype[np.void]]
_WRITTEN, _SEALED = 1, 2
"""Markers: counts until this machine is booted again; counts for good."""


class Wanted(NamedTuple):
    """One image that is to be cached: its file, as it was when it was looked at, and how many bytes its pixels take."""

    file: str
    size_bytes: int
    mtime_ns: int
    pixel_bytes: int


class PixelCache:
    """The decoded images of one data set, at ``path`` and ``path``.index; see :meth:`opened`."""

    def __init__(self, path: Path, wanted: Sequence[Wanted], slots: Sequence[int], *, lasting: bool) -> None:
        self.path, self.lasting = path, lasting
        self.full = False
        """Whether writing has ended for lack of room."""
        self._wanted = {one.file: (one, slot) for one, slot in zip(wanted, slots, strict=True)}
        self._data_file = files.open_ours(path, os.O_RDWR)
        self._index_file = files.open_ours(index_of(path), os.O_RDWR)
        for descriptor in (self._data_file, self._index_file):
            weakref.finalize(self, os.close, descriptor)
        share(self._index_file)
        self._pixels = np.frombuffer(mmap.mmap(self._data_file, 0), np.uint8)
        self._index = mmap.mmap(self._index_file, 0)
        self._records = np.frombuffer(self._index, _RECORD, offset=_HEADER_BYTES)
        self._missing = {slot for slot in slots if not self._records["marker"][slot]}
        self._sealing = not lasting
        self._seal_when_full()

    @classmethod
    def opened(cls, path: Path, wanted: Sequence[Wanted], variant: str = "", *, lasting: bool) -> PixelCache | None:
        """Open or create the cache at ``path`` with room for ``wanted``; None where another run is long at just that.

        ``variant`` names how images are read, where that changes their pixels. One that is not ``lasting`` lies in
        memory and goes with its last user. Raises OSError where the folder cannot be written.
        """
        files.make_folder(path.parent)
        lock = FileLock(path.parent / LOCK)
        if not wanted or not lock.acquire(timeout_s=10.0):
            return None
        try:
            return cls(path, wanted, _given(path, wanted, variant), lasting=lasting)
        finally:
            lock.release()

    @property
    def n_held(self) -> int:
        """Images of this run that are cached."""
        slots = [slot for _, slot in self._wanted.values()]
        return int(np.count_nonzero(self._records["marker"][slots]))

    def get(self, file: str) -> Pixels | None:
        """Return the pixels of ``file``, height × width × 3, lying in the cache: not to be written to."""
        found = self._wanted.get(file)
        if found is None:
            return None
        _, _, offset, n_bytes, height, width, marker = _FIELDS.unpack_from(
            self._index, _HEADER_BYTES + found[1] * _FIELDS.size
        )
        if not marker or 3 * height * width != n_bytes:
            return None
        return self._pixels[offset : offset + n_bytes].reshape(height, width, 3)

    def put(self, file: str, pixels: Pixels, root: Root) -> None:
        """Keep the pixels of ``file`` below ``root``, unless it has changed since the run looked at it."""
        found = self._wanted.get(file)
        if found is None or self.full:
            return
        wanted, slot = found
        record = self._records[slot]
        try:
            seen = os.stat(root / file)
            if (seen.st_size, seen.st_mtime_ns) != wanted[1:3] or pixels.nbytes != record["bytes"]:
                return
            self.full = free_bytes(self.path.parent) < pixels.nbytes
            if not self.full:
                self._write(slot, pixels, int(record["offset"]))
        except OSError:
            self.full = True
        self._seal_when_full()

    def close(self) -> None:
        """Give up this run's share; a cache in memory goes when nobody else has one."""
        lock = FileLock(self.path.parent / LOCK)
        if self.lasting or not lock.acquire():
            return
        try:
            if alone(self._index_file):
                remove(self.path)
        finally:
            lock.release()

    def _write(self, slot: int, pixels: Pixels, offset: int) -> None:
        left = memoryview(np.ascontiguousarray(pixels).data).cast("B")
        while left:
            n_written = os.pwrite(self._data_file, left, offset)
            left, offset = left[n_written:], offset + n_written
        at = _HEADER_BYTES + slot * _RECORD.itemsize
        os.pwrite(self._index_file, np.array(pixels.shape[:2], "<u4").tobytes(), at + _SIZE_AT)
        os.pwrite(self._index_file, np.array(_WRITTEN, "<u8").tobytes(), at + _MARKER_AT)
        self._missing.discard(slot)

    def _seal_when_full(self) -> None:
        if not self._missing and not self._sealing:
            self._sealing = True
            threading.Thread(target=self._seal, name="nbtrain-cache", daemon=True).start()

    def _seal(self) -> None:
        """Wait until the pixels are on the disk, and note it: from now on they count after a reboot too."""
        slots = [slot for _, slot in self._wanted.values() if self._records["marker"][slot] == _WRITTEN]
        with contextlib.suppress(OSError):
            os.fsync(self._data_file)
            for slot in slots:
                at = _HEADER_BYTES + slot * _RECORD.itemsize + _MARKER_AT
                os.pwrite(self._index_file, np.array(_SEALED, "<u8").tobytes(), at)
            os.fsync(self._index_file)


class Kept(NamedTuple):
    """One cache that lies on this machine."""

    path: Path
    in_memory: bool
    size_bytes: int
    """What it takes now; it grows while a first epoch reads."""
    room_bytes: int
    """What it takes once it holds all of its images."""


def kept(folder: Path) -> list[Kept]:
    """Return the caches on the disk in ``folder``, and all of this user's in memory."""
    found = []
    for place, lies_in_memory in ((folder, False), (in_memory(), True)):
        for path in sorted(place.glob("*.pixels")):
            with contextlib.suppress(OSError):  # gone with its run just now
                seen = path.stat()
                size_bytes = min(seen.st_size, 512 * getattr(seen, "st_blocks", seen.st_size))
                found.append(Kept(path, lies_in_memory, size_bytes, seen.st_size))
    return found


def clear(path: Path) -> bool:
    """Remove the cache at ``path``, and return whether it could be done: not while a run uses it."""
    lock = FileLock(path.parent / LOCK)
    if not lock.acquire():
        return False
    try:
        return remove_unused(path)
    finally:
        lock.release()


def file_of(name: str, root: Root | str) -> str:
    """Return what the cache of a data set is called: by its name, and by the folder that its images lie in."""
    place = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
    return f"{files.slug(name)}-{place}.pixels"


def free_bytes(folder: Path) -> int:
    """Return the room that a cache in ``folder`` may take: what is free there and, in memory, half of what is free."""
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if folder == in_memory():
        return min(free, processes.available_bytes()) // 2
    return max(0, free - RESERVE_BYTES)


def held_share(path: Path, wanted: Sequence[Wanted], variant: str = "") -> float:
    """Return the share of ``wanted`` that the cache at ``path`` holds; nothing is opened for it."""
    records, _ = _read(path)
    held = {(int(a), int(b)) for a, b in records["key"][records["marker"] > 0]}
    return sum(_key(one, variant) in held for one in wanted) / max(1, len(wanted))


def _given(path: Path, wanted: Sequence[Wanted], variant: str) -> list[int]:
    """Return each image's place in the index, after giving room to those that have none; under the lock."""
    records = _known(path)
    needed = sum(one.pixel_bytes for one in wanted)
    if _end(records) > 2 * needed + RESERVE_BYTES and remove_unused(path):
        records = records[:0]  # mostly images that have changed since, or are gone
    if not len(records):
        _start(path)
    places = {(int(a), int(b)): place for place, (a, b) in enumerate(records["key"])}
    end = _end(records)
    slots: list[int] = []
    added: list[tuple[tuple[int, int], int, int, int, int, int]] = []
    for one in wanted:
        key = _key(one, variant)
        if key not in places:
            places[key] = len(records) + len(added)
            added.append((key, end, one.pixel_bytes, 0, 0, 0))
            end += one.pixel_bytes
        slots.append(places[key])
    with open(path, "r+b", opener=files.open_ours) as data:
        data.truncate(max(end, 1))  # takes no room before something is written
    with open(index_of(path), "r+b", opener=files.open_ours) as index:
        index.seek(_HEADER_BYTES + len(records) * _RECORD.itemsize)
        index.write(np.array(added, _RECORD).tobytes())
    os.utime(index_of(path))
    return slots


def _start(path: Path) -> None:
    """Begin an empty cache; whoever still has an older one open keeps it."""
    remove(path)
    for one, data in ((path, b""), (index_of(path), _MAGIC + _boot())):
        with open(one, "xb", opener=lambda name, flags: files.open_ours(name, flags, 0o600)) as file:
            file.write(data)


def _end(records: Records) -> int:
    return int((records["offset"] + records["bytes"]).max()) if len(records) else 0


def _known(path: Path) -> Records:
    """Return the records of an index; none of a foreign or broken one. What a reboot may have lost is marked so."""
    records, lost = _read(path)
    if lost:
        # Nobody else writes: all who had it open are gone with the last boot.
        with open(index_of(path), "r+b", opener=files.open_ours) as index:
            index.write(_MAGIC + _boot() + records.tobytes())
    return records


def _read(path: Path) -> tuple[Records, bool]:
    """Return the records of an index, and whether a reboot has taken some that it still names."""
    none = np.empty(0, _RECORD), False
    try:
        plain = files.content(index_of(path))
        n_bytes = path.stat().st_size
    except OSError:
        return none
    n_records, rest = divmod(len(plain) - _HEADER_BYTES, _RECORD.itemsize)
    if not plain.startswith(_MAGIC) or n_records < 1 or rest:
        return none
    records = np.frombuffer(plain, _RECORD, n_records, _HEADER_BYTES).copy()
    if _end(records) > n_bytes:
        return none
    rebooted = plain[len(_MAGIC) : _HEADER_BYTES] != _boot()
    if rebooted:
        records["marker"][records["marker"] == _WRITTEN] = 0
    return records, rebooted


def _boot() -> bytes:
    return processes.boot_id().encode()[:48].ljust(_HEADER_BYTES - len(_MAGIC), b"\0")


def _key(one: Wanted, variant: str) -> tuple[int, int]:
    named = f"{one.file}\0{one.size_bytes}\0{one.mtime_ns}\0{one.pixel_bytes}\0{variant}"
    digest = hashlib.blake2b(named.encode("utf-8", "surrogateescape"), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
