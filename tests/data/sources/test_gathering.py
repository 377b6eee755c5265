"""What every annotation format is gathered with."""

from __future__ import annotations

import pytest

from data import images
from nbtrain.data.sources.gathering import Files, Gathering


@pytest.mark.parametrize(
    ("listed", "classes"),
    [(None, ("a2", "a10", "b")), (["b", "c"], ("b", "c", "a2", "a10")), (["b", "c", "b"], ("b", "c", "a2", "a10"))],
    ids=["none is listed", "some are listed", "one is listed twice"],
)
def test_classes_that_are_used_come_after_those_that_are_listed(tmp_path, listed, classes):
    gathering = Gathering(Files(tmp_path, "labels.json"), "box")
    for name in ("b", "a10", "a2"):
        images.write(tmp_path / f"{name}.png")
        gathering.image(f"{name}.png").labels.add(name)
    listing = gathering.listing(tmp_path, listed, tmp_path)
    assert listing.classes == classes
    assert {record.file: listing.classes[record.labels[0]] for record in listing.records} == {
        f"{name}.png": name for name in ("b", "a10", "a2")
    }
