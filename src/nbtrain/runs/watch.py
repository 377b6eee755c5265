"""One thread per kernel that reads what trainers write and tells those who asked.

Known here: how often to look (a living run's journal every 50 ms, a quiet one every second, a folder of experiments
twice a second, so that a file edited by hand is picked up within one; beyond 800 of them, in turn) and how to
look cheaply. Not known here: what listeners do with the news. Callbacks run on the watch thread, so they return
quickly, never print, and take a lock before they touch shared models; one that raises is logged and counted, and the
thread goes on.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MethodType
from typing import TypeAlias
from weakref import WeakMethod

from nbtrain.messages import ENDED, Message, Status
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run
from nbtrain.runs.journal import JournalReader

TAIL_S = 0.05
IDLE_S = 1.0
SHELF_S = 0.5
_STATUS_S = 0.25
_TROUBLED_S = 30.0
_LIMIT_BYTES = 8 << 20
"""How much of one journal is read in one go, so that a long history does not hold up the others."""
_AT_ONCE, _RECENT_S, _RELIST_S = 800, 30.0, 5.0
"""How many experiments are looked at in one go, how long one that has changed is looked at each time, and how often
names are read even where the folder says that none has come or gone: its clock may be coarse."""

OnNews: TypeAlias = Callable[[list[Message], RunStatus], None]
OnChange: TypeAlias = Callable[[list[Path]], None]

_log = logging.getLogger(__name__)


@dataclass
class _Job:
    """Something the thread does again and again; ``work`` returns how long it may rest, in seconds."""

    work: Callable[[], float]
    due_s: float = 0.0
    weak: _Callback | None = None
    """Whose method is called; the job ends with it."""


class _Callback:
    """A function, or a method whose object this does not keep alive: what nobody holds is not watched for ever."""

    def __init__(self, function: Callable[..., None]) -> None:
        self._now: Callable[[], Callable[..., None] | None] = (
            WeakMethod(function) if isinstance(function, MethodType) else lambda: function
        )

    @property
    def there(self) -> bool:
        """Whether there is still something to call."""
        return self._now() is not None

    def call(self, *args: object) -> None:
        """Call it, where it is still there."""
        function = self._now()
        if function is not None:
            function(*args)


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
        self._failed: tuple[float, Exception] | None = None

    @property
    def trouble(self) -> Exception | None:
        """What was raised on this thread within the last half minute, for a page to show; None for nothing."""
        failed = self._failed
        return failed[1] if failed is not None and time.monotonic() < failed[0] + _TROUBLED_S else None

    def follow(self, run: RunFolder, callback: OnNews, reader: JournalReader | None = None) -> int:
        """Call back with all messages of ``run`` from its first on, in batches, and with its status when it changes.

        With a ``reader``, messages that it has read already are left out.
        """
        return self._add(_Tail(run, callback, self._call, reader or JournalReader(run.events)).look)

    def follow_experiments(self, folder: str | Path, callback: OnChange) -> int:
        """Call back with the experiment folders in ``folder`` that are added, removed or changed, by whomever.

        What is there now is not told: look at it afterwards, and nothing is missed. An object whose method is called
        back is not kept alive by that.
        """
        weak = _Callback(callback)
        return self._add(_Shelf(Path(folder), weak.call, self._call).look, weak)

    def every(self, seconds: float, callback: Callable[[], None]) -> int:
        """Call back every so many seconds, first at once; an object's method as long as somebody holds the object."""
        weak = _Callback(callback)

        def work() -> float:
            self._call(weak.call)
            return seconds

        return self._add(work, weak)

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

    def _add(self, work: Callable[[], float], weak: _Callback | None = None) -> int:
        with self._guard:
            token = next(self._tokens)
            self._jobs[token] = _Job(work, weak=weak)
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
                self._jobs = {token: job for token, job in self._jobs.items() if job.weak is None or job.weak.there}
                jobs = list(self._jobs.items())
            for token, job in jobs:
                if job.due_s <= time.monotonic() and token in self._jobs:
                    job.due_s = time.monotonic() + self._work(job)
            next_s = min((job.due_s for _, job in jobs), default=0.0)
            self._wake.wait(max(0.0, next_s - time.monotonic()))

    def _work(self, job: _Job) -> float:
        try:
            return job.work()
        except Exception as error:  # a folder that vanishes, a disk that goes away: the others are still followed
            self._fail(error)
            _log.exception("a run or folder could not be read")
            return IDLE_S

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        try:
            callback(*args)
        except Exception as error:  # whatever a listener does wrong is its own affair
            self._fail(error)
            _log.exception("a listener of the watch thread failed")

    def _fail(self, error: Exception) -> None:
        self.errors += 1
        self._failed = (time.monotonic(), error)


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


