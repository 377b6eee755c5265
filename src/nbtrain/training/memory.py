"""Memory of a device: how much is free, the peak of what a piece of work takes, and giving back what it has left.

On a GPU the counters of PyTorch's allocator tell the peak; that half is untested. On the CPU it is the resident memory
of this process: Linux keeps its highest value and lets a process reset it; elsewhere a thread looks often. Freed
memory is handed back before each piece of work, or the peak of the last one would hide the next one's.
"""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import psutil
import torch

from nbtrain import processes

_RESET_PEAK = "5"
"""What /proc/PID/clear_refs takes to forget the highest resident memory (Linux, proc(5))."""
_LOOK_S = 0.002


def trim(device: torch.device) -> None:
    """Give back what nothing uses any more, so that what comes next finds it."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return
    processes.give_back_memory()


def free_bytes(device: torch.device) -> int:
    """Return the memory that is free on ``device`` now; on the CPU also within the container's limit."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return processes.available_bytes()


def run_peak_bytes(device: torch.device) -> int:
    """Return the most memory that this process has held: resident on the CPU, of PyTorch's allocator on a GPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Gauge:
    """The peak memory of pieces of work, above what the process holds when the gauge is made."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        trim(device)
        self._base = self._now()
        self._watcher: _Watcher | None = None

    def reset(self) -> None:
        """Forget the peak so far: a new piece of work begins."""
        trim(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif not _forget_peak():
            self.close()
            self._watcher = _Watcher()

    def peak_bytes(self) -> int:
        """Return the most that was held since :meth:`reset`, above the base."""
        if self.device.type == "cuda":
            return max(0, torch.cuda.max_memory_reserved(self.device) - self._base)
        peak = self._watcher.peak if self._watcher else _peak_resident()
        return max(0, max(peak, self._now()) - self._base)

    @property
    def process_bytes(self) -> int:
        """What the process held before all work: on the CPU the interpreter and its libraries."""
        return self._base

    def close(self) -> None:
        """End the watching."""
        if self._watcher:
            self._watcher.ended.set()
            self._watcher = None

    def _now(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.memory_reserved(self.device))
        return int(psutil.Process().memory_info().rss)


class _Watcher:
    """The highest resident memory, where the system does not keep it."""

    def __init__(self) -> None:
        self.peak, self.ended = 0, threading.Event()
        threading.Thread(target=self._watch, name="nbtrain-memory", daemon=True).start()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self.ended.wait(_LOOK_S):
            self.peak = max(self.peak, process.memory_info().rss)


def _forget_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
    except OSError:  # not Linux, or a container that forbids it
        return False
    return True


def _peak_resident() -> int:
    """Return the highest resident memory of this process since it was last forgotten, in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
