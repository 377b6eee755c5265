"""A folder of real images among which problems of every kind are planted, and the list of which file has which.

Healthy are scikit-learn's digits and parts of its photographs that hardly overlap, as JPEG and PNG. Each kind of
problem is there ``EACH`` times. Images are small, so that a folder is written in a second and shared by a session.
"""

from __future__ import annotations

import io
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits, load_sample_images

from data.images import bomb

EACH = 20
PART_PX = 72
HEALTHY_DIGITS = 200
CLASSES = ("digit", "photograph")


@dataclass
class Planted:
    """The folder, and what is in it."""

    root: Path
    kinds: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Files by the kind of problem that they have (see problems.py)."""
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """Of "equal", "alike", "leak" and "label conflict" which two belong together."""
    healthy: set[str] = field(default_factory=set)

    def add(self, file: str, data: bytes, *kinds: str) -> str:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for kind in kinds:
            self.kinds[kind].add(file)
        if not kinds:
            self.healthy.add(file)
        return file

    def pair(self, kind: str, a: str, b: str) -> None:
        self.pairs[kind].append((a, b))
        self.kinds[kind] |= {a, b}
        self.healthy -= {a, b}


def plant(root: Path) -> Planted:
    """Write the folder: train, val and test, each with a folder per class."""
    planted, parts, drawn = Planted(root), _parts(), random.Random(0)
    digits = _digits()
    for number in range(HEALTHY_DIGITS):
        ending = ("png", "jpg")[number % 2]
        planted.add(f"{_set(number)}/digit/{number:03}.{ending}", encoded(next(digits), ending))
    for number in range(2 * EACH):
        ending = ("png", "jpg")[number % 2]
        planted.add(f"{_set(number)}/photograph/{number:03}.{ending}", encoded(next(parts), ending))
    _unusable(planted, parts, drawn)
    _odd(planted, parts)
    _copies(planted, parts, digits)
    return planted


def encoded(image: Image.Image, ending: str, **save: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "tif": "TIFF"}[ending], **save)
    return buffer.getvalue()


def _unusable(planted: Planted, parts, drawn: random.Random) -> None:
    for number in range(EACH):
        jpeg, png = encoded(next(parts), "jpg", quality=90), encoded(next(parts), "png")
        data, ending = ((jpeg, "jpg"), (png, "png"))[number % 2]
        share = drawn.uniform(0.4, 0.95)
        planted.add(f"train/photograph/cut-{number}.{ending}", data[: int(len(data) * share)], "truncated")
        planted.add(f"train/photograph/empty-{number}.{ending}", b"", "empty")
        planted.add(f"train/photograph/text-{number}.{ending}", b"<html>not found</html>" * 9, "no image")
        planted.add(f"train/photograph/head-{number}.jpg", _without_codes(jpeg), "corrupt")
        planted.add(f"train/photograph/noise-{number}.jpg", _overwritten(jpeg, drawn), "damaged")
        planted.add(f"train/photograph/sum-{number}.png", _wrong_sum(png), "damaged")
        bomb(planted.root / f"train/photograph/bomb-{number}.png", 60_000 + number)
        planted.kinds["too large"].add(f"train/photograph/bomb-{number}.png")
        planted.add(f"train/photograph/gone-{number}.png", png, "missing")


def _without_codes(jpeg: bytes) -> bytes:
    """Return a JPEG whose first table of codes (behind its marker, length and number) makes no sense."""
    at = jpeg.index(b"\xff\xc4") + 5
    return jpeg[:at] + b"\xff" * 16 + jpeg[at + 16 :]


def vanish(planted: Planted) -> None:
    """Take away the files that are to be missing, as somebody may between listing and looking."""
    for file in planted.kinds["missing"]:
        (planted.root / file).unlink()


def _overwritten(jpeg: bytes, drawn: random.Random) -> bytes:
    """Return a JPEG with other bytes in the middle of its picture, of which a full decode can tell.

    Not of all it can: the codes of some make just another picture.
    """
    at, n_bytes = int(len(jpeg) * 0.6), 24
    while True:
        found = jpeg[:at] + bytes(drawn.randrange(1, 255) for _ in range(n_bytes)) + jpeg[at + n_bytes :]
        try:
            simplejpeg.decode_jpeg(found, "RGB", strict=True)
        except ValueError:
            return found


def _wrong_sum(png: bytes) -> bytes:
    """Return a PNG whose pixels decode, but do not have the checksum that they were written with."""
    at = png.rindex(b"IEND") - 4  # behind the last checksum of the pixels
    return png[: at - 4] + bytes(255 - byte for byte in png[at - 4 : at]) + png[at:]


def _odd(planted: Planted, parts) -> None:
    others = _parts(PART_PX // 2)  # no upright one is like any that lies as these do
    for number in range(EACH):
        image = next(parts)
        planted.add(f"train/photograph/named-{number}.jpg", encoded(image, "png"), "wrong ending")
        more = [next(parts), next(parts)]
        planted.add(
            f"train/photograph/film-{number}.gif",
            encoded(next(parts), "gif", save_all=True, append_images=more),
            "several frames",
        )
        grey = np.asarray(next(parts).convert("L")).astype(np.uint16) * 257
        planted.add(f"train/photograph/deep-{number}.png", encoded(Image.fromarray(grey), "png"), "16 bit")
        planted.add(f"train/photograph/print-{number}.jpg", encoded(next(parts).convert("CMYK"), "jpg"), "cmyk")
        exif = Image.Exif()
        exif[0x0112] = 2 + number % 7
        planted.add(f"train/photograph/turned-{number}.jpg", encoded(next(others), "jpg", exif=exif), "turned")


def _copies(planted: Planted, parts, digits) -> None:
    """Plant copies: within a set and across, equal and alike, under the same label and another one."""
    for number in range(EACH):
        ending = ("png", "jpg")[number % 2]
        image, digit = next(parts), next(digits)
        data = encoded(image, ending)
        a = planted.add(f"train/photograph/same-{number}-a.{ending}", data)
        b = planted.add(f"train/photograph/same-{number}-b.{ending}", data)
        planted.pair("equal", a, b)
        a = planted.add(f"train/digit/two-{number}.png", encoded(digit, "png"))
        b = planted.add(f"train/photograph/two-{number}.png", encoded(digit, "png"))
        planted.pair("equal", a, b)
        planted.pair("label conflict", a, b)
        data = encoded(next(parts), ending)
        a, b = (planted.add(f"{part}/photograph/leak-{number}.{ending}", data) for part in ("train", "val"))
        planted.pair("equal", a, b)
        planted.pair("leak", a, b)
        image = next(parts)
        a = planted.add(f"train/photograph/like-{number}-a.png", encoded(image, "png"))
        b = planted.add(f"train/photograph/like-{number}-b.jpg", encoded(_changed(image, number), "jpg", quality=80))
        planted.pair("alike", a, b)
        image = next(parts)
        a = planted.add(f"train/photograph/both-{number}.png", encoded(image, "png"))
        b = planted.add(f"test/photograph/both-{number}.jpg", encoded(_changed(image, number), "jpg", quality=70))
        planted.pair("alike", a, b)
        planted.pair("leak", a, b)


def _changed(image: Image.Image, number: int) -> Image.Image:
    """Return the same picture in another way: half or twice as large, darker, richer in contrast, grey, as it is."""
    half, twice = (image.width // 2, image.height // 2), (image.width * 2, image.height * 2)
    ways = (
        lambda: image.resize(half, Image.Resampling.BICUBIC),
        lambda: image.resize(twice, Image.Resampling.LANCZOS),
        lambda: ImageEnhance.Brightness(image).enhance(0.85),
        lambda: ImageEnhance.Contrast(image).enhance(1.2),
        lambda: image.convert("L"),
        lambda: image,
    )
    return ways[number % len(ways)]()


MARKS = ("outside", "no area", "few points", "unknown class", "unreadable")
_SIDE_PX = 32
_WHOLE = (4.0, 4.0, 20.0, 16.0)


def plant_marks(root: Path, form: str) -> Planted:
    """Write digits with a box each as COCO or YOLO, each kind of broken mark on ``EACH`` images beside a whole one."""
    planted, digits = Planted(root), _digits()
    names = [f"{kind} {number}".replace(" ", "-") for kind in MARKS for number in range(EACH)]
    names += [f"whole-{number}" for number in range(4 * EACH)]
    broken = [kind for kind in MARKS for _ in range(EACH)] + [""] * 4 * EACH
    for name, kind in zip(names, broken, strict=True):
        planted.add(f"images/{name}.png", encoded(next(digits), "png"), *filter(None, [kind]))
    write = {"coco": _coco_marks, "yolo": _yolo_marks}[form]
    write(root, list(zip(names, broken, strict=True)))
    return planted


def _coco_marks(root: Path, images: list[tuple[str, str]]) -> None:
    annotations: list[dict[str, Any]] = []

    def draw(image: int, number: int, **more: object) -> None:
        annotations.append({"id": len(annotations), "image_id": image, "category_id": 1 + number % 2, **more})

    for place, (_, kind) in enumerate(images):
        x0, y0, x1, y1 = _WHOLE
        draw(place, place, bbox=[x0, y0, x1 - x0, y1 - y0], segmentation=[[x0, y0, x1, y0, x1, y1]])
        beyond = [_SIDE_PX + 9, 2, 5, 5] if place % 2 else [20, 20, 30, 5]  # one beside the image, one over its edge
        broken: dict[str, dict[str, Any]] = {
            "outside": {"bbox": beyond},
            "no area": {"bbox": [3, 3, 0, 5]} if place % 2 else {"segmentation": [[5, 5, 5, 5, 5, 9]]},
            "few points": {"segmentation": [[1, 1, 5, 5]]},
            "unknown class": {"bbox": [1, 1, 5, 5], "category_id": 99},
            "unreadable": {"bbox": [1, None, 5, 5]},
        }
        if kind:
            draw(place, place, **broken[kind])
    plain = {
        "images": [{"id": i, "file_name": f"{name}.png", "width": _SIDE_PX, "height": _SIDE_PX}
                   for i, (name, _) in enumerate(images)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "even"}, {"id": 2, "name": "odd"}],
    }  # fmt: skip
    (root / "instances.json").write_text(json.dumps(plain))


def _yolo_marks(root: Path, images: list[tuple[str, str]]) -> None:
    (root / "labels").mkdir()
    (root / "data.yaml").write_text("names: [even, odd]\ntrain: images\n")
    for place, (name, kind) in enumerate(images):
        broken = {
            "": "",
            "outside": "0 1.6 0.2 0.1 0.1" if place % 2 else "0 0.9 0.5 0.5 0.1",
            "no area": "0 0.5 0.5 0 0.1",
            "few points": "",
            "unknown class": "7 0.5 0.5 0.1 0.1",
            "unreadable": "0 0.1 0.1 0.5" if place % 2 else "cat 0.5 0.5 0.1 0.1",
        }[kind]
        (root / f"labels/{name}.txt").write_text(f"{place % 2} 0.4 0.3 0.5 0.4\n{broken}\n")


def _set(number: int) -> str:
    return ("train", "train", "val", "test")[number % 4]


def _digits():
    for image in load_digits().images:
        yield Image.fromarray((image * (255 / 16)).astype(np.uint8)).resize((32, 32), Image.Resampling.BICUBIC)


def _parts(shift_px: int = 0):
    """Yield parts of the photographs that show something: none overlaps another, unless it is turned another way."""
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    for way in (None, *Image.Transpose):
        for photograph in photographs:
            for top in range(shift_px, photograph.height - PART_PX, PART_PX):
                for left in range(shift_px, photograph.width - PART_PX, PART_PX):
                    part = photograph.crop((left, top, left + PART_PX, top + PART_PX - 8))
                    if np.asarray(part.convert("L")).std() > 25:
                        yield part if way is None else part.transpose(way)
