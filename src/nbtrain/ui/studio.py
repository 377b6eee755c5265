"""The studio: all panels of a project in one place. It places them and passes on what is selected, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ipywidgets import Box

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import DEFAULT_PATH, Project
from nbtrain.ui import hosts
from nbtrain.ui.experiments import Experiments
from nbtrain.ui.form import Form
from nbtrain.ui.header import Header
from nbtrain.ui.panel import shared_layout
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.results import Results
from nbtrain.ui.snapshot import experiment_html, project_html, project_text


class TrainingStudio(Box):  # type: ignore[misc]
    """The whole of a project: list, configuration and results, live.

    ``project`` is a :class:`~nbtrain.Project`, the path of one, or nothing for ``./nbtrain-project``, which is made on
    the first save and not before.
    """

    def __init__(self, project: Project | str | Path | None = None, **kwargs: Any) -> None:
        hosts.enable_widgets()
        self.project = project if isinstance(project, Project) else Project(project or DEFAULT_PATH)
        self.project.warm_up()
        layout = shared_layout()
        self.header = Header(self.project, self.open_project, layout=layout)
        self.experiments = Experiments(self.project, self.open_project, layout=layout)
        self.form = Form(self.experiments.experiment, layout=layout)
        self.results = Results(self.experiments.experiment, heart=False, layout=layout)
        columns = Box([self.experiments, self.form, self.results], layout=layout)
        columns.add_class("nbt-columns")
        super().__init__([self.header, columns], layout=layout, **kwargs)
        self.add_class("nbt-studio")
        self.experiments.observe(lambda _: PULSE.soon(self._show_selected), ["selected", "overlay"])

    def open_project(self, project: Project) -> None:
        """Show another project."""
        if project is not self.project:
            self.project.close()
        self.project = project
        project.warm_up()
        self.header.show(project)
        self.experiments.show(project)
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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        html = project_html(self.project, self.experiment)
        return with_snapshot(super()._repr_mimebundle_(**kwargs), html, project_text(self.project))


class ExperimentView(Box):  # type: ignore[misc]
    """One experiment: its configuration beside its results. ``display(experiment)`` shows it."""

    def __init__(self, experiment: Experiment, **kwargs: Any) -> None:
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
        html, text = experiment_html(self.experiment), repr(self.experiment)
        return with_snapshot(super()._repr_mimebundle_(**kwargs), html, text)


def with_snapshot(shown: Any, html: str, text: str) -> Any:
    """Return a widget's mime bundle with a picture and a text for places that have no kernel, or no widgets."""
    if not shown:
        return shown
    bundle, *rest = shown if isinstance(shown, tuple) else (shown,)
    full = {**bundle, "text/html": html, "text/plain": text}
    return (full, *rest) if rest else full
