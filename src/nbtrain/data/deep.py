"""Deep images: the stored values of an image of more than 8 bits per colour, as they lie in its file.

Pillow gives them for grey. Of colours it keeps the upper 8 bits alone, which of a camera's 12 are four: their lower
bytes are unpacked on their own, by the same decoder, which is told that they lie in the other order. Where no value was
measured (NaN, infinity, what GDAL's tag or custom says) there is NaN. It knows opened images; what becomes black and
what white, conversion.py says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from nbtrain.data.conversion import MOST, Conversion, Values

Again = Callable[[], AbstractContextManager[ImageFile.ImageFile]]
"""Opens the same image anew."""

_PHOTOMETRIC, _PLANAR, _BITS, _FILL_ORDER, _EXTRA, _FORMAT, _GDAL_NODATA = 262, 284, 258, 266, 338, 339, 42113
"""Tags of TIFF."""
_CUSTOMARY = (-9999.0, -32768.0)
"""What stands for no value by custom, where it lies apart from all others."""
_APART = 0.1
"""Share of the others' span that it lies below them at least."""
_NEVER_MEASURED = 1e30
_OTHER_ORDER = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_GREY_AND_ALPHA = "LA;16B"
_SEPARATE = 2


def is_deep(image: Image.Image) -> bool:
    """Return whether an image that was opened and not loaded yet has more than 8 bits per colour."""
    return _is_grey(image) or bool(_packing(image))


def values_of(image: ImageFile.ImageFile, again: Again, conversion: Conversion | None = None) -> Values:
    """Return the values of a deep image that is not loaded yet, height × width (× 3 or 4), the way they lie.

    Whole numbers up to 65 535 are uint16, unless the ``conversion`` of its source takes them for measured values.
    """
    if not _is_grey(image):
        return _colours(image, again)
    image.load()
    values, before = np.asarray(image), conversion is not None and conversion.as_before
    no_data = None if before else _no_data(image)
    if values.dtype == np.int32 and not before and _is_unsigned(image):
        values = values.view(np.uint32)
    if values.dtype.kind != "f" and _are_counts(values, conversion):
        counts = values.clip(0, MOST).astype(np.uint16)
        return counts if no_data is None else np.where(values == no_data, np.uint16(0), counts)
    return values if before else _known(values, no_data)


def _is_grey(image: Image.Image) -> bool:
    return image.mode == "F" or image.mode.startswith("I")


def _is_unsigned(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    return tags.get(_BITS) == (32,) and tags.get(_FORMAT, (1,)) == (1,)


def _are_counts(values: Values, conversion: Conversion | None) -> bool:
    if values.dtype.itemsize == 2 or conversion is None or (conversion.counts is None) == (conversion.measured is None):
        return bool(values.min(initial=0) >= 0 and values.max(initial=0) <= MOST)
    return conversion.counts is not None  # what is beyond is white, as all of the source


def _known(values: Values, no_data: float | None) -> Values:
    """Return measured values with NaN where nothing was measured."""
    found = values.astype(np.float64 if values.dtype.kind != "f" else values.dtype)
    with np.errstate(invalid="ignore"):
        nothing = ~(np.abs(found) < _NEVER_MEASURED)
        if no_data is not None:
            nothing |= found == found.dtype.type(no_data)
    found[nothing] = np.nan
    lowest = np.nanmin(found) if not nothing.all() else np.nan
    if lowest in _CUSTOMARY:
        others = found[found > lowest]
        if others.size and others.min() - lowest >= _APART * (others.max() - others.min()):
            found[found == lowest] = np.nan
    return found


def _no_data(image: Image.Image) -> float | None:
    """Return the value that stands for none by GDAL's tag; None where there is none that can be read."""
    try:
        return float(str(getattr(image, "tag_v2", {})[_GDAL_NODATA]).strip("\0 "))
    except (KeyError, ValueError):
        return None


# ---------------------------------------------------------------------- colours


def mend_planes(image: ImageFile.ImageFile) -> None:
    """Set right how Pillow unpacks a TIFF whose bands lie one behind the other: it takes them for bands of 8 bits."""
    tags: Any = getattr(image, "tag_v2", {})
    tiles = image.tile
    if tags.get(_PLANAR) != _SEPARATE or not tiles or tiles[0].codec_name != "raw":
        return
    from PIL import TiffImagePlugin  # with the image of its kind, it is loaded

    bits, extra = tags.get(_BITS, (1,)), tags.get(_EXTRA, ())
    forms = set(tags.get(_FORMAT, (1,)))
    key = (tags.prefix, tags.get(_PHOTOMETRIC, 0), tuple(forms), tags.get(_FILL_ORDER, 1), bits, extra)
    _, packing = TiffImagePlugin.OPEN_INFO.get(key, ("", ""))
    if len(bits) == 1 and packing:
        _repack(image, lambda _: packing)
    elif packing[-3:] in _OTHER_ORDER:
        _repack(image, lambda band: f"{band[:1]};{packing[-3:]}")


def _packing(image: Image.Image) -> str:
    """Return how the file packs colours of 16 bits, as Pillow calls it; "" for all other images."""
    tiles = getattr(image, "tile", ())
    if image.mode not in ("RGB", "RGBA", "LA") or not tiles:
        return ""
    if tiles[0].codec_name == "libtiff" and getattr(image, "tag_v2", {}).get(_PLANAR) == _SEPARATE:
        return ""  # there it chooses the bytes itself
    packing = _args(tiles[0])[0]
    return packing if isinstance(packing, str) and packing[-3:] in _OTHER_ORDER else ""


def _args(tile: Any) -> tuple[Any, ...]:
    return tile.args if isinstance(tile.args, tuple) else (tile.args,)


def _repack(image: ImageFile.ImageFile, packing: Callable[[str], str]) -> None:
    """Have the bytes of an image unpacked in another way than Pillow has found."""
    image.tile = [tile._replace(args=(packing(_args(tile)[0]), *_args(tile)[1:])) for tile in image.tile]


def _colours(image: ImageFile.ImageFile, again: Again) -> Values:
    if _packing(image) == _GREY_AND_ALPHA:  # four bytes as they lie: two of the grey value, two of the transparency
        image._mode = "RGBA"
        _repack(image, lambda _: "RGBA")
        image.load()
        grey, alpha = np.moveaxis(np.asarray(image).view(">u2").astype(np.uint16), 2, 0)
        return np.stack((grey, grey, grey, alpha), axis=2)
    image.load()
    values = np.asarray(image).astype(np.uint16)
    values <<= 8
    with again() as same:
        _repack(same, lambda packing: packing[:-3] + _OTHER_ORDER[packing[-3:]])
        same.load()
        values |= np.asarray(same)
    return values
