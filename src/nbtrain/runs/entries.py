"""The queue of a project as it lies on disk: ``PROJECT/queue/<order>.<experiment's folder>.<run>.json``.

One look into the folder tells which runs wait and in which order; a file's content says which device is wanted. Known
here: names and contents, and how to read them without a lock. Not known here: who may change them (queue.py).
A queue that waits for a run of another project is noted in this user's private folder, so that this run's end finds it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.errors import NbtrainError
from nbtrain.runs.devices import device_name, runtime_folder

_NAME = re.compile(r"(\d+)\.(.+)\.(\d+)\.json", re.DOTALL)
_FOLDER = "queue"
_RUN_DEPTH = 4
"""A run lies at ``experiments/<experiment>/runs/<number>``, so many names below its project."""


_SETTLED_NS = 2_000_000_000
"""A folder that changed longer ago than this shows its next change by another time, however coarse its clock."""
_READ: dict[str, tuple[int, dict[str, list[str]]]] = {}
"""Queues that were read: when they had changed, and what was there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an entry asks for."""

    device: str
    """The machine's name of the device (see devices.py)."""
    since_s: float = 0.0
    """Wall clock at which the run was queued, in seconds since 1970."""
    status: str = ""
    """What the run's status.json said at that time: another word means that the run has gone on, or ended."""
    heartbeat_s: float = 0.0
    """The same for its heartbeat."""
    visible: str | None = None
    """CUDA_VISIBLE_DEVICES of whoever queued it: names of devices in its configuration are meant within it."""
    token: str = ""
    """Names the record in this user's ledger (ledger.py), without which the run does not start by itself."""
    by: str = ""
    """Who queued it, and on which machine, as the entry says: for people only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the queue."""

    path: Path
    order: int
    run: Path
    """The folder of the run that waits."""

    def wanted(self) -> Wanted:
        """Return what it asks for; an entry that cannot be read waits for the default device."""
        try:
            plain = files.read_json(self.path)
        except (OSError, NbtrainError):
            plain = {}
        return _wanted(plain if isinstance(plain, dict) else {})


def folder(project: Path) -> Path:
    """Return where a project's queue lies."""
    return project / _FOLDER


def name(order: int, run: Path) -> str:
    """Return the file name of a run's entry."""
    return f"{order:06d}.{run.parents[1].name}.{run.name}.json"


def entries(project: Path) -> list[Entry]:
    """Return the project's entries in their order; nothing where the queue cannot be read."""
    return [entry for entry in _all(project) if entry.run.is_dir()]


def lost(project: Path) -> list[Entry]:
    """Return the entries whose run folder is gone: nobody waits there any more, and somebody has to be told."""
    return [entry for entry in _all(project) if not entry.run.is_dir()]


def _all(project: Path) -> list[Entry]:
    try:
        names = os.listdir(folder(project))
    except OSError:
        return []
    found = [entry for name in names if (entry := _entry(project, name)) is not None]
    return sorted(found, key=lambda entry: (entry.order, entry.path.name))


def find(run: Path) -> Entry | None:
    """Return the entry of a run, None where it does not wait."""
    if len(run.parts) <= _RUN_DEPTH:
        return None
    names = _by_run(os.path.join(*run.parts[:-_RUN_DEPTH], _FOLDER)).get(f"{run.parts[-3]}.{run.name}.json", ())
    found = (_entry(run.parents[_RUN_DEPTH - 1], one) for one in names)
    return next((entry for entry in found if entry is not None and entry.run == run and run.is_dir()), None)


def _by_run(path: str) -> dict[str, list[str]]:
    """Return the names in a queue by what follows the order in them.

    Each of many waiting runs is asked for several times a second: a folder that has not changed is not read again.
    """
    try:
        changed_ns = os.stat(path).st_mtime_ns
        if path in _READ and _READ[path][0] == changed_ns:
            return _READ[path][1]
        names = sorted(os.listdir(path))
    except OSError:
        return {}
    found: dict[str, list[str]] = {}
    for one in names:
        found.setdefault(one.partition(".")[2], []).append(one)
    if time.time_ns() - changed_ns > _SETTLED_NS:
        _READ[path] = (changed_ns, found)
    return found


def waiting(project: Path, device: str) -> list[Entry]:
    """Return the entries that wait for ``device`` (the machine's name), in their order."""
    return [entry for entry in entries(project) if entry.wanted().device == device]


def note(project: Path) -> None:
    """Let runs of other projects, on the devices of this machine, find this queue when they end."""
    try:
        noted = files.make_folder(runtime_folder() / "queues", mode=0o700)
        files.write_json(noted / _note_name(project), {"project": str(project)}, durable=False)
    except (OSError, NbtrainError):
        return  # the next watcher of the project finds it all the same


def forget(project: Path) -> None:
    """Take the note back: nothing waits here any more."""
    try:
        files.remove(runtime_folder() / "queues" / _note_name(project))
    except (OSError, NbtrainError):
        return


def noted() -> list[Path]:
    """Return the projects of this user in which runs wait, as far as this machine knows."""
    try:
        found = sorted((runtime_folder() / "queues").glob("*.json"))
    except (OSError, NbtrainError):
        return []
    return [Path(project) for path in found for project in _noted(path)]


def _noted(path: Path) -> Iterator[str]:
    try:
        yield str(files.read_json(path)["project"])
    except (OSError, NbtrainError, KeyError, TypeError):
        return


def _note_name(project: Path) -> str:
    return hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16] + ".json"


def _entry(project: Path, name: str) -> Entry | None:
    match = _NAME.fullmatch(name)
    if match is None or match[2] in (".", "..") or not files.is_ordinary(folder(project) / name):
        return None
    return Entry(folder(project) / name, int(match[1]), project / "experiments" / match[2] / "runs" / match[3])


def _wanted(plain: dict[str, Any]) -> Wanted:
    texts = dict.fromkeys(("device", "status", "visible", "token", "by"), str)
    types = {**texts, "since_s": float, "heartbeat_s": float}
    known = {name: plain[name] for name, type_ in types.items() if isinstance(plain.get(name), type_)}
    return Wanted(**{"device": device_name("auto"), **known})
