"""The form: what it says of a configuration, what it keeps and what it refuses; asserted on the experiment."""

from __future__ import annotations

import pytest

from nbtrain.ui.form import Form, describe, footer_of


@pytest.fixture
def experiment(project):
    return project.new("Baseline")


@pytest.fixture
def form(experiment):
    return Form(experiment)


def test_every_field_of_every_section_is_there(form, experiment):
    described = describe(experiment.config, {})
    paths = [field["path"] for section in described["sections"] for field in section["fields"]]
    assert set(paths) == set(described["values"])
    assert {section["key"] for section in described["sections"]} == set(type(experiment.config).model_fields)
    assert "optimizer.lr" in paths
    assert "augmentation.train.0.kind" in paths


@pytest.mark.parametrize(
    ("path", "typed", "value"),
    [
        ("optimizer.lr", "3e-4", 3e-4),
        ("training.batch_size", "64", 64),
        ("data.workers", "auto", "auto"),
        ("augmentation.train", [{"kind": "resize"}], 1),
    ],
)
def test_a_legal_value_reaches_the_configuration(form, experiment, path, typed, value):
    form.perform("set", path=path, value=typed)
    found = experiment.config.get(path)
    assert (len(found) if path == "augmentation.train" else found) == value
    assert experiment.dirty


@pytest.mark.parametrize("typed", ["abc", "", "nan", "1e400", "-1", "٣", True, "x" * 1_000_000, None, [1]])
def test_an_illegal_text_stays_in_the_form_and_never_reaches_the_configuration(form, experiment, typed):
    before = experiment.config
    form.perform("set", path="optimizer.lr", value=typed)
    form.redraw()
    assert experiment.config == before
    assert form.refused["optimizer.lr"]["text"] == typed
    assert form.refused["optimizer.lr"]["message"]
    assert not form.can_train
    assert form.reason.startswith("Train is off")
    form.perform("set", path="optimizer.lr", value="0.01")
    form.redraw()
    assert form.refused == {}
    assert experiment.config.optimizer.lr == 0.01


def test_switching_a_kind_and_back_brings_its_values_back(form, experiment):
    form.perform("set", path="optimizer.lr", value="0.02")
    form.perform("set", path="optimizer.kind", value="sgd")
    form.redraw()
    assert "optimizer.momentum" in form.values
    form.perform("set", path="optimizer.kind", value="adamw")
    form.redraw()
    assert form.values["optimizer.lr"] == 0.02
    assert "optimizer.momentum" not in form.values


def test_an_edit_sends_values_and_not_the_structure(form, experiment):
    sent = []
    form.observe(lambda change: sent.append(change["name"]), ["sections", "values", "catalog"])
    form.perform("set", path="training.epochs", value=7)
    form.redraw()
    assert sent == ["values"]


def test_undo_and_revert(form, experiment):
    experiment.save()
    before = experiment.config
    form.perform("set", path="training.epochs", value=7)
    form.perform("set", path="training.epochs", value=8)
    form.perform("undo")
    assert experiment.config.training.epochs == 7
    form.perform("revert")
    assert experiment.config == before
    assert not experiment.dirty


def test_long_lists_stay_behind_until_somebody_looks(form, experiment):
    assert [choice["value"] for choice in form.catalog["model.variant"]] == [experiment.config.model.variant]
    form.perform("catalog", path="model.family")
    form.redraw()
    assert len(form.catalog["model.family"]) > 40


def test_rules_across_fields_are_told_with_their_path(form, experiment):
    form.perform("set", path="training.batch_size", value=64)
    form.redraw()
    assert [problem["path"] for problem in form.problems] == ["training.batch_size"]
    assert "32 training images" in form.reason


def test_effective_batch_size(form, experiment):
    form.perform("set", path="training.batch_size", value=8)
    form.perform("set", path="training.batch_multiplier", value=2)
    footer = {"batch": "8", "multiplier": 2, "effective": "16", "n_train": 32, "steps_per_epoch": 2}
    assert footer_of(experiment) == footer


def test_read_only_once_it_has_been_trained(form, experiment):
    experiment.train().wait(20)
    form.redraw()
    assert not form.editable
    form.perform("set", path="training.epochs", value=3)
    assert "has been trained" in form.trouble
    form.perform("duplicate")
    assert len(experiment.project.cards) == 2


def test_a_broken_wish_is_told_and_not_raised(form):
    form.perform("set", path="nowhere.at_all", value=1)
    form.perform("set", wrong="argument")
    assert "That did not work" in form.trouble
    form.perform("no such wish")
