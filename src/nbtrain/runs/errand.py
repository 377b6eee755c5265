"""The process of a short job: a small parent that guards it, and the job, which does one piece of work and says so.

The parent ends the job and all its children when that is asked for or when nobody is left who wants the result, so
the work itself never has to look for a stop, and a cancel acts while it imports or hangs in a call too. Known here:
processes, the device, journal and exit. Not known here: what a kind computes (nbtrain/probing), or who asked.
launch.py runs :func:`main` in a fresh interpreter; the warm process calls :func:`begin` in a fork of itself. Linux and
macOS only: without a fork there is nobody to guard.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from nbtrain import locks, processes
from nbtrain.errors import NbtrainError
from nbtrain.messages import Failure, Message, Progress, Result
from nbtrain.probing.desk import Desk
from nbtrain.runs import devices, parent
from nbtrain.runs.failures import failure_of, failure_of_exit
from nbtrain.runs.jobfolder import Exit, JobFolder, Request, name_of_user
from nbtrain.runs.journal import Journal
from nbtrain.runs.worker import LOCKED

_LOOK_S = 0.1
_LOWEST_PRIORITY = 19
"""Of a process, as nice() counts: it gets what others leave, and all of an idle processor."""
_KINDS = "nbtrain.probing"


def main() -> None:
    """Entry of the cold start: ``JOB``; the report goes to standard output as one line of JSON."""
    if not hasattr(os, "fork"):
        sys.exit(f"short jobs cannot be run on {sys.platform}")
    if os.fork():
        os._exit(0)  # the starter sees its child end at once, and nobody is left to become a zombie
    parent.end(begin(JobFolder(sys.argv[1]), parent.Channel(os.dup(1)))())


def begin(folder: JobFolder, channel: parent.Channel) -> Callable[[], int]:
    """Split this process, a fork made for the purpose; the job gets its work from here, its parent never returns."""
    os.setsid()
    parent.redirect(folder.log, channel)
    lock = locks.FileLock(folder.lock)
    if not lock.acquire():
        channel.say({"error": "this job has a process already"})
        os._exit(LOCKED)
    kills = processes.out_of_memory_kills()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        processes.die_with_parent()
        channel.say({"pid": os.getpid()})
        return lambda: work(folder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel.close()  # or the starter would wait for this process
    try:
        _guard(folder, pid, kills)
    finally:
        os._exit(0)


# ---------------------------------------------------------------------- the small parent


def _guard(folder: JobFolder, pid: int, kills: int) -> None:
    """Wait for the job's end or for a reason to end it, clear up behind it, and write down how it ended."""
    request = folder.request
    unwanted = _wait(folder, pid, request)
    parent.end_group(pid)
    _, state, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(state)
    unwanted = unwanted or -code in (signal.SIGTERM, signal.SIGINT)
    lacked = processes.out_of_memory_kills() > kills
    end = Exit(
        status="cancelled" if unwanted else "failed" if code else "completed",
        code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        memory_peak_mib=round(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10), 1),
        failure=None if unwanted else _failure(folder, code, lacked),
    )
    with contextlib.suppress(OSError):  # the folder is gone, or there is no room: the lock tells that it has ended
        folder.write_exit(end)
    if request.device:
        parent.start_next(folder.project)


def _failure(folder: JobFolder, code: int, lacked_memory: bool) -> Failure | None:
    """Return what the exit state says, with the end of the log, which nobody can look up later."""
    found = failure_of_exit(max(code, 0), max(-code, 0), lacked_memory, "short job")
    if found is None:
        return None
    advice = ("Start it again.",) if found.cause == "killed" else found.advice
    return replace(found, advice=advice, traceback="\n".join(parent.last_lines(folder.log)))


def _wait(folder: JobFolder, pid: int, request: Request) -> bool:
    """Return when the job has ended, or shall: whether it is unwanted."""
    handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    while processes.exists(pid):
        select.select([handle] if handle is not None else [], [], [], _LOOK_S)
        if folder.cancelled or not folder.path.exists() or processes.alive(request.asker) is False:
            return True
    return False


# ---------------------------------------------------------------------- the job


def work(folder: JobFolder) -> int:
    """Do the work, say its result or why there is none; return the exit code."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_the_first_to_go()
    journal = Journal(folder.events)

    def say(message: Message) -> None:
        journal.say(message)
        journal.flush()

    try:
        say(Result(value=_work(folder, say)))
        return 0
    except BaseException as error:  # also SystemExit: a library that exits has failed the job
        failure = failure_of(error)
        sys.stderr.write(f"{failure.traceback}{failure.message}\n")
        say(failure)
        return 1
    finally:
        journal.close()


def _work(folder: JobFolder, say: Callable[[Message], None]) -> dict[str, Any]:
    request = folder.request
    say(Progress(text="importing"))
    kind = _kind(request.kind)
    timed = bool(getattr(kind, "TIMED", False))
    claim = devices.Claim(folder.path, request.device or "cpu")
    beside = _take_turn(folder, claim, say, timed=timed) if request.device else _give_way("cpu", timed=timed)
    if beside:
        say(Progress(text="begins", beside=beside))
    try:
        return kind.work(Desk(folder.project, request.request, say, beside))  # type: ignore[no-any-return]
    finally:
        claim.release()


def _kind(name: str) -> ModuleType:
    """Return the module of a kind: its ``work``, and ``TIMED`` where its result is how long things take."""
    try:
        found = importlib.import_module(f"{_KINDS}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{_KINDS}.{name}":
            raise
        raise NbtrainError("there is no such kind of short job", value=name) from None
    if not hasattr(found, "work"):
        raise NbtrainError("there is no such kind of short job", value=name)
    return found


def _take_turn(folder: JobFolder, claim: devices.Claim, say: Callable[[Message], None], *, timed: bool) -> str:
    """Wait until the device may be used, saying for whom; return beside whom that is, "" where nobody else uses it.

    A processor is shared, with the others first; a GPU's memory is not, and what measures times wants to be alone. Both
    wait, until they are asked not to.
    """
    told = ""
    while not claim.take():
        if folder.begins_now or (claim.device == "cpu" and not timed):
            beside = _give_way(claim.device, timed=timed)
            claim.take(beside=True)
            return beside
        users = _users(claim.device)
        text = f"waits for {claim.device}, in use by {users}" if users else f"waits for {claim.device}"
        if text != told:
            say(Progress(text=text, waits=True))
            told = text
        time.sleep(_LOOK_S)
    return ""


def _give_way(device: str, *, timed: bool) -> str:
    """Let those who use the device go first, if there are any; return beside whom this job works, for people."""
    users = _users(device)
    if not users or timed:
        return f"beside {users}" if users else ""
    os.nice(_LOWEST_PRIORITY)
    return f"beside {users}, at low priority"


def _users(device: str) -> str:
    return " and ".join(name_of_user(Path(user)) for user in devices.users(device))


def _be_the_first_to_go() -> None:
    """Where the machine runs out of memory, the system shall end this process and not somebody's run."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
