"""The files of pixel caches: where those in memory lie, who uses one, and removing those that nobody uses.

A cache is a file of pixels and an index beside it, on which each process that uses the cache holds a shared flock; its
loader processes inherit it, and it ends with the last of them, however they end. Known here: names and locks. Not known
here: what is in the files (cache.py). The small parent of a trainer reads this file, so it needs no numpy.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from nbtrain import files
from nbtrain.locks import FileLock

if sys.platform != "win32":
    import fcntl

MAX_AGE_S = 30 * 86_400.0
"""A cache that no run has opened for this long is removed."""
LOCK = ".pixels.lock"
SHARED_MEMORY = Path("/dev/shm")


def in_memory() -> Path:
    """Return where this user's caches in memory lie, if any do."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    return SHARED_MEMORY / f"nbtrain-pixels-{user}"


def memory_folder() -> Path | None:
    """Return this user's folder in the machine's memory, which all of their runs share; None where there is none."""
    return files.private_folder(in_memory()) if SHARED_MEMORY.is_dir() else None


def sweep_memory() -> None:
    """Remove the caches in memory that nobody uses: a run that was killed could not."""
    if in_memory().is_dir():
        sweep(in_memory(), lasting=False)


def sweep(folder: Path, *, lasting: bool) -> None:
    """Remove the caches in ``folder`` that nobody uses: those in memory at once, others when they are old."""
    lock = FileLock(folder / LOCK)
    if not folder.is_dir() or not lock.acquire():
        return
    try:
        for index in folder.glob("*.pixels.index"):
            if not lasting or time.time() - index.stat().st_mtime > MAX_AGE_S:
                remove_unused(index.with_name(index.name.removesuffix(".index")))
    finally:
        lock.release()


def index_of(path: Path) -> Path:
    """Return the index of the cache at ``path``."""
    return path.with_name(f"{path.name}.index")


def remove(path: Path) -> None:
    """Remove the cache at ``path``; whoever has it open keeps it."""
    for one in (index_of(path), path):
        files.remove(one)


def remove_unused(path: Path) -> bool:
    """Remove a cache, and return whether it could be done: not while a process uses it."""
    try:
        descriptor = files.open_ours(index_of(path), os.O_RDWR)
    except OSError:
        return False
    try:
        unused = alone(descriptor)
        if unused:
            remove(path)
        return unused
    finally:
        os.close(descriptor)


if sys.platform == "win32":

    def share(descriptor: int) -> None:
        """Note that this process uses the cache; untested here."""

    def alone(descriptor: int) -> bool:
        """Tell whether no other process uses the cache; here nobody knows, and nothing is removed."""
        return False

else:

    def share(descriptor: int) -> None:
        """Note that this process uses the cache; its loader processes count as it does."""
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def alone(descriptor: int) -> bool:
        """Tell whether no other process uses the cache."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
