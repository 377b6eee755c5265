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
from nbtrain.project.evaluation import compare
from nbtrain.ui.compare import Compare
from nbtrain.ui.evaluation import EvaluationPanel
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.verdicts import lacking, newest


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
    assert any("data set was changed" in note for note in compare(first, later).notes)
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
        assert newest(two) is None
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
