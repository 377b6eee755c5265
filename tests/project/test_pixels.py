"""What is kept of a data set in decoded form: told in words, listed and cleared, never while a run uses it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from data import images
from nbtrain.cli import main
from nbtrain.config import Config
from nbtrain.data import cache_files
from nbtrain.data.cache import FOLDER, PixelCache, file_of, kept
from nbtrain.data.decode import decode
from nbtrain.data.reading import to_cache
from nbtrain.data.scan import scan
from nbtrain.errors import DataError
from nbtrain.project import pixels

pytestmark = pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is no cache on Windows")


@pytest.fixture
def info(tmp_path, monkeypatch):
    """A project with a data set of 12 images, all of which are cached on the disk; memory is a folder too."""
    (tmp_path / "shm").mkdir()
    monkeypatch.setattr(cache_files, "SHARED_MEMORY", tmp_path / "shm")
    root = images.folder(tmp_path / "images", {"a": 5, "b": 7})
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    place = tmp_path / "datasets" / FOLDER / file_of("My pets", root)
    cache = PixelCache.opened(place, to_cache(scan(root, files), 0), lasting=True)
    for file in files:
        cache.put(file, decode(root / file), root)
    for thread in threading.enumerate():  # waits until all is on the disk; it holds the cache open
        if thread.name == "nbtrain-cache":
            thread.join()
    del cache, thread
    return {"name": "My pets", "path": str(root), "n_images": 12}


def told(project, info, px=None, **changes):
    return pixels.outlook(
        project, Config().set_all({f"data.{name}": value for name, value in changes.items()}), info, px
    )


def test_what_is_kept_and_what_will_be(tmp_path, info):
    there = told(tmp_path, info)
    assert there["clear"]
    assert f"of decoded images are kept on disk ({tmp_path / 'datasets' / FOLDER})" in there["text"]
    other = {**info, "name": "Others", "n_images": 1000}
    assert told(tmp_path, other, 32)["text"].endswith("the trainer keeps them itself, and needs no cache.")
    assert told(tmp_path, other, 600)["text"].startswith(
        "The images take about 1.3 GiB decoded; a run of several epochs"
    )
    assert told(tmp_path, other, 600, shrink_px=300)["text"].startswith("The images take about 343 MiB decoded")
    assert "in at most half" in told(tmp_path, other, cache="memory")["text"]
    assert told(tmp_path, other, cache="off") == {"text": "Every epoch decodes its images anew.", "clear": False}
    assert told(tmp_path, {}) == {"text": "", "clear": False}


def test_what_a_cache_takes_is_counted_in_the_disks_blocks_and_not_beyond_its_end(tmp_path):
    place = tmp_path / FOLDER
    place.mkdir()
    sparse, full = place / "a.pixels", place / "b.pixels"
    with open(sparse, "wb") as file:
        file.truncate(1 << 20)
        file.write(b"x" * 8192)  # the rest is a hole
    full.write_bytes(b"x" * 5000)
    on_disk = {one.path: one for one in kept(place)}
    assert on_disk[sparse].size_bytes == 512 * sparse.stat().st_blocks < on_disk[sparse].room_bytes == 1 << 20
    assert on_disk[full].size_bytes == on_disk[full].room_bytes == 5000


def test_it_is_listed_and_cleared_from_the_command_line(tmp_path, info, capsys):
    project = ["--project", str(tmp_path)]
    assert main(["cache", *project]) == 0
    assert capsys.readouterr().out.startswith("my-pets-")
    assert main(["cache", "--json", *project]) == 0
    assert '"in_memory": false' in capsys.readouterr().out
    assert main(["cache", "clear", "Others", *project]) == 0
    assert "nothing to clear" in capsys.readouterr().out
    assert main(["cache", "clear", "My pets", *project]) == 0
    assert "free again" in capsys.readouterr().out
    assert pixels.caches(tmp_path) == []
    assert main(["cache", *project]) == 0
    assert "no decoded images are kept" in capsys.readouterr().out


def test_what_a_run_uses_stays(tmp_path, info):
    index = next((tmp_path / "datasets" / FOLDER).glob("*.index"))
    holds = "import fcntl, sys; f = open(sys.argv[1], 'rb'); fcntl.flock(f, fcntl.LOCK_SH); print('held', flush=True)"
    waits = "sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{holds}; {waits}", index], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        run.stdout.readline()
        with pytest.raises(DataError, match="a run uses this cache"):
            pixels.clear(pixels.caches_of(tmp_path, info))
        run.stdin.close()
    assert pixels.clear(pixels.caches_of(tmp_path, info)) > 0
