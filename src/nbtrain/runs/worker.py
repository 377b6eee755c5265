"""The trainer process: lock, owner, journal, then build and loop, then the last word.

Known here: everything that makes a process a trainer (signals, heartbeats, commands, the device, exit codes), and that
``build(frozen, run_path, say, asked)`` gives a loop with ``run() -> outcome``. Not known here: what the loop computes.
``python -m nbtrain.runs.worker RUN`` runs one in the foreground; :mod:`nbtrain.runs.launch` starts them detached.

A run may have several lives: a trainer that takes up a run which another has left or died at goes on with it.
A daemon thread, the minder, writes heartbeats, takes commands and catches SIGTERM, which is a Pause, so that the
trainer answers also while it imports or hangs in a long call. It ends the process where it is not obeyed in time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, cast

from nbtrain import files, locks, processes, stacks
from nbtrain.messages import ENDED, LEFT, Failure, Leaving, Message, Pause, Status
from nbtrain.runs.devices import Claim, busy
from nbtrain.runs.exactness import Repeats
from nbtrain.runs.failures import failure_of
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal
from nbtrain.runs.mailbox import Mailbox
from nbtrain.runs.reporter import Reporter
from nbtrain.runs.stall import Watchdog, stalled

LOCKED = 75
"""Exit code of a trainer that found another one at work on its run (EX_TEMPFAIL)."""
TICK_S = 0.05
_STOP_S = 2.0
"""A Stop or Pause that the loop has not taken after this long is carried out without it."""
_SAVE_S = 20.0
"""How long a loop that has taken a Stop or Pause may go on to keep its checkpoint."""
_MISSED = 20
"""So many looks in a row, about a second, must miss the run's folder before it counts as gone."""
_LOST = Failure(
    cause="interrupted",
    message="The run's folder was moved or deleted while it trained, so nothing more could be kept.",
    advice=("Resume the experiment where it is now.",),
)
_LATE = 1.5
"""A step is late when it takes this much longer than the longest one before it."""

WhenBusy: TypeAlias = Literal["refuse", "beside"]
Say: TypeAlias = Callable[[Message], None]
Asked: TypeAlias = Callable[[], list[Message]]


class Outcome(Protocol):
    """How a loop ended, when it ended by itself."""

    @property
    def status(self) -> Literal["completed", "cancelled", "paused"]:
        """The run's last status."""

    @property
    def reason(self) -> str:
        """Why, for the person; may be empty."""


class Loop(Protocol):
    """What ``build`` returns."""

    def run(self) -> Outcome:
        """Train to the end."""


_Last: TypeAlias = Leaving | Literal["completed", "failed"]
Build: TypeAlias = Callable[[dict[str, Any], Path, Say, Asked], Loop]


