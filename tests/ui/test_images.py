"""The stages Data and Evaluate on the Python side: tiles by stretches, edits with undo, a scan, an evaluation."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
import pytest
import stage

from nbtrain.evaluation import folder as evaluations
from nbtrain.evaluation import scores
from nbtrain.evaluation.folder import Record
from nbtrain.evaluation.predictions import Predictions
from nbtrain.ui.compare import Compare
from nbtrain.ui.data_stage import DataStage
from nbtrain.ui.evaluation_stage import EvaluationStage
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def images(project):
    shown = DataStage(project)
    shown.show(project, None)
    yield shown
    shown.close()


def sent_by(gallery, monkeypatch):
    """Return the list of what a gallery sends, and an event that each message sets."""
    messages, came = [], threading.Event()

    def send(content, buffers=None):
        messages.append((content, buffers))
        came.set()

    monkeypatch.setattr(gallery, "send", send)
    return messages, came


def test_a_stretch_comes_with_its_thumbnails(images, monkeypatch):
    gallery = images.gallery
    assert (gallery.total, gallery.count) == (40, 40)
    messages, came = sent_by(gallery, monkeypatch)
    gallery.perform("rows", first=8, n=4, version=gallery.version)
    assert came.wait(20)
    content, pictures = messages[0]
    rows = content["rows"]
    assert (rows["first"], rows["version"]) == (8, gallery.version)
    assert [tile["labels"] for tile in rows["tiles"]] == [["daisy"], ["daisy"], ["iris"], ["iris"]]
    assert all(picture[:2] == b"\xff\xd8" for picture in pictures)


def test_wishes_of_another_list_and_those_that_were_overtaken_are_not_worked_at(images, monkeypatch):
    gallery = images.gallery
    messages, _ = sent_by(gallery, monkeypatch)
    gallery._working = True  # busy with another stretch
    for first in range(20):
        gallery.do_rows(first, 1, gallery.version)
    assert [content["rows"]["first"] for content, _ in messages] == list(range(8))
    assert all(content["rows"]["tiles"] == [] for content, _ in messages)
    messages.clear()
    gallery.version += 1
    gallery._work()
    assert messages == []


def test_relabelling_from_the_gallery_is_an_edit_that_is_taken_back(images, project):
    gallery = images.gallery
    file = project.dataset().listing().records[0].file
    gallery.perform("relabel", files=[file], labels=["tulip"])
    PULSE.settle()
    assert [one["count"] for one in gallery.choices["labels"]] == [9, 10, 10, 11]
    assert [one["count"] for one in images.data.classes] == [9, 10, 10, 11]
    assert "daisy → tulip" in gallery.undo
    gallery.perform("undo")
    PULSE.settle()
    assert [one["count"] for one in gallery.choices["labels"]] == [10, 10, 10, 10]
    assert (gallery.undo, "daisy → tulip" in gallery.redo) == ("", True)
    gallery.perform("exclude", files=[file], reason="blurred")
    PULSE.settle()
    assert (gallery.count, gallery.choices["problems"][0]["count"]) == (39, 1)
    gallery.perform("find", problem="Left out")
    assert gallery.count == 1
    gallery.perform("relabel", files=["nobody.png"], labels=["tulip"])
    assert "no such image" in gallery.trouble


def test_an_image_is_opened_large(images, monkeypatch):
    gallery = images.gallery
    messages, came = sent_by(gallery, monkeypatch)
    file = gallery._shelf.files[3]
    gallery.perform("open", file=file)
    assert came.wait(20)
    assert {fact["label"] for fact in gallery.opened["facts"]} == {"Class", "Path"}
    assert messages[0][0] == {"large": {"file": file}}
    gallery.perform("open", file="")
    assert gallery.opened == {}


def test_a_path_is_looked_at_before_it_is_added(images, project, tmp_path):
    more = stage.images(tmp_path / "more", per_class=2)
    data = images.data
    done = threading.Event()
    data.observe(lambda change: done.set() if not change["new"].get("busy") else None, "adding")
    data.perform("look", path=str(more))
    assert done.wait(20)
    assert data.adding["ok"]
    assert any("8" in text for _, text in data.adding["facts"])
    assert project.data.names() == ["flowers"]
    done.clear()
    data.perform("add", path=str(more), into=True)
    assert done.wait(20)
    PULSE.settle()
    assert [one["images"] for one in data.sets] == [48]
    assert "48 images" in data.adding["done"]
    done.clear()
    data.perform("look", path=str(tmp_path / "nowhere"))
    assert done.wait(20)
    assert (data.adding["ok"], "no such path" in data.adding["lines"][0]) == (False, True)


def test_classes_are_renamed_merged_and_dropped_with_the_images_beside_them(images):
    data = images.data
    data.perform("rename", name="daisy", to="marguerite")
    data.perform("rename", name="rose", to="tulip")
    data.perform("drop", name="iris")
    PULSE.settle()
    assert {one["name"]: one["count"] for one in data.classes} == {"marguerite": 10, "tulip": 20}
    assert images.gallery.count == 30
    data.perform("drop", name="tulip")
    assert "class" in data.trouble


def test_a_split_is_made_given_to_the_selected_experiment_and_locked_by_its_run(images, project):
    experiment, data = project.new("Folds"), images.data
    images.show(project, experiment)
    data.perform("split", name="cross", val=20, test=0, folds=4)
    PULSE.settle()
    assert [(one["name"], one["train"], one["val"]) for one in data.splits] == [
        (f"cross-{place}-of-4", 30, 10) for place in range(1, 5)
    ]
    assert data.user == {"name": "Folds", "split": "", "editable": True}
    data.perform("use", name="cross-2-of-4")
    PULSE.settle()
    assert experiment.config.data.split == data.user["split"] == "cross-2-of-4"
    experiment.set("training.batch_size", 8)
    experiment.train(beside=True).wait(30)
    data.perform("delete_split", name="cross-2-of-4")
    assert "locked" in data.trouble
    project.data.make_split(project.new_config().data)  # a run makes such a one by itself, with dots in its name
    images._look()
    automatic = next(one["name"] for one in data.splits if "." in one["name"])
    data.perform("use", name=automatic)
    assert project.data.split(project.new_config().data.replace(split=automatic)).name == automatic
    data.perform("delete_split", name=automatic)
    assert data.trouble == ""
    data.perform("delete_split", name="cross-3-of-4")
    PULSE.settle()
    assert len(data.splits) == 3
    data.perform("split", name="", val=20, test=0)
    assert "needs a name" in data.trouble


def test_a_scan_tells_kinds_of_problems_and_leaves_them_out(images, project):
    broken = project.dataset().listing().records[0].file
    path = project.dataset().listing().root / broken
    path.write_bytes(b"")
    data = images.data
    assert data.scan["state"] == "none"
    done = threading.Event()
    data.observe(lambda change: done.set() if change["new"].get("state") == "done" else None, "scan")
    data.perform("scan")
    assert done.wait(60)
    PULSE.settle()
    kinds = {kind["kind"]: kind for kind in data.scan["kinds"]}
    assert kinds["empty"]["count"] == 1
    data.perform("find", key="problem", value=kinds["empty"]["label"])
    assert [images.gallery._shelf.files[place] for place in images.gallery._found] == [broken]
    data.perform("exclude", kind="empty")
    PULSE.settle()
    kinds = {kind["kind"]: kind for kind in data.scan["kinds"]}
    assert kinds["empty"]["dealt"] == 1
    assert images.gallery.total == 39


PAYLOAD_SHA256 = hashlib.sha256(b"a payload").hexdigest()
"""Of the checkpoints that the stage's trainer leaves."""


