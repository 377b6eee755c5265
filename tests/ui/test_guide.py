"""The guided start's panel: what it shows of the draft, and that a wish that fails is told and loses nothing."""

from __future__ import annotations

import time

import pytest

from images import write_classes
from nbtrain.project.project import Project
from nbtrain.ui.guide import GuidePanel
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NBTRAIN_WARM", "0")
    other = Project(tmp_path / "other")
    other.add_images(write_classes(tmp_path / "more", {"cat": 8, "fox": 6}), "forest")
    other.close()
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 20, "dog": 20}), "pets")
    yield made
    made.close()


def until(panel, condition, limit_s=20):
    """Wait until the panel has drawn what another thread found out."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        PULSE.settle()
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"{panel.trouble or panel.busy or 'nothing came'}")


def test_the_panel_shows_the_draft_and_makes_the_experiment(project):
    made = []
    panel = GuidePanel(project, lambda experiment, train: made.append((experiment, train)))
    until(panel, lambda: panel.offers and not panel.busy)
    assert [(one["name"], one["project"], one["place"]) for one in panel.offers] == [
        ("pets", "", 1), ("forest", "other", 0)
    ]  # fmt: skip
    panel.perform("use", key=panel.offers[1]["key"])
    until(panel, lambda: len(panel.merging["sets"]) == 2 and not panel.busy)
    assert panel.classes["rows"][0] == {"name": "cat", "count": 28, "per": [20, 8]}
    panel.perform("move", name="fox", by=-1)
    panel.perform("rename", name="dog", to="hound")
    panel.perform("drop", name="nothing")
    assert "no such class" in panel.trouble
    panel.perform("set", path="training.batch_size", value="zero")
    PULSE.settle()
    assert panel.refused["training.batch_size"]["text"] == "zero"
    panel.perform("set", path="training.batch_size", value="8")
    panel.perform("preset", key="quick")
    panel.perform("name", name="Guided")
    panel.perform("go", step="review")
    until(panel, lambda: panel.review.get("ready") and not panel.busy)
    assert (panel.step, panel.refused, panel.own) == ("review", {}, ["training.batch_size"])
    assert [row["name"] for row in panel.review["classes"]] == ["cat", "fox", "hound"]
    assert {row["label"] for row in panel.review["changes"]} >= {"Model › Variant", "Training › Epochs"}
    panel.perform("create", train=True)
    until(panel, lambda: made and not panel.busy)
    (experiment, train), *more = made
    assert (experiment.name, experiment.config.data.dataset, train, more) == ("Guided", "pets + forest", True, [])
    assert (panel.step, panel.touched, panel.guide) == ("task", False, project.guide())


def test_a_draft_survives_its_panel_and_can_be_discarded(project, tmp_path):
    first = GuidePanel(project)
    first.perform("task", kind="multilabel")
    first.perform("look", path=str(tmp_path / "other"))
    until(first, lambda: first.adding.get("ok"))
    assert first.adding["lines"][0] == "Project: other"
    first.perform("add", path=str(tmp_path / "more"))
    until(first, lambda: [one["name"] for one in first.offers if one.get("loose")] == ["more"])
    first.close()
    again = GuidePanel(project)
    until(again, lambda: again.offers and not again.busy)
    assert (again.task, again.touched, len(again.merging["sets"])) == ("multilabel", True, 2)
    again.perform("discard")
    until(again, lambda: not again.touched and not again.busy)
    assert (again.task, again.merging["sets"]) == ("classification", ["pets"])


def test_names_that_look_like_one_class_are_merged_by_one_click(project, tmp_path):
    project.add_images(write_classes(tmp_path / "twice", {"Fox": 3, "fox": 5, "cat": 2}), "twice")
    panel = GuidePanel(project)
    until(panel, lambda: any(one["name"] == "twice" for one in panel.offers))
    panel.perform("use", key=next(one["key"] for one in panel.offers if one["name"] == "twice"))
    until(panel, lambda: panel.classes.get("alike"))
    assert panel.classes["alike"] == [{"names": ["Fox", "fox"], "how": "upper and lower case", "into": "fox"}]
    assert not any("look like one class" in told for told in panel.notices)
    panel.perform("merge", names=["fox", "Fox"], into="fox")
    until(panel, lambda: [row["name"] for row in panel.classes["rows"]] == ["cat", "fox"])
    assert panel.classes["alike"] == []
    assert project.guide().classes == ("cat", "fox")
    panel.close()
