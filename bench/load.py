"""What a tree of processes takes while it works: its CPU time and its memory, read from outside, the same for all.

Memory is the proportional set size (PSS): pages that several processes share count once. Linux only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_CPU_EVERY_S, _MEMORY_EVERY = 0.25, 4


class Load:
    """Watches processes by the roots of their trees, from ``with`` to its end."""

    def __init__(self, roots: Callable[[], Iterable[int]], beside: Callable[[], Iterable[int]] = list) -> None:
        """Watch the trees of ``roots``; of ``beside`` only the memory, each process for itself."""
        self._roots, self._beside = roots, beside
        self.cpu: list[tuple[float, float]] = []
        """(seconds since 1970, CPU seconds of the trees until then)."""
        self.peak_mib = self.beside_mib = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def cpu_s(self, start_s: float, end_s: float) -> float:
        """Return the CPU seconds between two moments, on straight lines between the readings."""
        return self._at(end_s) - self._at(start_s)

    def _at(self, moment_s: float) -> float:
        before = [one for one in self.cpu if one[0] <= moment_s]
        after = [one for one in self.cpu if one[0] > moment_s]
        if not before or not after:
            return (after[:1] or before[-1:])[0][1]
        (t0, c0), (t1, c1) = before[-1], after[0]
        return c0 + (c1 - c0) * (moment_s - t0) / (t1 - t0)

    def _watch(self) -> None:
        turn = 0
        while not self._end.wait(_CPU_EVERY_S):
            pids = [pid for root in self._roots() for pid in tree(root)]
            if pids:
                self.cpu.append((time.time(), sum(map(spent_s, pids))))
                if turn % _MEMORY_EVERY == 0:
                    self.peak_mib = max(self.peak_mib, sum(map(pss_mib, pids)))
                    self.beside_mib = max(self.beside_mib, sum(map(pss_mib, self._beside())))
                turn += 1


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from tree(int(child))


def spent_s(pid: int) -> float:
    """Return the CPU seconds of a process and of its children that have ended; 0 where it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) / _TICK


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process, 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
