"""Batches of one image where batch normalisation would see one value: refused before the first step, in words."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain.advice.strength import overall, parts
from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.models import norms


def config(**changes):
    return Config().set_all({"data.dataset": "pets", "model.kind": "custom", "training.batch_size": 1, **changes})


@pytest.mark.parametrize(
    ("image_size", "blocks", "norm", "batch", "trains"),
    [
        (16, 4, "batch", 1, True),
        (16, 5, "batch", 1, False),
        (17, 5, "batch", 1, True),
        (32, 6, "batch", 1, False),
        (16, 5, "batch", 2, True),
        (16, 5, "group", 1, True),
        (16, 5, "none", 1, True),
    ],
)
def test_rule_trainer_and_torch_agree(image_size, blocks, norm, batch, trains):
    """The rule in the kernel, the look at the network, and what torch says of a real step."""
    made = config(**{"model.blocks": blocks, "model.norm": norm, "model.width": 2, "task.image_size": image_size})
    made = made.set("training.batch_size", batch)
    problems = [problem.path for problem in made.check()]
    assert problems == ([] if trains else ["training.batch_size"])
    model = made.model.build(2, image_size)
    before = {name: layer.training for name, layer in model.named_modules()}
    images = torch.zeros(batch, 3, image_size, image_size)
    if trains:
        norms.check(model, image_size, batch)
        model(images).sum().backward()
    else:
        with pytest.raises(ConfigError, match=r"training\.batch_size: batch normalisation \(block5|block6"):
            norms.check(model, image_size, batch)
        with pytest.raises(ValueError, match="Expected more than 1 value"):
            model(images)
    assert {name: layer.training for name, layer in model.named_modules()} == before


def test_what_is_frozen_does_not_count():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten())
    with pytest.raises(ConfigError, match="see one value per channel"):
        norms.check(model, 8, 1)
    norms.check(model.requires_grad_(False), 8, 1)


def test_a_published_network_is_looked_at_once_it_is_built():
    model = Config().set_all({"model.variant": "test_resnet"}).model.build(2, 16)
    with pytest.raises(ConfigError, match="1 image of 16 px is 1 pixel there"):
        norms.check(model, 16, 1)
    norms.check(model, 16, None)
    norms.check(model, 64, 1)


def test_dropout_of_channels_is_one_of_the_means_against_overfitting():
    """Of a network of one's own; with nothing else, "all means are off" would be false."""
    bare = {"augmentation.train": [{"kind": "resize"}], "optimizer.weight_decay": 0.0, "training.early_stopping": False}
    without, with_it = config(**bare), config(**bare, **{"model.conv_dropout": 0.2})
    (part,) = [part for part in parts(with_it) if part.path == "model.conv_dropout"]
    assert (part.value, part.points) == ("0.2", 1)
    assert (overall(without), overall(with_it)) == ("none", "light")
    assert not [part for part in parts(Config()) if part.path == "model.conv_dropout"]
