"""The header scan: what it lists, what it keeps, and that it stops when asked."""

from __future__ import annotations

import os

import pytest

from data import images
from nbtrain.data.scan import Bad, Interrupted, ScanResult, scan
from nbtrain.errors import DataError


@pytest.fixture
def root(tmp_path):
    images.folder(tmp_path / "images", {"a": 100, "b": 100})
    return tmp_path / "images"


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.png"))


def test_sound_images(root):
    assert scan(root, files(root)) == ScanResult(200, (), 200 * 24 * 16 * 3)
    assert scan(root, []) == ScanResult(0, (), 0)


def test_bad_ones_are_listed_in_order_with_their_reason(root):
    (root / "b/7.png").write_bytes(b"")
    (root / "a/3.png").write_text("x")
    result = scan(root, [*files(root), "a/none.png"])
    assert result.bad == (
        Bad("a/3.png", "it is no image of a known format"),
        Bad("b/7.png", "the file is empty"),
        Bad("a/none.png", "the file is missing"),
    )
    assert result.decoded_bytes == 198 * 24 * 16 * 3


def test_only_changed_files_are_read_again(root, tmp_path):
    cache = tmp_path / "scan.json"
    assert not scan(root, files(root), cache=cache).bad
    path = root / "a/0.png"
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not scan(root, files(root), cache=cache).bad  # size and time are as before: taken from the cache
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))
    assert [bad.file for bad in scan(root, files(root), cache=cache).bad] == ["a/0.png"]
    images.write(path)
    assert not scan(root, files(root), cache=cache).bad


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 9}', b'{"format": 1, "files": {"a/0.png": [1]}}'])
def test_a_broken_cache_only_costs_time(root, tmp_path, content):
    (tmp_path / "scan.json").write_bytes(content)
    assert scan(root, files(root), cache=tmp_path / "scan.json").n_images == 200


def test_a_cache_that_cannot_be_written_is_no_failure(root, tmp_path):
    assert scan(root, files(root), cache=tmp_path / "none" / "scan.json").n_images == 200


def test_progress_ends_whole(root):
    told = []
    scan(root, files(root), progress=told.append)
    assert told[0].endswith("of 200 files")
    assert told[-1] == "200 of 200 files"


def test_stop_is_asked_for_between_chunks(root):
    asked = []
    with pytest.raises(Interrupted):
        scan(root, files(root), stopped=lambda: asked.append(1) or len(asked) > 1)
    assert len(asked) == 2


def result(n_bad, n_images=100):
    return ScanResult(n_images, tuple(Bad(f"{i}.png", "it is cut off") for i in range(n_bad)), 0)


def test_few_bad_images_are_told():
    assert result(0).check(0.01) == ""
    assert result(1).check(0.01) == "1 image of 100 cannot be used and is skipped: 0.png (it is cut off)."
    assert "2 images of 200 cannot be used and are skipped" in result(2, 200).check(0.01)


def test_more_than_the_allowed_share_stops():
    with pytest.raises(DataError, match=r"2 images of 100 .* more than the allowed 1 %.*: 0\.png \(it is cut off\)"):
        result(2).check(0.01)
