"""Formats that are not read: named, with the way on; and formats that hide in others: told apart."""

from __future__ import annotations

import json

import pytest

from data import images
from nbtrain.data.sources import detect, look
from nbtrain.errors import DataError

LABELME = json.dumps({"version": "5", "shapes": [{"label": "cat", "points": [[1, 2], [3, 4]]}], "imagePath": "a.png"})
VIA = json.dumps({"a.png123": {"filename": "a.png", "size": 123, "regions": []}})
CREATE_ML = json.dumps(
    [{"image": "a.png", "annotations": [{"label": "cat", "coordinates": {"x": 1, "y": 2, "width": 3, "height": 4}}]}]
)
CVAT = '<?xml version="1.0"?>\n<annotations><version>1.1</version><image id="0" name="a.png"/></annotations>'
NAMED = {
    "LabelMe": ("a.json", LABELME),
    "VGG Image Annotator": ("via.json", VIA),
    "CreateML": ("_annotations.createml.json", CREATE_ML),
    "CVAT": ("annotations.xml", CVAT),
    "TFRecord": ("train.tfrecord", "x"),
    "Excel": ("labels.xlsx", "PK"),
    "pickle": ("data.pkl", "x"),
    "WebDataset": ("0001.cls", "3"),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("whole", [False, True], ids=["file", "folder"])
def test_formats_that_are_not_read_are_named(name, whole, tmp_path):
    file, text = NAMED[name]
    images.write(tmp_path / "a.png")
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=name) as refused:
        look(tmp_path if whole else tmp_path / file)
    assert any(word in refused.value.advice for word in ("COCO", "folder", "CSV"))


def test_a_folder_of_classes_with_other_files_is_a_folder_of_classes(tmp_path):
    path = images.folder(tmp_path, {"cat": 2, "dog": 2})
    for file, text in NAMED.values():
        (path / file).write_text(text)
    (path / "cat/0.json").write_text(LABELME)
    assert look(path).classes == ("cat", "dog")


def test_class_folders_beside_a_yaml_are_class_folders(tmp_path):
    for name in ("train", "val"):
        images.folder(tmp_path / name, {"cat": 2, "dog": 2})
    (tmp_path / "data.yaml").write_text("path: .\ntrain: train\nval: val\nnc: 2\nnames: [cat, dog]\n")
    found = look(tmp_path)
    assert (found.source.kind, found.sets) == ("folder", {"train": 4, "val": 4})


@pytest.mark.parametrize("text", ["a photo of a cat\n", "2 cats on a mat\n", "0.5\n"])
def test_captions_are_no_labels(tmp_path, text):
    path = images.folder(tmp_path, {"cat": 2, "dog": 2})
    for image in path.rglob("*.png"):
        image.with_suffix(".txt").write_text(text)
    assert detect(path).kind == "folder"


def test_a_stray_xml_file_is_no_annotation(tmp_path):
    path = images.folder(tmp_path, {"cat": 2, "dog": 2})
    (path / "info.xml").write_text("<info/>")
    assert detect(path).kind == "folder"


def test_labels_that_belong_to_no_image_are_said(tmp_path):
    for name in ("a", "b é"):
        images.write(tmp_path / f"images/{name}.png", 1, 20, 10)
    labels = {"a": 0, "b%20%C3%A9": 1, "gone": 0}
    (tmp_path / "labels").mkdir()
    for name, number in labels.items():
        (tmp_path / f"labels/{name}.txt").write_text(f"{number} .5 .5 .2 .2\n")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    found = look(tmp_path)
    assert dict(zip(found.classes, found.counts, strict=True)) == {"cat": 1, "dog": 1}
    assert "Not used: 1 annotation without an image: labels/gone.txt." in found.notices
