"""PNG masks: their values are classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import images
from nbtrain.data.sources import Masks, detect
from nbtrain.errors import DataError


def mask(path: Path, *values: int, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.resize(np.array(values, np.uint8), (16, 24))
    made = Image.fromarray(pixels)
    if mode == "P":
        made.putpalette([i for value in range(256) for i in (value, 0, 255 - value)])
    made.convert(mode).save(path)


@pytest.fixture
def root(tmp_path):
    for name in ("train/a", "train/b", "val/c"):
        images.write(tmp_path / f"images/{name}.jpg")
    mask(tmp_path / "masks/train/a.png", 0, 1, 2)
    mask(tmp_path / "masks/train/b.png", 0, 255, 2, mode="P")
    mask(tmp_path / "masks/val/c.png", 0)
    return tmp_path


def test_values_are_classes(root):
    listing = detect(root).listing()
    assert listing.classes == ("class 1", "class 2")
    assert [record.labels for record in listing.records] == [(0, 1), (1,), ()]
    assert [(m.kind, m.label, m.file) for m in listing.records[1].marks] == [("mask", 1, "masks/train/b.png")]
    assert {name: len(files) for name, files in listing.own_split.items()} == {"train": 2, "val": 1}


def test_values_with_names(root):
    (root / "classes.txt").write_text("background\nroad\nsky\ntree\n")
    listing = Masks(path=str(root)).listing()
    assert listing.classes == ("road", "sky", "tree")
    assert [record.labels for record in listing.records] == [(0, 1), (1,), ()]


def test_what_cannot_be_used_is_told(root):
    mask(root / "masks/train/b.png", 0, 1, mode="RGB")
    images.cut(root / "masks/val/c.png")
    images.write(root / "images/train/more.jpg")
    listing = Masks(path=str(root)).listing()
    assert len(listing) == 1
    told = "\n".join(listing.notices)
    assert "Not used: 1 image without a mask: images/train/more.jpg." in told
    assert told.count("1 image with a mask that cannot be used") == 2
    assert "one value per pixel" in told


def test_no_mask_can_be_used(root):
    for path in root.glob("masks/*/*.png"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match="no mask can be used"):
        Masks(path=str(root)).listing()


def test_a_value_without_a_line_in_the_classes_is_a_class_and_is_told(root):
    (root / "classes.txt").write_text("background\nroad\n")
    listing = Masks(path=str(root)).listing()
    assert listing.classes == ("road", "class 2")
    assert "1 value of the masks has no name among the classes: class 2." in listing.notices


@pytest.mark.parametrize("stray", ["Thumbs.db", ".DS_Store", "train/labels.cache", "read me.txt~"])
def test_a_stray_file_leaves_masks_what_they_are(root, stray):
    (root / "masks" / stray).write_bytes(b"x")
    assert isinstance(detect(root), Masks)
