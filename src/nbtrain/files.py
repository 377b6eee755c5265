"""Files: every write and every deletion of nbtrain goes through here, and touches only what nbtrain made.

A write leaves either the old content or the new one. No link inside a project is followed to write or to delete, and
nothing that is no ordinary file is opened: a project may come from somebody else (docs/decisions.md, "Files"). Known
here: atomic and durable writing, JSON with readable errors, safe names, staying inside a folder, the trash. Not known
here: what any file means; locks are in locks.py, folders that appear whole in folders.py. Readers on Windows may hold a
file open while it is replaced, so replacing is tried again there; that is untested.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from nbtrain import processes
from nbtrain.errors import ForeignFileError, FormatError, Problem, ProjectError

WINDOWS = sys.platform == "win32"
PROJECT = "project.json"
"""The file that makes a folder a project."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers that mean: there is no room left."""
READ_BYTES = 64 * 2**20
"""Largest file that is read as JSON; what nbtrain writes stays far below, but for splits of millions of files."""
_TEMPORARY = re.compile(r"^\.nbtrain-(\d+)-[a-z2-7]+\.tmp$")
_STALE_S = 3600.0
_SMALL_BYTES = 1 << 16
_READ_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Without waiting: opening a pipe would otherwise wait for somebody to write into it."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
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
    refuse_links(path)
    temporary = temporary_for(path)
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


def refuse_other(path: str | Path, data: bytes, ours: Callable[[bytes], bool] = lambda _: False) -> None:
    """Raise FileExistsError where a person's own file stands at ``path``, the place that somebody named for ``data``.

    A file with this very content is none, nor one whose content is ``ours``.
    """
    try:
        there = content(path)
    except FileNotFoundError:
        return
    if there != data and not ours(there):
        raise FileExistsError(errno.EEXIST, "another file of this name is there", str(path))


def where_else(error: OSError) -> str:
    """Return what to do where a file could not be written to a place that somebody has named."""
    if isinstance(error, FileExistsError):
        return "Choose another name, or say replace=True (--replace) to write over it."
    return "Choose a folder that exists and that you may write to."


# -- what is ours -----------------------------------------------------------------------------------------------------


def refuse_links(path: str | Path) -> None:
    """Raise ForeignFileError where ``path`` is a link, or lies behind one, inside a project: it could lead anywhere.

    How the project's own folder is reached is its owner's matter, and so are paths in no project.
    """
    links: list[str] = []
    own_link: list[str] | None = None
    place = os.path.abspath(path)
    while True:
        is_link = os.path.islink(place)
        if os.path.exists(os.path.join(place, PROJECT)) and (not (links or is_link) or _is_project(place)):
            if not is_link:
                break
            own_link = list(links)  # a person's link to their project, unless it lies in a project itself
        if is_link:
            links.append(place)
        above = os.path.dirname(place)
        if above == place:
            links = own_link or []
            break
        place = above
    if links:
        what = "is a link" if links[-1] == os.path.abspath(path) else f"lies behind the link {links[-1]}"
        raise ForeignFileError(str(path), f"it {what}, and no link inside a project is followed")


def _is_project(folder: str) -> bool:
    try:
        plain = read_json(os.path.join(folder, PROJECT))
    except (OSError, FormatError):
        return False
    return isinstance(plain, dict) and isinstance(plain.get("format"), int)


def open_ours(path: str | Path, flags: int, mode: int = 0o666, *, writes: bool = True) -> int:
    """Open one of nbtrain's files in place; raises ForeignFileError for a link, a pipe or a folder.

    What ``writes`` is refused a file with a second name too (a hard link): both names would change.
    """
    refuse_links(path)
    with contextlib.suppress(FileNotFoundError):
        _check_ours(path, os.lstat(path), writes)  # before it is opened: to open a device may do something
    descriptor = os.open(path, flags | _READ_FLAGS | _NO_FOLLOW, mode)
    try:
        _check_ours(path, os.fstat(descriptor), writes)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def refuse_foreign(path: str | Path) -> None:
    """Raise ForeignFileError where a link, a pipe, a folder or a file with a second name lies at ``path``.

    For a library that opens the file itself; others call :func:`open_ours`.
    """
    refuse_links(path)
    with contextlib.suppress(FileNotFoundError):
        _check_ours(path, os.lstat(path), writes=True)


def _check_ours(path: str | Path, found: os.stat_result, writes: bool) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise ForeignFileError(str(path), "it is a link, which nbtrain does not follow")
    if not stat.S_ISREG(found.st_mode):
        raise ForeignFileError(str(path), "it is no ordinary file")
    if writes and found.st_nlink > 1:
        raise ForeignFileError(str(path), "it has another name too (a hard link), where the same would stand")


