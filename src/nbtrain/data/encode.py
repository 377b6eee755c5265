"""Encoding: pixels as the bytes of a picture that a browser shows.

Small pictures are PNG, pixel by pixel; larger ones JPEG, which is a tenth of the size at no visible loss. It knows
pixels; it does not know what they show.
"""

from __future__ import annotations

import io

from PIL import Image

from nbtrain.data.decode import Pixels

EXACT_PX = 96
"""Pictures up to this width and height are kept to the pixel."""
_QUALITY = 90


def encoded(pixels: Pixels, edge_px: int) -> bytes:
    """Return ``pixels`` (H×W×3) as PNG or JPEG, at most ``edge_px`` wide and high."""
    image = Image.fromarray(pixels)
    if max(image.size) > edge_px:
        image.thumbnail((edge_px, edge_px), Image.Resampling.BOX, reducing_gap=2.0)
    buffer = io.BytesIO()
    if max(image.size) <= EXACT_PX:
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
