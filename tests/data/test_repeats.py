"""Transforms with a generator of their own are found; those that draw from the seeded ones are not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from nbtrain.data.images import Images
from nbtrain.data.records import Record
from nbtrain.data.repeats import unkeyed

OWN = np.random.default_rng(), random.Random(), torch.Generator()


class NumpyOwn:
    def __call__(self, image):
        return image.roll(int(OWN[0].integers(1, 9)), 1)


def python_own(image):
    return image.roll(OWN[1].randrange(1, 9), 1)


class TorchOwn(torch.nn.Module):
    def forward(self, image):
        return image.roll(int(torch.randint(1, 9, (), generator=OWN[2])), 2)


class Keyed(torch.nn.Module):
    def forward(self, image):
        drawn = int(torch.randint(1, 9, ())) + random.randrange(1, 9) + int(np.random.randint(1, 9))
        return image.roll(drawn, 2)


def images(transform):
    made = Images(Path(), [Record(f"{i}.png", (0,)) for i in range(9)], transform, seed=1)
    made.kept = list(np.random.default_rng(0).integers(0, 255, (9, 12, 12, 3), np.uint8))
    return made


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([NumpyOwn()], "NumpyOwn"),
        ([Keyed(), v2.RandomApply([TorchOwn()], p=1.0)], "TorchOwn"),
        ([v2.Resize(8), python_own, Keyed()], "python_own"),
        ([v2.Resize(8), Keyed(), v2.ColorJitter(0.3), v2.RandomHorizontalFlip()], ""),
    ],
)
def test_the_first_transform_that_gives_two_results_is_named(steps, name):
    assert unkeyed(images(v2.Compose(steps))) == name


def test_a_callable_that_is_no_list_is_named_itself():
    assert unkeyed(images(python_own)) == "python_own"
    assert unkeyed(images(lambda image: image[:, :4])) == ""


def test_one_that_fails_is_left_to_its_first_use():
    def broken(image):
        raise ValueError("no")

    assert unkeyed(images(broken)) == ""
