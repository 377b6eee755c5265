"""Annotations that are broken, foreign or hostile: a clear error or a notice, and never a traceback."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from data import formats, images
from nbtrain.data.sources import Coco, LabelStudio, Source, Voc, Yolo, detect
from nbtrain.errors import DataError


def coco(root: Path, **changed: Any) -> Source:
    """Write the scene as COCO with other entries at "images.0", "annotations.2" or "categories"."""
    path = formats.coco(root) / "annotations/instances.json"
    plain = json.loads(path.read_text())
    for place, value in changed.items():
        key, _, number = place.partition("_")
        if number:
            plain[key][int(number)].update(value)
        else:
            plain[key] = value
    path.write_text(json.dumps(plain))
    return Coco(path=str(path))


def coco_text(root: Path, text: str | bytes) -> Source:
    path = formats.coco(root) / "annotations/instances.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Coco(path=str(path))


def coco_set_cut_off(root: Path) -> Source:
    """Write sets of which one ends in the middle, before anything but images is named."""
    path = formats.coco_sets(root) / "annotations/instances_val2017.json"
    path.write_text(path.read_text()[:60])
    return Coco(path=str(root))


def yolo_bytes(root: Path, file: str, content: bytes) -> Source:
    (formats.yolo(root) / file).write_bytes(content)
    return Yolo(path=str(root))


def yolo(root: Path, lines: str, file: str = "labels/a.txt") -> Source:
    (formats.yolo(root) / file).write_text(lines)
    return Yolo(path=str(root))


def yolo_yaml(root: Path, text: str) -> Source:
    formats.yolo_sets(root).write_text(text)
    return Yolo(path=str(root))


def yolo_list(root: Path, text: str) -> Source:
    source = yolo_yaml(root, "names: [a, b]\ntrain: list.txt\n")
    write(root / "list.txt", text)
    return source


def voc(root: Path, text: str | bytes, file: str = "Annotations/a.xml") -> Source:
    path = formats.voc(root) / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Voc(path=str(root))


def voc_box(root: Path, *corners: object) -> Source:
    picture = formats.Picture("a.png", (formats.Thing("dog", corners),))
    return voc(root, formats.voc_xml(picture))


def studio(root: Path, *values: dict[str, Any], **task: Any) -> Source:
    """Write the scene for Label Studio with a first task of other values, or another image."""
    path = formats.studio(root)
    tasks = json.loads(path.read_text())
    if values:
        results = [formats.studio_result(i, value) for i, value in enumerate(values)]
        tasks[0]["annotations"] = [{"result": results}]
    tasks[0]["data"].update(task)
    path.write_text(json.dumps(tasks))
    return LabelStudio(path=str(path))


def studio_task(root: Path, **task: Any) -> Source:
    """Write the scene for Label Studio with other values in its first task."""
    path = formats.studio(root)
    tasks = json.loads(path.read_text())
    tasks[0].update(task)
    path.write_text(json.dumps(tasks))
    return LabelStudio(path=str(path))


def many(root: Path) -> Source:
    categories = [{"id": i, "name": f"class {i}"} for i in range(100_000)]
    return coco(root, categories=categories)


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><annotation>&b;</annotation>'
READS = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation><filename>&f;</filename></annotation>'
FAR = {"rectanglelabels": ["dog"], "x": 150, "y": 0, "width": 10, "height": 10}

REFUSED = {
    "coco: broken": (
        lambda r: coco_text(r, '{"images": [\n{]'),
        r"instances.json, line 2, column \d+: this is no JSON",
    ),
    "coco: empty": (lambda r: coco_text(r, ""), "the file is empty"),
    "coco: not UTF-8": (lambda r: coco_text(r, b'{"images": ["\xe9"]}'), "line 1, column .*no JSON"),
    "coco: deep": (lambda r: coco_text(r, '{"images":' + "[" * 5000), "no JSON"),
    "coco: deep, NaN": (lambda r: coco_text(r, '{"NaN":' + "[" * 50_000 + "NaN"), "no JSON"),
    "coco: huge": (lambda r: coco(r, annotations_0={"bbox": [10**400, 2, 3, 4]}), "no JSON .*infinity"),
    "coco: a number": (lambda r: coco_text(r, "7"), "is no COCO file: it holds no object"),
    "coco: no images": (lambda r: coco(r, images=[]), "it names no images"),
    "coco: images no list": (lambda r: coco(r, images="a.png"), "its images are no list"),
    "coco: texts as annotations": (lambda r: coco(r, annotations=["x"]), "something else at place 0"),
    "coco: leads out": (
        lambda r: coco(r, images_1={"file_name": f"../../{outside(r).name}"}),
        r"image 1: the file lies outside .*images_root",
    ),
    "coco: absolute": (lambda r: coco(r, images_1={"file_name": str(outside(r))}), "image 1: the file lies outside"),
    "coco: nameless": (lambda r: coco(r, images_1={"file_name": None}), "image 1: no file is named"),
    "coco: nothing there": (
        lambda r: coco(r, images=[{"id": 0, "file_name": "zz.png"}]),
        "none of the 1 files named in instances.json exists",
    ),
    "coco: not annotated": (lambda r: coco(r, annotations=[]), "none of the images is annotated"),
    "coco: 100 000 classes": (many, "100000 classes for 4 images"),
    "coco: two images of one id": (
        lambda r: coco(r, images_2={"id": 1}),
        "instances.json: two images have the id 1: 'b.png' and 'c.png'",
    ),
    "coco: two classes of one id": (
        lambda r: coco(r, categories_0={"id": 7}),
        "two categories have the id 7: 'dog' and 'cat'",
    ),
    "coco: a key twice": (
        lambda r: coco_text(r, '{"images": [{"id": 1, "id": 2, "file_name": "a.png"}], "annotations": []}'),
        "instances.json: a key stands twice in one object: 'id' is 1 and 2",
    ),
    "coco: half a character beside NaN": (lambda r: coco_text(r, '{"images": ["\\ud800", NaN]}'), "no JSON"),
    "coco: a set cut off": (coco_set_cut_off, r"instances_val2017.json, line 1, column \d+: this is no JSON"),
    "yolo: classes in UTF-16 without its mark": (
        lambda r: yolo_bytes(r, "classes.txt", "cat\ndog\n".encode("utf-16-le")),
        "classes.txt, line 1: this is not UTF-8",
    ),
    "yolo: broken yaml": (lambda r: yolo_yaml(r, "names: [a\ntrain: b\n"), "data.yaml, line 2: this is no YAML"),
    "yolo: yaml of a list": (lambda r: Yolo(path=str(write(r / "x.yaml", "- 1"))), "describes no data set"),
    "yolo: names of lists": (lambda r: yolo_yaml(r, "names: [[a], b]\ntrain: images/train\n"), "no list of classes"),
    "yolo: a name cut off": (
        lambda r: yolo_yaml(r, "train: images/train\nnames:\n  0: cat\n  1:"),
        "data.yaml: class 1 has no name",
    ),
    "yolo: train is a number": (lambda r: yolo_yaml(r, "names: [a, b]\ntrain: 7\n"), "train is not there below"),
    "yolo: train missing": (lambda r: yolo_yaml(r, "names: [a, b]\ntrain: zz\n"), "train is not there below"),
    "yolo: train outside": (lambda r: yolo_yaml(r, "names: [a, b]\ntrain: ../../../zz\n"), "train lies outside"),
    "yolo: train absolute": (lambda r: yolo_yaml(r, "names: [a, b]\ntrain: /etc\n"), "train lies outside"),
    "yolo: path outside": (lambda r: yolo_yaml(r, "path: /etc\nnames: [a, b]\ntrain: zz\n"), "leads out of its folder"),
    "yolo: list leads out": (
        lambda r: (r.parent / "x.png").write_bytes(b"x") and yolo_list(r, "images/train/a.png\n../x.png"),
        "list.txt, line 2: the file lies outside",
    ),
    "voc: all broken": (
        lambda r: only_xml(r, "<annotation>\n<object></annotation>"),
        "a.xml, line 2: .*mismatched tag",
    ),
    "voc: entities": (lambda r: only_xml(r, BOMB), "a.xml, line 1: .*declares entities"),
    "voc: reads a file": (lambda r: only_xml(r, READS), "a.xml, line 1: .*declares entities"),
    "voc: deep": (lambda r: only_xml(r, "<annotation>" + "<a>" * 5000), "nested deeper than 100"),
    "studio: broken": (lambda r: LabelStudio(path=str(write(r / "x.json", '[{"data": \n'))), "line 2, column 1"),
    "studio: numbers": (lambda r: LabelStudio(path=str(write(r / "x.json", "[1, 2]"))), "no list of Label Studio's"),
    "studio: no images": (lambda r: LabelStudio(path=str(write(r / "x.json", '[{"a": 1}]'))), "names no images"),
    "studio: leads out": (lambda r: studio(r, image=str(outside(r))), "the file lies outside"),
}


def outside(root: Path) -> Path:
    """Return an image that lies beside ``root``."""
    return images.write(root.parent / "x.png")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def only_xml(root: Path, text: str) -> Source:
    images.write(root / "JPEGImages/a.png")
    write(root / "Annotations/a.xml", text)
    return Voc(path=str(root))


TOLD = {
    "coco: NaN": (lambda r: coco(r, annotations_0={"bbox": [1, 2, float("nan"), 4]}), "1 mark has no usable numbers"),
    "coco: infinite": (lambda r: coco(r, annotations_0={"bbox": [1, 2, float("inf"), 4]}), "1 mark has no usable"),
    "coco: negative": (
        lambda r: coco(r, annotations_0={"bbox": [9, 9, -5, 4]}),
        r"negative size.*a.png \(annotation 1",
    ),
    "coco: texts": (lambda r: coco(r, annotations_0={"bbox": ["x", 2, 3, 4]}), "1 mark has no usable numbers"),
    "coco: three numbers": (lambda r: coco(r, annotations_0={"bbox": [1, 2, 3]}), "1 mark has no usable numbers"),
    "coco: outside": (lambda r: coco(r, annotations_0={"bbox": [50, 2, 3, 4]}), "1 mark lies outside its image"),
    "coco: beyond": (lambda r: coco(r, annotations_0={"bbox": [35, 2, 30, 4]}), "1 mark reaches beyond its image"),
    "coco: two corners": (lambda r: coco(r, annotations_0={"segmentation": [[1, 1, 5, 5]]}), "under 3 corners"),
    "coco: odd corners": (lambda r: coco(r, annotations_0={"segmentation": [[1] * 7]}), "1 mark has no usable numbers"),
    "coco: several": (
        lambda r: coco(r, annotations_0={"segmentation": [[1, 1, 5, 5, 1, 5]] * 2}),
        "1 object consists of several polygons",
    ),
    "coco: no such image": (
        lambda r: coco(r, annotations_0={"image_id": [99]}),
        "without an image.*annotation 1",
    ),
    "coco: no such class": (lambda r: coco(r, annotations_0={"category_id": 99}), r"no known class: a.png .*class 99"),
    "coco: missing": (
        lambda r: coco(r, images_0={"file_name": "zz.png"}),
        r"a missing image: zz.png \(image 0",
    ),
    "coco: 300 characters": (
        lambda r: coco(r, images_0={"file_name": "z" * 300}),
        "1 annotation of .* missing image",
    ),
    "coco: no character": (
        lambda r: coco(r, images_0={"file_name": "z\0.png"}),
        "1 annotation of .* missing image",
    ),
    "coco: twice": (lambda r: coco(r, images_2={"file_name": "a.png"}), "1 image is named several times.*: a.png"),
    "coco: other case": (lambda r: coco(r, images_0={"file_name": "A.PNG"}), "1 name differs from the file's"),
    "coco: a class that nothing shows": (
        lambda r: coco(r, categories=[{"id": 7 + i, "name": name} for i, name in enumerate(("cat", "dog", "fox"))]),
        "1 class has no image: fox",
    ),
    "coco: key points": (
        lambda r: coco(r, annotations_0={"keypoints": [1, 2, 2]}, annotations_1={"keypoints": [1, 2, 2]}),
        "2 objects have keypoints",
    ),
    "coco: no box": (lambda r: coco(r, annotations_0={"bbox": None}), "1 annotation names a class and draws nothing"),
    "coco: another file": (
        lambda r: Coco(path=str(write(formats.coco(r) / "annotations/val.json", '{"x": 1}').parent.parent)),
        "1 other JSON file is not read: val.json",
    ),
    "yolo: a class alone": (lambda r: yolo(r, "1"), r"1 line names a class and draws nothing: .*a.png \(line 1\)"),
    "yolo: an empty set": (
        lambda r: yolo_yaml(r, f"names: [cat, dog]\ntrain: images\nval: {write(r / 'no.txt', '').name}\n"),
        "data.yaml names a set val that holds no image: no.txt",
    ),
    "yolo: a list with a name as it was": (
        lambda r: yolo_list(r, "images/train/A.PNG\nimages/train/c.png\n"),
        "1 name differs",
    ),
    "yolo: a list with a name twice": (lambda r: yolo_list(r, "images/train/a.png\n" * 2), "named several times"),
    "yolo: a name in another encoding": (
        lambda r: yolo(r, "", "labels/\udce9.txt"),
        "1 annotation without an image",
    ),
    "yolo: words": (lambda r: yolo(r, "cat 0.5 0.5 0.1 0.1"), r"1 line is no box and no polygon: .*a.png \(line 1\)"),
    "yolo: three numbers": (lambda r: yolo(r, "\n0 0.5 0.5"), r"1 line is no box and no polygon: .*a.png \(line 2\)"),
    "yolo: a confidence": (lambda r: yolo(r, "0 0.5 0.5 0.1 0.1 0.9"), "1 line is no box and no polygon"),
    "yolo: NaN": (lambda r: yolo(r, "0 nan 0.5 0.1 0.1"), "1 mark has no usable numbers"),
    "yolo: negative": (lambda r: yolo(r, "0 0.5 0.5 -0.1 0.1"), "1 mark has no or a negative size"),
    "yolo: in pixels": (lambda r: yolo(r, "0 200 100 50 50"), "1 mark lies outside its image"),
    "yolo: class 9": (lambda r: yolo(r, "9 0.5 0.5 0.1 0.1"), "1 line names no known class"),
    "yolo: class -1": (lambda r: yolo(r, "-1 0.5 0.5 0.1 0.1"), "1 line names no known class"),
    "yolo: class -1, and no names": (
        lambda r: (yolo(r, "-1 0.5 0.5 0.1 0.1"), (r / "classes.txt").unlink())[0],
        "1 line names no known class",
    ),
    "yolo: class NaN": (lambda r: yolo(r, "nan 0.5 0.5 0.1 0.1"), "1 line names no known class"),
    "yolo: broken image": (lambda r: yolo(r, "not an image", "images/a.png"), "1 image cannot be read.*no image of a"),
    "yolo: no text file": (lambda r: yolo(r, ""), "1 image has no text file and shows nothing.*images/c.png"),
    "yolo: no val": (
        lambda r: yolo_yaml(r, "names: [cat, dog]\ntrain: images\nval: images/nowhere\n"),
        "names a set val that is not there",
    ),
    "voc: broken": (lambda r: voc(r, "<annotation>\n<x>"), "1 annotation that cannot be read.*a.xml, line 2"),
    "voc: foreign": (lambda r: voc(r, "<html/>"), "1 annotation that cannot be read: .*outermost element is <html>"),
    "voc: encoding": (
        lambda r: voc(r, '<?xml version="1.0" encoding="x-none"?><annotation/>'),
        "1 annotation that cannot be read",
    ),
    "voc: words": (lambda r: voc_box(r, "a", "b", 3, 4), r"1 mark has no usable numbers.*a.png \(object 1\)"),
    "voc: NaN": (lambda r: voc_box(r, "nan", 1, 3, 4), "1 mark has no usable numbers"),
    "voc: turned around": (lambda r: voc_box(r, 9, 9, 3, 4), "1 mark has no or a negative size"),
    "voc: no class": (
        lambda r: voc(r, formats.voc_xml(formats.SCENE[0]).replace(">dog<", "> <")),
        r"1 object has no class: a.png \(object 1\)",
    ),
    "voc: no XML": (lambda r: voc(r, "x", "JPEGImages/more.jpg"), "1 image without an XML file: JPEGImages.more.jpg"),
    "voc: no box": (
        lambda r: voc(r, re.sub("<bndbox>.*?</bndbox>", "", formats.voc_xml(formats.SCENE[0]))),
        r"1 object has no box: a.png \(object 1\)",
    ),
    "voc: a name in another encoding": (
        lambda r: voc(r, "x", "JPEGImages/\udce9.png"),
        "1 image named in no valid UTF-8",
    ),
    "voc: a set names what is not there": (
        lambda r: Voc(path=str(write(formats.voc_sets(r) / "ImageSets/Main/train.txt", "a\nzz\n").parents[2])),
        r"1 row of ImageSets without an annotated image: zz",
    ),
    "voc: a set that names nothing": (
        lambda r: Voc(path=str(write(formats.voc_sets(r) / "ImageSets/Main/val.txt", "").parents[2])),
        r"Only images of train are in a set, so that sets do not say how to validate: b\.png, d\.png",
    ),
    "studio: no data": (lambda r: studio_task(r, data=None), "1 annotation naming no image"),
    "studio: a result that is none": (lambda r: studio_task(r, annotations=[{"result": [7]}]), "1 region says nothing"),
    "studio: no result": (lambda r: studio_task(r, annotations=[{"id": 1}]), "1 region says nothing"),
    "studio: a choice of nothing": (lambda r: studio(r, {"choices": []}), "1 choice names no class"),
    "studio: in the net": (
        lambda r: studio(r, image="https://x.org/a.png"),
        "an image in the net, which is never",
    ),
    "studio: in a cloud": (
        lambda r: studio(r, image="s3://bucket/a.png"),
        "an image in the net, which is never",
    ),
    "studio: embedded": (
        lambda r: studio(r, image="data:image/png;base64,xx"),
        "with an image in the net",
    ),
    "studio: no address": (
        lambda r: studio(r, image="http://[x"),
        "with an image in the net",
    ),
    "studio: no image": (lambda r: studio(r, image=None), "1 annotation naming no image: task 1"),
    "studio: outside": (lambda r: studio(r, FAR), "1 mark lies outside its image"),
    "studio: no numbers": (lambda r: studio(r, {**FAR, "x": None}), "1 mark has no usable numbers"),
    "studio: no points": (lambda r: studio(r, {"points": [1], "polygonlabels": ["a"]}), "1 mark has no usable numbers"),
    "studio: no class": (
        lambda r: studio(r, {"choices": ["a"]}, {**FAR, "rectanglelabels": []}),
        r"1 region has no class: images/a.png \(region 2\)",
    ),
    "studio: no data and no id": (
        lambda r: studio_task(r, data=None, id=None),
        "1 annotation naming no image: task 1",
    ),
    "yolo: a listed image is not there": (
        lambda r: yolo_list(r, "images/train/a.png\nzz/x.png"),
        r"Not used: 1 row of list.txt with a missing image: zz/x.png \(line 2\)",
    ),
    "studio: key points": (lambda r: studio(r, {"x": 1, "y": 2, "keypointlabels": ["a"]}), r"keypointlabels \(1\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, tmp_path):
    make, told = REFUSED[case]
    with pytest.raises(DataError, match=f"(?s){told}") as refused:
        make(tmp_path / "set").listing()
    assert refused.value.advice


@pytest.mark.parametrize("case", TOLD)
def test_what_is_told(case, tmp_path):
    make, told = TOLD[case]
    listing = make(tmp_path / "set").listing()
    notices = "\n".join(listing.notices)
    assert re.search(told, notices), notices
    assert all(notice.endswith(".") for notice in listing.notices)


def test_a_second_root_takes_names_that_lead_out(tmp_path):
    """Annotations beside the images, as many tools write them, name them by ``../``."""
    formats.pictures(tmp_path / "pictures", formats.SCENE)
    plain = formats.coco_json(formats.SCENE)
    for named in plain["images"]:
        named["file_name"] = f"../pictures/{named['file_name']}"
    path = write(tmp_path / "drawn/a.json", json.dumps(plain))
    with pytest.raises(DataError, match="lies outside"):
        Coco(path=str(path)).listing()
    listing = Coco(path=str(path), images_root=str(tmp_path / "pictures")).listing()
    assert formats.seen(listing) == formats.expected(formats.SCENE, "box")


def test_absolute_names_inside_the_second_root(tmp_path):
    formats.pictures(tmp_path / "pictures", formats.SCENE)
    plain = formats.coco_json(formats.SCENE)
    for named in plain["images"]:
        named["file_name"] = str(tmp_path / "pictures" / named["file_name"])
    path = write(tmp_path / "drawn/a.json", "\ufeff" + json.dumps(plain))
    listing = Coco(path=str(path), images_root=str(tmp_path / "pictures")).listing()
    assert [record.file for record in listing.records] == ["a.png", "b.png", "c.png", "d.png"]


def test_composed_and_decomposed_names_are_the_same(tmp_path):
    scene = (formats.Picture("cafe\u0301.png", formats.SCENE[0].things), formats.SCENE[1])
    source = coco_of(tmp_path, scene)
    os.rename(tmp_path / "images/cafe\u0301.png", tmp_path / "images/caf\u00e9.png")
    assert {r.file for r in source.listing().records} == {"caf\u00e9.png", "b.png"}


def coco_of(root: Path, scene: tuple[formats.Picture, ...]) -> Source:
    return Coco(path=str(formats.coco(root, scene)))


def test_names_that_differ_in_case_only_are_two_files(tmp_path):
    images.write(tmp_path / "probe.png")
    if (tmp_path / "PROBE.png").exists():
        pytest.skip("this file system does not tell them apart")
    scene = (formats.Picture("a.png", formats.SCENE[0].things), formats.Picture("A.png", formats.SCENE[1].things))
    listing = coco_of(tmp_path, scene).listing()
    assert [record.file for record in listing.records] == ["a.png", "A.png"]
    assert not any("case or" in notice for notice in listing.notices)


def test_one_image_in_two_sets_is_refused(tmp_path):
    formats.voc_sets(tmp_path)
    (tmp_path / "ImageSets/Main/val.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"val\.txt, line 1: the image is in train too"):
        Voc(path=str(tmp_path)).listing()


def test_a_loop_of_links_ends(tmp_path):
    formats.yolo(tmp_path / "set")
    (tmp_path / "set/images/back").symlink_to(tmp_path / "set")
    listing = detect(tmp_path / "set").listing()
    assert len([r for r in listing.records if r.file.count("/") == 1]) == 4
    assert any("back above" in n or "folder above" in n for n in listing.notices)


def test_two_coco_files_of_one_set_are_refused(tmp_path):
    formats.coco_sets(tmp_path)
    (tmp_path / "annotations/instances_valid.json").write_bytes(
        (tmp_path / "annotations/instances_val2017.json").read_bytes()
    )
    with pytest.raises(DataError, match="several COCO files are of the same set"):
        Coco(path=str(tmp_path)).listing()


def test_marks_of_an_image_that_is_listed_twice_are_kept_once(tmp_path):
    listing = yolo_list(tmp_path / "set", "images/train/a.png\nimages/train/a.png\nimages/train/A.PNG\n").listing()
    assert [len(record.marks) for record in listing.records] == [1]


def test_one_small_box_is_no_sign_of_shares_and_a_key_that_stands_twice_alike_no_fault(tmp_path):
    source = coco(tmp_path / "set", annotations_0={"bbox": [0.5, 0.5, 0.5, 0.5]})
    path = Path(source.path)
    path.write_text(path.read_text().replace('"iscrowd": 0', '"iscrowd": 0, "iscrowd": 0'))
    assert not any("shares" in notice for notice in source.listing().notices)


def test_regions_without_a_usable_id_keep_their_own_classes(tmp_path):
    path = formats.studio(tmp_path)
    tasks = json.loads(path.read_text())
    for task in tasks:
        for number, result in enumerate(task["annotations"][0]["result"]):
            result["id"] = {"a": number}
    path.write_text(json.dumps(tasks))
    assert formats.seen(LabelStudio(path=str(path)).listing()) == formats.expected(formats.SCENE, "box")


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("name", ["coco", "label studio", "yolo"])
def test_marks_of_encodings_are_understood(coding, name, tmp_path):
    path = formats.FORMATS[name].write(tmp_path / "set")
    file = {"coco": path / "annotations/instances.json", "yolo": path / "classes.txt"}.get(name, path)
    file.write_bytes(file.read_text().encode(coding))
    listing = detect(file if name == "coco" else path).listing()
    assert formats.seen(listing) == formats.expected(formats.SCENE, "box")
