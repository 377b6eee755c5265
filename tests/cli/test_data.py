"""``nbtrain data``: what a terminal can say of a data set, and how refusals look."""

from __future__ import annotations

import json

import pytest

from images import write_classes
from nbtrain.cli import main
from nbtrain.project.project import Project


@pytest.fixture
def nbtrain(tmp_path, capsys):
    with_images = Project(tmp_path / "project")
    with_images.add_images(write_classes(tmp_path / "images", {"cat": 6, "ct": 3, "dog": 5}), "animals")
    with_images.close()

    def run(*words):
        code = main(["data", *words, "--project", str(tmp_path / "project")])
        out, err = capsys.readouterr()
        return code, out + err

    return run


def test_a_data_set_is_edited_from_the_terminal(nbtrain, tmp_path):
    assert nbtrain("ls") == (0, "animals: 14 images, 3 classes, version 0\n")
    assert nbtrain("rename", "animals", "ct", "cat")[1] == "animals: 14 images, 2 classes, version 1\n"
    assert nbtrain("relabel", "animals", "dog/000.png", "--as", "cat")[1] == "1 of 1 images changed; version 2\n"
    nbtrain("exclude", "animals", "dog/001.png", "dog/002.png", "--reason", "blurred")
    nbtrain("include", "animals", "dog/001.png")
    nbtrain("undo", "animals")
    assert "12 images, 2 classes, version 5" in nbtrain("ls")[1]
    write_classes(tmp_path / "more", {"fox": 3, "dog": 1})
    nbtrain("add", "animals", str(tmp_path / "more"), "--as", "wild")
    assert nbtrain("split", "animals", "mine", "--val", "0.25")[1] == "mine: 12 train, 4 val\n"
    assert nbtrain("split", "animals", "cv", "--folds", "3")[1].count("train") == 3
    told = json.loads(nbtrain("show", "animals", "--json")[1])
    assert told["classes"] == {"cat": 10, "dog": 3, "fox": 3}
    assert [one["reason"] for one in told["left_out"]] == ["blurred", "blurred"]
    assert told["splits"] == ["cv-1-of-3", "cv-2-of-3", "cv-3-of-3", "mine"]
    assert "wild: " in nbtrain("show", "animals")[1]
    assert nbtrain("history", "animals")[1].count("taken back") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "plants"), "no such data set"),
        (("drop", "animals", "cat", "ct"), "leave 1 class"),
        (("exclude", "animals", "x.png"), "no such image"),
        (("undo", "animals"), "no edit of yours"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(nbtrain, words, told):
    code, text = nbtrain(*words)
    assert code == 2
    assert told in text
    assert text.count("\n") == 1


def test_names_that_look_like_one_class_are_told_with_the_command_that_merges_them(nbtrain, tmp_path):
    write_classes(tmp_path / "more", {"Cat": 3, "dog": 1})
    nbtrain("add", "animals", str(tmp_path / "more"))
    told = nbtrain("show", "animals")[1]
    assert "These 2 names look like one class, and differ in upper and lower case: cat, Cat." in told
    (command,) = [line.partition(": ")[2] for line in told.splitlines() if "nbtrain data merge" in line]
    assert json.loads(nbtrain("show", "animals", "--json")[1])["alike"] == [
        {"names": ["cat", "Cat"], "how": "upper and lower case", "into": "cat"}
    ]
    assert main(command.split()[1:]) == 0
    assert "Cat" not in nbtrain("show", "animals")[1]  # which also takes what merge has printed
    assert json.loads(nbtrain("show", "animals", "--json")[1])["classes"] == {"cat": 9, "ct": 3, "dog": 6}
    assert "look like one class" not in nbtrain("show", "animals")[1]