def make_folder(path: str | Path, *, parents: bool = True, mode: int = 0o777) -> Path:
    """Make a folder unless it is there, and return it; raises ForeignFileError where a link or a file is there."""
    path = Path(path)
    refuse_links(path)
    try:
        path.mkdir(mode=mode, parents=parents, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ForeignFileError(str(path), "it is no folder") from None
    return path


def make_new_folder(path: str | Path) -> Path:
    """Make a folder that is not there yet, and return it; raises OSError where something is."""
    refuse_links(path)
    Path(path).mkdir()
    return Path(path)


def remove(path: str | Path) -> None:
    """Remove a file of nbtrain's, where it is there; a link, a pipe or a folder in its place is refused and stays."""
    refuse_links(path)
    with contextlib.suppress(FileNotFoundError):
        _check_ours(path, os.lstat(path), writes=False)
        os.unlink(path)


def remove_link(path: str | Path) -> None:
    """Remove a name that :func:`same_content` has made, which may be a symbolic link; what it leads to stays."""
    refuse_links(Path(path).parent)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_socket(path: str | Path) -> None:
    """Remove a socket of this user's that a killed process has left; raises OSError for anything else."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ForeignFileError(str(path), "it is no socket")
        os.unlink(path)


def remove_tree(path: str | Path, sign: str) -> None:
    """Remove a folder that nbtrain made with all that is in it; ``sign`` names the file inside that says so.

    Raises OSError where that file is missing, and for a link. What cannot be removed stays, as far as it does.
    """
    refuse_links(path)
    if os.path.islink(path) or not is_ordinary(os.path.join(path, sign)):
        raise ForeignFileError(str(path), f"it holds no {sign}, so it was not made by nbtrain and is not removed")
    shutil.rmtree(path, ignore_errors=True)


def remove_empty(path: str | Path) -> None:
    """Remove a folder in which nothing lies; one that holds anything stays."""
    refuse_links(path)
    with contextlib.suppress(OSError):
        os.rmdir(path)


def rename(source: str | Path, target: str | Path) -> None:
    """Give a file or folder another name beside or below; raises OSError where a link would be followed."""
    refuse_links(Path(source).parent)
    refuse_links(target)
    os.rename(source, target)


def same_content(source: str | Path, name: str | Path, *, symbolic: bool = False) -> None:
    """Let ``name`` hold what ``source`` holds, atomically: by a hard link, else a symbolic one if asked, else a copy.

    What has this name already is replaced, if it is an ordinary file or a link.
    """
    refuse_links(Path(name).parent)
    fresh = temporary_for(name)
    ways: list[Callable[[], object]] = [lambda: os.link(source, fresh), lambda: shutil.copyfile(source, fresh)]
    if symbolic:
        ways.insert(1, lambda: os.symlink(Path(source).name, fresh))
    for make in ways:
        try:
            make()
            os.replace(fresh, name)
            return
        except OSError as error:
            if error.errno in FULL or make is ways[-1]:
                raise
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh)  # renaming one hard link over another of the same file leaves both


def is_ordinary(path: str | Path) -> bool:
    """Tell whether an ordinary file lies at ``path`` itself: no link to one, no pipe, no folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


# ---------------------------------------------------------------------------------------------------------------------


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


def content(path: str | Path) -> bytes:
    """Return a file's bytes; raises OSError for what is no ordinary file."""
    with open(path, "rb", opener=ordinary) as file:
        return file.read()


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
        remove(path)
    return len(found)


def stale(folder: str | Path) -> list[Path]:
    """Return the temporary files in ``folder`` whose writers are gone."""
    return [Path(entry.path) for entry in os.scandir(folder) if _is_stale(entry)]


def temporary_for(path: str | Path) -> Path:
    """Return a new name beside ``path``, by which what is unfinished is known as nbtrain's."""
    return Path(path).with_name(f".nbtrain-{os.getpid()}-{new_id()}.tmp")


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name is one that :func:`write_atomic` has not finished."""
    return _TEMPORARY.match(name) is not None


def _is_stale(entry: os.DirEntry[str]) -> bool:
    """A temporary file is stale when its writer is gone; an old one also where the writer's pid is in use again."""
    match = _TEMPORARY.match(entry.name)
    try:
        if not match or not entry.is_file(follow_symlinks=False):
            return False
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


def encodable(text: str) -> str:
    """Return ``text`` as UTF-8 can hold it: half a character of two (a lone surrogate) is written out."""
    return text.encode("utf-8", "backslashreplace").decode()


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
    path, trash = Path(path), make_folder(trash)
    refuse_links(path.parent)
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