class Trainer:
    """One life of one run in this process: :meth:`begin`, then :meth:`work`."""

    def __init__(
        self, run: RunFolder, *, when_busy: WhenBusy = "refuse", own_process: bool = True, why_cold: str = ""
    ) -> None:
        self.run, self._when_busy, self._own_process, self._why_cold = run, when_busy, own_process, why_cold
        self._lock = locks.FileLock(run.lock)
        self._last_word = threading.Lock()
        self._wake: socket.socket | None = None
        self._leaving = threading.Event()
        self._folder = self._missed = self._told = 0
        self._watchdog = Watchdog(0)

    def begin(self, report: Callable[[dict[str, Any]], None]) -> bool:
        """Become the run's trainer and report ``pid``; else report ``held``, ``busy`` or ``error`` and return False.

        A trainer that does not get the device leaves no trace in the run's folder.
        """
        if not self._lock.acquire():
            report({"held": locks.holder(self.run.lock)})
            return False
        trouble = self._read()
        if trouble is None and not self._claim.take(beside=self._when_busy == "beside"):
            users = [str(path) for path in busy(self._claim.device)]
            self._lock.release()
            report({"busy": users, "device": self._claim.device})
            return False
        self._take_over()
        if trouble is not None:  # the lock is held, so the run can be told
            self._fail(trouble)
            report({"error": str(trouble)})
            return False
        slow = f"some seconds, in a fresh Python: {self._why_cold}" if self._why_cold else ""
        self.say(Status(status="preparing", phase="importing", detail=slow))
        report({"pid": os.getpid()})
        return True

    def _read(self) -> Exception | None:
        """Read the configuration and which device it names; return what is wrong with it."""
        self._claim = Claim(self.run.path, "auto")
        try:
            self._frozen = self.run.config
            self._claim = Claim(self.run.path, str(_chosen(self._frozen, "hardware", "device") or "auto"))
            self._watchdog.limit_s = float(_chosen(self._frozen, "training", "stall_limit_s") or 0)
        except Exception as error:
            return error
        return None

    def _take_over(self) -> None:
        stale, before = self.run.stale_commands(), self._last_life()
        self._own()
        self._folder = os.stat(self.run.path).st_ino
        self._reporter = Reporter(self.run)
        self.say = Repeats(self._reporter.say, self.run).say if before else self._reporter.say
        self._mailbox = Mailbox(self.run, self.say, lambda: self._reporter.status.step, stale)
        if before:
            self.say(Status(status="pending"))
        if self._own_process:
            stacks.prepare()
            self._catch_signals()
        self._minder = threading.Thread(target=self._mind, name="nbtrain-minder", daemon=True)
        self._minder.start()

    def work(self, build: Build | None = None) -> int:
        """Build, train, say the last word; return the exit code of the process."""
        try:
            return self._train(build)
        except BaseException as error:  # also SystemExit: a library that exits has failed the run
            return self._fail(error)

    def _train(self, build: Build | None) -> int:
        build = build or _production_build()
        if self._mailbox.leave_s is not None:
            return self._end(self._mailbox.ending, f"{LEFT[self._mailbox.ending]} before it began.")
        loop = build(self._frozen, self.run.path, self._say_of_loop, self._mailbox.asked)
        if not gc.isenabled():  # a cold start: what was imported is here to stay, and is not looked through again
            gc.freeze()
            gc.enable()
        outcome = loop.run()
        harder = outcome.status == "paused" and self._mailbox.stopped  # a Stop that came while it paused
        return self._end("cancelled" if harder else outcome.status, outcome.reason)

    def _say_of_loop(self, message: Message) -> None:
        self._told += 1  # a sign of life
        self.say(message)

    # ------------------------------------------------------------------ becoming the owner

    def _own(self) -> None:
        generation = int(self.run.owner().get("generation", 0)) + 1
        files.sweep(self.run.path)
        files.write_json(self.run.path / "owner.json", {**processes.identity(), "generation": generation})

    def _last_life(self) -> RunStatus | None:
        """Return how the run's last life ended, None in its first; what that could not say itself is said now.

        It is written here at once: a trainer that is killed leaves status.json and the journal in the middle.
        """
        owner, said = self.run.owner(), self.run.status()
        if not owner:
            return None
        took_s = max(0.0, said.heartbeat_s - float(owner.get("started_s", said.heartbeat_s)))
        said = replace(said, earlier_s=said.earlier_s + took_s)
        if said.status not in ENDED:
            failure = self.run.unsaid()
            said = replace(said, status="failed", phase="", detail=failure.message, cause=failure.cause)
            journal = Journal(self.run.events)
            place = {name: getattr(said, name) for name in ("epoch", "epochs", "step", "steps", "detail")}
            journal.say(replace(failure, t_s=said.heartbeat_s))
            journal.say(Status(status="failed", t_s=said.heartbeat_s, **place))
            journal.close()
        self.run.write_status(said)
        return said

    def _catch_signals(self) -> None:
        """SIGINT belongs to the kernel's cells. SIGTERM wakes the minder, also while the main thread is in a call."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._wake, self._wake_end = ours, theirs  # both kept: a collected socket would be closed
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_be_an_ordinary_process)

    # ------------------------------------------------------------------ the minder

    def _mind(self) -> None:
        while not self._leaving.is_set():
            try:
                if signal.SIGTERM in self._signals():
                    self._mailbox.put(Pause())
                self._mailbox.look()
                self._reporter.beat()
            except OSError:
                time.sleep(TICK_S)  # the folder is out of reach for now; the training goes on
            if self._own_process and self._is_late():
                ending = self._mailbox.ending
                self._leave(ending, f"{LEFT[ending]} without waiting for the current work to finish.")
            if self._watchdog.has_enough(self._stands_to_train(), (self._mailbox.heard, self._told)):
                failure = stalled(self.run.path, self._watchdog.limit_s)
                self._say_failure(failure)
                self._leave("failed", failure.message)
            if self._own_process and self._has_lost_its_folder():
                self._say_failure(_LOST)
                self._leave("failed", _LOST.message)

    def _signals(self) -> bytes:
        """Wait one tick, or until a signal comes; return the numbers of the signals that came."""
        if self._wake is None:
            self._leaving.wait(TICK_S)
            return b""
        ready, _, _ = select.select([self._wake], [], [], TICK_S)
        return self._wake.recv(64) if ready else b""

    def _is_late(self) -> bool:
        """Tell whether a Stop or Pause has to be carried out without the loop."""
        since_s = self._mailbox.leave_s
        if since_s is None:
            return False
        waited_s = time.monotonic() - since_s
        if self._mailbox.leave_taken:
            return waited_s > _SAVE_S
        status = self._reporter.status
        if status.status == "pending" or status.phase == "importing":
            return True  # nothing has been made yet that could be kept
        step_s = _LATE * self._mailbox.longest_s if status.status == "training" else 0.0
        return waited_s > max(_STOP_S, step_s)

    def _stands_to_train(self) -> bool:
        """Tell whether signs of life are to be expected: preparations may wait for a network as long as they like."""
        return self._own_process and self._reporter.status.status == "training" and self._mailbox.leave_s is None

    def _has_lost_its_folder(self) -> bool:
        """Tell whether the run's folder has been gone, or another one, for a while; a disk out of reach is neither."""
        self._missed = self._missed + 1 if self._is_elsewhere() else 0
        return self._missed > _MISSED

    def _is_elsewhere(self) -> bool:
        try:
            return os.stat(self.run.path).st_ino != self._folder
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def _leave(self, status: _Last, detail: str) -> None:
        if self._last_word.acquire(blocking=False):  # else the main thread is just ending it
            self._say_last(status, detail)
            _flush()
            os._exit(status == "failed")

    # ------------------------------------------------------------------ the last word

    def _end(self, status: _Last, detail: str = "") -> int:
        """Say the run's last status; return the exit code."""
        if not self._last_word.acquire(blocking=False):
            threading.Event().wait()  # for ever: the minder is ending the process
        self._leaving.set()
        self._minder.join()
        self._say_last(status, detail)
        return 1 if status == "failed" else 0

    def _say_last(self, status: _Last, detail: str) -> None:
        """From here on nothing is said; the lock goes last, so that its absence means a last word that can be read."""
        at = self._reporter.status
        self._claim.release()  # whoever reads the last word may start the next run at once
        self.say(Status(status=status, detail=detail, epoch=at.epoch, epochs=at.epochs, step=at.step, steps=at.steps))
        self._reporter.close()
        self._lock.release()

    def _fail(self, error: BaseException) -> int:
        failure = failure_of(error)
        if self._is_elsewhere():
            failure = replace(_LOST, traceback=failure.traceback)
        self._say_failure(failure)
        return self._end("failed", failure.message)

    def _say_failure(self, failure: Failure) -> None:
        """Into the journal and log.txt, which are open, and move along where the folder is renamed."""
        with contextlib.suppress(OSError):  # the disk that log.txt lies on may be what failed
            sys.stderr.write(f"{failure.traceback}{failure.message}\n")
        self.say(self.run.with_fixes(failure))


def run(path: str | Path, *, build: Build | None = None, when_busy: WhenBusy = "refuse", why_cold: str = "") -> int:
    """Be the trainer of the run in ``path`` from its beginning to its end; return the exit code."""
    trainer = Trainer(RunFolder(path), when_busy=when_busy, why_cold=why_cold)
    return trainer.work(build) if trainer.begin(lambda _: None) else LOCKED


def _production_build() -> Build:
    return cast(Build, importlib.import_module("nbtrain.build").build)


def _chosen(frozen: dict[str, Any], section: str, name: str) -> Any:
    found = frozen.get("config", {}).get(section, {})
    return found.get(name) if isinstance(found, dict) else None


def _be_an_ordinary_process() -> None:
    """In a forked child of a trainer, such as a loader worker: signals are its own business."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


if __name__ == "__main__":
    _words = dict(zip(("path", "when_busy", "why_cold"), sys.argv[1:], strict=False))
    sys.exit(run(**cast(Any, _words)))
