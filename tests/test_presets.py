"""Presets: each fits each of its tasks, leaves nothing that keeps from training, and says why it changes what."""

from __future__ import annotations

import pytest

from nbtrain.config import Config, Facts
from nbtrain.errors import ConfigError
from nbtrain.presets import PRESETS, preset, presets_for
from nbtrain.training.tasks import Task
from reachable import configs

START = {
    "classification": Config().set("data.dataset", "flowers"),
    "multilabel": Config().set_all({"task.kind": "multilabel", "loss.kind": "bce", "data.dataset": "flowers"}),
}


@pytest.mark.parametrize("task", START)
@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.key)
def test_it_can_train_from_wherever_it_is_chosen(one, task):
    facts = Facts(n_train=1000, n_classes=4, multilabel=task == "multilabel")
    assert one.on(START[task]).check(facts) == []
    odd = START[task].set_all({"model.kind": "torchvision", "optimizer.kind": "sgd", "scheduler.warmup_epochs": 40})
    assert one.on(odd).check(facts) == []


VALUES = {
    "quick": {"model.variant": "resnet10t", "model.pretrained": False, "task.image_size": 64, "training.epochs": 3,
              "training.ema": False, "scheduler.warmup_epochs": 0, "augmentation.mixup": 0, "augmentation.cutmix": 0},
    "baseline": {"model.variant": "resnet18", "model.pretrained": False, "model.dropout": 0, "optimizer.kind": "adamw",
                 "scheduler.kind": "cosine", "loss.kind": "cross_entropy", "loss.label_smoothing": 0,
                 "training.epochs": 50, "training.early_stopping": True, "training.ema": False,
                 "augmentation.mixup": 0, "augmentation.cutmix": 0},
    "strong": {"model.variant": "resnet50", "model.pretrained": True, "normalisation.kind": "model",
               "optimizer.kind": "adamw", "optimizer.lr": 3e-4, "optimizer.weight_decay": 0.05,
               "scheduler.kind": "cosine", "scheduler.warmup_epochs": 3, "loss.label_smoothing": 0.1,
               "augmentation.mixup": 0.2, "augmentation.cutmix": 1, "training.epochs": 100, "training.ema": True,
               "training.early_stopping": True, "training.patience": 20},
    "small": {"model.variant": "mobilenetv3_large_100", "model.pretrained": True, "normalisation.kind": "model",
              "task.image_size": 160, "optimizer.kind": "adamw", "scheduler.warmup_epochs": 2,
              "loss.label_smoothing": 0.1, "training.epochs": 60, "augmentation.mixup": 0, "augmentation.cutmix": 0},
}  # fmt: skip
OTHER = {
    "model.kind": "torchvision", "model.pretrained": True, "model.dropout": 0.3, "task.image_size": 384,
    "optimizer.kind": "sgd", "scheduler.kind": "step", "scheduler.warmup_epochs": 9, "loss.label_smoothing": 0.3,
    "augmentation.mixup": 0.7, "augmentation.cutmix": 0.6, "training.epochs": 77, "training.ema": True,
    "training.early_stopping": False, "training.patience": 4,
}  # fmt: skip
"""Values that no preset has, but for the average of the weights, which the other presets switch off."""


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.key)
@pytest.mark.parametrize("start", [OTHER, {**OTHER, "training.ema": False}], ids=["with ema", "without"])
def test_each_sets_stated_values(one, start):
    made = one.on(START["classification"].set_all(start))
    assert {path: made.get(path) for path in VALUES[one.key]} == VALUES[one.key]
    (added,) = [step.kind for step in preset("strong", Config()).on(Config()).augmentation.train][-1:]
    assert added == "trivial_augment"


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.key)
def test_choosing_it_twice_changes_nothing_more(one):
    for config in configs(5):
        assert one.on(one.on(config)) == one.on(config)


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.key)
def test_what_it_changes_has_its_reason(one):
    for row, why in one.rows(START["classification"].set("optimizer.kind", "sgd")):
        assert why or row.path == "model.family", row


def test_data_seed_and_hardware_are_left_alone():
    config = START["classification"].set_all({"training.seed": 7, "hardware.device": "cpu", "data.val_ratio": 0.3})
    for one in PRESETS:
        made = one.on(config)
        assert (made.data, made.hardware, made.training.seed) == (config.data, config.hardware, 7)


def test_every_task_has_its_presets():
    for kind in Task.kinds():
        assert [one.key for one in presets_for(Config().set("task.kind", kind))] == [
            "quick",
            "baseline",
            "strong",
            "small",
        ]


def test_found_by_key_or_label_and_unknown_ones_named():
    assert preset("Small device", Config()).key == "small"
    with pytest.raises(ConfigError, match="strong"):
        preset("strnog", Config())
