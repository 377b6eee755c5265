"""Unpacking: images that lie inside one file are written once, safely, into a folder that the caller gives.

Nothing is written outside that folder, no link is made and none is followed; sizes and numbers of files have limits,
counted while they are written, since an archive may lie about them. The folder appears whole or not at all, with a
marker that says what it was made from; it is used again as long as that has the same size and time. Only a folder with
this marker, to which nobody has added anything, is ever replaced. This file knows archives and names; it does not know
what the files mean.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath
from typing import IO, Any, cast

from nbtrain import files, folders
from nbtrain.data.archive_entries import TarEntry, zip_entries, zip_name
from nbtrain.data.records import counted, first, spaced
from nbtrain.data.scan import Interrupted, Progress, Stopped, Ticker
from nbtrain.errors import DataError, ForeignFileError, NbtrainError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
"""Endings, in lower case, of the archives that are read."""
_MARKER, _CONTENT = "unpacked.json", "files"
_OWN_NAMES = frozenset({_MARKER, _CONTENT, folders.MARKER, "lock"})
"""What lies in an unpacked folder; earlier versions have left a lock there."""
_FORMAT = 1
_CHUNK_BYTES = 2**20
_MAX_TAIL = 64
"""Chunks that are read behind a tar's end."""
_PACKED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"\xfd7zXZ\0": lambda file: cast(IO[bytes], lzma.LZMAFile(file)),  # noqa: SIM115 - the archive that reads it ends first
    b"BZh": lambda file: cast(IO[bytes], bz2.BZ2File(file)),
}
"""What opens a packed tar, by its first bytes."""
_MAX_NAME_BYTES = 200
"""Of one part of a path: file systems end at 255, and an index may have to be added."""
_MAX_PATH_BYTES = 2000
_IGNORED = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$)")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError, EOFError, RuntimeError, ValueError)
"""What the standard library raises for a damaged archive; RuntimeError for one with a password."""


@dataclass(frozen=True)
class Limits:
    """What may be unpacked at most."""

    max_bytes: int = 2**40
    max_files: int = 5_000_000
    max_ratio: float = 200.0
    """Unpacked bytes per packed byte; photographs have 1, annotations 10."""
    free_bytes: int = 2**30
    """Bytes that stay free on the disk."""
    ratio_from_bytes: int = 2**28
    """Unpacked bytes from which on the ratio counts: small files of zeros are no harm."""
    room_bytes: int | None = None
    """What the disk has room for, see :func:`fitting`."""


@dataclass(frozen=True)
class Unpacked:
    """A folder that was unpacked, and what the person should know of it."""

    folder: Path
    notices: tuple[str, ...] = ()


