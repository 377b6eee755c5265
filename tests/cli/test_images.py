"""``nbtrain images``, and ``--reading`` where a path may be meant in several ways."""

from __future__ import annotations

import json

import pytest

from images import write_classes
from nbtrain.cli import main
from nbtrain.project.project import Project


@pytest.fixture
def odd(tmp_path):
    return str(write_classes(tmp_path / "odd", {"cat": 2, "dog": 2, "test": 2}))


def test_the_look_lists_readings_with_their_numbers(odd, capsys):
    assert main(["images", odd]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3:] == [
        "question: Is the folder test a class, or a set of images without classes?",
        "  1. A class: Each folder is a class: cat, dog, test.",
        "  2. A set: Its images have no class, and are not used.",
    ]
    assert main(["images", odd, "--reading", "2"]) == 0
    told = capsys.readouterr().out
    assert "classes: 2: cat (2), dog (2)" in told
    assert "question" not in told
    assert main(["images", odd, "--reading", "9"]) == 2
    assert "there is no reading of this number (got 9). There are: 1 A class; 2 A set." in capsys.readouterr().err


def test_as_json(odd, capsys):
    assert main(["images", odd, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [told["readings"][n - 1]["title"] for n in told["questions"][0]["readings"]] == ["A class", "A set"]
    assert main(["images", odd, "--json", "--reading", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["source"]["sets"] == "always"


def test_adding_asks_and_takes_a_number(odd, tmp_path, capsys):
    project = str(tmp_path / "project")
    with_images = Project(project)
    with_images.add_images(write_classes(tmp_path / "pets", {"cat": 2, "dog": 2}), "pets")
    with_images.close()
    words = ["data", "add", "pets", odd, "--project", project]
    assert main(words) == 2
    assert "--reading 1, 2, … on the command line: (1) A class: Folder(" in capsys.readouterr().err
    assert main([*words, "--reading", "1"]) == 0
    assert "3 classes" in capsys.readouterr().out


def test_training_asks_before_anything_is_written(odd, tmp_path, capsys):
    assert main(["train", odd, "--project", str(tmp_path / "project")]) == 2
    assert "Is the folder test a class" in capsys.readouterr().err
    assert Project(tmp_path / "project").datasets() == []
