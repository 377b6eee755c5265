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
from nbtrain.data.augmentation import Augmentation
from nbtrain.data.sources import Folder, Table
from nbtrain.errors import ConfigError, DataError
from nbtrain.messages import Best, Message, Metric, Notice, PerClass, Resolved, Status, Stop
from nbtrain.models.initialisation import Initialisation
from nbtrain.project.datasets import DataSets
from nbtrain.project.freeze import frozen
from nbtrain.training import phases
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
    changes = {**BASE, **(changes or {})}
    if changes.get("model.kind") == "custom":
        del changes["model.variant"]
    config = Config().set_all(changes)
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
        "hardware.device", "hardware.threads", "data.workers", "data.worker_kind", "data.cache",
        "training.monitor",
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
    *(
        {"scheduler.kind": kind, "scheduler.warmup_epochs": 0 if kind == "one_cycle" else 0.5}
        for kind in Scheduler.kinds()
    ),
    *({"initialisation.kind": kind, "initialisation.zero_head": True} for kind in Initialisation.kinds()),
    *(
        {"loss.kind": kind, "loss.class_weights": "auto", "task.kind": task}
        for kind, loss in Loss.kinds().items()
        for task in loss.tasks
    ),
    {"model.kind": "torchvision", "model.variant": "shufflenet_v2_x0_5", "task.image_size": 32},
    {"model.freeze": "backbone", "model.unfreeze_epoch": 1, "training.epochs": 2, "normalisation.kind": "dataset"},
    {"model.kind": "custom", "model.blocks": 2, "model.width": 8, "model.norm": "group", "optimizer.layer_decay": 0.8},
    {"optimizer.layer_decay": 0.7, "data.sampler": "balanced", "loss.class_weights": "effective"},
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
    val = [m for m in of(said, Metric) if m.split == "val"]
    assert len(val) == changes.get("training.epochs", 1)
    assert ("map" in val[-1].values) == several


WATCHED = {
    "classification": {"auto": "accuracy", "loss": "loss", "accuracy": "accuracy", "f1": "f1", "auroc": "auroc"},
    "multilabel": {"auto": "map", "loss": "loss", "f1": "f1", "auroc": "auroc", "map": "map"},
}


@pytest.mark.parametrize(("task", "asked"), [(task, asked) for task, some in WATCHED.items() for asked in some])
def test_what_is_set_to_be_watched_is_watched(project, task, asked):
    """Over a stop, too: the best step is the best of what the run said of the metric that was asked for."""
    changes = {"training.monitor": asked, "training.epochs": 3, "task.kind": task}
    if task == "multilabel":
        DataSets(project).add(Table(path=str(project / "images/labels.csv"), label_columns=("labels",)), "two")
        changes |= {"data.dataset": "two", "loss.kind": "bce"}
    run, held = a_run(project, changes)
    _, before = lived(run, held, lambda said: any(m.split == "val" for m in of(said, Metric)))
    _, after = lived(run, held)
    val = {m.step: m.values for m in of(before + after, Metric) if m.split == "val"}
    metric = WATCHED[task][asked]
    values = {step: told[metric] for step, told in val.items()}
    best = (min if metric == "loss" else max)(values, key=lambda step: values[step])
    assert len(val) == 3
    told = of(after, Best)[-1]
    assert (told.metric, told.step, told.value) == (metric, best, values[best])
    assert files.read_json(run / "checkpoints" / "best.json")["step"] == best
    assert [m.value for m in of(before, Resolved) if m.path == "training.monitor"] == [metric] * (asked == "auto")


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


STAGED = {
    "training.epochs": 3, "model.freeze": "stages", "model.freeze_stages": 3, "model.unfreeze_epoch": 2,
    "data.sampler": "square_root", "initialisation.kind": "kaiming_normal", "scheduler.kind": "constant",
}  # fmt: skip


@pytest.mark.parametrize("optimizer", ["schedule_free_adamw", "muon"])
@pytest.mark.parametrize("stop", [13, 25])
def test_staged_unfreezing_is_exact_before_and_after_it(project, optimizer, stop):
    changes = {**STAGED, "optimizer.kind": optimizer, "optimizer.layer_decay": 0.8, "logging.every_n_steps": 1}
    whole, held = a_run(project, changes, "whole")
    _, heard = lived(whole, held)
    assert [m.text for m in of(heard, Notice)] == ["From epoch 3 on the whole network is trained."]
    run, held = a_run(project, changes, "pieces")
    first, _ = lived(run, held, lambda said: any(m.step >= stop for m in of(said, Metric)))
    assert first.status == "cancelled"
    assert lived(run, held)[0].status == "completed"
    a, b = last_state(whole), last_state(run)
    assert all(same(a[name], b[name]) for name in ("model_state_dict", "optimizer_state_dict", "metrics"))


