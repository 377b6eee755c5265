"""One scene in every format: the same images, classes and objects, written as each tool writes them.

A reader is right where it gives the same records as all others. What a format cannot say (a polygon in VOC) is left
out by its writer, and ``FORMATS`` names what it can.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from data import images
from nbtrain.data.records import Listing

CLASSES = ("cat", "dog")
WIDTH, HEIGHT = 40, 30


@dataclass(frozen=True)
class Thing:
    """One object: its class, the corners x0 y0 x1 y1 of its box, and a polygon where one was drawn."""

    name: str
    box: tuple[float, float, float, float]
    polygon: tuple[float, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One image of the scene, and the set that it is in."""

    file: str
    things: tuple[Thing, ...] = ()
    split: str = "train"


SCENE = (
    Picture("a.png", (Thing("dog", (4, 6, 20, 18)),)),
    Picture("b.png", (Thing("cat", (0, 0, 40, 30)), Thing("dog", (10, 3, 12, 6))), "val"),
    Picture("c.png"),
    Picture("d.png", (Thing("cat", (8, 9, 24, 15)),), "val"),
)
POLYGONS = (
    Picture("a.png", (Thing("dog", (4, 6, 20, 18), (4, 6, 20, 6, 20, 18)),)),
    Picture("b.png", (Thing("cat", (8, 9, 24, 15), (8, 9, 24, 9, 24, 15, 8, 15)),), "val"),
)


def pictures(folder: Path, scene: tuple[Picture, ...]) -> None:
    for seed, picture in enumerate(scene):
        images.write(folder / picture.file, seed, WIDTH, HEIGHT)


def split(scene: tuple[Picture, ...], name: str) -> tuple[Picture, ...]:
    return tuple(picture for picture in scene if picture.split == name)


# -- COCO -----------------------------------------------------------------------------------------------------------


