"""The lives of a run: what must be true before its first and before its next, and how each is launched.

It knows statuses, devices and the launcher. It does not know who shows the run, nor what becomes of the experiment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from nbtrain.config import Config
from nbtrain.errors import BusyError, ConfigError, NbtrainError, Problem, StatusError
from nbtrain.messages import ENDED, RESUMABLE
from nbtrain.project import readiness
from nbtrain.runs import devices, launch, queue
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.queue import Queue

When: TypeAlias = Literal["refuse", "beside", "wait"]
"""What a start does where others use the device, or wait for it."""
_FROM_OUTSIDE = frozenset({"killed", "interrupted", "worker", "shared memory", "disk"})
"""Causes that lie outside of what was configured, so that the same may go well the next time."""
_WORD_S = 2.0
"""How long a trainer may take from its lock to its first word."""


def must_be_trainable(status: str, problems: Sequence[Problem]) -> None:
    """Raise StatusError where the experiment has been trained, ConfigError where its configuration has problems."""
    if status != "created":
        goes_on = "resume() goes on with it; " if status in RESUMABLE else ""
        advice = (
            f"{goes_on}restart() moves its results to the trash and makes it editable; duplicate() makes a new one."
        )
        raise StatusError(f"an experiment that is {status} has been trained already", advice=advice)
    if problems:
        raise ConfigError(problems)


def must_be_resumable(status: str) -> None:
    """Raise StatusError where there is nothing to go on with."""
    if status == "created":
        raise StatusError("an experiment that has not been trained cannot be resumed", advice="train() starts it.")
    if status not in RESUMABLE:
        advice = "All its epochs are done; duplicate() makes a new one, whose training.epochs may be more."
        raise StatusError(f"an experiment that is {status} cannot be resumed", advice=advice)


def must_be_ready(project: Path, config: Config, *, fresh: bool) -> None:
    """Raise ConfigError where the next life of a run lacks what it needs; a ``fresh`` one has no checkpoint yet."""
    found = [*readiness.machine_problems(project, config)]
    found += readiness.start_problems(project, config) if fresh else ()
    if found:
        raise ConfigError(found)


def resume_comes_first(status: str, cause: str, *, has_checkpoint: bool) -> bool:
    """Tell whether going on is what helps a run that has ended; else it would only fail again in the same way."""
    return status in RESUMABLE and (
        status != "failed" or cause in _FROM_OUTSIDE or (has_checkpoint and cause != "configuration")
    )


def changes_of_fix(error: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the ``{path: value}`` of a failure's fix; raises NbtrainError where it proposes no such one."""
    fixes = error.get("fixes", ())
    if not 0 <= number < len(fixes):
        there = "; ".join(f"{place}: {fix['label']}" for place, fix in enumerate(fixes)) or "none"
        raise NbtrainError("the failure proposes no such fix", value=number, advice=f"There is: {there}.")
    return dict(fixes[number]["changes"])


def on_device(project: Path, config: Config, method: str, *, beside: bool, wait: bool) -> When:
    """Return what a start does where others use its device; raises BusyError where that was not said."""
    others = [] if beside or wait else queue.users(project, devices.device_name(config.hardware.device))
    if others:
        advice = f"Run beside it with {method}(beside=True), or wait until it is free with {method}(queue=True)."
        raise BusyError("the device is in use by another run", value=str(others[0]), advice=advice)
    return "beside" if beside else "wait" if wait else "refuse"


def begin(experiment: Path, frozen: Mapping[str, Any], when: When, trash: Callable[[Path], object]) -> RunFolder | None:
    """Make the experiment's next run and start or queue it; None where another kernel was faster by a moment."""
    try:
        run = RunFolder.create(experiment, frozen)
    except BusyError:
        return None
    try:
        _go(run, when)
    except NbtrainError:  # it has said why; a run that never began is none
        trash(run.path)
        raise
    return run


def go_on(run: RunFolder, when: When) -> None:
    """Start or queue the run's next life; one that another kernel has started meanwhile does as well."""
    try:
        _go(run, when)
    except BusyError:
        if run.living() == "gone":  # nobody has the run: it is the device that is busy
            raise
    _await_word(run)


def _await_word(run: RunFolder) -> None:
    """Wait until the trainer that somebody else has just started has said so: until then the last life's end shows."""
    end_s = time.monotonic() + _WORD_S
    while time.monotonic() < end_s and run.status().status in ENDED and run.living() != "gone":
        time.sleep(0.01)


def _go(run: RunFolder, when: When) -> None:
    if when == "wait":
        Queue(run.project).enter(run, launch.start)
    else:
        launch.start(run, when_busy=when)


def start_next(project: Path) -> None:
    """Have the next run of the project's queue started; return at once."""
    launch.start_next(project)
