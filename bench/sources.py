"""Listing data sets of a hundred thousand images in each format: seconds until all labels and marks are there.

The images are links to one small file; formats that need the images' sizes (YOLO) read each header. For formats whose
listing is kept (data/listings.py) the seconds of a run's start are told too: the listing and its hash, read anew and as
they were kept. NBTRAIN_BENCH_ONLY=YOLO measures the formats whose name holds that.
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
from nbtrain.data import listings
from nbtrain.data.assembly import Part, look
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
        if os.environ.get("NBTRAIN_BENCH_ONLY", "") not in name:
            continue
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
            if detect(path).reads:
                with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as datasets:
                    rows += _run_start(name, path, Path(datasets))
    return rows


def _run_start(name: str, path: Path, datasets: Path) -> list[Row]:
    """Measure what a run's start waits for, before and after the listing is kept, and compare the two."""
    listings._SETTLED_NS = 0  # what was written a second ago counts as settled
    source, anew_s, kept_s = detect(path), list[float](), list[float]()
    for took_s, folder in ((anew_s, None), (anew_s, None), (None, datasets), (kept_s, datasets), (kept_s, datasets)):
        began_s = time.perf_counter()
        found = look((Part("", source),), folder)
        base = found.listing.content_hash
        if took_s is None:
            first = found.listing
            continue
        took_s.append(time.perf_counter() - began_s)
    if found.listing.records != first.records or base != first.content_hash:
        raise RuntimeError("what was kept differs from what was read")
    times = min(anew_s) / max(kept_s)
    return [
        Row(f"run's start, {name}, read anew", "s", tuple(anew_s)),
        Row(f"run's start, {name}, kept", "s", tuple(kept_s)),
        Row(f"run's start, {name}: times quicker", "", (times,), 5.0, more_is_better=True),
    ]


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
