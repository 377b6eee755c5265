"""The stages Evaluate and Compare with evaluations that lie on disk: what panels get, and what they say is lacking."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import stage

from evaluation.made import one_label, several_labels
from nbtrain import files
from nbtrain.errors import DataError
from nbtrain.evaluation import bootstrap, folder, scores
from nbtrain.evaluation.folder import Record
from nbtrain.project.evaluation import alike, compare
from nbtrain.ui.compare import Compare
from nbtrain.ui.evaluation import EvaluationPanel
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.verdicts import lacking


def evaluated(experiment, found, **more):
    """Put an evaluation of the best checkpoint beside an experiment's run."""
    data = experiment.project.datasets()[0]
    marker = files.read_json(experiment.run.path / "checkpoints" / "best.json")
    told = Record(
        part="val", run=experiment.run.path.name, which="best", step=marker["step"], epoch=1, file=marker["file"],
        sha256=marker["sha256"], dataset=data.name, data_hash=data.hash, split="s", split_hash="h",
        task="multilabel" if found.multilabel else "classification", n_classes=len(found.classes),
        n_images=len(found), metrics=scores.values(found), intervals=bootstrap.intervals(found, resamples=60),
    )  # fmt: skip
    folder.make(experiment.folder, replace(told, **more), found)
    return experiment.evaluations[-1]


@pytest.fixture
def panel():
    made = EvaluationPanel()
    yield made
    made.close()


def test_several_labels_are_led_by_what_decides(project, panel):
    one, shown = stage.trained(project, "One"), []
    evaluated(one, several_labels(200, columns=("patient",), cells=tuple((f"p{place % 4}",) for place in range(200))))
    panel.show_images = lambda title, images: shown.append((title, list(images)))
    panel.show(one)
    assert (panel.multilabel, panel.confusion, panel.metrics[0]["name"]) == (True, {}, "map")
    assert panel.curve["used"] == 0.5
    assert panel.slices["offered"] == ["class", "patient"]
    panel.perform("slice", by="patient")
    panel.perform("curve", label="label 2")
    PULSE.settle()
    assert [row["name"] for row in panel.slices["rows"]] == ["p0", "p1", "p2", "p3"]
    assert panel.curve["label"] == "label 2"
    panel.perform("errors", kind="misses", label="label 2")
    title, images = shown[-1]
    assert title == "Misses of label 2"
    assert all(note.startswith("miss: label 2 (") for _, note in images)
    panel.perform("cell", true="label 2", predicted="label 2")
    assert len(shown[-1][1]) == int(
        (panel.evaluation.predictions.guess & panel.evaluation.predictions.truth)[:, 2].sum()
    )


def test_a_thousand_classes_are_sent_as_what_can_be_looked_at(project, panel, tmp_path, monkeypatch):
    one = stage.trained(project, "One")
    evaluated(one, one_label(600, k=1000, strength=2.0))
    panel.show(one)
    assert (panel.confusion["classes"], panel.confusion["counts"], panel.curve["classes"]) == ([], [], [])
    assert len(panel.confusion["most"]) == 200
    assert len(panel.per_class["rows"]) == 1000
    assert len(panel.slices["rows"]) == 50
    assert len(panel.curve["points"]["f1"]) <= 480
    panel.perform("confused", words="class 77")
    PULSE.settle()
    assert panel.confusion["words"] == "class 77"
    assert all("class 77" in f"{one['true']} {one['predicted']}" for one in panel.confusion["most"])
    monkeypatch.chdir(tmp_path)
    panel.perform("csv")
    assert stage_until(lambda: "tables written to" in panel.said), panel.said
    assert {path.stem for path in (tmp_path / "one-evaluation-1").iterdir()} >= {"metrics", "per_class", "predictions"}
    panel.perform("report")
    assert stage_until(lambda: panel.said.startswith("Report written to")), panel.said
    assert (tmp_path / "one-evaluation-1.html").stat().st_size < 5 * 2**20


def stage_until(condition, limit_s=30.0):
    """Wait until something is true, which another thread brings about."""
    end_s = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.02)
    return condition()


def test_only_alike_is_compared_and_the_rest_is_said(project):
    one, two = stage.trained(project, "One"), stage.trained(project, "Two", stage.Play(epochs=6, steps=10, seed=5))
    first = evaluated(one, one_label(300, k=4, strength=1.0))
    other = evaluated(two, one_label(300, k=4, strength=4.0).picked(range(200)), split_hash="another")
    found = compare(first, other)
    assert found.verdict.better == "b"
    assert any("splits differ" in note and "200 images" in note for note in found.notes)
    assert "splits differ" in found.words
    later = evaluated(two, one_label(300, k=4, strength=4.0), data_hash="older")
    assert any("different labels" in note for note in compare(first, later).notes)
    for unlike in {"dataset": "others"}, {"part": "train"}:
        with pytest.raises(DataError, match="not evaluated on the same images"):
            compare(first, evaluated(two, one_label(300, k=4), **unlike))


