"""What each annotation format can say beyond boxes and polygons."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from data import formats, images
from nbtrain.data.sources import LabelStudio, Yolo, detect

BOX = {"x": 10, "y": 20, "width": 50, "height": 40, "rotation": 0}


def marks(listing, file="a.png"):
    record = next(record for record in listing.records if record.file.endswith(file))
    return [(mark.kind, listing.classes[mark.label], mark.points) for mark in record.marks]


def studio(root: Path, *results: dict[str, Any], task: dict[str, Any] | None = None) -> LabelStudio:
    formats.pictures(root, formats.SCENE[:2])
    first = {"id": 1, "data": {"image": "a.png", **(task or {})}, "annotations": [{"result": list(results)}]}
    choice = formats.studio_result(9, {"choices": ["dog"]})
    second = {"id": 2, "data": {"image": "b.png"}, "annotations": [{"result": [choice]}]}
    (root / "x.json").write_text(json.dumps([first, second]))
    return LabelStudio(path=str(root / "x.json"))


def result(value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return formats.studio_result(1, value, **more)


def test_coco_masks_and_crowds(tmp_path):
    path = formats.coco(tmp_path) / "annotations/instances.json"
    plain = json.loads(path.read_text())
    plain["annotations"][0] |= {"segmentation": {"counts": "xyz", "size": [30, 40]}, "iscrowd": 1}
    path.write_text(json.dumps(plain))
    record = detect(path).listing().records[0]
    assert [(mark.kind, mark.points, mark.crowd) for mark in record.marks] == [
        ("box", (4, 6, 20, 18), True),
        ("mask", (), True),
    ]
    plain["annotations"][0] |= {"segmentation": [[4, 6, 20, 6, 20, 18]]}
    path.write_text(json.dumps(plain))
    assert [(mark.kind, mark.crowd) for mark in detect(path).listing().records[0].marks] == [
        ("box", True),
        ("polygon", True),
    ]


def test_coco_sets_are_read_with_the_one_that_trains_first(tmp_path):
    formats.coco_sets(tmp_path)
    for path in sorted(tmp_path.rglob("*val2017*")):
        path.rename(path.with_name(path.name.replace("val", "test")))
    assert [record.file[:5] for record in detect(tmp_path).listing().records] == ["train", "train", "test2", "test2"]


def test_coco_classes_alone(tmp_path):
    path = formats.coco(tmp_path) / "annotations/instances.json"
    plain = json.loads(path.read_text())
    for annotation in plain["annotations"]:
        del annotation["bbox"], annotation["segmentation"]
    path.write_text(json.dumps(plain))
    listing = detect(tmp_path).listing()
    assert not any(record.marks for record in listing.records)
    assert [record.labels for record in listing.records] == [(1,), (0, 1), (), (0,)]


def test_coco_of_one_class_is_enough_to_find_objects(tmp_path):
    path = formats.coco(tmp_path, formats.SCENE[:1]) / "annotations/instances.json"
    plain = json.loads(path.read_text())
    path.write_text(json.dumps(plain | {"categories": [{"id": 8, "name": "dog"}]}))
    listing = detect(path).listing()
    assert listing.classes == ("dog",)
    assert "There is one class only (dog): enough to find it, not to tell images apart." in listing.notices


def test_yolo_beside_the_images_and_listed_in_a_text_file(tmp_path):
    formats.pictures(tmp_path, formats.SCENE[:2])
    for picture in formats.SCENE[:2]:
        lines = "\n".join(map(formats.yolo_line, picture.things))
        (tmp_path / picture.file).with_suffix(".txt").write_text(lines)
    (tmp_path / "list.txt").write_text("./a.png\nb.png\n")
    (tmp_path / "data.yaml").write_text("train: list.txt\nnames: {0: cat, 1: dog}\n")
    listing = detect(tmp_path).listing()
    assert formats.seen(listing) == formats.expected(formats.SCENE[:2], "box")
    (tmp_path / "data.yaml").unlink()
    listing = detect(tmp_path).listing()
    assert listing.classes == ("0", "1")
    assert len(listing) == 2


def test_yolo_in_folders_of_sets(tmp_path):
    for name in ("train", "valid"):
        formats.yolo(tmp_path / name, formats.split(formats.SCENE, name.replace("valid", "val")))
        (tmp_path / name / "classes.txt").unlink()
    (tmp_path / "data.yaml").write_text(
        "path: /gone\ntrain: ../train/images\nval: ../valid/images\nnames: [cat, dog]\n"
    )
    listing = detect(tmp_path).listing()
    assert formats.seen(listing) == formats.expected(formats.SCENE, "box")
    assert {s: len(files) for s, files in listing.own_split.items()} == {"train": 2, "val": 2}


def test_yolo_poses_are_boxes(tmp_path):
    formats.yolo(tmp_path, formats.SCENE[:1])
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.2 0.2 " + " ".join(["0.5"] * 6))
    (tmp_path / "data.yaml").write_text("train: images\nnames: [cat, dog]\nkpt_shape: [3, 2]\n")
    assert marks(detect(tmp_path).listing()) == [("box", "cat", pytest.approx((16, 12, 24, 18)))]


def test_yolo_measures_an_image_as_it_is_shown(tmp_path):
    """EXIF lays a photograph on its side: its shares are of what a viewer shows."""
    from PIL import Image

    formats.yolo(tmp_path, formats.SCENE[:2])
    (tmp_path / "images/a.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    images.write(tmp_path / "images/a.jpg", 0, 40, 20, exif=exif)
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 1 1")
    assert marks(Yolo(path=str(tmp_path)).listing(), "a.jpg") == [("box", "cat", (0, 0, 20, 40))]


def test_sets_of_which_none_trains_leave_the_split_open(tmp_path):
    formats.voc_sets(tmp_path)
    (tmp_path / "ImageSets/Main/train.txt").rename(tmp_path / "ImageSets/Main/test.txt")
    listing = detect(tmp_path).listing()
    assert (len(listing), listing.own_split) == (4, None)


def test_voc_says_of_objects_what_becomes_columns(tmp_path):
    listing = detect(formats.voc(tmp_path)).listing()
    assert listing.columns == ("difficult", "pose")
    assert [record.cells for record in listing.records] == [("yes", "Left"), ("yes", "Left"), ("", ""), ("no", "Left")]


def test_voc_beside_the_images_turned_and_renamed(tmp_path):
    for name, picture in (("one", formats.SCENE[0]), ("two", formats.SCENE[1])):
        images.write(tmp_path / f"{name}.png", 0, 40, 30)
        (tmp_path / f"{name}.xml").write_text(formats.voc_xml(picture))
    turned = "<robndbox><cx>20</cx><cy>15</cy><w>10</w><h>4</h><angle>1.5707963267948966</angle></robndbox>"
    text = f"<annotation><object><name>dog</name>{turned}</object></annotation>"
    (tmp_path / "one.xml").write_text(text)
    assert marks(detect(tmp_path).listing(), "one.png") == [("rotated box", "dog", (20, 15, 10, 4, 90))]


def test_studio_choices_and_columns(tmp_path):
    choices = result({"choices": ["cat", " dog "]})
    listing = studio(tmp_path, choices, task={"patient": 7, "long": "x" * 500, "deep": {}}).listing()
    assert [record.labels for record in listing.records] == [(0, 1), (1,)]
    assert listing.columns == ("patient",)
    assert listing.records[0].cells == ("7",)


def test_studio_turned_rectangle_turns_around_its_corner(tmp_path):
    listing = studio(tmp_path, result(BOX | {"rotation": 90, "rectanglelabels": ["cat"]})).listing()
    # The corner lies at 4, 6 px; after a quarter turn clockwise the 20 px run downwards, the 12 px to the left.
    kind, name, points = marks(listing)[0]
    assert (kind, name) == ("rotated box", "cat")
    assert points == pytest.approx((4 - 6, 6 + 10, 20, 12, 90))


def test_studio_ellipses(tmp_path):
    round_ = {"x": 50, "y": 50, "radiusX": 15, "radiusY": 20, "rotation": 0, "ellipselabels": ["cat"]}
    flat = {**round_, "radiusY": 10, "rotation": 90}
    listing = studio(tmp_path, result(round_), {**result(flat), "id": "r2"}).listing()
    (kind, _, circle), (other, _, polygon) = marks(listing)
    assert (kind, other) == ("circle", "polygon")
    assert circle == pytest.approx((20, 15, 6))
    xs, ys = polygon[::2], polygon[1::2]
    assert (max(xs) - min(xs), max(ys) - min(ys)) == pytest.approx((6, 12))
    assert all(math.isclose(((x - 20) / 3) ** 2 + ((y - 15) / 6) ** 2, 1) for x, y in zip(xs, ys, strict=True))


def test_studio_brushes_and_labels_of_their_own(tmp_path):
    brush = result({"format": "rle", "rle": [0, 1], "brushlabels": ["cat"]})
    shape = {"id": "r5", "type": "rectangle", "value": BOX, "original_width": 40, "original_height": 30}
    said = {"id": "r5", "type": "labels", "value": {**BOX, "labels": ["dog"]}}
    listing = studio(tmp_path, brush, shape, said).listing()
    assert marks(listing) == [("mask", "cat", ()), ("box", "dog", pytest.approx((4, 6, 24, 18)))]


def test_studio_takes_the_truth_or_the_newest(tmp_path):
    source = studio(tmp_path)
    tasks = json.loads(Path(source.path).read_text())
    say = lambda name, **more: {"result": [result({"choices": [name]})], **more}  # noqa: E731
    tasks[0]["annotations"] = [
        say("new", updated_at="2026-02-01"),
        say("true", ground_truth=True, updated_at="2026-01-01"),
        say("gone", was_cancelled=True, updated_at="2026-03-01"),
    ]
    Path(source.path).write_text(json.dumps(tasks))
    listing = source.listing()
    assert listing.classes == ("dog", "true")
    assert "1 image has several annotations; of each, the ground truth or else the newest is used." in listing.notices


def test_studio_short_export_with_choices_and_columns(tmp_path):
    formats.pictures(tmp_path / "images", formats.SCENE[:3])
    rows = [
        {"image": "/data/upload/1/a.png", "patient": "p1", "id": 1, "kind": "cat", "annotator": 1},
        {"image": "/data/upload/1/b.png", "patient": "p2", "id": 2, "kind": {"choices": ["dog", "cat"]}},
        {"image": "/data/upload/1/c.png", "patient": "p2", "id": 3, "kind": "cat"},
        {"image": "/data/upload/1/c.png", "patient": "p2", "id": 3, "kind": "dog"},
    ]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    listing = detect(tmp_path / "x.json").listing()
    assert [[listing.classes[i] for i in r.labels] for r in listing.records] == [["cat"], ["cat", "dog"], ["dog"]]
    assert listing.columns == ("patient",)
    assert any("several annotations" in notice for notice in listing.notices)


def test_studio_images_of_the_net_are_found_by_name_where_a_root_is_given(tmp_path):
    source = studio(tmp_path, result({"choices": ["cat"]}), task={"image": "s3://bucket/far/a.png?x=1"})
    assert len(source.set("images_root", str(tmp_path)).listing()) == 2
