"""Paths, pipes and files that somebody made to harm, or made by mistake: told with what to do; never waited for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from pathlib import Path

import pytest

from data import formats, images
from data.sources.test_masks import mask
from nbtrain.data.decode import decode, size_of
from nbtrain.data.scan import scan
from nbtrain.data.sources import detect, look
from nbtrain.errors import DataError, ImageError

LIMIT_S = 20
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
"""Nine to the twelfth texts in 700 bytes."""


@pytest.fixture(autouse=True)
def never_waits():
    """Fail where something waits for a pipe that nobody writes into, instead of for ever."""

    def late(*_):
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def two(root: Path) -> Path:
    return images.folder(root, {"a": 2, "b": 2})


def pipe(path: Path) -> Path:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def yaml(root: Path, text: str) -> Path:
    formats.yolo_sets(root).write_text(text)
    return root


def masked(root: Path) -> Path:
    for number in range(4):
        images.write(root / f"images/{number}.png")
        mask(root / f"masks/{number}.png", 0, 1, 2)
    pipe(root / "masks/3.png")
    return root


def studio(root: Path, **changed: object) -> Path:
    path = formats.studio(root)
    tasks = json.loads(path.read_text())
    tasks[0].update(changed)
    path.write_text(json.dumps(tasks))
    return path


def deep(root: Path, levels: int, name: str) -> Path:
    two(root)
    here = os.open(root / "a", os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    return root


REFUSED = {
    "nobody's home": (lambda r: "~nobody-of-this-name/x", "not known whose home", "whole path"),
    "5000 characters": (lambda r: "/" + "x" * 5000, r"name too long\)", "255 bytes"),
    "a link to itself": (lambda r: link(r / "me"), "symbolic links", "leads back to itself"),
    "no encoding": (lambda r: "/tmp/\ud800", "no such path", "nearest folder"),
    "a device": (lambda r: "/dev/zero", "nothing that images can be read from", "Give one of"),
    "100 folders deep": (lambda r: deep(r, 150, "d"), "more than 100 deep", "further in"),
    "a path of 6000 bytes": (lambda r: deep(r, 60, "d" * 100), r"name too long\)", "4096"),
    "yaml: huge": (lambda r: yaml(r, f"names: [{'1' * 5000}, b]\ntrain: images\n"), "5000 characters", "Check"),
    "yaml: a key twice": (lambda r: yaml(r, "names: {0: a, 0: b}\ntrain: images\n"), "line 1: .*twice", "Repair"),
    "yaml: one text as names": (lambda r: yaml(r, "names: cat\ntrain: images\n"), "no list of classes", "Write names"),
    "yaml: ² for 2": (lambda r: yaml(r, "names: {²: a, 1: b}\ntrain: images\n"), "no list of classes", "Write names"),
    "yaml: deep": (lambda r: yaml(r, f"names: {'[' * 5000}\ntrain: images\n"), "data.yaml", "Repair"),
    "yaml: a bomb as path": (lambda r: yaml(r, f"{BOMB}path: *a11\nnames: [a, b]\n"), "path is no folder", "Write"),
    "yaml: a bomb as train": (lambda r: yaml(r, f"{BOMB}train: *a11\nnames: [a, b]\n"), "train is no folder", "Write"),
    "yaml: a bomb as names": (lambda r: yaml(r, f"{BOMB}names: *a11\ntrain: a\n"), "names are no list", "Write"),
    "yaml: in itself": (lambda r: yaml(r, "path: &a [*a]\nnames: [a, b]\n"), "line 1: .*recursive", "Repair"),
    "a class of 2000 characters": (
        lambda r: table(r, f"a/0.png,{'x' * 2000}\na/1.png,y\n"),
        "a name of 2000 characters",
        "rename it",
    ),
}


def link(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.name)
    return path


def table(root: Path, rows: str) -> Path:
    two(root)
    (root / "t.csv").write_text(f"file,label\n{rows}")
    return root / "t.csv"


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, tmp_path):
    make, told, advice = REFUSED[case]
    path = make(tmp_path / "set")
    with pytest.raises(DataError, match=told) as refused:
        look(str(path))
    assert advice in refused.value.advice
    assert len(str(refused.value)) < 700
    shutil.rmtree(tmp_path / "set/a/d", ignore_errors=True)


TAKEN = {
    "a pipe as JSON": lambda r: (two(r), pipe(r / "x.json"))[0],
    "a pipe as YAML": lambda r: (two(r), pipe(r / "data.yaml"))[0],
    "a pipe as Parquet": lambda r: (two(r), pipe(r / "x.parquet"))[0],
    "a pipe as an image": lambda r: (two(r), pipe(r / "a/pipe.png"))[0],
    "a pipe as a label": lambda r: (formats.yolo(r), pipe(r / "labels/a.txt"))[0],
    "a pipe as a labelled image": lambda r: (formats.yolo(r), pipe(r / "images/a.png"))[0],
    "a pipe as names": lambda r: (formats.yolo(r), pipe(r / "classes.txt"))[0],
    "a pipe as XML": lambda r: (formats.voc(r), pipe(r / "Annotations/a.xml"))[0],
    "a pipe as a mask": masked,
    "studio: annotations are a number": lambda r: studio(r, annotations=5),
    "studio: results are a number": lambda r: studio(r, annotations=[{"result": 5}]),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_passed_over(case, tmp_path):
    found = look(str(TAKEN[case](tmp_path / "set")))
    assert found.n_images >= 3


def test_a_pipe_among_images_is_told_and_its_image_cannot_be_used(tmp_path):
    two(tmp_path)
    pipe(tmp_path / "a/pipe.png")
    assert (
        "Not used: 1 image that cannot be opened like a file (pipe or device): a/pipe.png."
        in detect(tmp_path).listing().notices
    )
    for read in (decode, size_of):
        with pytest.raises(ImageError, match="no ordinary file"):
            read(tmp_path / "a/pipe.png")
    assert [bad.reason for bad in scan(tmp_path, ["a/pipe.png", "a/0.png"]).bad] == ["it is no ordinary file"]


def test_a_folder_that_vanishes_while_it_is_read_is_as_if_it_had_not_been_there(tmp_path, monkeypatch):
    images.folder(tmp_path, {"a": 2, "b": 2, "gone": 2})
    stat = os.stat

    def vanishing(path, *more, **others):
        if os.path.basename(os.fspath(path)) == "gone":
            shutil.rmtree(tmp_path / "gone", ignore_errors=True)
        return stat(path, *more, **others)

    source = detect(tmp_path)
    monkeypatch.setattr(os, "stat", vanishing)
    assert source.listing().counts == (2, 2)


def test_a_very_long_name_is_told_short(tmp_path):
    found = look(str(table(tmp_path, f"a/0.png,x\na/1.png,y\n{'z' * 100_000}.png,x\n")))
    (told,) = [notice for notice in found.notices if "a missing image" in notice]
    assert len(told) < 300


def test_an_archive_in_an_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as made:
        made.writestr("inner.zip", b"")
    source = detect(tmp_path / "outer.zip").placed(tmp_path / "to")
    with pytest.raises(DataError, match=r"outer\.zip holds 1 other archive: inner\.zip") as refused:
        source.listing()
    assert "by hand" in refused.value.advice


def test_what_is_wrong_inside_an_archive_names_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("readme.txt", b"")
    with pytest.raises(DataError, match=r"x\.zip: the folder holds no images"):
        detect(tmp_path / "x.zip").placed(tmp_path / "to").listing()
