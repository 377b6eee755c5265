"""Valid data sets of every format, small enough to be written anew for each case, with what is true of them.

A seed is a tree of files, the path that a person would give, and the truth: what every image shows, by hand and not
by the reader. All seeds hold the same eight images. One name has an accent, so that an encoding shows.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from data import formats, images
from data.formats import Picture, Thing


class Link(NamedTuple):
    """A symbolic link in a tree."""

    target: str


class Pipe(NamedTuple):
    """A pipe in a tree: whoever opens it waits for ever."""


class Nothing(NamedTuple):
    """An empty folder in a tree."""


Tree = dict[str, bytes | Link | Pipe | Nothing]
"""What lies below a root, by path."""


class Shown(NamedTuple):
    """What is true of one image."""

    labels: frozenset[str]
    marks: tuple[Any, ...] = ()
    """Kind, class and points of each mark, sorted."""
    split: str = ""


@dataclass(frozen=True)
class Seed:
    """A valid data set."""

    tree: Tree
    truth: dict[str, Shown]
    """By the stem of the image's file."""
    give: str = ""
    """The path below the root that is handed to the reader."""
    annotations: dict[str, str] = field(default_factory=dict)
    """Kind of each annotation file, which says what mutates it: csv, json, xml, yaml, lines, boxes, parquet, ..."""


SCENE = (
    Picture("anna.png", (Thing("dog", (4, 6, 20, 18)),)),
    Picture("bert.png", (Thing("cat", (0, 0, 40, 30)), Thing("dog", (10, 3, 12, 6)))),
    Picture("carl.png", (Thing("cat", (8, 9, 24, 15)),)),
    Picture("dora.png"),
    Picture("emil.png", (Thing("dog", (1, 2, 9, 9)), Thing("dog", (12, 2, 19, 9)))),
    Picture("fran.png", (Thing("cat", (3, 3, 33, 27)),), "val"),
    Picture("zoé.png", (Thing("dog", (8, 9, 24, 15)),), "val"),
    Picture("hugo.png", (Thing("cat", (8, 9, 24, 15)), Thing("dog", (2, 2, 8, 8))), "val"),
)
LABELS = dict(zip(("anna", "bert", "carl", "dora", "emil", "fran", "zoé", "hugo"), 4 * ("dog", "café"), strict=True))
SPLITS = {Path(picture.file).stem: picture.split for picture in SCENE}
PATIENTS = {stem: f"p{place // 2}" for place, stem in enumerate(LABELS)}


def objects(*, sets: bool) -> dict[str, Shown]:
    """Return the truth of the scene where boxes are read."""
    found = formats.expected(SCENE, "box")
    return {
        Path(file).stem: Shown(frozenset(labels), tuple(marks), SPLITS[Path(file).stem] if sets else "")
        for file, (labels, marks) in found.items()
    }


def labelled(*, sets: bool = False, labels: dict[str, tuple[str, ...]] | None = None) -> dict[str, Shown]:
    """Return the truth of tables and folders."""
    given = labels or {stem: (name,) for stem, name in LABELS.items()}
    return {stem: Shown(frozenset(names), split=SPLITS[stem] if sets else "") for stem, names in given.items()}


@cache
def picture(number: int) -> bytes:
    """Return a PNG file."""
    with tempfile.TemporaryDirectory() as folder:
        return images.write(Path(folder) / "x.png", number, formats.WIDTH, formats.HEIGHT).read_bytes()


def pictures(place: Callable[[str], str]) -> Tree:
    """Return the eight images, each where ``place`` puts its stem."""
    return {place(stem): picture(number) for number, stem in enumerate(LABELS)}


def written(write: Callable[..., Path], *, sets: bool = False, **kinds: str) -> Seed:
    """Return what a writer of formats.py writes of the scene; ``kinds`` gives that of files by their ending."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "set")
        given = write(root, SCENE)
        tree: Tree = {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
        give = given.relative_to(root).as_posix()
    annotations = {name: kinds[end] for name in tree if (end := name.rpartition(".")[2]) in kinds}
    return Seed(tree, objects(sets=sets), "" if give == "." else give, annotations)


# -- folders --------------------------------------------------------------------------------------------------------


def class_folders() -> Seed:
    return Seed(pictures(lambda stem: f"{LABELS[stem]}/{stem}.png"), labelled())


def set_folders() -> Seed:
    return Seed(pictures(lambda stem: f"{SPLITS[stem]}/{LABELS[stem]}/{stem}.png"), labelled(sets=True))


def yolo_classes() -> Seed:
    """YOLO's layout for classification, with the YAML file that some exporters put beside it."""
    yaml = "train: train\nval: val\nnc: 2\nnames: [café, dog]\n"
    return Seed({**set_folders().tree, "data.yaml": yaml.encode()}, labelled(sets=True))


# -- tables -----------------------------------------------------------------------------------------------------------


