"""The shelf of a data set: found by class, set, problem and name, with those that are left out behind the others."""

from __future__ import annotations

import pytest
from PIL import Image

from nbtrain.project.project import Project
from nbtrain.project.shelf import LEFT_OUT, Query, Shelf


@pytest.fixture
def data(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (4, 4)).save(tmp_path / "pets" / name / f"{number}.png")
    project = Project(tmp_path / "project")
    project.add_images(tmp_path / "pets", "pets")
    yield project.dataset("pets")
    project.close()


def found(shelf, only=None, **query):
    return [shelf.files[place] for place in shelf.find(Query(**query), only)]


def test_conditions_are_all_held(data):
    split = data.split("halves", val_ratio=0.4)
    shelf = Shelf(data.value, split, {"Cut off": {"cat/1.png": "it is cut off", "dog/2.png": "it is cut off"}})
    assert len(found(shelf)) == len(shelf) == 10
    assert found(shelf, label="dog", words="3.PNG") == ["dog/3.png"]
    assert found(shelf, problem="Cut off", label="cat") == ["cat/1.png"]
    assert set(found(shelf, part="val")) == set(split.files["val"])
    assert shelf.part_counts == {"train": 6, "val": 4}
    assert shelf.problem_counts == {"Cut off": 2}
    assert shelf.told(shelf.files.index("cat/1.png")) == ["it is cut off"]
    assert found(shelf, words="no such name") == []


def test_what_is_left_out_stands_behind_with_its_reason_and_its_class(data):
    data.exclude("cat/0.png", "blurred")
    data.rename("cat", "kitten")
    shelf = Shelf(data.value)
    assert len(found(shelf)) == 9
    assert found(shelf, problem=LEFT_OUT) == ["cat/0.png"]
    (place,) = shelf.find(Query(problem=LEFT_OUT))
    assert (shelf.labels(place), shelf.reason(place), shelf.is_out(place)) == (("kitten",), "blurred", True)
    assert shelf.label_counts == {"kitten": 4, "dog": 5}
    assert shelf.problem_counts == {LEFT_OUT: 1}


def test_a_list_of_files_keeps_its_order_and_forgets_who_is_gone(data):
    shelf = Shelf(data.value)
    only = shelf.places(["dog/4.png", "gone.png", "cat/2.png"])
    assert found(shelf, only) == ["dog/4.png", "cat/2.png"]
    assert found(shelf, only, label="cat") == ["cat/2.png"]
