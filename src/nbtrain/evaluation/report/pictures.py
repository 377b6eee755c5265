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

from nbtrain.evaluation.predictions import HeatMap
from nbtrain.evaluation.report.charts import heat_colours

SIDE_PX = 112
"""Longest side of a picture; small ones are enlarged to it."""
_QUALITY, _UNSEEN = 78, 0.35


def picture(pixels_HWC: npt.NDArray[np.uint8]) -> str:
    """Return an image, made small, as a data address."""
    return _address(_small(pixels_HWC))


def heated(pixels_HWC: npt.NDArray[np.uint8], heat: HeatMap, side_px: int = SIDE_PX) -> str:
    """Return an image with its heat map laid over it, its longest side ``side_px``, as a data address.

    What the model did not see of the image is dark.
    """
    small = _small(pixels_HWC, side_px)
    heat_HW, seen_HW = _laid(heat, small.width, small.height)
    grey_HW3 = np.asarray(small.convert("L"), np.float32)[..., None] * np.where(seen_HW, 1.0, _UNSEEN)[..., None]
    share_HW1 = np.where(seen_HW, 0.15 + 0.6 * heat_HW, 0.0)[..., None]
    mixed_HW3 = grey_HW3 * (1 - share_HW1) + heat_colours(heat_HW) * share_HW1
    return _address(Image.fromarray(mixed_HW3.clip(0, 255).astype(np.uint8)))


def _laid(heat: HeatMap, width: int, height: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the heat, 0…1, at each pixel of an image of this size, and which of them the model saw."""
    left, top, right, bottom = heat.part
    cells_hw = heat.cells[:: -1 if bottom < top else 1, :: -1 if right < left else 1]
    x, y = round(min(left, right) * width), round(min(top, bottom) * height)
    size = max(1, round(abs(right - left) * width)), max(1, round(abs(bottom - top) * height))
    laid, seen = Image.new("L", (width, height)), Image.new("L", (width, height))
    laid.paste(Image.fromarray(np.ascontiguousarray(cells_hw)).resize(size, Image.Resampling.BICUBIC), (x, y))
    seen.paste(255, (x, y, x + size[0], y + size[1]))
    return np.asarray(laid, np.float32) / np.float32(255), np.asarray(seen) > 0


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
