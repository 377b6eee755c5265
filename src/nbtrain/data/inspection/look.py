"""One look at one image file: can it be used, what is odd about it, and what does it show, in a few numbers.

The file is read once. Its header comes first, so that one that claims a billion pixels is refused unopened. Then all of
its data is decoded, because only that finds damage; but to few pixels, which is all that the numbers need. For a JPEG
that is safe: whatever the size, libjpeg has to walk through every code of the file, and objects to the same
(`python -m bench scan` compares both on damaged files). A PNG's checksums are computed as well, which Pillow leaves
out.

It knows one file; what others hold, and what the labels say, it does not know.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import IntFlag
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
import simplejpeg
from PIL import Image, ImageFile

from nbtrain.data import decode
from nbtrain.data.conditions import GRID_PX, conditions_of_grey, small_grey
from nbtrain.data.conversion import Conversion
from nbtrain.data.decode import Pixels
from nbtrain.data.deep import Again
from nbtrain.data.inspection.prints import prints_of
from nbtrain.data.jpeg_end import mended
from nbtrain.data.profiles import fits, profile_of
from nbtrain.data.unread import HEIC_ENDINGS
from nbtrain.errors import ImageError, Unusable

SMALL_PX = GRID_PX
"""What is decoded of a larger image has a longer side of at least this, and less than twice this where it can."""
DIGEST_BYTES = 16
_MOST_READ_BYTES = 64 * 2**20
"""Larger files are read from the disk as they are decoded, instead of into memory."""
_LARGE_PIXELS = 16_000_000
"""Of images larger than this one is decoded at a time: each may take half a gigabyte."""
_PNG_BEGINS = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_BITS_PER_SAMPLE = 258  # TIFF's tag
_PNG_BITS_AT = 24
_ENDINGS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
    "HEIF": HEIC_ENDINGS,
}
_OF_ENDING = {ending: name for name, endings in _ENDINGS.items() for ending in endings}


class Odd(IntFlag):
    """What is unusual about an image that can be read."""

    ENDING = 1
    """Its name has the ending of another format."""
    ANIMATED = 2
    """It has several frames or pages."""
    SIXTEEN_BIT = 4
    """It has more than 8 bits per colour."""
    CMYK = 8
    """Its colours are a printer's."""
    TURNED = 16
    """Its pixels lie on their side, or are mirrored, and EXIF says so."""
    DAMAGED = 32
    """It can be decoded, but what comes out is not what once was in it."""
    EXCEEDED = 64
    """Some of its values are above what is white in its source."""
    NO_END = 128
    """It is a JPEG that lacks the mark at its end, and nothing else."""
    PROFILE = 256
    """Its colours are of a wider space, and are converted to sRGB."""
    NO_PROFILE = 512
    """Its colour profile is not used: broken, of other colours, or of a data set that was added before it was."""


class Look(NamedTuple):
    """What one look at one file has shown. Of a file that cannot be used all numbers but its size are 0."""

    file: str
    size_bytes: int
    mtime_ns: int
    trouble: Unusable | Literal[""]
    """Why it cannot be used; "" where it can."""
    text: str
    """The trouble, or the damage, in words."""
    format: str
    """What it is, by its content: "JPEG", "PNG", …"""
    width: int
    height: int
    """Size in px, the way it is held."""
    odd: int
    """Bits of :class:`Odd`."""
    digest: bytes
    """Of the file's content, 16 bytes: equal for equal files."""
    hash: int
    """The perceptual hash, see prints.py."""
    picture: bytes
    """16 × 16 grey values, see prints.py."""
    brightness: float
    contrast: float
    sharpness: float
    """See conditions.py."""

    @property
    def usable(self) -> bool:
        """Whether pixels come out of it."""
        return not self.trouble


class Seen(NamedTuple):
    """A look, and the image's pixels as far as they were decoded."""

    look: Look
    small: Pixels | None
    """Height × width × 3, upright; None where the file cannot be used."""


