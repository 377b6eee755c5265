"""Counts and colours against references."""

import numpy as np
import pytest

from data import images
from nbtrain.data.records import Record
from nbtrain.data.statistics import PixelStatistics, class_counts
from nbtrain.errors import DataError


def test_counts():
    assert class_counts([Record("a", (0, 2)), Record("b", (2,)), Record("c", ())], 4).tolist() == [1, 0, 2, 0]
    assert class_counts([], 2).tolist() == [0, 0]


def test_pixels_equal_the_reference():
    shown = [images.pixels(i) for i in range(5)]
    measured = PixelStatistics()
    for each in shown:
        measured.add(each)
    mean, spread = measured.result()
    flat = np.concatenate([each.reshape(-1, 3) for each in shown]) / 255
    np.testing.assert_allclose(mean, flat.mean(0), atol=1e-6)
    np.testing.assert_allclose(spread, flat.std(0), atol=1e-6)


def test_each_image_counts_the_same():
    measured = PixelStatistics()
    measured.add(np.zeros((1, 1, 3), np.uint8))
    measured.add(np.full((50, 50, 3), 255, np.uint8))
    assert measured.result() == ((0.5,) * 3, (0.5,) * 3)


def test_flat_colour_has_no_infinite_scale():
    measured = PixelStatistics()
    measured.add(np.full((4, 4, 3), 51, np.uint8))
    assert measured.result() == ((0.2,) * 3, (1.0,) * 3)


def test_no_image():
    with pytest.raises(DataError, match="at least one image"):
        PixelStatistics().result()
