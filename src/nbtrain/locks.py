"""A lock on a file that ends with its process, however the process ends.

``lockf`` and not ``flock``: an flock is inherited by forked loader workers and outlives a killed trainer by seconds.
The price is a trap: **closing any descriptor of the file in the owning process releases the lock.** So a process keeps
a list of what it holds, and :func:`locked` answers from it without touching the file. Two threads of one process
exclude each other through the same list. On Windows msvcrt locks one byte far behind the content; that is untested.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Self

from nbtrain import files

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_held: dict[str, int] = {}
_guard = threading.Lock()
_TAKEN = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


def _forget() -> None:
    """A forked child has inherited the list, but not the locks."""
    global _guard
    _guard = threading.Lock()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class FileLock:
    """An exclusive lock on ``path``, held from :meth:`acquire` to :meth:`release` or the end of the process."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._key = ""

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock, waiting up to ``timeout_s``; return whether it is held now."""
        end = time.monotonic() + timeout_s
        while not self._try():
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return True

    def release(self) -> None:
        """Give the lock back; the file stays, because removing it would let two processes hold 'the' lock."""
        with _guard:
            descriptor = _held.pop(self._key, None) if self._key else None
            self._key = ""
            if descriptor is not None:
                os.close(descriptor)

    def _try(self) -> bool:
        with _guard:
            key = os.path.realpath(self.path)
            if key in _held:
                return False
            # Readable as the files around it are: who may read a project may ask who writes (docs/decisions.md).
            descriptor = files.open_ours(self.path, os.O_RDWR | os.O_CREAT, writes=False)
            if not _lock(descriptor):
                os.close(descriptor)
                return False
            _held[key], self._key = descriptor, key
            return True

    def __enter__(self) -> Self:
        if not self.acquire(timeout_s=10.0):
            raise TimeoutError(errno.ETIMEDOUT, "the lock is held by another process", str(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def holder(path: str | Path) -> int | None:
    """Return the pid of the process that holds the lock on ``path``, 0 where it cannot be named, None where none does.

    Asks without taking the lock, so that a probe never makes a starting trainer believe that it came second. Raises
    OSError where it cannot be asked: another user's lock that may not be read, or something that is no ordinary file.
    """
    with _guard:
        if os.path.realpath(path) in _held:
            return os.getpid()
        try:
            how = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY
            descriptor = files.open_ours(path, how, writes=False)
        except FileNotFoundError:
            return None
        try:
            return _ask(descriptor)
        finally:
            os.close(descriptor)


def locked(path: str | Path) -> bool | None:
    """Tell whether any process holds the lock on ``path``; None where that cannot be known, see :func:`holder`."""
    try:
        return holder(path) is not None
    except OSError:
        return None


if sys.platform == "win32":
    _FAR = 2**30

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _ask(descriptor: int) -> int | None:
        return None if _lock(descriptor) else 0

else:
    # struct flock; the two systems order its members differently.
    _LAYOUT = "qqihh" if sys.platform == "darwin" else "hhqqi"

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            raise
        return True

    def _ask(descriptor: int) -> int | None:
        if sys.platform == "darwin":
            query = struct.pack(_LAYOUT, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
            _, _, pid, kind, _ = struct.unpack(_LAYOUT, fcntl.fcntl(descriptor, fcntl.F_GETLK, query))
        else:
            query = struct.pack(_LAYOUT, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_LAYOUT, fcntl.fcntl(descriptor, fcntl.F_GETLK, query))
        return None if kind == fcntl.F_UNLCK else max(pid, 0)
