"""Sections: what is accepted, what is refused and in which words, and that an edit never touches the original."""

import math

import pytest

from nbtrain.errors import ConfigError
from schema.parts import SGD, AdamW, Flip, Small, Training

REFUSED = [
    ("optimizer.lr", -1, "out of range", "above 0, at most 10"),
    ("optimizer.lr", True, "not a number", ""),
    ("optimizer.lr", math.nan, "not a finite number", ""),
    ("optimizer.lr", math.inf, "not a finite number", ""),
    ("optimizer.lr", "1e400", "not a finite number", ""),
    ("optimizer.lr", "\u0661", "not a number", ""),
    ("optimizer.lr", "x" * 1_000_000, "1000002 characters", ""),
    ("optimizer.betas", [0.9], "missing", ""),
    ("optimizer.betas", [True, 0.5], "not a number", ""),
    ("optimizer.betas", [0.9, 1.5], "out of range", "below 1"),
    ("optimizer.kind", "adamx", "not known", "adamw"),
    ("optimizer.momentum", 0.9, "not known", "lr"),
    ("training.epochs", 2.5, "not a whole number", ""),
    ("training.epochs", 0, "out of range", "at least 1"),
    ("training.workers", "many", "not a number", ""),
    ("training.workers", True, "not a number", ""),
    ("training.mode", "slow", "not a choice", "'fast' or 'exact'"),
    ("training.stopping", "maybe", "not true or false", ""),
    ("training.note", 5, "not a text", ""),
    ("training.note", "x" * 5000, "too long", "4096"),
    ("training.milestones", [1, "b"], "not a number", ""),
    ("training.transforms.0.p", 2, "out of range", "at most 1"),
    ("training.transforms.7.p", 2, "no such field", "nbtrain fields"),
    ("training", 7, "not a group of fields", ""),
    ("epochs", 3, "not known", "training"),
    ("training.epochs.more", 3, "no such field", ""),
]


@pytest.mark.parametrize(("path", "value", "message", "advice"), REFUSED)
def test_refused_with_path_value_and_advice(path, value, message, advice):
    config = Small()
    with pytest.raises(ConfigError) as caught:
        config.set(path, value)
    [problem] = caught.value.problems
    assert problem.path.startswith(path)
    assert message in problem.message
    assert advice in problem.advice
    assert len(str(caught.value)) < 400
    assert config == Small()


@pytest.mark.parametrize(
    ("path", "given", "kept"),
    [
        ("optimizer.lr", "3e-4", 3e-4),
        ("optimizer.lr", " .5 ", 0.5),
        ("training.epochs", "20", 20),
        ("training.epochs", 64.0, 64),
        ("training.workers", "auto", "auto"),
        ("training.workers", "4", 4),
        ("training.stopping", "false", False),
        ("training.milestones", [1, "2", 3.0], (1, 2, 3)),
        ("training.transforms.0.p", "0.25", 0.25),
        ("training.transforms", [{"kind": "flip", "p": 1}, "flip"], (Flip(p=1), Flip())),
        ("optimizer", {"kind": "sgd", "lr": 1}, SGD(lr=1)),
    ],
)
def test_accepted(path, given, kept):
    assert Small().set(path, given).get(path) == kept


def test_every_failing_path_is_told_at_once():
    plain = {
        "optimizer": {"kind": "sgd", "lr": 0, "x": 1},
        "training": {"epochs": 0, "transforms": [{"kind": "flip", "p": 3}, {"kind": "flop"}]},
        "more": 1,
    }
    with pytest.raises(ConfigError) as caught:
        Small.parse(plain)
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {
        "optimizer.lr",
        "optimizer.x",
        "training.epochs",
        "training.transforms.0.p",
        "training.transforms.1.kind",
        "more",
    }


def test_an_edit_makes_a_new_value():
    config = Small()
    edited = config.set("optimizer.lr", 0.5)
    assert (config.optimizer.lr, edited.optimizer.lr) == (1e-3, 0.5)
    with pytest.raises(ValueError, match="frozen"):
        config.training = Training()


def test_sections_are_values():
    assert Small() == Small()
    assert Small().set("training.epochs", 11) != Small()
    assert "lr=0.001" in repr(AdamW())


def test_a_section_made_by_hand_is_checked_too():
    with pytest.raises(ConfigError, match="at most 10"):
        AdamW(lr=11)
