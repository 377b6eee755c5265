"""The studio: all panels of a project in one place. It places them and passes on what is selected, nothing else.

``from nbtrain import TrainingStudio`` loads this file and ipywidgets: what makes a panel imports it, so that the first
display pays for what it shows, and a stage that nobody opens is never loaded.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ipywidgets import DOMWidget, Widget

from nbtrain.errors import NbtrainError
from nbtrain.ui import hosts
from nbtrain.ui.group import Group, close_all
from nbtrain.ui.picture import Pictured
from nbtrain.ui.pulse import PULSE

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment
    from nbtrain.project.project import Project
    from nbtrain.ui.comparison_view import ComparisonView
    from nbtrain.ui.data_stage import DataStage
    from nbtrain.ui.evaluation_stage import EvaluationStage
    from nbtrain.ui.guide import GuidePanel
    from nbtrain.ui.run_table import RunTable


class TrainingStudio(Pictured, Group):
    """The whole of a project: list, configuration and results, live.

    ``project`` is a :class:`~nbtrain.Project`, the path of one, or nothing for ``./nbtrain-project``, which is made
    with the first experiment or data set and not before.
    """

    def __init__(self, project: Project | str | Path | None = None, **kwargs: Any) -> None:
        from nbtrain.project.project import DEFAULT_PATH, Project
        from nbtrain.ui.attach import attach
        from nbtrain.ui.panel import shared_layout

        attach()
        hosts.enable_widgets()
        self._layout = shared_layout()
        self._own = not isinstance(project, Project)
        self.project = project if isinstance(project, Project) else _opened(Path(project or DEFAULT_PATH))
        self._shown_by: tuple[str, str] | None = None
        """Cell, and its execution, whose output this is; None before it is displayed."""
        super().__init__(self._panels(), layout=self._layout, **kwargs)
        self.add_class("nbt-studio")
        _STUDIOS.add(self)

    def _panels(self) -> list[Widget]:
        """Make the panels that are there from the beginning."""
        from nbtrain.ui.experiments import Experiments
        from nbtrain.ui.form import Form
        from nbtrain.ui.header import Header
        from nbtrain.ui.results import Results
        from nbtrain.ui.stages import Stage, Stages

        layout = self._layout
        self.project.warm_up()
        self.header = Header(self.project, self.open_project, self.open_stage, layout=layout)
        self.experiments = Experiments(
            self.project, self.open_project, self.open_guide, self.close_guide, layout=layout
        )
        self.form = Form(self.experiments.experiment, layout=layout)
        self.results = Results(self.experiments.experiment, heart=False, layout=layout)
        self.table: RunTable | None = None
        self.comparison: ComparisonView | None = None
        self.images: DataStage | None = None
        self.guide: GuidePanel | None = None
        self.evaluation: EvaluationStage | None = None
        self.stages = Stages(
            {
                "data": Stage("Data", self._make_data),
                "train": Stage("Train", self._make_train),
                "evaluate": Stage("Evaluate", self._make_evaluation),
                "runs": Stage("Runs", self._make_runs),
                "compare": Stage("Compare", self._make_comparison),
            },
            "train",
            layout=layout,
        )
        self.header.stages, self.header.stage = self.stages.labels, self.stages.opened
        self.experiments.observe(lambda _: PULSE.soon(self._show_selected), ["selected", "overlay"])
        self.experiments.observe(lambda _: self.close_guide(), "selected")
        return [self.header, self.stages]

    # -- where it is shown --------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take the studio off all pages; a project that it has opened itself, and no other shows, is let go."""
        if not self.closed:
            super().close()
            self._let_go()
            self._forget("project")
        _STUDIOS.discard(self)

    def _forget(self, *others: str) -> None:
        """Hold no closed panel any more, nor ``others``: IPython keeps this object in ``Out`` until the kernel ends."""
        for name in [*(name for name, value in vars(self).items() if isinstance(value, DOMWidget)), *others]:
            self.__dict__.pop(name, None)
        if self.closed:
            self.children = ()

    @property
    def elsewhere(self) -> bool:
        """Whether the project is shown in another cell, and here only a notice of that."""
        from nbtrain.ui.elsewhere import Elsewhere

        return any(isinstance(child, Elsewhere) for child in self.children)

    def _let_go(self) -> None:
        if self._own and not any(other.project is self.project for other in _STUDIOS if other is not self):
            self.project.close()

    def _take_over(self) -> None:
        """Let the studio of this project that was displayed before tell that it is shown here now.

        Where it was the output of the same cell, that output is gone, and so is the studio.
        """
        self._shown_by = cell, execution = _here()
        for other in [one for one in _STUDIOS if one is not self and _place(one.project) == _place(self.project)]:
            before = other._shown_by
            if before is not None and cell and before[0] == cell and before[1] != execution:
                other.close()
            elif before is not None and not other.elsewhere:
                other._give_way()

    def _give_way(self) -> None:
        """Close the panels; a notice takes their place, until no page shows it any more."""
        from nbtrain.ui.elsewhere import Elsewhere

        panels = self.children
        self.children = [Elsewhere(self.project.name, self._come_back, self.close, layout=self._layout)]
        close_all(*panels, but=self._layout)
        self._forget()

    def _come_back(self) -> None:
        """Show the project here again, and in no other cell."""
        notice = self.children[0]
        shown = next(
            (one for one in _STUDIOS if not one.elsewhere and _place(one.project) == _place(self.project)), None
        )
        if shown is not None:
            self.project, self._own = shown.project, shown._own
            shown._give_way()
        self.children = self._panels()
        close_all(notice, but=self._layout)

    # -- stages -------------------------------------------------------------------------------------------------

    @property
    def stage(self) -> str:
        """Key of the stage that is open: data, train, evaluate, runs or compare."""
        return self.stages.opened

    def open_stage(self, stage: str) -> None:
        """Open another stage; what is selected and ticked is the same in all."""
        self._wanted = stage
        PULSE.soon(self._open_wanted)

    def _open_wanted(self) -> None:
        try:
            self.stages.show(self._wanted)
        except NbtrainError as error:  # a stage that cannot be made stays closed, and says why
            self.header.toast(str(error), "bad")
        self.header.stage = self.stages.opened
        self._show_selected()

    def _make_train(self) -> Group:
        self._columns = Group([self.experiments, self.form, self.results], layout=self._layout)
        return self._columns.add_class("nbt-columns")

    def open_guide(self) -> None:
        """Show the guided start beside the list, in place of configuration and results; its draft is the project's."""
        PULSE.soon(self._open_guide)

    def close_guide(self) -> None:
        """Show configuration and results again; the draft stays."""
        PULSE.soon(self._close_guide)

    def _open_guide(self) -> None:
        from nbtrain.ui.guide import GuidePanel

        if self.guide is None:
            self.guide = GuidePanel(self.project, self._take_made, self.close_guide, layout=self._layout)
            self._columns.children = (*self._columns.children, self.guide)
        elif self.guide.model is not self.project:
            self.guide.show(self.project)
        self._columns.add_class("nbt-guided")

    def _close_guide(self) -> None:
        self._columns.remove_class("nbt-guided")

    def _take_made(self, experiment: Experiment, train: bool) -> None:
        """Select what the guide has made."""
        from nbtrain.ui.guide import said_of
        from nbtrain.ui.starting import start_of

        self.experiments.redraw()
        self.experiments.selected = experiment.id
        self._close_guide()
        self.header.toast(said_of(experiment), "good")
        if train:
            start_of(experiment).go()

    def _make_data(self) -> Group:
        from nbtrain.ui.data_stage import DataStage

        self.images = DataStage(self.project, layout=self._layout)
        return self.images.add_class("nbt-stage")

    def _make_evaluation(self) -> Group:
        from nbtrain.ui.evaluation_stage import EvaluationStage

        self.evaluation = EvaluationStage(layout=self._layout)
        return self.evaluation.add_class("nbt-stage")

    def _make_runs(self) -> Group:
        from nbtrain.ui.run_table import RunTable

        self.table = RunTable(self.project, self.open_stage, layout=self._layout)
        self.table.observe(lambda _: PULSE.soon(self._take_choice), ["selected", "overlay"])
        return Group([self.table], layout=self._layout).add_class("nbt-stage")

    def _make_comparison(self) -> Group:
        from nbtrain.ui.comparison_view import ComparisonView

        self.comparison = ComparisonView(self.project, self._tick, layout=self._layout)
        return self.comparison.add_class("nbt-stage")

    def _take_choice(self) -> None:
        """Take over what was selected or ticked in the table."""
        if self.table is None:
            return
        if self.table.selected and self.table.selected != self.experiments.selected:
            self.experiments.do_select(self.table.selected)
        if self.table.overlay != self.experiments.overlay:
            self.experiments.overlay = list(self.table.overlay)
        self._show_selected()

    def _tick(self, id: str, wanted: bool) -> None:
        """Compare an experiment with the selected one, or no longer."""
        others = [one for one in self.experiments.overlay if one != id]
        self.experiments.overlay = [*others, id] if wanted else others

    # -- what is shown ------------------------------------------------------------------------------------------

    def open_project(self, project: Project) -> None:
        """Show another project."""
        self._close_guide()
        if project is not self.project:
            self._let_go()
            self._own = True
        self.project = project
        project.warm_up()
        self.header.show(project)
        self.experiments.show(project)
        if self.table is not None:
            self.table.show(project)
        self._show_selected()

    @property
    def experiment(self) -> Experiment | None:
        """The selected experiment."""
        return self.experiments.experiment

    def _show_selected(self) -> None:
        selected, compared = self.experiments.experiment, self.experiments.compared()
        if selected is not self.form.experiment:
            self.form.show(selected)
        self.form.compare([other for _, other in compared])
        self.results.show(selected, [(place, other) for place, other in compared if other.run_path])
        if self.table is not None:
            with self.table.hold_sync():
                self.table.selected, self.table.overlay = self.experiments.selected, list(self.experiments.overlay)
        if self.comparison is not None and self.stage == "compare":
            self.comparison.show(self.project, selected, compared)
        if self.images is not None and self.stage == "data":
            self.images.show(self.project, selected)
        if self.evaluation is not None and self.stage == "evaluate":
            self.evaluation.show(selected)

    def _ipython_display_(self) -> None:
        self._arrive()
        super()._ipython_display_()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._arrive()
        return super()._repr_mimebundle_(**kwargs)

    def _arrive(self) -> None:
        """Be the one studio of its project that is shown."""
        self._take_over()
        if self.elsewhere:
            self._come_back()

    # -- in a saved notebook ------------------------------------------------------------------------------------

    def picture_html(self) -> str:
        """Return all experiments as a table, and the curves of the selected one."""
        from nbtrain.ui.snapshot import project_html

        return project_html(self.project, self.experiment)

    def picture_text(self) -> str:
        """Return all experiments in a line each."""
        from nbtrain.ui.snapshot import project_text

        return project_text(self.project)

    def going_on(self) -> tuple[Any, bool]:
        """Return names and statuses of the experiments, with which is selected; and whether one of them runs."""
        cards = self.project.cards
        return (self.experiments.selected, [(e.id, e.name, e.status) for e in cards]), any(e.running for e in cards)


