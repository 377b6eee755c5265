"""Several experiments of a project compared: tables of metrics and settings, and their curves below. It places them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.compare import Compare
from nbtrain.ui.curves import Curves
from nbtrain.ui.group import Group
from nbtrain.ui.panel import shared_layout


class ComparisonView(Group):
    """Tables and curves of some experiments."""

    def __init__(self, project: Project, choose: Callable[[str, bool], None], **kwargs: Any) -> None:
        """Compare experiments of ``project``; ``choose`` is told whom a person wants, or no longer."""
        layout = kwargs["layout"] = kwargs.get("layout") or shared_layout()
        self.tables = Compare(project, choose, layout=layout)
        self.curves = Curves(layout=layout)
        super().__init__([self.tables, self.curves], **kwargs)
        self.add_class("nbt-comparison")

    def show(self, project: Project, first: Experiment | None, others: Sequence[tuple[int, Experiment]] = ()) -> None:
        """Set ``others``, each with its place in the palette, against the ``first``."""
        self.tables.show(project, first, others)
        self.curves.show(first, [(place, other) for place, other in others if other.run_path])
