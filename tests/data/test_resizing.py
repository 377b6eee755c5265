"""Resizing that keeps the shape: torchvision's own for ordinary images, and images of any shape at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from nbtrain.data.augmentation import Augmentation
from nbtrain.data.decode import MAX_PIXELS
from nbtrain.data.recipe import Recipe
from nbtrain.data.seen import seen_part
from nbtrain.data.transforms import RandomResize, Resize, ScaleJitter, ShortestSize, ZoomOut
from nbtrain.data.transforms.resizing import RandomZoomOut, middle

ORDINARY = [(31, 47), (200, 20), (64, 64), (1, 1), (480, 640), (25, 400), (7, 90)]
STRIPS = [(2, 1000), (1000, 2), (20_000, 3), (3, 20_000), (1, 500), (500, 1)]
PAIRS = {
    "crop": (Resize(how="crop"), lambda px: v2.Compose([v2.Resize(px, antialias=True), v2.CenterCrop(px)])),
    "pad": (Resize(how="pad"), lambda px: v2.Compose([v2.Resize(None, max_size=px), v2.CenterCrop(px)])),
    "random resize": (RandomResize(between=(40, 60)), lambda px: v2.RandomResize(40, 61)),
    "shortest size": (ShortestSize(sizes=(20, 30)), lambda px: v2.RandomShortestSize([20, 30])),
    "limited": (ShortestSize(sizes=(20, 30), longest=64), lambda px: v2.RandomShortestSize([20, 30], max_size=64)),
    "scale jitter": (ScaleJitter(), lambda px: v2.ScaleJitter((px, px), (0.5, 1.5))),
    "zoom out": (ZoomOut(p=1.0), lambda px: v2.RandomApply([v2.RandomZoomOut(side_range=(1.0, 2.0), p=1.0)], p=1.0)),
}


def made(step, image, seed=0):
    torch.manual_seed(seed)
    return step(image)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("size", ORDINARY)
def test_an_ordinary_image_comes_out_as_torchvision_makes_it(name, size):
    ours, reference = PAIRS[name]
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    if name in ("limited", "scale jitter") and max(size) > 12 * min(size):
        pytest.skip("torchvision has no pixel left of it")
    for seed in range(3):
        assert torch.equal(made(ours.build(48), image, seed), made(reference(48), image, seed))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("size", STRIPS)
def test_a_strip_is_resized_within_bounds(name, size):
    image = torch.full((3, *size), 200, dtype=torch.uint8)
    out = made(PAIRS[name][0].build(224), image)
    assert min(out.shape) > 0
    assert out.shape[1] * out.shape[2] <= max(4 * size[0] * size[1], 16 * 224 * 224)
    if name in ("crop", "pad"):
        assert out.shape == (3, 224, 224)
        assert int(out.max()) == 200


@pytest.mark.parametrize("size", [*ORDINARY, *STRIPS])
@pytest.mark.parametrize("shorter_px", [8, 224, 4096])
def test_what_an_image_is_enlarged_to_is_bounded(size, shorter_px):
    height, width = middle(torch.zeros(3, *size), shorter_px).shape[1:]
    longer_px = shorter_px * max(height, width) / min(height, width)
    assert longer_px * shorter_px <= max(MAX_PIXELS, 1.01 * shorter_px**2)
    assert longer_px <= 16 * shorter_px
    assert min(height, width) == min(size)


def test_the_middle_of_a_strip_is_what_the_crop_shows():
    """What was cut off before shows nowhere, and what is kept is what enlarging the whole strip would have shown."""
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 8, 200), dtype=np.uint8))
    whole = v2.Compose([v2.Resize(32, antialias=True), v2.CenterCrop(32)])(image)
    ours = Resize(how="crop").build(32)(image)
    assert middle(image, 32).shape == (3, 8, 128)
    assert torch.equal(ours, whole)


def test_what_is_seen_of_a_strip_is_known():
    recipe = Recipe(Augmentation(val=(Resize(how="crop"),)).pipeline("val", 32))
    left, top, right, bottom = seen_part(recipe, 4, 800, 0)
    assert (top, bottom) == pytest.approx((0, 1))
    assert (left, right) == pytest.approx((0.4975, 0.5025))


def test_a_zoomed_out_canvas_has_a_limit():
    large = torch.zeros((1, 1, 1), dtype=torch.uint8).expand(
        1, 9000, 10_000
    )  # no memory: what is asked for is looked at
    border = made(RandomZoomOut(side_range=(2.0, 2.0), p=1.0).make_params, [large])["padding"]
    assert (10_000 + border[0] + border[2]) * (9000 + border[1] + border[3]) <= MAX_PIXELS
    assert min(border[0] + border[2], border[1] + border[3]) > 400
