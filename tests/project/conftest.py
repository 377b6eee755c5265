"""Projects whose images a test can use as they are, and a person who has neither defaults nor recent projects yet."""

from __future__ import annotations

import pytest
from PIL import Image

from images import write_classes
from nbtrain.project.project import Project


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))


@pytest.fixture
def pets(tmp_path, newcomer):
    """A project, in a folder whose name needs care in scripts, with 40 cats and 20 dogs."""
    made = Project(tmp_path / "it's a project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 40, "dog": 20}), "pets")
    yield made
    made.close()


@pytest.fixture
def flowers(tmp_path, newcomer):
    """A project with 120 daisies and 8 roses of 40 × 24 pixels."""
    for name, count in (("daisy", 120), ("rose", 8)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 24), (number, 0, 0)).save(tmp_path / "images" / name / f"{number}.png")
    made = Project(tmp_path / "project")
    made.add_images(tmp_path / "images", "flowers")
    yield made
    made.close()
