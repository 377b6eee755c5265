"""Brightness, contrast and sharpness: known values, and the same at any size."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_image

from nbtrain.data.conditions import Conditions, conditions_of


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.fromarray(load_sample_image("china.jpg"))


def flat(colour, shape=(40, 60)) -> np.ndarray:
    return np.full((*shape, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("colour", "luma"), [((0, 0, 0), 0), ((255, 255, 255), 1), ((255, 0, 0), 0.299), ((0, 0, 255), 0.114)]
)
def test_a_plain_picture_has_its_luma_and_nothing_else(colour, luma):
    found = conditions_of(flat(colour))
    assert found.brightness == pytest.approx(luma, abs=2e-3)
    assert (found.contrast, found.sharpness) == pytest.approx((0, 0), abs=1e-6)


def test_contrast_is_the_deviation_of_the_grey():
    halves = flat((0, 0, 0))
    halves[:, 30:] = 255
    assert conditions_of(halves)[:2] == pytest.approx((0.5, 0.5))


def test_sharpness_is_the_variance_of_the_laplacian():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 1), np.uint8).repeat(3, axis=2)
    grey = pixels[..., 0] / 255
    by_hand = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x]
        for y in range(1, 49)
        for x in range(1, 69)
    ]
    assert conditions_of(pixels).sharpness == pytest.approx(np.var(by_hand), rel=1e-4)


def test_size_does_not_matter(photograph):
    whole = conditions_of(np.asarray(photograph))
    for width, height in ((320, 213), (171, 150), (1280, 854)):
        resized = np.asarray(photograph.resize((width, height), Image.Resampling.BICUBIC))
        assert conditions_of(resized) == pytest.approx(whole, rel=0.25), (width, height)
        assert conditions_of(resized)[:2] == pytest.approx(whole[:2], rel=0.02), (width, height)


def test_blur_and_darkness_show(photograph):
    whole = conditions_of(np.asarray(photograph))
    blurred = conditions_of(np.asarray(photograph.filter(ImageFilter.GaussianBlur(8))))
    dark = conditions_of(np.asarray(photograph) // 4)
    assert blurred.sharpness < whole.sharpness / 10
    assert blurred.brightness == pytest.approx(whole.brightness, rel=0.02)
    assert dark.brightness < whole.brightness / 3
    assert dark.contrast < whole.contrast / 3


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 1), (3, 3)])
def test_pictures_of_hardly_any_pixels(shape):
    assert conditions_of(flat((10, 10, 10), shape)) == pytest.approx(Conditions(10 / 255, 0, 0), abs=1e-6)
