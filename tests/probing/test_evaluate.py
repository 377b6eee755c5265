"""An evaluation says what the run itself has said, number by number, and leaves out only what cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.conftest import QUICK
from images import write_classes
from nbtrain import demo, files
from nbtrain.build import build
from nbtrain.data.conditions import conditions_of
from nbtrain.data.decode import decode
from nbtrain.errors import DataError, StatusError
from nbtrain.evaluation import folder
from nbtrain.evaluation.suspicion import suspicion
from nbtrain.messages import Message, Metric, Progress
from nbtrain.probing import evaluate
from nbtrain.probing.desk import Desk
from nbtrain.project import freeze
from nbtrain.project.project import Project
from nbtrain.training import judging, kept

COUNTS = {"blue": 14, "green": 16, "red": 18}
SETTINGS = {**QUICK, "training.epochs": 1, "data.test_ratio": 0.2, "data.val_ratio": 0.3, "optimizer.lr": 1e-3}


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    write_classes(tmp_path / "images", COUNTS, size_px=24)
    made.add_images(tmp_path / "images")
    yield made
    made.close()


def trained(project, changes=None) -> tuple[Path, list[Message]]:
    """Train in this process; return the run's folder and what was said."""
    config = project.new_config().set_all({**SETTINGS, **(changes or {})})
    run = project.path / "experiments" / "one" / "runs" / "0001"
    run.mkdir(parents=True)
    frozen, said = freeze.frozen(project.data, config), []
    files.write_json(run / "config.json", frozen)
    build(frozen, run, said.append, lambda: ()).run()
    choices = {m.path: {"value": m.value, "reason": m.reason} for m in said if m.kind == "resolved"}
    files.write_json(run / "resolved.json", {"choices": choices})
    return run, said


def evaluated(project, run, part="val", checkpoint="best", labels="current"):
    """Evaluate in this process; return the record, the predictions, and what was said."""
    said: list[Message] = []
    request = {"run": str(run.relative_to(project.path)), "part": part, "checkpoint": checkpoint, "labels": labels}
    if labels == "current":
        name = files.read_json(run / "config.json")["dataset"]["name"]
        request["dataset"] = project.data.get(name).frozen()
    number = evaluate.work(Desk(project.path, request, said.append))["number"]
    at = folder.path(run.parents[1], number)
    return folder.read(at), folder.predictions(at), said


@pytest.mark.parametrize(
    "changes",
    [
        {"normalisation.kind": "dataset", "loss.label_smoothing": 0.1, "loss.class_weights": "auto"},
        {"training.ema": True, "data.workers": 2, "data.worker_kind": "processes"},
        {"optimizer.kind": "schedule_free_adamw", "hardware.precision": "bf16-mixed", "data.workers": 2,
         "task.image_size": 64},
    ],
)  # fmt: skip
def test_validation_with_the_best_checkpoint_is_the_runs_own(project, changes):
    run, said = trained(project, changes)
    record, found, told = evaluated(project, run)
    best = kept.best(run / "checkpoints")
    (own,) = [message.values for message in said if isinstance(message, Metric) and message.split == "val"]
    assert {name: record.metrics[name] for name in own} == own == dict(best.metrics)
    assert (record.step, record.part, record.which) == (best.step, "val", "best")
    assert set(record.metrics) > set(own)
    assert record.intervals["accuracy"].low <= record.metrics["accuracy"] <= record.intervals["accuracy"].high
    assert len(found) == record.n_images == sum(round(0.3 * count) for count in COUNTS.values())
    assert any(
        "of" in message.text and message.fraction is not None for message in told if isinstance(message, Progress)
    )
    image = decode(str(project.path.parent / "images" / found.files[3]))
    for name, value in conditions_of(image)._asdict().items():
        assert found.conditions[name][3] == pytest.approx(value)
    assert set(found.conditions["size"]) == {24.0}
    assert record.notices == ()