@dataclass
class Writer:
    """Writes files below one folder within limits, and remembers what it left out."""

    folder: Path
    limits: Limits = Limits()
    packed_bytes: int = 0
    """Size of what is unpacked; 0 where a ratio would say nothing."""
    stopped: Stopped = lambda: False
    n_files: int = 0
    n_bytes: int = 0
    expected_bytes: int = 0
    """What will be written in all, where that is known."""
    share: float = 0.0
    """How much of the source has been read, 0…1: tells what is still to come where nobody knows."""
    told: dict[str, list[str]] = field(default_factory=dict)
    _made: set[Path] = field(default_factory=set)

    def write(self, name: str, content: IO[bytes]) -> str:
        """Write a file and return its name below the folder, made safe; "" for one that is left out.

        Raises DataError where a limit is reached, and Interrupted where the work is to stop.
        """
        safe = safe_name(name)
        if not safe:
            self._left("entry has a name that leads elsewhere", "entries have names that lead elsewhere", name)
            return ""
        path = self.folder / safe
        self._count(0, 1)
        try:
            if path.parent not in self._made:
                self._made.add(files.make_folder(path.parent))
            with open(path, "xb") as file:
                while chunk := content.read(_CHUNK_BYTES):
                    self._count(len(chunk), 0)
                    file.write(chunk)
        except (FileExistsError, NotADirectoryError, ForeignFileError):  # a name that is a file and a folder
            self._left("name comes twice and is kept once", "names come twice and are kept once", name)
            return ""
        except OSError as error:
            if error.errno in files.FULL:
                raise self._lacks_room() from None
            raise
        if any(len(part.encode("utf-8", "replace")) > _MAX_NAME_BYTES for part in re.split(r"[\\/]", name)):
            self._left("name was too long and is shortened", "names were too long and are shortened", safe)
        return safe

    def expect(self, n_bytes: int) -> None:
        """Say how much will be written in all; raises DataError at once where that is too much, or has no room."""
        self.expected_bytes = n_bytes
        if n_bytes > self.limits.max_bytes:
            raise _too_much(f"more than {self.limits.max_bytes / 2**30:.0f} GiB")
        if self.limits.room_bytes is not None and n_bytes > self.limits.room_bytes:
            raise self._lacks_room()

    def _lacks_room(self) -> DataError:
        """Return the error for a full disk, which says how much more room is needed."""
        needed = max(self.expected_bytes, self.n_bytes / self.share if self.share else 0, self.n_bytes)
        missing = needed - self.n_bytes - shutil.disk_usage(self.folder).free + self.limits.free_bytes
        told = f"there is not enough room to unpack it: about {_size(max(missing, 2**20))} more are needed"
        kept = f"{_size(self.limits.free_bytes)} stay free" if self.limits.free_bytes else "the disk is full"
        return DataError(told, advice=f"Free some room, or open a project on another disk ({kept}).")

    def leave_out(self, name: str) -> None:
        """Count an entry that is no file: a link or a device."""
        self._left("link or device is not unpacked", "links and devices are not unpacked", name)

    def doubt_end(self) -> None:
        """Tell that an archive lacks the zeros at its end: cut off between two files, it reads as a whole one."""
        self._left("archive has no mark of its end and may be cut off", "archives have none", "compare its size")

    def _left(self, one: str, many: str, name: str) -> None:
        self.told.setdefault(f"{one}\0{many}", []).append(name[:80])

    def notices(self) -> tuple[str, ...]:
        """Return what was left out or changed, in full sentences."""
        return tuple(f"{counted(len(n), *words.split(chr(0)))}: {first(n, 3)}." for words, n in self.told.items())

    def _count(self, n_bytes: int, n_files: int) -> None:
        if self.stopped():
            raise Interrupted
        self.n_bytes += n_bytes
        self.n_files += n_files
        limits = self.limits
        if self.n_files > limits.max_files:
            raise _too_much(f"more than {spaced(limits.max_files)} files")
        if limits.room_bytes is not None and self.n_bytes > limits.room_bytes:
            raise self._lacks_room()
        if self.n_bytes > limits.max_bytes:
            raise _too_much(f"more than {limits.max_bytes / 2**30:.0f} GiB")
        large = self.n_bytes > limits.ratio_from_bytes and self.packed_bytes
        if large and self.n_bytes > limits.max_ratio * self.packed_bytes:
            raise _too_much(f"more than {limits.max_ratio:g} times its own size")


def _too_much(told: str) -> DataError:
    advice = "Unpack it yourself if you trust it, and give the folder."
    return DataError(f"it unpacks to {told}", advice=advice)


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"


def place(source: Path, folder: Path) -> Path:
    """Return where below ``folder`` what lies at ``source`` is unpacked: the same place for the same path."""
    key = hashlib.sha256(str(source.absolute()).encode()).hexdigest()[:8]
    return folder / f"{files.slug(source.name.split('.')[0])}-{key}"


