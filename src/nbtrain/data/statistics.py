"""Statistics of labels and pixels: class counts, mean and spread of the colours.

It computes from counts and arrays that others have read; it opens no image and knows no configuration.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from nbtrain.data.records import Record
from nbtrain.errors import DataError

MAX_MEASURED = 2000
"""Images that the mean of the colours is taken from; more would not change the third digit."""


def class_counts(records: Iterable[Record], n_classes: int) -> npt.NDArray[np.int64]:
    """Return the number of images that carry each class."""
    labels = [label for record in records for label in record.labels]
    return np.bincount(np.asarray(labels, np.int64), minlength=n_classes)


class PixelStatistics:
    """Mean and standard deviation of each colour over images of any size, each image counting the same.

    Every image is resized to one size before training, so a large photograph must not outweigh a small one. The sum
    runs in the order of the images in float64: the same images give the same numbers.
    """

    def __init__(self) -> None:
        self.n_images = 0
        self._mean, self._square = np.zeros(3), np.zeros(3)

    def add(self, pixels_hwc: npt.NDArray[np.uint8]) -> None:
        """Take one image into account: uint8, height × width × 3."""
        # A table of 256 counts per colour is exact, and faster than float64 pixels.
        values = np.arange(256, dtype=np.float64) / 255
        flat = pixels_hwc.reshape(-1, 3)
        counts = np.stack([np.bincount(flat[:, colour], minlength=256) for colour in range(3)]) / len(flat)
        self._mean += counts @ values
        self._square += counts @ values**2
        self.n_images += 1

    def result(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation per colour, in 0…1; raises DataError before the first image."""
        if not self.n_images:
            raise DataError("the mean of the colours needs at least one image", advice="Check the training set.")
        mean = self._mean / self.n_images
        spread = np.sqrt(np.maximum(self._square / self.n_images - mean**2, 0))
        # Images of one flat colour have no spread; dividing by it would make infinities.
        spread = np.where(spread < 1e-4, 1.0, spread)
        return tuple(round(float(m), 6) for m in mean), tuple(round(float(s), 6) for s in spread)