def test_compare_says_what_lacks_and_what_differs(project):
    one, two = stage.trained(project, "One"), stage.trained(project, "Two", stage.Play(epochs=6, steps=10, seed=5))
    new = project.new("New")
    tables = Compare(project, lambda id, on: None)
    try:
        tables.show(project, one, [(0, two), (1, new)])
        assert [row["why"] for row in tables.lacking] == ["not evaluated yet", "not evaluated yet", "not trained yet"]
        evaluated(one, one_label(300, k=4, strength=1.0))
        evaluated(
            two, one_label(300, k=4, strength=4.0), which="last"
        )  # of another checkpoint than the numbers beside it
        assert alike([two]).evaluations == (None,)
        evaluated(two, one_label(300, k=4, strength=4.0), data_hash="older")
        assert lacking(two) == "its evaluation is out of date: the images or labels have changed"
        evaluated(two, one_label(300, k=4, strength=4.0), split_hash="another")
        tables.soon()
        assert stage_until(lambda: PULSE.settle() and tables.verdicts[0]["outcome"] == "other"), tables.verdicts
        verdict = tables.verdicts[0]
        assert verdict["short"].startswith("+")
        assert "points of accuracy" in verdict["short"]
        assert "splits differ" in verdict["notes"][0]
        assert [row["id"] for row in tables.lacking] == [new.id]
        assert (tables.verdicts[1]["outcome"], np.ndim(tables.rows[0]["ranges"][0])) == ("missing", 1)
    finally:
        tables.close()


def test_after_a_relabel_earlier_runs_are_compared_on_labels_that_both_have(project):
    one, two = stage.trained(project, "One"), stage.trained(project, "Two", stage.Play(epochs=6, steps=10, seed=5))
    trained, base = project.datasets()[0].hash, project.datasets()[0].base
    weak, strong = one_label(300, k=4, strength=1.0), one_label(300, k=4, strength=4.0)
    evaluated(one, weak, labels="current", known=trained)
    assert not one.relabelled
    project.dataset().relabel("daisy/0.png", "rose")
    assert one.relabelled
    (earlier,) = one.evaluations
    assert earlier.outdated == "the images or labels have changed"
    assert lacking(one).endswith("out of date: the images or labels have changed")
    asked, tables = [], Compare(project, lambda id, on: None)
    for experiment in (one, two):
        experiment.__dict__["evaluate"] = lambda part, labels, of=experiment: asked.append((of.name, labels)) or earlier
    try:
        tables.show(project, one, [(0, two)])
        # what there is stays to be seen, and both ways to have the same labels are offered
        assert tables.labels == {"old": True, "trained": True}
        tables.do_evaluate()
        assert asked == [("One", "current"), ("Two", "current")]
        evaluated(two, strong, labels="trained", known=base)  # the labels that one was evaluated with before
        found = alike([one, two])
        assert [e.labels for e in found.evaluations] == ["current", "trained"]
        assert not found.current
        tables.soon()
        assert stage_until(lambda: PULSE.settle() and tables.verdicts[0]["outcome"] == "other"), tables.verdicts
        assert (tables.labels, tables.lacking) == ({"old": True, "trained": False}, [])
        asked.clear()
        tables.do_evaluate()  # what Two has is of the labels of before
        assert asked == [("One", "current"), ("Two", "current")]
        assert tables.rows[0]["ranges"][1] is not None  # of the labels that the run's own numbers are of
        now = project.datasets()[0].hash
        evaluated(two, strong, labels="current", known=now, data_hash=now)
        assert alike([one, two]).evaluations[0] is not None  # what both have goes before what is newer
        asked.clear()
        tables.do_evaluate()
        assert asked == [("One", "current")]
        done = evaluated(one, weak, labels="current", known=now, data_hash=now)
        assert done.outdated == ""
        assert alike([one, two]).current
        tables.soon()
        PULSE.settle()
        assert tables.labels == {"old": False, "trained": False}
        assert [row["ranges"][0] for row in tables.rows] == [None] * len(
            tables.rows
        )  # the run's value has other labels
        assert two.evaluations[0].outdated == ""  # labels as trained do not grow old by a relabel
    finally:
        tables.close()


def test_another_word_from_the_disk_than_the_projects_is_no_dead_end(project):
    """Images that came or went since the project last looked make an evaluation out of date when it has looked."""
    one = stage.trained(project, "One")
    data = project.datasets()[0]
    made = evaluated(one, one_label(300, k=4), labels="current", known=data.hash, data_hash="as it lies there")
    assert made.outdated == ""
    as_trained = evaluated(one, one_label(300, k=4), labels="trained", known=data.base, data_hash="as it lies there")
    stage.Image.new("RGB", (16, 16)).save(project.path.parent / "images" / "daisy" / "new.png")
    project.dataset().refresh()
    assert made.outdated == "the images or labels have changed"
    assert as_trained.outdated == "the images have changed"


def test_the_panel_offers_both_labels_where_they_differ(project, panel):
    one, asked = stage.trained(project, "One"), []
    panel.show(one)
    assert panel.offered["labels"] == []
    project.dataset().relabel("daisy/0.png", "rose")
    panel.soon()
    PULSE.settle()
    assert [row["value"] for row in panel.offered["labels"]] == ["current", "trained"]
    one.__dict__["evaluate"] = lambda *given: asked.append(given)
    panel.do_evaluate("val", "best", "trained")
    assert asked == [("val", "best", "trained")]


def test_a_relabel_that_no_panel_made_is_seen_while_the_evaluation_is(project, panel, monkeypatch):
    one = stage.trained(project, "One")
    evaluated(one, one_label(40), known=project.datasets()[0].hash, labels="current")
    monkeypatch.setattr("nbtrain.ui.evaluation.LOOK_S", 0.05)
    panel.show(one)
    PULSE.settle()
    panel.look()
    project.dataset().relabel("daisy/0.png", "rose")
    end_s = time.monotonic() + 20
    while not panel.outdated and time.monotonic() < end_s:
        time.sleep(0.05)
    assert panel.outdated == "the images or labels have changed"
