"""Decoding: from an image file of any kind to uint8 pixels, height × width × 3, red green blue.

What people have is not what networks take: cameras store images lying on their side, scanners 16 bits per pixel,
printers CMYK, drawing programs transparency. Each is turned into what a viewer shows. The header is read first, so
that a small file that claims a billion pixels is refused before it takes memory. This file knows pixels, not labels.

Pillow is the reference: it decodes what is no plain JPEG, and reads the headers of all that could lie on their side. A
JPEG in grey or colour goes through simplejpeg, which gives the very same pixels sooner and without the interpreter's
lock; where that, or the walk through its header, has anything to object, Pillow decides. Every error becomes an
ImageError with the reason in plain words.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from nbtrain.data.conversion import Conversion, Values, own_conversion
from nbtrain.data.deep import Again, is_deep, mend_planes, values_of
from nbtrain.data.jpeg_end import mended
from nbtrain.data.profiles import NONE, fits, profile_of, to_srgb
from nbtrain.data.unread import RAW, bands_of, by_content, is_raw
from nbtrain.errors import ImageError, Unusable
from nbtrain.files import ordinary

MAX_PIXELS = 100_000_000
"""Largest number of pixels of one image; as uint8 it takes 286 MiB."""

Pixels = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112
_COLOURS = ("RGB", "RGBA", "LA")
JPEG_FORMATS = ("JPEG", "MPO")
MAX_JPEG_BYTES = 256 * 2**20
"""Larger JPEG files are left to Pillow, which does not hold a whole file in memory."""
_MAX_LENT_BYTES = 8 * 2**20
_NOTHING = memoryview(b"")
_HEAD_BYTES = 4096
JPEG_BEGINS = b"\xff\xd8\xff"
_FRAME_BEGINS, _SCAN_BEGINS = frozenset((0xC0, 0xC1, 0xC2)), 0xDA
_FRAME = struct.Struct(">BHHB")
"""What a frame begins with: bits per colour, height, width, colours."""
_LEAST_BYTES = {0xC4: 19, 0xDB: 67, 0xDD: 4, 0xE0: 16, 0xEE: 14, 0xFE: 2}
"""The segments of a plain JPEG's header (tables, restarts, JFIF, Adobe's colours, comment), and their least lengths."""
_CUT_OFF = ("truncated", "unexpected end of file")
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, ZeroDivisionError, struct.error)


def size_of(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in px from the header alone; raises DataError where the file cannot be used."""
    with opened(path) as image:
        return image.size


