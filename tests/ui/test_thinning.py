"""Thinning, smoothing, stacking: the picture stays the same with fewer points."""

from __future__ import annotations

import numpy as np
import pytest

from nbtrain.ui.thinning import MOST_POINTS, Smoothing, Thinning, dashed, frame, stacked, thinned


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 12_345, 100_000])
def test_thinned_keeps_peaks_order_and_budget(count):
    y = np.sin(np.arange(count) / 50)
    if count > 10:
        y[count // 3] = 9.0
    x, thin = thinned(np.arange(count, dtype=float), y)
    assert len(x) == len(thin) <= MOST_POINTS
    assert np.all(np.diff(x) > 0)
    if count > 10:
        assert thin.max() == 9.0
        assert np.array_equal(thin, y[x.astype(int)])


def test_thinned_lives_with_gaps():
    y = np.full(5000, np.nan)
    y[1234] = 7.0
    x, thin = thinned(np.arange(5000.0), y)
    assert 7.0 in thin
    assert 1234.0 in x


@pytest.mark.parametrize("piece", [5, 400, 2999])
def test_a_curve_that_grows_in_pieces_keeps_each_peak_and_its_newest_point(piece):
    y = np.random.default_rng(piece).normal(size=3000)
    y[np.arange(0, 3000, 13)] = np.nan
    y[[1, 17, 2711, 2999]] = 0.0, 50.0, -40.0, 0.5
    thinning = Thinning(most=100)
    for start in range(0, 3000, piece):
        thinning.add(y[start : start + piece])
        rows, picked = thinning.picked()
        assert len(rows) <= 100
        assert np.all(np.diff(rows) > 0)
        assert np.array_equal(picked, y[rows], equal_nan=True)
        assert rows[-1] == min(start + piece, 3000) - 1
        seen = y[: start + piece]
        assert (np.nanmin(picked), np.nanmax(picked)) == (np.nanmin(seen), np.nanmax(seen))


def test_smoothed_equals_the_plain_average_and_starts_without_bias():
    y = np.array([4.0, 2.0, np.nan, 8.0])
    weight, total, share, expected = 0.6, 0.0, 0.0, []
    for value in y:
        known = np.isfinite(value)
        total = weight * total + (1 - weight) * (value if known else 0.0)
        share = weight * share + (1 - weight) * known
        expected.append(total / share if known else np.nan)
    np.testing.assert_allclose(Smoothing(weight).smoothed(y), expected)
    assert Smoothing(0.0).smoothed(y) is y
    assert Smoothing(0.9).smoothed(y)[0] == pytest.approx(4.0)
    goes_on = Smoothing(weight)
    np.testing.assert_allclose(np.concatenate([goes_on.smoothed(y[:1]), goes_on.smoothed(y[1:])]), expected)


def test_stacked_rows_stay_at_their_last_known_point():
    x, y = stacked([(np.arange(3.0), np.array([1.0, 2.0, np.nan])), (np.arange(2.0), np.array([5.0, 6.0]))])
    assert x.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(y, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(x, [[0, 1], [0, 1]])


def test_stacked_never_loses_a_dimension_that_tells_curves_apart():
    x, _ = stacked([(np.array([3.0]), np.array([1.0]))] * 2)
    assert np.squeeze(x).shape == (2, 2)
    assert stacked([])[0].shape == (0,)


def test_one_point_becomes_a_dash_that_can_be_seen():
    curve, point = (np.array([0.0, 100.0]), np.array([1.0, 2.0])), (np.array([50.0]), np.array([3.0]))
    [kept, (x, y)] = dashed([curve, point])
    assert kept == curve
    np.testing.assert_allclose(x, [49, 51])
    np.testing.assert_allclose(y, [3, 3])
    assert dashed([]) == []


@pytest.mark.parametrize(
    ("x", "y", "log", "corners"),
    [
        (np.arange(1.0, 98), np.linspace(0.31, 0.96, 97), False, ((0, 100), (0.3, 1.0))),
        (np.array([3.0, 3.0]), np.array([1.0, 2.0]), False, ((3, 3), (1, 2))),
        (np.arange(4.0), np.array([0.0, 1.0, 16.0, np.nan]), True, ((1, 2), (1, 16))),
    ],
)
def test_a_frame_has_round_ends_around_all_that_is_drawn(x, y, log, corners):
    found = frame([(x, y)], log=log)
    np.testing.assert_allclose(found, corners)


def test_a_frame_stays_while_a_curve_grows_within_it():
    frames = {tuple(frame([(np.arange(float(n)), np.ones(n))])[0]) for n in range(2, 1000)}
    assert len(frames) < 60
    assert frame([])[0].shape == (0,)
