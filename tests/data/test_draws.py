"""Draws against torch's own, one by one: the same numbers, to the last bit."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from nbtrain.data.draws import Draws
from nbtrain.data.recipe import _sides


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


ENDS = (1, 2, 77, 4001, 100_000)


@pytest.mark.parametrize(
    "begins", [int, lambda seed: Generator().manual_seed(seed)], ids=["numpy's twister", "torch's"]
)
@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63 - 1])
def test_numbers_are_those_that_torch_draws_one_by_one(seed, begins):
    generator, draws = Generator().manual_seed(seed), Draws(begins(seed))
    for end in ENDS:
        assert draws.share() == torch.rand(1, generator=generator).item()
        assert draws.between(0.08, 1.0) == torch.empty(1).uniform_(0.08, 1.0, generator=generator).item()
        assert draws.between(-0.3, 0.7) == torch.empty(1).uniform_(-0.3, 0.7, generator=generator).item()
        assert draws.below(end) == int(torch.randint(0, end, (1,), generator=generator))


def test_they_go_on_where_a_generator_stands():
    generator, same = Generator().manual_seed(4), Generator().manual_seed(4)
    torch.rand(3, generator=generator), torch.rand(3, generator=same)
    draws = Draws(generator)
    assert [draws.share() for _ in range(20)] == [torch.rand(1, generator=same).item() for _ in range(20)]


def test_sides_are_those_of_torchs_exponential():
    drawn = torch.Generator().manual_seed(1)
    logs = torch.empty(2000).uniform_(-0.3, 0.3, generator=drawn)
    ratios = [one.clone().exp_().item() for one in logs.split(1)]
    areas = [(side + 0.5) ** 2 / ratio for side, ratio in enumerate(ratios)]  # right between two widths
    for area, log_ratio, ratio in zip(areas, logs.tolist(), ratios, strict=True):
        assert _sides(area, log_ratio) == (round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio)))
