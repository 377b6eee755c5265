"""Listing data sets of a hundred thousand images in each format: seconds until all labels and marks are there.

The images are links to one small file; formats that need the images' sizes (YOLO) read each header.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.table import Row
from nbtrain.data.sources import detect

TITLE = "Listing data sets"
IMAGES = 100_000
_LIMIT_S = 3.0
"""What a folder of a hundred thousand images may take."""
_LINKS = 10_000
"""Names that one file is given: file systems limit them."""
_OBJECTS = 5


def measure() -> list[Row]:
    """Return the seconds that each format takes."""
    rows = []
    for name, write in _WRITERS.items():
        with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
            path = write(Path(folder))
            took_s = []
            for _ in range(2):
                began_s = time.perf_counter()
                found = len(detect(path).listing())
                took_s.append(time.perf_counter() - began_s)
                assert found == IMAGES
            limit = _LIMIT_S if name == "image folder" else None
            rows.append(Row(f"{IMAGES:,} images: {name}".replace(",", " "), "s", tuple(took_s), limit))
    return rows


def _images(folder: Path) -> list[str]:
    """Make the images, a thousand in each sub-folder, and return their names."""
    names = []
    for number in range(IMAGES):
        place = f"{number // 1000:03}"
        if number % 1000 == 0:
            (folder / place).mkdir(parents=True)
        if number % _LINKS == 0:
            source = folder.parent / f"one-{number}.jpg"
            Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(source)
        names.append(f"{place}/{number:07}.jpg")
        os.link(source, folder / names[-1])
    return names


def _folder(root: Path) -> Path:
    _images(root / "images")
    return root / "images"


def _coco(root: Path) -> Path:
    names = _images(root / "images")
    shape = [[1, 1, 9, 1, 9, 9, 5, 12, 1, 9]]
    annotations = [
        {"id": i, "image_id": i // _OBJECTS, "category_id": i % 80, "bbox": [1, 1, 8, 11], "segmentation": shape}
        for i in range(_OBJECTS * IMAGES)
    ]
    images = [{"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names)]
    classes = [{"id": i, "name": f"class {i}"} for i in range(80)]
    path = root / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": classes}))
    return path


def _yolo(root: Path) -> Path:
    for number, name in enumerate(_images(root / "images")):
        path = (root / "labels" / name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number % 80} 0.5 0.5 0.25 0.25\n" * _OBJECTS)
    return root


def _voc(root: Path) -> Path:
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>12</ymax></bndbox>"
    (root / "Annotations").mkdir()
    for number, name in enumerate(_images(root / "JPEGImages")):
        thing = f"<object><name>class {number % 80}</name><difficult>0</difficult>{box}</object>"
        text = f"<annotation><filename>{name}</filename>{thing * _OBJECTS}</annotation>"
        (root / f"Annotations/{number:07}.xml").write_text(text)
    return root


def _table(root: Path) -> Path:
    lines = [f"{name},class {i % 80},patient {i % 999}" for i, name in enumerate(_images(root / "images"))]
    path = root / "images/labels.csv"
    path.write_text("\n".join(["file,label,patient", *lines]))
    return path


_WRITERS: dict[str, Callable[[Path], Path]] = {
    "image folder": _folder,
    "CSV": _table,
    "COCO, 500 000 objects": _coco,
    "YOLO, 500 000 objects": _yolo,
    "Pascal VOC, 500 000 objects": _voc,
}
