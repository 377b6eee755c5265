"""Names of files that were written elsewhere: on Windows, in Colab, by an exporter, without an ending, in the net."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from formats.frame import HEIGHT, WIDTH, Asked, Given, Outcome, Read, Refused, Situation

CSV, COCO, VOC, STUDIO, YOLO = "CSV", "COCO", "Pascal VOC", "Label Studio", "YOLO"
_NAMES = ("0", "1", "2", "3")


def csv_of(names: Sequence[str]) -> dict[str, str]:
    quoted = (f'"{name}"' if set(',"\n') & set(name) else name for name in names)
    return {"labels.csv": "file,label\n" + "".join(f"{n},{'dog' if i % 2 else 'cat'}\n" for i, n in enumerate(quoted))}


def coco_of(names: Sequence[str]) -> dict[str, object]:
    return {
        "c.json": {
            "images": [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(names)],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
            "annotations": [
                {"id": i, "image_id": i, "category_id": 1 + i % 2, "bbox": [1, 1, 5, 5]} for i in range(len(names))
            ],
        }
    }


def studio_of(names: Sequence[str]) -> dict[str, object]:
    return {
        "ls.json": [
            {
                "id": i,
                "data": {"image": name},
                "annotations": [
                    {"result": [{"id": "x", "type": "choices", "value": {"choices": ["dog" if i % 2 else "cat"]}}]}
                ],
            }
            for i, name in enumerate(names)
        ]
    }


def voc_of(names: Sequence[str]) -> dict[str, str]:
    return {
        f"Annotations/x{i}.xml": f"<annotation><filename>{name}</filename>"
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size><object><name>{'dog' if i % 2 else 'cat'}</name>"
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>6</xmax><ymax>6</ymax></bndbox></object></annotation>"
        for i, name in enumerate(names)
    }


_WRITERS: dict[str, tuple[Callable[[Sequence[str]], dict[str, object]], str, bool]] = {
    CSV: (csv_of, "labels.csv", False),
    COCO: (coco_of, "c.json", True),
    STUDIO: (studio_of, "ls.json", False),
    VOC: (voc_of, "", True),
}
"""By format what writes annotations for names, what of it is given, and whether it draws a box on each image."""


def moved(
    kind: str,
    told: str,
    names: Sequence[str],
    images: str,
    happens: Outcome | str | tuple[str, ...] = (),
    **more: object,
) -> Situation:
    """Return the situation of annotations that name ``names`` where ``images`` are there; texts say what is told."""
    write, give, boxes = _WRITERS[kind]
    cats = len(names) - len(names) // 2
    read = Read(
        {"cat": cats, "dog": len(names) // 2},
        told=happens if isinstance(happens, str | tuple) else (),
        marks={"box": len(names)} if boxes else {},
    )
    outcome = read if isinstance(happens, str | tuple) else happens
    return Situation(kind, told, Given(images, write(names), give, **more), outcome)


_PATHS = {
    "of Windows": "C:\\Users\\x\\pets\\images\\{}.jpg",
    "of Windows, relative": "images\\{}.jpg",
    "of a Windows share": "\\\\server\\share\\pets\\images\\{}.jpg",
    "of Colab": "/content/drive/MyDrive/pets/images/{}.jpg",
    "of Kaggle": "/kaggle/input/pets/images/{}.jpg",
    "of Kaggle, relative": "../input/pets/images/{}.jpg",
    "of a container": "/data/images/{}.jpg",
    "of a Mac": "/Volumes/Photos/pets/images/{}.jpg",
    "of another home": "~/pets/images/{}.jpg",
    "with file://": "file:///srv/pets/images/{}.jpg",
    "with file:// of Windows": "file:///C:/pets/images/{}.jpg",
    "with ./ before": "./images/{}.jpg",
    "with a folder above the named one": "pets/images/{}.jpg",
    "from ../ beside": "../images/{}.jpg",
    "with doubled slashes": "images//{}.jpg",
    "without the folder that the images lie in": "{}.jpg",
    "with upper-case endings": "images/{}.JPG",
    "with another ending (.png for .jpg)": "images/{}.png",
    "with .jpeg for .jpg": "images/{}.jpeg",
    "without an ending": "images/{}",
    "without an ending and without their folder": "{}",
    "behind a hash of Label Studio": "/data/upload/1/0a1b2c3d-{}.jpg",
    "behind a hash with an underscore": "images/0a1b2c3d_{}.jpg",
    "as local files of Label Studio": "/data/local-files/?d=pets/images/{}.jpg",
    "as local files of Label Studio, of Windows": "/data/local-files/?d=pets%5Cimages%5C{}.jpg",
    "as addresses of a Label Studio that ran here": "http://localhost:8080/data/local-files/?d=pets/images/{}.jpg",
    "as addresses of uploads to a Label Studio that ran here": "http://127.0.0.1:8080/data/upload/1/0a1b2c3d-{}.jpg",
    "of Label Studio 1.16": "..\\..\\label-studio\\media\\upload\\4\\{}.jpg",
    "with a space at the end": "images/{}.jpg ",
    "with another case": "Images/{}.jpg",
}

_FAR = (
    "of Windows",
    "of a Windows share",
    "of Colab",
    "of Kaggle",
    "of Kaggle, relative",
    "of a container",
    "of a Mac",
    "with file://",
    "with file:// of Windows",
    "with a folder above the named one",
    "as local files of Label Studio",
    "behind a hash with an underscore",
    "of Label Studio 1.16",
)
_FOUND_ELSEWHERE = "4 files lie elsewhere than named, found by the end of the path"

_UNLESS_TOLD = {
    "in a bucket": ("s3://bucket/images/{}.jpg", "lie in the net"),
    "in the net": ("https://example.org/images/{}.jpg", "lie in the net"),
    "in Google's cloud": ("gs://bucket/images/{}.jpg", "lie in the net"),
    "as Label Studio's /data/upload of a project": ("/data/upload/4/{}.jpg", ""),
}

SITUATIONS = [
    *(
        moved(
            kind,
            f"names {told}: {path.format('0')}",
            [path.format(n) for n in _NAMES],
            "images/{0..3}.jpg",
            _FOUND_ELSEWHERE if told in _FAR else (),
        )
        for kind in (CSV, COCO, STUDIO)
        for told, path in _PATHS.items()
    ),
    *(
        moved(VOC, f"names {told}: {path.format('0')}", [path.format(n) for n in _NAMES], "images/{0..3}.jpg")
        for told, path in _PATHS.items()
    ),
    *(
        moved(
            kind,
            f"names {told}",
            [path.format(n) for n in _NAMES],
            "images/{0..3}.jpg",
            Refused(
                ("all 4 images named in", "lie in the net, and are never fetched"), ("Download them", "images_root=")
            ),
        )
        for kind in (CSV, COCO, STUDIO)
        for told, (path, sign) in _UNLESS_TOLD.items()
        if sign
    ),
    *(
        moved(
            kind,
            f"names {told}, and the folder of the downloads is named",
            [path.format(n) for n in _NAMES],
            "images/{0..3}.jpg",
            root="images",
        )
        for kind in (CSV, COCO, STUDIO)
        for told, (path, _) in _UNLESS_TOLD.items()
    ),
]

_NFD = unicodedata.normalize("NFD", "été")
_NFC = unicodedata.normalize("NFC", "été")
_FOUR = "{0..3}.jpg"


def _readable(*names: str) -> str:
    return "; ".join(f"images/{name}.jpg" for name in names)


SPELLED = [
    *(
        moved(
            kind,
            "what Roboflow puts behind names, on disk: cat0_jpg.rf.3f2a.jpg",
            [f"images/cat{n}.jpg" for n in _NAMES],
            "images/cat{0..3}_jpg.rf.0a1b2c3d4e5f.jpg",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "what Roboflow puts behind names, that is gone on disk",
            [f"images/cat{n}_jpg.rf.0a1b2c3d4e5f.jpg" for n in _NAMES],
            "images/cat{0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "percent-encoded names: Capture%20d%C3%A9cran%200.jpg",
            [f"images/Capture%20d%C3%A9cran%20{n}.jpg" for n in _NAMES],
            "images/Capture décran {0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    *(
        moved(
            kind,
            "spaces that are underscores on disk",
            [f"images/my cat {n}.jpg" for n in _NAMES],
            "images/my_cat_{0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    *(
        moved(
            kind,
            "underscores that are spaces on disk",
            [f"images/my_cat_{n}.jpg" for n in _NAMES],
            "images/my cat {0..3}.jpg",
        )
        for kind in (CSV, COCO)
    ),
    *(
        moved(kind, "plus signs for spaces", [f"images/my+cat+{n}.jpg" for n in _NAMES], "images/my cat {0..3}.jpg")
        for kind in (CSV, COCO)
    ),
    *(
        moved(
            kind,
            "letters composed here, decomposed on disk (macOS)",
            [f"images/{_NFC}{n}.jpg" for n in _NAMES],
            f"images/{_NFD}{{0..3}}.jpg",
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    *(
        moved(
            kind,
            "letters decomposed here, composed on disk",
            [f"images/{_NFD}{n}.jpg" for n in _NAMES],
            f"images/{_NFC}{{0..3}}.jpg",
        )
        for kind in (CSV, COCO)
    ),
    *(
        moved(
            kind,
            "emoji and spaces in names",
            [f"images/ß 猫 😀 {n}.jpg" for n in _NAMES],
            "images/ß 猫 😀 {0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    *(
        moved(
            kind,
            "# and % in names that are no encoding",
            [f"images/50% #{n}.jpg" for n in _NAMES],
            "images/50% #{0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    moved(
        CSV, "commas and apostrophes in names", [f"images/a, b's {n}.jpg" for n in _NAMES], "images/a, b's {0..3}.jpg"
    ),
    *(
        moved(
            kind,
            "names of 200 characters",
            [f"images/{'x' * 200}{n}.jpg" for n in _NAMES],
            f"images/{'x' * 200}{{0..3}}.jpg",
        )
        for kind in (CSV, COCO)
    ),
    *(
        moved(
            kind,
            "a name with an address that is percent-encoded",
            [f"file:///srv/my%20pets/{n}.jpg" for n in _NAMES],
            "my pets/{0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "an address with a query behind the name",
            [f"images/{n}.jpg?alt=media&token=1" for n in _NAMES],
            "images/{0..3}.jpg",
        )
        for kind in (CSV, STUDIO)
    ),
]

LOST = [
    *(
        moved(
            kind,
            "half of the files missing",
            ["images/8.jpg", "images/9.jpg", "images/0.jpg", "images/1.jpg"],
            "images/{0,1}.jpg",
            Read(
                {"cat": 1, "dog": 1},
                marks={"box": 2} if kind in (COCO, VOC) else {},
                told=("Not used: 2 ", "with a missing image: images/8.jpg"),
            ),
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    moved(
        CSV,
        "all files of one class missing",
        ["images/0.jpg", "images/8.jpg", "images/1.jpg", "images/9.jpg"],
        "images/{0,1}.jpg",
        Refused("too few classes are left: 2 rows of labels.csv with a missing image", "images_root="),
    ),
    *(
        moved(
            kind,
            "all files missing, and no folder named",
            [f"images/{n}.jpg" for n in _NAMES],
            "other/{a,b}.png",
            Refused("none of the 4 files named in", "images_root="),
        )
        for kind in (CSV, COCO, STUDIO, VOC)
    ),
    *(
        moved(
            kind,
            "all files missing below the named folder",
            [f"images/{n}.jpg" for n in _NAMES],
            "other/{a,b}.png",
            Refused("none of the 4 files named in", ("It holds 2 images called otherwise", "other/a.png")),
            root="",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "no image at all below the named folder",
            [f"images/{n}.jpg" for n in _NAMES],
            "other/readme",
            Refused("none of the 4 files named in", "There is no image in that folder"),
            root="other",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "a name that fits several files",
            [f"/mnt/x/{n}.jpg" for n in _NAMES],
            "{a,b}/{0..3}.jpg",
            Refused("of each file named in", "Name a folder further in"),
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "a name that fits several files, and their folder is named",
            [f"/mnt/x/{n}.jpg" for n in _NAMES],
            "{a,b}/{0..3}.jpg",
            root="a",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "names that fit several files, told apart by their folders",
            [f"/mnt/a/{n}.jpg" for n in _NAMES],
            "{a,b}/{0..3}.jpg",
        )
        for kind in (CSV, COCO, STUDIO)
    ),
    *(
        moved(
            kind,
            "one name of four fits several files",
            [f"/mnt/x/{n}.jpg" for n in _NAMES],
            "a/{0..3}.jpg; b/3.jpg",
            Asked(
                f"1 name in {file} may mean several files: /mnt/x/3.jpg ({place}) may be a/3.jpg, b/3.jpg. "
                "Which folder is meant?",
                {
                    "None of them": Read(
                        {"cat": 2, "dog": 1},
                        marks={"box": 3} if kind == COCO else {},
                        told="with several images that may be meant",
                    ),
                    "Folder a": Read({"cat": 2, "dog": 2}, marks=boxes(4), files={"a/3.jpg": "dog"}),
                    "Folder b": Read({"cat": 2, "dog": 2}, marks=boxes(4), files={"b/3.jpg": "dog"}),
                },
            ),
        )
        for kind, file, place, boxes in (
            (CSV, "labels.csv", "line 5", lambda n: {}),
            (COCO, "c.json", "image 3", lambda n: {"box": n}),
            (STUDIO, "ls.json", "task 3", lambda n: {}),
        )
    ),
    moved(
        CSV,
        "one name fits several files, one of them in a folder called none",
        [f"/mnt/x/{n}.jpg" for n in _NAMES],
        "a/{0..3}.jpg; none/3.jpg",
        Asked(
            "1 name in labels.csv may mean several files: /mnt/x/3.jpg (line 5) may be a/3.jpg, none/3.jpg. "
            "Which folder is meant?",
            {
                "None of them": Read({"cat": 2, "dog": 1}),
                "Folder a": Read({"cat": 2, "dog": 2}, files={"a/3.jpg": "dog"}),
                "Folder none": Read({"cat": 2, "dog": 2}, files={"none/3.jpg": "dog"}),
            },
        ),
    ),
    moved(
        CSV,
        "a named file that leads out of the folder and is there",
        ["../outside.jpg", "images/0.jpg", "images/1.jpg"],
        "images/{0,1}.jpg",
        Refused(("labels.csv, line 2", "the file lies outside"), "images_root="),
        also=lambda at: (at.parent / "outside.jpg").write_bytes(b"x"),
    ),
    moved(
        CSV,
        "an empty cell in place of a name",
        ["images/0.jpg", "", "images/1.jpg"],
        "images/{0,1}.jpg",
        Refused("labels.csv, line 3: no file is named", "Fill it in, or delete the entry"),
    ),
    moved(
        CSV,
        "a name that is a folder",
        ["images/0.jpg", "images", "images/1.jpg", "images/2.jpg"],
        "images/{0..2}.jpg",
        Read({"cat": 2, "dog": 1}, told="Not used: 1 row of labels.csv with a missing image: images (line 3)."),
    ),
    moved(
        CSV,
        "the same image under two spellings of its name",
        ["images/0.jpg", "images/1.jpg", "./images/0.jpg"],
        "images/{0,1}.jpg",
        Read(
            {"cat": 1, "dog": 1},
            told="Not used: 1 row of labels.csv repeating an earlier one: images/0.jpg (lines 2 and 4).",
        ),
    ),
]
SITUATIONS += [*SPELLED, *LOST]
MADE_OTHERWISE = [
    moved(kind, told, [pattern.format(i) for i in range(4)], images, Read({"cat": 2, "dog": 2}, marks=marks))
    for kind, marks in ((CSV, {}), (COCO, {"box": 4}))
    for told, pattern, images in (
        ("a hash before the names on disk alone", "photo_{}.jpg", "images/0a1b2c3d-photo_{0..3}.jpg"),
        ("names in percent encoding, encoded twice", "images%252F{}.jpg", "images/{0..3}.jpg"),
        ("an ending twice (.jpg.jpg)", "images/{}.jpg.jpg", "images/{0..3}.jpg"),
    )
]
SITUATIONS += MADE_OTHERWISE