class _Shelf:
    """A folder of experiments: what changed since the last look, at about four ``stat`` calls per experiment.

    A look costs the same however many there are: what has changed a while ago is looked at each time, and the others
    in turn, so many at once. In projects of up to so many, each look goes over all of them.
    """

    def __init__(self, folder: Path, callback: OnChange, call: Callable[..., None]) -> None:
        self._folder, self._callback, self._call = folder, callback, call
        self._listed_ns, self._listed_s = -1, 0.0
        self._names: list[str] = []
        self._turn = 0
        self._recent: dict[str, float] = {}
        """Experiments that have changed lately, and when, on the monotonic clock."""
        self._stamps: dict[str, _Stamp] = {}
        self._list()
        self._stamps = {name: self._stamp(name) for name in self._names}

    def look(self) -> float:
        """Compare, call back; return how long to rest."""
        changed = self._come_and_gone() if self._list() else set()
        for name in self._due():
            stamp = self._stamp(name)
            if stamp != self._stamps.get(name):
                self._stamps[name], self._recent[name] = stamp, time.monotonic()
                changed.add(name)
        if changed:
            self._call(self._callback, [self._folder / name for name in sorted(changed)])
        return SHELF_S

    def _list(self) -> bool:
        """Read the names where any may have come or gone; return whether that was done."""
        changed_ns, now_s = _changed_ns(str(self._folder)), time.monotonic()
        if changed_ns == self._listed_ns and now_s < self._listed_s + _RELIST_S:
            return False
        self._listed_ns, self._listed_s = changed_ns, now_s
        try:
            entries = os.scandir(self._folder)
            self._names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
        except OSError:
            self._names = []
        return True

    def _come_and_gone(self) -> set[str]:
        names = set(self._names)
        gone = self._stamps.keys() - names
        for name in gone:
            del self._stamps[name]
            self._recent.pop(name, None)
        self._recent |= dict.fromkeys(names - self._stamps.keys(), time.monotonic())
        return gone

    def _due(self) -> list[str]:
        """Return whose turn it is."""
        if len(self._names) <= _AT_ONCE:
            return self._names
        since_s = time.monotonic() - _RECENT_S
        self._recent = {name: at_s for name, at_s in self._recent.items() if at_s > since_s}
        start = self._turn % len(self._names)
        self._turn = start + _AT_ONCE
        return [*dict.fromkeys([*self._recent, *self._names[start : start + _AT_ONCE]])]

    def _stamp(self, name: str) -> _Stamp:
        """Return what changes with an experiment; whatever a trainer replaces in its run folder changes the folder."""
        path, before = f"{self._folder}/{name}", self._stamps.get(name)
        runs_ns = _changed_ns(f"{path}/runs")
        run = before[2] if before and before[1] == runs_ns else newest_run(path) if runs_ns else None
        edited = (_changed_ns(f"{path}/experiment.json"), _changed_ns(f"{path}/draft.json"))
        return edited, runs_ns, run, _changed_ns(str(run.path)) if run else 0


_Stamp: TypeAlias = tuple[tuple[int, int], int, RunFolder | None, int]
"""When experiment.json and the draft changed, when its runs came or went, the newest of them, and when that changed."""


@lru_cache(maxsize=1)
def kernel_watch() -> Watch:
    """Return this process's one watch."""
    return Watch()


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
