"""The lives of a run: what must be true before its first and before its next, and how each is launched.

It knows statuses, devices and the launcher. It does not know who shows the run, nor what becomes of the experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrain.config import Config
from nbtrain.errors import BusyError, ConfigError, NbtrainError, Problem, StatusError
from nbtrain.messages import RESUMABLE
from nbtrain.runs import devices, launch
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.worker import WhenBusy


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


def on_device(config: Config, method: str, *, beside: bool, queue: bool) -> WhenBusy:
    """Return what a trainer does where others use its device; raises BusyError where that was not said."""
    others = [] if beside or queue else devices.busy(config.hardware.device)
    if others:
        advice = f"Run beside it with {method}(beside=True), or wait until it is free with {method}(queue=True)."
        raise BusyError("the device is in use by another run", value=str(others[0]), advice=advice)
    return "beside" if beside else "wait" if queue else "refuse"


def begin(
    experiment: Path, frozen: Mapping[str, Any], when: WhenBusy, trash: Callable[[Path], object]
) -> RunFolder | None:
    """Make and start the experiment's next run; None where another kernel was faster by a moment."""
    try:
        run = RunFolder.create(experiment, frozen)
    except BusyError:
        return None
    try:
        launch.start(run, when_busy=when)
    except NbtrainError:  # it has said why; a run that never began is none
        trash(run.path)
        raise
    return run


def go_on(run: RunFolder, when: WhenBusy) -> None:
    """Start the run's next life; one that another kernel has started meanwhile does as well."""
    try:
        launch.start(run, when_busy=when)
    except BusyError:
        if run.living() == "gone":  # nobody has the run: it is the device that is busy
            raise
