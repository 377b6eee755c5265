"""Starting a trainer so that it outlives whoever started it: from the warm process where there is one, else cold.

Known here: how to reach either, and what their answers mean. Not known here: what a trainer does. The kernel that calls
is never forked (it has threads); no port is opened; nothing is printed. Windows starts cold, and is untested.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from nbtrain import locks
from nbtrain.errors import BusyError, LaunchError
from nbtrain.runs import environment, fresh, warm
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.worker import WhenBusy

_ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Launched:
    """A trainer that holds its run's lock."""

    pid: int
    warm: bool
    why: str = ""
    """Why the start was cold, where it was."""


def start(run: RunFolder, *, cold: bool = False, when_busy: WhenBusy = "refuse") -> Launched:
    """Start the run's trainer and return once it holds the run's lock; the work itself goes on detached.

    ``when_busy`` says what to do where other runs use the device: ``refuse`` raises BusyError and leaves the run as it
    was, ``beside`` trains next to them. BusyError is also raised where the run has a trainer already: watch that one.
    """
    path = str(run.path.resolve())
    answer, why = hand_over({"run": path, "when_busy": when_busy}, "parent", path, when_busy, cold=cold)
    if sys.platform == "win32" and "error" in answer:
        answer = _await_owner(run)
    if "held" in answer:
        raise BusyError("this run already has a trainer", value=str(run.path), advice="Watch it, or stop it first.")
    if "busy" in answer:
        advice = "Run beside it, or wait until the device is free."
        raise BusyError(f"{answer['device']} is in use by another run", value=", ".join(answer["busy"]), advice=advice)
    if "pid" not in answer:
        raise LaunchError("the trainer could not be started", value=answer.get("error"), advice=f"See {run.log}.")
    return Launched(pid=int(answer["pid"]), warm=not why, why=why)


def ensure_warm() -> bool:
    """Have a warm process from soon on, where there can be one; return at once, whether one is there already."""
    if warm.unavailable():
        return False
    if warm.is_there():
        return True
    if warm.hindrance() or warm.is_coming() or _is_starting():
        return False
    # OpenBLAS's pool of threads would make forking unsafe.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    _starting.append(fresh.forgotten("warm", environment.key(), str(warm.IDLE_S), env=env))
    return False


_starting: list[subprocess.Popen[bytes]] = []
"""Interpreters that are to become the warm process: on a busy machine that takes seconds, and it is asked for often."""


def _is_starting() -> bool:
    _starting[:] = [process for process in _starting if process.poll() is None]
    return bool(_starting)


def start_next(project: Path) -> None:
    """Have whatever waits in the project's queue for a free device started; return at once."""
    fresh.forgotten("queue", str(project))


def hand_over(request: dict[str, Any], module: str, *args: str, cold: bool = False) -> tuple[dict[str, Any], str]:
    """Give work to a fork of the warm process, else to ``main()`` of a module of this folder in a fresh interpreter.

    That one is also told why, behind its ``args``. Return the answer, which holds ``pid`` or says why there is no
    process, and why the start was cold, where it was.
    """
    why = "a cold start was asked for" if cold else warm.unavailable()
    if not why:
        answer = warm.ask({**request, "cwd": os.getcwd(), "env": dict(os.environ)})
        why = str(answer.get("refused", ""))
        if not why:
            return answer, ""
    return _start_cold(module, *args, why), why


def _start_cold(module: str, *args: str) -> dict[str, Any]:
    try:
        process = fresh.python(module, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        return {"error": f"Python could not be started: {error}"}
    if sys.platform == "win32":
        return {"error": "no channel can be passed down"}
    with cast(IO[bytes], process.stdout) as out, cast(IO[bytes], process.stderr) as errors:
        line = _read_line(out.fileno())
        said = b"" if line else _rest(errors.fileno())
    try:
        process.wait(timeout=_ANSWER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return dict(json.loads(line)) if line else {"error": said.decode(errors="replace").strip()[-2000:] or "no answer"}


def _read_line(descriptor: int) -> bytes:
    """Return one line, or nothing where the other end closes, or says nothing for too long."""
    data, end_s = b"", time.monotonic() + _ANSWER_S
    while not data.endswith(b"\n") and select.select([descriptor], [], [], max(0.0, end_s - time.monotonic()))[0]:
        part = os.read(descriptor, 65536)
        if not part:
            return b""
        data += part
    return data if data.endswith(b"\n") else b""


def _rest(descriptor: int) -> bytes:
    """Return what a process that has closed its answer has to say on standard error."""
    return os.read(descriptor, 65536) if select.select([descriptor], [], [], 1.0)[0] else b""


def _await_owner(run: RunFolder) -> dict[str, Any]:
    """Where no channel can be passed down: wait until the run has an owner that holds its lock."""
    end_s = time.monotonic() + _ANSWER_S
    while time.monotonic() < end_s:
        if run.owner() and locks.locked(run.lock):
            return {"pid": run.owner()["pid"]}
        time.sleep(0.05)
    return {"error": "the trainer did not take the run's lock"}
