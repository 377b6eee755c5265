"""Facts about processes that survive a reboot, a reused pid and a changed clock.

Known here: which machine and which boot this is, when a process started, whether the process that a record names is
still that process, how a child dies with its parent. Not known here: runs, locks, what a process is for. Linux is read
from /proc (no psutil, so that a small parent process stays small); elsewhere psutil answers. Windows is untested.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbtrain import cgroups

LINUX = sys.platform.startswith("linux")
_SAME_START_S = 1.5
"""Two start times closer than this are one: wall-clock start times move by a tick when the clock is adjusted."""
_PR_SET_PDEATHSIG = 1
_ENDED = frozenset({"Z", "X"})
"""States of a process that only waits to be collected (proc(5))."""
_SHORT_SHARE = 0.1
"""Memory is short where less of it is available."""
_SHORT_WAITING = 10.0
"""Memory is short where all processes waited for it together for more per cent of the last ten seconds."""
_GOES_FIRST = 900
"""Of 1000: how readily the system ends a process that costs nobody anything but a slower start."""


def host() -> str:
    """Return this machine's name."""
    return socket.gethostname()


@lru_cache(maxsize=1)
def machine() -> str:
    """Return a text that names this machine for good: machines of one image share an id, so its name belongs to it."""
    found = ""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            found = found or Path(path).read_text(encoding="ascii", errors="replace").strip()
    return f"{found or uuid.getnode()}@{host()}"


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return a text that changes with every boot of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def start_ticks(pid: int) -> int | None:
    """Return the clock ticks between boot and the start of ``pid``; None where that is not known or it is gone.

    Unlike a wall-clock start time this does not move when somebody sets the clock.
    """
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def started_s(pid: int) -> float | None:
    """Return when ``pid`` started, in seconds since 1970, or None where no such process is."""
    if LINUX:
        ticks = start_ticks(pid)
        return None if ticks is None else _boot_s() + ticks / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def exists(pid: int) -> bool:
    """Tell whether ``pid`` is a process that runs; a zombie does not."""
    if LINUX:
        fields = _stat_fields(pid)
        return bool(fields) and fields[0] not in _ENDED
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def group_lives(group: int) -> bool:
    """Tell whether a process of the process group ``group`` runs; zombies, which nobody has collected yet, do not."""
    if LINUX:
        members = (fields for path in Path("/proc").glob("[0-9]*") if len(fields := _stat_fields(int(path.name))) > 2)
        return any(int(fields[2]) == group and fields[0] not in _ENDED for fields in members)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def identity(pid: int | None = None) -> dict[str, Any]:
    """Return what names a process for good: host, boot, pid and its start."""
    pid = os.getpid() if pid is None else pid
    return {
        "host": host(),
        "boot_id": boot_id(),
        "pid": pid,
        "started_s": started_s(pid),
        "start_ticks": start_ticks(pid),
    }


def alive(record: Mapping[str, Any]) -> bool | None:
    """Tell whether the process of ``record`` (see :func:`identity`) lives; None where it is on another machine."""
    if record.get("host") != host():
        return None
    pid = record.get("pid")
    if record.get("boot_id") != boot_id() or not isinstance(pid, int) or pid <= 0 or not exists(pid):
        return False
    if record.get("start_ticks") is not None and LINUX:
        return bool(record["start_ticks"] == start_ticks(pid))
    then, now = record.get("started_s"), started_s(pid)
    return then is not None and now is not None and abs(then - now) < _SAME_START_S


def die_with_parent() -> None:
    """Make the kernel end this process when its parent ends, however that happens. Does nothing outside Linux.

    Called first thing in a loader worker: a killed trainer cannot end its workers, and they would hold memory for
    seconds (PyTorch's own watchdog takes 5 s).
    """
    if not LINUX:
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request was in place
        os._exit(1)


def memory_mib(pid: int | None = None) -> float:
    """Return the resident memory of a process in MiB, 0 where it is gone."""
    pid = os.getpid() if pid is None else pid
    if LINUX:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
        except (OSError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    import psutil

    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


def threads() -> int:
    """Return how many threads this process has, counting those that Python does not know of; 0 outside Linux."""
    return len(os.listdir("/proc/self/task")) if LINUX else 0


def usable_cores() -> int:
    """Return how many cores this process may use: by affinity, and by the container's quota where there is one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota_cores()))


def _quota_cores() -> int:
    return cgroups.cores() or 1 << 16


def available_bytes() -> int:
    """Return the memory that is available: on this machine, and in this container where that has a limit."""
    found = _meminfo()
    if "MemAvailable" in found:
        free = found["MemAvailable"]
    else:
        import psutil

        free = int(psutil.virtual_memory().available)
    return min([free, *(room.left_bytes for room in cgroups.memory())])


def available_share() -> float:
    """Return which share (0…1) of this machine's or container's memory is available, 1 where that cannot be read."""
    found = _meminfo()
    machine = found["MemAvailable"] / found["MemTotal"] if "MemAvailable" in found else 1.0
    return min([machine, *(room.left_bytes / max(1, room.limit_bytes) for room in cgroups.memory())])


def memory_shortage() -> str:
    """Return in words that memory is short here, nothing where it is not.

    Short is a small share that is available, or processes that stand still for lack of it (Linux' pressure stall
    information): where much lies in a fast swap or in caches, one of the two comes long before the other.
    """
    share, waiting = available_share(), _waiting_for_memory()
    if share < _SHORT_SHARE:
        return f"only {100 * share:.0f} % of the memory here is available"
    return f"processes here wait for memory {waiting:.0f} % of the time" if waiting > _SHORT_WAITING else ""


def _waiting_for_memory() -> float:
    """Return the percentage of the last ten seconds in which every process that had work waited for memory."""
    found = 0.0
    for path in (Path("/proc/pressure/memory"), *cgroups.memory_pressure()):
        try:
            rows = path.read_text(encoding="ascii").splitlines()
            full = next(row.split() for row in rows if row.startswith("full "))
            found = max(found, float(full[1].removeprefix("avg10=")))
        except (OSError, ValueError, IndexError, StopIteration):  # not told here
            continue
    return found


def _meminfo() -> dict[str, int]:
    """Return the first rows of /proc/meminfo in bytes, nothing where there is none."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Mem")}


def private_mib(pid: int) -> float:
    """Return the memory in MiB that process ``pid`` has written and shares with nobody; 0 if unknown.

    Pages of library files that nobody else happens to use now are left out: they are the system's cache, which it takes
    back when it needs to.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


def give_back_memory() -> None:
    """Hand what the C library holds free back to the system; nothing where it is not glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Hold the garbage collector off while a long list is made: it would go over all of it again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def go_first() -> Callable[[], None]:
    """Have the system end this process before others where memory runs out; return what takes that back."""
    path = Path("/proc/self/oom_score_adj")
    try:
        before = path.read_text(encoding="ascii")
        path.write_text(str(_GOES_FIRST), encoding="ascii")
    except OSError:  # not Linux, or a container that forbids it
        return lambda: None

    def take_back() -> None:
        with contextlib.suppress(OSError):
            path.write_text(before, encoding="ascii")

    return take_back


def out_of_memory_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory since boot, 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, which may itself hold blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _boot_s() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
