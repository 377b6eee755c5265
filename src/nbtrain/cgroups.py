"""Control groups: how much of its machine a container, a batch system or systemd lets this process have.

Groups lie within each other, and each may set a limit of its own; the tightest counts. Known here: where the groups of
this process are (version 2; of version 1 those for memory), and how their files are read. Not known here: what the
machine itself has (processes.py), or what anybody does about it. Outside Linux there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_UNLIMITED_BYTES = 1 << 60
"""Version 1 has no word for it, but a number that no machine has."""


class Room(NamedTuple):
    """Memory that a group may take, and what of it is left; what only caches files counts as left."""

    limit_bytes: int
    left_bytes: int


def memory() -> Iterator[Room]:
    """Yield the room of each group around this process that has a limit."""
    for folder, names in _memory_groups():
        try:
            limit, used = (int((folder / name).read_text(encoding="ascii")) for name in names[:2])
            rows = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):  # the limit is "max", or the root of all groups has none
            continue
        if limit < _UNLIMITED_BYTES:
            cached = sum(int(row.split()[1]) for row in rows if row.startswith(f"{names[2]} "))
            yield Room(limit, max(0, limit - used + cached))


def cores() -> int | None:
    """Return the whole cores that the tightest group's quota of processor time comes to; None where there is none."""
    quotas = []
    for folder in _groups("", ROOT):
        try:
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            quotas.append(max(1, int(quota) // int(period)))
        except (OSError, ValueError):
            continue
    return min(quotas, default=None)


def memory_pressure() -> Iterator[Path]:
    """Yield the files that tell for how long the processes of a group have waited for memory."""
    for folder in _groups("", ROOT):
        yield folder / "memory.pressure"


@lru_cache(maxsize=1)
def _memory_groups() -> tuple[tuple[Path, tuple[str, str, str]], ...]:
    """Return the folders with a limit of memory, and what limit, use and cached files are called there."""
    second, first = ("memory.max", "memory.current", "inactive_file"), (
        "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    )  # fmt: skip
    found = [(folder, second) for folder in _groups("", ROOT)]
    found += [(folder, first) for folder in _groups("memory", ROOT / "memory")]
    return tuple((folder, names) for folder, names in found if (folder / names[0]).exists())


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of the groups around this process, from its own outwards; inside a container ``root`` alone."""
    try:
        rows = _OWN.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for row in rows:
        _, controllers, path = row.split(":", 2)
        if controller in controllers.split(","):
            own = root / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder == root or root in folder.parents)
