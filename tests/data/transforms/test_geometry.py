"""Sizes: what a step leaves, and on what it cannot work, to the pixel."""

from __future__ import annotations

import pytest
import torch

from nbtrain.data.transforms import Transform


def step(kind, **values):
    made = Transform.of(kind)()
    for name, value in values.items():
        made = made.set(name, value)
    return made


@pytest.mark.parametrize(
    ("crop", "fits", "not_any_more"),
    [
        (step("center_crop", size=64), (64, 80), (80, 63)),
        (step("random_crop", size=64), (64, 80), (63, 80)),
        (step("random_crop", size=64, padding=4), (56, 80), (55, 80)),
        (step("random_crop", size=64, padding=4), (80, 56), (80, 55)),
    ],
)
def test_a_crop_larger_than_its_image_is_refused(crop, fits, not_any_more):
    assert crop.problem(fits, 32) is None
    assert crop.problem(None, 32) is None
    problem = crop.problem(not_any_more, 32)
    assert problem.path == "size"
    there_px = min(not_any_more) + 2 * getattr(crop, "padding", 0)
    assert f"a crop of 64 px is larger than the image, which is {there_px} px here" in problem.message


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (30, 30)])
def test_a_resize_leaves_a_square_in_each_way(how, shape):
    image = torch.full((3, *shape), 255, dtype=torch.uint8)
    made = step("resize", size=16, how=how).build(32)(image)
    assert made.shape == (3, 16, 16)
    black = int((made[0] < 128).sum())
    assert black == (16 * 8 if how == "pad" and shape != (30, 30) else 0)


def test_auto_is_the_tasks_image_size():
    assert step("resize").size_after((100, 50), 32) == (32, 32)
    assert step("resize", size=48).size_after((100, 50), 32) == (48, 48)
    assert step("resize").build(32)(torch.zeros(3, 100, 50, dtype=torch.uint8)).shape == (3, 32, 32)
