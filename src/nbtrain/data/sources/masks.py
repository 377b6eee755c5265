"""Masks: a folder of images, and one of PNG files of the same names whose pixel values are classes.

Which classes an image shows stands only in its mask, so masks are decoded, in parallel; images are not. Each class of
an image gives one mark. Value 255 is no class (its usual meaning is "do not look"), nor is 0 unless it has a name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from nbtrain.data.decode import MAX_PIXELS
from nbtrain.data.names import clean_name
from nbtrain.data.records import Listing, counted, first, natural
from nbtrain.data.sources.base import Annotated, existing, is_image, names_in, spellings_told
from nbtrain.data.sources.gathering import Gathering
from nbtrain.data.sources.headers import in_parallel
from nbtrain.data.sources.machine_made import is_machine_file
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.sets import set_of
from nbtrain.data.sources.texts import text_of
from nbtrain.data.sources.walk import Walk
from nbtrain.errors import DataError
from nbtrain.files import ordinary

_MASK_FOLDERS = ("masks", "mask", "SegmentationClass", "labels", "annotations")
_IMAGE_FOLDERS = ("images", "imgs", "JPEGImages")
_STRAY = 0.1
"""Other files per mask that are taken for strays, as caches and notes are; one always is."""
_BACKGROUND, _IGNORED = 0, 255
_OBJECT = "object"
"""What the class of black and white masks is called."""
_OF_A_MASK = re.compile(r"[ _-](mask|masks|seg|segmentation|label|labels|gt|matte|labelids)$", re.IGNORECASE)
"""What follows an image's name in that of its mask."""
_NO_NAMES = frozenset({"", "background", "_background_", "ignore", "void", "unlabeled"})


class Masks(Annotated, kind="masks", label="PNG masks"):
    """A folder with images and PNG masks of the same names; classes.txt names the values line by line."""

    layout = "a folder with images and masks of the same names"

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return whether ``path`` is a folder with one folder of images and one of PNG files only."""
        return path.is_dir() and _folder(path, _IMAGE_FOLDERS) is not None and _masks(path) is not None

    @spellings_told
    def listing(self) -> Listing:
        """Return the images that have a mask; raises DataError saying what is wrong."""
        root = existing(self.path)
        images, masks = _folder(root, _IMAGE_FOLDERS), _masks(root)
        if images is None or masks is None:
            advice = "It holds a folder called images and one called masks."
            raise DataError("there are no images with masks", value=str(root), advice=advice)
        walk = Walk()
        by_stem = {_stem(record.file, masks): record.file for record in walk.images(root / masks, f"{masks}/")}
        by_stem = {_OF_A_MASK.sub("", stem): file for stem, file in by_stem.items()} | by_stem
        gathering = Gathering(Files(root, masks), "mask")
        records = list(walk.images(root / images, f"{images}/"))
        pairs = [(record, by_stem.get(_stem(record.file, images), "")) for record in records]
        found = list(in_parallel(lambda pair: _values(root / pair[1]) if pair[1] else (), pairs))
        names, black_and_white = _black_and_white(found, _names(root))
        gathering.note(black_and_white)
        gathering.tally.annotation_files.update(by_stem.values())
        left = sorted(set(by_stem.values()) - {mask for _, mask in pairs}, key=natural)
        gathering.tally.add("annotation", "without an image", *left)
        for (record, mask), values in zip(pairs, found, strict=True):
            if not mask or isinstance(values, str):
                why = f"with a mask that cannot be used: {values}" if mask else "without a mask"
                gathering.tally.images[record.file] = why
                continue
            image = gathering.image(
                record.file, split=set_of(os.path.dirname(record.file)), size_bytes=record.size_bytes
            )
            labels = [_label(value, names) for value in values]
            if image is not None:
                image.marks += [("mask", label, (), mask, False) for label in labels if label]
        if records and not gathering.images:
            reasons = [f"{file} is {why}" for file, why in gathering.tally.images.items()]
            raise DataError("no mask can be used", value=str(root), advice=f"{first(reasons, 3)}.")
        order = [name for name in names.values() if name.lower() not in _NO_NAMES]
        nameless = _nameless(gathering, order) if order else []
        told = counted(len(nameless), "value of the masks has", "values of the masks have")
        gathering.note(f"{told} no name among the classes: {first(nameless)}." if nameless else "")
        classes = [*order, *nameless] or None
        return gathering.listing(root, classes, root, lambda _: (f"outside the folder {images}", ""))


def _nameless(gathering: Gathering, names: list[str]) -> list[str]:
    """Return the classes of values that stand in masks, and have none of the ``names``."""
    shown = {mark[1] for image in gathering.images.values() for mark in image.marks}
    return sorted(shown - set(names), key=natural)


def _folder(path: Path, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if (path / name).is_dir()), None)


def _masks(path: Path) -> str | None:
    """Return the folder of masks: the first that has PNG files in it, or in its folders, and hardly others."""
    for name in _MASK_FOLDERS:
        inside = names_in(path / name)
        deeper = [file for folder in inside[:3] for file in names_in(path / name / folder)]
        files = [file for file in (*inside, *deeper) if "." in file and not _is_passed_over(file)]
        others = [file for file in files if not file.lower().endswith(".png")]
        n_masks = len(files) - len(others)
        if n_masks and len(others) <= max(1, _STRAY * n_masks) and not any(map(is_image, others)):
            return name
    return None


def _is_passed_over(file: str) -> bool:
    return file.startswith(".") or is_machine_file(file)


def _stem(file: str, folder: str) -> str:
    return os.path.splitext(file.removeprefix(f"{folder}/"))[0]


def _names(root: Path) -> dict[int, str]:
    file = next((root / name for name in ("classes.txt", "labels.txt") if (root / name).is_file()), None)
    return {i: clean_name(line) for i, line in enumerate(text_of(file).splitlines())} if file else {}


def _label(value: int, names: dict[int, str]) -> str:
    """Return the class of a pixel value, "" for one that is none."""
    if names:
        name = names.get(value, "" if value == _IGNORED else f"class {value}")
        return "" if name.lower() in _NO_NAMES else name
    return "" if value in (_BACKGROUND, _IGNORED) else f"class {value}"


def _black_and_white(found: Sequence[tuple[int, ...] | str], names: dict[int, str]) -> tuple[dict[int, str], str]:
    """Return the names with one for 255, and a notice, where all masks together hold 0 and 255 alone."""
    values = {value for one in found if not isinstance(one, str) for value in one}
    if names or values != {_BACKGROUND, _IGNORED}:
        return names, ""
    told = f"The masks hold 0 and 255 alone: 255 is read as the one class, “{_OBJECT}”."
    return {_BACKGROUND: "background", _IGNORED: _OBJECT}, told


def _values(path: Path) -> tuple[int, ...] | str:
    """Return the pixel values of a mask, or why it cannot be used."""
    try:
        with open(path, "rb", opener=ordinary) as file, Pillow.open(file, formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"it has more than {MAX_PIXELS // 1_000_000} million pixels"
            if image.mode not in ("1", "L", "P", "I", "I;16"):
                return "it has colours where it should have one value per pixel"
            return tuple(map(int, np.unique(np.asarray(image))))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return "it is damaged"  # what is counted by its reason names no file, and no place in it
