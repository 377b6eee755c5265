"""A project's queue as experiments: who waits, in which order, and how to change that.

``project.queue`` is a sequence of experiments, the next one first. A look at it every second keeps each experiment's
``place`` and ``detail`` true, and has the next run started where its device is free and nobody else has done it.
It knows experiments and the queue's files; how a run is started is runs/queue.py's affair.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from nbtrain.errors import NbtrainError, StatusError
from nbtrain.messages import Leaving
from nbtrain.project import extending, lives
from nbtrain.runs import devices, entries, jobfolder, ledger
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.queue import Queue

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment
    from nbtrain.project.project import Project

LOOK_S = 1.0
_AGAIN_S = 5.0
"""A start that was asked for is not asked for again before this."""
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands among those that wait for the same device."""

    number: int = 0
    """1 is the next one; 0 for a run that does not wait."""
    of: int = 0
    """How many wait for this device."""
    text: str = ""
    """The same in words: "2nd in the queue, after Baseline"."""
    held: str = ""
    """Why it does not start by itself; empty for a run that this user queued on this machine."""


class ProjectQueue(Sequence["Experiment"]):
    """The experiments that wait for their device, in the order in which they will be trained."""

    def __init__(self, project: Project) -> None:
        self._project, self._queue = project, Queue(project.path)
        self._places: dict[Path, Place] = {}
        self._asked_s = -_AGAIN_S

    def __repr__(self) -> str:
        return f"[{', '.join(repr(experiment.name) for experiment in self)}]"

    def __len__(self) -> int:
        return len(self._experiments())

    @overload
    def __getitem__(self, index: int) -> Experiment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Experiment]: ...
    def __getitem__(self, index: int | slice) -> Experiment | list[Experiment]:
        """Return the experiment at a place, 0 being the next one."""
        return self._experiments()[index]

    def place(self, experiment: Experiment) -> Place:
        """Return where an experiment stood at the last look."""
        return self._places.get(experiment.run.path if experiment.run else Path(), Place())

    def move(self, experiment: Experiment, place: int) -> None:
        """Put an experiment at another place, 0 being the next one; raises StatusError where it does not wait."""
        self._queue.move(self._waiting(experiment), place)
        self.look()

    def start(self, experiment: Experiment) -> None:
        """Let a held experiment start as soon as its device is free, as if it had been queued here and now.

        Held is what this user did not queue on this machine, as it is now: ``experiment.held`` says why. Raises
        StatusError where it does not wait.
        """
        run = self._waiting(experiment)
        if not self._queue.start(run):
            raise StatusError(f"an experiment that is {experiment.status} does not wait in the queue")
        self._asked_s = -_AGAIN_S
        self.look()

    def shift(self, experiment: Experiment, by: int) -> None:
        """Move an experiment by so many places (-1 is one up) among those that wait for the same device."""
        run = self._waiting(experiment)
        found = entries.entries(self._project.path)
        mine = next(entry for entry in found if entry.run == run.path)
        held = bool(ledger.why_held(mine))
        line = [e for e in found if e.wanted().device == mine.wanted().device and bool(ledger.why_held(e)) == held]
        target = line[max(0, min(line.index(mine) + by, len(line) - 1))]
        self.move(experiment, found.index(target))

    def cancel(self, experiment: Experiment, ending: Leaving = "cancelled") -> bool:
        """Take an experiment out of the queue; return whether it was waiting.

        One whose run had never begun is not trained again, with the configuration that it would have been trained with;
        one that was to be extended has completed, as before.
        """
        wanted, run = experiment.present, experiment.run
        if run is None or not self._queue.cancel(run, self._project.trash, ending, extending.take_back_unbegun):
            return False
        self.look()
        experiment.look_at_queue()
        if experiment.status == "created" and experiment.config != wanted:  # changed while it waited
            experiment.config = wanted
            experiment.save()
        return True

    def change(self, run: RunFolder, write: Callable[[], object]) -> bool:
        """Call ``write`` while ``run`` waits, before anybody can start it; return whether it was waiting."""
        return self._queue.change(run, write)

    def look(self) -> None:
        """Read the queue, tell the experiments whose place has changed, and have the next one started if it can be."""
        self._tell_lost()
        found = entries.entries(self._project.path)
        before, self._places = self._places, self._read(found) if found else {}
        for experiment in self._project.cards if self._places or before else ():
            if self._places != before or self._has_missed(experiment):
                experiment.look_at_queue()
        if found and time.monotonic() - self._asked_s > _AGAIN_S and self._queue.startable():
            self._asked_s = time.monotonic()
            lives.start_next(self._project.path)

    def _has_missed(self, experiment: Experiment) -> bool:
        """Tell whether an experiment waits and shows something else: its last life's end was told after that."""
        return experiment.status != "pending" and bool(self.place(experiment).number)

    def _tell_lost(self) -> None:
        """Take those out of the queue whose run folder somebody has deleted, and say so."""
        with contextlib.suppress(NbtrainError):  # somebody else has the queue, or nobody may write it: the next look
            for run in self._queue.drop_lost():
                told = "waited in the queue, but its run folder is gone: it has been taken out of the queue"
                self._project.notice(f"“{self._name(run)}” {told} ({run}).")

    def _read(self, found: list[entries.Entry]) -> dict[Path, Place]:
        lines: dict[str, list[Path]] = {}
        held: dict[Path, str] = {}
        for entry in found:
            if why := ledger.why_held(entry):
                held[entry.run] = why
            else:
                lines.setdefault(entry.wanted().device, []).append(entry.run)
        places = {run: self._place(device, line, number, len(lines) > 1)
                  for device, line in lines.items() for number, run in enumerate(line)}  # fmt: skip
        for number, (run, why) in enumerate(held.items(), 1):
            places[run] = Place(number, len(held), f"held in the queue: {why}", why)
        return places

    def _place(self, device: str, line: list[Path], number: int, several: bool) -> Place:
        text = f"{_ordinal(number + 1)} in the queue" + (f" for {device}" if several else "")
        if number:
            return Place(number + 1, len(line), f"{text}, after {self._name(line[number - 1])}")
        users = " and ".join(map(self._name, devices.users(device)))
        return Place(1, len(line), text + (f", after {users}" if users else ""))

    def _name(self, run: Path) -> str:
        """Return what to call a user of a device: experiment, short job, or the project of a run elsewhere."""
        if run.parent.name == jobfolder.FOLDER:
            return jobfolder.name_of_user(run)
        project = run.parents[3] if len(run.parents) > 3 else run
        if project.resolve() != self._project.path.resolve():
            return f"a run of {project.name}"
        folder = run.parents[1].name
        return next((e.name for e in self._project.cards if e.folder and e.folder.name == folder), folder)

    def _experiments(self) -> list[Experiment]:
        cards: list[Experiment] = self._project.cards
        runs = {experiment.run.path: experiment for experiment in cards if experiment.run is not None}
        return [runs[entry.run] for entry in entries.entries(self._project.path) if entry.run in runs]

    def _waiting(self, experiment: Experiment) -> RunFolder:
        if experiment.run is None or not experiment.run.queued:
            raise StatusError(f"an experiment that is {experiment.status} does not wait in the queue")
        return experiment.run


def _ordinal(number: int) -> str:
    return f"{number}{'th' if 10 <= number % 100 <= 20 else _ENDINGS.get(number % 10, 'th')}"