def evaluated(experiment, every=3):
    """Leave an evaluation in an experiment's folder, of predictions that are made up: so many are wrong."""
    data = experiment.project.dataset()
    records = data.listing().records
    targets = np.array([record.labels[0] for record in records])
    told = np.where(np.arange(len(records)) % every == 0, (targets + 1) % 4, targets)
    probabilities = np.full((len(records), 4), 0.05, np.float32)
    probabilities[np.arange(len(records)), told] = 0.85
    losses = -np.log(probabilities[np.arange(len(records)), targets])
    files = tuple(record.file for record in records)
    predictions = Predictions(data.classes, files, probabilities, targets, losses)
    record = Record(
        part="val", run="0001", which="best", step=60, epoch=6, file="step-00000060.pt", sha256=PAYLOAD_SHA256,
        dataset=data.name, data_hash=data.value.hash, split="", split_hash="", task="classification", n_classes=4,
        n_images=len(records), metrics=scores.values(predictions), created_s=1e9,
    )  # fmt: skip
    evaluations.make(experiment.folder, record, predictions)
    return predictions


def test_an_evaluation_is_shown_in_full_and_points_at_images(project):
    experiment = stage.trained(project, "Judged")
    shown = EvaluationStage()
    shown.show(experiment)
    panel = shown.evaluation
    assert (panel.number, panel.experiment_facts["reason"], shown.gallery.count) == (0, "", 0)
    predictions = evaluated(experiment)
    shown.show(None)
    shown.show(experiment)
    wrong = np.flatnonzero(predictions.probabilities.argmax(1) != predictions.targets)
    assert panel.metrics[0]["value"] == pytest.approx(1 - len(wrong) / 40)
    assert np.trace(panel.confusion["counts"]) == 40 - len(wrong)
    assert shown.gallery.count == len(wrong)
    cell = panel.confusion["most"][0]
    panel.perform("cell", true=cell["true"], predicted=cell["predicted"])
    assert shown.gallery.count == cell["count"]
    assert shown.gallery.title == f"{cell['true']} taken for {cell['predicted']}"
    panel.perform("suspicious")
    assert shown.gallery.title == "Labels that are doubted most"
    panel.perform("curve", label="iris")
    panel.perform("slice", by="class")
    PULSE.settle()
    assert panel.curve["label"] == "iris"
    assert [row["name"] for row in panel.slices["rows"]] == list(stage.CLASSES)
    shown.gallery.perform("relabel", files=[predictions.files[0]], labels=["tulip"])
    PULSE.settle()
    assert "labels have changed" in panel.outdated
    panel.perform("delete", number=panel.number)
    PULSE.settle()
    assert (panel.number, shown.gallery.count) == (0, 0)
    shown.close()


