"""Differences between configurations, and the values that lead from one to the other."""

from __future__ import annotations

import pytest

from nbtrain.config import Config
from nbtrain.schema import changes, differences
from reachable import configs


def test_equal_configurations_do_not_differ():
    assert differences(Config(), Config()) == []


def test_a_switched_kind_shows_the_fields_of_both():
    rows = {row.path: (row.here, row.there) for row in differences(Config(), Config().set("optimizer.kind", "sgd"))}
    assert rows["optimizer.kind"] == ("adamw", "sgd")
    assert rows["optimizer.momentum"] == (None, 0.9)
    assert rows["optimizer.betas"] == ([0.9, 0.999], None)
    assert {path.partition(".")[0] for path in rows} == {"optimizer"}


def test_parts_are_compared_one_by_one_while_their_kinds_agree():
    config = Config()
    same = config.set("augmentation.train.1.p", 0.9)
    assert [row.path for row in differences(config, same)] == ["augmentation.train.1.p"]
    other = config.set("augmentation.train", [{"kind": "resize"}])
    assert [row.path for row in differences(config, other)] == ["augmentation.train"]


def test_rows_stand_in_the_order_of_the_sections():
    end = Config().set_all({"training.epochs": 3, "task.image_size": 32, "optimizer.kind": "sgd"})
    sections = [row.path.partition(".")[0] for row in differences(Config(), end)]
    assert sections == sorted(sections, key=list(Config.model_fields).index)


def test_a_value_that_equals_the_other_kinds_default_is_not_forgotten():
    end = Config().set_all({"optimizer.kind": "sgd", "optimizer.lr": 1e-3})
    assert Config().set_all(changes(Config(), end)) == end


@pytest.mark.parametrize("end", list(configs(30)), ids=lambda config: config.hash)
def test_changes_lead_from_any_configuration_to_any_other(end):
    start = next(configs(1, seed=99))
    assert Config().set_all(changes(Config(), end)) == end
    assert start.set_all(changes(start, end)) == end
