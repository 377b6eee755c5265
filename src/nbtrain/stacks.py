"""Where processes stand: the Python stacks of this one and of its children, from outside whatever they hang in.

A process that may be asked calls :func:`listen`; forks of one that has called :func:`prepare` write into its file. It
works while a call in C holds the interpreter; a process that is frozen from outside is told as such. It knows processes
and signals; it does not know what hangs, nor what becomes of it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from nbtrain import files

FILE = "stacks.txt"
"""File in the run folder that holds the newest stacks which somebody has asked for."""
_SIGNAL = getattr(signal, "SIGUSR2", None)
_ANSWER_S = 1.0
_STATES = {"T": "stopped from outside", "D": "waiting for a disk or the network", "S": "sleeping", "R": "running"}
_file: IO[bytes] | None = None


def prepare() -> None:
    """Open the file that this process and its later forks write their stacks to; nobody else sees it."""
    global _file
    _file = _file or tempfile.TemporaryFile(prefix="nbtrain-stacks-")  # noqa: SIM115 - open for the process's life


def listen() -> None:
    """Write this process's stacks when it is asked; nothing where no fork of the asker is running."""
    if _file is not None and _SIGNAL is not None:
        faulthandler.register(_SIGNAL, file=_file, all_threads=True)


def dump(children: Sequence[int] = ()) -> str:
    """Return the stacks of this process, and of those ``children`` that listen."""
    prepare()
    assert _file is not None
    began = os.fstat(_file.fileno()).st_size
    _write(f"Trainer (pid {os.getpid()}):\n")
    faulthandler.dump_traceback(_file, all_threads=True)
    for pid in children:
        _write(f"\nChild (pid {pid}), {_state(pid)}:\n")
        _ask(pid)
    return os.pread(_file.fileno(), 1 << 20, began).decode(errors="replace")


def _ask(pid: int) -> None:
    """Let a child write, and wait for it; one that does not listen would die of the signal, so it is not asked."""
    assert _file is not None
    if _SIGNAL is None or not _listens(pid):
        return
    before, end_s = os.fstat(_file.fileno()).st_size, time.monotonic() + _ANSWER_S
    os.kill(pid, _SIGNAL)
    while os.fstat(_file.fileno()).st_size == before and time.monotonic() < end_s:
        time.sleep(0.02)
    time.sleep(0.05)  # the rest of what it writes


def _write(text: str) -> None:
    assert _file is not None
    _file.seek(0, os.SEEK_END)
    _file.write(text.encode())
    _file.flush()


def _listens(pid: int) -> bool:
    try:
        caught = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("SigCgt"))
    except (OSError, StopIteration):
        return False
    return _SIGNAL is not None and bool(int(caught.split()[1], 16) >> (_SIGNAL - 1) & 1)


def keep(run: Path, told: str) -> None:
    """Leave stacks in the run folder ``run``; a disk that hangs or is full may be the very reason for them."""
    with contextlib.suppress(OSError):
        files.write_atomic(run / FILE, told.encode())


def is_stopped(pid: int) -> bool:
    """Tell whether a process was frozen from outside; False where the system does not tell."""
    return _letter(pid) == "T"


def _state(pid: int) -> str:
    letter = _letter(pid)
    return _STATES.get(letter, letter) or "gone"


def _letter(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
