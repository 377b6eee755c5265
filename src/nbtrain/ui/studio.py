"""The studio: all panels of a project in one place. It places them and passes on what is selected, nothing else.

``from nbtrain import TrainingStudio`` loads this file and ipywidgets: what makes a panel imports it, so that the first
display pays for what it shows, and a stage that nobody opens is never loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipywidgets import Box

from nbtrain.errors import NbtrainError
from nbtrain.ui import hosts
from nbtrain.ui.pulse import PULSE

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment
    from nbtrain.project.project import Project
    from nbtrain.ui.comparison_view import ComparisonView
    from nbtrain.ui.data_stage import DataStage
    from nbtrain.ui.evaluation_stage import EvaluationStage
    from nbtrain.ui.guide import GuidePanel
    from nbtrain.ui.run_table import RunTable


class TrainingStudio(Box):  # type: ignore[misc]
    """The whole of a project: list, configuration and results, live.

    ``project`` is a :class:`~nbtrain.Project`, the path of one, or nothing for ``./nbtrain-project``, which is made on
    the first save and not before.
    """

    def __init__(self, project: Project | str | Path | None = None, **kwargs: Any) -> None:
        from nbtrain.project.project import DEFAULT_PATH, Project
        from nbtrain.ui.attach import attach
        from nbtrain.ui.experiments import Experiments
        from nbtrain.ui.form import Form
        from nbtrain.ui.header import Header
        from nbtrain.ui.panel import shared_layout
        from nbtrain.ui.results import Results
        from nbtrain.ui.stages import Stage, Stages

        attach()
        hosts.enable_widgets()
        self.project = project if isinstance(project, Project) else Project(project or DEFAULT_PATH)
        self.project.warm_up()
        self._layout = layout = shared_layout()
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
        super().__init__([self.header, self.stages], layout=layout, **kwargs)
        self.add_class("nbt-studio")
        self.experiments.observe(lambda _: PULSE.soon(self._show_selected), ["selected", "overlay"])
        self.experiments.observe(lambda _: self.close_guide(), "selected")

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

    def _make_train(self) -> Box:
        self._columns = Box([self.experiments, self.form, self.results], layout=self._layout)
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

    def _make_data(self) -> Box:
        from nbtrain.ui.data_stage import DataStage

        self.images = DataStage(self.project, layout=self._layout)
        return self.images.add_class("nbt-stage")

    def _make_evaluation(self) -> Box:
        from nbtrain.ui.evaluation_stage import EvaluationStage

        self.evaluation = EvaluationStage(layout=self._layout)
        return self.evaluation.add_class("nbt-stage")

    def _make_runs(self) -> Box:
        from nbtrain.ui.run_table import RunTable

        self.table = RunTable(self.project, self.open_stage, layout=self._layout)
        self.table.observe(lambda _: PULSE.soon(self._take_choice), ["selected", "overlay"])
        return Box([self.table], layout=self._layout).add_class("nbt-stage")

    def _make_comparison(self) -> Box:
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
            self.project.close()
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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from nbtrain.ui.snapshot import project_html, project_text

        html = project_html(self.project, self.experiment)
        return with_snapshot(super()._repr_mimebundle_(**kwargs), html, project_text(self.project))


class ExperimentView(Box):  # type: ignore[misc]
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
        columns = Box([self.form, self.results], layout=layout)
        columns.add_class("nbt-columns").add_class("nbt-pair")
        super().__init__([columns], layout=layout, **kwargs)
        self.add_class("nbt-studio")

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from nbtrain.ui.snapshot import experiment_html

        html, text = experiment_html(self.experiment), repr(self.experiment)
        return with_snapshot(super()._repr_mimebundle_(**kwargs), html, text)


def with_snapshot(shown: Any, html: str, text: str) -> Any:
    """Return a widget's mime bundle with a picture and a text for places that have no kernel, or no widgets."""
    if not shown:
        return shown
    bundle, *rest = shown if isinstance(shown, tuple) else (shown,)
    full = {**bundle, "text/html": html, "text/plain": text}
    return (full, *rest) if rest else full