def table(
    columns: str, row: Callable[[str], str], end: str = ".csv", stems: tuple[str, ...] = tuple(LABELS), kind: str = ""
) -> tuple[Tree, dict[str, str]]:
    """Return a table with a row per image, and its kind by name."""
    text = "".join(f"{line}\n" for line in (columns, *map(row, stems)))
    return {f"labels{end}": text.encode()}, {f"labels{end}": kind or end[1:]}


def csv_table() -> Seed:
    rows, kinds = table("file,label,patient", lambda s: f"{s}.png,{LABELS[s]},{PATIENTS[s]}")
    return Seed({**pictures("{}.png".format), **rows}, labelled(), "labels.csv", kinds)


def tsv_sets() -> Seed:
    rows, kinds = table("image\tclass\tsplit", lambda s: f"images/{s}.png\t{LABELS[s]}\t{SPLITS[s]}", ".tsv")
    return Seed({**pictures("images/{}.png".format), **rows}, labelled(sets=True), "labels.tsv", kinds)


def csv_per_set() -> Seed:
    tree, kinds = pictures(lambda stem: f"images/{stem}.png"), {}
    for name in ("train", "val"):
        stems = tuple(stem for stem in LABELS if SPLITS[stem] == name)
        (text,) = table("file,label", lambda s: f"images/{s}.png,{LABELS[s]}", stems=stems)[0].values()
        tree[f"{name}.csv"], kinds[f"{name}.csv"] = text, "csv"
    return Seed(tree, labelled(sets=True), "", kinds)


def several(separator: str) -> dict[str, tuple[str, ...]]:
    """Return labels of which every second image has two."""
    names = ("red", "green", "blue")
    return {stem: (names[i % 3], names[(i + 1) % 3])[: 1 + i % 2] for i, stem in enumerate(LABELS)}


def csv_several() -> Seed:
    rows, kinds = table("file;labels", lambda s: f"{s}.png;{'|'.join(several('|')[s])}")
    return Seed({**pictures("{}.png".format), **rows}, labelled(labels=several("|")), "labels.csv", kinds)


def csv_long() -> Seed:
    rows, kinds = table("file,label", lambda s: "\n".join(f"{s}.png,{name}" for name in several("")[s]))
    return Seed({**pictures("{}.png".format), **rows}, labelled(labels=several("")), "labels.csv", kinds)


def csv_one_hot() -> Seed:
    names = ("red", "green", "blue")
    bits = lambda s: ",".join(str(int(name in several("")[s])) for name in names)  # noqa: E731
    rows, kinds = table(f"file,{','.join(names)}", lambda s: f"{s}.png,{bits(s)}")
    return Seed({**pictures("{}.png".format), **rows}, labelled(labels=several("")), "labels.csv", kinds)


def parquet_table() -> Seed:
    stems = list(LABELS)
    made = pa.table({"file": [f"{s}.png" for s in stems], "label": [LABELS[s] for s in stems]})
    kinds = {"labels.parquet": "parquet"}
    return Seed({**pictures("{}.png".format), "labels.parquet": parquet(made)}, labelled(), "labels.parquet", kinds)


def parquet(made: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(made, sink)
    return sink.getvalue()


# -- objects ----------------------------------------------------------------------------------------------------------


def coco_per_set() -> Seed:
    seed = written(formats.coco_sets, sets=True, json="json")
    return replace(seed, annotations={name: kind for name, kind in seed.annotations.items() if "captions" not in name})


def yolo_lists() -> Seed:
    """YOLO whose sets are text files that list images."""
    seed = written(formats.yolo, sets=True, txt="boxes")
    lists = {
        f"{name}.txt": "".join(f"./images/{s}.png\n" for s in LABELS if SPLITS[s] == name).encode()
        for name in ("train", "val")
    }
    yaml = b"path: .\ntrain: train.txt\nval: val.txt\nnames:\n  0: cat\n  1: dog\n"
    kinds = {**seed.annotations, **dict.fromkeys(lists, "lines"), "data.yaml": "yaml"}
    tree = {**seed.tree, **lists, "data.yaml": yaml}
    del tree["classes.txt"], kinds["classes.txt"]
    return Seed(tree, seed.truth, "data.yaml", kinds)


def yolo() -> Seed:
    seed = written(formats.yolo, txt="boxes")
    return Seed(seed.tree, seed.truth, seed.give, {**seed.annotations, "classes.txt": "names"})


def voc_sets() -> Seed:
    return written(formats.voc_sets, sets=True, xml="xml", txt="lines")


def studio_csv() -> Seed:
    rows, kinds = table(
        "annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at",
        lambda s: f"1,1,{LABELS[s]},2024-01-01T00:00:00Z,7,/data/upload/1/0a1b2c3d-{s}.png,3.5,2024-01-01T00:00:00Z",
    )
    return Seed({**pictures("{}.png".format), **rows}, labelled(), "labels.csv", kinds)


def masks() -> Seed:
    tree = pictures("images/{}.png".format)
    for place, stem in enumerate(LABELS):
        tree[f"masks/{stem}.png"] = mask(1 + place % 2)
    tree["classes.txt"] = b"background\nroad\nsky\n"
    names = {stem: ("road", "sky")[place % 2] for place, stem in enumerate(LABELS)}
    truth = {stem: Shown(frozenset({name}), (("mask", name, ()),)) for stem, name in names.items()}
    kinds = {name: "png" for name in tree if name.startswith("masks/")}
    return Seed(tree, truth, "", {**kinds, "classes.txt": "names"})


def mask(value: int) -> bytes:
    pixels = np.zeros((formats.HEIGHT, formats.WIDTH), np.uint8)
    pixels[5:9, 5:9] = value
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


# -- files that hold images -------------------------------------------------------------------------------------------

FEATURES = {
    "image": {"_type": "Image"},
    "label": {"_type": "ClassLabel", "names": ["café", "dog"]},
    "name": {"_type": "Value", "dtype": "string"},
}


def with_images() -> pa.Table:
    stems = list(LABELS)
    return pa.table(
        {
            "image": [{"bytes": picture(place), "path": f"{stem}.png"} for place, stem in enumerate(stems)],
            "label": [("café", "dog").index(LABELS[stem]) for stem in stems],
            "name": stems,
        }
    )


def noted(made: pa.Table) -> pa.Table:
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})


