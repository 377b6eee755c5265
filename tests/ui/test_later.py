"""What panels offer once a run has begun: live fields, Extend and branches; asserted on the experiment."""

from __future__ import annotations

import pytest
import stage

from flows.conftest import until
from nbtrain.messages import Change
from nbtrain.ui.details import Details
from nbtrain.ui.experiments import Experiments
from nbtrain.ui.form import Form
from nbtrain.ui.run_bar import RunBar
from nbtrain.ui.starting import start_of


@pytest.fixture
def training(project):
    """An experiment that trains until it is stopped."""
    stage.use(stage.Play(epochs=500, steps=100, step_s=0.005))
    made = project.new("Live")
    made.train(beside=True)
    until(lambda: made.status == "training" and made.step > 2)
    return made


@pytest.fixture
def completed(project):
    return stage.trained(project, "Done")


def test_a_live_field_is_asked_of_the_trainer_and_shows_what_became_of_it(training):
    form, details = Form(training), Details(training)
    assert (form.editable, form.live) == (False, True)
    live = {f["path"] for s in form.sections for f in s["fields"] if f.get("live")}
    assert {"optimizer.lr", "training.epochs", "training.patience", "checkpoint.every_n_epochs"} <= live
    form.perform("set", path="optimizer.lr", value="3e-4")
    until(lambda: training.changes)
    form.redraw()
    details.redraw()
    step = training.changes[0]["step"]
    assert training.config.optimizer.lr == 1e-3
    assert form.values["optimizer.lr"] == training.present.optimizer.lr == 3e-4
    assert form.changed == {"optimizer.lr": f"changed at step {step}; it was 0.001"}
    assert details.changes == [
        {"step": step, "path": "optimizer.lr", "old": "0.001", "value": "0.0003", "extends": False}
    ]
    assert [c.value for c in training.run.commands().values() if isinstance(c, Change)] == [3e-4]
    training.stop()
    training.wait(10)
    form.redraw()
    assert (form.live, form.values["optimizer.lr"]) == (False, 3e-4)


@pytest.mark.parametrize(("value", "told"), [("-1", "out of range"), ("fast", "not a number"), ("", "not a number")])
def test_an_illegal_live_value_stays_in_the_form(training, value, told):
    form = Form(training)
    form.perform("set", path="optimizer.lr", value=value)
    form.redraw()
    assert told in form.refused["optimizer.lr"]["message"]
    assert (training.asked, training.run.commands()) == ({}, {})


def test_a_field_that_is_fixed_says_which_are_not(training):
    form = Form(training)
    form.perform("set", path="training.batch_size", value="8")
    assert "batch_size cannot be changed while it trains" in form.trouble
    assert "optimizer.lr" in form.trouble


def test_extend_says_how_it_goes_on_and_does(completed):
    bar = RunBar(completed)
    assert bar.extension == {}
    bar.perform("ask_extension", epochs="3")
    bar.redraw()
    assert bar.extension["epochs"] == 9
    assert bar.extension["text"].startswith("The learning rate follows cosine as in a run of 9 epochs: from ")
    bar.perform("ask_extension", epochs="many")
    bar.redraw()
    assert "is no number of epochs to add" in bar.extension["refused"]
    bar.perform("extend", epochs="3")
    until(lambda: completed.epoch == 9 and completed.status == "completed")
    bar.redraw()
    assert (bar.extension, start_of(completed).trouble) == ({}, "")
    assert completed.changes[0]["value"] == 9


def test_an_extension_that_cannot_begin_says_why(project, completed):
    for path in (completed.run.path / "checkpoints").iterdir():
        path.unlink()
    bar = RunBar(completed)
    bar.perform("ask_extension", epochs="3")
    bar.redraw()
    assert "checkpoints of this run are gone" in bar.extension["refused"]


def test_a_branch_is_made_and_selected(project, completed):
    panel = Experiments(project)
    panel.perform("ask_branch", id=completed.id)
    newest = panel.branching["checkpoints"][0]
    assert (panel.branching["id"], newest["step"], newest["metric"]) == (completed.id, 60, completed.best["metric"])
    panel.perform("ask_branch", id="")
    assert panel.branching == {}
    panel.perform("branch", id=completed.id, checkpoint=newest["step"])
    made = panel.experiment
    assert (made.name, made.status) == ("Done (from step 60)", "created")
    assert made.lineage["experiment"] == completed.id
    panel.perform("branch", id=made.id, checkpoint="best")
    assert "has not been trained has no checkpoints" in panel.trouble
