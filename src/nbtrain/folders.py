"""Folders that appear whole or not at all: filled under a temporary name, then given their own.

A temporary folder holds nbtrain's marker from its first moment, locked by the process that fills it. Only what has such
a name, bears the marker and is not locked is swept. It knows names and the marker; it does not know what is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbtrain import files, locks

MARKER = ".nbtrain-made"
"""The file that says that nbtrain made a folder and may remove it."""


@contextmanager
def unborn(target: str | Path) -> Iterator[Path]:
    """Give a new empty folder beside ``target``; what has not taken its place (:func:`take_place`) goes at the end."""
    made = files.temporary_for(target)
    files.make_new_folder(made)
    lock = locks.FileLock(made / MARKER)
    try:
        lock.acquire()
        yield made
    finally:
        lock.release()
        with suppress(OSError):
            files.remove_tree(made, MARKER)
        with suppress(OSError):
            files.remove_empty(made)  # one that could not even be marked


def take_place(made: Path, target: str | Path) -> None:
    """Give a folder from :func:`unborn` its name; raises OSError where a file, or a folder with something in it, is."""
    files.rename(made, target)
    with suppress(OSError):  # it is there; a marker is no harm to a folder of another name
        files.remove(Path(target) / MARKER)


def replace(made: Path, target: Path) -> None:
    """Give a folder from :func:`unborn` the name of another folder that nbtrain made, which is removed."""
    with unborn(target) as away:
        before = away / "before"
        files.rename(target, before)
        try:
            take_place(made, target)
        except OSError:
            files.rename(before, target)
            raise


def sweep(parent: str | Path) -> int:
    """Remove the folders in ``parent`` that processes have left which were killed while they filled them."""
    found = stale(parent)
    for left in found:
        with suppress(OSError):
            files.remove_tree(left, MARKER)
    return len(found)


def stale(parent: str | Path) -> list[Path]:
    """Return those folders; one that another process fills is none of them."""
    try:
        names = [entry.name for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    found = [Path(parent) / name for name in names if files.is_temporary(name)]
    # By its lock, which another machine or container may hold too; a process number may be another's by now.
    return [left for left in found if files.is_ordinary(left / MARKER) and locks.locked(left / MARKER) is False]