def shown_size_of(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in px as ``decode`` gives them, turned where EXIF says so; raises DataError as it does."""
    plain = plain_size(_head(path))
    if plain is not None:
        return plain
    with opened(path) as image:
        return image.size[::-1] if orientation(image) in _ON_ITS_SIDE else image.size


def decode(path: str | Path, *, passing: bool = False, conversion: Conversion | None = None) -> Pixels:
    """Return the pixels of the image at ``path``, of the first frame where it has several; raises DataError.

    ``conversion`` says which values become black and white, as it was chosen for the image's source; without it the
    image's own values do. Those of a ``passing`` image may lie where the next one that this thread decodes is written:
    memory that stays in the processor's cache. Without that, they are the caller's own.
    """
    data = _jpeg_bytes(path)
    size = plain_size(data)
    pixels = None if size is None else _unpacked(data, size, passing=passing)
    if pixels is not None:
        return pixels
    with opened(path) as image:
        pixels = _fast_jpeg(image, data, conversion, passing=passing)
        return pixels if pixels is not None else shown(image, lambda: opened(path), conversion)[0]


@contextmanager
def opened(path: str | Path, data: BinaryIO | None = None) -> Iterator[ImageFile.ImageFile]:
    """Open an image lazily within the limits, and name the reason where anything goes wrong inside.

    What is in the file may have been read already: then it is taken from ``data``. Raises ImageError.
    """
    from nbtrain.data.formats import FORMATS  # loads the readers: not before there is something to read

    try:
        if data is None and not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for a writer
            raise _refused("no image", "it is no ordinary file", path)
        with Image.open(path if data is None else data, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                told = f"it has {width} × {height} pixels, more than {MAX_PIXELS // 1_000_000} million"
                raise _refused("too large", told, path)
            yield _set_right(image, path)
    except FileNotFoundError:
        raise _refused("missing", "the file is missing", path) from None
    except PermissionError:
        raise _refused("no permission", "there is no permission to read it", path) from None
    except Image.DecompressionBombError:
        told = f"it claims to have more than {MAX_PIXELS // 1_000_000} million pixels"
        raise _refused("too large", told, path) from None
    except UnidentifiedImageError:
        if Path(path).stat().st_size == 0:
            raise _refused("empty", "the file is empty", path) from None
        told = _unread(path, data)
        raise _refused("no image", told or "it is no image of a known format", path) from None
    except _BROKEN as error:
        raise _broken(error, path) from None


def _set_right(image: ImageFile.ImageFile, path: str | Path) -> ImageFile.ImageFile:
    """Return an opened image, unpacked as it is stored; raises ImageError for the preview in a raw file."""
    if image.format == "TIFF":
        if is_raw(path, getattr(image, "tag_v2", {})):
            raise _refused("no image", RAW.what, path)
        mend_planes(image)
    return image


def _unread(path: str | Path, data: BinaryIO | None) -> str:
    """Return in words what a file is that Pillow does not know, and the way on; "" where it may be anything."""
    found = by_content(path, data)
    if found is not None:
        return found.what
    try:
        with contextlib.nullcontext(data) if data is not None else open(path, "rb", opener=ordinary) as file:
            return bands_of(file)
    except OSError:
        return ""


def _broken(error: Exception, path: str | Path) -> ImageError:
    text = str(error) or type(error).__name__
    cut = any(word in text.lower() for word in _CUT_OFF)
    return _refused("truncated", "it is cut off", path) if cut else _refused("corrupt", f"it is damaged ({text})", path)


def _refused(kind: Unusable, reason: str, path: str | Path) -> ImageError:
    return ImageError(reason, kind=kind, value=str(path), advice="Replace the file, or leave it out.")


class _Lent(threading.local):
    """Memory that a thread uses for one image after the other; larger ones get their own."""

    def __init__(self) -> None:
        self._lent: dict[str, memoryview] = {}

    def room(self, what: str, n_bytes: int) -> memoryview:
        """Return ``n_bytes`` of memory for ``what``, which is given out again when it is next asked for."""
        if n_bytes > _MAX_LENT_BYTES:
            return memoryview(bytearray(n_bytes))
        lent = self._lent.get(what)
        if lent is None or len(lent) < n_bytes:
            lent = self._lent[what] = memoryview(bytearray(n_bytes))
        return lent[:n_bytes]


_lent = _Lent()


def _jpeg_bytes(path: str | Path) -> memoryview:
    """Return what is in a file that begins as a JPEG does, until the next one; nothing where Pillow is to read it."""
    try:
        with open(path, "rb", buffering=0, opener=ordinary) as file:
            head, n_bytes = file.read(len(JPEG_BEGINS)), os.fstat(file.fileno()).st_size
            if head != JPEG_BEGINS or n_bytes > MAX_JPEG_BYTES:
                return _NOTHING
            data, at = _lent.room("file", n_bytes), len(head)
            data[:at] = head
            while n_read := file.readinto(data[at:]):
                at += n_read
            return data[:at]
    except OSError:
        return _NOTHING


def _head(path: str | Path) -> memoryview:
    """Return the first bytes of a file that begins as a JPEG does; nothing where Pillow is to read it."""
    try:
        with open(path, "rb", buffering=0, opener=ordinary) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return _NOTHING
    return memoryview(head) if head.startswith(JPEG_BEGINS) else _NOTHING


def plain_size(data: memoryview) -> tuple[int, int] | None:
    """Return (width, height) in px of a JPEG whose header says nothing beyond its pixels; None for all others.

    Where a header has more (EXIF, several images, four colours) or is not as it should be, Pillow reads it: that costs
    a twentieth of decoding a photograph of ImageNet's size, and nothing of a camera's, whose files have EXIF.
    """
    size, at, end = None, 2, len(data) - _FRAME.size - 4
    while at < end and data[at] == 0xFF:
        marker, n_bytes = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if marker == _SCAN_BEGINS:
            return size
        if marker in _FRAME_BEGINS:
            bits, height, width, n_colours = _FRAME.unpack_from(data, at + 4)
            size = width, height
            plain = bits == 8 and n_colours in (1, 3) and n_bytes == 8 + 3 * n_colours
            if not plain or not 0 < width * height <= MAX_PIXELS:
                return None
        elif n_bytes < _LEAST_BYTES.get(marker, 1 << 16):
            return None
        at += 2 + n_bytes
    return None


def _unpacked(data: memoryview | bytes, size: tuple[int, int], *, passing: bool) -> Pixels | None:
    """Return the pixels of a JPEG of this (width, height) as they lie; None where Pillow is to judge what is wrong."""
    room = _lent.room("pixels", 3 * size[0] * size[1]) if passing else None
    try:
        # strict: what libjpeg only warns of (a stream that ends early) is refused, and left to Pillow.
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", strict=True, buffer=room)
    except ValueError:
        return None
    return pixels if pixels.shape[1::-1] == size else None


def _fast_jpeg(
    image: ImageFile.ImageFile, data: memoryview, conversion: Conversion | None, *, passing: bool
) -> Pixels | None:
    """Return the pixels of an opened JPEG, upright; None where Pillow is to read it, and to judge what is wrong."""
    if not data or image.format not in JPEG_FORMATS or image.mode not in ("RGB", "L"):
        return None
    lies = orientation(image)
    if lies is None:
        return None
    pixels = _unpacked(data, image.size, passing=passing)
    if pixels is None and (whole := mended(data)) is not None:
        pixels = _unpacked(whole, image.size, passing=passing)
    return None if pixels is None else _turned(in_srgb(pixels, image, conversion), lies)


TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
"""What brings an image upright, by the number that EXIF gives to the way it lies."""


_ON_ITS_SIDE = frozenset((5, 6, 7, 8))


def orientation(image: Image.Image) -> Any:
    """Return how EXIF or XMP says that the image lies, 1 where they say nothing; None where they are broken."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        return None


def upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its camera held it; one whose EXIF data is broken stays as it lies."""
    try:
        return ImageOps.exif_transpose(image) if orientation(image) not in (1, None) else image
    except _BROKEN:
        return image


class Shown(NamedTuple):
    """An image's pixels, and whether some of its values were above what is white."""

    pixels: Pixels
    exceeded: bool = False


def shown(image: ImageFile.ImageFile, again: Again, conversion: Conversion | None = None) -> Shown:
    """Return the pixels of an image of any mode that is not loaded yet, upright, as a viewer shows them.

    ``again`` opens it anew, which takes what Pillow does not keep. Raises what Pillow raises.
    """
    if is_deep(image) and not (image.mode in _COLOURS and conversion is not None and conversion.takes_all):
        values = values_of(image, again, conversion)
        colours = values[..., :3] if values.ndim == 3 else values
        chosen = conversion or own_conversion(colours)
        pixels = in_srgb(_flat(values, chosen), image, conversion)
        return Shown(_turned(pixels, orientation(image)), chosen.exceeded_by(colours))
    image.load()
    made = upright(image)
    return Shown(rgb(to_srgb(made, profile_of(image)) if _heeds_profiles(conversion) else made))


def in_srgb(pixels: Pixels, image: Image.Image, conversion: Conversion | None) -> Pixels:
    """Return pixels that were unpacked of an opened image in sRGB, as its profile asks for."""
    profile = profile_of(image) if _heeds_profiles(conversion) else NONE
    if profile.transform is None or not fits(image, profile):
        return pixels
    grey = profile.mode == "L"
    return np.array(to_srgb(Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if grey else pixels), profile))


def _heeds_profiles(conversion: Conversion | None) -> bool:
    return conversion is None or conversion.profiles


def _flat(values: Values, conversion: Conversion) -> Pixels:
    """Return stored values as pixels, on white where they are transparent."""
    if values.ndim == 2:
        return np.repeat(conversion.bytes_of(values)[:, :, None], 3, axis=2)
    pixels = conversion.bytes_of(values[..., :3])
    if values.shape[2] == 3:
        return pixels
    alpha = (values[..., 3] >> 8).astype(np.uint8)
    return rgb(Image.fromarray(np.dstack((pixels, alpha))))


def _turned(pixels: Pixels, lies: Any) -> Pixels:
    turn = TURNS.get(lies)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def rgb(image: Image.Image) -> Pixels:
    """Return the pixels of a loaded image of 8 bits per colour, as a viewer shows them."""
    if image.has_transparency_data:
        # On white, as viewers show it: dropping the alpha channel would show what was made invisible.
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return np.array(image.convert("RGB"))
