"""From a frozen configuration to a run, on image files: every kind of part, every phase, and what can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from nbtrain import files
from nbtrain.build import build
from nbtrain.config import Config
from nbtrain.data.sources import Folder, Table
from nbtrain.errors import ConfigError, DataError
from nbtrain.messages import Message, Metric, Notice, PerClass, Resolved, Status, Stop
from nbtrain.project.datasets import DataSets
from nbtrain.project.freeze import frozen
from nbtrain.training.losses import Loss
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.schedulers import Scheduler
from training.tiny import same

BASE = {
    "task.image_size": 16,
    "data.dataset": "digits",
    "model.variant": "test_resnet",
    "augmentation.train": [{"kind": "resize"}, {"kind": "random_crop", "padding": 1}],
    "training.epochs": 1,
    "training.batch_size": 32,
    "optimizer.lr": 3e-3,
    "hardware.device": "cpu",
    "hardware.threads": 1,
}


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """Return a folder with 400 digits as 16×16 PNG files, and a table that gives each two labels."""
    folder = tmp_path_factory.mktemp("digits")
    found, rows = load_digits(), ["file,labels"]
    for place, (image, label) in enumerate(zip(found.images[:400], found.target[:400], strict=True)):
        name = f"{label}/{place:04d}.png"
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray((np.kron(image, np.ones((2, 2))) * 15.9).astype(np.uint8)).save(folder / name)
        rows.append(f"{name},{label}|{'odd' if label % 2 else 'even'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def project(tmp_path, digits) -> Path:
    shutil.copytree(digits, tmp_path / "images")
    DataSets(tmp_path).add(Folder(path=str(tmp_path / "images")), "digits")
    return tmp_path


def a_run(project: Path, changes: dict[str, Any] | None = None, name: str = "one") -> tuple[Path, dict[str, Any]]:
    """Return a fresh run folder and what is frozen in it."""
    config = Config().set_all({**BASE, **(changes or {})})
    run = project / "experiments" / name / "runs" / "0001"
    run.mkdir(parents=True)
    return run, frozen(DataSets(project), config)


def lived(
    run: Path, held: dict[str, Any], stop: Callable[[list[Message]], bool] = lambda said: False
) -> tuple[Any, list[Message]]:
    """Build and run one life; return its outcome and what it said."""
    said: list[Message] = []
    return build(held, run, said.append, lambda: [Stop()] if stop(said) else []).run(), said


def of(said: list[Message], kind: type) -> list[Any]:
    return [m for m in said if isinstance(m, kind)]


def last_state(run: Path) -> dict[str, Any]:
    return torch.load(run / "checkpoints" / "last_checkpoint.pt", weights_only=True)


def test_a_run_learns_from_image_files(project):
    run, held = a_run(project, {"training.epochs": 6, "hardware.threads": "auto", "hardware.device": "auto"})
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    phases = list(dict.fromkeys(m.phase for m in of(said, Status)))
    assert phases == ["scanning data", "planning", "building", "training", "validating", "saving"]
    assert {m.path for m in of(said, Resolved)} == {
        "hardware.device", "hardware.threads", "data.workers", "training.monitor",
    }  # fmt: skip
    assert all(m.reason for m in of(said, Resolved))
    assert any("of 400" in m.detail for m in of(said, Status))
    val = [m for m in of(said, Metric) if m.split == "val"]
    assert val[-1].values["accuracy"] > 0.85
    assert len(of(said, PerClass)[-1].rows) == 10
    state = last_state(run)
    assert state["classes"] == [str(i) for i in range(10)]
    assert Config.decoded(state["config"]) == Config.parse(held["config"])


SMALL = [
    *({"optimizer.kind": kind} for kind in Optimizer.kinds()),
    *({"scheduler.kind": kind, "scheduler.warmup_epochs": 0.5} for kind in Scheduler.kinds()),
    *(
        {"loss.kind": kind, "loss.class_weights": "auto", "task.kind": task}
        for kind, loss in Loss.kinds().items()
        for task in loss.tasks
    ),
    {"model.kind": "torchvision", "model.variant": "shufflenet_v2_x0_5", "task.image_size": 32},
    {"model.freeze": "backbone", "normalisation.kind": "dataset"},
    {"augmentation.mixup": 0.4, "augmentation.cutmix": 1.0, "augmentation.mix_probability": 0.7},
    {"training.ema": True, "training.clip_norm": 1.0, "training.batch_multiplier": 3},
    {"hardware.precision": "bf16-mixed", "data.workers": 1, "task.image_size": 32},
]


@pytest.mark.parametrize("changes", SMALL, ids=lambda c: " ".join(map(str, c.values())))
def test_every_kind_of_part_takes_part(project, changes):
    several = changes.get("task.kind") == "multilabel"
    if several:
        DataSets(project).add(Table(path=str(project / "images/labels.csv"), label_columns=("labels",)), "two")
        changes = {**changes, "data.dataset": "two"}
    run, held = a_run(project, changes)
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    losses = [m.values["loss"] for m in of(said, Metric) if m.split == "train"]
    assert all(np.isfinite(losses))
    [val] = [m for m in of(said, Metric) if m.split == "val"]
    assert ("map" in val.values) == several


def test_a_stopped_run_is_built_again_and_goes_on_bit_for_bit(project):
    changes = {
        "training.epochs": 3, "training.ema": True, "augmentation.mixup": 0.3, "scheduler.warmup_epochs": 1,
        "training.batch_multiplier": 2, "normalisation.kind": "dataset", "model.dropout": 0.2,
    }  # fmt: skip
    whole, held = a_run(project, changes, "whole")
    _, heard = lived(whole, held)
    run, held = a_run(project, changes, "pieces")
    held["config"]["logging"]["every_n_steps"] = 1
    first, news = lived(run, held, lambda said: any(m.step >= 7 for m in of(said, Metric)))
    assert first.status == "cancelled"
    choices = {m.path: {"value": m.value, "reason": m.reason} for m in of(news, Resolved)}
    files.write_json(run / "resolved.json", {"format": 1, "choices": choices})
    held["config"]["data"]["workers"] = 2
    second, said = lived(run, held)
    assert second.status == "completed"
    assert not of(said, Resolved)
    a, b = last_state(whole), last_state(run)
    for name in ("model_state_dict", "ema_state_dict", "optimizer_state_dict", "scheduler_state_dict", "metrics"):
        assert same(a[name], b[name]), name
    vals = [[m for m in of(told, Metric) if m.split == "val"] for told in (heard, news + said)]
    assert vals[0] == vals[1]


@pytest.mark.parametrize("phase", ["scanning data", "planning", "building", "training", "validating"])
def test_a_stop_is_heard_in_every_phase(project, phase):
    run, held = a_run(project)
    outcome, said = lived(run, held, lambda said: any(m.phase == phase for m in of(said, Status)))
    assert outcome.status == "cancelled"
    assert outcome.reason.startswith("Stopped")
    assert of(said, Status)[-1].phase in (phase, "saving")


def test_files_that_are_gone_are_named(project):
    run, held = a_run(project)
    gone = sorted((project / "images/3").iterdir())[0]
    gone.unlink()
    with pytest.raises(DataError, match=f"names 1 file that is not there any more: 3/{gone.name}"):
        lived(run, held)


def test_images_that_were_added_are_told_and_left_out(project):
    run, held = a_run(project)
    shutil.copy(sorted((project / "images/3").iterdir())[0], project / "images/3/new.png")
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    assert any("since this run was set up" in m.text for m in of(said, Notice))
    assert sum(row[1] for row in of(said, PerClass)[-1].rows) == 80


def test_changed_classes_are_refused(project):
    run, held = a_run(project)
    (project / "images/10").mkdir()
    shutil.copy(sorted((project / "images/3").iterdir())[0], project / "images/10/new.png")
    with pytest.raises(DataError, match="not those that this run was set up with"):
        lived(run, held)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_split_that_is_not_the_same_is_refused(project, how):
    run, held = a_run(project)
    [path] = (project / "splits").glob("*.json")
    if how == "gone":
        path.unlink()
    else:
        held["split"]["hash"] = "0" * 16
    with pytest.raises(DataError, match="the split of this run is gone" if how == "gone" else "is not the one"):
        lived(run, held)


def test_a_few_damaged_images_are_skipped_and_told_once(project):
    damaged = sorted((project / "images/3").iterdir())[:3]
    damaged[0].write_bytes(b"")
    for path in damaged[1:]:
        path.write_bytes(path.read_bytes()[:60])
    DataSets(project).add(Folder(path=str(project / "images")), "digits")
    run, held = a_run(project, {"training.epochs": 2})
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    told = " ".join(m.text for m in of(said, Notice))
    assert all(told.count(path.name) == 1 for path in damaged)


def test_too_many_damaged_images_stop_the_run_before_it_trains(project):
    for path in sorted((project / "images/3").iterdir())[:20]:
        path.write_bytes(b"no image")
    DataSets(project).add(Folder(path=str(project / "images")), "digits")
    run, held = a_run(project)
    with pytest.raises(DataError, match="more than the allowed"):
        lived(run, held)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training.batch_size": 4000}, "training.batch_size: a batch of 4000 is larger than the 320 training images"),
        ({"task.kind": "multilabel"}, "loss.kind"),
        ({"training.monitor": "map"}, "training.monitor"),
        ({"hardware.device": "cuda:31"}, "hardware.device: this machine has no device 'cuda:31'"),
    ],
    ids=["batch", "loss", "monitor", "device"],
)
def test_what_does_not_fit_is_refused_with_its_path(project, changes, words):
    run, held = a_run(project, changes)
    with pytest.raises(ConfigError, match=words):
        lived(run, held)


def test_another_trainer_that_took_over_ends_this_one(project):
    run, held = a_run(project)
    files.write_json(run / "owner.json", {"generation": 1})

    def taken(said: list[Message]) -> bool:
        if any(m.phase == "validating" for m in of(said, Status)):
            files.write_json(run / "owner.json", {"generation": 2})
        return False

    with pytest.raises(Exception, match="another trainer has taken this run over"):
        lived(run, held, taken)
    assert not list((run / "checkpoints").iterdir())


def test_the_run_folder_holds_what_the_contract_names(project):
    run, held = a_run(project)
    lived(run, held)
    assert json.loads((run / "checkpoints/best.json").read_bytes())["file"].startswith("step-")
    assert {p.name for p in (run / "checkpoints").iterdir()} >= {"best.json", "last.json", "best_model.pt"}
