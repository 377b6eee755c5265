"""Which part of an image is seen: a pattern planted in it is found again where the run's own transforms have put it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nbtrain.data.augmentation import Augmentation
from nbtrain.data.recipe import Recipe
from nbtrain.data.seen import seen_part
from nbtrain.data.transforms import CenterCrop, Grayscale, HorizontalFlip, Pad, Resize, VerticalFlip

SIZE = 96
LISTS = {
    "stretched": (Resize(),),
    "shorter side, rest cut off": (Resize(how="crop"),),
    "whole, with a border": (Resize(how="pad"),),
    "middle of a larger one": (Resize(size=128), CenterCrop()),
    "cut out as it is": (CenterCrop(size=64), Resize()),
    "mirrored": (Resize(how="crop"), HorizontalFlip(p=1.0), VerticalFlip(p=1.0), Grayscale()),
    "mirrored by chance": (HorizontalFlip(p=0.5), Resize()),
    "a border that mirrors": (Pad(padding=12, how="reflect"), Resize()),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("shape", [(120, 200), (180, 110)])
def test_a_planted_pattern_is_found_again(name, shape):
    height, width = shape
    recipe = Recipe(Augmentation(val=LISTS[name]).pipeline("val", SIZE))
    for seed in range(4):
        image_CHW = torch.zeros(3, height, width, dtype=torch.uint8)
        x, y = width // 2 + 8, height // 2 - 10
        image_CHW[:, y - 3 : y + 3, x - 3 : x + 3] = 255
        left, top, right, bottom = seen_part(recipe, height, width, seed)
        found_HW = recipe(image_CHW, seed).float().mean(0).numpy()
        rows, columns = np.indices(found_HW.shape)
        found_y, found_x = ((found_HW * (axis + 0.5)).sum() / found_HW.sum() / SIZE for axis in (rows, columns))
        near = 1.2 * max(shape) / SIZE  # a pixel of what is seen
        assert (left + found_x * (right - left)) * width == pytest.approx(x, abs=near)
        assert (top + found_y * (bottom - top)) * height == pytest.approx(y, abs=near)


def test_what_is_seen_of_a_wide_image():
    stretched, cut, bordered = (
        seen_part(Recipe(Augmentation(val=(Resize(how=how),)).pipeline("val", SIZE)), 100, 200, 0)
        for how in ("stretch", "crop", "pad")
    )
    assert stretched == pytest.approx((0, 0, 1, 1))
    assert cut == pytest.approx((0.25, 0, 0.75, 1))
    assert bordered == pytest.approx((0, -0.5, 1, 1.5))


def test_of_a_transform_that_nobody_knows_nothing_is_said():
    assert seen_part(Recipe(lambda image: image), 10, 10, 0) is None
