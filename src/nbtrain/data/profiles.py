"""Colour profiles: colours of a wider space (Display P3, Adobe RGB, ProPhoto, a printer's inks) become sRGB.

Most profiles are sRGB by one maker or another. Whether one is, a few colours tell that are sent through it; then
nothing is done, as for images that have none. A transform is built once for each profile. It knows profiles and loaded
images; it opens no file.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Pillow's word for the colours of a profile."""
_SAME = 3
"""Values, of 256, by which makers of sRGB differ at most."""
_STEPS = np.linspace(0, 255, 9).astype(np.uint8)


class Profile(NamedTuple):
    """What a profile asks for."""

    mode: str = ""
    """The colours that it takes, as Pillow calls them."""
    transform: Any = None
    """What turns these into sRGB; None where they are, or it is broken."""
    broken: bool = False


NONE = Profile()


@lru_cache(maxsize=64)
def read(content: bytes) -> Profile:
    """Return what a profile asks for."""
    if not content:
        return NONE
    from PIL import ImageCms  # most runs never need it

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(content))
        mode = _MODES[opened.profile.xcolor_space.strip()]
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        if mode == "L":
            flags |= ImageCms.Flags.NOOPTIMIZE  # what it samples of a grey curve is off by ten where that is dark
        made = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
        return Profile(mode, made if _changes(made, mode) else None)
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError, TypeError, AttributeError):
        return Profile(broken=True)


def profile_of(image: Image.Image) -> Profile:
    """Return what the profile of an opened image asks for."""
    content = image.info.get("icc_profile")
    return read(bytes(content)) if content else NONE


def fits(image: Image.Image, profile: Profile) -> bool:
    """Return whether a profile is one of the image's kind of colours: files are found with that of another image."""
    if profile.mode == "RGB":
        return image.mode not in ("CMYK", "LAB")
    grey = image.mode in ("1", "LA", "F") or image.mode.startswith("I")
    return image.mode == profile.mode or (profile.mode == "L" and grey)


def to_srgb(image: Image.Image, profile: Profile) -> Image.Image:
    """Return an image of 8 bits per colour in sRGB, with its transparency; as it is where its colours do not fit."""
    if profile.transform is None:
        return image
    if not fits(image, profile):
        return image
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    from PIL import ImageCms

    made = ImageCms.applyTransform(image.convert(profile.mode), profile.transform)
    assert made is not None
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _changes(transform: Any, mode: str) -> bool:
    """Return whether a transform does more than round."""
    if mode not in ("RGB", "L"):
        return True
    from PIL import ImageCms

    if mode == "L":
        sent = np.arange(256, dtype=np.uint8)[None]
        wanted = np.repeat(sent[:, :, None], 3, axis=2)
    else:
        sent = wanted = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, indexing="ij"), axis=3).reshape(1, -1, 3)
    made = ImageCms.applyTransform(Image.fromarray(sent), transform)
    return bool(np.abs(np.asarray(made).astype(int) - wanted).max() > _SAME)
