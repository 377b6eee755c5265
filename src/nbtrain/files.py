"""Files: every write of nbtrain goes through here, and leaves either the old content or the new one.

Known here: atomic and durable writing, JSON with readable errors, safe names, staying inside a folder, the trash. Not
known here: what any file means; locks are in locks.py. Readers on Windows may hold a file open while it is replaced, so
replacing is tried again there; that is untested.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from nbtrain import processes
from nbtrain.errors import FormatError, Problem, ProjectError

WINDOWS = sys.platform == "win32"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers that mean: there is no room left."""
READ_BYTES = 64 * 2**20
"""Largest file that is read as JSON; what nbtrain writes stays far below, but for splits of millions of files."""
_TEMPORARY = re.compile(r"^\.nbtrain-(\d+)-[a-z2-7]+\.tmp$")
_STALE_S = 3600.0
_SMALL_BYTES = 1 << 16
_READ_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Without waiting: opening a pipe would otherwise wait for somebody to write into it."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_DEVICES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_SLUG_LENGTH = 48


@contextlib.contextmanager
def replacing(path: str | Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write into, which takes the place of ``path`` when the block ends, and goes away when it raises.

    Whoever reads, also after a crash, finds the old content or the new, never a mix. ``durable`` also waits for the
    disk.
    """
    path = Path(path)
    temporary = path.with_name(f".nbtrain-{os.getpid()}-{new_id()}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        fsync_folder(path.parent)


def write_atomic(path: str | Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` as :func:`replacing` does: an error leaves the old file as it was, and no other."""
    with replacing(path, durable=durable) as file:
        file.write(data)


def fsync_folder(path: str | Path) -> None:
    """Wait until the names in this folder are on the disk; Windows has no such call."""
    if WINDOWS:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | Path, value: Any, *, durable: bool = True) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_atomic(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), durable=durable)


def read_json(path: str | Path, *, limit_bytes: int = READ_BYTES) -> Any:
    """Return the content of a JSON file; a broken one is an error that names file, line and column.

    One larger than ``limit_bytes``, or something that is no file (a pipe would wait for ever), is refused unread.
    """
    data = _read(path, limit_bytes)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if data.strip() else "it is empty"
        advice = "Repair the file by hand, or move it away and put an older copy in its place."
        raise FormatError([Problem(str(path), f"is not readable as JSON ({where}: {error.msg}).", advice)]) from None


def _read(path: str | Path, limit_bytes: int) -> bytes:
    """Return a file's content by as few calls as it takes: a list of experiments reads many of them."""
    descriptor = os.open(path, os.O_RDONLY | _READ_FLAGS)
    try:
        found = os.fstat(descriptor)
        _check_readable(path, found, limit_bytes)
        data = os.read(descriptor, found.st_size + 1)
        while len(data) >= found.st_size and (more := os.read(descriptor, _SMALL_BYTES)):
            data += more  # it has grown meanwhile
        return data
    finally:
        os.close(descriptor)


def ordinary(path: str | Path, flags: int) -> int:
    """Open an ordinary file, as the opener of :func:`open`; raises OSError for a pipe, which would be waited for."""
    descriptor = os.open(path, flags | _READ_FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no ordinary file", str(path))


def _check_readable(path: str | Path, found: os.stat_result, limit_bytes: int) -> None:
    told = ""
    if not stat.S_ISREG(found.st_mode):
        told = "is no ordinary file"
    elif found.st_size > limit_bytes:
        told = f"has {found.st_size / 2**20:.0f} MiB, and at most {limit_bytes / 2**20:.0f} MiB are read"
    if told:
        advice = "Move it away, and put an older copy in its place."
        raise FormatError([Problem(str(path), f"was not read: it {told}.", advice)])


def sweep(folder: str | Path) -> int:
    """Remove temporary files that a killed process has left in ``folder``; return how many."""
    found = stale(folder)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def stale(folder: str | Path) -> list[Path]:
    """Return the temporary files in ``folder`` whose writers are gone."""
    return [Path(entry.path) for entry in os.scandir(folder) if _is_stale(entry)]


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name is one that :func:`write_atomic` has not finished."""
    return _TEMPORARY.match(name) is not None


def _is_stale(entry: os.DirEntry[str]) -> bool:
    """A temporary file is stale when its writer is gone; an old one also where the writer's pid is in use again."""
    match = _TEMPORARY.match(entry.name)
    if not match:
        return False
    try:
        age_s = time.time() - entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return False
    return age_s > _STALE_S or (age_s > 1.0 and not processes.exists(int(match[1])))


def _replace(source: Path, target: Path) -> None:
    for wait_s in (0.01, 0.05, 0.2, 0.5) if WINDOWS else ():
        try:
            os.replace(source, target)
        except PermissionError:  # a reader has it open
            time.sleep(wait_s)
        else:
            return
    os.replace(source, target)


def new_id() -> str:
    """Return a short random id: six letters and digits that read well in a folder name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def room_left(path: str | Path) -> bool:
    """Tell whether one more small file fits on the disk that ``path`` lies on: in bytes, and in names."""
    if WINDOWS:
        return shutil.disk_usage(path).free > _SMALL_BYTES
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize > _SMALL_BYTES and (not found.f_files or found.f_favail > 0)


def slug(name: str) -> str:
    """Return ``name`` as a folder name that every file system takes: lower-case ASCII, at most 48 characters.

    Different names may give the same slug (all emoji give ``unnamed``): add :func:`new_id` where it must be unique.
    """
    plain = unicodedata.normalize("NFKD", str(name)[:1000]).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_SLUG_LENGTH].rstrip("-_")
    return f"x-{words}" if _DEVICES.match(words) else words or "unnamed"


def inside(root: str | Path, relative: str | Path) -> Path:
    """Return ``root/relative`` resolved; a path that leaves ``root``, also through a link, is refused."""
    try:
        base = Path(root).resolve()
        found = (base / relative).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character, a name too long
        raise ProjectError(f"the path cannot be used: {error}", value=str(relative)) from None
    if Path(relative).is_absolute() or not found.is_relative_to(base):
        advice = f"Give a path below {base}, without '..' and without links that lead out of it."
        raise ProjectError("the path leaves its folder", value=str(relative), advice=advice)
    return found


def move_to_trash(path: str | Path, trash: str | Path) -> Path:
    """Move a file or folder into ``trash`` under a name of its own; return where it is now."""
    path, trash = Path(path), Path(trash)
    trash.mkdir(parents=True, exist_ok=True)
    target = trash / f"{time.strftime('%Y%m%d-%H%M%S')}-{new_id()}-{path.name}"
    try:
        os.rename(path, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(path, target)
    return target


def user_state_folder() -> Path:
    """Return this user's folder for what nbtrain remembers between projects, there or not."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "nbtrain"


def private_folder(path: str | Path) -> Path:
    """Return ``path`` as a folder that only this user can enter, made if it is not there; else refuse it.

    Somebody else could have put a folder or a link of that name into a shared place such as /tmp.
    """
    path = Path(path)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or (not WINDOWS and (found.st_uid != os.getuid() or found.st_mode & 0o077)):
        raise ProjectError("the folder is not private to this user", value=str(path), advice="Remove it and try again.")
    return path
