"""The form: what it says of a configuration, what it keeps and what it refuses; asserted on the experiment."""

from __future__ import annotations

import pytest

from nbtrain.project.project import Project
from nbtrain.ui.form import Form, describe, footer_of
from nbtrain.ui.run_bar import RunBar


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
    assert "32 training images" in form.problems[0]["message"]
    assert form.reason == "Train is off: 1 value needs attention."


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


# -- undo, tools, files


def test_undo_takes_back_what_was_refused_before_any_edit(form, experiment):
    form.perform("set", path="training.epochs", value=7)
    form.perform("set", path="optimizer.lr", value="fast")
    form.perform("undo")
    form.redraw()
    assert (form.refused, experiment.config.training.epochs) == ({}, 7)
    form.perform("undo")
    form.redraw()
    assert (experiment.config.training.epochs, form.can_undo, form.can_redo) == (50, False, True)
    form.perform("redo")
    assert experiment.config.training.epochs == 7


def test_one_drag_is_one_edit(form, experiment):
    for value in (0.01, 0.02, 0.03):
        form.perform("set", path="optimizer.lr", value=value, join="drag 1")
    form.perform("undo")
    assert experiment.config.optimizer.lr == 1e-3


def test_what_was_refused_is_there_again_after_looking_elsewhere(form, experiment, project):
    form.perform("set", path="optimizer.lr", value="fast")
    form.show(project.new("Other"))
    assert form.refused == {}
    form.show(experiment)
    assert form.refused["optimizer.lr"]["text"] == "fast"


def test_fields_that_do_not_apply_are_hidden(form):
    for path, value, gone in (
        ("optimizer.kind", "sgd", "optimizer.betas"),
        ("training.early_stopping", False, "training.patience"),
        ("training.ema", False, "training.ema_decay"),
    ):
        form.perform("set", path=path, value=value)
        form.redraw()
        assert gone in form.hidden or gone not in form.values


def test_an_auto_tells_what_it_became_and_where_to_start_from(form, experiment, project):
    assert form.autos["data.workers"] == {"manual": None}
    before = project.new("Before")
    before.train().wait(20)
    form.redraw()
    told = form.autos["data.workers"]
    assert (told["value"], told["source"], told["manual"]) == ("2", "Before", 2)
    assert "busy" in told["reason"]
    form.perform("set", path="data.workers", value=5)
    form.perform("set", path="data.workers", value="auto")
    form.redraw()
    assert form.autos["data.workers"]["manual"] == 5


def test_a_preset_is_looked_at_before_it_is_used(form, experiment):
    form.perform("preset", key="quick")
    form.redraw()
    rows = {row["label"]: (row["here"], row["there"]) for row in form.preset["rows"]}
    assert rows["Training › Epochs"] == ("50", "3")
    assert experiment.config.training.epochs == 50
    form.perform("apply_preset", key="quick")
    form.redraw()
    assert (form.preset, experiment.config.training.epochs) == ({}, 3)


def test_a_text_in_and_out(form, experiment):
    form.perform("set", path="optimizer.kind", value="sgd")
    form.perform("export", style="yaml")
    form.redraw()
    text = form.sheet["text"]
    form.perform("undo")
    form.perform("import", text=text)
    form.redraw()
    assert experiment.config.optimizer.kind == "sgd"
    assert form.said.startswith("Imported")
    form.perform("import", text="optimizer: {lr: !!python/object:os.x 1}")
    assert "!!python/object:os.x is not read" in form.trouble
    form.perform("python")
    form.redraw()
    assert experiment.config.hash in form.sheet["text"]
    assert form.trouble == form.said == ""


def test_defaults_by_a_click(form, experiment, project):
    form.perform("set", path="training.epochs", value=7)
    form.perform("defaults", where="project")
    form.redraw()
    assert "this project" in form.said
    assert project.new().config.training.epochs == 7


def test_compared_settings_follow_both_sides(form, experiment, project):
    other = project.new("Other")
    form.compare([other])
    other.set("optimizer.kind", "sgd")
    form.redraw()
    assert form.compared["names"] == ["Baseline", "Other"]
    rows = {row["label"]: row["values"] for row in form.compared["rows"]}
    assert rows["Optimizer › Kind"] == ["AdamW", "SGD"]
    assert rows["Optimizer › Momentum"] == ["–", "0.9"]


def test_a_file_changed_by_somebody_else_keeps_train_off_until_one_is_chosen(form, experiment):
    experiment.save()
    form.perform("set", path="training.epochs", value=3)
    path = experiment.folder / "experiment.json"
    path.write_text(path.read_text().replace('"epochs": 50', '"epochs": 9'))
    experiment.refresh()
    form.redraw()
    assert form.outside["rows"] == [{"path": "training.epochs", "label": "Training › Epochs", "values": ["3", "9"]}]
    assert "changed by somebody else" in form.reason
    form.perform("keep_mine")
    form.redraw()
    assert (form.outside, form.can_train) == ({}, True)


def test_notes_can_be_changed_after_training(form, experiment):
    experiment.train().wait(20)
    form.perform("annotate", name="Done", tags=["a", "a"], description="why")
    form.redraw()
    assert (form.name, form.tags, form.known_tags, experiment.dirty) == ("Done", ["a"], ["a"], False)
    form.perform("annotate", name=" ")
    assert "needs a name" in form.trouble
    assert experiment.name == "Done"


# -- drafts


def test_save_names_what_has_problems_and_saves_nothing(form, experiment):
    experiment.save()
    before = (experiment.folder / "experiment.json").read_text()
    form.perform("set", path="optimizer.lr", value="fast")
    form.perform("set", path="scheduler.warmup_epochs", value="60")
    form.perform("save")
    assert "optimizer.lr: 'fast' is not a number" in form.trouble
    assert "scheduler.warmup_epochs: the warm-up of 60 epochs is longer than the run" in form.trouble
    assert (experiment.folder / "experiment.json").read_text() == before
    form.redraw()
    assert (form.dirty, RunBar(experiment).startable) == (True, False)
    form.perform("set", path="optimizer.lr", value="0.01")
    form.perform("set", path="scheduler.warmup_epochs", value="2")
    form.perform("save")
    form.redraw()
    assert (form.trouble, form.dirty, RunBar(experiment).startable) == ("", False, True)


def test_a_form_in_another_kernel_shows_what_was_typed(form, experiment, project):
    form.perform("set", path="optimizer.lr", value="fast")
    form.perform("set", path="optimizer.betas", value=["0.9", "much"])
    again = Project(project.path)
    other = Form(again.experiment("Baseline"))
    assert {path: one["text"] for path, one in other.refused.items()} == {
        "optimizer.lr": "fast", "optimizer.betas": ["0.9", "much"],
    }  # fmt: skip
    assert (other.refused, other.dirty, other.can_train) == (experiment.refused, True, False)
    again.close()


def test_what_is_only_in_memory_is_told_at_the_form(form, experiment):
    experiment.unkept = "The newest edits are only in memory."
    form.redraw()
    assert "only in memory" in form.trouble
