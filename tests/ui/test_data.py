"""The panel of a data set: what it says of names that look like one class, and of what is not used."""

from __future__ import annotations

import pytest

from images import write_classes
from nbtrain.project.project import Project
from nbtrain.ui.data import Data


@pytest.fixture
def data(tmp_path):
    folder = write_classes(tmp_path / "images", {"Cat": 2, "cat": 4, "dog": 3})
    (folder / "loose.png").write_bytes((folder / "dog/000.png").read_bytes())
    write_classes(folder, {"@eaDir": 1})
    project = Project(tmp_path / "project")
    project.add_images(folder, "pets")
    panel = Data(project)
    yield panel
    panel.close()
    project.close()


def test_names_that_look_like_one_class_are_merged_by_one_click(data):
    assert data.alike == [{"names": ["Cat", "cat"], "how": "upper and lower case", "into": "cat"}]
    assert not any("look like one class" in told for told in data.notices)
    data.perform("merge", names=["cat", "Cat"], into="cat")
    data.redraw()
    assert data.alike == []
    assert data.classes == [{"name": "cat", "count": 6}, {"name": "dog", "count": 3}]


def test_what_is_not_used_stands_among_the_notices(data):
    assert data.notices[:2] == [
        "Not used: 1 image in folders made by programs: @eaDir.",
        "Not used: 1 image in no class folder: loose.png.",
    ]
