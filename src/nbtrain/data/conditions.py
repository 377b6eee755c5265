"""Conditions under which a picture was taken: how bright, how rich in contrast, how sharp it is.

All three are taken from one small grey picture of at most 112 × 112 px (half of what networks are usually given), each
of its pixels the mean of those that it covers. So they say the same of a photograph whatever its size, and however much
of it was decoded: a slice by sharpness must not be a slice by size. What is smaller than that is taken as it is.

Sources: luma by ITU-R BT.601 (as Pillow's "L"); contrast as the root mean square one of Peli, Contrast in complex
images (JOSA A 7, 1990); sharpness as the variance of the Laplacian of Pech-Pacheco et al., Diatom autofocusing in
brightfield microscopy (ICPR 2000), one of those that Pertuz et al. compare (Pattern Recognition 46, 2013).

It knows pixels; it knows no files and no data sets, and what is dark or blurred is for others to say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

GRID_PX = 112
"""Largest width and height of the grey picture that is looked at."""


class Conditions(NamedTuple):
    """What was measured of one picture; grey goes from 0 (black) to 1 (white)."""

    brightness: float
    """Mean grey, 0…1."""
    contrast: float
    """Standard deviation of the grey, 0…0.5."""
    sharpness: float
    """Variance of the Laplacian of the grey: a blurred or empty photograph has 0.001 or less, a sharp one 0.01."""


def conditions_of(pixels_HWC: npt.NDArray[np.uint8]) -> Conditions:
    """Return brightness, contrast and sharpness of a picture: uint8, height × width × 3, red green blue."""
    return conditions_of_grey(grey_of(pixels_HWC))


def grey_of(pixels_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the picture in grey, 0…1, its longer side at most 112 px."""
    return np.asarray(small_grey(Image.fromarray(pixels_HWC)), np.float32) / np.float32(255)


def small_grey(image: Image.Image) -> Image.Image:
    """Return an image (grey, or red green blue) in grey, its longer side at most 112 px."""
    grey, longer = image.convert("L"), max(image.size)
    if longer <= GRID_PX:
        return grey
    size = max(1, round(image.width * GRID_PX / longer)), max(1, round(image.height * GRID_PX / longer))
    # Means of whole blocks come first: that is quicker, and exact to half a grey value of 255.
    return grey.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def conditions_of_grey(grey_HW: npt.NDArray[np.float32]) -> Conditions:
    """Return the conditions of what :func:`grey_of` has returned."""
    mean, variance = _spread(grey_HW)
    return Conditions(mean, variance**0.5, _sharpness(grey_HW))


def _sharpness(grey_HW: npt.NDArray[np.float32]) -> float:
    """Return the variance of the Laplacian (the four neighbours against the middle), 0 where there is no middle."""
    if min(grey_HW.shape) < 3:
        return 0.0
    middle = grey_HW[1:-1, 1:-1]
    found = grey_HW[:-2, 1:-1] + grey_HW[2:, 1:-1]
    found += grey_HW[1:-1, :-2]
    found += grey_HW[1:-1, 2:]
    found -= 4 * middle
    return _spread(found)[1]


def _spread(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return mean and variance; numpy's own two calls take three times as long for pictures of this size."""
    mean = float(values.sum()) / values.size
    away = (values - np.float32(mean)).ravel()
    return mean, float(away @ away) / values.size
