"""The same four methods as a launcher, in this process: for tests and for places where no process may be started.

Known here: how to run the trainer's core in a thread. Not known here: anything a launcher with processes knows; there
is no log file, no small parent, and nothing that could end a loop which does not answer.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Protocol

from nbtrain.errors import BusyError
from nbtrain.messages import Stop
from nbtrain.runs import devices, launch
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.launch import Launched
from nbtrain.runs.worker import Build, Trainer, WhenBusy


class Launcher(Protocol):
    """What an experiment needs in order to be trained somewhere."""

    def start(self, run: RunFolder, *, when_busy: WhenBusy = "refuse") -> Launched:
        """Start the run's trainer; return once it holds the run's lock."""

    def stop(self, run: RunFolder) -> None:
        """Ask the run's trainer to stop."""

    def busy(self, device: str) -> list[Path]:
        """Return the runs that use a device now."""

    def ensure_warm(self) -> bool:
        """Make ready for a quick start."""


class Detached:
    """Trainers as processes of their own, see launch.py."""

    def start(self, run: RunFolder, *, when_busy: WhenBusy = "refuse") -> Launched:
        """Start the run's trainer; return once it holds the run's lock."""
        return launch.start(run, when_busy=when_busy)

    def stop(self, run: RunFolder) -> None:
        """Ask the run's trainer to stop."""
        run.ask(Stop())

    def busy(self, device: str) -> list[Path]:
        """Return the runs that use a device now."""
        return devices.busy(device)

    def ensure_warm(self) -> bool:
        """Have a warm process from soon on."""
        return launch.ensure_warm()


class Inline(Detached):
    """Trainers as threads of this process; without ``threaded`` a start returns when its run has ended."""

    def __init__(self, build: Build | None = None, *, threaded: bool = True) -> None:
        self._build, self._threaded = build, threaded

    def start(self, run: RunFolder, *, when_busy: WhenBusy = "refuse") -> Launched:
        """Run the trainer in a thread."""
        trainer, words = Trainer(run, when_busy=when_busy, own_process=False), list[dict[str, Any]]()
        if not trainer.begin(words.append):
            raise BusyError("the run could not be started here", value=words[0])
        thread = threading.Thread(target=trainer.work, args=(self._build,), name="nbtrain-inline", daemon=True)
        thread.start()
        if not self._threaded:
            thread.join()
        return Launched(pid=os.getpid(), warm=True)

    def ensure_warm(self) -> bool:
        """There is nothing to warm."""
        return True
