"""The queue of a project: runs that wait for their device, and the start of whichever comes next.

Only what this user queued on this machine starts by itself (ledger.py); an entry of anybody else is held until this
user starts it with :meth:`Queue.start`, and nothing waits for it meanwhile.
No process waits. Whoever ends a run, and whoever looks at the project while a device is free, calls :func:`main` in a
process of its own; it starts what can be started. All changes happen under the queue's lock, and an entry is taken out
only when its run has a trainer or has been told why not, so nothing is started twice and nothing is lost.
Known here: entries, runs, devices, the launcher. Not known here: experiments, or who shows them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nbtrain import files, locks
from nbtrain.errors import BusyError, NbtrainError, ProjectError
from nbtrain.messages import LEFT, RESUMABLE, Leaving, Status
from nbtrain.runs import devices, entries, lastword, launch, ledger
from nbtrain.runs.entries import Entry, Wanted
from nbtrain.runs.failures import failure_of
from nbtrain.runs.folder import RunFolder

_PATIENCE_S = 10.0
_LONG_PATIENCE_S = 120.0
"""A start may take long, and the end of a run that comes meanwhile must not be missed."""
_MASK = "CUDA_VISIBLE_DEVICES"


class Queue:
    """The queue of the project in ``project``; every answer is read from disk anew."""

    def __init__(self, project: str | Path) -> None:
        self.project = Path(project)
        self._lock = locks.FileLock(entries.folder(self.project) / "lock")

    def enter(self, run: RunFolder, start: Callable[..., Any] = launch.start) -> None:
        """Start the run where its device is free and nobody waits for it, else queue it; raises as ``start`` does."""
        with self._held(_PATIENCE_S):
            if entries.find(run.path) is not None:
                return
            device = devices.device_name(device_of(run))
            if not users(self.project, device) and _started(run, start):
                return
            self._append(run, device)

    def cancel(
        self,
        run: RunFolder,
        trash: Callable[[Path], object],
        ending: Leaving = "cancelled",
        take_back: Callable[[RunFolder], bool] = lambda _: False,
    ) -> bool:
        """Take a run out of the queue; return False where it does not wait (any more).

        One that no trainer has ever had holds nothing, and goes to the ``trash``. One that had ended is what it was
        before. Of one that had completed ``take_back`` undoes what it was to go on with, and returns whether it could:
        else this ends it.
        """
        if entries.find(run.path) is None:
            return False
        with self._held(_PATIENCE_S):
            entry = entries.find(run.path)
            if entry is None or run.living() != "gone":
                return False
            said, detail = run.status(), f"{LEFT[ending]} while it waited."
            if not run.begun:
                trash(run.path)
            elif said.status not in RESUMABLE and not take_back(run):
                status = replace(said, status=ending, phase="", detail=detail, cause="")
                place = {name: getattr(said, name) for name in ("epoch", "epochs", "step", "steps")}
                lastword.say(run, status, Status(status=ending, detail=detail, **place))
            take_out(entry)
        return True

    def start(self, run: RunFolder) -> bool:
        """Let a held run start as if this user had queued it, at its place; return False where it does not wait."""
        with self._held(_PATIENCE_S):
            entry = entries.find(run.path)
            if entry is None or run.living() != "gone":
                return False
            if ledger.why_held(entry):
                self._write(entry.path, run, device_of(run))
        return True

    def move(self, run: RunFolder, place: int) -> None:
        """Put a waiting run at ``place`` (0 is the next one) of the queue; one that does not wait is left alone."""
        with self._held(_PATIENCE_S):
            found = entries.entries(self.project)
            mine = [entry for entry in found if entry.run == run.path]
            rest = [entry for entry in found if entry.run != run.path]
            place = max(0, min(place, len(rest)))
            for order, entry in enumerate([*rest[:place], *mine, *rest[place:]] if mine else [], 1):
                if entry.order != order:
                    files.rename(entry.path, entry.path.with_name(entries.name(order, entry.run)))

    def change(self, run: RunFolder, write: Callable[[], object]) -> bool:
        """Call ``write`` while ``run`` waits and nobody can start it; return False where it does not (any more)."""
        with self._held(_PATIENCE_S):
            if entries.find(run.path) is None or run.living() != "gone":
                return False
            write()
        return True

    def drop_lost(self) -> list[Path]:
        """Take out the entries whose run folder is gone; return what those folders were, for whoever tells it."""
        if not entries.lost(self.project):
            return []
        with self._held(_PATIENCE_S):
            gone = entries.lost(self.project)
            for entry in gone:
                take_out(entry)
        return [entry.run for entry in gone]

    def startable(self) -> bool:
        """Tell whether a run waits whose device is free, and nobody is about to start it."""
        found = entries.entries(self.project)
        if not found or locks.locked(self._lock.path) is not False:
            return False
        return any(not devices.users(entry.wanted().device) for entry in found if not ledger.why_held(entry))

    def advance(self, start: Callable[..., Any] = launch.start, patience_s: float = _PATIENCE_S) -> list[RunFolder]:
        """Start what can be started, in order; return which runs that were. What cannot be is told at its run."""
        if not entries.entries(self.project):
            entries.forget(self.project)
            return []
        begun: list[RunFolder] = []
        with self._held(patience_s):
            taken: set[str] = set()
            for entry in entries.entries(self.project):
                wanted = entry.wanted()
                if is_stale(entry):
                    take_out(entry)
                elif wanted.device not in taken and not devices.users(wanted.device) and not ledger.why_held(entry):
                    begun += self._start(entry, wanted, start, taken)
            if not entries.entries(self.project):
                entries.forget(self.project)
        return begun

    def _start(self, entry: Entry, wanted: Wanted, start: Callable[..., Any], taken: set[str]) -> list[RunFolder]:
        run, begun = RunFolder(entry.run), True
        try:
            with _seeing(wanted.visible):
                if not _started(run, start):
                    taken.add(wanted.device)
                    return []
            taken.add(wanted.device)
        except (NbtrainError, OSError) as error:
            begun = False
            _say_failed(run, wanted, error)
        take_out(entry)
        return [run] if begun else []

    def _append(self, run: RunFolder, device: str) -> None:
        last = max((entry.order for entry in entries.entries(self.project)), default=0)
        self._write(entries.folder(self.project) / entries.name(last + 1, run.path), run, device)

    def _write(self, path: Path, run: RunFolder, device: str) -> None:
        """Write an entry of this user; its record comes first, so that it is never held."""
        said, mask = run.status(), os.environ.get(_MASK)
        try:
            token = ledger.record(run.path)
            wanted = Wanted(device, time.time(), said.status, said.heartbeat_s, mask, token, ledger.who())
            files.write_json(path, {"format": 1, **asdict(wanted)})
        except OSError as error:
            raise _unusable(self.project, error) from None
        entries.note(self.project)

    @contextmanager
    def _held(self, patience_s: float) -> Iterator[None]:
        try:
            files.make_folder(entries.folder(self.project), parents=False)
            held = self._lock.acquire(patience_s)
        except OSError as error:
            raise _unusable(self.project, error) from None
        if not held:
            advice = "Another process is just starting a run from it; try again in a moment."
            raise BusyError("the queue is in use", value=str(self.project), advice=advice)
        try:
            yield
        finally:
            self._lock.release()


def users(project: Path, device: str) -> list[Path]:
    """Return the runs that use ``device`` (the machine's name) or, where none does, those that wait for it here.

    Nobody waits for a run that is held.
    """
    waiting = (entry for entry in entries.waiting(project, device) if not ledger.why_held(entry))
    return devices.users(device) or [entry.run for entry in waiting]


def take_out(entry: Entry) -> None:
    """Remove an entry, and with it the record that let it start: a token serves once."""
    ledger.forget(entry)
    files.remove(entry.path)


def device_of(run: RunFolder) -> str:
    """Return the device that a run's configuration names; ``auto`` where it cannot be read: the trainer will tell."""
    try:
        hardware = run.config.get("config", {}).get("hardware", {})
        return str(hardware.get("device") or "auto")
    except (OSError, NbtrainError, AttributeError):
        return "auto"


def is_stale(entry: Entry) -> bool:
    """Tell whether the run of an entry has been started or ended since it was queued."""
    run = RunFolder(entry.run)
    return run.living() != "gone" or _has_gone_on(run, entry.wanted())


def _has_gone_on(run: RunFolder, wanted: Wanted) -> bool:
    """Tell whether somebody has said something of the run since it was queued; its heartbeat may be older than that."""
    said = run.status()
    return bool(wanted.status) and (said.status, said.heartbeat_s) != (wanted.status, wanted.heartbeat_s)


def main() -> None:
    """Entry of the process: ``PROJECT…``; looks also at the queues of other projects on this machine."""
    if hasattr(os, "fork") and os.fork():
        os._exit(0)  # whoever started this sees its child end at once
    found = {path.resolve() for path in (*map(Path, sys.argv[1:]), *entries.noted())}
    for project in sorted(found, key=_oldest_s):
        try:
            Queue(project).advance(patience_s=_LONG_PATIENCE_S)
        except (OSError, NbtrainError):
            continue  # a project that cannot be written any more; the others go on


def _oldest_s(project: Path) -> float:
    return min((entry.wanted().since_s for entry in entries.entries(project)), default=0.0)


def _started(run: RunFolder, start: Callable[..., Any]) -> bool:
    """Start a run; return False where its device has been taken meanwhile. One that has a trainer already will do."""
    try:
        start(run, when_busy="refuse")
    except BusyError:
        return run.living() != "gone"
    return True


def _say_failed(run: RunFolder, wanted: Wanted, error: Exception) -> None:
    """Tell why it could not be started, unless its trainer could say so itself."""
    if _has_gone_on(run, wanted):
        return
    said, failure = run.status(), failure_of(error)
    place = {name: getattr(said, name) for name in ("epoch", "epochs", "step", "steps")}
    word = Status(status="failed", detail=failure.message, **place)
    status = replace(said, status="failed", phase="", detail=failure.message, cause=failure.cause)
    lastword.say(run, status, failure, word)


@contextmanager
def _seeing(visible: str | None) -> Iterator[None]:
    """Start as whoever queued it would have: with the same devices visible."""
    before = os.environ.get(_MASK)
    _mask(visible)
    try:
        yield
    finally:
        _mask(before)


def _mask(visible: str | None) -> None:
    if visible is None:
        os.environ.pop(_MASK, None)
    else:
        os.environ[_MASK] = visible


def _unusable(project: Path, error: OSError) -> ProjectError:
    what = f"the queue of this project cannot be changed: {error.strerror or error}"
    return ProjectError(what, value=str(project), advice="Check that the folder can be written and has room.")


if __name__ == "__main__":
    main()