def stamp_of(paths: list[Path]) -> str:
    """Return what changes when any of these files does: their sizes and times."""
    digest = hashlib.sha256()
    for path in paths:
        found = path.stat()
        digest.update(f"{path.name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def known(into: Path, stamp: str) -> Unpacked | None:
    """Return what was unpacked into ``into`` from what has this ``stamp``; None where that is still to be done."""
    plain = _marked(into / _MARKER)
    if plain is None or plain["stamp"] != stamp:
        return None
    return Unpacked(into / _CONTENT, tuple(map(str, plain["notices"])))


def _marked(marker: Path) -> dict[str, Any] | None:
    """Return what a marker says, None where it is none."""
    try:
        plain = files.read_json(marker)
        whole = plain["format"] == _FORMAT and isinstance(plain["stamp"], str) and isinstance(plain["notices"], list)
    except (OSError, NbtrainError, KeyError, TypeError):
        return None
    return plain if whole else None


def once(into: Path, stamp: str, fill: Callable[[Path], tuple[str, ...]]) -> Unpacked:
    """Return the folder that ``fill`` writes into, filled now unless it was filled from the same source before.

    ``fill`` gets an empty folder and returns notices. Where it raises, nothing is left behind. Raises DataError where
    the disk is full or refuses, and where the folder holds anything that was not unpacked into it.
    """
    found = known(into, stamp)
    if found is not None:
        return found
    _refuse_foreign(into)  # before anything is unpacked, and again when it is to be replaced
    try:
        files.make_folder(into.parent)
        sweep(into)
        with folders.unborn(into) as made:
            files.make_folder(made / _CONTENT)
            notices = fill(made / _CONTENT)
            files.write_json(made / _MARKER, {"format": _FORMAT, "stamp": stamp, "notices": list(notices)})
            _take_place(made, into, stamp)
    except OSError as error:
        full = error.errno in files.FULL
        told = "there is no room left to unpack" if full else f"it cannot be unpacked ({error.strerror or error})"
        advice = "Free some room." if full else "Choose a project folder that you may write to."
        raise DataError(told, value=str(into), advice=advice) from None
    return Unpacked(into / _CONTENT, notices)


def _take_place(made: Path, into: Path, stamp: str) -> None:
    """Put a whole folder where it belongs; an older one goes away, and one that somebody else made meanwhile stays.

    Who may enter it is as before where the folder was there.
    """
    try:
        if into.is_dir() and not into.is_symlink():
            made.chmod(stat.S_IMODE(into.stat().st_mode))
        folders.take_place(made, into)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if known(into, stamp) is not None:
            return
        _refuse_foreign(into)
        folders.replace(made, into)


def _refuse_foreign(into: Path) -> None:
    """Raise DataError where ``into`` is there and is not what nbtrain has unpacked, all of it."""
    advice = "Give a folder that is not there yet or is empty, or remove this one yourself."
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        what = "a link" if into.is_symlink() else "a file"
        raise DataError(f"nothing is unpacked there, because it is {what}", value=str(into), advice=advice)
    foreign = next(_foreign(into), None) if into.exists() else None
    if foreign is not None:
        told = "nothing is unpacked there, because it holds things that nbtrain did not unpack"
        raise DataError(told, value=str(foreign), advice=advice)


def _foreign(into: Path) -> Iterator[Path]:
    """Yield what lies in ``into`` and was not unpacked by nbtrain: all, without its marker; else what came later."""
    marker = into / _MARKER
    ours = files.is_ordinary(marker) and _marked(marker) is not None
    for name in sorted(os.listdir(into)):
        if not ours or name not in _OWN_NAMES:
            yield into / name
    if ours:
        end_ns = marker.stat().st_mtime_ns  # the marker is written last
        for folder, below, names in os.walk(into / _CONTENT):
            # A folder shows what was put into it or taken away, a file what was written.
            yield from (Path(folder, name) for name in ("", *below, *names) if _written_ns(folder, name) > end_ns)


def _written_ns(folder: str, name: str) -> int:
    return os.lstat(os.path.join(folder, name)).st_mtime_ns


def sweep(into: Path) -> None:
    """Remove what was unpacked half by processes that were killed, for ``into`` and all that lies beside it."""
    folders.sweep(into.parent)


def archive(
    path: Path,
    into: Path,
    *,
    progress: Progress = lambda _: None,
    stopped: Stopped = lambda: False,
    limits: Limits | None = None,
) -> Unpacked:
    """Return the folder with what is in the zip or tar archive at ``path``; raises DataError saying what is wrong."""

    def fill(folder: Path) -> tuple[str, ...]:
        size_bytes = path.stat().st_size
        bounds = fitting(limits or Limits(), folder)
        writer = Writer(folder, bounds, size_bytes, stopped)
        told = Ticker(progress, stopped, max(1, size_bytes >> 20), "MiB")  # a small one would be told file by file
        with _damaged(path), open(path, "rb") as file:
            writer.expect(sum(size for _, size in names(path)))
            entries = _zip(file, writer) if path.suffix.lower() == ".zip" else _tar(file, writer)
            for name, content in entries:
                if not _IGNORED.search(name):
                    writer.write(name, content)
                writer.share = min(1.0, file.tell() / max(1, size_bytes))
                told.at(file.tell() >> 20)
        return writer.notices()

    return once(into, stamp_of([path]), fill)


def names(path: Path) -> Iterator[tuple[str, int]]:
    """Yield name and size in bytes of each file in an archive that lists them: a zip, or a tar that is not packed."""
    with _damaged(path):
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as found:
                yield from ((zip_name(e), e.file_size) for e in zip_entries(found) if not e.is_dir())
        elif path.suffix.lower() == ".tar":
            with tarfile.open(path, "r:", tarinfo=TarEntry) as tar:
                yield from ((e.name, e.size) for e in tar if e.isreg())


def fitting(limits: Limits, folder: Path) -> Limits:
    """Return the limits with what the disk of ``folder`` has room for."""
    return replace(limits, room_bytes=max(0, shutil.disk_usage(folder).free - limits.free_bytes))


@contextlib.contextmanager
def _damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{path.name}: {error.what}", value=error.value or str(path), advice=error.advice) from None
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's: gzip and bz2 raise the archive's without a number, a place behind its end is EINVAL
        told = f"{path.name} cannot be unpacked ({str(error) or type(error).__name__})"
        raise DataError(told, value=str(path), advice="Copy it again, or unpack it by hand.") from None


def _zip(file: IO[bytes], writer: Writer) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(file) as found:
        for entry in zip_entries(found):
            mode = entry.external_attr >> 16
            if entry.is_dir():
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                writer.leave_out(zip_name(entry))
                continue
            with found.open(entry) as content:
                yield zip_name(entry), content


def _tar(file: IO[bytes], writer: Writer) -> Iterator[tuple[str, IO[bytes]]]:
    # tarfile's own streams check no sums: what is inside is read through the modules that do, to its end.
    head = file.read(8)
    file.seek(0)
    opened = next((opened for start, opened in _PACKED.items() if head.startswith(start)), None)
    plain = _Remembering(opened(file) if opened else file)
    with tarfile.open(fileobj=cast(IO[bytes], plain), mode="r|", tarinfo=TarEntry) as found:
        for entry in found:
            content = found.extractfile(entry) if entry.isreg() else None
            if content is not None:
                yield entry.name, content
            elif not entry.isdir():
                writer.leave_out(entry.name)
        for _ in range(_MAX_TAIL):
            if not plain.read(_CHUNK_BYTES):
                break
    if plain.end.strip(b"\0"):
        writer.doubt_end()


class _Remembering:
    """A file that is read from its beginning, with the last bytes that were read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.end = file, b""

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.end = (self.end + data)[-tarfile.BLOCKSIZE :]
        return data


def safe_name(name: str) -> str:
    """Return ``name`` as a path that stays below its folder on every system; "" where it is meant to lead elsewhere."""
    plain = name.encode("utf-8", "replace").decode().replace("\\", "/")
    if plain.startswith("/") or PureWindowsPath(plain).is_absolute():
        return ""
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return ""
    safe = "/".join(map(_safe_part, parts))
    return safe if len(safe.encode()) <= _MAX_PATH_BYTES else ""


def _safe_part(part: str) -> str:
    clean = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", unicodedata.normalize("NFC", part)).rstrip(". ") or "_"
    if len(clean.encode()) <= _MAX_NAME_BYTES:
        return clean
    stem, ending = os.path.splitext(clean)
    key = hashlib.sha256(clean.encode()).hexdigest()[:8]
    room = _MAX_NAME_BYTES - len(key) - 1 - len(ending.encode()[:20])
    return f"{stem.encode()[:room].decode(errors='ignore')}-{key}{ending[:20]}"
