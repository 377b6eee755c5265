"""Initialisation: what the numbers look like, which layers they reach, and that settings arrive in torch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nbtrain.models.initialisation import (
    Default,
    Initialisation,
    KaimingNormal,
    KaimingUniform,
    Orthogonal,
    TruncatedNormal,
    XavierNormal,
    XavierUniform,
)


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(8, 32, 3), nn.BatchNorm2d(32), nn.Flatten(), nn.Linear(200, 100))


def made(settings, whole=True):
    torch.manual_seed(0)
    model = Net()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    torch.manual_seed(1)
    settings.apply(model, whole)
    return model, {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}


@pytest.mark.parametrize("kind", sorted(set(Initialisation.kinds()) - {"default"}))
def test_convolutions_and_linear_layers_are_filled(kind):
    settings = Initialisation.kinds()[kind]()
    model, changed = made(settings)
    assert changed == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert not model[0].bias.any()
    assert made(settings, whole=False)[1] == {"3.weight", "3.bias"}
    assert torch.equal(made(settings)[0][0].weight, model[0].weight)


def test_the_default_leaves_all_as_it_is():
    assert made(Default())[1] == set()


@pytest.mark.parametrize("kind", Initialisation.kinds())
def test_the_head_may_start_at_zero(kind):
    model, _ = made(Initialisation.kinds()[kind](zero_head=True), whole=False)
    assert not model[3].weight.any()
    assert model[0].weight.any()


@pytest.mark.parametrize(
    ("settings", "std"),
    [
        (KaimingNormal(mode="fan_in"), math.sqrt(2 / 200)),
        (KaimingNormal(mode="fan_out"), math.sqrt(2 / 100)),
        (KaimingUniform(mode="fan_in", nonlinearity="linear"), math.sqrt(1 / 200)),
        (KaimingUniform(mode="fan_in", nonlinearity="leaky_relu", slope=0.5), math.sqrt(2 / 1.25 / 200)),
        (XavierNormal(gain=2), 2 * math.sqrt(2 / 300)),
        (XavierUniform(), math.sqrt(2 / 300)),
        (Orthogonal(gain=1.5), 1.5 * math.sqrt(1 / 200)),
        (TruncatedNormal(std=0.1, cut=10), 0.1),
    ],
)
def test_the_numbers_have_the_size_of_their_formula(settings, std):
    weight = made(settings)[0][3].weight
    assert weight.std().item() == pytest.approx(std, rel=0.03)
    assert weight.mean().item() == pytest.approx(0, abs=std / 20)


def test_a_truncated_normal_is_cut():
    assert made(TruncatedNormal(std=0.1, cut=1.5))[0][3].weight.abs().max() <= 0.15
