"""Run bar, charts and details against real runs on the stage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import stage

from nbtrain.messages import Exact, Failure, Usage
from nbtrain.project.counsel import course
from nbtrain.training.phases import Phases
from nbtrain.ui.curves import KEYS, Curves
from nbtrain.ui.details import Details
from nbtrain.ui.findings import Findings
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.run_bar import RunBar
from nbtrain.ui.starting import start_of


@pytest.fixture
def done(project):
    return stage.trained(project, "Done", stage.Play(epochs=5, steps=20, notices=("1 image was skipped.",)))


def test_run_bar_of_a_completed_run(done):
    bar = RunBar(done)
    assert (bar.status, bar.epochs, bar.best["metric"]) == ("completed", 5, "accuracy")
    assert bar.commands.endswith("commands")
    assert bar.images_per_s is None


def test_run_bar_trains_stops_and_restarts(project):
    stage.use(stage.Play(epochs=500, steps=40, step_s=0.002))
    experiment = project.new("Long")
    bar = RunBar(experiment)
    bar.perform("train")
    assert wait_status(experiment, "training")
    bar.redraw()
    assert bar.status == "training"
    bar.perform("stop")
    assert experiment.wait(10) == "cancelled"
    bar.perform("restart")
    assert experiment.status == "created"
    assert any((project.path / "trash").iterdir())


def test_run_bar_pauses_and_resumes(project):
    stage.use(stage.Play(epochs=500, steps=40, step_s=0.002))
    experiment = project.new("Long")
    bar = RunBar(experiment)
    bar.perform("train")
    assert wait_for(lambda: experiment.step > 20)
    bar.perform("pause")
    assert experiment.wait(10) == "paused"
    bar.redraw()
    step = experiment.step
    assert bar.status == "paused"
    assert bar.kept == f"Kept: the checkpoint of step {step}. Resume goes on from step {step}."
    bar.perform("resume")
    assert wait_status(experiment, "training")
    assert wait_for(lambda: experiment.step > step)
    bar.redraw()
    assert (bar.kept, bar.repeated) == ("", {})
    assert experiment.curves.series("train", "loss")[0][0] == 1


def test_a_resume_on_a_busy_device_asks_too(project):
    stage.use(stage.Play(epochs=500, steps=40, step_s=0.002))
    first, second = project.new("First"), project.new("Second")
    first.train()
    assert wait_status(first, "training")
    first.pause()
    assert first.wait(10) == "paused"
    second.train()
    bar = RunBar(first)
    bar.perform("resume")
    assert wait_for(lambda: start_of(first).question)
    bar.perform("answer", how="beside")
    assert wait_status(first, "training")


@pytest.mark.parametrize("equal", [True, False])
def test_repeated_steps_are_told(done, equal):
    differs = "" if equal else "step 101: train loss was 0.5 before the resume and is 0.6 after it"
    done.story.tell([Exact(compared=3, equal=equal, step=101, text=differs)])
    done.exact = done.story.exact
    told = RunBar(done).repeated
    assert told["exact"] is equal
    assert told["text"].startswith("Resumed exactly: the numbers said 3 times" if equal else "Resumed, but not exactly")
    assert differs in told["text"]


def test_a_busy_device_asks_and_waiting_is_an_answer(project):
    stage.use(stage.Play(epochs=500, steps=40, step_s=0.002))
    first, second = project.new("First"), project.new("Second")
    first.train()
    bar = RunBar(second)
    bar.perform("train")
    assert wait_for(lambda: start_of(second).question)
    bar.redraw()
    assert bar.busy["text"] == "The device is in use by “First”."
    bar.perform("answer", how="wait")
    assert wait_status(second, "pending")
    first.stop()
    assert wait_status(second, "training")


def test_a_failure_is_shown_with_cause_and_advice(project):
    stage.use(stage.Play(fails=Failure(cause="out of memory", message="27 GB needed", advice=("Halve the batch.",))))
    experiment = project.new("Large")
    experiment.train().wait(10)
    bar = RunBar(experiment)
    assert (bar.status, bar.error["cause"]) == ("failed", "out of memory")
    assert "27 GB" in bar.error["message"]


def test_a_fix_is_one_click_and_leaves_the_change_to_be_trained(project):
    stage.use(stage.Play(fails=Failure(cause="out of memory", message="27 GB needed")))
    experiment = project.new("Large")
    experiment.train().wait(10)
    bar = RunBar(experiment)
    assert bar.error["asks"] is False
    assert [fix["label"] for fix in bar.error["fixes"]] == [
        "Halve the batch size to 16, and add up 2 batches per step",
        "Use images of 160 px",
        "Compute in mixed bfloat16",
    ]
    assert (
        "training.batch_size and training.batch_multiplier cannot change within a run"
        in bar.error["fixes"][0]["restarts"]
    )
    bar.perform("fix", number=7)
    assert "no such fix" in bar.trouble
    assert experiment.status == "failed"
    bar.perform("fix", number=0)
    assert (experiment.status, experiment.dirty) == ("created", True)
    assert (experiment.config.training.batch_size, experiment.config.training.batch_multiplier) == (16, 2)
    assert experiment.config.effective_batch_size == 32


def test_a_fix_that_no_checkpoint_hangs_on_goes_on_with_the_run(project):
    stage.use(stage.Play(fails=Failure(cause="numerics", message="the loss was no finite number")))
    experiment = project.new("Runs away")
    experiment.train().wait(10)
    bar = RunBar(experiment)
    assert bar.error["fixes"][0]["restarts"] == ""
    stage.use(stage.Play(epochs=1, steps=2))
    bar.perform("fix", number=0, resume=True)
    assert wait_status(experiment, "completed")
    assert (experiment.config.optimizer.lr, experiment.present.optimizer.lr) == (1e-3, 1e-4)
    assert [(change["step"], change["path"]) for change in experiment.changes] == [(0, "optimizer.lr")]


def test_details_are_json_even_with_nan(done):
    details = Details(done)
    assert [row["name"] for row in details.metrics][:2] == ["accuracy", "f1"]
    assert details.metrics[-1]["best"] <= details.metrics[-1]["now"] or math.isclose(1, 1)
    assert details.per_class["columns"][0] == "class"
    assert "1 image was skipped." in details.notices
    assert details.resolved[0]["path"] == "data.workers"
    json.dumps([details.metrics, details.per_class, details.facts], allow_nan=False)


def test_a_roll_back_stands_above_the_charts_and_among_the_changes(done):
    text = "The loss became NaN or infinite at step 8 (learning rate 9.93). Training went back to step 0."
    done.changes = [{"step": 9, "path": "optimizer.lr", "old": 0.1, "value": 0.2, "extends": False}]
    done.notices = [*done.notices, {"level": "warning", "text": text, "about": "recovery", "step": 0}]
    details, findings = Details(done), Findings(done)
    assert details.changes[0] == {"step": 0, "text": text}
    assert details.changes[1]["path"] == "optimizer.lr"
    assert text not in details.notices
    assert [one["text"] for one in findings.findings if one["rule"] == "recovery"] == [text]
    details.close()
    findings.close()


def test_details_tell_the_speed_the_waiting_and_a_profile(done):
    done.story.tell(
        Usage(step=1000 + n, images_per_s=1000.0 + n, waiting=w, cpu_percent=150.0, memory_mib=512.0)
        for n, w in enumerate((0.9, 0.1, 0.2, 0.3, 0.4, 0.5))
    )
    details = Details(done)
    told = {row["label"]: row["value"] for row in details.speed}
    assert told["Training speed"] == "1\u202f003 images/s"
    assert told["Waiting for data"] == "30 % of the time"
    assert course(done).waiting[-5:] == [0.1, 0.2, 0.3, 0.4, 0.5]  # what the advice judges, by the same median
    assert details.phases == []
    Phases(seconds={"load": 1.0}, steps=4, took_s=4.0, device="cpu").write(Path(done.run_path))
    details.redraw()
    assert [(row["phase"], row["share"]) for row in details.phases] == [("load", 0.25), ("other", 0.75)]
    json.dumps([details.speed, details.phases], allow_nan=False)


def drawn(*experiments, **settings):
    panel = Curves(experiments[0])
    panel.show(experiments[0], list(enumerate(experiments[1:])))
    panel.painted = True
    PULSE.settle()
    for name, value in settings.items():
        setattr(panel, name, value)
    panel.redraw()
    return panel


def test_charts_are_made_after_the_first_paint_and_never_again(done):
    panel = Curves(done)
    assert panel.shown
    assert panel.charts == []
    panel.painted = True
    PULSE.settle()
    panel.redraw()
    figures = {chart["key"]: chart["figure"] for chart in panel.charts}
    assert tuple(figures) == KEYS
    panel.perform("axis", axis="epoch")
    panel.redraw()
    assert {chart["key"]: chart["figure"] for chart in panel.charts} == figures


def test_loss_shows_train_and_validation_as_they_were_said(done):
    panel = drawn(done)
    mark = panel._figures["loss"].marks[0]
    assert mark.labels == ["", "train", "val"]
    _, _, said = done.curves.series("val", "loss")
    np.testing.assert_allclose(mark.y[2][: len(said)], said, rtol=1e-6)
    assert mark.y.dtype == np.float32


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_axes(done, axis):
    panel = drawn(done)
    panel.perform("axis", axis=axis)
    panel.redraw()
    x = panel._figures["loss"].marks[0].x
    assert np.all(np.diff(x[1]) >= 0)
    last = {"step": 100, "epoch": 5, "time": 60}[axis]
    assert x[0].min() <= x[1:].min() <= x[1:].max() <= min(last + 1e-3, x[0].max())


def test_others_are_laid_over_by_name_in_their_own_colour(project, done):
    other = stage.trained(project, "Other", stage.Play(epochs=5, steps=20, seed=3))
    panel = drawn(done, other)
    mark = panel._figures["loss"].marks[0]
    legend = panel.charts[0]["legend"]
    assert [one["label"] for one in legend] == ["Done", "Other"]
    assert len({one["color"] for one in legend}) == 2
    assert len(mark.y) == 1 + 4
    assert sorted(set(mark.opacities)) == [0.0, 0.3, 1.0]


def test_smoothing_keeps_the_raw_curve_faint_below(done):
    panel = drawn(done, smoothing=0.9)
    mark = panel._figures["loss"].marks[0]
    assert len(mark.y) == 1 + 4
    assert mark.opacities[1:3] == [0.3, 0.3]
    assert np.nanstd(mark.y[3]) < np.nanstd(mark.y[1])


def test_log_scale_and_chosen_metric(done):
    panel = drawn(done)
    panel.perform("log", key="loss", log=True)
    panel.perform("option", key="metric", option="f1")
    panel.redraw()
    charts = {chart["key"]: chart for chart in panel.charts}
    assert charts["loss"]["log"]
    assert panel._figures["loss"].marks[0].scales["y"].rtype == "Number"
    assert charts["metric"]["option"] == "f1"
    np.testing.assert_allclose(panel._figures["metric"].marks[0].y[-1][-1], done.metrics["val"]["f1"], rtol=1e-6)


def test_nothing_is_drawn_for_a_hidden_page(done, monkeypatch):
    panel = drawn(done)
    panel.views.say("a page", seen=False)
    PULSE.settle()
    redrawn = []
    monkeypatch.setattr(Curves, "redraw", lambda self: redrawn.append(1))
    done.beat += 1
    PULSE.settle()
    assert redrawn == []


def wait_status(experiment, status, limit_s=10.0):
    return wait_for(lambda: experiment.status == status, limit_s)


def wait_for(condition, limit_s=10.0):
    import time

    end = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()
