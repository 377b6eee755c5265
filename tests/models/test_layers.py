"""The order of layers: from input to head, for networks that say it and for those that do not."""

from __future__ import annotations

import pytest

from nbtrain.models import CustomCNN, Timm, Torchvision
from nbtrain.models.freezing import Unfreezing, frozen_parameters
from nbtrain.models.heads import head_parameters
from nbtrain.models.layers import layers, stage_parameters

MADE = [
    Timm(variant="test_vit"),
    Timm(variant="test_resnet"),
    Torchvision(variant="resnet18"),
    Torchvision(variant="squeezenet1_1"),
    Torchvision(variant="mobilenet_v3_small"),
    CustomCNN(blocks=3, width=8, dense=(16,)),
]


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made.kind}-{made.entry.variant}")
def test_every_parameter_has_a_place_and_the_head_the_last(made, coarse):
    model = made.build(4, 64)
    found = layers(model, coarse=coarse)
    names = [name for name, _ in model.named_parameters()]
    assert set(found) == set(names)
    last = max(found.values())
    assert sorted(set(found.values())) == list(range(last + 1))
    assert {name for name in names if found[name] == last} == head_parameters(model)
    assert last >= 3


def test_a_resnet_is_counted_in_blocks_and_stages():
    """The same for both libraries: stem, 8 blocks, head; stem, 4 stages, head."""
    for made in (Timm(variant="resnet18"), Torchvision(variant="resnet18")):
        model = made.build(4, 64)
        assert max(layers(model).values()) == 9
        assert max(layers(model, coarse=True).values()) == 5
        assert stage_parameters(model, 2) >= {"conv1.weight", "bn1.weight", "layer1.1.conv2.weight"}
        assert "layer2.0.conv1.weight" not in stage_parameters(model, 2)


@pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made.kind}-{made.entry.variant}")
def test_stages_are_frozen_but_never_the_head(made):
    def trained(stages: int) -> int:
        model = made.replace(freeze="stages", freeze_stages=stages).build(4, 64)
        assert all(p.requires_grad for name, p in model.named_parameters() if name in head_parameters(model))
        return sum(p.requires_grad for p in model.parameters())

    assert trained(1) > trained(2) >= trained(100) == len(head_parameters(made.build(4, 64)))


def test_what_is_unfrozen_later_is_not_frozen_for_good():
    made = CustomCNN(blocks=2, width=8, freeze="backbone", unfreeze_epoch=3)
    model = made.build(4, 64)
    assert all(p.requires_grad for p in model.parameters())
    unfreezing = made.unfreezing(model)
    assert unfreezing == Unfreezing(frozen_parameters(model, "backbone", 1), 3)
    for epoch, changed in ((0, False), (2, False), (3, True), (4, False), (1, False)):
        assert unfreezing.enter(epoch) is changed
        assert next(model.parameters()).requires_grad == (epoch >= 3)
        assert model.head.weight.requires_grad
    assert made.replace(unfreeze_epoch=0).unfreezing(model) is None
