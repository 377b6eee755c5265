"""Changes between two lives of a run: written while no trainer has it, and followed from the next life's first step.

What a trainer takes live can also be changed while the run waits in the queue, or together with a resume; so can what
no number hangs on, such as loader workers. Each is an entry at the step that the next life goes on from, as if it had
been asked for live just then, and a journal line. All else is part of the checkpoint's state, or of the data: that
needs a new run. It knows the run folder; it does not know traits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from nbtrain import locks
from nbtrain.config import Config, Facts
from nbtrain.errors import BusyError, ConfigError, NbtrainError, Problem, StatusError
from nbtrain.messages import Changed
from nbtrain.project import changing
from nbtrain.project.extending import GONE_S
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import Journal
from nbtrain.training import kept
from nbtrain.training.changes import FREE, Changes, Entry, changeable


def needs_a_new_run(config: Config, changes: Mapping[str, Any]) -> str:
    """Return why ``changes`` cannot be made on a resume, for the person; empty where they can."""
    fixed = [path for path in changes if path not in changeable(config)]
    return f"{' and '.join(fixed)} cannot change within a run: its checkpoints hang on it." if fixed else ""


def planned(run: RunFolder, chosen: Config, wanted: Mapping[str, Any], begun: int, facts: Facts) -> list[Entry]:
    """Return the entries for ``wanted``; raises StatusError for a path that is fixed, ConfigError for a bad value."""
    now = Changes.of(run.path).present(chosen)
    why = needs_a_new_run(now, wanted)
    if why:
        advice = f"These can: {', '.join(changeable(now))}. For all else, restart it or duplicate it."
        raise StatusError(why.rstrip("."), advice=advice)
    after = now.set_all(wanted)
    before = now.check(facts)
    problems = [problem for problem in after.check(facts) if problem not in before]
    problems += [
        Problem(path, *changing.UNDECIDED) for path in wanted if path not in FREE and after.get(path) == "auto"
    ]
    if "training.epochs" in wanted:
        problems += changing.too_few(after.training.most_epochs, begun)
    if problems:
        raise ConfigError(problems)
    step = _next_step(run)
    return [Entry(step=step, path=path, old=now.get(path), value=after.get(path), t_s=time.time())
            for path in wanted if after.get(path) != now.get(path)]  # fmt: skip


def write(run: RunFolder, entries: list[Entry]) -> Callable[[], None]:
    """Write the entries down, and say them in the journal; return what takes them back where no life begins.

    Raises BusyError where a trainer has the run.
    """
    before: tuple[Entry, ...] = ()

    def add() -> None:
        nonlocal before
        changes = Changes.of(run.path)
        before = changes.entries
        for entry in entries:
            changes.add(entry)
        _say(run, [Changed(path=e.path, old=e.old, value=e.value, step=e.step) for e in entries])

    def take_back() -> None:
        why = "the run could not be started"
        Changes.of(run.path).replace(before)
        _say(run, [Changed(path=e.path, old=e.old, value=e.old, step=e.step, refused=why) for e in entries])

    _locked(run, add)
    return lambda: _locked(run, take_back)


def _locked(run: RunFolder, write: Callable[[], None]) -> None:
    lock = locks.FileLock(run.lock)
    if not lock.acquire(GONE_S):
        raise BusyError("this run is being trained", value=str(run.path), advice="Look at it again in a moment.")
    try:
        write()
    except OSError as error:
        what = f"the changes could not be written: {error.strerror or error}"
        raise NbtrainError(what, value=str(run.path), advice="Make room on the disk, or try again.") from error
    finally:
        lock.release()


def _say(run: RunFolder, words: list[Changed]) -> None:
    journal = Journal(run.events)
    for word in words:
        journal.say(word)
    journal.close()


def _next_step(run: RunFolder) -> int:
    """Return the step that the next life begins at: its newest checkpoint's, also a branch's first one."""
    there = kept.checkpoints(run.path / "checkpoints") or kept.checkpoints(run.experiment / kept.START)
    return there[-1].step if there else 0
