"""The studio: it places panels, passes on what is selected, and leaves a picture for places without a kernel."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import stage

from nbtrain.project.project import Project
from nbtrain.ui.attach import attach
from nbtrain.ui.header import toast_for
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.studio import TrainingStudio


@pytest.fixture
def studio(project):
    project.new("First")
    project.new("<script>alert(1)</script>")
    return TrainingStudio(project)


def test_selecting_shows_the_experiment_everywhere(studio, project):
    studio.experiments.selected = project.cards[1].id
    PULSE.settle()
    for panel in (studio.form, studio.results.run_bar, studio.results.curves, studio.results.details):
        assert panel.experiment is project.cards[1]


def test_choosing_an_experiment_puts_the_guided_start_away(studio):
    columns = studio._columns
    for id in (studio.experiments.selected, studio.project.cards[1].id):  # the selected one, and another
        studio.open_guide()
        PULSE.settle()
        assert "nbt-guided" in columns._dom_classes
        studio.experiments.perform("select", id=id)
        PULSE.settle()
        assert "nbt-guided" not in columns._dom_classes


def test_nothing_is_made_on_disk_by_looking(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    studio = TrainingStudio()
    assert studio.project.path == tmp_path / "nbtrain-project"
    assert not studio.project.path.exists()
    assert studio.experiments.blank


def test_a_saved_notebook_shows_results_and_names_as_text(studio, project):
    stage.trained(project, "Done")
    bundle = studio._repr_mimebundle_()
    html = (bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "accuracy 9" in html
    studio.experiments.selected = project.experiment("Done").id
    assert "<svg" in studio._repr_mimebundle_()["text/html"]


@pytest.fixture
def shell():
    """Return IPython with what it publishes kept in ``display_pub.outputs``, as a kernel has it."""
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.display_pub = CapturingDisplayPublisher(parent=made)
    yield made
    InteractiveShell.clear_instance()


def test_the_picture_is_an_output_of_its_own_and_is_renewed_in_place(studio, project, shell, monkeypatch):
    monkeypatch.setattr("nbtrain.ui.picture.LOOK_S", 3600)
    done = stage.trained(project, "Done")
    shell.display_formatter.format(studio)
    widget, shown = shell.display_pub.outputs
    assert "<svg" not in widget["data"]["text/html"]  # else a saved notebook would show it twice
    assert "3 experiments" in widget["data"]["text/plain"]
    assert "nbt-picture" in shown["data"]["text/html"]
    assert "widget-view" not in "".join(shown["data"])
    studio._look()
    assert len(shell.display_pub.outputs) == 2  # nothing has happened
    done.name = "Renamed"
    studio._look()
    renewed = shell.display_pub.outputs[-1]
    assert (renewed["update"], renewed["transient"]) == (True, shown["transient"])
    assert "Renamed" in renewed["data"]["text/html"]
    clock = time.monotonic
    monkeypatch.setattr("nbtrain.ui.picture.time.monotonic", lambda: clock() + 61)
    studio._look()
    assert len(shell.display_pub.outputs) == 3  # nothing trains: nothing is renewed by the minute
    monkeypatch.setattr(type(done), "running", True)
    studio._look()
    studio._look()
    assert len(shell.display_pub.outputs) == 4
    studio.close()
    done.name = "Once more"
    studio._look()
    assert len(shell.display_pub.outputs) == 4


def test_experiments_and_projects_show_themselves(project):
    attach()
    experiment = project.new("Alone")
    assert "application/vnd.jupyter.widget-view+json" in experiment._repr_mimebundle_()
    assert "Alone" in experiment._repr_mimebundle_()["text/html"]
    assert experiment.form.experiment is experiment.results.run_bar.experiment is experiment
    assert "1 experiment" in project._repr_mimebundle_()["text/plain"]


def test_opening_another_project_asks_about_edits(studio, project, tmp_path):
    edited = project.cards[1]
    edited.save()
    edited.set("training.epochs", 7)
    studio.header.redraw()
    assert studio.header.unsaved == "First"
    edited.enter("optimizer.lr", "fast")
    studio.header.perform("open", path=str(tmp_path / "other"), unsaved="save")
    assert "“First” could not be saved: optimizer.lr: 'fast'" in studio.header.toasts[-1]["text"]
    assert studio.project is project
    studio.header.perform("open", path=str(tmp_path / "other"), unsaved="keep")
    assert (studio.project.path, edited.refused["optimizer.lr"]["text"]) == (tmp_path / "other", "fast")
    studio.open_project(project)
    studio.header.perform("open", path=str(tmp_path / "other"), unsaved="drop")
    assert edited.config.training.epochs != 7
    assert studio.project.path == tmp_path / "other"
    assert studio.experiments.blank
    studio.header.perform("open", path=str(tmp_path / "images"))
    assert "no nbtrain project" in studio.header.trouble


def test_toasts_tell_of_status_and_saving(project):
    experiment = project.new("A")
    experiment.save()
    assert toast_for(experiment, "created", dirty=True) == ("good", "“A” is saved")
    experiment.train().wait(20)
    assert toast_for(experiment, "training", dirty=False) == ("good", "“A” is completed")
    assert toast_for(experiment, "completed", dirty=False) is None


def test_the_heart_beats_with_the_machine(studio):
    before = studio.header.beat
    studio.header.pump()
    assert studio.header.beat > before
    assert studio.header.machine["memory_total_gib"] > 0
    assert studio.header.machine["gpus"] or studio.header.machine["note"] == "no GPU"


def test_the_kernel_never_imports_torch(tmp_path):
    code = (
        "import sys; from nbtrain.ui.studio import TrainingStudio as S; S(sys.argv[1]); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "p")], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_a_project_rebuilt_from_disk_shows_the_same(project):
    stage.trained(project, "Done")
    again = TrainingStudio(Project(project.path))
    assert [(card["name"], card["status"]) for card in again.experiments.cards] == [("Done", "completed")]
    assert again.results.details.metrics[0]["name"] == "accuracy"