def experiment(project: Path, name: str) -> None:
    folder = project / "experiments" / name
    files.write_json(folder / "experiment.json", {"format": 1, "id": name, "name": name})


def test_weights_of_another_experiment_are_taken_and_told(project):
    source, held = a_run(project, {"training.ema": True}, "source")
    lived(source, held)
    experiment(project, "source")
    run, held = a_run(project, {"model.transfer_from": "source", "model.freeze": "backbone"}, "taker")
    _, said = lived(run, held)
    told = [m.text for m in of(said, Notice)]
    assert told[0] == "Starts from the weights of experiment 'source' (run 0001, step 10)."
    assert "tensors were loaded from" in told[1]
    averaged, now = last_state(source)["ema_state_dict"], last_state(run)["model_state_dict"]
    assert torch.equal(averaged["conv1.0.weight"], now["conv1.0.weight"])
    shutil.rmtree(source)
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    assert not any("Starts from" in m.text for m in of(said, Notice))


def test_a_resumed_run_asks_for_no_weights_again(project, tmp_path):
    """The file may be gone by then, or the network down: all weights are in the checkpoint."""
    from nbtrain.models import Timm

    torch.save(Timm(variant="test_resnet").build(10, 16).state_dict(), tmp_path / "w.pt")
    run, held = a_run(project, {"model.weights_file": str(tmp_path / "w.pt"), "training.epochs": 2})
    lived(run, held, lambda said: any(m.split == "val" for m in of(said, Metric)))
    (tmp_path / "w.pt").unlink()
    assert lived(run, held)[0].status == "completed"


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


def test_what_cannot_be_repeated_is_told(project, monkeypatch):
    drawn = np.random.default_rng()

    def shuffled_by_hand(image):
        return image.roll(int(drawn.integers(1, 9)), 1)[:, :16, :16]

    monkeypatch.setattr(Augmentation, "pipeline", lambda self, split, size: shuffled_by_hand)
    run, held = a_run(project, {"hardware.deterministic": True})
    texts = [m.text for m in lived(run, held)[1] if isinstance(m, Notice)]
    assert any("The transform shuffled_by_hand gives two results for one image" in text for text in texts)
    assert any("hardware.deterministic is without effect on the CPU" in text for text in texts)


def test_the_network_is_channels_last_and_the_optimizer_fused(project):
    run, held = a_run(project)
    parts = build(held, run, lambda _: None, list).loop.parts
    kernel = next(p for p in parts.model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[-1] > 1)
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert not kernel.is_contiguous()
    images = parts.prepare(torch.zeros(2, 3, 16, 16, dtype=torch.uint8))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert all(group["fused"] for group in parts.optimizer.param_groups)


def test_a_profile_changes_nothing_and_a_compiler_that_is_missing_does_not_either(project, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    run, held = a_run(project, {"hardware.compile": True, "logging.profile": True})
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    told = next(m.text for m in of(said, Notice) if "cannot be compiled" in m.text)
    assert "trains uncompiled: no C++ compiler (no-such-compiler) was found" in told
    assert [m.value for m in of(said, Resolved) if m.path == "hardware.compile"] == [False]
    plain, frozen_plain = a_run(project, name="plain")
    lived(plain, frozen_plain)
    for part in ("model_state_dict", "optimizer_state_dict", "loop_state_dict"):
        assert same(last_state(run)[part], last_state(plain)[part])
    found = phases.read(run)
    assert found is not None
    assert found.steps == 10
    assert set(found.seconds) == {*phases.NAMES}
    assert sum(share for _, _, share, _ in found.rows) == pytest.approx(1, abs=0.02)
    assert len(found.lines()) == len(phases.NAMES) + 2
    flame = (run / phases.FLAME).read_text()
    for name in ("7 training steps", ">forward<", ">backward<", ">conv1.0<", "convolution", "ms per step"):
        assert name in flame
    assert not (plain / phases.FILE).exists()
    assert phases.read(plain) is None
