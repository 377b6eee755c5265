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