def test_the_other_sets_a_step_and_a_batch_that_does_not_fit(project, monkeypatch):
    run, _ = trained(project)
    sizes = {part: evaluated(project, run, part)[0].n_images for part in ("train", "test")}
    assert sizes == {"train": 24, "test": 10}
    _, found, _ = evaluated(project, run)
    real, tries = judging.Judge._outputs, []

    def once_too_large(self, batch):
        tries.append(self.rescue.changes.splits)
        for images, wanted in self.rescue.pieces(batch.images, batch.targets):
            if len(images) > 5:
                raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")
            yield self.model(self.prepare(images)), wanted

    monkeypatch.setattr(judging.Judge, "_outputs", once_too_large)
    step = kept.checkpoints(run / "checkpoints")[0].step
    record, again, _ = evaluated(project, run, checkpoint=step)
    monkeypatch.setattr(judging.Judge, "_outputs", real)
    assert tries[:2] == [1, 2]
    assert "computed in 2 parts" in " ".join(record.notices)
    np.testing.assert_allclose(again.probabilities, found.probabilities, atol=1e-5)
    assert again.files == found.files
    assert folder.numbers(run.parents[1]) == [1, 2, 3, 4]
    with pytest.raises(StatusError, match="no such checkpoint"):
        evaluated(project, run, checkpoint=999)
    assert list((run.parents[1] / "evaluations").glob(".nbtrain-*")) == []


def test_what_cannot_be_read_is_left_out_and_listed(project):
    run, _ = trained(project)
    names = json.loads(next((project.path / "splits").glob("*.json")).read_text())["files"]["val"]
    bad = project.path.parent / "images" / names[0]
    bad.write_bytes(bad.read_bytes()[:60])
    record, found, _ = evaluated(project, run)
    assert [file for file, _ in found.damaged] == [names[0]]
    assert (record.n_damaged, record.n_images) == (1, len(names) - 1)
    assert names[0] not in found.files
    assert any("could not be read" in notice for notice in record.notices)
    assert any("since this run was set up" in notice for notice in record.notices)
    for name in names:
        (project.path.parent / "images" / name).write_bytes(b"no image")
    with pytest.raises(DataError, match="not one image"):
        evaluated(project, run)


def test_images_that_are_gone_are_left_out_and_counted(project):
    run, _ = trained(project)
    names = json.loads(next((project.path / "splits").glob("*.json")).read_text())["files"]
    for name in (*names["val"][:2], names["train"][0]):
        (project.path.parent / "images" / name).unlink()
    record, found, _ = evaluated(project, run)
    assert (record.n_damaged, record.n_images) == (2, len(names["val"]) - 2)
    assert dict(found.damaged) == dict.fromkeys(names["val"][:2], "the image is gone")
    assert any("2 images of the val set are gone" in notice for notice in record.notices)
    for name in names["val"][2:]:
        (project.path.parent / "images" / name).unlink()
    with pytest.raises(DataError, match="images of the val set are gone"):
        evaluated(project, run)


def test_labels_of_now_and_labels_as_trained(project):
    run, _ = trained(project, {"loss.class_weights": "auto"})
    before, then, _ = evaluated(project, run)
    names = json.loads(next((project.path / "splits").glob("*.json")).read_text())["files"]
    data = project.dataset()
    red = [name for name in names["val"] if name.startswith("red/")]
    data.relabel(red[0], "blue")
    data.exclude(red[1], "blurred")
    data.relabel([name for name in names["train"] if name.startswith("red/")][:5], "blue")  # no weights change by that
    data.rename("green", "grass")
    red_images = project.path.parent / "images" / "red"
    shutil.copy(next(red_images.iterdir()), red_images / "new.png")
    data.refresh()
    record, now, _ = evaluated(project, run)
    assert (record.labels, record.n_images) == ("current", before.n_images - 1)
    assert record.data_hash == project.datasets()[0].hash != before.data_hash
    assert now.classes == ("blue", "grass", "red")
    place, was = now.files.index(red[0]), then.files.index(red[0])
    assert (now.targets[place], then.targets[was]) == (0, 2)
    assert red[1] not in now.files
    both = [file for file in now.files if file != red[0]]
    np.testing.assert_allclose(
        [now.losses[now.files.index(file)] for file in both],
        [then.losses[then.files.index(file)] for file in both], rtol=1e-5,
    )  # fmt: skip
    told = " ".join(record.notices)
    for words in ("1 image was relabelled", "1 image was left out of the data set", "1 image is in no set of this run"):
        assert words in told, told
    record, again, _ = evaluated(project, run, labels="trained")
    assert (record.labels, record.n_images) == ("trained", before.n_images)
    assert record.metrics == before.metrics
    np.testing.assert_array_equal(again.targets, then.targets)
    data.include(red[1])
    assert "left out" not in " ".join(evaluated(project, run)[0].notices)


