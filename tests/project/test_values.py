"""Images of 12 bits in a project: what is chosen is told, frozen into runs, and the same wherever they are shown."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from data import stored
from nbtrain.data import assembly
from nbtrain.data.conversion import Span
from nbtrain.data.records import conversion_of
from nbtrain.data.sources import look
from nbtrain.project.project import Project
from nbtrain.project.shelf import Shelf

TOLD = "16-bit images whose values end at 4 095: read as 12 bits (6 of 6 images looked at)."


@pytest.fixture
def images(tmp_path):
    for place in range(6):
        values = np.full((8, 8), 4095 if place else 400, np.uint16)
        values[: place + 1] = 0
        path = tmp_path / "in" / "ab"[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.png(values))
    return tmp_path / "in"


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def test_it_is_chosen_once_told_and_frozen(project, images):
    added = project.add_images(images, "grey")
    assert TOLD in added.notices
    (part,) = added.parts
    assert part.conversion.counts == Span(0, 4095)
    recorded = assembly.recorded(json.loads(json.dumps(added.frozen())), project.data.folder)
    assert recorded.hash == added.hash
    assert conversion_of(recorded.listing.root, "a/0.png") == part.conversion
    (images / "a" / "new.png").write_bytes(stored.png(np.full((8, 8), 60_000, np.uint16)))
    assert project.dataset("grey").refresh().parts == added.parts


def test_thumbnails_show_what_is_trained_on(project, images):
    added = project.add_images(images, "grey")
    shelf, thumbnails = Shelf(added), project.scan("grey", start=False).thumbnails
    dark, bright = thumbnails.get(["a/0.png", "a/2.png"], shelf.root)
    assert np.asarray(Image.open(io.BytesIO(dark))).max() < 40
    assert np.asarray(Image.open(io.BytesIO(bright))).max() > 240
    changed = project.dataset("grey").set_values("8 bits")
    assert changed.hash != added.hash
    assert any("as set by hand" in notice for notice in changed.notices)
    assert np.asarray(Image.open(io.BytesIO(thumbnails.get(["a/0.png"], Shelf(changed).root)[0]))).max() > 240
    assert project.dataset("grey").set_values("auto").hash == added.hash


def test_a_data_set_of_before_stays_what_it_was(project, images):
    added = project.add_images(images, "grey")
    plain = json.loads(added.file.read_text())
    for part in plain["sources"]:
        del part["conversion"]
    before = assembly.look(assembly.parse(plain["sources"]))
    plain["base"] = before.listing.content_hash
    added.file.write_text(json.dumps(plain))
    project = Project(project.path)
    found = project.data.get("grey")
    assert found.listing().root == images
    assert found.listing().content_hash == found.base
    assert project.dataset("grey").refresh().hash == found.hash
    assert project.add_images(images, "grey").hash == found.hash  # a cell that is run again
    assert project.dataset("grey").set_values("auto").hash == added.hash  # and the way on


def test_a_look_offers_the_other_depths_and_the_way_back(project, images):
    found = look(images)
    assert found.conversion.counts == Span(0, 4095)
    values = {one.title: one.source for one in found.readings if one.title.startswith("Values")}
    assert list(values) == ["Values: 14 bits", "Values: 16 bits"]
    (part,) = project.add_images(values["Values: 16 bits"], "grey").parts
    assert part.conversion.counts == Span(0, 65535)
    again = look(values["Values: 16 bits"])
    (back,) = [one.source for one in again.readings if one.title.startswith("Values")]
    assert look(back).conversion.counts == Span(0, 4095)


def test_images_of_8_bits_offer_no_depths(tmp_path):
    for place in range(4):
        path = tmp_path / "in" / "ab"[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.png(np.full((8, 8), place, np.uint8)))
    assert [one.title for one in look(tmp_path / "in").readings] == ["Class folders"]
