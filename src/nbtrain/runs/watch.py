"""One thread per kernel that reads what trainers write and tells those who asked.

Known here: how often to look (a living run's journal every 50 ms, a quiet one every second, a folder of experiments
twice a second, so that a file edited by hand is picked up within one) and how to look cheaply. Not known here: what
listeners do with the news. Callbacks run on the watch thread, so they return quickly, never print, and take a lock
before they touch shared models; one that raises is logged and counted, and the thread goes on.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from nbtrain.messages import ENDED, Message, Status
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run
from nbtrain.runs.journal import JournalReader

TAIL_S = 0.05
IDLE_S = 1.0
SHELF_S = 0.5
_STATUS_S = 0.25
_LIMIT_BYTES = 8 << 20
"""How much of one journal is read in one go, so that a long history does not hold up the others."""

OnNews: TypeAlias = Callable[[list[Message], RunStatus], None]
OnChange: TypeAlias = Callable[[list[Path]], None]

_log = logging.getLogger(__name__)


@dataclass
class _Job:
    """Something the thread does again and again; ``work`` returns how long it may rest, in seconds."""

    work: Callable[[], float]
    due_s: float = 0.0


class Watch:
    """Follows runs and folders from one daemon thread, which exists while there is something to follow."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._jobs: dict[int, _Job] = {}
        self._tokens = itertools.count(1)
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.errors = 0
        """How many callbacks have raised; each is in the log."""

    def follow(self, run: RunFolder, callback: OnNews, reader: JournalReader | None = None) -> int:
        """Call back with all messages of ``run`` from its first on, in batches, and with its status when it changes.

        With a ``reader``, messages that it has read already are left out.
        """
        return self._add(_Tail(run, callback, self._call, reader or JournalReader(run.events)).look)

    def follow_experiments(self, folder: str | Path, callback: OnChange) -> int:
        """Call back with the experiment folders in ``folder`` that were added, removed or changed, by whomever."""
        return self._add(_Shelf(Path(folder), callback, self._call).look)

    def every(self, seconds: float, callback: Callable[[], None]) -> int:
        """Call back every so many seconds, first at once."""

        def work() -> float:
            self._call(callback)
            return seconds

        return self._add(work)

    def unfollow(self, token: int) -> None:
        """Stop what ``follow``, ``follow_experiments`` or ``every`` began; a call already under way may still end."""
        with self._guard:
            self._jobs.pop(token, None)
        self._wake.set()

    def close(self) -> None:
        """Stop everything, and wait for the thread unless called from it."""
        with self._guard:
            self._jobs.clear()
            thread = self._thread
        self._wake.set()
        if thread and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def _add(self, work: Callable[[], float]) -> int:
        with self._guard:
            token = next(self._tokens)
            self._jobs[token] = _Job(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nbtrain-watch", daemon=True)
                self._thread.start()
        self._wake.set()
        return token

    def _run(self) -> None:
        while True:
            self._wake.clear()
            with self._guard:
                if not self._jobs:
                    self._thread = None
                    return
                jobs = list(self._jobs.items())
            for token, job in jobs:
                if job.due_s <= time.monotonic() and token in self._jobs:
                    job.due_s = time.monotonic() + self._work(job)
            next_s = min((job.due_s for _, job in jobs), default=0.0)
            self._wake.wait(max(0.0, next_s - time.monotonic()))

    def _work(self, job: _Job) -> float:
        try:
            return job.work()
        except Exception:  # a folder that vanishes, a disk that goes away: the others are still to be followed
            self.errors += 1
            _log.exception("a run or folder could not be read")
            return IDLE_S

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        try:
            callback(*args)
        except Exception:  # whatever a listener does wrong is its own affair
            self.errors += 1
            _log.exception("a listener of the watch thread failed")


@dataclass
class _Tail:
    """One run: its journal from the beginning, and its status as a person should see it."""

    run: RunFolder
    callback: OnNews
    call: Callable[..., None]
    reader: JournalReader
    status: RunStatus | None = None
    asked_s: float = 0.0

    def look(self) -> float:
        """Read on; return how long to rest."""
        messages = self.reader.read(_LIMIT_BYTES)
        before, status = self.status, self._status_now(any(isinstance(message, Status) for message in messages))
        if status.status in ENDED and status != before:
            # The last lines came before the last status; whoever hears of the end shall know them.
            messages += self.reader.read(_LIMIT_BYTES)
        if messages or status != before:
            self.call(self.callback, messages, status)
        if status.status == "pending":
            return _STATUS_S
        if messages or status.status not in ENDED:
            return TAIL_S
        return IDLE_S

    def _status_now(self, news: bool) -> RunStatus:
        """The status costs a few reads, so it is asked less often than the journal."""
        due = time.monotonic() - self.asked_s >= _STATUS_S
        if self.status is None or due or news:
            self.status, self.asked_s = self.run.shown_status(), time.monotonic()
        return self.status


@dataclass
class _Shelf:
    """A folder of experiments: what changed since the last look, at about three ``stat`` calls per experiment."""

    folder: Path
    callback: OnChange
    call: Callable[..., None]
    seen: dict[str, tuple[object, ...]] = field(default_factory=dict)
    newest: dict[str, tuple[int, RunFolder | None]] = field(default_factory=dict)

    def look(self) -> float:
        """Compare, call back; return how long to rest."""
        now = {name: self._signature(name) for name in self._names()}
        names = {name for name in now.keys() | self.seen.keys() if now.get(name) != self.seen.get(name)}
        self.seen = now
        if names:
            self.call(self.callback, [self.folder / name for name in sorted(names)])
        return SHELF_S

    def _names(self) -> list[str]:
        try:
            return [e.name for e in os.scandir(self.folder) if not e.name.startswith(".") and e.is_dir()]
        except OSError:
            return []

    def _signature(self, name: str) -> tuple[object, ...]:
        path = self.folder / name
        run = self._newest(name, _changed_ns(path / "runs"))
        if run is None:
            return (_changed_ns(path / "experiment.json"), None)
        # Whatever is written into a run folder by replacing a file changes the folder's own time.
        changed_ns = _changed_ns(run.path)
        return (_changed_ns(path / "experiment.json"), run.path, changed_ns, self._shown(name, run, changed_ns))

    def _newest(self, name: str, runs_ns: int) -> RunFolder | None:
        known = self.newest.get(name)
        if known is None or known[0] != runs_ns:
            self.newest[name] = (runs_ns, newest_run(self.folder / name))
        return self.newest[name][1]

    def _shown(self, name: str, run: RunFolder, changed_ns: int) -> str:
        """A trainer that is killed changes no file: runs that have not ended are asked, the others are not."""
        before = self.seen.get(name)
        if before and len(before) == 4 and before[1:3] == (run.path, changed_ns) and before[3] in ENDED:
            return str(before[3])
        return run.shown_status().status


@lru_cache(maxsize=1)
def kernel_watch() -> Watch:
    """Return this process's one watch."""
    return Watch()


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
