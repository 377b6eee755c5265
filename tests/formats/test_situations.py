"""Every situation of docs/formats.md is made for real, looked at, and compared with what the page says."""

from contextlib import closing

import pytest

from formats import moved
from formats.frame import Read, write
from formats.page import SITUATIONS
from nbtrain import Project
from nbtrain.data import unread
from nbtrain.data.sources import base, rooted
from nbtrain.errors import DataError


@pytest.fixture(autouse=True)
def without_extras(monkeypatch):
    """The page is that of a plain installation, whatever is installed here."""
    monkeypatch.setattr(unread, "HEIC_READERS", ())
    endings = base.IMAGE_ENDINGS.difference(unread.HEIC_ENDINGS)
    for room in ("base", "walk"):
        monkeypatch.setattr(f"nbtrain.data.sources.{room}.IMAGE_ENDINGS", endings)


@pytest.mark.parametrize(
    "situation",
    [pytest.param(s, marks=[pytest.mark.xfail(reason=f"waits for {s.waits}")] if s.waits else []) for s in SITUATIONS],
    ids=lambda s: s.name,
)
def test_it_happens_as_the_page_says(situation, tmp_path):
    assert situation.differences(tmp_path / "data") == []


def test_no_two_situations_are_told_alike():
    told = [(s.format, s.told) for s in SITUATIONS]
    assert sorted({one for one in told if told.count(one) > 1}) == []


FIRST = {s.format: s for s in reversed(SITUATIONS) if isinstance(s.happens, Read) and not s.waits}


@pytest.mark.parametrize("situation", FIRST.values(), ids=FIRST.keys())
def test_a_project_takes_what_was_looked_at(situation, tmp_path):
    """One of each format: archives and tables with images inside are unpacked on the way."""
    source = situation.given.source(tmp_path / "data")
    with closing(Project(tmp_path / "project")) as project:
        added = project.add_images(source)
        assert dict(zip(added.classes, added.counts, strict=True)) == dict(situation.happens.classes)


@pytest.mark.parametrize("images", ["", "images"], ids=["no root", "root"])
def test_whoever_names_the_root_is_never_advised_to_name_it(images, tmp_path):
    """Of every situation whose images are not found: the folder that was named is not asked for again."""
    (tmp_path / images).mkdir(exist_ok=True)
    for file, content in {**moved.csv_of(["x.jpg"]), **moved.coco_of(["x.jpg"]), **moved.studio_of(["x.jpg"])}.items():
        write(tmp_path / file, content)
        with pytest.raises(DataError) as refused:
            rooted(tmp_path / file, str(tmp_path / images)).listing()
        assert "images_root" not in refused.value.advice
