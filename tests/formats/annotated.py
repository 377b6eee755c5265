"""COCO, Pascal VOC and Label Studio: what their files may hold, and what of it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from formats.frame import HEIGHT, WIDTH, Asked, Given, Outcome, Read, Refused, Situation

COCO, VOC, STUDIO = "COCO", "Pascal VOC", "Label Studio"
_CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
_TWO = {"cat": 1, "dog": 1}


def _images(*names: str) -> list[dict[str, Any]]:
    return [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(names)]


def _on(image: object, category: object, **more: Any) -> dict[str, Any]:
    return {"id": f"{image}/{category}", "image_id": image, "category_id": category, "bbox": [1, 1, 5, 5], **more}


def _coco(
    told: str,
    annotations: Sequence[Mapping[str, Any]],
    happens: Outcome,
    *,
    images: str = "images/{0,1,2}.jpg",
    named: Sequence[Mapping[str, Any]] | None = None,
    categories: object = None,
    **more: Any,
) -> Situation:
    plain = {
        "images": _images("0.jpg", "1.jpg", "2.jpg") if named is None else named,
        "annotations": annotations,
        "categories": _CATEGORIES if categories is None else categories,
    }
    plain = {key: value for key, value in plain.items() if value != "left out"}
    return Situation(COCO, told, Given(images, {"c.json": plain}, "c.json", **more), happens)


_BOTH = [_on(0, 1), _on(1, 2)]


def _per_set(name: str) -> dict[str, Any]:
    plain = {"images": _images("0.jpg", "1.jpg"), "annotations": _BOTH, "categories": _CATEGORIES}
    return {name.format(s): plain for s in ("train", "valid")}


IN_COCO = [
    _coco("images without an annotation", _BOTH, Read(_TWO, none=1, marks={"box": 2})),
    _coco(
        "an annotation of a class that no category has",
        [*_BOTH, _on(2, 9)],
        Read(_TWO, none=1, marks={"box": 2}, told="1 annotation names no known class: 2.jpg (annotation 2/9, class 9)"),
    ),
    _coco(
        "an annotation of an image that is not in the file",
        [*_BOTH, _on(77, 1)],
        Read(_TWO, none=1, marks={"box": 2}, told="Not used: 1 annotation without an image: c.json (annotation 77/1)."),
    ),
    _coco(
        "ids of images that are texts in one list and numbers in the other",
        [_on("0", 1), _on("1", 2), _on("2", 2)],
        Read({"cat": 1, "dog": 2}, marks={"box": 3}),
    ),
    _coco(
        "ids of classes that are texts in one list and numbers in the other",
        [_on(0, "1"), _on(1, "2"), _on(2, "2")],
        Read({"cat": 1, "dog": 2}, marks={"box": 3}),
    ),
    _coco("no categories", _BOTH, Refused("c.json names no categories", ("categories",)), categories="left out"),
    _coco("no annotations (a test set)", [], Refused("none of the images is annotated", "annotations")),
    _coco("no images", _BOTH, Refused("c.json is no COCO file: it names no images", '"images": […]'), named=[]),
    _coco(
        "one number for two categories",
        _BOTH,
        Refused("two categories have the id 1: 'cat' and 'dog'", "an id of its own"),
        categories=[{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}],
    ),
    _coco(
        "one name for two categories",
        _BOTH,
        Read({"cat": 2}, none=1, marks={"box": 2}, told="several ids have one name"),
        categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}],
    ),
    _coco(
        "a category above all others that nothing shows (Roboflow)",
        _BOTH,
        Read({"pets": 0, "cat": 1, "dog": 1}, none=1, marks={"box": 2}, told="1 class has no image: pets"),
        categories=[{"id": 0, "name": "pets"}, *_CATEGORIES],
    ),
    _coco(
        "categories from 0, in another order than their ids",
        _BOTH,
        Read({"dog": 1, "cat": 1}, none=1, marks={"box": 2}),
        categories=[{"id": 2, "name": "cat"}, {"id": 1, "name": "dog"}, {"id": 1, "name": "dog"}][:2],
    ),
    _coco(
        "polygons",
        [_on(0, 1, segmentation=[[1, 1, 9, 1, 9, 9]]), _on(1, 2, segmentation=[[1, 1, 9, 1, 9, 9]])],
        Read(_TWO, none=1, marks={"box": 2, "polygon": 2}),
    ),
    _coco(
        "an object of two polygons",
        [_on(0, 1, segmentation=[[1, 1, 9, 1, 9, 9], [1, 1, 4, 1, 4, 4]]), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 2, "polygon": 2}, told="1 object consists of several polygons"),
    ),
    _coco(
        "run-length masks (RLE)",
        [_on(0, 1, segmentation={"counts": [1, 2], "size": [16, 20]}), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 2, "mask": 1}),
    ),
    _coco(
        "a crowd",
        [_on(0, 1, iscrowd=1, segmentation={"counts": "abc", "size": [16, 20]}), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 2, "mask": 1}),
    ),
    _coco(
        "a class of the image alone, without box and shape",
        [{"id": 1, "image_id": 0, "category_id": 1}, {"id": 2, "image_id": 1, "category_id": 2}],
        Read(_TWO, none=1),
    ),
    _coco(
        "an empty box and an empty shape",
        [_on(0, 1, bbox=[], segmentation=[]), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 1}),
    ),
    _coco(
        "keypoints",
        [_on(0, 1, keypoints=[1, 2, 2], num_keypoints=1), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 2}, told="1 object has keypoints, which are not used"),
    ),
    _coco(
        "captions (captions_train2017.json)",
        [{"id": 1, "image_id": 0, "caption": "a cat"}],
        Refused("c.json holds captions, and no classes", "instances"),
        categories="left out",
    ),
    _coco(
        "panoptic segments",
        [
            {"image_id": 0, "file_name": "0.png", "segments_info": [{"id": 5, "category_id": 1, "bbox": [1, 1, 5, 5]}]},
            {"image_id": 1, "file_name": "1.png", "segments_info": [{"id": 6, "category_id": 2, "bbox": [1, 1, 5, 5]}]},
        ],
        Read(_TWO, none=1, marks={"box": 2}),
    ),
    _coco(
        "a box of four texts", [_on(0, 1, bbox=["1", "1", "5", "5"]), _on(1, 2)], Read(_TWO, none=1, marks={"box": 2})
    ),
    _coco(
        "a box of three numbers",
        [_on(0, 1, bbox=[1, 1, 5]), _on(1, 2), _on(1, 1)],
        Read(
            _TWO, none=2, marks={"box": 2}, told="1 mark has no usable numbers and is left out: 0.jpg (annotation 0/1)"
        ),
    ),
    _coco(
        "a box without a width",
        [_on(0, 1, bbox=[1, 1, 0, 5]), _on(1, 2), _on(1, 1)],
        Read(_TWO, none=2, marks={"box": 2}, told="no or a negative size"),
    ),
    _coco(
        "a box of corners, that reaches beyond the image",
        [_on(0, 1, bbox=[12, 10, 19, 15]), _on(1, 2)],
        Read(_TWO, none=1, marks={"box": 2}, told="1 mark reaches beyond its image's edge: 0.jpg"),
    ),
    _coco(
        "boxes in shares of the image",
        [_on(0, 1, bbox=[0.1, 0.1, 0.5, 0.5]), _on(1, 2, bbox=[0.2, 0.2, 0.6, 0.6])],
        Read(_TWO, none=1, marks={"box": 2}, told="smaller than a pixel"),
    ),
    _coco(
        "file names with their folder",
        _BOTH,
        Read(_TWO, marks={"box": 2}),
        named=_images("images/0.jpg", "images/1.jpg"),
    ),
    _coco(
        "file names with folders of classes",
        _BOTH,
        Read(_TWO, marks={"box": 2}),
        images="images/{cat/0,dog/0}.jpg",
        named=_images("cat/0.jpg", "dog/0.jpg"),
    ),
    _coco(
        "an address in place of a file name (LVIS)",
        _BOTH,
        Read(_TWO, marks={"box": 2}),
        named=[{"id": i, "coco_url": f"http://images.example.org/train2017/{i}.jpg"} for i in range(2)],
    ),
    _coco(
        "no file name at all",
        _BOTH,
        Refused("c.json, image 0: no file is named", "Fill it in"),
        named=[{"id": 0}, {"id": 1}],
    ),
    _coco(
        "an image named twice",
        _BOTH,
        Read(_TWO, marks={"box": 2}, told="image is named several times and kept once"),
        named=_images("0.jpg", "1.jpg", "0.jpg"),
    ),
    _coco(
        "two images of one id",
        _BOTH,
        Refused("two images have the id 0: '0.jpg' and '2.jpg'", "an id of its own"),
        named=[*_images("0.jpg", "1.jpg"), {"id": 0, "file_name": "2.jpg"}],
    ),
    _coco(
        "widths and heights that are not said",
        _BOTH,
        Read(_TWO, marks={"box": 2}),
        named=[{"id": i, "file_name": f"{i}.jpg"} for i in range(2)],
    ),
    Situation(
        COCO,
        "_annotations.coco.json in train and valid (Roboflow)",
        Given("{train,valid}/{0,1}.jpg", _per_set("{}/_annotations.coco.json")),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, marks={"box": 4}, by="coco"),
    ),
    Situation(
        COCO,
        "annotations/instances_train.json and instances_valid.json, and others beside",
        Given(
            "{train,valid}/{0,1}.jpg",
            {**_per_set("annotations/instances_{}.json"), **_per_set("annotations/captions_{}.json")},
        ),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, marks={"box": 4}, by="coco"),
    ),
    Situation(
        COCO,
        "a folder with one COCO file and images",
        Given("images/{0,1}.jpg", {"result.json": _per_set("{}")["train"]}),
        Read(_TWO, marks={"box": 2}, by="coco"),
    ),
    Situation(
        COCO,
        "one COCO file beside class folders that say the same",
        Given("{cat/0,dog/1}.jpg", {"result.json": _per_set("{}")["train"]}),
        Read(_TWO, marks={"box": 2}, by="coco", also="Class folders"),
    ),
    Situation(
        COCO,
        "one COCO file beside class folders that say something else",
        Given("{oak/0,elm/1}.jpg", {"result.json": _per_set("{}")["train"]}),
        Asked(
            "Does result.json say what the images show, or do the folders elm, oak?",
            {
                "COCO: result.json": Read(_TWO, marks={"box": 2}, by="coco"),
                "Class folders": Read({"elm": 1, "oak": 1}, by="folder"),
            },
        ),
    ),
    Situation(
        COCO,
        "one COCO file beside numbered parts of the images",
        Given("{part1/0,part2/1}.jpg", {"result.json": _per_set("{}")["train"]}),
        Read(_TWO, marks={"box": 2}, by="coco"),
    ),
    Situation(
        COCO,
        "two COCO files of which neither is a set",
        Given("images/{0,1}.jpg", {f"{n}.json": _per_set("{}")["train"] for n in "ab"}),
        Refused("there are several COCO files", "Give the path of one"),
    ),
    Situation(
        COCO,
        "a list of detections (results)",
        Given(
            "{0,1}.jpg", {"r.json": [{"image_id": 0, "category_id": 1, "bbox": [1, 1, 5, 5], "score": 0.9}]}, "r.json"
        ),
        Refused("the format of COCO's results, what a model has detected, which is not read", "Give the ground truth"),
    ),
    Situation(
        COCO,
        "a JSON file that is cut off",
        Given("0.jpg", {"c.json": '{"images": [{"id": 1,\n "file_name": "0.j'}, "c.json"),
        Refused("c.json, line 2, column", "Repair the file, or export it again"),
    ),
    Situation(
        COCO,
        "a byte order mark before the JSON",
        Given("{0,1}.jpg", {"c.json": b"\xef\xbb\xbf" + json.dumps(_per_set("{}")["train"]).encode()}, "c.json"),
        Read(_TWO, marks={"box": 2}),
    ),
    Situation(
        COCO,
        "an empty JSON file",
        Given("0.jpg", {"c.json": ""}, "c.json"),
        Refused("the file is empty", "export it again"),
    ),
    Situation(
        COCO,
        "a JSON file of something else",
        Given("0.jpg", {"c.json": {"a": 1}}, "c.json"),
        Refused("c.json is no COCO file", '"images": […]'),
    ),
    Situation(
        COCO,
        "NaN in a box",
        Given(
            "{0,1}.jpg",
            {
                "c.json": json.dumps(
                    {
                        "images": _images("0.jpg", "1.jpg"),
                        "annotations": [*_BOTH, _on(0, 2, bbox=[float("nan"), 1, 5, 5])],
                        "categories": _CATEGORIES,
                    }
                )
            },
            "c.json",
        ),
        Read(_TWO, marks={"box": 2}, told="1 mark has no usable numbers"),
    ),
]


def _xml(
    *things: str, name: str = "0.jpg", size: str = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
) -> str:
    objects = "".join(_thing(thing) if not thing.startswith("<") else thing for thing in things)
    return f"<annotation><folder>x</folder><filename>{name}</filename>{size}{objects}</annotation>"


def _thing(name: str, box: str = "1 1 6 6", more: str = "") -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True)
    inside = "".join(f"<{corner}>{number}</{corner}>" for corner, number in corners)
    return f"<object><name>{name}</name>{more}<bndbox>{inside}</bndbox></object>"


def _voc(
    told: str, texts: Mapping[str, Any], happens: Outcome, *, images: str = "JPEGImages/{0,1}.jpg", **more: Any
) -> Situation:
    whole = {"Annotations/0.xml": _xml("cat"), "Annotations/1.xml": _xml("dog", name="1.jpg"), **texts}
    return Situation(VOC, told, Given(images, {k: v for k, v in whole.items() if v is not None}, **more), happens)


_PLAIN = Read(_TWO, marks={"box": 2})
_NO = {"Annotations/0.xml": None, "Annotations/1.xml": None}
IN_VOC = [
    _voc("Annotations and JPEGImages", {}, _PLAIN),
    _voc(
        "ImageSets/Main says who trains and validates",
        {"ImageSets/Main/train.txt": "0\n", "ImageSets/Main/val.txt": "1\n"},
        Read(_TWO, {"train": 1, "val": 1}, marks={"box": 2}),
    ),
    _voc(
        "a list per class with -1, 0 and 1 beside (cat_train.txt)",
        {
            "ImageSets/Main/train.txt": "0\n",
            "ImageSets/Main/val.txt": "1\n",
            "ImageSets/Main/cat_train.txt": "0  1\n1 -1\n",
        },
        Read(_TWO, {"train": 1, "val": 1}, marks={"box": 2}),
    ),
    _voc(
        "trainval.txt and test.txt",
        {"ImageSets/Main/trainval.txt": "0\n", "ImageSets/Main/test.txt": "1\n"},
        Read(_TWO, {"train": 1, "test": 1}, marks={"box": 2}),
    ),
    _voc(
        "lists right in ImageSets",
        {"ImageSets/train.txt": "0\n", "ImageSets/val.txt": "1\n"},
        Read(_TWO, {"train": 1, "val": 1}, marks={"box": 2}),
    ),
    _voc(
        "lists with the files' endings",
        {"ImageSets/Main/train.txt": "0.jpg\n", "ImageSets/Main/val.txt": "1.jpg\n"},
        Read(_TWO, {"train": 1, "val": 1}, marks={"box": 2}),
    ),
    _voc(
        "an image in two lists",
        {"ImageSets/Main/train.txt": "0\n1\n", "ImageSets/Main/val.txt": "1\n"},
        Refused("val.txt, line 1: the image is in train too", "one set only"),
    ),
    _voc(
        "a list names an image that is not there",
        {"ImageSets/Main/train.txt": "0\n7\n", "ImageSets/Main/val.txt": "1\n"},
        Read(
            _TWO,
            {"train": 1, "val": 1},
            marks={"box": 2},
            told="Not used: 1 row of ImageSets without an annotated image: 7.",
        ),
    ),
    _voc(
        "file names without an ending",
        {"Annotations/0.xml": _xml("cat", name="0"), "Annotations/1.xml": _xml("dog", name="1")},
        _PLAIN,
    ),
    _voc(
        "file names that were renamed since",
        {"Annotations/0.xml": _xml("cat", name="old.jpg"), "Annotations/1.xml": _xml("dog", name="x.jpg")},
        _PLAIN,
    ),
    _voc(
        "all files name the same image (a copied line)",
        {"Annotations/1.xml": _xml("dog", name="0.jpg")},
        Read(_TWO, marks={"box": 2}, files={"0.jpg": "cat", "1.jpg": "dog"}),
    ),
    _voc(
        "no file names", {"Annotations/0.xml": _xml("cat", name=""), "Annotations/1.xml": _xml("dog", name="")}, _PLAIN
    ),
    _voc(
        "XML files beside their images (labelImg)",
        {**_NO, "0.xml": _xml("cat"), "1.xml": _xml("dog", name="1.jpg")},
        _PLAIN,
        images="{0,1}.jpg",
    ),
    _voc(
        "XML files beside their images in train and valid (Roboflow)",
        {
            **_NO,
            **{
                f"{s}/{i}.xml": _xml(c, name=f"{i}.jpg")
                for s in ("train", "valid")
                for i, c in enumerate(("cat", "dog"))
            },
        },
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, marks={"box": 4}),
        images="{train,valid}/{0,1}.jpg",
    ),
    _voc("images in the folder images", {}, _PLAIN, images="images/{0,1}.jpg"),
    _voc("endings in upper case", {}, _PLAIN, images="JPEGImages/{0,1}.JPG"),
    _voc("images that are PNG, named as JPEG", {}, _PLAIN, images="JPEGImages/{0,1}.png"),
    _voc(
        "an object without a box",
        {"Annotations/0.xml": _xml("<object><name>cat</name></object>")},
        Read(_TWO, marks={"box": 1}),
    ),
    _voc(
        "an object without a name",
        {"Annotations/0.xml": _xml("cat", _thing(""))},
        Read(_TWO, marks={"box": 2}, told="1 object has no class"),
    ),
    _voc(
        "an XML file without objects",
        {"Annotations/2.xml": _xml(name="2.jpg")},
        Read(_TWO, none=1, marks={"box": 2}),
        images="JPEGImages/{0,1,2}.jpg",
    ),
    _voc(
        "an image without an XML file",
        {},
        Read(_TWO, marks={"box": 2}, told="Not used: 1 image without an XML file: JPEGImages/2.jpg."),
        images="JPEGImages/{0,1,2}.jpg",
    ),
    _voc(
        "an XML file without an image",
        {"Annotations/2.xml": _xml("dog", name="2.jpg")},
        Read(
            _TWO, marks={"box": 2}, told="Not used: 1 annotation of the XML files with a missing image: 2.jpg (2.xml)."
        ),
    ),
    _voc(
        "a turned box",
        {
            "Annotations/0.xml": _xml(
                "<object><name>cat</name><robndbox><cx>9</cx><cy>8</cy><w>6</w><h>4</h><angle>.5</angle></robndbox></object>"
            )
        },
        Read(_TWO, marks={"rotated box": 1, "box": 1}),
    ),
    _voc("corners that are decimals", {"Annotations/0.xml": _xml(_thing("cat", "1.5 1.5 6.5 6.5"))}, _PLAIN),
    _voc(
        "xmin larger than xmax",
        {"Annotations/0.xml": _xml(_thing("cat", "9 1 6 6"), "cat")},
        Read(_TWO, marks={"box": 2}, told="no or a negative size"),
    ),
    _voc(
        "corners that are no numbers",
        {"Annotations/0.xml": _xml(_thing("cat", "a 1 6 6"), "cat")},
        Read(_TWO, marks={"box": 2}, told="no usable numbers"),
    ),
    _voc(
        "width and height of 0",
        {"Annotations/0.xml": _xml("cat", size="<size><width>0</width><height>0</height></size>")},
        _PLAIN,
    ),
    _voc(
        "difficult and truncated objects",
        {"Annotations/0.xml": _xml(_thing("cat", more="<difficult>1</difficult><truncated>0</truncated>"))},
        Read(_TWO, marks={"box": 2}, columns=("difficult", "truncated")),
    ),
    _voc(
        "an XML file that is cut off",
        {"Annotations/2.xml": "<annotation><filename>2.jpg</file"},
        Read(
            _TWO,
            marks={"box": 2},
            told=(
                "Not used: 1 image with a broken XML file: JPEGImages/2.jpg.",
                "1 annotation that cannot be read: 2.xml, line 1",
            ),
        ),
        images="JPEGImages/{0,1,2}.jpg",
    ),
    _voc(
        "an XML file of something else among them",
        {"Annotations/2.xml": "<project/>"},
        Read(_TWO, marks={"box": 2}, told="2.xml: its outermost element is <project>"),
    ),
    _voc(
        "entities that grow (a bomb)",
        {"Annotations/2.xml": '<!DOCTYPE a [<!ENTITY b "x">]><annotation>&b;</annotation>'},
        Read(_TWO, marks={"box": 2}, told="it declares entities, which are not read"),
    ),
    _voc(
        "all XML files cut off",
        {"Annotations/0.xml": "<annotation>", "Annotations/1.xml": "<annotation>"},
        Refused("0.xml, line 1: this is no XML that can be used", "Repair the file"),
    ),
    _voc("class names with spaces around", {"Annotations/0.xml": _xml(" cat\n")}, _PLAIN),
    Situation(
        VOC,
        "masks in SegmentationClass without XML",
        Given("JPEGImages/{0,1}.jpg; SegmentationClass/{0,1}.png"),
        Refused("no mask can be used", "it has colours where it should have one value per pixel"),
    ),
    Situation(
        VOC,
        "a stray XML file beside class folders",
        Given("{cat,dog}/{0,1}.jpg", {"dataset.xml": "<info><a>1</a></info>"}),
        Read({"cat": 2, "dog": 2}, by="folder"),
    ),
    Situation(
        VOC,
        "annotations in one folder, class folders in another (Stanford Dogs)",
        Given("Images/{pug,boxer}/{0,1}.jpg", {"Annotation/pug/0": _xml("pug"), "Annotation/boxer/0": _xml("boxer")}),
        Read({"pug": 2, "boxer": 2}, by="folder", told="Annotation"),
    ),
]


def _choice(*names: str, group: str = "choice") -> dict[str, Any]:
    return {"id": group, "from_name": group, "to_name": "image", "type": "choices", "value": {"choices": list(names)}}


def _region(kind: str, value: Mapping[str, Any], name: str = "cat") -> dict[str, Any]:
    return {
        "id": "r",
        "type": f"{kind}labels",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": {**value, f"{kind}labels": [name]},
    }


def _task(number: int, *results: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"image": f"/data/upload/1/{number}.jpg"},
        "annotations": [{"result": list(results)}],
        **more,
    }


def _studio(
    told: str, tasks: object, happens: Outcome, images: str = "{0,1,2}.jpg", name: str = "export.json"
) -> Situation:
    return Situation(STUDIO, told, Given(images, {name: tasks}, name), happens)


_CHOSEN = [_task(0, _choice("cat")), _task(1, _choice("dog"))]
IN_STUDIO = [
    _studio("a choice per image", _CHOSEN, Read(_TWO)),
    _studio(
        "several choices",
        [_task(0, _choice("cat", "dog")), _task(1, _choice("dog"))],
        Read({"cat": 1, "dog": 2}, files={"0.jpg": "cat + dog"}),
    ),
    _studio(
        "JSON-MIN with one choice each",
        [
            {"image": "/data/upload/1/0.jpg", "id": 0, "choice": "cat"},
            {"image": "/data/upload/1/1.jpg", "id": 1, "choice": "dog"},
        ],
        Read(_TWO),
    ),
    _studio(
        "JSON-MIN with several choices",
        [
            {"image": "/data/upload/1/0.jpg", "id": 0, "choice": {"choices": ["cat", "dog"]}},
            {"image": "/data/upload/1/1.jpg", "id": 1, "choice": "dog"},
        ],
        Read({"cat": 1, "dog": 2}),
    ),
    _studio(
        "JSON-MIN with boxes",
        [
            {
                "image": "0.jpg",
                "id": 0,
                "label": [
                    {
                        "x": 1,
                        "y": 1,
                        "width": 9,
                        "height": 9,
                        "rectanglelabels": ["cat"],
                        "original_width": 20,
                        "original_height": 16,
                    }
                ],
            },
            {"image": "1.jpg", "id": 1, "choice": "dog"},
        ],
        Read(_TWO, marks={"box": 1}),
    ),
    _studio(
        "CSV with one choice each",
        "image,id,choice,annotator,annotation_id,created_at\n/data/upload/1/0a1b2c3d-0.jpg,1,cat,1,1,x\n"
        "/data/upload/1/0a1b2c3d-1.jpg,2,dog,1,2,x\n",
        Read(_TWO),
        name="export.csv",
    ),
    _studio(
        "CSV with several choices",
        'image,id,choice\n0.jpg,1,"{""choices"":[""cat"",""dog""]}"\n1.jpg,2,dog\n2.jpg,3,cat\n',
        Read({"cat": 2, "dog": 2}),
        name="export.csv",
    ),
    _studio(
        "CSV with boxes",
        'image,id,label\n0.jpg,1,"[{""x"":1,""y"":1,""width"":9,""height"":9,""rectanglelabels"":[""cat""]}]"\n'
        '1.jpg,2,"[{""x"":1,""y"":1,""width"":9,""height"":9,""rectanglelabels"":[""dog""]}]"\n',
        Refused("export.csv, line 2: label holds regions that were drawn", "as JSON"),
        name="export.csv",
    ),
    _studio(
        "boxes",
        [
            _task(0, _region("rectangle", {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 0})),
            _task(1, _choice("dog")),
        ],
        Read(_TWO, marks={"box": 1}),
    ),
    _studio(
        "a turned box",
        [
            _task(0, _region("rectangle", {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 30})),
            _task(1, _choice("dog")),
        ],
        Read(_TWO, marks={"rotated box": 1}),
    ),
    _studio(
        "polygons",
        [_task(0, _region("polygon", {"points": [[1, 1], [50, 1], [50, 50]]})), _task(1, _choice("dog"))],
        Read(_TWO, marks={"polygon": 1}),
    ),
    _studio(
        "brushes",
        [_task(0, _region("brush", {"format": "rle", "rle": [1]})), _task(1, _choice("dog"))],
        Read(_TWO, marks={"mask": 1}),
    ),
    _studio(
        "keypoints",
        [_task(0, _choice("cat"), _region("keypoint", {"x": 1, "y": 1})), _task(1, _choice("dog"))],
        Read(_TWO, told="keypointlabels (1)"),
    ),
    _studio(
        "texts and ratings beside choices",
        [
            _task(0, _choice("cat"), {"type": "textarea", "value": {"text": ["x"]}}),
            _task(1, _choice("dog"), {"type": "rating", "value": {"rating": 3}}),
        ],
        Read(_TWO, told=("textarea (1)", "rating (1)")),
    ),
    _studio(
        "a task that nobody has annotated",
        [*_CHOSEN, {"id": 2, "data": {"image": "2.jpg"}, "annotations": []}],
        Read(_TWO, none=1, told="1 image is not annotated yet, and kept without a label"),
    ),
    _studio(
        "an annotation that was cancelled",
        [
            *_CHOSEN,
            {"id": 2, "data": {"image": "2.jpg"}, "annotations": [{"was_cancelled": True, "result": [_choice("cat")]}]},
        ],
        Read(_TWO, none=1, told="1 image is not annotated yet"),
    ),
    _studio(
        "several annotations of one task",
        [
            _task(
                0,
                _choice("cat"),
                annotations=[
                    {"updated_at": "2024-01-01", "result": [_choice("dog")]},
                    {"updated_at": "2024-02-01", "result": [_choice("cat")]},
                ],
            ),
            _task(1, _choice("dog")),
        ],
        Read(_TWO, told="1 image has several annotations; of each, the ground truth or else the newest is used"),
    ),
    _studio(
        "predictions alone",
        [_task(i, annotations=[], predictions=[{"result": [_choice("cat")]}]) for i in range(2)],
        Refused("none of the images is annotated", "predictions of a model"),
    ),
    _studio(
        "tasks of texts, without images",
        [{"id": 1, "data": {"text": "hello"}, "annotations": []}],
        Refused("export.json names no images", '"image"'),
    ),
    _studio(
        "the image under another key",
        [
            {**_task(0, _choice("cat")), "data": {"photo": "0.jpg"}},
            {**_task(1, _choice("dog")), "data": {"photo": "1.jpg"}},
        ],
        Read(_TWO),
    ),
    _studio(
        "other fields of a task become columns",
        [
            {**_task(0, _choice("cat")), "data": {"image": "0.jpg", "site": "A"}},
            {**_task(1, _choice("dog")), "data": {"image": "1.jpg", "site": "B"}},
        ],
        Read(_TWO, columns=("site",)),
    ),
    _studio(
        "an image in the file itself (data:image/png;base64)",
        [{**_task(0, _choice("cat")), "data": {"image": "data:image/png;base64,AAAA"}}],
        Refused("are written into it, and are not read from there", "with the images as files"),
    ),
    Situation(
        STUDIO,
        "the folder with the export and the images in one folder",
        Given("images/{0,1}.jpg", {"project-1-at-2024-05-02.json": _CHOSEN}),
        Read(_TWO, by="label studio"),
    ),
    Situation(
        STUDIO,
        "the folder with the export, and the images beside it",
        Given("{0,1}.jpg", {"export.json": _CHOSEN}),
        Read(_TWO, by="label studio"),
    ),
    Situation(
        STUDIO,
        "two exports in one folder",
        Given("images/{0,1}.jpg", {f"{n}.json": _CHOSEN for n in "ab"}),
        Refused("there are several exports of Label Studio", "Give the path of one"),
    ),
    Situation(
        STUDIO,
        "an export beside class folders that say the same",
        Given("{cat/0,dog/1}.jpg", {"export.json": _CHOSEN}),
        Read(_TWO, by="folder", also="Label Studio: export.json"),
    ),
    Situation(
        STUDIO,
        "an export beside class folders that say something else",
        Given("{oak/0,elm/1}.jpg", {"export.json": _CHOSEN}),
        Asked(
            "Does export.json say what the images show, or do the folders elm, oak?",
            {"Label Studio: export.json": Read(_TWO, by="label studio"), "Class folders": Read({"elm": 1, "oak": 1})},
        ),
    ),
    _studio(
        "two groups of choices (species, quality)",
        [
            _task(0, _choice("cat", group="species"), _choice("sharp", group="quality")),
            _task(1, _choice("dog", group="species"), _choice("blurred", group="quality")),
        ],
        Asked(
            "species and quality are groups of choices: which are the labels?",
            {
                "Labels: all groups": Read({"blurred": 1, "cat": 1, "dog": 1, "sharp": 1}),
                "Labels: species": Read(_TWO, columns=("quality",)),
                "Labels: quality": Read({"blurred": 1, "sharp": 1}, columns=("species",)),
            },
        ),
    ),
]

_IN_PETS = {"images": _images("0.jpg", "1.jpg"), "annotations": _BOTH, "categories": _CATEGORIES}
IN_COCO += [
    Situation(
        COCO,
        "one more folder around everything",
        Given("pets/images/{0,1}.jpg", {"pets/annotations.json": _IN_PETS}),
        Read(_TWO, marks={"box": 2}, by="coco"),
    ),
    Situation(
        COCO,
        "one more folder around everything, and a README beside it",
        Given("pets/images/{0,1}.jpg", {"pets/annotations.json": _IN_PETS, "README.txt": "x"}),
        Read(_TWO, marks={"box": 2}, by="coco"),
    ),
    _coco("ids that are decimals (1.0)", [_on(0.0, 1.0), _on(1.0, 2.0)], Read(_TWO, none=1, marks={"box": 2})),
    _coco(
        "categories without a name",
        _BOTH,
        Read({"1": 1, "2": 1}, none=1, marks={"box": 2}),
        categories=[{"id": 1}, {"id": 2}],
    ),
    _coco(
        "a category whose name is null",
        _BOTH,
        Read({"cat": 1}, none=2, marks={"box": 1}, told="1 annotation names no known class: 1.jpg"),
        categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": None}],
    ),
    _coco(
        "file names that two folders have, with their folders",
        _BOTH,
        Read(_TWO, marks={"box": 2}, files={"a/0.jpg": "cat", "b/0.jpg": "dog"}),
        images="{a,b}/0.jpg",
        named=_images("a/0.jpg", "b/0.jpg"),
    ),
]
IN_VOC += [
    Situation(
        VOC,
        "VOCdevkit/VOC2012 around everything",
        Given(
            "VOCdevkit/VOC2012/JPEGImages/{0,1}.jpg",
            {
                "VOCdevkit/VOC2012/Annotations/0.xml": _xml("cat"),
                "VOCdevkit/VOC2012/Annotations/1.xml": _xml("dog", name="1.jpg"),
            },
        ),
        _PLAIN,
    ),
    Situation(
        VOC,
        "annotations/xmls and images",
        Given(
            "images/{0,1}.jpg",
            {"annotations/xmls/0.xml": _xml("cat"), "annotations/xmls/1.xml": _xml("dog", name="1.jpg")},
        ),
        _PLAIN,
    ),
    Situation(
        VOC,
        "train and val with images and annotations inside",
        Given(
            "{train,val}/images/{0,1}.jpg",
            {
                f"{s}/annotations/{i}.xml": _xml(c, name=f"{i}.jpg")
                for s in ("train", "val")
                for i, c in enumerate(("cat", "dog"))
            },
        ),
        Read({"cat": 2, "dog": 2}, {"train": 2, "val": 2}, marks={"box": 4}),
    ),
    Situation(
        VOC,
        "one XML file is given",
        Given("0.jpg", {"0.xml": _xml("cat")}, "0.xml"),
        Refused("one image's annotations (Pascal VOC)", "Give the folder that holds all of the XML files"),
    ),
]
IN_STUDIO += [
    _studio(
        "choices that describe a region (occluded)",
        [
            _task(
                0,
                _region("rectangle", {"x": 1, "y": 1, "width": 9, "height": 9}),
                {
                    "id": "r",
                    "type": "choices",
                    "value": {"x": 1, "y": 1, "width": 9, "height": 9, "choices": ["occluded"]},
                },
            ),
            _task(1, _choice("dog")),
        ],
        Read(_TWO, marks={"box": 1}, told="choices of regions (1)"),
    ),
    _studio(
        "a group of choices for regions beside one for images",
        [
            _task(
                0,
                _choice("cat", group="species"),
                _region("rectangle", {"x": 1, "y": 1, "width": 9, "height": 9}),
                {"id": "r", "from_name": "state", "type": "choices", "value": {"choices": ["occluded"]}},
            ),
            _task(1, _choice("dog", group="species")),
        ],
        Read(_TWO, marks={"box": 1}, told="choices of regions (1)"),
    ),
    _studio(
        "choices that say what a region is",
        [
            _task(
                0,
                {
                    "id": "r",
                    "type": "rectangle",
                    "original_width": WIDTH,
                    "original_height": HEIGHT,
                    "value": {"x": 1, "y": 1, "width": 9, "height": 9},
                },
                {"id": "r", "type": "choices", "value": {"choices": ["cat"]}},
            ),
            _task(1, _choice("dog")),
        ],
        Read(_TWO, marks={"box": 1}),
    ),
    _studio(
        "names that Label Studio wrote without brackets (cat (1).jpg as cat_1.jpg)",
        [
            {**_task(i, _choice(c)), "data": {"image": f"/data/upload/1/0a1b2c3d-{c}_1.jpg"}}
            for i, c in enumerate(("cat", "dog"))
        ],
        Read(_TWO),
        images="{cat,dog} (1).jpg",
    ),
]
_SIDES = [
    {**_task(i, {"type": "choices", "from_name": "left", "value": {"choices": [left]}}), "id": i}
    for i, left in enumerate(("yes", "no"))
]
for _side, _right in zip(_SIDES, ("no", "no"), strict=True):
    _side["annotations"][0]["result"].append({"type": "choices", "from_name": "right", "value": {"choices": [_right]}})
IN_STUDIO.append(
    _studio(
        "two groups with the same choices (left and right: yes, no)",
        _SIDES,
        Asked(
            "left and right are groups of choices: which are the labels?",
            {
                "Labels: all groups": Read({"left: no": 1, "left: yes": 1, "right: no": 2}),
                "Labels: left": Read({"no": 1, "yes": 1}, columns=("right",)),
                "Labels: right": Refused("only one class", "at least one other class"),
            },
        ),
    )
)
SITUATIONS = [*IN_COCO, *IN_VOC, *IN_STUDIO]
