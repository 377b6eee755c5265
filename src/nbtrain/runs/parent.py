"""The small parent: it stands between a trainer and the rest of the system, and tells how the trainer ended.

It forks the trainer into a process group of its own, waits, ends what the trainer has left, writes exit.json, and has
the next run of the queue started. A trainer that cannot even answer a Stop or Pause, because a call in C holds the
interpreter or because somebody has frozen the process, is ended here. Known here: exit states. Not known here: what a
trainer does. launch.py runs :func:`main` in a fresh interpreter (the cold start); the warm process calls
:func:`become_trainer` in a fork of itself.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from nbtrain import files, processes
from nbtrain.data import cache_files
from nbtrain.messages import CAUSES, ENDED, LEFT, Acknowledged, Leaving, Status, leaving
from nbtrain.runs import entries, fresh, lastword
from nbtrain.runs.failures import failure_of_exit
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.worker import LOCKED, Trainer

_LOOK_S = 0.25
_STUCK_S = 2.25
"""A Stop or Pause that has waited this long, by a trainer whose heartbeat has stopped, is carried out with SIGKILL."""
_SILENT_S = 1.75
_GONE_S = 1.0
"""Loader processes that were sent SIGKILL are gone by then, or wait for a device."""
_LAST_LINES = 20
_TAIL_BYTES = 16384
_WORKER = "import runpy; runpy.run_module('nbtrain.runs.worker', run_name='__main__')"


def main() -> None:
    """Entry of the cold start: ``RUN WHEN_BUSY WHY_COLD``; the report goes to standard output as one line of JSON."""
    gc.disable()  # imports make no garbage, but a million objects to look through; the trainer takes it back
    run, when_busy, why_cold = RunFolder(sys.argv[1]), sys.argv[2], sys.argv[3]
    if sys.platform == "win32":
        _guard_on_windows(run, when_busy, why_cold)
    if os.fork():
        os._exit(0)  # the starter sees its child end at once, and nobody is left to become a zombie
    channel = Channel(os.dup(1))
    become_trainer(run, channel)
    end(begin(run, when_busy, channel, why_cold).work())


class Channel:
    """Where the starter waits for one line of JSON: ``pid``, or why there is no trainer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, word: dict[str, Any]) -> None:
        """Send the line; a starter that has gone meanwhile changes nothing for the run."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps(word).encode() + b"\n")
        self.close()

    def close(self) -> None:
        """Give up this process's end."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def become_trainer(run: RunFolder, channel: Channel) -> None:
    """Split this process, a fork made for the purpose: the trainer returns from here, its parent never does."""
    os.setsid()
    redirect(run.log, channel)
    kills, stale = processes.out_of_memory_kills(), run.stale_commands()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel.close()  # or the starter would wait for this process
    try:
        _guard(run, pid, kills, stale)
    finally:
        start_next(run.project)
        os._exit(0)


