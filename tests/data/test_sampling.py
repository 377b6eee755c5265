"""Sampling: rare classes come as often as asked, and the same step always holds the same images."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from nbtrain.data.records import Record
from nbtrain.data.sampling import Steps, drawn, shares_of

RARE = [Record(f"{i}.png", (0,) if i < 90 else (1,)) for i in range(100)]


def steps(shares, start=0, stop=100, seed=3):
    return list(Steps(100, 10, seed=seed, shuffle=True, start=start, stop=stop, shares=shares))


def test_uniform_draws_each_image_once():
    assert shares_of(RARE, "uniform") is None
    epoch = [position for places in steps(None, stop=10) for _, position in places]
    assert sorted(epoch) == list(range(100))


@pytest.mark.parametrize(("drawing", "share"), [("balanced", 1 / 2), ("square_root", 1 / 4)])
def test_rare_classes_come_more_often(drawing, share):
    """10 of 100 images: half of the draws when balanced, sqrt(10) / (sqrt(10) + sqrt(90)) by the square root."""
    shares = shares_of(RARE, drawing)
    assert shares.sum() == pytest.approx(1)
    assert shares[90:].sum() == pytest.approx(share)
    found = Counter(RARE[position].labels[0] for places in steps(shares, stop=1000) for _, position in places)
    assert found[1] / 10_000 == pytest.approx(share, abs=0.02)


def test_of_several_labels_the_rarest_counts_and_none_is_one_too():
    records = [Record("a", (0,)), Record("b", (0, 1)), Record("c", (0,)), Record("d", ()), Record("e", ())]
    raw = np.array([1 / 3, 1, 1 / 3, 1 / 2, 1 / 2])
    assert shares_of(records, "balanced") == pytest.approx(raw / raw.sum())


def test_a_step_is_the_same_wherever_one_starts():
    shares = shares_of(RARE, "balanced")
    whole = steps(shares, stop=40)
    assert steps(shares, start=17, stop=40) == whole[17:]
    assert steps(shares, stop=40, seed=4) != whole
    assert whole[:10] != [[(0, p) for _, p in places] for places in whole[10:20]]


def test_numbers_at_the_edges_have_a_position():
    shares = np.array([0.25, 0.25, 0.5])
    assert drawn(shares, np.array([0.0, 0.2499, 0.25, 0.5, 1.0])).tolist() == [0, 0, 1, 2, 2]
