"""The header: which project, for which task, on which machine; the stages; toasts; the kernel's heartbeat.

It follows the project and every experiment's status. Opening another project or stage is the studio's affair, which is
called back.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from traitlets import Dict, Float, List, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.messages import ENDED
from nbtrain.project import recent
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs.folder import newest_run
from nbtrain.ui.listed import is_unsaved
from nbtrain.ui.machine import machine
from nbtrain.ui.panel import Heart, Panel

_KEPT_TOASTS = 8
_SAID = {
    "completed": ("good", "{name} is completed"),
    "failed": ("bad", "{name} failed"),
    "cancelled": ("info", "{name} was stopped"),
    "paused": ("info", "{name} is paused"),
}


class Header(Heart, Panel, twin="header"):
    """Project menu, task, machine, toasts."""

    project = Dict(help="Name, path, task and number of classes of the open project.").tag(sync=True)
    recent = List(Dict(), help="Recent projects: name, path, what runs, whether it is this one.").tag(sync=True)
    machine = Dict(help="CPU, memory and GPUs.").tag(sync=True)
    unsaved = Unicode(help="Name of an experiment with unsaved edits, empty where there is none.").tag(sync=True)
    toasts = List(
        Dict(), help="What has happened: id, kind and text; each view shows the ones that are new to it."
    ).tag(sync=True)
    stages = List(Dict(), help="Key and label of each stage; empty where there is only one.").tag(sync=True)
    stage = Unicode(help="Key of the stage that is open.").tag(sync=True)
    beat = Float(help="Wall clock of the last beat, seconds since 1970.").tag(sync=True)

    def __init__(
        self,
        project: Project,
        opened: Callable[[Project], None] | None = None,
        staged: Callable[[str], None] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show ``project``; another one that is opened goes to ``opened``, a chosen stage to ``staged``."""
        super().__init__(**kwargs)
        self._opened, self._ids = opened or self.show, count(1)
        self._staged = staged or (lambda stage: None)
        self.show(project)
        self.start_beating()

    def show(self, project: Project) -> None:
        """Follow ``project`` from now on."""
        self.unfollow()
        self.model = project
        self.follow(project, "name", "defaults")
        self.follow(project, "cards", call=self._listed)
        self._saw: dict[str, tuple[str, bool]] = {}
        self._listed_by_id: dict[str, Experiment] = {}
        self._listed()
        self.redraw()

    def state(self) -> dict[str, Any]:
        """Return what the header shows of the project."""
        edited = next((e.name for e in self.model.cards if is_unsaved(e)), "")
        named = {"name": self.model.name, "path": str(self.model.path)}
        about = {"task": self.model.new_config().task.label.lower(), "n_classes": len(self.model.classes)}
        return {"project": {**named, **about}, "unsaved": edited}

    def pump(self) -> None:
        """Beat, and look at the machine with it: one message for both."""
        with self.hold_sync():
            if self.visible:
                self.machine = machine()
                self.went("watch", self.model.watch.trouble)
            super().pump()

    # -- toasts

    def toast(self, text: str, kind: str = "info") -> None:
        """Say ``text`` for a few seconds; ``kind`` is info, good or bad."""
        self.toasts = [*self.toasts, {"id": next(self._ids), "kind": kind, "text": text}][-_KEPT_TOASTS:]

    def _listed(self, _: Any = None) -> None:
        listed = {experiment.id: experiment for experiment in self.model.cards}
        gone = [experiment for id, experiment in self._listed_by_id.items() if listed.get(id) is not experiment]
        if gone:
            self.unfollow(*gone)
        self._listed_by_id = listed
        for id, experiment in listed.items():
            self._saw.setdefault(id, (experiment.status, experiment.dirty))
            self.follow(experiment, "status", "dirty", call=self._happened)
        self.soon()

    def _happened(self, change: Any) -> None:
        experiment: Experiment = change["owner"]
        before, self._saw[experiment.id] = self._saw[experiment.id], (experiment.status, experiment.dirty)
        said = toast_for(experiment, *before)
        if said:
            self._waiting = [*getattr(self, "_waiting", []), said]
        self.soon()

    def draw(self) -> None:
        """Draw the project, and say the toasts that are waiting."""
        super().draw()
        waiting, self._waiting = getattr(self, "_waiting", []), []
        for kind, text in waiting:
            self.toast(text, kind)

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_look(self) -> None:
        """Read what runs in the recent projects; their menu is being opened."""
        self.recent = [_recent(path, path == self.model.path) for path in recent.folders()]

    def do_stage(self, stage: str) -> None:
        """Open a stage of the studio."""
        self._staged(stage)

    def do_open(self, path: str, unsaved: str = "") -> None:
        """Open or prepare the project at ``path``; ``unsaved`` says what becomes of edits: save, drop, or as they are.

        Where one cannot be saved, this project stays open and says why.
        """
        for experiment in [e for e in self.model.cards if is_unsaved(e)]:
            if unsaved == "save":
                try:
                    experiment.save()
                except NbtrainError as error:
                    self.toast(f"“{experiment.name}” could not be saved: {error}", "bad")
                    return
            elif unsaved == "drop":
                experiment.revert()
        self._opened(Project(path))


def toast_for(experiment: Experiment, status: str, dirty: bool) -> tuple[str, str] | None:
    """Return kind and text of what to say after a change from ``status`` and ``dirty``, or None."""
    name = f"“{experiment.name}”"
    if experiment.status != status:
        if experiment.status in ENDED and status != "created":
            kind, text = _SAID[experiment.status]
            return kind, text.format(name=name)
        if status == "pending" and experiment.status == "created":
            return "info", f"{name} has left the queue"
        if status in ENDED and experiment.running:
            return "info", f"{name} goes on"
        if status in ("created", "pending") and experiment.status == "preparing":
            return "info", f"{name} has started"
        return None
    if dirty and not experiment.dirty and experiment.status == "created":
        return "good", f"{name} is saved"
    return None


def _recent(path: Path, current: bool) -> dict[str, Any]:
    running = []
    for folder in sorted((path / "experiments").glob("*")):
        run = newest_run(folder)
        if run is not None and run.shown_status().status not in (*ENDED, "created"):
            running.append(folder.name.rpartition("-")[0])
    return {"name": path.name, "path": str(path), "running": running, "current": current}