def start_next(project: Path) -> None:
    """Have the queues looked at, this project's and others' on this machine, in a process that outlives this one."""
    if entries.noted() or entries.entries(project):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # what is ignored would be so for ever after
            signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            fresh.python("queue", str(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def begin(run: RunFolder, when_busy: Any, channel: Channel, why_cold: str = "") -> Trainer:
    """Take the lock and become the run's trainer, or report why not and end the process.

    ``why_cold`` says why the libraries are not loaded yet, where they are not.
    """
    faulthandler.enable()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    trainer = Trainer(run, when_busy=when_busy, why_cold=why_cold)
    try:
        begun = trainer.begin(channel.say)
    except Exception as error:
        channel.say({"error": _short(error)})
        raise
    if not begun:
        end(LOCKED)
    return trainer


def end(code: int) -> NoReturn:
    """End the process without the clean-up of an interpreter whose threads may hang."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # no room for the log
            stream.flush()
    os._exit(code)


def _short(error: Exception) -> str:
    """Return the words of an error as a starter passes them on, which leaves out the middle of a long text."""
    if isinstance(error, OSError) and error.filename:
        return f"{os.path.basename(error.filename)}: {error.strerror}"
    return str(error)


def redirect(log: Path, channel: Channel) -> None:
    """Let all output go to the log file and all input come from nowhere; where that cannot be, say so and end."""
    try:
        written = files.open_ours(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        channel.say({"error": _short(error)})
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(written)


def _guard(run: RunFolder, pid: int, kills: int, stale: frozenset[str]) -> None:
    """Wait for the trainer to end, clear up behind it, and write down how it ended."""
    left_here = _wait(run, pid, stale)
    end_group(pid)
    _, state, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(state)
    if code == LOCKED:
        return
    if left_here:
        _say_left(run, left_here, stale)
    peak_mib = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    write_exit(run, code, peak_mib, processes.out_of_memory_kills() > kills)
    _await_group(pid)
    cache_files.sweep_memory()  # a trainer that was ended could not give up its share


def _wait(run: RunFolder, pid: int, stale: frozenset[str]) -> Leaving | None:
    """Return when the trainer has ended, but leave it to be collected.

    The answer is how the run is left where a Stop or Pause had to end it from here, None where it ended itself.
    """
    handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    asked_s: float | None = None
    asked: Leaving | None = None
    left_here: Leaving | None = None
    while processes.exists(pid):
        select.select([handle] if handle is not None else [], [], [], _LOOK_S)
        asked = leaving(run.commands(stale).values()) or asked
        if asked and asked_s is None:
            asked_s = time.monotonic()
        if asked_s is not None and time.monotonic() - asked_s > _STUCK_S and _is_silent(run):
            _end_stuck(run, pid)
            left_here = asked
    return left_here


def _end_stuck(run: RunFolder, pid: int) -> None:
    """End a trainer that does not answer; a fresh heartbeat keeps readers from calling it interrupted meanwhile."""
    with contextlib.suppress(OSError):
        run.write_status(replace(run.status(), heartbeat_s=time.time()))
    os.kill(pid, signal.SIGKILL)


def _is_silent(run: RunFolder) -> bool:
    status = run.status()
    return status.status not in ENDED and abs(time.time() - status.heartbeat_s) > _SILENT_S


def end_group(pid: int) -> None:
    """End what is left in the trainer's process group; the uncollected trainer keeps the number from being reused."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _await_group(pid: int) -> None:
    """Wait until the rest of the trainer's process group has ended, but not for a process that the system holds."""
    end_s = time.monotonic() + _GONE_S
    while time.monotonic() < end_s and processes.group_lives(pid):
        time.sleep(0.01)


def _say_left(run: RunFolder, ending: Leaving, stale: frozenset[str]) -> None:
    """Take over the dead trainer's lock and say the last word in its place."""
    detail = f"{LEFT[ending]} while it did not answer, and ended from outside."
    status = replace(run.status(), status=ending, phase="", heartbeat_s=time.time(), detail=detail)
    taken = [Acknowledged(command=name, step=status.step) for name in run.commands(stale)]
    word = Status(status=ending, step=status.step, epoch=status.epoch, detail=status.detail)
    lastword.say(run, status, *taken, word)


def write_exit(run: RunFolder, code: int, peak_mib: float, out_of_memory: bool) -> None:
    """Write exit.json: how the trainer ended, whether or not it could say so itself."""
    said = run.status()
    told = said.status in ENDED
    failure = None if told else failure_of_exit(max(code, 0), max(-code, 0), out_of_memory)
    value = {
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "memory_peak_mib": round(peak_mib, 1),
        "last_lines": last_lines(run.log),
        "cause": failure.cause if failure else said.cause if said.cause in CAUSES else "",
        "message": failure.message if failure else "",
        "advice": list(failure.advice) if failure else [],
        "generation": run.owner().get("generation", 0),
    }
    try:
        files.write_json(run.path / "exit.json", value)
    except OSError as error:
        sys.stderr.write(f"exit.json could not be written: {error}\n")


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a log file; none where it cannot be read."""
    try:
        with open(log, "rb", opener=files.ordinary) as file:
            file.seek(max(0, os.path.getsize(log) - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    except OSError:
        return []


def _guard_on_windows(run: RunFolder, when_busy: str, why_cold: str) -> NoReturn:
    """There is no fork: the trainer is a child with its own interpreter. Untested."""
    with open(run.log, "ab", opener=files.open_ours) as log:
        argv = fresh.command(_WORKER, str(run.path), when_busy, why_cold)
        code = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log).wait()
    if code != LOCKED:
        write_exit(run, code, 0.0, False)
        start_next(run.project)
    os._exit(0)


if __name__ == "__main__":
    main()
