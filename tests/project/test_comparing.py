"""Comparing experiments: which value is the best, in which order metrics stand, and what a run had reached."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from nbtrain.errors import StatusError
from nbtrain.project.comparing import Comparison, best_of, names_of, ordered, reached


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("accuracy", [0.8, 0.9, None], 1),
        ("loss", [0.8, 0.9, None], 0),
        ("loss", [0.8, 0.8], None),
        ("accuracy", [0.8, None], None),
        ("accuracy", [], None),
    ],
)
def test_the_best_of_a_loss_is_the_lowest_and_one_alone_is_none(name, values, best):
    assert best_of(name, values) == best


def test_usual_metrics_stand_first_and_others_by_name():
    assert ordered({"loss", "zeta", "accuracy", "alpha", "f1"}) == ["accuracy", "f1", "loss", "alpha", "zeta"]


def run(best, values=(0.5, 0.9, 0.7)):
    """Return what stands for an experiment here: its validation curves, and which epoch was the best."""
    series = {("val", "accuracy"): (np.arange(3), np.array([1.0, 2.0, 3.0]), np.array(values)),
              ("train", "loss"): (np.arange(9), np.arange(9) / 3, np.arange(9.0))}  # fmt: skip
    curves = SimpleNamespace(keys=series.keys, series=lambda split, name: series[split, name])
    return SimpleNamespace(curves=curves, best=best)


def test_a_run_is_compared_by_its_best_epoch_and_by_its_last_without_one():
    assert (reached(run({"epoch": 2.0})).epoch, reached(run({"epoch": 2.0})).metrics) == (2.0, {"accuracy": 0.9})
    assert reached(run({})).metrics == {"accuracy": 0.7}
    assert reached(run({}, (0.5, 0.9, np.nan))).metrics == {}
    assert names_of([reached(run({})), None]) == ["accuracy"]


def test_nothing_cannot_be_compared():
    with pytest.raises(StatusError, match="nothing to compare"):
        Comparison([])