def arrow_stream(made: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, made.schema) as stream:
        stream.write_table(made, max_chunksize=3)
    return sink.getvalue()


def hugging_face_parquet() -> Seed:
    tree: Tree = {"images.parquet": parquet(noted(with_images()))}
    return Seed(tree, labelled(), "images.parquet", {"images.parquet": "parquet"})


def hugging_face_saved() -> Seed:
    tree: Tree = {
        "data-00000-of-00001.arrow": arrow_stream(with_images()),
        "state.json": json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}).encode(),
        "dataset_info.json": json.dumps({"features": FEATURES}).encode(),
    }
    kinds = {"data-00000-of-00001.arrow": "arrow", "state.json": "notes", "dataset_info.json": "notes"}
    return Seed(tree, labelled(), "", kinds)


def zipped(tree: Tree) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tree.items():
            archive.writestr(name, data if isinstance(data, bytes) else b"")
    return sink.getvalue()


def tarred(tree: Tree, mode: str = "w") -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as archive:
        for name, data in tree.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data) if isinstance(data, bytes) else 0
            archive.addfile(entry, io.BytesIO(data) if isinstance(data, bytes) else None)
    return sink.getvalue()


def archived(seed: Seed, name: str, kind: str, data: bytes) -> Seed:
    return Seed({name: data}, seed.truth, name, {name: kind})


def zip_of_folders() -> Seed:
    seed = set_folders()
    return archived(seed, "data.zip", "zip", zipped(seed.tree))


def tar_of_coco() -> Seed:
    seed = written(formats.coco, json="json")
    return archived(seed, "data.tar", "tar", tarred(seed.tree))


def packed_tar_of_yolo() -> Seed:
    seed = yolo()
    return archived(seed, "data.tar.gz", "tar.gz", tarred(seed.tree, "w:gz"))


def packed_tar_of_a_table() -> Seed:
    seed = csv_table()
    return archived(seed, "data.tgz", "tar.gz", tarred(seed.tree, "w:gz"))


MAKERS: dict[str, Callable[[], Seed]] = {
    "class folders": class_folders,
    "set folders": set_folders,
    "YOLO classification": yolo_classes,
    "CSV": csv_table,
    "TSV with sets": tsv_sets,
    "CSV per set": csv_per_set,
    "CSV, several labels": csv_several,
    "CSV, a row per label": csv_long,
    "CSV, one-hot": csv_one_hot,
    "Parquet": parquet_table,
    "COCO": lambda: written(formats.coco, json="json"),
    "COCO per set": coco_per_set,
    "YOLO": yolo,
    "YOLO with YAML": lambda: written(formats.yolo_sets, sets=True, txt="boxes", yaml="yaml"),
    "YOLO with lists": yolo_lists,
    "VOC": lambda: written(formats.voc, xml="xml"),
    "VOC with sets": voc_sets,
    "Label Studio JSON": lambda: written(formats.studio, json="json"),
    "Label Studio JSON-MIN": lambda: written(formats.studio_short, json="json"),
    "Label Studio CSV": studio_csv,
    "masks": masks,
    "Hugging Face Parquet": hugging_face_parquet,
    "Hugging Face saved": hugging_face_saved,
    "zip": zip_of_folders,
    "tar": tar_of_coco,
    "tar.gz": packed_tar_of_yolo,
    "tgz of a table": packed_tar_of_a_table,
}


@cache
def seed_of(name: str) -> Seed:
    """Return a valid data set of this format."""
    return MAKERS[name]()


def plant(tree: Tree, root: Path) -> None:
    """Write a tree below ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    made = {root}
    for name, data in tree.items():
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        if isinstance(data, bytes):
            path.write_bytes(data)
        elif isinstance(data, Link):
            path.symlink_to(data.target)
        elif isinstance(data, Pipe):
            os.mkfifo(path)
        else:
            path.mkdir(exist_ok=True)
