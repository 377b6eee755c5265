"""What the form says beside its fields; asserted on the experiment, and on what is sent."""

from __future__ import annotations

import orjson
import pytest
import stage

from nbtrain.messages import PerClass
from nbtrain.ui.findings import Findings
from nbtrain.ui.form import Form
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def experiment(project):
    return project.new("Baseline")


@pytest.fixture
def form(experiment):
    return Form(experiment)


def drawn(form):
    form.redraw()
    return {one["rule"]: one for one in form.advice}


def test_a_click_applies_the_fix_and_undo_takes_it_back(form, experiment):
    form.perform("set", path="optimizer.lr", value="0.5")
    found = drawn(form)["learning rate"]
    assert (found["path"], found["level"], form.band["zone"]) == ("optimizer.lr", "warning", "high")
    assert "0.5" in found["text"]
    form.perform("fix", fix=found["fix"])
    assert experiment.config.optimizer.lr == found["fix"]["optimizer.lr"]
    assert "learning rate" not in drawn(form)
    assert form.band["zone"] == "good"
    form.perform("undo")
    assert experiment.config.optimizer.lr == 0.5


def test_advice_never_keeps_a_run_from_training(form, experiment):
    experiment.set("training.batch_size", 8)
    assert drawn(form)
    assert form.can_train


def test_a_fix_that_is_no_fix_is_refused_whole(form, experiment):
    before = experiment.config
    form.perform("fix", fix={"optimizer.lr": 0.01, "training.epochs": -3})
    assert experiment.config == before
    assert "training.epochs" in form.trouble


def test_the_schedule_is_drawn_while_one_types(form, experiment):
    before = experiment.config
    form.perform("preview", path="optimizer.lr", value="0.02")
    assert PULSE.settle()
    assert max(form.schedule["lrs"]) == 0.02
    assert experiment.config == before
    form.perform("preview", path="optimizer.lr", value="0.0.2")
    assert PULSE.settle()
    assert experiment.config == before
    assert not form.trouble
    form.redraw()
    assert max(form.schedule["lrs"]) == pytest.approx(before.optimizer.lr)


def test_the_schedule_tells_its_values(form):
    form.redraw()
    assert [epoch for epoch, _ in form.schedule["told"]] == [10, 25, 50]
    assert form.schedule["total"] == 50
    assert len(form.schedule["epochs"]) == len(form.schedule["lrs"]) <= 240


def test_cards_are_facts_of_the_configuration(form, experiment):
    form.redraw()
    balance = form.cards["balance"]
    assert [row[:2] for row in balance["rows"]] == [[name, 8] for name in stage.CLASSES]
    assert balance["ratio"] == 1
    form.perform("fix", fix=next(o["fix"] for o in balance["options"] if o["name"] == "focal"))
    assert experiment.config.loss.kind == "focal"
    form.redraw()
    assert [o["name"] for o in form.cards["balance"]["options"] if o["chosen"]] == ["focal"]
    memory = {row["kind"]: row["memory"] for row in form.cards["optimizers"]}
    assert memory["adamw"] == "94 MB"  # two numbers of 4 bytes for each of resnet18's 11.7 M weights
    assert memory["sgd"] == "47 MB"
    assert form.cards["regularisation"]["augmentation"] == "light"
    assert [event["label"] for event in form.cards["timeline"]][-1] == "end of the run"
    assert form.cards["stops"] == ""
    assert "first of 50 checkpoints" in [event["label"] for event in form.cards["timeline"]]


def test_everything_is_plain_json(form):
    form.redraw()
    orjson.dumps([form.advice, form.band, form.schedule, form.cards, form.resources])


def test_nothing_is_said_without_an_experiment_nor_after_the_start(project):
    empty = Form(None)
    assert (empty.advice, empty.band, empty.schedule, empty.cards) == ([], {}, {}, {})
    trained = stage.trained(project, "Done")
    form = Form(trained)
    form.redraw()
    assert form.advice == []
    assert form.schedule["told"]


def test_how_runs_on_this_data_ended_is_told(project):
    stage.trained(project, "Done")
    form = Form(project.new("Next"))
    assert form.cards["stops"] == "0 of 1 finished run on this data stopped early."


def test_a_run_s_findings_are_cards_whose_fix_goes_into_a_copy(project, monkeypatch):
    quiet = stage.trained(project, "Fine")
    assert Findings(quiet).findings == []
    rows = (("daisy", 8, 0.0), *((name, 8, 0.9) for name in stage.CLASSES[1:]))
    dead = PerClass(step=60, epoch=6, columns=("class", "support", "recall"), rows=rows)
    quiet.story.tell([dead])
    quiet.per_class = quiet.story.per_class
    panel = Findings(quiet)
    assert [one["rule"] for one in panel.findings] == ["class never found"]
    assert "daisy" in panel.findings[0]["text"]
    panel.perform("copy", rule="class never found")
    assert project.cards[0].config.loss.class_weights == "auto"
    assert quiet.config.loss.class_weights == "none"
