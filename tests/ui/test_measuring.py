"""What the form measures: what is shown of a kept result, and what a refused start says."""

from __future__ import annotations

import orjson
import pytest

from nbtrain.data import measured
from nbtrain.data.normalisation import Colours, keep_colours
from nbtrain.probing.lr_curve import LrCurve, rates
from nbtrain.project.measuring import LR_RANGE
from nbtrain.ui.form import Form


@pytest.fixture
def experiment(project):
    made = project.new("Baseline")
    made.set("training.batch_size", 8)
    return made


@pytest.fixture
def form(experiment):
    return Form(experiment)


def shown(form):
    form.redraw()
    return orjson.loads(orjson.dumps(form.measured))


def curve():
    lrs = rates()
    return LrCurve.of(lrs, [2.3 - step / 50 if step < 80 else 1.0 + step - 80 for step in range(100)], diverged=True)


def test_nothing_is_shown_before_anything_was_measured(form):
    assert shown(form)["lr_range"] == {"running": False, "text": "", "fraction": None, "trouble": ""}


def test_a_kept_curve_is_shown_for_its_configuration_and_for_no_other(form, experiment):
    measured.keep(experiment.project.path, LR_RANGE, experiment._lr_key(experiment.config), curve().plain())
    found = shown(form)["lr_range"]
    assert len(found["lrs"]) == len(found["losses"]) == 100
    assert found["suggested"] == pytest.approx(curve().suggested, rel=0.05)
    assert not found["stale"]
    form.perform("fix", fix={"optimizer.lr": found["suggested"]})
    assert experiment.config.optimizer.lr == found["suggested"]
    assert not shown(form)["lr_range"]["stale"]
    experiment.set("optimizer.kind", "sgd")
    assert "lrs" not in shown(form)["lr_range"]


def test_an_edited_file_is_no_curve(form, experiment):
    measured.keep(experiment.project.path, LR_RANGE, experiment._lr_key(experiment.config), {"lrs": "x"})
    assert "lrs" not in shown(form)["lr_range"]


def test_colours_are_shown_where_the_configuration_asks_for_them(form, experiment):
    project, config = experiment.project, experiment.config
    split = project.data.make_split(config.data)
    values = Colours((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 32)
    keep_colours(project.path, project.data.get(config.data.dataset).hash, split.hash, values)
    assert "mean" not in shown(form)["colours"]
    experiment.set("normalisation.kind", "dataset")
    found = shown(form)["colours"]
    assert found["mean"] == [0.1, 0.2, 0.3]
    form.perform("fix", fix=found["fix"])
    assert experiment.config.normalisation.std == (0.4, 0.5, 0.6)


def test_what_cannot_be_measured_is_told_in_the_form(form, experiment):
    experiment.set("training.batch_size", 5000)
    form.perform("measure", kind="lr_range")
    assert "training.batch_size" in form.trouble
    assert experiment.measurements == {}
    form.perform("cancel_measuring", kind="lr_range")  # nothing is under way
    form.perform("measure", kind="nonsense")