@pytest.mark.parametrize(("every", "outcome"), [(2, "first"), (3, "tie"), (40, "other")])
def test_whether_a_difference_is_one_the_images_say(project, every, outcome):
    first, other = stage.trained(project, "First"), stage.trained(project, "Other")
    evaluated(first, every=3 if outcome != "first" else 40)
    shown = Compare(project, lambda id, wanted: None)
    shown.show(project, first, [(0, other)])
    assert [verdict["outcome"] for verdict in shown.verdicts] == ["missing"]
    evaluated(other, every)
    done = threading.Event()
    told = lambda change: done.set() if change["new"][0]["outcome"] not in ("busy", "missing") else None  # noqa: E731
    shown.observe(told, "verdicts")
    shown.redraw()
    assert done.wait(60)
    assert shown.verdicts[0]["outcome"] == outcome
    assert "40 images" in shown.verdicts[0]["text"]
    shown.close()


def test_an_experiment_without_a_checkpoint_says_what_to_do(project):
    shown = EvaluationStage()
    shown.show(project.new("New"))
    assert "train it first" in shown.evaluation.experiment_facts["reason"]
    shown.evaluation.perform("evaluate", part="val", checkpoint="best")
    assert "Train it first" in shown.evaluation.trouble
    shown.close()


def test_pictures_that_cannot_be_read_say_why(images, project, monkeypatch):
    file = project.dataset().listing().records[0].file
    (project.dataset().listing().root / file).write_bytes(b"no image")
    messages, came = sent_by(images.gallery, monkeypatch)
    images.gallery.perform("rows", first=0, n=2, version=images.gallery.version)
    assert came.wait(20)
    assert [len(picture) > 0 for picture in messages[0][1]] == [False, True]
