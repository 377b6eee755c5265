"""Heads: which parameters belong to them, for networks of every make."""

from __future__ import annotations

import pytest
import torch

from nbtrain.models.backbones import Timm, Torchvision
from nbtrain.models.freezing import to_training
from nbtrain.models.heads import head_parameters

HEADS = {
    Timm(variant="test_resnet"): {"fc.weight", "fc.bias"},
    Timm(variant="test_convnext"): {"head.fc.weight", "head.fc.bias"},
    Timm(variant="levit_128s"): {
        f"{head}.{part}"
        for head in ("head", "head_dist")
        for part in ("bn.weight", "bn.bias", "linear.weight", "linear.bias")
    },
    Torchvision(variant="resnet18"): {"fc.weight", "fc.bias"},
    Torchvision(variant="squeezenet1_1"): {"classifier.1.weight", "classifier.1.bias"},
    Torchvision(variant="shufflenet_v2_x0_5"): {"fc.weight", "fc.bias"},
}


@pytest.mark.parametrize(("made", "expected"), HEADS.items(), ids=lambda v: getattr(v, "variant", ""))
def test_the_head_is_found(made, expected):
    model = made.build(4, made.entry.input_size if made.variant.startswith("levit") else 64)
    found = head_parameters(model)
    assert found == expected


def test_frozen_batch_normalisation_rests_and_the_rest_trains():
    model = Timm(variant="test_resnet", freeze="backbone").build(4, 64)
    to_training(model)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(m.training for m in norms)
    assert model.training
    assert model.fc.training


def test_nothing_rests_where_nothing_is_frozen():
    model = Timm(variant="test_resnet").build(4, 64)
    assert all(module.training for module in to_training(model.eval()).modules())
