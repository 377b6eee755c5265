"""YOLO: what a data.yaml may say, where images and labels may lie, and what may stand in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formats.frame import Given, Outcome, Read, Refused, Situation

YOLO = "YOLO"
_BOX = ".5 .5 .2 .2"
_SETS = "{train,valid}/images/{0..2}.jpg"
_THREE = {f"{s}/labels/{i}.txt": f"{i} {_BOX}\n" for s in ("train", "valid") for i in range(3)}
_TOPS = "train: ../train/images\nval: ../valid/images\n"
_HALF = {"train": 3, "val": 3}


def _named(told: str, names: str, *classes: str, nc: int = 3, said: str | tuple[str, ...] = ()) -> Situation:
    """Return the situation of a data.yaml with these names, three of them used twice each."""
    text = f"{_TOPS}nc: {nc}\nnames: {names}\n"
    return Situation(
        YOLO,
        told,
        Given(_SETS, {**_THREE, "data.yaml": text}),
        Read(dict.fromkeys(classes, 2), _HALF, marks={"box": 6}, told=said),
    )


def _yolo(told: str, images: str, texts: Mapping[str, Any], happens: Outcome, give: str = "", **more: Any) -> Situation:
    return Situation(YOLO, told, Given(images, texts, give, **more), happens)


NAMES = [
    _named("names as a list", "[cat, dog, emu]", "cat", "dog", "emu"),
    _named("names as a list of lines", "\n- cat\n- dog\n- emu", "cat", "dog", "emu"),
    _named("names by number", "{0: cat, 1: dog, 2: emu}", "cat", "dog", "emu"),
    _named("names in quotes", """["cat", 'dog', "emu"]""", "cat", "dog", "emu"),
    _named("names no, 010 and yes", "\n  0: no\n  1: 010\n  2: yes", "no", "010", "yes"),
    _named("names on, 0x10 and off", "[on, 0x10, off]", "on", "0x10", "off"),
    _named("names 12:30, null and ~", "[12:30, null, ~]", "12:30", "null", "~"),
    _named("names 1e3, 1_000 and .5", "[1e3, 1_000, .5]", "1e3", "1_000", ".5"),
    _named("names true, NaN and 2024-01-01", "[true, NaN, 2024-01-01]", "true", "NaN", "2024-01-01"),
    _named("names with spaces, commas and emoji", '[polar bear, "a, b", 😀]', "polar bear", "a, b", "😀"),
    _named(
        "nc says more classes than there are names",
        "[cat, dog, emu]",
        "cat",
        "dog",
        "emu",
        nc=5,
        said="nc says 5 classes, and names are 3",
    ),
    _named(
        "nc says fewer classes than there are names",
        "[cat, dog, emu]",
        "cat",
        "dog",
        "emu",
        nc=2,
        said="nc says 2 classes, and names are 3",
    ),
    _yolo(
        "two numbers have one name",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}names: [cat, dog, cat]\n"},
        Read({"cat": 4, "dog": 2}, _HALF, marks={"box": 6}, told="several numbers"),
    ),
    _yolo(
        "a name for fewer numbers than are used",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}nc: 2\nnames: [cat, dog]\n"},
        Read(
            {"cat": 2, "dog": 2},
            _HALF,
            none=2,
            marks={"box": 4},
            told="2 lines name no known class: train/images/2.jpg (line 1), valid/images/2.jpg (line 1)",
        ),
    ),
    _yolo(
        "no names at all",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}nc: 3\n"},
        Read({"0": 2, "1": 2, "2": 2}, _HALF, marks={"box": 6}, told="no names of classes"),
        give="data.yaml",
    ),
    _yolo(
        "names that are one text",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}names: cat\n"},
        Refused("data.yaml: names are no list of classes", "names: [cat, dog]"),
    ),
    _yolo(
        "a number twice among names",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}names:\n  0: cat\n  0: dog\n"},
        Refused("data.yaml, line 5: this is no YAML", "Repair the file"),
    ),
    _yolo(
        "broken YAML",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}names: [cat, dog\n"},
        Refused("data.yaml, line", "Repair the file"),
    ),
    _yolo(
        "a class that nothing shows",
        _SETS,
        {**_THREE, "data.yaml": f"{_TOPS}names: [cat, dog, emu, fox]\n"},
        Read({"cat": 2, "dog": 2, "emu": 2, "fox": 0}, _HALF, marks={"box": 6}, told="1 class has no image: fox"),
    ),
]

_INSIDE = "images/{train,val}/{0..2}.jpg"
_LABELS = {f"labels/{s}/{i}.txt": f"{i % 2} {_BOX}\n" for s in ("train", "val") for i in range(3)}
_FOUND = Read({"cat": 4, "dog": 2}, _HALF, marks={"box": 6})
_CAT_DOG = "names: [cat, dog]\n"


def _sets(told: str, text: str, **more: Any) -> Situation:
    return _yolo(told, _INSIDE, {**_LABELS, "data.yaml": f"{text}{_CAT_DOG}"}, more.pop("happens", _FOUND), **more)


_PATHS = {
    "train: images/train": "train: images/train\nval: images/val\n",
    "train: ./images/train/": "train: ./images/train/\nval: ./images/val/\n",
    "train: images\\train": "train: images\\train\nval: images\\val\n",
    "path: ., as Ultralytics writes it": "path: .\ntrain: images/train\nval: images/val\n",
    "a path relative to the folder of data sets": "path: ../datasets/pets\ntrain: images/train\nval: images/val\n",
    "an absolute path of another machine": "path: /content/datasets/pets\ntrain: images/train\nval: images/val\n",
    "an absolute path of Windows": "path: C:\\datasets\\pets\ntrain: images\\train\nval: images\\val\n",
    "absolute folders of another machine": "train: /content/pets/images/train\nval: /content/pets/images/val\n",
    "absolute folders of Windows": "train: D:\\pets\\images\\train\nval: D:\\pets\\images\\val\n",
    "folders below the data set's own name": "train: pets/images/train\nval: pets/images/val\n",
    "lists of folders": "train: [images/train]\nval:\n  - images/val\n",
    "an empty test": "train: images/train\nval: images/val\ntest:\n",
    "a test that is not there": "train: images/train\nval: images/val\ntest: images/test\n",
    "a download address": "train: images/train\nval: images/val\ndownload: https://example.org/pets.zip\n",
    "validation for val": "train: images/train\nvalidation: images/val\n",
}

PLACES = [
    *(_sets(f"data.yaml with {told}", text) for told, text in _PATHS.items()),
    *(
        _sets(f"the file itself given, with {told}", _PATHS[told], give="data.yaml")
        for told in ("train: images/train", "an absolute path of another machine")
    ),
    _sets(
        "a test that is not there is told",
        _PATHS["a test that is not there"],
        happens=Read(
            {"cat": 4, "dog": 2}, _HALF, marks={"box": 6}, told="data.yaml names a set test that is not there"
        ),
    ),
    _sets(
        "train and val are the same folder (coco128)",
        "train: images/train\nval: images/train\n",
        happens=Read({"cat": 2, "dog": 1}, marks={"box": 3}, told="train and val are the same images"),
    ),
    _sets(
        "train is not there",
        "train: images/learn\nval: images/val\n",
        happens=Refused(("data.yaml: the folder of train", "images/learn"), "images_root="),
    ),
    _yolo(
        "images and labels with a folder per set, and no data.yaml",
        _INSIDE,
        {**_LABELS, "classes.txt": "cat\ndog\n"},
        _FOUND,
    ),
    _yolo(
        "a folder per set with images and labels inside, and no data.yaml",
        "{train,val}/images/{0..2}.jpg",
        {
            **{f"{s}/labels/{i}.txt": f"{i % 2} {_BOX}\n" for s in ("train", "val") for i in range(3)},
            "classes.txt": "cat\ndog\n",
        },
        _FOUND,
    ),
    _yolo(
        "text files beside their images (Darknet), with obj.names",
        "{0..2}.jpg",
        {**{f"{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)}, "obj.names": "cat\ndog\n"},
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    ),
    _yolo(
        "CVAT's YOLO 1.1 (obj.data, train.txt, obj_train_data)",
        "obj_train_data/{0..2}.jpg",
        {
            **{f"obj_train_data/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)},
            "obj.names": "cat\ndog\n",
            "obj.data": "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n",
            "train.txt": "".join(f"data/obj_train_data/{i}.jpg\n" for i in range(3)),
        },
        Read({"cat": 2, "dog": 1}, marks={"box": 3}, by="yolo"),
    ),
    _yolo(
        "Roboflow's Darknet export (train/_darknet.labels)",
        "{train,valid}/{0..2}.jpg",
        {
            **{f"{s}/{i}.txt": f"{i % 2} {_BOX}\n" for s in ("train", "valid") for i in range(3)},
            "train/_darknet.labels": "cat\ndog\n",
            "valid/_darknet.labels": "cat\ndog\n",
        },
        _FOUND,
    ),
    _yolo(
        "Label Studio's YOLO export (classes.txt, notes.json)",
        "images/{0..2}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)},
            "classes.txt": "cat\ndog\n",
            "notes.json": {"categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}], "info": {}},
        },
        Read({"cat": 2, "dog": 1}, marks={"box": 3}, by="yolo"),
    ),
    _yolo(
        "classes.txt with a line that shows nothing",
        "images/{0..2}.jpg",
        {**{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)}, "classes.txt": "\u200b\ndog\n"},
        Read({"dog": 1}, none=2, marks={"box": 1}, told="2 lines name no known class"),
    ),
    _yolo(
        "classes.txt among the labels (labelImg)",
        "images/{0..2}.jpg",
        {**{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)}, "labels/classes.txt": "cat\ndog\n"},
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    ),
    _yolo(
        "no file with names",
        "images/{0..2}.jpg",
        {f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)},
        Read({"0": 2, "1": 1}, marks={"box": 3}, told="no names of classes"),
    ),
    _yolo(
        "caches that a trainer left (labels.cache)",
        "images/{0..2}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)},
            "classes.txt": "cat\ndog\n",
            "labels.cache": b"\x80x",
        },
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    ),
    _yolo(
        "train: a text file of images (./images/0.jpg)",
        "images/{0..5}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(6)},
            "train.txt": "./images/0.jpg\n./images/1.jpg\n./images/2.jpg\n",
            "val.txt": "./images/3.jpg\n./images/4.jpg\n./images/5.jpg\n",
            "data.yaml": f"train: train.txt\nval: val.txt\n{_CAT_DOG}",
        },
        Read({"cat": 3, "dog": 3}, _HALF, marks={"box": 6}),
    ),
    _yolo(
        "train: a text file of absolute paths of another machine",
        "images/{0..5}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(6)},
            "train.txt": "".join(f"/content/pets/images/{i}.jpg\n" for i in range(3)),
            "val.txt": "".join(f"/content/pets/images/{i}.jpg\n" for i in range(3, 6)),
            "data.yaml": f"train: train.txt\nval: val.txt\n{_CAT_DOG}",
        },
        Read({"cat": 3, "dog": 3}, _HALF, marks={"box": 6}),
    ),
    _yolo(
        "train: a text file with paths of Windows",
        "images/{0..5}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(6)},
            "train.txt": "".join(f"images\\{i}.jpg\n" for i in range(3)),
            "val.txt": "".join(f"images\\{i}.jpg\n" for i in range(3, 6)),
            "data.yaml": f"train: train.txt\nval: val.txt\n{_CAT_DOG}",
        },
        Read({"cat": 3, "dog": 3}, _HALF, marks={"box": 6}),
    ),
    _yolo(
        "a line of the text file names an image that is gone",
        "images/{0..4}.jpg",
        {
            **{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(6)},
            "train.txt": "images/0.jpg\nimages/1.jpg\nimages/2.jpg\n",
            "val.txt": "images/3.jpg\nimages/4.jpg\nimages/5.jpg\n",
            "data.yaml": f"train: train.txt\nval: val.txt\n{_CAT_DOG}",
        },
        Read({"cat": 3, "dog": 2}, {"train": 3, "val": 2}, marks={"box": 5}, told="images/5.jpg"),
    ),
    _yolo(
        "labels with percent-encoded names (Label Studio)",
        "images/Capture décran {0..2}.jpg",
        {
            **{f"labels/Capture%20d%C3%A9cran%20{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)},
            "classes.txt": "cat\ndog\n",
        },
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    ),
    _yolo(
        "labels of images that are not there",
        "images/{0..2}.jpg",
        {**{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(5)}, "classes.txt": "cat\ndog\n"},
        Read(
            {"cat": 2, "dog": 1},
            marks={"box": 3},
            told="Not used: 2 annotations without an image: labels/3.txt, labels/4.txt.",
        ),
    ),
    _yolo(
        "images with endings in upper case",
        "images/{0..2}.JPG",
        {**{f"labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)}, "classes.txt": "cat\ndog\n"},
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    ),
]


def _lines(told: str, *lines: str, happens: Outcome, names: str = "cat\ndog\n", **texts: str) -> Situation:
    """Return the situation of one image with these lines, beside two that show a cat and a dog."""
    labels = {"labels/0.txt": "\n".join(lines), "labels/1.txt": f"0 {_BOX}\n", "labels/2.txt": f"1 {_BOX}\n"}
    return _yolo(told, "images/{0..2}.jpg", {**labels, "classes.txt": names, **texts}, happens)


_REST = {"cat": 1, "dog": 1}
PLACES += [
    _yolo(
        f"a folder per set, and {told}",
        "images/{train,val}/{0..2}.jpg",
        {**{f"{folder}/{i}.txt": f"{i % 2} {_BOX}\n" for folder in folders for i in range(3)}, **names},
        _FOUND,
    )
    for told, folders, names in (
        ("the labels of both in one folder", ("labels",), {"classes.txt": "cat\ndog\n"}),
        ("the names among the labels", ("labels/train", "labels/val"), {"labels/train/classes.txt": "cat\ndog\n"}),
        ("a file called pets.names", ("labels/train", "labels/val"), {"pets.names": "cat\ndog\n"}),
        ("the names in data/obj.names", ("labels/train", "labels/val"), {"data/obj.names": "cat\ndog\n"}),
    )
]
PLACES += [
    _yolo(
        "Images and Labels with capitals",
        "Images/{0..2}.jpg",
        {**{f"Labels/{i}.txt": f"{i % 2} {_BOX}\n" for i in range(3)}, "classes.txt": "cat\ndog\n"},
        Read({"cat": 2, "dog": 1}, marks={"box": 3}),
    )
]

PLACES += [
    _yolo(
        "one more folder around everything",
        "pets/images/{train,val}/{0..2}.jpg",
        {
            **{f"pets/{file}": text for file, text in _LABELS.items()},
            "pets/data.yaml": f"train: images/train\nval: images/val\n{_CAT_DOG}",
        },
        _FOUND,
    )
]

LINES = [
    _lines("a polygon", "1 .1 .1 .9 .1 .9 .9", happens=Read({"cat": 1, "dog": 2}, marks={"box": 2, "polygon": 1})),
    _lines(
        "a turned box by its four corners (OBB)",
        "1 .1 .1 .9 .1 .9 .9 .1 .9",
        happens=Read({"cat": 1, "dog": 2}, marks={"box": 2, "polygon": 1}),
    ),
    _lines("an empty text file: it shows nothing", "", happens=Read(_REST, none=1, marks={"box": 2})),
    _lines("a class alone, without a box", "1", happens=Read({"cat": 1, "dog": 2}, marks={"box": 2})),
    _lines("a class written 1.0", "1.0 .5 .5 .2 .2", happens=Read({"cat": 1, "dog": 2}, marks={"box": 3})),
    _lines(
        "a class that is a word",
        "dog .5 .5 .2 .2",
        happens=Read(_REST, none=1, marks={"box": 2}, told="1 line is no box and no polygon: images/0.jpg (line 1)"),
    ),
    _lines(
        "lines with commas",
        "1,.5,.5,.2,.2",
        happens=Read(_REST, none=1, marks={"box": 2}, told="no box and no polygon"),
    ),
    _lines(
        "a confidence behind the box, as predictions have it",
        "1 .5 .5 .2 .2 .87",
        happens=Read(_REST, none=1, marks={"box": 2}, told="1 line is no box and no polygon: images/0.jpg (line 1)"),
    ),
    _lines(
        "a box in pixels",
        "1 320 240 100 100",
        happens=Read(_REST, none=1, marks={"box": 2}, told="1 mark lies outside its image and is left out"),
    ),
    _lines(
        "a box that reaches over the edge",
        "1 .95 .5 .4 .2",
        happens=Read({"cat": 1, "dog": 2}, marks={"box": 3}, told="1 mark reaches beyond its image's edge"),
    ),
    _lines(
        "a box without a width",
        "1 .5 .5 0 .2",
        happens=Read(_REST, none=1, marks={"box": 2}, told="no or a negative size"),
    ),
    _lines("a box of NaN", "1 nan .5 .2 .2", happens=Read(_REST, none=1, marks={"box": 2}, told="no usable numbers")),
    _lines(
        "a negative class", "-1 .5 .5 .2 .2", happens=Read(_REST, none=1, marks={"box": 2}, told="names no known class")
    ),
    _lines("a line twice", "1 .5 .5 .2 .2", "1 .5 .5 .2 .2", happens=Read({"cat": 1, "dog": 2}, marks={"box": 4})),
    _lines("an image without a text file", "1 .5 .5 .2 .2", happens=Read({"cat": 1, "dog": 2}, marks={"box": 3})),
    _yolo(
        "images without a text file",
        "images/{0..3}.jpg",
        {"labels/0.txt": f"0 {_BOX}\n", "labels/1.txt": f"1 {_BOX}\n", "classes.txt": "cat\ndog\n"},
        Read(_REST, none=2, marks={"box": 2}, told="2 images have no text file and show nothing of the classes"),
    ),
    _yolo(
        "keypoints behind the box (pose)",
        "images/{train,val}/{0,1}.jpg",
        {
            **{f"labels/{s}/{i}.txt": f"{i} {_BOX} .4 .4 2 .6 .6 2\n" for s in ("train", "val") for i in range(2)},
            "data.yaml": "train: images/train\nval: images/val\nkpt_shape: [2, 3]\nnames: [cat, dog]\n",
        },
        Read(
            {"cat": 2, "dog": 2},
            {"train": 2, "val": 2},
            marks={"box": 4},
            told="Keypoints are not used, their boxes are",
        ),
    ),
    _lines(
        "a text file that is no UTF-8",
        "1 .5 .5 .2 .2",
        happens=Read({"cät": 1, "dog": 2}, marks={"box": 3}),
        names="cät\ndog\n",
    ),
]
LINES = [one for one in LINES if one.told not in ("an image without a text file", "a text file that is no UTF-8")]

HIDDEN = [
    _yolo(
        "a data.yaml beside class folders (Ultralytics' classification)",
        "{train,val}/{cat,dog}/{0,1}.jpg",
        {"data.yaml": "path: .\ntrain: train\nval: val\nnc: 2\nnames: [cat, dog]\n"},
        Read({"cat": 4, "dog": 4}, {"train": 4, "val": 4}, by="folder"),
    ),
    _yolo(
        "a YAML of something else beside class folders",
        "{cat,dog}/{0,1}.jpg",
        {"environment.yaml": "name: pets\ndependencies:\n- python\n"},
        Read({"cat": 2, "dog": 2}, by="folder"),
    ),
    _yolo(
        "a YAML file that describes no data set",
        "{cat,dog}/{0,1}.jpg",
        {"params.yaml": "lr: 0.1\n"},
        Refused("params.yaml describes no data set", "names: the classes"),
        give="params.yaml",
    ),
    _yolo(
        "captions as text files beside images in class folders",
        "{cat,dog}/{0,1}.jpg",
        {f"{c}/{i}.txt": "a photo of a pet\n" for c in ("cat", "dog") for i in range(2)},
        Read({"cat": 2, "dog": 2}, by="folder"),
    ),
    _yolo(
        "captions that are numbers of a scale beside class folders",
        "{cat,dog}/{0,1}.jpg",
        {f"{c}/{i}.txt": "2 cats, 3 dogs\n" for c in ("cat", "dog") for i in range(2)},
        Read({"cat": 2, "dog": 2}, by="folder"),
    ),
    _yolo(
        "requirements.txt and classes.txt beside class folders",
        "{cat,dog}/{0,1}.jpg",
        {"requirements.txt": "torch==2\n", "classes.txt": "cat\ndog\n"},
        Read({"cat": 2, "dog": 2}, by="folder"),
    ),
]

SITUATIONS = [*NAMES, *PLACES, *LINES, *HIDDEN]
