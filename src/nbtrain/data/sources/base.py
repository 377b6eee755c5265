"""What every source has in common: the family's root, the endings of images, and the choice by looking.

It knows no format. A new one is a new file with one class, whose ``claims`` says which paths it can read.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from nbtrain.data.records import Listing
from nbtrain.errors import DataError
from nbtrain.schema import Family, field

IMAGE_ENDINGS: frozenset[str] = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
    )
)
"""Endings, in lower case, of the files that are taken for images."""

SPLIT_NAMES: dict[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What people call the three sets, in lower case, and what nbtrain calls them."""


class Source(Family):
    """Where a data set's images and labels come from."""

    layout: ClassVar[str] = ""
    """What this kind reads, for the message that no kind fits."""

    path: str = field("", label="Path")
    """Folder or file that the images are read from."""

    def listing(self) -> Listing:
        """Return every image with its labels, opening none; raises DataError saying what is wrong and where."""
        raise NotImplementedError

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` looks like what this kind reads."""
        raise NotImplementedError


def detect(path: str | Path) -> Source:
    """Return the source that fits what lies at ``path``; raises DataError where nothing is there or nothing fits."""
    where = existing(path)
    for kind in Source.kinds().values():
        if kind.claims(where):
            return kind(path=str(where))
    known = "; ".join(kind.layout for kind in Source.kinds().values())
    raise DataError("this is nothing that images can be read from", value=str(where), advice=f"Give one of: {known}.")


def existing(path: str | Path) -> Path:
    """Return ``path`` with ``~`` resolved; raises DataError where it is empty or missing, naming what is there."""
    if not str(path).strip() or "\0" in str(path):
        raise DataError("no path was given", value=str(path), advice="Give the folder with images, or a CSV file.")
    where = Path(path).expanduser()
    try:
        found = where.exists()
    except OSError as error:
        raise DataError(f"the path cannot be read ({error.strerror})", value=str(where)) from None
    if found:
        return where.absolute()
    parent = next((p for p in where.absolute().parents if p.is_dir()), Path("/"))
    raise DataError("there is no such path", value=str(where), advice=f"The nearest folder that exists is {parent}.")
