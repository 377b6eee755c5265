"""Images that are not read: what they are, by their name or their first bytes, and the way on.

Pillow says of all of them that they are no images, or shows the small preview in a camera's raw file as if it were the
picture. It knows names and signs; what is read stands in formats.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, BinaryIO

from PIL import features

from nbtrain.files import ordinary

HEIC_ENDINGS = (".heic", ".heif", ".hif")
HEIC_READERS = ("pillow_heif", "pi_heif")
"""Packages that teach Pillow HEIC; the second is without an encoder, for whom the first one's licence does not suit."""
_PEEKED_BYTES = 512
_DNG_VERSION, _BANDS, _BITS, _SAMPLE_FORMAT = 50706, 277, 258, 339
_MOST_BANDS = 4
_KINDS = {1: "", 2: "signed ", 3: "float ", 5: "complex ", 6: "complex "}


@dataclass(frozen=True)
class Unread:
    """A format of images that is not read."""

    what: str
    """What to say of its files, as a sentence without an end."""
    endings: tuple[str, ...]
    sign: bytes = b""
    """A pattern that the first bytes match; without one only names tell."""


FORMATS = (
    Unread("HEIC images need pip install 'nbtrain[heic]'", HEIC_ENDINGS, rb".{4}ftyp(hei|hev|mif1|msf1)"),
    Unread("AVIF images need Pillow 11.3 or later: pip install --upgrade pillow", (".avif",), rb".{4}ftypavi[fs]"),
    Unread("JPEG XL images are not read: convert them to PNG or JPEG, as djxl does", (".jxl",),
           rb"\xff\x0a|\0\0\0\x0cJXL "),
    Unread("JPEG 2000 images are not read: convert them to PNG", (".jp2", ".j2k", ".jpx", ".j2c"),
           rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    Unread(
        "a camera's raw files are not read: develop them to JPEG, as darktable or the camera's own program does",
        (".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".orf", ".rw2", ".raf", ".pef",
         ".srw", ".x3f", ".3fr", ".iiq"),
        rb"(II\*\0.{4}CR)|FUJIFILMCCD-RAW|IIRO|IIRS|IIU\0|.{4}ftypcrx",
    ),
    Unread("SVG files are drawings without pixels: export them as PNG", (".svg", ".svgz"),
           rb"(?i)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg"),
    Unread("DICOM files are not read: save their pixels as 16-bit PNG or TIFF, as pydicom with Pillow does",
           (".dcm", ".dicom", ".ima"), rb".{128}DICM"),
    Unread("Photoshop and GIMP files are not read: export them as PNG", (".psd", ".psb", ".xcf"), rb"8BPS|gimp xcf"),
    Unread("OpenEXR and Radiance files are not read: save them as float TIFF, or tone-mapped as PNG", (".exr", ".hdr"),
           rb"\x76\x2f\x31\x01|#\?RADIANCE"),
    Unread("volumes are not read: save their slices as 16-bit PNG or TIFF", (".nii", ".mha", ".nrrd"), rb"NRRD000"),
    Unread("whole slides are not read: export tiles of them as PNG", (".svs", ".ndpi", ".mrxs", ".scn", ".czi")),
)  # fmt: skip
RAW = next(one for one in FORMATS if ".dng" in one.endings)


def reads_heic() -> bool:
    """Return whether a package is installed that reads HEIC; nothing is loaded for it."""
    return any(find_spec(name) is not None for name in HEIC_READERS)


def by_ending(ending: str) -> Unread | None:
    """Return the format that files of this ending, in lower case, are of; None where it is no unread image's."""
    found = next((one for one in FORMATS if ending in one.endings), None)
    return None if found is None or _is_read_here(found) else found


def by_content(path: str | os.PathLike[str], data: BinaryIO | None = None) -> Unread | None:
    """Return the format that a file's first bytes are of, or its ending where they say nothing; None for none."""
    try:
        if data is not None:
            data.seek(0)
            head = data.read(_PEEKED_BYTES)
        else:
            with open(path, "rb", opener=ordinary) as file:
                head = file.read(_PEEKED_BYTES)
    except OSError:
        return None
    found = next((one for one in FORMATS if one.sign and re.match(one.sign, head, re.DOTALL)), None)
    if found is None:
        return by_ending(os.path.splitext(os.fspath(path))[1].lower())
    return None if _is_read_here(found) else found


def _is_read_here(one: Unread) -> bool:
    """Return whether what is installed here reads a format; then a file of it is damaged."""
    return reads_heic() if one.endings == HEIC_ENDINGS else ".avif" in one.endings and bool(features.check("avif"))


def is_raw(path: str | os.PathLike[str], tags: Any) -> bool:
    """Return whether a TIFF with these ``tags`` is a camera's raw file, of which Pillow would show the preview."""
    return _DNG_VERSION in tags or os.path.splitext(os.fspath(path))[1].lower() in RAW.endings


def bands_of(file: BinaryIO) -> str:
    """Return in words why Pillow cannot take a TIFF: its bands, or the numbers that it stores; "" for other files."""
    from PIL import TiffImagePlugin  # has just tried to open it

    try:
        file.seek(0)
        head = file.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head + (file.read(8) if 43 in head[2:4] else b""))
        file.seek(tags.next)
        tags.load(file)
        n_bands, bits, kind = tags.get(_BANDS, 1), tags.get(_BITS, (1,)), tags.get(_SAMPLE_FORMAT, (1,))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError):
        return ""
    numbers = f"{_KINDS.get(kind[0], '')}numbers of {bits[0]} bits"
    if n_bands > _MOST_BANDS or (n_bands == 2 and bits[0] > 8):
        return f"it has {n_bands} bands of {numbers}; export three of them as RGB, or one as grey"
    bands = "one band" if n_bands == 1 else f"{n_bands} bands"
    return f"it stores {bands} of {numbers}, which is not read; export it with 8 or 16 bits"


def among(others: Iterable[tuple[str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return of files that are counted by ending what to say of unread formats, each with its endings."""
    found: dict[str, list[tuple[str, int]]] = {}
    for ending, n in others:
        unread = by_ending(ending)
        if unread is not None:
            found.setdefault(unread.what, []).append((ending, n))
    return list(found.items())