def look_at(path: str | Path, file: str, conversion: Conversion | None = None) -> Seen:
    """Look at the image at ``path``, which the data set calls ``file``; never raises for what is wrong with it.

    ``conversion`` says which values become black and white; without it the image's own do.
    """
    size_bytes, mtime_ns, digest = 0, 0, b""
    try:
        found = _stat(path)
        size_bytes, mtime_ns = found.st_size, found.st_mtime_ns
        with _content(path, size_bytes) as content:
            digest = _digest(content)
            about, small = _decoded(path, file, content, conversion)
    except ImageError as error:
        return Seen(_unusable(file, size_bytes, mtime_ns, digest, error.kind, error.what), None)
    except MemoryError:
        told = "there is not enough memory to decode it"
        return Seen(_unusable(file, size_bytes, mtime_ns, digest, "too large", told), None)
    grey = small_grey(Image.fromarray(small))
    conditions = conditions_of_grey(np.asarray(grey, np.float32) / np.float32(255))
    look = Look(file, size_bytes, mtime_ns, "", about.text, about.format, *about.size, int(about.odd), digest,
                *prints_of(grey), *conditions)  # fmt: skip
    return Seen(look, small)


def small_pixels(path: str | Path, conversion: Conversion | None = None) -> Pixels:
    """Return the few pixels of an image that a look decodes, height × width × 3, upright; raises ImageError."""
    with _content(path, _stat(path).st_size) as content:
        return _decoded(path, str(path), content, conversion)[1]


def size_and_time(path: str | Path) -> tuple[int, int]:
    """Return a file's size in bytes and the time of its last change in ns; (0, 0) where it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _unusable(file: str, size_bytes: int, mtime_ns: int, digest: bytes, kind: Unusable, text: str) -> Look:
    return Look(file, size_bytes, mtime_ns, kind, text, "", 0, 0, 0, digest, 0, b"", 0.0, 0.0, 0.0)


# ---------------------------------------------------------------------- reading


def _stat(path: str | Path) -> os.stat_result:
    try:
        found = os.stat(path)
    except PermissionError:
        raise ImageError("there is no permission to read it", kind="no permission") from None
    except (OSError, ValueError):
        raise ImageError("the file is missing", kind="missing") from None
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for somebody to write into it
        raise ImageError("it is no ordinary file", kind="no image")
    if not found.st_size:
        raise ImageError("the file is empty", kind="empty")
    return found


@contextmanager
def _content(path: str | Path, size_bytes: int) -> Iterator[BinaryIO]:
    """Give what is in a file: from memory, or from the disk where it is large."""
    try:
        with open(path, "rb", buffering=0) as file:
            if size_bytes <= _MOST_READ_BYTES:
                yield io.BytesIO(file.readall())
            else:
                yield open(file.fileno(), "rb", closefd=False)  # noqa: SIM115 - the one around it closes
    except PermissionError:
        raise ImageError("there is no permission to read it", kind="no permission") from None
    except FileNotFoundError:
        raise ImageError("the file is missing", kind="missing") from None
    except OSError as error:
        raise ImageError(f"it cannot be read ({error.strerror or error})", kind="corrupt") from None


def _digest(content: BinaryIO) -> bytes:
    """Return the first 16 bytes of the content's SHA-1: nobody attacks here, and processors have it built in."""
    found = hashlib.sha1(usedforsecurity=False)
    if isinstance(content, io.BytesIO):
        found.update(content.getbuffer())
    else:
        while part := content.read(1 << 20):
            found.update(part)
        content.seek(0)
    return found.digest()[:DIGEST_BYTES]


# ---------------------------------------------------------------------- decoding


class _About(NamedTuple):
    format: str
    size: tuple[int, int]
    odd: Odd
    text: str


_one_large = threading.Lock()


@contextmanager
def _in_turn(size: tuple[int, int]) -> Iterator[None]:
    """Let a large image wait until the one before it is done."""
    if size[0] * size[1] <= _LARGE_PIXELS:
        yield
    else:
        with _one_large:
            yield


def _decoded(path: str | Path, file: str, content: BinaryIO, conversion: Conversion | None) -> tuple[_About, Pixels]:
    data = content.getbuffer() if isinstance(content, io.BytesIO) else memoryview(b"")
    size = decode.plain_size(data) if data[:3] == decode.JPEG_BEGINS else None
    if size is not None:
        with _in_turn(size):
            small, _ = _few_pixels(data, size)
        if small is not None:
            return _About("JPEG", size, _ending(file, "JPEG"), ""), small

    def again() -> AbstractContextManager[ImageFile.ImageFile]:
        content.seek(0)
        return decode.opened(path, content)

    with decode.opened(path, content) as image, _in_turn(image.size):
        return _by_pillow(image, file, data, again, conversion)