def test_classes_that_the_run_has_not_learned_are_refused(project):
    run, _ = trained(project)
    names = json.loads(next((project.path / "splits").glob("*.json")).read_text())["files"]
    data = project.dataset()
    data.add_class("pink")
    assert evaluated(project, run)[1].classes == ("blue", "green", "red")
    data.relabel(names["val"][0], "pink")
    with pytest.raises(DataError, match=r"1 label is of classes that this run has not learned .*pink \(1\)"):
        evaluated(project, run)
    data.undo()
    data.merge(["red", "green"], "red")
    with pytest.raises(DataError, match=r"merged or divided since .*red.*as trained"):
        evaluated(project, run)
    assert evaluated(project, run, labels="trained")[0].n_images == len(names["val"])


def test_a_checkpoint_may_go_while_it_is_evaluated(project, monkeypatch):
    run, _ = trained(project)
    real = judging.Judge.judge

    def deleting(self, *given):
        for path in (run / "checkpoints").iterdir():
            path.unlink()
        return real(self, *given)

    monkeypatch.setattr(judging.Judge, "judge", deleting)
    record, _, _ = evaluated(project, run)
    assert record.sha256
    monkeypatch.undo()
    with pytest.raises(StatusError, match="kept no checkpoint"):
        evaluated(project, run)


def test_heat_maps_of_the_worst_errors(project):
    middle = [{"kind": "resize", "size": 48}, {"kind": "center_crop", "size": 32}]
    run, _ = trained(project, {"optimizer.lr": 1e-9, "augmentation.val": middle})
    record, found, _ = evaluated(project, run)
    assert record.heat == ""
    assert len(found.heat.maps) == min(evaluate.N_HEAT, int((~found.right).sum()))
    assert set(found.heat.places.tolist()) <= set(np.flatnonzero(~found.right).tolist())
    np.testing.assert_allclose(
        found.heat.parts, np.tile([1 / 6, 1 / 6, 5 / 6, 5 / 6], (len(found.heat.places), 1)), atol=1e-6
    )


def test_several_labels_per_image(tmp_path):
    made = Project(tmp_path / "project")
    folder_of = write_classes(tmp_path / "images", {"red": 30, "blue": 30}, size_px=16)
    rows = ["file,labels,camera"]
    for place, path in enumerate(sorted(folder_of.rglob("*.png"))):
        extra = "|even" if place % 2 else ""
        rows.append(f"{path.relative_to(folder_of)},{path.parent.name}{extra},{'A' if place % 3 else 'B'}")
    (folder_of / "labels.csv").write_text("\n".join(rows) + "\n")
    made.add_images(folder_of / "labels.csv")
    run, _ = trained(made, {"task.threshold": 0.3, "training.epochs": 2})
    record, found, _ = evaluated(made, run)
    best = kept.best(run / "checkpoints")
    assert {name: record.metrics[name] for name in best.metrics} == dict(best.metrics)
    assert (record.task, found.multilabel, found.threshold) == ("multilabel", True, 0.3)
    assert {"map", "exact_match", "nll"} <= set(record.metrics)
    assert found.chosen is None
    assert len(found.heat.maps) == min(evaluate.N_HEAT, int((found.guess != found.truth).sum()))
    made.close()


def test_planted_wrong_labels_of_a_trained_network(tmp_path):
    """What people go through: train with 5 % wrong labels, evaluate, look at the first tenth of the ranking."""
    made = demo.digits(tmp_path / "digits")
    images, generator = tmp_path / "digits" / "images", np.random.default_rng(0)
    names = sorted(path.relative_to(images).as_posix() for path in images.rglob("*.png"))
    planted = set(generator.choice(names, len(names) // 20, replace=False).tolist())
    labels = {name: int(name[0]) for name in names}
    for name in sorted(planted):
        labels[name] = int((labels[name] + generator.integers(1, 10)) % 10)
    (images / "labels.csv").write_text("file,label\n" + "".join(f"{name},{label}\n" for name, label in labels.items()))
    made.add_images(images / "labels.csv", "planted")
    changes = {
        "data.dataset": "planted", "training.epochs": 5, "training.batch_size": 32, "model.variant": "test_resnet",
        "data.test_ratio": 0.0, "data.val_ratio": 0.4, "task.image_size": 16, "optimizer.lr": 3e-3,
        "augmentation.train": [{"kind": "resize"}],
    }  # fmt: skip
    run, _ = trained(made, changes)
    _, found, _ = evaluated(made, run)
    ranked = [found.files[place] for place in suspicion(found).order]
    wrong = planted & set(found.files)
    assert len(wrong) > 20
    assert len(wrong & set(ranked[: len(ranked) // 10])) / len(wrong) >= 0.8
    made.close()
