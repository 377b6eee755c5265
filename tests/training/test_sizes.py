"""Batch sizes: the lines through what was measured, and which size auto takes."""

from __future__ import annotations

import pytest

from nbtrain.training.sizes import Fit, Line, Trial, candidates, choose, second_size

MIB = 2**20


def trial(batch, *, fixed_s=0.0, each_s=0.001, load_s=0.0, beside=False, fixed=100 * MIB, each=10 * MIB):
    return Trial(
        batch=batch, compute_s=fixed_s + each_s * batch, load_s=load_s * batch, beside=beside,
        peak_bytes=fixed + each * batch,
    )  # fmt: skip


def fit(**how):
    return Fit((trial(8, **how), trial(64, **how)))


def test_two_sizes_tell_every_other():
    found = fit(fixed_s=0.01, load_s=0.0005)
    assert found.peak_bytes(256) == 100 * MIB + 256 * 10 * MIB
    assert found.batch_s(256) == pytest.approx(0.01 + 256 * 0.0015)


def test_three_points_give_the_closest_line_and_noise_never_makes_it_fall():
    assert Line.through([(1, 1.0), (2, 3.0), (3, 2.0)]) == Line(1.0, 0.5)
    assert Line.through([(8, 20.0), (16, 10.0)]) == Line(15.0, 0.0)
    assert Line.through([(8, 20.0)]).at(64) == 20.0


@pytest.mark.parametrize(("beside", "expected"), [(False, 0.3), (True, 0.2)])
def test_workers_load_beside_the_computing_and_without_them_both_add_up(beside, expected):
    one = trial(100, each_s=0.001, load_s=0.002, beside=beside)
    assert one.batch_s == pytest.approx(expected)
    assert one.images_per_s == pytest.approx(100 / expected)


def test_auto_takes_the_smallest_that_is_nearly_the_fastest():
    sizes = candidates(100_000)
    assert choose(fit(fixed_s=0.0), sizes, 1e12) == 16  # the speed is the same everywhere
    assert choose(fit(fixed_s=0.02), sizes, 1e12) == 512  # 96 % of the speed at 1024, and 256 reach 94 %
    assert choose(fit(fixed_s=10.0), sizes, 1e12) == 1024


@pytest.mark.parametrize(("limit", "expected"), [(100 + 10 * 64, 64), (100 + 10 * 63, 32), (100 + 10 * 9, 8), (50, 2)])
def test_auto_stays_within_the_memory(limit, expected):
    assert choose(fit(fixed_s=10.0), candidates(100_000), limit * MIB) == expected


def test_an_epoch_keeps_its_steps():
    assert candidates(1437)[-1] == 128
    assert candidates(30) == (2, 4, 8)
    assert candidates(3) == (2,)
    assert candidates(1) == (1,)


def test_the_second_size_fits_for_certain():
    first = trial(4, each_s=0.2)
    assert second_size(first, candidates(100_000), 1e12, 1.0) == 8  # twice as many at least are worth it
    assert second_size(trial(4, each_s=0.001), candidates(100_000), 1e12, 1.0) == 256
    assert second_size(first, candidates(100_000), first.peak_bytes * 1.5, 1.0) == 2
    assert second_size(trial(1), (1,), 1e12, 1.0) == 1
