"""Formats that hide in others, formats that are named with the way on, and boxes in tables."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from formats.frame import Asked, Given, Outcome, Read, Refused, Situation, picture

FOLDER, CSV = "image folder", "CSV"
_CLASSES = "{cat,dog}/{0,1}.jpg"
_PETS = {"cat": 2, "dog": 2}


def _beside(
    told: str, texts: Mapping[str, Any], *said: str, also: str = "", by: str = "folder", waits: str = ""
) -> Situation:
    return Situation(FOLDER, told, Given(f"{_CLASSES}; {also}", texts), Read(_PETS, by=by, told=said), waits)


_META = "id,dx\n" + "".join(f"{i}{x},{kind}\n" for i in range(2) for x, kind in (("a", "mole"), ("b", "wart")))
_OTHERWISE = "file,label\n0.jpg,cat\n1.jpg,dog\n2.jpg,cat\n3.jpg,dog\n"
_LABELME = {"version": "5", "shapes": [{"label": "cat", "points": [[1, 2], [3, 4]]}], "imagePath": "0.jpg"}

BESIDE = [
    _beside("a README, a licence and a .DS_Store beside", {"README.md": "x", "LICENSE": "x", ".DS_Store": "x"}),
    _beside(
        "a text file in each class folder",
        {"cat/info.txt": "x", "dog/info.txt": "x"},
        "Not used: 2 files other than images: .txt (2).",
    ),
    _beside("a metadata.csv about something else", {"metadata.csv": "key,value\na,b\n"}),
    Situation(
        FOLDER,
        "a table beside class folders that says the same",
        Given(_CLASSES, {"labels.csv": "file,label\ncat/0.jpg,cat\ndog/0.jpg,dog\n"}),
        Read(_PETS, by="folder", also="Table: labels.csv"),
    ),
    *(
        Situation(
            FOLDER,
            f"a table beside folders of other names{within}",
            Given(f"{at}part_1/{{0a,0b}}.jpg; {at}part_2/{{1a,1b}}.jpg", {f"{at}meta.csv": _META}),
            Asked(
                "Does meta.csv say what the images show, or do the folders part_1, part_2?",
                {"Table: meta.csv": Read({"mole": 2, "wart": 2}), "Class folders": Read({"part_1": 2, "part_2": 2})},
            ),
        )
        for within, at in (("", ""), (", all in one more folder", "data/"))
    ),
    _beside("LabelMe files among the images", {"cat/0.json": _LABELME, "cat/1.json": _LABELME}, ".json (2)"),
    _beside("XML files among the images", {"cat/0.xml": "<a/>"}, "Not used: 1 file other than images: .xml."),
    _beside("a video among the images", {"cat/a.mp4": "x"}, "Not used: 1 file other than images: .mp4."),
    _beside("a checkpoint and a notebook beside", {"model.pth": "x", "train.ipynb": "{}"}),
    _beside(
        "images that lie in no class folder", {}, "Not used: 1 image in no class folder: stray.jpg.", also="stray.jpg"
    ),
    _beside("a class folder that is empty", {"emu/.keep": ""}, "1 folder holds no image and is no class: emu"),
    _beside(
        "thumbnails of a NAS (@eaDir)",
        {},
        "Not used: 2 images in folders made by programs: @eaDir (2).",
        also="cat/@eaDir/0.jpg/SYNO.jpg; @eaDir/x.jpg",
    ),
    _beside(
        "Thumbs.db, desktop.ini and partial downloads",
        {"cat/Thumbs.db": "x", "cat/a.jpg.part": "x", "dog/b.crdownload": "x"},
        "made by programs: ",
    ),
    _beside(
        "what Windows, macOS and trainers leave",
        {},
        "made by programs: ",
        also="$RECYCLE.BIN/a.jpg; System Volume Information/a.jpg; __MACOSX/cat/._0.jpg; #recycle/a.jpg; "
        "wandb/media/a.jpg; runs/train/exp/a.jpg; node_modules/x/a.png; lost+found/a.jpg",
    ),
    _beside(
        "hidden folders (.git, .ipynb_checkpoints, .thumbnails)",
        {},
        also=".git/a.jpg; cat/.ipynb_checkpoints/0-checkpoint.jpg; .thumbnails/a.jpg",
    ),
    _beside("twin files of macOS (._0.jpg)", {"cat/._0.jpg": "x"}),
    Situation(
        FOLDER,
        "a class called runs, with images right in it",
        Given("{runs,walks}/{0,1}.jpg"),
        Read({"runs": 2, "walks": 2}),
    ),
    Situation(
        FOLDER,
        "a folder for masks beside class folders",
        Given("{cat,dog}/{0,1}.jpg; masks/0.png"),
        Read({"cat": 2, "dog": 2, "masks": 1}),
    ),
    Situation(
        FOLDER,
        "folders inside a class (dog/pug, dog/boxer)",
        Given("dog/{pug,boxer}/{0,1}.jpg; cat/{0,1}.jpg"),
        Read({"dog": 4, "cat": 2}, told="2 folders inside classes belong to them: dog/boxer, dog/pug"),
    ),
    Situation(FOLDER, "one more folder around everything", Given("pets/{cat,dog}/{0,1}.jpg"), Read(_PETS)),
    Situation(FOLDER, "three more folders around everything", Given("a/b/c/{cat,dog}/{0,1}.jpg"), Read(_PETS)),
    Situation(
        FOLDER,
        "images in a folder images, and nothing says what they show",
        Given("images/{0,1,2}.jpg"),
        Refused("only one class (images)", "at least one other class"),
    ),
    Situation(
        FOLDER,
        "loose images alone",
        Given("{0,1,2}.jpg"),
        Refused("none of the images lies in a class folder", "one sub-folder per class"),
    ),
    Situation(
        FOLDER,
        "loose images whose names begin with their class (cat.0.jpg)",
        Given("{cat,dog}.{0,1}.jpg"),
        Refused("none of the images lies in a class folder", "one sub-folder per class"),
    ),
    Situation(
        FOLDER,
        "a table beside loose images: the folder is given",
        Given("{0,1}.jpg", {"labels.csv": "file,label\n0.jpg,cat\n1.jpg,dog\n"}),
        Read({"cat": 1, "dog": 1}, by="table"),
    ),
    Situation(
        FOLDER,
        "an empty folder",
        Given("", {".keep": ""}),
        Refused("the folder holds no images", "one sub-folder of images per class"),
    ),
    Situation(
        FOLDER,
        "a folder of other files",
        Given("", {"a.txt": "x", "b/c.docx": "x"}),
        Refused("the folder holds no images", ".docx"),
    ),
    Situation(
        FOLDER,
        "one class",
        Given("cat/{0,1}.jpg"),
        Refused("there is only one class (cat)", "at least one other class"),
    ),
    Situation(
        FOLDER,
        "one image for each class",
        Given("{cat,dog}/0.jpg"),
        Read({"cat": 1, "dog": 1}, told="2 classes have one image only, used for training: cat, dog"),
    ),
    Situation(
        FOLDER,
        "class names in decomposed and composed letters",
        Given("{e\u0301te,\u00e9te,hiver}/{0,1}.jpg"),
        Read({"\u00e9te": 4, "hiver": 2}),
    ),
    Situation(
        FOLDER,
        "class names that differ in case",
        Given("{Cat,cat,dog}/{0,1}.jpg"),
        Read(
            {"Cat": 2, "cat": 2, "dog": 2},
            told="These 2 names look like one class, and differ in upper and lower case: Cat, cat.",
        ),
    ),
    Situation(
        FOLDER,
        "class names with spaces, commas, quotes, # and emoji",
        Given("{a b,c'd,#e,50%,😀}/{0,1}.jpg"),
        Read({"a b": 2, "c'd": 2, "#e": 2, "50%": 2, "😀": 2}),
    ),
    Situation(
        FOLDER,
        "numbers as classes, in the order of numbers",
        Given("{10,2,1}/{0,1}.jpg"),
        Read({"1": 2, "2": 2, "10": 2}),
    ),
    Situation(
        FOLDER,
        "endings in upper case, .jpeg and .jfif",
        Given("cat/{0.JPG,1.jpeg,2.JFIF}; dog/{0.PNG,1.Jpg}"),
        Read({"cat": 3, "dog": 2}),
    ),
    Situation(
        FOLDER,
        "images without an ending",
        Given("{cat,dog}/{0,1}"),
        Refused("the folder holds no images", "files that are no images: 0 (2), 1 (2)"),
    ),
    Situation(
        FOLDER,
        "HEIC images of a phone",
        Given("", {f"{c}/{i}.heic": "x" for c in ("cat", "dog") for i in range(2)}),
        Refused(
            "the folder holds no images", "4 images because HEIC images need pip install 'nbtrain[heic]': cat/0.heic"
        ),
    ),
    Situation(
        FOLDER,
        "raw images of a camera",
        Given("", {f"{c}/{i}.cr2": "x" for c in ("cat", "dog") for i in range(2)}),
        Refused("the format of raw images of a camera, which is not read", "Convert them to JPEG"),
    ),
    Situation(
        FOLDER,
        "files of 0 bytes are listed: a scan says that they are damaged",
        Given(_CLASSES, {"cat/2.jpg": ""}),
        Read({"cat": 3, "dog": 2}),
    ),
    Situation(FOLDER, "a line break in a file's name", Given("cat/{a\nb,c}.jpg; dog/{0,1}.jpg"), Read(_PETS)),
    Situation(FOLDER, "names of 240 bytes", Given(f"cat/{'x' * 236}.jpg; cat/0.jpg; dog/{{0,1}}.jpg"), Read(_PETS)),
]


def _linked(told: str, link: Any, happens: Outcome, images: str = _CLASSES) -> Situation:
    return Situation(FOLDER, told, Given(images, also=link), happens)


APART = [
    Situation(
        FOLDER,
        f"folders {names}, as formats of annotations have them",
        Given(images),
        Refused(("are parts of a format of annotations", "and no classes"), "sets=none"),
    )
    for names, images in (
        ("images and masks of JPEG files", "images/{0,1}.jpg; masks/{0,1}.jpg"),
        ("train, trainannot, val and valannot (CamVid)", "{train,trainannot,val,valannot}/{0,1}.png"),
        ("image and label", "image/{0,1}.jpg; label/{0,1}.jpg"),
    )
]
APART += [
    Situation(
        FOLDER,
        "classes called labels and masks, which a person says are classes",
        Given("{labels,masks}/{0,1}.jpg", settings={"sets": "none"}),
        Read({"labels": 2, "masks": 2}),
    ),
    Situation(
        FOLDER, "a class called labels beside others", Given("{labels,cat}/{0,1}.jpg"), Read({"labels": 2, "cat": 2})
    ),
]
LINKS = [
    _linked(
        "a link to a class folder elsewhere",
        lambda at: (at / "emu").symlink_to(at / "store", target_is_directory=True),
        Read({"cat": 2, "dog": 2, "emu": 1, "store": 1}),
        f"{_CLASSES}; store/0.jpg",
    ),
    _linked(
        "a link to an image", lambda at: (at / "cat/2.jpg").symlink_to(at / "dog/0.jpg"), Read({"cat": 3, "dog": 2})
    ),
    _linked(
        "a link that leads nowhere",
        lambda at: (at / "cat/2.jpg").symlink_to(at / "gone.jpg"),
        Read(_PETS, told="Not used: 1 image behind a link to nowhere: cat/2.jpg."),
    ),
    _linked(
        "a link back to a folder above",
        lambda at: (at / "cat/back").symlink_to(at, target_is_directory=True),
        Read(_PETS, told="Not used: 1 file linking back to a folder above: cat/back."),
    ),
    _linked(
        "a link to itself",
        lambda at: (at / "cat/me.jpg").symlink_to(at / "cat/me.jpg"),
        Read(_PETS, told="Not used: 1 image behind a link to nowhere: cat/me.jpg."),
    ),
    _linked(
        "a pipe among the images",
        lambda at: os.mkfifo(at / "cat/2.jpg"),
        Read(_PETS, told="Not used: 1 image that cannot be opened like a file (pipe or device): cat/2.jpg."),
    ),
    _linked("a folder called like an image", lambda at: (at / "cat/2.jpg").mkdir(), Read(_PETS)),
    _linked(
        "a name that is no UTF-8",
        lambda at: Path(os.fsdecode(os.fsencode(at) + b"/cat/\xff.jpg")).write_bytes(b"x"),
        Read(_PETS, told="Not used: 1 image named in no valid UTF-8 (rename what you need): cat/"),
    ),
]


def _foreign(
    told: str, name: str, texts: Mapping[str, Any], advice: str, images: str = "{0,1}.jpg", give: str = ""
) -> list[Situation]:
    """Return the situations of a folder of another format, and of its file where that is given."""
    refused = Refused(f"the format of {name}, which is not read", advice)
    whole = Situation(told, "the folder", Given(images, texts), refused)
    file = Situation(told, "the file", Given(images, texts, give), refused)
    return [whole, file] if give else [whole]


_KITTI = "Car 0.00 0 -1.57 1.0 1.0 9.0 9.0 1.5 1.6 3.9 1.0 1.5 9.0 -1.6\n"
FOREIGN = [
    *_foreign(
        "CreateML in sets",
        "CreateML",
        {
            f"{s}/_annotations.createml.json": [
                {
                    "image": "0.jpg",
                    "annotations": [{"label": "cat", "coordinates": {"x": 1, "y": 1, "width": 2, "height": 2}}],
                }
            ]
            for s in ("train", "valid")
        },
        "COCO",
        images="{train,valid}/{0,1}.jpg",
    ),
    *_foreign(
        "list of images and labels as text",
        "a list of images in plain text",
        {"train.txt": "0.jpg 0\n1.jpg 1\n"},
        "Save it as CSV",
        give="train.txt",
    ),
    *_foreign(
        "DOTA",
        "DOTA",
        {"labelTxt/0.txt": "imagesource:GoogleEarth\ngsd:0.1\n1.0 1.0 5.0 1.0 5.0 5.0 1.0 5.0 plane 0\n"},
        "COCO",
        images="images/{0,1}.png",
    ),
    Situation(
        "JSON",
        "names and labels in one object",
        Given("{0,1}.jpg", {"l.json": {"0.jpg": "cat", "1.jpg": "dog"}}, "l.json"),
        Refused("l.json is no COCO file", "Labels of whole images alone go into a CSV file"),
    ),
    Situation(
        "JSON",
        "StyleGAN's dataset.json",
        Given("{0,1}.jpg", {"dataset.json": {"labels": [["0.jpg", 0], ["1.jpg", 1]]}}, "dataset.json"),
        Refused("dataset.json is no COCO file", "Labels of whole images alone go into a CSV file"),
    ),
    Situation(
        "image",
        "a single image is given",
        Given("a.jpg", {}, "a.jpg"),
        Refused("this is a single image", "Give the folder"),
    ),
    *_foreign("LabelMe", "LabelMe", {"0.json": _LABELME, "1.json": _LABELME}, "COCO", give="0.json"),
    *_foreign(
        "CVAT XML",
        "CVAT",
        {"annotations.xml": '<?xml version="1.0"?>\n<annotations><version>1.1</version><image id="0"/></annotations>'},
        "COCO 1.0",
        give="annotations.xml",
    ),
    *_foreign(
        "CVAT XML with an images folder",
        "CVAT",
        {"annotations.xml": "<annotations><image/></annotations>"},
        "COCO 1.0",
        images="images/{0,1}.jpg",
    ),
    *_foreign(
        "CreateML",
        "CreateML",
        {
            "_annotations.createml.json": [
                {
                    "image": "0.jpg",
                    "annotations": [{"label": "cat", "coordinates": {"x": 1, "y": 1, "width": 2, "height": 2}}],
                }
            ]
        },
        "COCO",
        give="_annotations.createml.json",
    ),
    *_foreign(
        "VIA",
        "the VGG Image Annotator (VIA)",
        {"via.json": {"0.jpg1": {"filename": "0.jpg", "size": 1, "regions": []}}},
        "COCO",
        give="via.json",
    ),
    *_foreign(
        "VIA project",
        "the VGG Image Annotator (VIA)",
        {"p.json": {"_via_settings": {}, "_via_img_metadata": {}}},
        "COCO",
        give="p.json",
    ),
    *_foreign(
        "VoTT", "VoTT", {"x-asset.json": {"asset": {"name": "0.jpg"}, "regions": []}}, "COCO", give="x-asset.json"
    ),
    *_foreign(
        "Labelbox",
        "Labelbox",
        {"export.ndjson": json.dumps({"data_row": {"id": "x"}}) + "\n"},
        "COCO",
        give="export.ndjson",
    ),
    *_foreign(
        "Supervisely",
        "Supervisely",
        {
            "meta.json": {"classes": [{"title": "cat", "shape": "rectangle"}], "tags": []},
            "ds/ann/0.jpg.json": {
                "size": {"height": 16, "width": 20},
                "objects": [{"classTitle": "cat", "points": {"exterior": []}}],
            },
        },
        "COCO",
        images="ds/img/{0,1}.jpg",
        give="meta.json",
    ),
    *_foreign(
        "Datumaro",
        "Datumaro",
        {
            "annotations/train.json": {
                "info": {},
                "categories": {"label": {"labels": [{"name": "cat"}]}},
                "items": [{"id": "0", "annotations": []}],
            }
        },
        "COCO",
        images="images/train/{0,1}.jpg",
        give="annotations/train.json",
    ),
    *_foreign(
        "KITTI",
        "KITTI",
        {f"training/label_2/{i}.txt": _KITTI for i in range(2)},
        "COCO",
        images="training/image_2/{0,1}.png",
    ),
    *_foreign(
        "SageMaker manifest",
        "Amazon SageMaker (a manifest)",
        {"out.manifest": '{"source-ref": "s3://b/0.jpg", "pets": 0, "pets-metadata": {"class-name": "cat"}}\n'},
        "CSV",
        give="out.manifest",
    ),
    *_foreign(
        "TFRecord",
        "TensorFlow (TFRecord)",
        {"train.tfrecord": b"\x00\x01"},
        "one folder per class",
        images="",
        give="train.tfrecord",
    ),
    *_foreign(
        "TFRecord in shards",
        "TensorFlow (TFRecord)",
        {"train.tfrecord-00000-of-00002": b"\x00", "train.tfrecord-00001-of-00002": b"\x00"},
        "one folder per class",
        images="",
    ),
    *_foreign("LMDB", "LMDB", {"data.mdb": b"x", "lock.mdb": b"x"}, "one folder per class", images=""),
    *_foreign("HDF5", "HDF5", {"train.h5": b"\x89HDF"}, "one folder per class", images="", give="train.h5"),
    *_foreign("NumPy", "NumPy", {"x_train.npy": b"\x93NUMPY"}, "one folder per class", images="", give="x_train.npy"),
    *_foreign("MATLAB", "MATLAB", {"imagelabels.mat": b"MATLAB"}, "one folder per class", give="imagelabels.mat"),
    *_foreign("pickle", "Python (pickle)", {"train.pkl": b"\x80"}, "never opened", images="", give="train.pkl"),
    *_foreign(
        "CIFAR (Python)",
        "CIFAR (Python)",
        {"data_batch_1": b"\x80\x02", "batches.meta": b"\x80\x02"},
        "one folder per class",
        images="",
    ),
    *_foreign(
        "MNIST (idx)",
        "MNIST (idx)",
        {"train-images-idx3-ubyte": b"\0\0\x08\x03", "train-labels-idx1-ubyte": b"\0\0\x08\x01"},
        "one folder per class",
        images="",
    ),
    *_foreign("Excel", "Excel", {"labels.xlsx": b"PK"}, "CSV", give="labels.xlsx"),
    *_foreign(
        "DICOM",
        "DICOM",
        {"a/0.dcm": b"\0" * 128 + b"DICM", "b/1.dcm": b"\0" * 128 + b"DICM"},
        "PNG",
        images="",
        give="a/0.dcm",
    ),
    *_foreign("NIfTI", "NIfTI", {"scan.nii.gz": b"x"}, "PNG", images="", give="scan.nii.gz"),
    *_foreign("SQLite", "SQLite", {"pets.sqlite": b"SQLite format 3\0"}, "CSV", images="", give="pets.sqlite"),
    *_foreign("a video", "a video", {"clip.mp4": b"x"}, "single images", images="", give="clip.mp4"),
    *_foreign("PDF", "PDF", {"scan.pdf": b"%PDF"}, "images", images="", give="scan.pdf"),
    *_foreign(
        "RAR and 7z",
        "an archive that is not unpacked here",
        {"pets.rar": b"Rar!"},
        "Unpack it",
        images="",
        give="pets.rar",
    ),
    *_foreign(
        "Darwin (V7)",
        "V7 Darwin",
        {
            "0.json": {
                "version": "2.0",
                "item": {"name": "0.jpg"},
                "annotations": [],
                "schema_ref": "https://darwin-public",
            }
        },
        "COCO",
        give="0.json",
    ),
    *_foreign(
        "WebDataset in a folder", "WebDataset", {"0.cls": "0", "1.cls": "1"}, "one folder per class", give="0.cls"
    ),
]


def _packed(name: str, *members: tuple[str, bytes]) -> Any:
    """Return what packs members into an archive of this name, and removes nothing else."""

    def pack(at: Path) -> None:
        at.mkdir(parents=True, exist_ok=True)
        if name.endswith(".zip"):
            with zipfile.ZipFile(at / name, "w") as archive:
                for member, content in members:
                    archive.writestr(member, content)
        else:
            with tarfile.open(at / name, "w:gz" if name.endswith("gz") else "w") as archive:
                for member, content in members:
                    info = tarfile.TarInfo(member)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))

    return pack


def _jpg(*names: str) -> list[tuple[str, bytes]]:
    return [(name, picture()) for name in names]


_FOUR = _jpg("cat/0.jpg", "cat/1.jpg", "dog/0.jpg", "dog/1.jpg")


def _archive(told: str, name: str, members: list[tuple[str, bytes]], happens: Outcome, waits: str = "") -> Situation:
    return Situation("archive", told, Given(give=name, also=_packed(name, *members)), happens, waits)


_INNER = io.BytesIO()
with zipfile.ZipFile(_INNER, "w") as _zip:
    _zip.writestr("cat/0.jpg", picture())

ARCHIVES = [
    _archive("a zip of class folders", "pets.zip", _FOUR, Read(_PETS)),
    _archive("a tar of class folders", "pets.tar", _FOUR, Read(_PETS)),
    _archive("a tar.gz of class folders", "pets.tar.gz", _FOUR, Read(_PETS)),
    _archive("a tgz", "pets.tgz", _FOUR, Read(_PETS)),
    _archive("one folder around everything", "pets.zip", [(f"pets-main/{n}", c) for n, c in _FOUR], Read(_PETS)),
    _archive(
        "__MACOSX and .DS_Store inside",
        "pets.zip",
        [*_FOUR, ("__MACOSX/cat/._0.jpg", b"x"), (".DS_Store", b"x")],
        Read(_PETS),
    ),
    _archive(
        "__MACOSX beside the one folder around everything",
        "pets.zip",
        [*((f"pets/{n}", c) for n, c in _FOUR), ("__MACOSX/pets/cat/._0.jpg", b"x")],
        Read(_PETS),
    ),
    _archive(
        "sets inside",
        "pets.zip",
        [(f"{s}/{n}", c) for s in ("train", "val") for n, c in _FOUR],
        Read({"cat": 4, "dog": 4}, {"train": 4, "val": 4}),
    ),
    _archive(
        "a COCO export inside (Roboflow)",
        "pets.zip",
        [
            *_jpg("train/0.jpg", "train/1.jpg"),
            ("README.txt", b"x"),
            (
                "train/_annotations.coco.json",
                json.dumps(
                    {
                        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(2)],
                        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
                        "annotations": [
                            {"id": i, "image_id": i, "category_id": 1 + i, "bbox": [1, 1, 5, 5]} for i in range(2)
                        ],
                    }
                ).encode(),
            ),
        ],
        Read({"cat": 1, "dog": 1}, marks={"box": 2}),
    ),
    _archive(
        "a table and images inside",
        "pets.zip",
        [*_jpg("images/0.jpg", "images/1.jpg"), ("labels.csv", b"file,label\n0.jpg,cat\n1.jpg,dog\n")],
        Read({"cat": 1, "dog": 1}),
    ),
    _archive(
        "a table inside that says otherwise than the folders",
        "pets.zip",
        [*_jpg("x/0.jpg", "x/1.jpg", "y/2.jpg", "y/3.jpg"), ("meta.csv", _OTHERWISE.encode())],
        Asked(
            "Does meta.csv say what the images show, or do the folders x, y?",
            {"Class folders": Read({"x": 2, "y": 2}), "Table: meta.csv": Read({"cat": 2, "dog": 2})},
        ),
    ),
    _archive(
        "an archive inside",
        "pets.zip",
        [("train.zip", _INNER.getvalue()), ("test.zip", _INNER.getvalue())],
        Refused("pets.zip holds 2 other archives: test.zip, train.zip", "Unpack it by hand"),
    ),
    _archive(
        "names that lead out of the folder",
        "pets.zip",
        [*_FOUR, ("../../evil.jpg", picture())],
        Read(_PETS, told="evil"),
    ),
    _archive("names with backslashes", "pets.zip", [(n.replace("/", "\\"), c) for n, c in _FOUR], Read(_PETS)),
    _archive(
        "WebDataset (0.jpg, 0.cls)",
        "pets.tar",
        [*_jpg("0.jpg", "1.jpg"), ("0.cls", b"0"), ("1.cls", b"1")],
        Refused("the format of WebDataset, which is not read", "one folder per class"),
    ),
    _archive(
        "WebDataset with JSON beside (0.jpg, 0.json)",
        "pets.tar",
        [*_jpg("0.jpg", "1.jpg"), ("0.json", b'{"label": 0}'), ("1.json", b'{"label": 1}')],
        Refused("WebDataset, or of another tool that puts a JSON file beside each image", "one folder per class"),
    ),
    Situation(
        "archive",
        "one that is cut off",
        Given(texts={"pets.zip": b"PK\x03\x04abc"}, give="pets.zip"),
        Refused("pets.zip cannot be unpacked", "Copy it again"),
    ),
    Situation(
        "archive",
        "an HTML page that was saved as a zip",
        Given(texts={"pets.zip": "<!DOCTYPE html><html>login</html>"}, give="pets.zip"),
        Refused("pets.zip cannot be unpacked", "Copy it again"),
    ),
    Situation(
        "archive",
        "the folder that holds an archive is given",
        Given(texts={"pets.zip": _INNER.getvalue()}),
        Refused("the folder holds no images", "pets.zip"),
    ),
]


def _boxed(told: str, header: str, *rows: str, happens: Outcome, images: str = "{a,b,c}.jpg") -> Situation:
    return Situation(
        "CSV with boxes", told, Given(images, {"boxes.csv": "\n".join((header, *rows)) + "\n"}, "boxes.csv"), happens
    )


_ONE = {"cat": 2, "dog": 1}
_ROBOFLOW = """filename,width,height,class,xmin,ymin,xmax,ymax
a.jpg,20,16,cat,1,1,5,5
a.jpg,20,16,dog,1,1,5,5
b.jpg,20,16,dog,1,1,5,5
"""
_USED = "hold boxes, which are not used"
BOXES = [
    Situation(
        "CSV with boxes",
        "_annotations.csv in train and valid (Roboflow)",
        Given(
            "{train,valid}/{a,b}.jpg",
            {f"{s}/_annotations.csv": _ROBOFLOW for s in ("train", "valid")},
        ),
        Read({"cat": 2, "dog": 4}, {"train": 2, "val": 2}, columns=("width", "height"), told=_USED),
    ),
    _boxed(
        "xmin, ymin, xmax and ymax, a row per object (TensorFlow, Roboflow)",
        "filename,width,height,class,xmin,ymin,xmax,ymax",
        "a.jpg,20,16,cat,1,1,5,5",
        "a.jpg,20,16,dog,6,6,9,9",
        "b.jpg,20,16,cat,1,1,5,5",
        happens=Read({"cat": 2, "dog": 1}, files={"a.jpg": "cat + dog"}, columns=("width", "height"), told=_USED),
    ),
    _boxed(
        "several rows of one class for an image",
        "image,xmin,ymin,xmax,ymax,label",
        "a.jpg,1,1,5,5,cat",
        "a.jpg,2,2,6,6,cat",
        "b.jpg,1,1,5,5,dog",
        happens=Read({"cat": 1, "dog": 1}, columns=(), told=(_USED, "1 image has several rows")),
    ),
    _boxed(
        "x, y, w and h",
        "image,x,y,w,h,label",
        "a.jpg,1,1,5,5,cat",
        "b.jpg,2,2,6,6,dog",
        "c.jpg,1,1,2,2,cat",
        happens=Read(_ONE, columns=(), told=("x, y, w and h", _USED)),
    ),
    _boxed(
        "x1, y1, x2 and y2",
        "image,x1,y1,x2,y2,class",
        "a.jpg,1,1,5,5,cat",
        "b.jpg,2,2,6,6,dog",
        "c.jpg,1,1,2,2,cat",
        happens=Read(_ONE, columns=(), told=("x1, y1, x2 and y2", _USED)),
    ),
    _boxed(
        "a bbox that is a list (Global Wheat)",
        "image_id,bbox,source",
        'a,"[1, 1, 5, 5]",A',
        'b,"[2, 2, 6, 6]",B',
        'c,"[1, 1, 2, 2]",A',
        happens=Read({"A": 2, "B": 1}, columns=(), told=("bbox", "not used")),
    ),
    _boxed(
        "Open Images",
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded",
        "a,xclick,/m/01g317,1,0.1,0.5,0.1,0.5,0",
        "b,xclick,/m/0bt9lr,1,0.1,0.5,0.1,0.5,0",
        "c,xclick,/m/01g317,1,0.1,0.5,0.1,0.5,0",
        happens=Read({"/m/01g317": 2, "/m/0bt9lr": 1}, told=_USED),
    ),
    _boxed(
        "Open Images' labels of whole images, some verified as absent",
        "ImageID,Source,LabelName,Confidence",
        "a,verification,/m/cat,1",
        "a,verification,/m/dog,0",
        "b,verification,/m/dog,1",
        "c,verification,/m/cat,0",
        "c,verification,/m/dog,0",
        happens=Read({"/m/cat": 1, "/m/dog": 1}, none=1, files={"a.jpg": "/m/cat"}, told="Confidence is 0"),
    ),
    _boxed(
        "no line with names of columns (RetinaNet)",
        "a.jpg,1,1,5,5,cat",
        "b.jpg,2,2,6,6,dog",
        happens=Refused("boxes.csv has no line with column names", "file,label"),
    ),
    _boxed(
        "VIA's CSV",
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes",
        'a.jpg,1,{},1,0,"{""name"":""rect"",""x"":1}","{""type"":""cat""}"',
        'b.jpg,1,{},1,0,"{""name"":""rect"",""x"":1}","{""type"":""dog""}"',
        happens=Refused("it is not clear which column of boxes.csv holds the labels", "region_attributes"),
    ),
    _boxed(
        "run lengths of masks (Kaggle)",
        "ImageId,EncodedPixels,ClassId",
        "a.jpg,1 3 10 5,1",
        "b.jpg,2 3 10 5,2",
        "c.jpg,3 3 10 5,1",
        happens=Read({"1": 2, "2": 1}, told="EncodedPixels"),
    ),
]

BESIDE += [
    Situation(
        "image folder",
        f"annotations of {tool} among the images of class folders",
        Given(_CLASSES, {name: text}),
        Read(_PETS, told=f"There are annotations in the format of {tool}, which are not used", by="folder"),
    )
    for tool, name, text in (
        ("LabelMe", "cat/0.json", json.dumps(_LABELME)),
        ("CVAT", "annotations.xml", "<annotations><image name='cat/0.jpg'/></annotations>"),
        ("CreateML", "a.json", '[{"image": "cat/0.jpg", "annotations": [{"coordinates": {"x": 1}}]}]'),
    )
]
BESIDE += [
    Situation(
        "image folder",
        "folders called nan and None",
        Given("{nan,None,cat}/{0,1}.jpg"),
        Read(
            {"cat": 2, "nan": 2, "None": 2},
            told="The folders “nan” and “None” are taken for classes; where they hold images without a label, move",
        ),
    ),
    Situation(
        "image folder",
        "libraries of programs for photographs, environments, trainers' folders",
        Given(_CLASSES + "; {x.photoslibrary,y.lrdata,venv,multirun,checkpoints}/deep/0.jpg"),
        Read(_PETS, told="Not used: 5 images in folders made by programs"),
    ),
    Situation(
        "image folder",
        "text files of YOLO in class folders, which say something else",
        Given(_CLASSES, {f"{c}/{i}.txt": "0 .5 .5 .2 .2\n" for c in ("cat", "dog") for i in (0, 1)}),
        Asked(
            "Do the text files beside the images (YOLO) say what the images show, or do the folders cat, dog?",
            {
                "YOLO": Read({"0": 4}, marks={"box": 4}, by="yolo"),
                "Class folders": Read(_PETS, by="folder"),
            },
        ),
    ),
    Situation(
        "image folder",
        "XML files of Pascal VOC in class folders, which say something else",
        Given(
            _CLASSES,
            {
                f"{c}/{i}.xml": f"<annotation><filename>{i}.jpg</filename><object><name>face</name><bndbox>"
                "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>"
                for c in ("cat", "dog")
                for i in (0, 1)
            },
        ),
        Asked(
            "Do the XML files beside the images (Pascal VOC) say what the images show, or do the folders cat, dog?",
            {
                "Pascal VOC": Read({"face": 4}, marks={"box": 4}, by="voc"),
                "Class folders": Read(_PETS, told="in the format of Pascal VOC", by="folder"),
            },
        ),
    ),
]

SITUATIONS = [*BESIDE, *LINKS, *FOREIGN, *ARCHIVES, *BOXES]
