"""Stages of the studio, the status table and the comparison: what they hold, and that they show one choice."""

from __future__ import annotations

import pytest
import stage

from nbtrain.errors import AddressError, StatusError
from nbtrain.project import lives
from nbtrain.ui.attach import attach
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.studio import TrainingStudio


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A studio with two trained experiments that differ in a setting, and one that is not trained."""
    patched = pytest.MonkeyPatch()
    patched.setattr(lives, "launch", lives.launch)
    patched.setenv("NBTRAIN_WARM", "0")
    patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    patched.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    attach()
    project = stage.project(tmp_path_factory.mktemp("stages"))
    worse = stage.trained(project, "Worse", stage.Play(epochs=3, steps=10))
    better = stage.trained(project, "Better", stage.Play(epochs=6, steps=10, seed=4))
    new = project.new("New", better.config.set("optimizer.lr", 0.01))
    shown = TrainingStudio(project)
    yield shown, worse, better, new
    project.close()
    patched.undo()


def opened(studio, key):
    studio.header.perform("stage", stage=key)
    PULSE.settle()
    assert studio.stage == key
    assert studio.header.stage == key


def test_stages_are_made_when_they_are_opened_and_folded_when_they_are_left(studio):
    shown = studio[0]
    opened(shown, "train")
    assert [one["label"] for one in shown.header.stages] == ["Data", "Train", "Evaluate", "Runs", "Compare"]
    opened(shown, "runs")
    train, runs = shown.stages.children[:2]
    assert "nbt-off" in train._dom_classes
    assert "nbt-off" not in runs._dom_classes
    opened(shown, "train")
    assert shown.stages.children[1] is runs
    assert "nbt-off" in runs._dom_classes
    shown.stages.show("no such stage")
    assert shown.stage == "train"


def test_the_table_has_a_row_per_experiment_and_follows_it(studio):
    shown, _, better, new = studio
    opened(shown, "runs")
    rows = {row["name"]: row for row in shown.table.cards}
    assert list(rows) == ["New", "Better", "Worse"]
    assert rows["Better"]["value"] == better.best["value"]
    assert (rows["Better"]["data"], rows["Better"]["started_s"] > 1e9, rows["New"]["started_s"]) == (
        "flowers",
        True,
        None,
    )
    new.set("model.variant", "resnet34")
    new.save()
    PULSE.settle()
    assert next(row for row in shown.table.cards if row["id"] == new.id)["model"] == "resnet34"


def test_what_is_chosen_in_the_table_is_chosen_everywhere(studio):
    shown, worse, better, _ = studio
    opened(shown, "runs")
    shown.table.perform("open", id=better.id, stage="train")
    PULSE.settle()
    assert shown.experiment is better
    assert shown.stage == "train"
    opened(shown, "runs")
    shown.table.overlay = [worse.id]
    PULSE.settle()
    assert shown.experiments.overlay == [worse.id]
    shown.experiments.overlay = []
    PULSE.settle()
    assert shown.table.overlay == []


def test_compare_sets_others_against_the_selected_one(studio):
    shown, worse, better, new = studio
    shown.experiments.selected, shown.experiments.overlay = better.id, []
    opened(shown, "compare")
    tables = shown.comparison.tables
    PULSE.settle()
    assert [one["name"] for one in tables.compared] == ["Better"]
    assert [one["name"] for one in tables.offered] == ["New", "Worse"]
    tables.perform("add", id=worse.id)
    tables.perform("add", id=new.id)
    PULSE.settle()
    assert [one["name"] for one in tables.compared] == ["Better", "Worse", "New"]
    accuracy = tables.rows[0]
    assert accuracy["name"] == "accuracy"
    assert accuracy["values"][0] == pytest.approx(better.best["value"])
    assert accuracy["apart"][1] == pytest.approx(accuracy["values"][1] - accuracy["values"][0])
    assert (accuracy["values"][2], accuracy["best"]) == (None, 0)
    assert [row["path"] for row in tables.settings] == ["model.variant", "optimizer.lr"]
    assert len({one["color"] for one in tables.compared}) == 3
    tables.perform("remove", id=worse.id)
    PULSE.settle()
    assert shown.experiments.overlay == [new.id]


def test_from_code_the_same_numbers(studio):
    shown, worse, better, new = studio
    compared = shown.project.compare("Better", worse, new.id)
    metrics = compared.metrics
    assert metrics.loc[better.id, "accuracy"] == better.best["value"]
    assert metrics.loc[better.id, "epoch"] == better.best["epoch"]
    assert metrics["accuracy"].isna().tolist() == [False, False, True]
    assert list(metrics.columns[:4]) == ["name", "status", "epoch", "accuracy"]
    assert list(compared.settings.columns) == [better.id, worse.id, new.id]
    with pytest.raises(AddressError, match="no such experiment"):
        shown.project.compare("Nobody")
    with pytest.raises(StatusError, match="nothing to compare"):
        shown.project.compare()


def test_the_table_stands_alone(studio):
    table = studio[0].project.table
    try:
        table.perform("open", id=studio[2].id, stage="train")
        assert table.selected == studio[2].id
    finally:
        table.close()
