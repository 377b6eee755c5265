"""What is kept of an image is not taken for another one's: same name, same size in bytes, other pixels."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from nbtrain.data.cache import PixelCache, Wanted
from nbtrain.data.decode import decode
from nbtrain.data.inspection.store import Store
from nbtrain.data.inspection.sweep import sweep
from nbtrain.data.thumbnails import Thumbnails

FILE = "a.bmp"


def paint(root, grey):
    """Write an image whose file always has the same size, a second after the one before."""
    at = root / FILE
    before_ns = at.stat().st_mtime_ns if at.exists() else 10**18
    Image.fromarray(np.full((20, 20, 3), grey, np.uint8)).save(at)
    os.utime(at, ns=(before_ns + 10**9, before_ns + 10**9))
    return at.stat().st_size


def cached(root):
    """Return the mean of what the pixel cache gives, after a run that has filled it."""
    seen = (root / FILE).stat()
    wanted = [Wanted(FILE, seen.st_size, seen.st_mtime_ns, 20 * 20 * 3)]
    cache = PixelCache.opened(root / "cache" / "x.pixels", wanted, lasting=True)
    if cache.get(FILE) is None:
        cache.put(FILE, decode(root / FILE), root)
    return float(cache.get(FILE).mean())


def pictured(root):
    """Return the mean of the thumbnail."""
    thumbnails = Thumbnails(root / "not" / "there" / "yet")
    try:
        (picture,) = thumbnails.get([FILE], root)
    finally:
        thumbnails.close()
    (root / "t.jpg").write_bytes(picture)
    return float(decode(root / "t.jpg").mean())


def scanned(root):
    """Return the brightness that a scan has found, from 0 to 1, as a mean from 0 to 255."""
    (root / "scan").mkdir(exist_ok=True)
    return 255 * sweep(root, [FILE], Store(root / "scan")).looks[0].brightness


@pytest.mark.parametrize("kept", [cached, pictured, scanned])
def test_another_image_of_the_same_size_is_another_one(kept, tmp_path):
    sizes = {paint(tmp_path, 40)}
    assert kept(tmp_path) == pytest.approx(40, abs=3)
    sizes.add(paint(tmp_path, 200))
    assert kept(tmp_path) == pytest.approx(200, abs=3)
    assert len(sizes) == 1


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is no cache on Windows")
def test_pixels_are_not_kept_under_what_the_file_was_before(tmp_path):
    """The run looked at the file, somebody painted it over, and only then was it read."""
    paint(tmp_path, 40)
    seen = (tmp_path / FILE).stat()
    wanted = [Wanted(FILE, seen.st_size, seen.st_mtime_ns, 20 * 20 * 3)]
    cache = PixelCache.opened(tmp_path / "cache" / "x.pixels", wanted, lasting=True)
    paint(tmp_path, 200)
    cache.put(FILE, decode(tmp_path / FILE), tmp_path)
    assert cache.get(FILE) is None
