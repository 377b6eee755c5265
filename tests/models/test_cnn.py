"""The custom network: what is set is what is built."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain.errors import ConfigError
from nbtrain.models import CustomCNN, Timm
from nbtrain.models.cnn import _ACTIVATIONS


def test_blocks_widths_and_dense_layers_are_as_set():
    model = CustomCNN(blocks=3, width=8, max_width=16, kernel=5, convolutions=1, dense=(20, 10)).build(7, 32)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [8, 16, 16]
    assert {c.kernel_size for c in convolutions} == {(5, 5)}
    assert [m.out_features for m in model.modules() if isinstance(m, nn.Linear)] == [20, 10, 7]


@pytest.mark.parametrize("activation", _ACTIVATIONS)
def test_every_activation_is_built(activation):
    model = CustomCNN(blocks=1, width=4, activation=activation).build(2, 16)
    assert any(isinstance(m, getattr(nn, _ACTIVATIONS[activation])) for m in model.modules())


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm2d), ("group", nn.GroupNorm), ("none", None)])
def test_the_normalisation_is_the_one_set(norm, kind):
    model = CustomCNN(blocks=2, width=6, norm=norm).build(2, 16)
    found = {type(m) for m in model.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)}
    assert found == ({kind} if kind else set())


def test_dropout_has_a_share_for_each_part():
    model = CustomCNN(blocks=2, width=4, conv_dropout=0.1, dropout=0.4, dense=(8,)).build(2, 16)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout2d)] == [0.1, 0.1]
    assert [m.p for m in model.modules() if type(m) is nn.Dropout] == [0.4, 0.4]


@pytest.mark.parametrize("size", [1, 5, 33])
def test_no_image_is_too_small(size):
    assert CustomCNN(blocks=10, width=4).build(3, size).eval()(torch.zeros(2, 3, size, size)).shape == (2, 3)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("kernel", 4, "Choose 3 or 5"),
        ("dense", [8] * 9, "At most 8"),
        ("dense", [0], "at least 1"),
        ("pretrained", True, "no published weights"),
        ("activation", "rellu", "Allowed"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(path, value, told):
    with pytest.raises(ConfigError, match=told) as refused:
        CustomCNN().set(path, value)
    assert refused.value.problems[0].path == path


def test_a_pretrained_choice_is_left_behind_when_switching():
    changed = Timm(pretrained=True, dropout=0.2).switched("custom")
    assert changed == CustomCNN(dropout=0.2)
    assert changed.switched("timm") == Timm(dropout=0.2)
