"""Kept listings: equal to what the source says, and noticed when any of what was read has changed."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from data import formats
from data.planted import EACH, plant_marks
from nbtrain.data import listings
from nbtrain.data.listings import listed
from nbtrain.data.records import Listing
from nbtrain.data.sources import detect

LONG_AGO_NS = 10**18


@pytest.fixture(params=["yolo", "voc", "coco"])
def places(request, tmp_path, monkeypatch) -> tuple[Path, Path]:
    """A data set and the folder of data sets; what was written just now counts as settled."""
    monkeypatch.setattr(listings, "_SETTLED_NS", -(2**62))
    path = getattr(formats, request.param)(tmp_path / "set")
    return path, tmp_path / "datasets"


def kept_in(folder: Path) -> list[Path]:
    return list((folder / listings.FOLDER).iterdir())


def same(one: Listing, other: Listing) -> None:
    for part in fields(Listing):
        assert getattr(one, part.name) == getattr(other, part.name), part.name
    assert [repr(record) for record in one.records] == [repr(record) for record in other.records]  # 1 is not 1.0
    other.__dict__.pop("content_hash", None)  # it came with the file
    assert one.content_hash == other.content_hash


def test_it_is_equal_record_by_record(places):
    path, folder = places
    fresh = detect(path).listing()
    same(fresh, listed(detect(path), folder))
    (kept,) = kept_in(folder)
    was = kept.stat().st_ino
    again = listed(detect(path), folder)
    assert "content_hash" in again.__dict__  # nothing was read anew
    same(fresh, again)
    assert kept.stat().st_ino == was


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_what_a_reader_left_out_is_kept_for_the_scan(form, tmp_path, monkeypatch):
    monkeypatch.setattr(listings, "_SETTLED_NS", -(2**62))
    plant_marks(tmp_path / "set", form)
    fresh = listed(detect(tmp_path / "set"), tmp_path / "kept")
    again = listed(detect(tmp_path / "set"), tmp_path / "kept")
    assert "content_hash" in again.__dict__
    assert again.doubts == fresh.doubts
    assert len(fresh.doubts) >= 3 * EACH


def changes(root: Path):
    """Yield what somebody may do to a data set, each of which must be noticed."""
    files = sorted(p for p in root.rglob("*") if p.is_file())
    label = next(p for p in files if p.suffix in (".txt", ".xml", ".json") and p.stat().st_size)
    image = next(p for p in files if p.suffix in (".png", ".jpg"))
    yield label.write_bytes, (label.read_bytes() + b"\n",)
    yield label.write_bytes, (label.read_bytes().replace(b"0", b"9", 1) + b"\n",)
    yield os.utime, (label,), {"ns": (LONG_AGO_NS, LONG_AGO_NS)}
    yield image.write_bytes, (image.read_bytes() + b"\0",)
    yield image.rename, (image.with_name(f"new{image.suffix}"),)
    yield shutil.copy, (label, label.with_name(f"another{label.suffix}"))
    yield (root / "notes.md").write_text, ("",)


def test_whatever_changes_is_noticed(places):
    path, folder = places
    root = path if path.is_dir() else path.parent
    for do, args, *more in list(changes(root)):
        listed(detect(path), folder)
        before = listings.stamp_of([root], detect(path).reads, 10**6)
        do(*args, **(more[0] if more else {}))
        assert listings.stamp_of([root], detect(path).reads, 10**6).text != before.text, do
        same(detect(path).listing(), listed(detect(path), folder))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "version"])
def test_a_damaged_file_is_read_anew(places, damage, monkeypatch):
    path, folder = places
    fresh = listed(detect(path), folder)
    (kept,) = kept_in(folder)
    data = kept.read_bytes()
    if damage == "version":
        monkeypatch.setattr(listings, "_FORMAT", 99)
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        kept.write_bytes({"cut": data[:middle], "flipped": flipped, "empty": b""}[damage])
    again = listed(detect(path), folder)
    assert again == fresh
    assert kept.read_bytes() != data or damage != "version"


def test_what_was_written_just_now_is_not_kept(places, monkeypatch):
    """Two changes may have the same time on a coarse clock; the next look keeps it."""
    path, folder = places
    monkeypatch.setattr(listings, "_SETTLED_NS", 2 * 10**9)
    listed(detect(path), folder)
    assert not (folder / listings.FOLDER).exists()


def test_what_lies_in_a_project_and_too_many_files_are_passed_over(tmp_path):
    (tmp_path / "project/experiments").mkdir(parents=True)
    (tmp_path / "project/project.json").write_text("{}")
    before = listings.stamp_of([tmp_path], frozenset({".txt"}), 10)
    (tmp_path / "project/experiments/log.txt").write_text("a run")
    assert listings.stamp_of([tmp_path], frozenset({".txt"}), 10).text == before.text
    assert listings.stamp_of([tmp_path], frozenset(), 2) is None


def test_a_link_in_a_circle_ends(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/round").symlink_to(tmp_path)
    assert listings.stamp_of([tmp_path], frozenset(), 100) is not None


def test_a_folder_that_cannot_be_written_only_costs_time(places):
    path, folder = places
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file is in the way")
    same(detect(path).listing(), listed(detect(path), folder))


def test_what_cannot_be_used_is_kept_too(tmp_path, monkeypatch):
    monkeypatch.setattr(listings, "_SETTLED_NS", -(2**62))
    root = formats.yolo(tmp_path / "set")
    label = next(path for path in sorted(root.rglob("labels/**/*.txt")) if path.stat().st_size)
    label.write_text(label.read_text() + "\n0 0.5 0.5 0 0.1\n")
    fresh = listed(detect(root), tmp_path / "datasets")
    assert [doubt.kind for doubt in fresh.doubts]
    again = listed(detect(root), tmp_path / "datasets")
    assert "content_hash" in again.__dict__
    same(fresh, again)
