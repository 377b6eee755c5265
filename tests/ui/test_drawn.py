"""Curves that are kept up: the same points as worked out from nothing, after growth and after a resume."""

from __future__ import annotations

import numpy as np
import pytest

from nbtrain.messages import Metric
from nbtrain.project.history import History
from nbtrain.ui.drawn import NOTHING, Drawn


def said(step, **values):
    return Metric(t_s=1e9 + step, step=step, epoch=step / 10, split="train", values=values)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in one.__slots__)


@pytest.mark.parametrize("smoothing", [0.0, 0.8])
def test_points_are_those_of_the_whole_curve_however_it_came(smoothing):
    history, kept = History(), Drawn()
    assert kept.points(history, "train", "loss", smoothing) is NOTHING
    for step in range(1, 3001):
        history.add(said(step, loss=np.sin(step), **({"late": float(step)} if step > 2000 else {})))
        if step % 700 == 0:
            kept.points(history, "train", "loss", smoothing)
    for name in ("loss", "late"):
        found = kept.points(history, "train", name, smoothing)
        assert len(found.y) <= 1000
        np.testing.assert_array_equal(found.epoch, found.step / 10)
        np.testing.assert_array_equal(found.t_s, found.step + 1e9)
        if not smoothing:
            np.testing.assert_array_equal(found.y[found.step > 2000], _value(name, found.step[found.step > 2000]))
    history.cut(500)
    history.add(*(said(step, loss=7.0) for step in range(501, 600)))
    again = kept.points(history, "train", "loss", smoothing)
    assert same(again, Drawn().points(history, "train", "loss", smoothing))
    assert (again.step[-1], len(again.y)) == (599, 599)


def _value(name, step):
    return step if name == "late" else np.sin(step)


def test_rows_that_were_dropped_meanwhile_are_not_looked_up():
    history = History()
    history.add(*(said(step, loss=1.0) for step in range(1, 6)))
    history.cut(2)
    assert history.places("train", np.array([4]), cuts=0) is None
    assert history.places("train", np.array([1]), cuts=1)[0].tolist() == [2.0]