def coco_json(scene: tuple[Picture, ...]) -> dict[str, Any]:
    annotations = []
    for number, picture in enumerate(scene):
        for thing in picture.things:
            x0, y0, x1, y1 = thing.box
            annotation = {"id": len(annotations) + 1, "image_id": number, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            shape = [list(thing.polygon)] if thing.polygon else []
            category = 7 + CLASSES.index(thing.name)
            annotations.append(annotation | {"category_id": category, "segmentation": shape, "iscrowd": 0})
    named = [{"id": i, "file_name": p.file, "width": WIDTH, "height": HEIGHT} for i, p in enumerate(scene)]
    categories = [{"id": 7 + i, "name": name} for i, name in reversed(list(enumerate(CLASSES)))]
    return {"images": named, "annotations": annotations, "categories": categories}


def coco(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    pictures(root / "images", scene)
    (root / "annotations").mkdir()
    (root / "annotations/instances.json").write_text(json.dumps(coco_json(scene)))
    return root


def coco_sets(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    for name in ("train", "val"):
        pictures(root / f"{name}2017", split(scene, name))
        (root / "annotations").mkdir(exist_ok=True)
        text = json.dumps(coco_json(split(scene, name)))
        (root / f"annotations/instances_{name}2017.json").write_text(text)
        (root / f"annotations/captions_{name}2017.json").write_text(text)
    return root


# -- YOLO -----------------------------------------------------------------------------------------------------------


def yolo_line(thing: Thing) -> str:
    number = CLASSES.index(thing.name)
    if thing.polygon:
        shares = [p / (HEIGHT if i % 2 else WIDTH) for i, p in enumerate(thing.polygon)]
    else:
        x0, y0, x1, y1 = thing.box
        shares = [(x0 + x1) / 2 / WIDTH, (y0 + y1) / 2 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT]
    return " ".join(map(str, (number, *shares)))


def yolo(root: Path, scene: tuple[Picture, ...] = SCENE, place: str = "") -> Path:
    pictures(root / "images" / place, scene)
    labels = root / "labels" / place
    labels.mkdir(parents=True)
    for picture in scene:
        if picture.things:
            (labels / f"{Path(picture.file).stem}.txt").write_text("\n".join(map(yolo_line, picture.things)))
    (root / "classes.txt").write_text("\n".join(CLASSES))
    return root


def yolo_sets(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    for name in ("train", "val"):
        yolo(root, split(scene, name), name)
    (root / "classes.txt").unlink()
    described = {"train": "images/train", "val": "../images/val", "names": dict(enumerate(CLASSES)), "nc": 2}
    (root / "data.yaml").write_text(yaml.safe_dump(described))
    return root / "data.yaml"


# -- Pascal VOC -----------------------------------------------------------------------------------------------------


def voc_xml(picture: Picture) -> str:
    things = "".join(
        f"<object><name>{thing.name}</name><pose>Left</pose><difficult>{int(thing.name == 'dog')}</difficult><bndbox>"
        + "".join(f"<{c}>{p}</{c}>" for c, p in zip(("xmin", "ymin", "xmax", "ymax"), thing.box, strict=True))
        + "</bndbox></object>"
        for thing in picture.things
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><filename>{picture.file}</filename>{size}{things}</annotation>"


def voc(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    pictures(root / "JPEGImages", scene)
    (root / "Annotations").mkdir()
    for picture in scene:
        (root / "Annotations" / f"{Path(picture.file).stem}.xml").write_text(voc_xml(picture))
    return root


def voc_sets(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    (root / "ImageSets/Main").mkdir(parents=True)
    for name in ("train", "val"):
        stems = "\n".join(Path(picture.file).stem for picture in split(scene, name))
        (root / f"ImageSets/Main/{name}.txt").write_text(stems)
    return voc(root, scene)


# -- Label Studio ---------------------------------------------------------------------------------------------------


def percent(points: tuple[float, ...]) -> list[float]:
    return [100 * p / (HEIGHT if i % 2 else WIDTH) for i, p in enumerate(points)]


def studio_value(thing: Thing) -> dict[str, Any]:
    if thing.polygon:
        flat = percent(thing.polygon)
        return {
            "points": [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)],
            "polygonlabels": [thing.name],
        }
    x0, y0, x1, y1 = percent(thing.box)
    box = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "rotation": 0}
    return {**box, "rectanglelabels": [thing.name]}


def studio_result(number: int, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind = next(key for key in value if key.endswith(("labels", "choices")))
    sides = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": f"r{number}", "type": kind, "value": value, **sides, **more}


def studio_task(number: int, picture: Picture) -> dict[str, Any]:
    results = [studio_result(i, studio_value(thing)) for i, thing in enumerate(picture.things)]
    return {"id": number, "data": {"image": f"/data/upload/3/{picture.file}"}, "annotations": [{"result": results}]}


def studio(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    pictures(root / "images", scene)
    (root / "export.json").write_text(json.dumps([studio_task(i, picture) for i, picture in enumerate(scene)]))
    return root / "export.json"


def studio_short(root: Path, scene: tuple[Picture, ...] = SCENE) -> Path:
    pictures(root, scene)
    sides = {"original_width": WIDTH, "original_height": HEIGHT}
    rows = [
        {
            "image": f"/data/local-files/?d=far/away/{p.file}",
            "id": i,
            "label": [{**studio_value(t), **sides} for t in p.things],
        }
        for i, p in enumerate(scene)
    ]
    (root / "export.json").write_text(json.dumps(rows))
    return root / "export.json"


@dataclass(frozen=True)
class Format:
    """A writer, the source that reads what it writes, and what it can say."""

    kind: str
    write: Callable[..., Path]
    sets: bool = False
    polygons: bool = True


FORMATS = {
    "coco": Format("coco", coco),
    "coco sets": Format("coco", coco_sets, sets=True),
    "yolo": Format("yolo", yolo),
    "yolo sets": Format("yolo", yolo_sets, sets=True),
    "voc": Format("voc", voc, polygons=False),
    "voc sets": Format("voc", voc_sets, sets=True, polygons=False),
    "label studio": Format("label studio", studio),
    "label studio short": Format("label studio", studio_short),
}


def seen(listing: Listing) -> dict[str, list[Any]]:
    """Return, by the image's name alone, what a listing says of it, rounded to a hundredth of a pixel."""
    return {
        Path(record.file).name: [
            [listing.classes[label] for label in record.labels],
            sorted((m.kind, listing.classes[m.label], tuple(round(p, 2) for p in m.points)) for m in record.marks),
        ]
        for record in listing.records
    }


def expected(scene: tuple[Picture, ...], *kinds: str) -> dict[str, list[Any]]:
    """Return what ``seen`` gives of ``scene`` where marks of these kinds are read."""
    found = {}
    for picture in scene:
        marks = [("box", t.name, tuple(map(float, t.box))) for t in picture.things if "box" in kinds]
        marks += [("polygon", t.name, tuple(map(float, t.polygon))) for t in picture.things if "polygon" in kinds]
        found[picture.file] = [sorted({t.name for t in picture.things}), sorted(marks)]
    return found


def only(listing: Listing, kind: str) -> Listing:
    """Return the listing with marks of one kind only."""
    kept = (replace(r, marks=tuple(m for m in r.marks if m.kind == kind)) for r in listing.records)
    return replace(listing, records=tuple(kept))
