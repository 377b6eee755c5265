"""The image formats that are read. Importing this file loads Pillow's readers of them, and of no others.

Pillow itself would load all that it has, some forty, with the first image that is opened. The warm process imports this
file like any other, so that no trainer has to. It knows names of formats; files are decode.py's matter.
"""

from __future__ import annotations

import contextlib
import importlib

from PIL import Image

from nbtrain.data import unread

_NAMES = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "HEIF")
_READERS = ("Jpeg", "Mpo", "Png", "Bmp", "Gif", "WebP", "Tiff", "Ppm", "Avif")

for _name in _READERS:
    with contextlib.suppress(ImportError):  # a Pillow that was built without it
        importlib.import_module(f"PIL.{_name}ImagePlugin")

for _name in unread.HEIC_READERS:
    with contextlib.suppress(ImportError):  # the extra nbtrain[heic]
        importlib.import_module(_name).register_heif_opener()
        break

FORMATS = tuple(name for name in _NAMES if name in Image.OPEN)
"""A file is tried as one of these, whatever its ending; others (EPS would start Ghostscript) are never opened."""
