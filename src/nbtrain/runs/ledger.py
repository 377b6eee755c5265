"""The ledger of this user: which queue entries this user made on this machine, and with which configuration.

A project may come from anybody, its queue included. An entry starts by itself only where this user's own state folder,
outside every project, holds a record of it: a random token that the entry names too, the run's place, this machine and
a hash of the frozen configuration. Whatever lies in a project can be copied or made up; a record cannot. Known here:
records, and why an entry has none that holds. Not known here: locks, devices, who starts what (queue.py).
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from nbtrain import files, processes
from nbtrain.errors import NbtrainError
from nbtrain.runs import entries
from nbtrain.runs.devices import runtime_folder
from nbtrain.runs.entries import Entry

_TOKEN = re.compile(r"[0-9a-f]{32}")
_FOLDER = "queued"
_FRESH_S = 60.0


def record(run: Path) -> str:
    """Write down that this user queues ``run`` here and now; return the token that its entry names.

    Where the state folder cannot be written, the runtime folder serves until the next reboot. Raises OSError where
    neither can be.
    """
    _sweep()
    token = secrets.token_hex(16)
    plain = {"run": _real(run), "machine": processes.machine(), "host": processes.host(), "config": _hash(run)}
    try:
        _write(files.user_state_folder() / _FOLDER, token, plain)
    except (OSError, NbtrainError, RuntimeError):  # the last: a user without a home
        _write(runtime_folder() / _FOLDER, token, plain)
    return token


def _write(folder: Path, token: str, plain: dict[str, Any]) -> None:
    path = files.private_folder(folder) / f"{token}.json"
    files.write_json(path, plain)
    path.chmod(0o600)


def why_held(entry: Entry) -> str:
    """Return why an entry does not start by itself, for people; empty where this user queued it here, as it is now."""
    wanted = entry.wanted()
    found = _read(wanted.token)
    if found is None:
        if wanted.by == who():
            return "it is a copy of one that you queued, and that has started or left the queue since"
        return f"{wanted.by[:80]} queued it" if wanted.by else "it is not known who queued it"
    if found["machine"] != processes.machine():
        return f"you queued it on another machine ({found['host']})"
    if found["run"] != _real(entry.run):
        return "its project was moved or copied after you queued it"
    if found["config"] != _hash(entry.run):
        return "its configuration was changed after you queued it"
    return ""


def forget(entry: Entry) -> None:
    """Remove the record of an entry that is taken out: a token starts one run, once. One of another run stays."""
    token = entry.wanted().token
    found = _read(token)
    if found is not None and found["run"] == _real(entry.run):
        _remove(token)


@cache
def who() -> str:
    """Return this user and machine in words."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "someone"
    return f"{user} on {processes.host()}"


def _folders() -> Iterator[Path]:
    with suppress(OSError, NbtrainError, RuntimeError):
        yield files.user_state_folder() / _FOLDER
    with suppress(OSError, NbtrainError):
        yield runtime_folder() / _FOLDER


def _read(token: str) -> dict[str, str] | None:
    """Return the record of a token; None where there is none in a folder that only this user can write."""
    if not _TOKEN.fullmatch(token):
        return None
    for folder in _folders():
        try:
            if not folder.is_dir():
                continue
            plain = files.read_json(files.private_folder(folder) / f"{token}.json")
            return {name: str(plain[name]) for name in ("run", "machine", "host", "config")}
        except (OSError, NbtrainError, KeyError, TypeError):
            continue
    return None


def _remove(token: str) -> None:
    for folder in _folders():
        with suppress(OSError):
            files.remove(folder / f"{token}.json")


def _sweep() -> None:
    """Remove records of this machine's runs that no longer wait, such as those that another machine has cancelled."""
    for folder in _folders():
        for path in folder.glob("*.json"):
            found = _read(path.stem)
            if found is None or found["machine"] != processes.machine() or _is_fresh(path):
                continue
            run = Path(found["run"])
            if run.is_dir() and entries.find(run) is None:
                _remove(path.stem)


def _is_fresh(path: Path) -> bool:
    """Tell whether the entry that a record belongs to may not be written yet."""
    try:
        return time.time() - path.stat().st_mtime < _FRESH_S
    except OSError:
        return True


def _real(run: Path) -> str:
    return os.path.realpath(run)


def _hash(run: Path) -> str:
    """Return the hash of a run's frozen configuration, which names its data and whatever code makes them."""
    try:
        with open(run / "config.json", "rb", opener=files.ordinary) as file:
            return hashlib.sha256(file.read(files.READ_BYTES)).hexdigest()
    except OSError:
        return "unreadable"
