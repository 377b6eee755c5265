"""Speed and load of a trainer: images per second, time spent waiting for data, CPU and memory. Told once a second.

It knows this process and its children; it does not know what they compute.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from nbtrain.messages import Usage

_EVERY_S = 1.0
_MIB = 2**20


class Meter:
    """Counts between two tellings."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self.start()

    def start(self) -> None:
        """Begin to count anew."""
        self._since_s, self._cpu_s = time.perf_counter(), self._spent_s()
        self._images, self._waited_s = 0, 0.0

    def count(self, images: int, waited_s: float) -> None:
        """Add a batch that was waited for."""
        self._images += images
        self._waited_s += waited_s

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what happens inside, such as a validation: it is no training."""
        began_s, cpu_s = time.perf_counter(), self._spent_s()
        yield
        self._since_s += time.perf_counter() - began_s
        self._cpu_s += self._spent_s() - cpu_s

    def due(self) -> bool:
        """Return whether a second has passed since the last telling."""
        return time.perf_counter() - self._since_s >= _EVERY_S

    def read(self, step: int, gpu_memory_mib: float = 0.0) -> Usage:
        """Return the usage since the last reading, and begin to count anew."""
        took_s = max(time.perf_counter() - self._since_s, 1e-9)
        usage = Usage(
            step=step,
            images_per_s=self._images / took_s,
            waiting=min(1.0, self._waited_s / took_s),
            cpu_percent=max(0.0, 100 * (self._spent_s() - self._cpu_s) / took_s),
            memory_mib=self._me.memory_info().rss / _MIB,
            gpu_memory_mib=gpu_memory_mib,
        )
        self.start()
        return usage

    def _spent_s(self) -> float:
        """Return the CPU seconds of this process and of its loader workers, living and gone."""
        own = self._me.cpu_times()
        return sum(own[:4]) + sum(_child_s(child.pid) for child in multiprocessing.active_children() if child.pid)


def _child_s(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
