"""Gives experiments and projects their panels: ``experiment.form``, ``experiment.results``, ``display(experiment)``.

The objects stand on a lower floor than the panels and cannot name them; the package calls :func:`attach` when it
hands out the classes. Panels, and with them ipywidgets, are imported when somebody asks for one. Asked for again, it is
the same panel, as long as that is open: a cell that runs again shows it once more, and leaves none behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project


def attach() -> None:
    """Put the panels on the classes; doing it twice changes nothing."""
    Experiment.form = property(_form, doc="The form of this experiment, as a panel.")  # type: ignore[attr-defined]
    Experiment.results = property(_results, doc="The results of this experiment, as a panel.")  # type: ignore[attr-defined]
    Project.table = property(_table, doc="The status table of all experiments, as a panel.")  # type: ignore[attr-defined]
    Experiment._repr_mimebundle_ = _show_experiment  # type: ignore[attr-defined]
    Project._repr_mimebundle_ = _show_project  # type: ignore[attr-defined]
    Experiment._ipython_display_ = _display_experiment  # type: ignore[attr-defined]
    Project._ipython_display_ = _display_project  # type: ignore[attr-defined]


def _once(shown: Experiment | Project, make: Callable[[Any], Any]) -> Any:
    """Return the panel of ``shown`` that ``make`` makes: the one that is open, else a new one."""
    panels = shown.__dict__.setdefault("_panels", {})
    if make not in panels or panels[make].closed:
        panels[make] = make(shown)
    return panels[make]


def _form(experiment: Experiment) -> Any:
    from nbtrain.ui.form import Form

    return _once(experiment, Form)


def _results(experiment: Experiment) -> Any:
    from nbtrain.ui.results import Results

    return _once(experiment, Results)


def _table(project: Project) -> Any:
    from nbtrain.ui.run_table import RunTable

    return _once(project, RunTable)


def _show_experiment(experiment: Experiment, **kwargs: Any) -> Any:
    from nbtrain.ui.studio import ExperimentView

    return _once(experiment, ExperimentView)._repr_mimebundle_(**kwargs)


def _show_project(project: Project, **kwargs: Any) -> Any:
    from nbtrain.ui.studio import TrainingStudio

    return TrainingStudio(project)._repr_mimebundle_(**kwargs)


def _display_experiment(experiment: Experiment) -> None:
    from nbtrain.ui.studio import ExperimentView

    ExperimentView(experiment)._ipython_display_()


def _display_project(project: Project) -> None:
    from nbtrain.ui.studio import TrainingStudio

    TrainingStudio(project)._ipython_display_()
