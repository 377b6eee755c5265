"""Advice about experiments: the evidence is what lies on the disk, and a fix goes where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nbtrain.errors import NbtrainError
from nbtrain.project import counsel


@pytest.fixture
def project(flowers):
    return flowers


@pytest.fixture
def experiment(project):
    return project.new("Baseline")


def rules(experiment):
    return {one.rule for one in experiment.advice}


def test_evidence_is_what_lies_on_the_disk(experiment):
    found = counsel.evidence(experiment)
    assert found.image_px == 24
    assert found.n_measured > 0
    assert (found.n_train, found.n_val, found.n_images) == (102, 26, 128)
    assert found.class_counts == {"daisy": 96, "rose": 6}
    assert found.disk_free_bytes > 0
    assert found.cores >= 1


def test_a_fix_is_applied_in_place_before_the_run(experiment):
    assert {"imbalance", "few images", "enlarged images"} <= rules(experiment)
    one = next(one for one in experiment.advice if one.rule == "imbalance")
    assert (one.level, one.path, one.doing) == ("warning", "loss.class_weights", "class weights auto")
    assert "16 times" in one.text
    assert one.source
    assert one.apply() is experiment
    assert experiment.config.loss.class_weights == "auto"
    assert "imbalance" not in rules(experiment)


def test_every_fix_is_said_in_words_and_keeps_the_configuration_legal(experiment):
    experiment.set("optimizer.lr", 3.0)
    experiment.set("training.epochs", 2)
    for one in experiment.advice:
        assert bool(one.doing) == bool(one.fix), one
        if one.fix:
            experiment.config.set_all(one.fix)


def test_what_has_no_fix_says_so(experiment):
    one = experiment.advice[0]
    one = replace(one, finding=replace(one.finding, fix={}))
    with pytest.raises(NbtrainError, match="no fix"):
        one.apply()


def test_recalls_come_with_and_without_a_name_for_the_first_columns():
    told = {"columns": ("class", "support", "precision", "recall"), "rows": (("a", 5, 0.5, 0.0),)}
    assert counsel.recalls(told) == [("a", 5, 0.0)]
    assert counsel.recalls({"columns": ("precision", "recall"), "rows": (("a", 5, 0.5, 0.25),)}) == [("a", 5, 0.25)]
    assert counsel.recalls({}) == ()


def test_advice_from_a_history(experiment, monkeypatch):
    """A run whose losses are told to rise gets its fix in a copy, because what was trained stays as it is."""
    from nbtrain.messages import Metric

    monkeypatch.setattr(type(experiment), "running", False)
    experiment.status = "completed"
    for epoch, loss in enumerate((1.0, 0.5, 3.0, np.nan), 1):
        experiment.curves.add(Metric(step=epoch, epoch=epoch, split="train", values={"loss": loss, "lr": 1e-3}))
        experiment.curves.add(Metric(step=epoch, epoch=epoch, split="val", values={"loss": 1.0, "accuracy": 0.5}))
    assert rules(experiment) == {"not a number"}
    copy = experiment.advice[0].apply()
    assert copy is not experiment
    assert copy.config.training.clip_norm == 1.0
    assert experiment.config.training.clip_norm == 0.0
