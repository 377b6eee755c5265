"""The watched metric: best, patience, ties, NaN."""

from __future__ import annotations

import math

import pytest

from nbtrain.training.monitor import Monitor


def judged(monitor: Monitor, values: list[float]) -> list[bool]:
    return [monitor.judge({monitor.metric: v}, epoch, 10 * epoch) for epoch, v in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("metric", "values", "better", "best_epoch"),
    [
        ("accuracy", [0.5, 0.7, 0.7, 0.6, 0.8], [True, True, False, False, True], 5),
        ("loss", [2.0, 1.0, 1.0, 3.0], [True, True, False, False], 2),
        ("auroc", [math.nan, 0.4, math.nan], [False, True, False], 2),
    ],
)
def test_the_best_is_the_first_of_the_highest_or_the_lowest_loss(metric, values, better, best_epoch):
    monitor = Monitor(metric)
    assert judged(monitor, values) == better
    assert monitor.best == {
        "metric": metric, "value": values[best_epoch - 1], "epoch": best_epoch, "step": 10 * best_epoch,
    }  # fmt: skip
    assert not monitor.tired


def test_improvements_below_min_delta_do_not_wake_the_patience_but_are_still_best():
    monitor = Monitor("accuracy", patience=3, min_delta=0.01)
    assert judged(monitor, [0.5, 0.505, 0.508]) == [True, True, True]
    assert not monitor.tired
    assert judged(monitor, [0.509]) == [True]
    assert monitor.tired
    assert monitor.best["value"] == 0.509


def test_small_steps_add_up_to_an_improvement():
    monitor = Monitor("accuracy", patience=2, min_delta=0.01)
    judged(monitor, [0.5, 0.508, 0.516, 0.524, 0.532])
    assert not monitor.tired


def test_nan_and_a_missing_metric_only_wear_the_patience_out():
    monitor = Monitor("auroc", patience=2)
    assert not monitor.judge({"loss": 1.0}, 1, 10)
    assert not monitor.judge({"auroc": math.nan}, 2, 20)
    assert monitor.tired
    assert monitor.best == {}


def test_a_saved_state_goes_on():
    whole, first, second = (Monitor("loss", patience=3, min_delta=0.1) for _ in range(3))
    values = [3.0, 2.95, 2.0, 1.99, 1.98]
    judged(whole, values)
    judged(first, values[:2])
    second.load_state_dict(first.state_dict())
    for epoch, value in enumerate(values[2:], 3):
        second.judge({"loss": value}, epoch, 10 * epoch)
    assert second.state_dict() == whole.state_dict()


def test_a_best_by_another_metric_is_none():
    """A run that was set to another metric since, or that was built to watch the wrong one, looks anew."""
    before, after = Monitor("accuracy", patience=3), Monitor("loss", patience=3)
    judged(before, [0.9, 0.8])
    after.load_state_dict(before.state_dict())
    assert after.best == {}
    assert judged(after, [2.0, 3.0]) == [True, False]


@pytest.mark.parametrize(("metric", "cost"), [("loss", 0.25), ("accuracy", -0.25)])
def test_a_cost_is_lower_for_what_is_better(metric, cost):
    assert Monitor(metric).cost({metric: 0.25, "other": 3.0}) == cost
    assert math.isnan(Monitor(metric).cost({}))
