"""Small pictures for a page: an image, and the same under its heat map, as text that stands in the page itself.

It knows pixels; who opens the files is for the caller.

Shapes: H height, W width, h×w cells of a heat map.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from nbtrain.evaluation.report.charts import heat_colours

SIDE_PX = 112
"""Longest side of a picture; small ones are enlarged to it."""
_QUALITY = 78


def picture(pixels_HWC: npt.NDArray[np.uint8]) -> str:
    """Return an image, made small, as a data address."""
    return _address(_small(pixels_HWC))


def heated(pixels_HWC: npt.NDArray[np.uint8], heat_hw: npt.NDArray[np.uint8], side_px: int = SIDE_PX) -> str:
    """Return an image with its heat map laid over it, its longest side ``side_px``, as a data address."""
    small = _small(pixels_HWC, side_px)
    heat = Image.fromarray(heat_hw).resize(small.size, Image.Resampling.BICUBIC)
    heat_HW = np.asarray(heat, np.float32) / 255
    grey_HW3 = np.asarray(small.convert("L"), np.float32)[..., None]
    share_HW1 = 0.15 + 0.6 * heat_HW[..., None]
    mixed_HW3 = grey_HW3 * (1 - share_HW1) + heat_colours(heat_HW) * share_HW1
    return _address(Image.fromarray(mixed_HW3.clip(0, 255).astype(np.uint8)))


def _small(pixels_HWC: npt.NDArray[np.uint8], side_px: int = SIDE_PX) -> Image.Image:
    image = Image.fromarray(pixels_HWC)
    share = side_px / max(image.size)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    # Pixels of a tiny image are shown as they are: smoothing would hide what the network got.
    how = Image.Resampling.NEAREST if share >= 2 else Image.Resampling.LANCZOS
    return image.resize(size, how, reducing_gap=2.0 if share < 1 else None)


def _address(image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
