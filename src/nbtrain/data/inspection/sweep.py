"""The scan of all files: workers look at them, what they see is appended, and images that are alike are grouped.

A scan goes on where the one before it was: what was seen of a file counts as long as its size and time are the same.
Workers are threads, or processes where the caller says so: decoding leaves Python's lock, but a look has a dozen short
steps that do not, and processes are quicker with those (`python -m bench scan`). It makes no thumbnails, which would
slow it down: they are made where somebody looks. It knows files; labels are problems.py's matter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from nbtrain import processes
from nbtrain.data.inspection import alike
from nbtrain.data.inspection.alike import Groups
from nbtrain.data.inspection.look import Look, look_at, size_and_time
from nbtrain.data.inspection.prints import PRINT_PX
from nbtrain.data.inspection.store import Store
from nbtrain.data.records import Root, conversion_of, converts, counted, spaced

Tell = Callable[[str, float | None], None]
"""Takes what to show, and the share that is done."""
_AT_ONCE = 32
"""Files that a worker looks at before it says what it has seen."""
_LOOKING = 0.95
"""Share of the time that looking takes, of which the rest is comparing."""


class Swept(NamedTuple):
    """What a scan has seen of all files, in their order."""

    looks: list[Look]
    groups: Groups
    n_fresh: int
    """Files that were looked at now; of the others it was known."""


class _Task(NamedTuple):
    """Some files that one worker looks at."""

    root: Root
    files: Sequence[str]
    known: Sequence[tuple[int, int]]
    """Size and time of each file when it was last seen; (0, 0) where it was not."""


def workers(n: int = 0, *, apart: bool = False) -> Executor:
    """Return ``n`` workers (0: one per usable core): threads, or processes of their own, which end with this one.

    Processes are forked, so the caller must have no threads; where there is no fork they are threads all the same.
    """
    n = n or processes.usable_cores()
    if apart and processes.LINUX:
        return ProcessPoolExecutor(n, get_context("fork"), initializer=processes.die_with_parent)
    return ThreadPoolExecutor(n, thread_name_prefix="scan")


def sweep(
    root: Root,
    files: Sequence[str],
    store: Store,
    *,
    pool: Executor | None = None,
    tell: Tell = lambda *_: None,
) -> Swept:
    """Look at each of ``files`` below ``root`` that has changed since it was last seen, and write all down.

    The caller holds the store's lock. The ``pool`` of :func:`workers` is used up.
    """
    store.converted = converts(root)
    found = store.known()
    progress = _Progress(len(files), tell)
    tasks = list(_tasks(root, files, found))
    for task, fresh in zip(tasks, _each(pool or workers(), tasks), strict=True):
        if fresh:
            store.append(fresh)
            found.update((look.file, look) for look in fresh)
        progress.add(len(task.files), len(fresh))
    looks = [found[file] for file in files]
    groups = grouped(looks, lambda share: tell("comparing the images", _LOOKING + (1 - _LOOKING) * share))
    store.finish(looks, groups)
    return Swept(looks, groups, progress.n_fresh)


def _tasks(root: Root, files: Sequence[str], known: dict[str, Look]) -> Iterator[_Task]:
    for start in range(0, len(files), _AT_ONCE):
        some = files[start : start + _AT_ONCE]
        before = [known.get(file) for file in some]
        yield _Task(root, some, [(look.size_bytes, look.mtime_ns) if look else (0, 0) for look in before])


def _each(pool: Executor, tasks: Sequence[_Task]) -> Iterator[list[Look]]:
    try:
        yield from pool.map(_done, tasks)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _done(task: _Task) -> list[Look]:
    """Look at the files of a task that have changed; return what was seen; called in a worker."""
    fresh = list[Look]()
    for file, before in zip(task.files, task.known, strict=True):
        path = os.fspath(task.root / file)
        if before != (0, 0) and size_and_time(path) == before:
            continue
        fresh.append(look_at(path, file, conversion_of(task.root, file)).look)
    return fresh


def grouped(looks: Sequence[Look], tell: Callable[[float], None] = lambda _: None) -> Groups:
    """Return the groups of images that are alike; those that cannot be used are in none."""
    blank = bytes(PRINT_PX**2)
    pictures = np.frombuffer(b"".join(look.picture or blank for look in looks), np.uint8).reshape(-1, PRINT_PX**2)
    hashes = np.array([look.hash for look in looks], np.uint64)
    return alike.groups([look.digest if look.usable else b"" for look in looks], hashes, pictures, tell)


class _Progress:
    """Says how many images are done, how fast, and how long it still takes."""

    def __init__(self, total: int, tell: Tell) -> None:
        self._total, self._tell, self._done, self.n_fresh = total, tell, 0, 0
        self._began_s = time.monotonic()

    def add(self, n_looks: int, n_fresh: int) -> None:
        """Count some more images; ``n_fresh`` of them had to be looked at."""
        self._done += n_looks
        self.n_fresh += n_fresh
        text = f"{spaced(self._done)} of {counted(self._total, 'image', 'images')}"
        rate = self.n_fresh / max(time.monotonic() - self._began_s, 1e-3)
        if self.n_fresh:
            text += f", {rate:.0f} a second, {_duration((self._total - self._done) / rate)} left"
        self._tell(text, _LOOKING * self._done / self._total)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
