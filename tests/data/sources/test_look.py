"""What is told of a path before it is used."""

from __future__ import annotations

import json

import pytest

from data import formats, images
from nbtrain.cli import main
from nbtrain.data.sources import Source, detect, look
from nbtrain.errors import DataError


def test_what_is_found_is_told_and_nothing_changes(tmp_path):
    path = formats.coco_sets(tmp_path)
    before = sorted(path.rglob("*"))
    found = look(path)
    assert found.source == detect(path)
    assert found.marks == {"box": (4, 3)}
    assert found.lacking == {"box": "1 of 4 images have no box"}
    assert found.plain()["classes"] == {"cat": 2, "dog": 2}
    assert list(found.lines())[2:] == [
        "classes: 2: cat (2), dog (2)",
        "without a class: 1 image",
        "box: 4; 1 of 4 images have no box",
        "own split: train 2, val 2",
        "note: 2 other JSON files are not read: captions_train2017.json, captions_val2017.json.",
    ]
    assert sorted(path.rglob("*")) == before


def test_columns_are_told(tmp_path):
    for name in ("1.png", "2.png", "3.png"):
        images.write(tmp_path / name)
    (tmp_path / "t.csv").write_text("file,label,patient,eye\n1.png,b,p1,\n2.png,a,p1,left\n3.png,a,p2,\n")
    found = look(tmp_path / "t.csv")
    assert (found.n_unlabelled, found.columns) == (0, {"patient": 2, "eye": 1})
    assert list(found.lines())[1].startswith("read as: Labels: label, one per cell. Files stand in “file”")
    assert "classes: 2: a (2), b (1)" in list(found.lines())
    assert found.source.listing().records[1].cells == ("p1", "left")


@pytest.mark.parametrize("name", formats.FORMATS)
def test_it_can_be_printed(name, tmp_path, capsys):
    path = formats.FORMATS[name].write(tmp_path / "set")
    assert main(["images", str(path)]) == 0
    assert "images: 4, " in capsys.readouterr().out
    assert main(["images", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Source.parse(told["source"]) == detect(path)


def test_a_second_root_is_for_annotations_alone(tmp_path, capsys):
    path = formats.coco(tmp_path / "set") / "annotations/instances.json"
    assert main(["images", str(path), "--images-root", str(tmp_path / "set/images")]) == 0
    images.folder(tmp_path / "plain", {"a": 1, "b": 1})
    assert main(["images", str(tmp_path / "plain"), "--images-root", "x"]) == 2
    assert "image folder has its images where it lies" in capsys.readouterr().err


def test_how_it_is_read_is_said_and_what_is_shown_before_an_answer(tmp_path):
    images.folder(tmp_path / "plain/seg_train", {"a": 1, "b": 1})
    images.folder(tmp_path / "plain/seg_test", {"a": 1, "b": 1})
    facts = dict(look(tmp_path / "plain").facts())
    how = "Each folder in seg_train (train) and seg_test (test) is a class."
    assert facts["read as"] == f"Class folders in train and test. {how}"
    assert facts["own split"] == "train 2, test 2"
    images.folder(tmp_path / "odd", {"cat": 1, "dog": 1, "test": 1})
    facts = dict(look(tmp_path / "odd").facts())
    assert facts["shown as"] == "A class, until you have answered"


def test_nothing_there(tmp_path):
    (tmp_path / "x.docx").write_text("x")
    with pytest.raises(DataError, match="nothing that images can be read from") as refused:
        look(tmp_path / "x.docx")
    assert all(kind.layout in refused.value.advice for kind in Source.kinds().values())
