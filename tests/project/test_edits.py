"""Undo, redo, and what kinds and auto fields held before: pure values, without an experiment."""

from __future__ import annotations

import pytest

from nbtrain.config import Config
from nbtrain.project.edits import Edits, State
from nbtrain.training.optimizers import Optimizer


def edited(edits, before, path, value, join=""):
    after = State(before.config.set(path, value))
    edits.note(before, after, join)
    return after


def test_undo_and_redo_walk_the_same_way():
    edits, first = Edits(), State(Config())
    second = edited(edits, first, "training.epochs", 7)
    third = edited(edits, second, "training.epochs", 8)
    assert edits.undo(third) is second
    assert edits.undo(second) is first
    assert not edits.can_undo
    assert edits.redo(first) is second
    assert edits.redo(second) is third
    assert not edits.can_redo


def test_a_new_edit_ends_what_could_be_redone():
    edits, first = Edits(), State(Config())
    edits.undo(edited(edits, first, "training.epochs", 7))
    edited(edits, first, "training.epochs", 9)
    assert not edits.can_redo


def test_joined_edits_are_one_step():
    edits, first = Edits(), State(Config())
    now = first
    for epochs in (10, 11, 12):
        now = edited(edits, now, "training.epochs", epochs, "drag 1")
    now = edited(edits, now, "training.epochs", 13, "drag 2")
    assert edits.undo(now).config.training.epochs == 12
    assert edits.undo(now) is first


@pytest.mark.parametrize("kind", [kind for kind in Optimizer.kinds() if kind != "adamw"])
def test_every_kind_that_is_left_is_remembered(kind):
    edits, config = Edits(), State(Config().set("optimizer.lr", 0.02))
    edited(edits, config, "optimizer.kind", kind)
    assert edits.held("optimizer", "adamw") == config.config.optimizer
    assert edits.held("optimizer", kind) is None


def test_the_number_before_auto_is_remembered():
    edits = Edits()
    edits.switched_to_auto("data.workers", 3)
    edits.switched_to_auto("data.workers", "auto")
    assert edits.manual == {"data.workers": 3}


def test_history_is_bounded():
    edits, config = Edits(), State(Config())
    for seed in range(300):
        config = edited(edits, config, "training.seed", seed)
    steps = 0
    while edits.can_undo:
        config, steps = edits.undo(config), steps + 1
    assert steps == 200
