"""Reading a range test: the rule, on curves whose answer is known."""

from __future__ import annotations

import math

import pytest

from nbtrain.probing.lr_curve import DIVERGED, LrCurve, Watcher, rates


def test_the_sweep_is_exponential():
    found = rates(7, 1e-6, 1.0)
    assert found == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def valley(lr: float, lowest: float = 0.03) -> float:
    """A loss that falls from 2.3, is lowest at ``lowest``, and rises behind it."""
    away = math.log10(lr / lowest)
    return 0.5 + 1.8 / (1 + math.exp(3 * (math.log10(lr) + 2.5))) + (away**2 if away > 0 else 0)


def test_a_tenth_of_the_lowest_is_suggested_and_the_steepest_fall_is_named():
    lrs = rates()
    curve = LrCurve.of(lrs, [valley(lr) for lr in lrs], diverged=True)
    assert 0.01 < curve.suggested * 10 < 0.1
    assert 10**-3.2 < curve.steepest < 10**-1.8
    assert "a tenth of that" in curve.why
    assert LrCurve.parse(curve.plain()) == curve


def test_smoothing_shifts_nothing():
    lrs = rates()
    noisy = [valley(lr) + 0.05 * (-1) ** step for step, lr in enumerate(lrs)]
    assert LrCurve.of(lrs, noisy, diverged=True).suggested == pytest.approx(
        LrCurve.of(lrs, [valley(lr) for lr in lrs], diverged=True).suggested, rel=0.5
    )


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        ([], "too few"),
        ([2.3] * 5, "too few"),
        ([2.3] * 60, "nothing was learned"),
        ([2.3 + step for step in range(60)], "nothing was learned"),
    ],
)
def test_a_curve_that_says_nothing_gives_no_suggestion_but_a_reason(losses, why):
    curve = LrCurve.of(rates()[: len(losses)], losses, diverged=False)
    assert (curve.suggested, curve.steepest) == (None, None)
    assert why in curve.why


def test_the_sweep_ends_where_the_loss_runs_away_or_is_no_number():
    for last in (math.nan, math.inf, 2 * DIVERGED * 100):
        watcher = Watcher()
        assert all(watcher.add(2.3 - step / 100) for step in range(50))
        assert not watcher.add(last)
        assert watcher.diverged