class ExperimentView(Pictured, Group):
    """One experiment: its configuration beside its results. ``display(experiment)`` shows it."""

    def __init__(self, experiment: Experiment, **kwargs: Any) -> None:
        from nbtrain.ui.form import Form
        from nbtrain.ui.panel import shared_layout
        from nbtrain.ui.results import Results

        hosts.enable_widgets()
        layout = shared_layout()
        self.experiment = experiment
        experiment.project.warm_up()
        self.form = Form(experiment, layout=layout)
        self.results = Results(experiment, layout=layout)
        columns = Group([self.form, self.results], layout=layout)
        columns.add_class("nbt-columns").add_class("nbt-pair")
        super().__init__([columns], layout=layout, **kwargs)
        self.add_class("nbt-studio")

    def picture_html(self) -> str:
        """Return status and curves."""
        from nbtrain.ui.snapshot import experiment_html

        return experiment_html(self.experiment)

    def picture_text(self) -> str:
        """Return the experiment in one line."""
        return repr(self.experiment)

    def going_on(self) -> tuple[Any, bool]:
        """Return name and status, and whether it runs."""
        return (self.experiment.name, self.experiment.status), self.experiment.running


_STUDIOS: WeakSet[TrainingStudio] = WeakSet()
"""All studios of this kernel that are open."""


def _opened(path: Path) -> Project:
    """Return the project at ``path``: the one that a studio has opened already, so that its drafts are there."""
    from nbtrain.project.project import Project

    place = os.path.realpath(path.expanduser())
    known = (one.project for one in _STUDIOS if one._own and _place(one.project) == place)
    return next(known, None) or Project(path)


def _place(project: Project) -> str:
    return os.path.realpath(project.path)


def _here() -> tuple[str, str]:
    """Return the id of the cell that is running, as far as the page tells it, and of its execution."""
    shell = sys.modules.get("IPython")
    here = shell.get_ipython() if shell is not None else None
    kernel = getattr(here, "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
