"""The results of one experiment: run bar, findings, charts, details. ``experiment.results`` shows them alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipywidgets import Layout

from nbtrain.project.experiment import Experiment
from nbtrain.ui.curves import Curves
from nbtrain.ui.details import Details
from nbtrain.ui.findings import Findings
from nbtrain.ui.group import Group
from nbtrain.ui.panel import shared_layout
from nbtrain.ui.run_bar import RunBar


class Results(Group):
    """Run bar, findings, charts and details of one experiment; it places them, nothing else."""

    def __init__(
        self, experiment: Experiment | None = None, *, heart: bool = True, layout: Layout | None = None, **kwargs: Any
    ) -> None:
        layout = layout or shared_layout()
        self.run_bar = RunBar(experiment, heart=heart, layout=layout)
        self.findings = Findings(experiment, layout=layout)
        self.curves = Curves(experiment, layout=layout)
        self.details = Details(experiment, layout=layout)
        super().__init__([self.run_bar, self.findings, self.curves, self.details], layout=layout, **kwargs)
        self.add_class("nbt-results")

    def show(self, experiment: Experiment | None, compared: Sequence[tuple[int, Experiment]] = ()) -> None:
        """Show another experiment, with ``compared`` ones laid over its curves."""
        self.run_bar.show(experiment)
        self.findings.show(experiment)
        self.curves.show(experiment, compared)
        self.details.show(experiment)
