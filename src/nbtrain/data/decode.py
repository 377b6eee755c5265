"""Decoding: from an image file of any kind to uint8 pixels, height × width × 3, red green blue.

What people have is not what networks take: cameras store images lying on their side, scanners 16 bits per pixel,
printers CMYK, drawing programs transparency. Each is turned into what a viewer shows. The header is read first, so
that a small file that claims a billion pixels is refused before it takes memory. This file knows pixels, not labels.

Pillow is the reference: it reads every header, and decodes what is no plain JPEG. A JPEG in grey or colour goes through
simplejpeg, which gives the very same pixels sooner and without the interpreter's lock; where that has anything to
object, Pillow decides. Every error becomes a DataError with the reason in plain words.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from nbtrain.errors import DataError

MAX_PIXELS = 100_000_000
"""Largest number of pixels of one image; as uint8 it takes 286 MiB."""

Pixels = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112
_JPEG_FORMATS = ("JPEG", "MPO")
_MAX_JPEG_BYTES = 256 * 2**20
"""Larger JPEG files are left to Pillow, which does not hold a whole file in memory."""
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, ZeroDivisionError, struct.error)


def size_of(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in px from the header alone; raises DataError where the file cannot be used."""
    with _opened(path) as image:
        return image.size


def decode(path: str | Path) -> Pixels:
    """Return the pixels of the image at ``path``, of the first frame where it has several; raises DataError."""
    with _opened(path) as image:
        pixels = _fast_jpeg(image)
        if pixels is None:
            image.load()
            pixels = _rgb(_upright(image))
        return pixels


@contextmanager
def _opened(path: str | Path) -> Iterator[ImageFile.ImageFile]:
    """Open an image lazily within the limits, and name the reason where anything goes wrong inside."""
    from nbtrain.data.formats import FORMATS  # loads the readers: not before there is something to read

    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _refused(f"it has {width} × {height} pixels, more than {MAX_PIXELS // 1_000_000} million", path)
            yield image
    except FileNotFoundError:
        raise _refused("the file is missing", path) from None
    except PermissionError:
        raise _refused("there is no permission to read it", path) from None
    except Image.DecompressionBombError:
        raise _refused(f"it claims to have more than {MAX_PIXELS // 1_000_000} million pixels", path) from None
    except UnidentifiedImageError:
        empty = Path(path).stat().st_size == 0
        raise _refused("the file is empty" if empty else "it is no image of a known format", path) from None
    except _BROKEN as error:
        raise _refused(_reason(error), path) from None


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "it is cut off" if "truncated" in text.lower() else f"it is damaged ({text})"


def _refused(reason: str, path: str | Path) -> DataError:
    return DataError(reason, value=str(path), advice="Replace the file, or leave it out.")


def _fast_jpeg(image: ImageFile.ImageFile) -> Pixels | None:
    """Return the pixels of an opened JPEG, upright; None where Pillow is to read it, and to judge what is wrong."""
    if image.format not in _JPEG_FORMATS or image.mode not in ("RGB", "L"):
        return None
    orientation = _orientation(image)
    if orientation is None or image.fp is None:
        return None
    if os.fstat(image.fp.fileno()).st_size > _MAX_JPEG_BYTES:
        return None
    image.fp.seek(0)
    data = image.fp.read()
    try:
        # strict: what libjpeg only warns of (a stream that ends early) is refused, and left to Pillow.
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError:
        return None
    if pixels.shape[1::-1] != image.size:
        return None
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
"""What brings an image upright, by the number that EXIF gives to the way it lies."""


def _orientation(image: Image.Image) -> Any:
    """Return how EXIF or XMP says that the image lies, 1 where they say nothing; None where they are broken."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        return None


def _upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its camera held it; one whose EXIF data is broken stays as it lies."""
    try:
        return ImageOps.exif_transpose(image) if _orientation(image) not in (1, None) else image
    except _BROKEN:
        return image


def _rgb(image: Image.Image) -> Pixels:
    if image.mode == "F" or image.mode.startswith("I"):
        return np.repeat(_eight_bits(np.asarray(image))[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        # On white, as viewers show it: dropping the alpha channel would show what was made invisible.
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return np.array(image.convert("RGB"))


def _eight_bits(values: npt.NDArray[Any]) -> Pixels:
    """Return grey values of 16 or more bits as 8 bits; Pillow's own conversion would cut them off at 255."""
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    if values.dtype.kind in "iu" and lowest >= 0 and highest <= 65535:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if lowest >= 0 and highest <= 1:
        lowest, highest = 0.0, 1.0
    # Measurements in units of their own (float TIFF): their range is all that is known.
    scaled = (values.astype(np.float64) - lowest) / (highest - lowest or 1.0)
    return np.nan_to_num(scaled * 255).round().clip(0, 255).astype(np.uint8)
