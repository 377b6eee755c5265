"""Starts and resumes from the panels, where something that they need is not there."""

from __future__ import annotations

import pytest
import stage

from nbtrain.errors import ConfigError
from nbtrain.messages import Failure
from nbtrain.runs import gpus
from nbtrain.ui.form import Form
from nbtrain.ui.run_bar import RunBar


def failed(project, cause, message="It went wrong.", **values):
    experiment = project.new(cause)
    for path, value in values.items():
        experiment.set(path.replace("__", "."), value)
    stage.use(stage.Play(epochs=1, steps=2, fails=Failure(cause=cause, message=message)))
    assert experiment.train(beside=True).wait(30) == "failed"
    return experiment


def test_the_form_says_what_is_missing_and_train_is_off(project):
    experiment = project.new("A")
    form, bar = Form(experiment), RunBar(experiment)
    assert form.can_train
    form.perform("set", path="model.weights_file", value="/gone/w.pt")
    form.redraw()
    assert not form.can_train
    assert form.reason == "Train is off: 1 value needs attention."
    assert [(one["path"], one["message"]) for one in form.problems] == [
        ("model.weights_file", "weights file not found: '/gone/w.pt'.")
    ]
    bar.redraw()
    assert not bar.startable
    form.perform("set", path="model.weights_file", value="")
    form.redraw()
    assert form.can_train


@pytest.mark.parametrize(("cause", "first"), [("killed", True), ("configuration", False)])
def test_resume_comes_first_on_the_card_of_what_it_can_help(project, cause, first):
    bar = RunBar(failed(project, cause))
    assert (bar.status, bar.resume_first) == ("failed", first)


def test_a_resume_that_would_fail_again_is_refused(project, monkeypatch):
    monkeypatch.setattr(gpus, "usable", lambda: 1)
    experiment = failed(project, "killed", hardware__device="cuda:0")
    monkeypatch.setattr(gpus, "usable", lambda: 0)
    with pytest.raises(ConfigError, match="this machine has no device 'cuda:0'"):
        experiment.resume()
    assert experiment.status == "failed"
