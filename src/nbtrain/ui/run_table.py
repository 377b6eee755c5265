"""The status table: every experiment of a project with its run, in one table, live. ``project.table`` shows it alone.

Order, filters and columns are the view's; what is ticked is compared. It knows what an experiment says of itself, and
opens no file for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import List, Unicode

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.listed import Listed, card_of


class RunTable(Listed, twin="run_table"):
    """One row per experiment: status, progress, best metric, duration, data, model, device."""

    selected = Unicode(help="Id of the selected experiment, empty for none.").tag(sync=True)
    overlay = List(Unicode(), help="Ids of the experiments that are compared with the selected one.").tag(sync=True)

    def __init__(self, project: Project, open_stage: Callable[[str], None] | None = None, **kwargs: Any) -> None:
        """Show ``project``; ``open_stage`` opens the stage in which a chosen row is shown."""
        super().__init__(**kwargs)
        self._open_stage = open_stage or (lambda stage: None)
        self.show(project)

    def show(self, project: Project) -> None:
        """Show another project."""
        self.follow_project(project)
        with self.hold_sync():
            self.overlay, self.selected = [], ""
            self.redraw()

    def card(self, experiment: Experiment) -> dict[str, Any]:
        """Return the row of an experiment."""
        config = experiment.config
        return {
            **card_of(experiment),
            "started_s": experiment.started_s or None,
            "best_epoch": experiment.best.get("epoch"),
            "data": config.data.dataset,
            "model": config.model.entry.variant,
            "device": config.hardware.device,
        }

    def arrived(self, listed: list[Experiment]) -> None:
        """Let go of those that are gone."""
        self.selected = self.selected if self.selected in self._followed else ""
        self.overlay = [id for id in self.overlay if id in self._followed]

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_open(self, id: str, stage: str) -> None:
        """Select an experiment and open a stage with it."""
        if id in self._followed:
            self.selected = id
        self._open_stage(stage)
