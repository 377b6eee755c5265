"""Training from code: real trainers in processes of their own, seen through the same objects that panels show."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from flows.conftest import LIMIT_S, until
from images import write_classes
from nbtrain.data.sources import Table
from nbtrain.errors import BusyError, StatusError
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder


def test_a_run_from_created_to_completed(project):
    experiment = project.new("First")
    statuses, epochs = [], []
    experiment.on("status", lambda e: statuses.append(e.status))
    experiment.on("epoch", lambda e: epochs.append(e.epoch))
    assert experiment.train().wait(LIMIT_S) == "completed", experiment.error
    assert statuses[-2:] == ["training", "completed"]
    assert epochs == [1, 2]
    assert (experiment.epoch, experiment.step, experiment.progress) == (2, experiment.steps, 1.0)
    assert set(experiment.metrics["val"]) >= {"loss", "accuracy", "precision", "recall", "f1", "auroc"}
    assert experiment.best["metric"] == "accuracy"
    assert [row[0] for row in experiment.per_class["rows"]] == ["blue", "green", "red"]
    assert experiment.duration_s > 0
    history = experiment.history
    assert list(history[history.split == "val"].epoch) == [1, 2]
    assert history[history.split == "train"].loss.notna().all()


def test_the_run_folder_tells_the_whole_story(project):
    experiment = project.new("Story")
    experiment.train().wait(LIMIT_S)
    run = Path(experiment.run_path)
    frozen = json.loads((run / "config.json").read_text())
    assert frozen["config_hash"] == experiment.config.hash
    assert frozen["dataset"]["hash"] == project.datasets()[0].hash
    assert frozen["split"]["hash"]
    assert frozen["versions"]["torch"]
    status = json.loads((run / "status.json").read_text())
    assert {"status", "phase", "epoch", "epochs", "step", "steps", "best", "heartbeat_s"} <= set(status)
    assert {"host", "boot_id", "pid", "started_s", "generation"} <= set(json.loads((run / "owner.json").read_text()))
    until(lambda: (run / "exit.json").exists())  # the trainer's small parent writes it, a moment later
    assert json.loads((run / "exit.json").read_text())["code"] == 0
    for pointer in ("best.json", "last.json"):
        named = json.loads((run / "checkpoints" / pointer).read_text())
        assert {"file", "bytes", "sha256", "step", "epoch", "metrics"} <= set(named)
        assert (run / "checkpoints" / named["file"]).stat().st_size == named["bytes"]
    assert (run / "checkpoints" / "best_model.pt").exists()


def test_best_weights_load_with_plain_torch(project):
    experiment = project.new("Weights")
    experiment.train().wait(LIMIT_S)
    torch.serialization.clear_safe_globals()  # whatever a library has taught torch to read more than it does
    kept = torch.load(Path(experiment.run_path) / "checkpoints" / "best_model.pt", weights_only=True)
    timm.create_model("test_resnet", num_classes=3).load_state_dict(kept["model_state_dict"])
    assert kept["classes"] == ["blue", "green", "red"]


def test_what_was_trained_is_there_in_another_kernel(project):
    experiment = project.new("Kept")
    experiment.train().wait(LIMIT_S)
    other = Project(project.path)
    again = other.experiment("Kept")
    assert (again.status, again.best, again.metrics) == (experiment.status, experiment.best, experiment.metrics)
    np.testing.assert_array_equal(again.curves.series("val", "loss"), experiment.curves.series("val", "loss"))
    assert again.duration_s == pytest.approx(experiment.duration_s, abs=2)
    other.close()


def test_stop_keeps_what_there_is(long_run):
    experiment = long_run()
    experiment.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"
    assert (Path(experiment.run_path) / "checkpoints" / "last.json").exists()
    assert experiment.error == {}


def test_the_configuration_is_fixed_until_restart(project):
    experiment = project.new("Fixed")
    experiment.train().wait(LIMIT_S)
    with pytest.raises(StatusError, match="fixed"):
        experiment.set("optimizer.lr", 0.1)
    with pytest.raises(StatusError, match="restart"):
        experiment.train()
    experiment.restart()
    assert (experiment.status, experiment.metrics, experiment.run_path) == ("created", {}, "")
    experiment.set("optimizer.lr", 0.1)
    assert experiment.train().wait(LIMIT_S) == "completed"
    assert Path(experiment.run_path).name == "0002"
    assert any((project.path / "trash").iterdir())


def test_two_kernels_one_starts_the_other_watches(project, long_run):
    experiment = long_run()
    other = Project(project.path)
    again = other.experiment("Long")
    until(lambda: again.step > 3)
    again.train()
    assert again.run_path == experiment.run_path
    again.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"
    assert again.wait(LIMIT_S) == "cancelled"
    other.close()


def test_a_run_outlives_the_process_that_started_it(project):
    code = (
        "import sys, os, signal\nfrom nbtrain import Project\n"
        "Project(sys.argv[1]).new('Orphan').train(beside=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(project.path)], check=False).returncode
    assert died == -signal.SIGKILL
    until(lambda: any(e.name == "Orphan" for e in project.cards))
    orphan = project.experiment("Orphan")
    assert orphan.wait(LIMIT_S) == "completed", orphan.error


def test_a_killed_trainer_is_a_failure_that_says_so(long_run):
    experiment = long_run()
    os.kill(RunFolder(experiment.run_path).owner()["pid"], signal.SIGKILL)
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] in ("killed", "interrupted")
    assert experiment.error["message"]
    other = Project(experiment.project.path)
    assert other.experiment("Long").status == "failed"
    other.close()


def test_a_busy_device_asks_and_the_queue_waits(project, long_run):
    first = long_run()
    second = project.new("Second")
    with pytest.raises(BusyError, match="in use"):
        second.train()
    assert (second.status, second.run_path) == ("created", "")
    second.train(queue=True)
    until(lambda: second.status == "pending" and second.detail)
    assert "Long" in second.detail
    first.stop()
    assert second.wait(LIMIT_S) == "completed", second.error


def test_waiting_can_be_cancelled(project, long_run):
    long_run()
    second = project.new("Second").train(queue=True)
    until(lambda: second.status == "pending")
    second.stop()
    assert second.wait(LIMIT_S) == "created"
    second.train(queue=True).delete()
    assert second not in project.cards


def test_deleting_a_running_experiment_stops_it_first(project, long_run):
    experiment = long_run()
    pid = RunFolder(experiment.run_path).owner()["pid"]
    experiment.delete()
    assert experiment not in project.cards
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_one_broken_image_is_skipped_and_told(project, tmp_path):
    folder = write_classes(tmp_path / "mixed", {"a": 60, "b": 60})
    (folder / "a" / "000.png").write_bytes(b"no image at all")
    project.add_images(folder, "mixed")
    experiment = project.new()
    experiment.set("data.dataset", "mixed")
    assert experiment.train().wait(LIMIT_S) == "completed", experiment.error
    assert any("000.png" in notice["text"] for notice in experiment.notices)


def test_too_many_broken_images_stop_it_before_training(project, tmp_path):
    folder = write_classes(tmp_path / "bad", {"a": 20, "b": 20})
    for number in range(8):
        (folder / "a" / f"{number:03}.png").write_bytes(b"")
    project.add_images(folder, "bad")
    experiment = project.new()
    experiment.set("data.dataset", "bad")
    assert experiment.train().wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] == "data"
    assert "8" in experiment.error["message"]


def test_images_that_vanished_are_told(project, tmp_path):
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    experiment = project.new("Gone")
    with pytest.raises(Exception, match="images"):
        experiment.train()
    assert experiment.status == "created"


def test_several_labels_per_image_from_a_table(project, tmp_path):
    generator = np.random.default_rng(0)
    rows = ["file,labels"]
    for number in range(80):
        labels = [name for name in ("red", "green", "blue") if generator.random() < 0.5]
        image = generator.integers(0, 60, (16, 16, 3))
        for name in labels:
            image[..., ("red", "green", "blue").index(name)] += 150
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{';'.join(labels)}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    project.add_images(Table(path=str(tmp_path / "table.csv"), empty_cells="none"), "table")
    experiment = project.new()
    experiment.config = experiment.config.set_all(
        {"data.dataset": "table", "task.kind": "multilabel", "loss.kind": "bce"}
    )
    assert experiment.train().wait(LIMIT_S) == "completed", experiment.error
    assert experiment.best["metric"] == "map"
    assert set(experiment.metrics["val"]) >= {"loss", "map", "f1"}


def test_the_kernel_side_never_imports_torch(project):
    code = (
        "import sys\nfrom nbtrain import Project\ne = Project(sys.argv[1]).new('Light')\n"
        "e.train(beside=True).wait(120)\ne.history\nprint(e.status, 'torch' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(project.path)], capture_output=True, text=True, check=True
    ).stdout
    assert said.split() == ["completed", "False"]