def _few_pixels(data: memoryview | bytes, size: tuple[int, int]) -> tuple[Pixels | None, str]:
    """Decode a whole JPEG of this (width, height) to few pixels; None, and libjpeg's words, where it objects."""
    # By halves, quarters or eighths: for what lies between, libjpeg has no quick way.
    part = next((part for part in (8, 4, 2) if max(size) >= part * SMALL_PX), 1)
    width, height = (-(-length // part) for length in size)
    try:
        return simplejpeg.decode_jpeg(data, "RGB", min_width=width, min_height=height, min_factor=1, strict=True), ""
    except ValueError as error:
        return None, str(error)


def _by_pillow(
    image: ImageFile.ImageFile, file: str, data: memoryview, again: Again, conversion: Conversion | None
) -> tuple[_About, Pixels]:
    """Return what Pillow says of an opened image; it decides what can be used, others only what is damaged."""
    name = "JPEG" if image.format in decode.JPEG_FORMATS else image.format or ""
    odd, small, objection = _odd(image, file, name, data) | _profile(image, conversion), None, ""
    lies = decode.orientation(image)
    if name == "JPEG" and image.mode in ("RGB", "L") and len(data):
        small, objection = _few_pixels(data, image.size)
        if small is None and (whole := mended(data)) is not None:
            small, _ = _few_pixels(whole, image.size)
            if small is not None:
                odd, objection = odd | Odd.NO_END, ""
        if small is not None:
            small = decode.in_srgb(small, image, conversion)
        turn = decode.TURNS.get(lies)
        small = np.ascontiguousarray(turn(small)) if small is not None and turn else small
    if small is None:
        pixels, exceeded = decode.shown(image, again, conversion)
        odd |= Odd.EXCEEDED if exceeded else Odd(0)
        small = _reduced(pixels)
    if name == "PNG" and len(data):
        objection = _png_damage(data)
    size = image.size[::-1] if isinstance(lies, int) and 5 <= lies <= 8 else image.size
    text = f"it is damaged, and what comes out is partly wrong ({objection})" if objection else ""
    return _About(name, size, odd | Odd.DAMAGED if objection else odd, text), small


def _reduced(pixels: Pixels) -> Pixels:
    """Return pixels whose longer side is less than twice SMALL_PX, each the mean of a block."""
    part = max(pixels.shape[:2]) // SMALL_PX
    return np.asarray(Image.fromarray(pixels).reduce(part)) if part > 1 else pixels


def _odd(image: Image.Image, file: str, name: str, data: memoryview) -> Odd:
    found = _ending(file, name)
    if name != "JPEG" and getattr(image, "is_animated", False):  # a camera's preview is no second frame
        found |= Odd.ANIMATED
    if _deep(image, name, data):
        found |= Odd.SIXTEEN_BIT
    if image.mode == "CMYK":
        found |= Odd.CMYK
    if decode.orientation(image) in decode.TURNS:
        found |= Odd.TURNED
    return found


def _profile(image: Image.Image, conversion: Conversion | None) -> Odd:
    profile = profile_of(image)
    if profile.transform is None and not profile.broken:
        return Odd(0)
    used = not profile.broken and fits(image, profile) and (conversion is None or conversion.profiles)
    return Odd.PROFILE if used else Odd.NO_PROFILE


def _ending(file: str, name: str) -> Odd:
    claimed = _OF_ENDING.get(os.path.splitext(file)[1].lower(), name)
    return Odd.ENDING if claimed != name else Odd(0)


def _deep(image: Image.Image, name: str, data: memoryview) -> bool:
    """Tell whether the file has more than 8 bits per colour; Pillow's mode alone does not tell it of colours."""
    if image.mode == "F" or image.mode.startswith("I"):
        return True
    if name == "PNG" and len(data) > _PNG_BITS_AT:
        return data[_PNG_BITS_AT] > 8
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,)) if name == "TIFF" else (8,)
    return bool(max(bits if isinstance(bits, tuple) else (bits,)) > 8)


def _png_damage(data: memoryview) -> str:
    """Return which part of a PNG is not as it was written, "" where all are; Pillow skips these checksums."""
    at = len(_PNG_BEGINS)
    while at + 12 <= len(data):
        n_bytes, kind = _CHUNK.unpack_from(data, at)
        end = at + 8 + n_bytes
        if end + 4 > len(data):
            return f"its part {kind.decode('latin-1')} is cut off"
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return f"the checksum of its part {kind.decode('latin-1')} is wrong"
        if kind == b"IEND":
            return ""
        at = end + 4
    return "its end is missing"


def wrong_ending(look: Look) -> str:
    """Return in words in which way a file's name does not fit its content."""
    ending = os.path.splitext(look.file)[1]
    usual = _ENDINGS.get(look.format, ("",))[0]
    return f"its content is {look.format}, its name ends in {ending}; {usual} would fit"
