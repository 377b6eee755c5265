"""How long panels live: what is closed leaves nothing behind, and a project is shown in one place of a notebook."""

from __future__ import annotations

import gc
import time
import weakref

import pytest
import stage
from ipywidgets.widgets.widget import _instances

from nbtrain.project.project import Project
from nbtrain.runs.watch import kernel_watch
from nbtrain.ui import studio as studios
from nbtrain.ui.attach import attach
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.studio import TrainingStudio


@pytest.fixture(autouse=True)
def _nothing_open():
    """Begin and end without a widget: they live as long as the process does, unless closed."""
    for widget in list(_instances.values()):
        widget.close()
    yield
    for widget in list(_instances.values()):
        widget.close()


@pytest.fixture
def cell(monkeypatch):
    """Return a function that displays a studio as the output of a cell; each call is an execution of its own."""
    executions = iter(range(1000))

    def display(shown, cell):
        monkeypatch.setattr(studios, "_here", lambda: (cell, str(next(executions))))
        shown._repr_mimebundle_()
        return shown

    return display


def listeners(model):
    """Return how many functions listen to the traits of a model."""
    return sum(len(found) for kinds in model._trait_notifiers.values() for found in kinds.values())


def opened_everywhere(studio):
    """Open each stage and the guided start, and have the charts drawn."""
    studio.results.curves.painted = True
    for key in ("data", "evaluate", "runs", "compare", "train"):
        studio.open_stage(key)
        assert until(lambda key=key: studio.stage == key)
    studio.open_guide()
    assert until(lambda: studio.guide is not None and studio.results.curves._figures)
    studio.results.curves.perform("log", key="loss", log=True)
    PULSE.settle(30)


def test_a_closed_studio_leaves_nothing_behind(project):
    done = stage.trained(project, "Done")
    project.new("New")
    gc.collect()
    before = (listeners(project), listeners(done), len(kernel_watch()._jobs))
    studio = TrainingStudio(project)
    studio.experiments.selected = done.id
    opened_everywhere(studio)
    assert studio.results.curves._figures
    assert len(_instances) > 30
    gone = [weakref.ref(one) for one in (studio.form, studio.results.curves, studio.table, studio.images.gallery)]
    studio.close()
    assert len(_instances) == 0
    assert (listeners(project), listeners(done), len(kernel_watch()._jobs)) == before
    assert not any(done.planning._listeners._by_event.values())
    PULSE.settle(within_s=3)  # the last heartbeat that was planned
    gc.collect()
    assert [one() for one in gone] == [None] * len(gone)  # although IPython would keep the studio itself, in Out
    assert studio.closed


def test_running_a_cell_again_costs_nothing(project, cell):
    project.new("A").save()
    counts = []
    for _ in range(6):
        shown = cell(TrainingStudio(str(project.path)), "first")
        counts.append((len(_instances), listeners(shown.project.cards[0]), len(kernel_watch()._jobs)))
    assert len(set(counts)) == 1
    assert len(studios._STUDIOS) == 1


def test_the_drafts_of_a_project_are_there_when_its_cell_runs_again(project, cell):
    first = cell(TrainingStudio(str(project.path)), "first")
    shown = first.project
    shown.new("Not saved")
    again = cell(TrainingStudio(str(project.path)), "first")
    assert again.project is shown
    assert first.closed
    assert again.project.cards[0].name == "Not saved"


def test_a_project_object_that_nobody_holds_is_let_go(project, cell):
    before = len(kernel_watch()._jobs)
    project.new("A").save()
    for _ in range(5):
        held = Project(project.path)
        cell(TrainingStudio(held), "first")
    gone, kept = weakref.ref(held), list(studios._STUDIOS)  # as IPython keeps them, in Out
    for one in kept:
        one.close()
    del held
    PULSE.settle(within_s=3)
    gc.collect()
    assert gone() is None
    kernel_watch()._wake.set()
    assert until(lambda: len(kernel_watch()._jobs) <= before)


def until(condition, limit_s=30.0):
    """Return whether the condition comes true."""
    end_s = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.05)
    return condition()


def test_shown_in_another_cell_the_first_says_so_and_can_have_it_back(project, cell):
    first = cell(TrainingStudio(project), "first")
    second = cell(TrainingStudio(project), "second")
    assert (first.elsewhere, second.elsewhere) == (True, False)
    assert not hasattr(first, "header")  # it holds nothing that is closed
    assert not first.closed
    assert first.children[0].name == project.name
    first.children[0].perform("show")
    assert (first.elsewhere, second.elsewhere) == (False, True)
    assert first.experiments.model is project
    notice = second.children[0]
    notice._received(None, {"view": "a", "seen": True})
    notice._received(None, {"view": "b", "seen": True})
    notice._received(None, {"view": "a", "seen": False, "gone": True})
    assert not second.closed
    notice._received(None, {"view": "b", "seen": False, "gone": True})
    assert second.closed
    assert not first.closed


def test_two_projects_may_be_shown_in_one_notebook(project, tmp_path, cell):
    first = cell(TrainingStudio(project), "first")
    second = cell(TrainingStudio(str(tmp_path / "other")), "second")
    assert [first.closed, first.elsewhere, second.closed] == [False] * 3


def test_a_panel_shown_alone_is_the_same_one_again(project):
    attach()
    experiment = project.new("Alone")
    for name in ("form", "results"):
        assert getattr(experiment, name) is getattr(experiment, name)
    assert project.table is project.table
    count = len(_instances)
    for _ in range(3):
        experiment._repr_mimebundle_()
    shown = len(_instances) - count
    experiment._repr_mimebundle_()
    assert len(_instances) - count == shown
    before = listeners(experiment)
    form = experiment.form
    form.close()
    assert listeners(experiment) < before
    assert experiment.form is not form
    for panel in (experiment.form, experiment.results, project.table, *experiment._panels.values()):
        panel.close()
    assert len(_instances) == 0


def test_leaving_a_project_closes_it_only_where_no_other_shows_it(project, tmp_path, cell):
    mine = cell(TrainingStudio(str(project.path)), "first")
    beside = TrainingStudio(str(project.path))
    kept = mine.project
    assert beside.project is kept
    mine.open_project(Project(tmp_path / "other"))
    assert all(token in kernel_watch()._jobs for token in kept._followed)
    beside.close()
    assert not any(token in kernel_watch()._jobs for token in kept._followed)
