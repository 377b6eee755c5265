"""Threads and workers from a few timed batches: arithmetic."""

from __future__ import annotations

import pytest

from nbtrain.training.cores import candidates, needed, split


@pytest.mark.parametrize(("cores", "tried"), [(1, (1,)), (2, (1,)), (4, (3, 2, 1)), (16, (15, 8, 4))])
def test_never_as_many_threads_as_cores(cores, tried):
    assert candidates(cores) == tried


def test_fewer_threads_only_where_they_are_clearly_faster():
    nearly = {15: 0.0010, 8: 0.00095}
    assert split(nearly, 0.0001, 16, 8).threads == 15
    clearly = {15: 0.0010, 8: 0.0008}  # barriers cost more than the threads bring
    assert split(clearly, 0.0001, 16, 8).threads == 8


def test_loading_and_computing_share_the_cores():
    """Computing alone would be fastest with 15 threads; with what loading takes, 8 train faster."""
    found = split({15: 0.0010, 8: 0.0011}, 0.006, 16, 8)
    assert found.threads == 8
    assert found.images_per_s == pytest.approx(1 / 0.0011, rel=1e-6)
    assert found.workers == 7  # 5.5 are busy, and a quarter more


def test_workers_feed_what_is_computed():
    assert split({7: 0.01}, 0.001, 8, 7).workers == 1
    assert split({7: 0.001}, 0.1, 8, 7).workers == 7  # more is not allowed
    assert split({7: 0.01}, 0.001, 8, 0).workers == 0
    assert needed(1000, 0.002, 8) == 3
