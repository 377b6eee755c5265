"""The faster ways give what torch's give, to rounding, and change nothing else of a network."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nbtrain.training.convolutions import Depthwise, Pointwise, quicken
from nbtrain.training.precision import Precision

FLOAT32 = Precision("32", torch.device("cpu"))


@pytest.mark.parametrize("stride", [1, 2, (2, 1)])
@pytest.mark.parametrize(("kernel", "padding"), [(5, 2), ((7, 5), (3, 5)), (5, 4)])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (5, 4), (20, 19)])
def test_a_depthwise_convolution_and_its_gradients_are_torchs(size, kernel, padding, stride):
    layer = nn.Conv2d(6, 6, kernel, stride, padding, groups=6, bias=False).double()
    same_as_torch(layer, Depthwise, torch.randn(3, 6, *size, dtype=torch.float64))


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (9, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_and_its_gradients_are_torchs(size, bias):
    same_as_torch(nn.Conv2d(5, 7, 1, bias=bias).double(), Pointwise, torch.randn(3, 5, *size, dtype=torch.float64))


def same_as_torch(layer, expected, images):
    faster = copy.deepcopy(layer)
    assert quicken(nn.Sequential(faster), FLOAT32) == 1
    assert type(faster) is expected
    told = []
    for one in (layer, faster):
        given = images.clone(memory_format=torch.channels_last).requires_grad_()
        output = one(given)
        (output * torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)).sum().backward()
        told.append([output, given.grad, *(weight.grad for weight in one.parameters())])
    for theirs, ours in zip(*told, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False),
        nn.Conv2d(4, 4, 5, padding=2, groups=4),
        nn.Conv2d(4, 8, 5, padding=2, groups=4, bias=False),
        nn.Conv2d(4, 4, 5, padding=4, dilation=2, groups=4, bias=False),
        nn.Conv2d(4, 4, 5, padding="same", groups=4, bias=False),
        nn.Conv2d(4, 4, 5, padding=2, padding_mode="reflect", groups=4, bias=False),
        nn.Conv2d(4, 8, 1, stride=2),
        nn.Conv2d(4, 8, 1, groups=2),
        nn.Linear(4, 4),
        type("Own", (nn.Conv2d,), {})(4, 4, 1),
    ],
    ids=str,
)
def test_other_layers_stay_what_they_are(layer):
    kind = type(layer)
    assert quicken(nn.Sequential(layer), FLOAT32) == 0
    assert type(layer) is kind


def test_other_precisions_take_torchs_own_ways():
    model = nn.Sequential(nn.Conv2d(6, 4, 1))
    assert quicken(model, Precision("bf16-mixed", torch.device("cpu"))) == 0
    assert type(model[0]) is nn.Conv2d


def test_states_copies_and_frozen_weights_are_as_before():
    model = nn.Sequential(nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=False), nn.Conv2d(6, 4, 1))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    assert quicken(model, FLOAT32) == 2
    assert all(torch.equal(value, state[name]) for name, value in copy.deepcopy(model).state_dict().items())
    model[0].weight.requires_grad_(False)
    images = torch.randn(2, 6, 4, 4, requires_grad=True)
    model(images).sum().backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None
    assert images.grad is not None
