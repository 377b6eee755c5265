"""Keys of random streams: fixed for ever, and spread over all bits."""

import random

import numpy as np
import torch

from nbtrain.data.randomness import Stream, key, seed_everything


def test_keys_are_the_same_for_ever():
    """Golden values: another number here means that no run resumes as it began."""
    assert [key(0, Stream.SHUFFLE), key(42, Stream.AUGMENT, 3, 7), key(-1, Stream.STEP, 2**40)] == [
        985363666577631307,
        7405749640561829959,
        1887017766051894317,
    ]


def test_keys_differ_by_seed_stream_and_place():
    keys = {
        key(seed, stream, epoch, index)
        for seed in range(5) for stream in Stream for epoch in range(20) for index in range(50)
    }  # fmt: skip
    assert len(keys) == 5 * len(Stream) * 20 * 50
    assert all(0 <= k < 2**63 for k in keys)
    # Neighbouring places must not give neighbouring numbers: every bit is set in about half of the keys.
    share = [sum(k >> bit & 1 for k in keys) / len(keys) for bit in range(63)]
    assert min(share) > 0.48
    assert max(share) < 0.52


def test_all_three_generators_are_seeded():
    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()

    seed_everything(key(1, Stream.STEP, 5))
    first = draw()
    other = draw()
    seed_everything(key(1, Stream.STEP, 5))
    assert draw() == first != other
