"""Configuration values as a person types them."""

from __future__ import annotations

import pytest

from nbtrain.cli.values import value_of, values
from nbtrain.errors import ConfigError


def test_pairs_with_and_without_an_equals_sign():
    found = values(["--optimizer.lr", "3e-4", "--training.epochs=20", "--checkpoint.best_name=a=b.pt"])
    assert found == {"optimizer.lr": "3e-4", "training.epochs": "20", "checkpoint.best_name": "a=b.pt"}
    assert values(["--model.weights_file="]) == {"model.weights_file": ""}
    assert values(["--training.seed", "-1"]) == {"training.seed": "-1"}


@pytest.mark.parametrize(
    ("text", "value"), [("[1, 2]", [1, 2]), ('{"kind": "sgd"}', {"kind": "sgd"}), ("[1, 2", "[1, 2"), ("1", "1")]
)
def test_lists_and_objects_are_json_and_all_else_is_text(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("words", "path", "told"),
    [
        (["optimizer.lr", "1"], "optimizer.lr", "not known"),
        (["--lr", "1"], "--lr", "not known"),
        (["--optimizer.lr"], "optimizer.lr", "value is missing"),
    ],
)
def test_what_is_no_value_is_named(words, path, told):
    with pytest.raises(ConfigError, match=told) as refused:
        values(words)
    assert [problem.path for problem in refused.value.problems] == [path]
