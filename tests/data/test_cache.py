"""The pixel cache: what it gives back is what was decoded, whatever happens to processes, files, disks and machines."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from data import images
from nbtrain.data import cache as caching
from nbtrain.data import cache_files, reading
from nbtrain.data.cache import PixelCache, Wanted
from nbtrain.data.cache_files import MAX_AGE_S, sweep
from nbtrain.data.decode import decode
from nbtrain.data.images import Images, shrunk, shrunk_size
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.reading import choose_cache, open_cache, to_cache
from nbtrain.data.scan import scan
from nbtrain.data.sources import detect

pytestmark = pytest.mark.skipif(not hasattr(os, "pwrite"), reason="there is no cache on Windows")
N = 12


@pytest.fixture
def root(tmp_path) -> Path:
    return images.folder(tmp_path / "images", {"a": 5, "b": 7})


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path / "cache" / "digits.pixels"


def files_of(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))


def wanted(root: Path) -> list[Wanted]:
    return to_cache(scan(root, files_of(root)), 0)


def opened(place: Path, root: Path, *, lasting: bool = True, variant: str = "") -> PixelCache:
    return PixelCache.opened(place, wanted(root), variant, lasting=lasting)


def filled(place: Path, root: Path, **settings) -> PixelCache:
    cache = opened(place, root, **settings)
    for file in files_of(root):
        cache.put(file, decode(root / file), root)
    return cache


def held(cache: PixelCache, root: Path) -> int:
    """Return how many images are held; each must be right."""
    n = 0
    for file in files_of(root):
        pixels = cache.get(file)
        if pixels is not None:
            np.testing.assert_array_equal(pixels, decode(root / file))
            n += 1
    assert n == cache.n_held
    return n


def test_it_gives_back_what_was_decoded_to_all_who_open_it(place, root):
    empty = opened(place, root)
    assert held(empty, root) == 0
    assert empty.get("unknown.png") is None
    full = filled(place, root)
    assert held(full, root) == held(empty, root) == held(opened(place, root), root) == N
    assert place.stat().st_size == N * 24 * 16 * 3


def test_a_changed_image_is_another_one(place, root):
    filled(place, root)
    images.write(root / "a/3.png", seed=77)
    os.utime(root / "a/3.png", ns=(1, 1))
    again = opened(place, root)
    assert held(again, root) == N - 1
    os.utime(root / "a/3.png", ns=(2, 2))  # after the run has looked at it
    again.put("a/3.png", decode(root / "a/3.png"), root)
    assert held(again, root) == N - 1
    assert held(filled(place, root), root) == N


def test_another_way_of_reading_is_another_image(place, root):
    filled(place, root)
    assert held(opened(place, root, variant="64"), root) == 0
    assert held(opened(place, root), root) == N


def test_what_was_not_written_to_its_end_does_not_count(place, root, monkeypatch):
    cache, written = opened(place, root), []

    def dies(descriptor, data, at):
        written.append(len(data))
        if len(written) == 1:
            return os.write(descriptor, bytes(data[:7])) and 7  # a disk may take less than it is given
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as full:
        full.setattr(caching.os, "pwrite", dies)
        cache.put("a/0.png", decode(root / "a/0.png"), root)
    assert cache.full
    assert written == [24 * 16 * 3, 24 * 16 * 3 - 7]
    assert held(cache, root) == 0
    cache.put("a/1.png", decode(root / "a/1.png"), root)
    assert held(cache, root) == 0
    assert held(filled(place, root), root) == N


def test_it_leaves_room_to_others(place, root, monkeypatch):
    monkeypatch.setattr(caching, "free_bytes", lambda _: 100)
    cache = filled(place, root)
    assert cache.full
    assert held(cache, root) == 0


def test_after_a_reboot_only_what_had_reached_the_disk_counts(place, root, monkeypatch):
    cache = opened(place, root)
    files = files_of(root)
    for file in files[:4]:
        cache.put(file, decode(root / file), root)
    cache._seal()
    for file in files[4:7]:
        cache.put(file, decode(root / file), root)
    assert held(opened(place, root), root) == 7
    monkeypatch.setattr(caching.processes, "boot_id", lambda: "another boot")
    assert held(opened(place, root), root) == 4


def test_a_full_cache_is_sealed_by_itself(place, root):
    cache = filled(place, root)
    for _ in range(2):
        while (cache._records["marker"] != caching._SEALED).any():
            time.sleep(0.01)
        assert held(cache, root) == N
        cache._records["marker"][:] = caching._WRITTEN  # as loader processes leave it: the next run seals it
        cache = opened(place, root)


@pytest.mark.parametrize(
    "damage",
    [
        lambda index, data: index.write_bytes(b"something else"),
        lambda index, data: index.write_bytes(index.read_bytes()[:100]),
        lambda index, data: index.write_bytes(b""),
        lambda index, data: data.write_bytes(b"short"),
        lambda index, data: data.unlink(),
    ],
    ids=["foreign", "cut", "empty", "short", "gone"],
)
def test_a_damaged_cache_is_begun_anew(place, root, damage):
    cache = filled(place, root)
    while (cache._records["marker"] != caching._SEALED).any():  # its thread would write into what is damaged
        time.sleep(0.01)
    damage(cache_files.index_of(place), place)
    assert held(opened(place, root), root) == 0
    assert held(filled(place, root), root) == N


def test_in_memory_it_goes_with_its_last_user(place, root):
    one, other = filled(place, root, lasting=False), opened(place, root, lasting=False)
    one.close()
    assert place.exists()
    other.close()
    assert not place.exists()
    assert held(other, root) == N  # for who still has it open
    filled(place, root).close()
    assert place.exists()


def test_what_nobody_uses_is_swept(place, root):
    cache = filled(place, root)
    sweep(place.parent, lasting=False)
    assert place.exists()
    del cache
    sweep(place.parent, lasting=True)
    assert place.exists()
    old = time.time() - MAX_AGE_S - 9
    while place.exists():  # the thread that seals it may hold it a moment longer, and write to it
        os.utime(cache_files.index_of(place), (old, old))
        sweep(place.parent, lasting=True)
    sweep(place.parent / "not there", lasting=True)


def test_images_that_are_gone_do_not_fill_it_for_ever(place, root, monkeypatch):
    monkeypatch.setattr(caching, "RESERVE_BYTES", 0)
    for turn in range(7):
        for file in files_of(root):
            os.utime(root / file, ns=(turn, turn))
        filled(place, root, lasting=False)
    assert place.stat().st_size <= 3 * N * 24 * 16 * 3


FILLS = """
    import sys
    from pathlib import Path
    from nbtrain.data.cache import PixelCache, Wanted
    from nbtrain.data.decode import decode
    root, place = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = [Wanted(f, (s := (root / f).stat()).st_size, s.st_mtime_ns, 24 * 16 * 3) for f in sys.argv[3:]]
    pixels = {f: decode(root / f) for f in sys.argv[3:]}
    print("ready", flush=True)
    while True:
        cache = PixelCache.opened(place, wanted, lasting=True)
        for file in sys.argv[3:]:
            cache.put(file, pixels[file], root)
        cache._records["marker"][:] = 0
"""


@pytest.mark.faults
def test_a_kill_at_any_moment_leaves_no_wrong_pixels(place, root):
    drawn = np.random.default_rng(0)
    for _ in range(2):
        command = [sys.executable, "-c", textwrap.dedent(FILLS), str(root), str(place), *files_of(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as filler:
            filler.stdout.readline()
            time.sleep(float(drawn.uniform(0, 0.05)))
            filler.send_signal(signal.SIGKILL)
        held(opened(place, root), root)
    assert held(filled(place, root), root) == N


# in the loader


def in_memory_at(folder: Path, monkeypatch) -> None:
    """Let ``folder`` stand for the machine's memory."""
    monkeypatch.setattr(cache_files, "SHARED_MEMORY", folder)


def sets(root: Path, transform, shrink_px: int = 0) -> tuple[Images, Images]:
    records = detect(root).listing().records
    return tuple(Images(root, records, transform, seed=3, stand_in=s, shrink_px=shrink_px) for s in (True, False))


def shown(set_: Images, reading_: Reading) -> list[torch.Tensor]:
    loader = Loader(set_, 4, reading_)
    try:
        return [batch.images.clone() for batch in loader.stream(0, 7)]
    finally:
        loader.close()


def changes_its_argument(image):
    return image.mul_(0)


@pytest.mark.parametrize("shrink_px", [0, 10])
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_images_are_the_same_with_and_without(root, tmp_path, monkeypatch, kind, shrink_px):
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
    in_memory_at(tmp_path, monkeypatch)
    crop = v2.Compose([v2.RandomResizedCrop((8, 8)), v2.RandomHorizontalFlip()])
    found = scan(root, files_of(root))
    wanted = shown(sets(root, crop, shrink_px)[0], Reading())
    for ways in (Reading(workers=2, threads=True), Reading(), Reading(workers=2)):
        train, val = sets(root, crop, shrink_px)
        cache, told = open_cache(kind, tmp_path / "datasets", "My digits", (train, val), found)
        assert told == ""
        assert train.cache is val.cache is cache
        assert all(map(torch.equal, wanted, shown(train, ways)))
        assert cache.n_held == N
        stays = 1 if kind == "disk" else 0  # in memory it goes with its last loader
        assert reading.cached_share(kind, tmp_path / "datasets", "My digits", train, found) == stays
        monkeypatch.setattr("nbtrain.data.images.decode", None)  # from now on, all come from the cache
        assert all(map(torch.equal, wanted, shown(train, ways)))
        monkeypatch.undo()
        monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
        in_memory_at(tmp_path, monkeypatch)
    foreign, _ = sets(root, changes_its_argument)
    foreign.cache = filled(tmp_path / "foreign.pixels", root)
    shown(foreign, Reading())
    assert held(foreign.cache, root) == N


def test_what_a_killed_run_leaves_in_memory_is_swept_but_not_what_is_used(root, tmp_path, monkeypatch):
    in_memory_at(tmp_path, monkeypatch)
    cache_files.sweep_memory()  # there is no folder yet, and none is made
    assert list(tmp_path.glob("nbtrain-*")) == []
    folder = cache_files.memory_folder()
    kept, lost = (filled(folder / name, root, lasting=False) for name in ("kept.pixels", "lost.pixels"))
    del lost  # its descriptors close with it, as those of a killed process do
    gc.collect()
    cache_files.sweep_memory()
    assert sorted(path.name for path in folder.glob("*t.pixels*")) == ["kept.pixels", "kept.pixels.index"]
    assert held(kept, root) == N


def test_a_cache_that_cannot_be_made_is_told_and_not_missed(root, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
    found, both = scan(root, files_of(root)), sets(root, v2.Resize((8, 8)))
    assert reading.cached_share("disk", tmp_path, "one", both[0], found) == 0
    assert reading.cached_share("off", tmp_path, "one", both[0], found) is None
    monkeypatch.setattr(reading, "free_bytes", lambda _: 5 * 24 * 16 * 3 + 1)
    assert open_cache("disk", tmp_path, "one", both, found)[1] == "The cache has room for 5 of 12 images."
    assert open_cache("off", tmp_path, "one", both, found) == (None, "")
    monkeypatch.setattr(PixelCache, "opened", lambda *_, **__: os.stat(tmp_path / "nowhere"))
    cache, told = open_cache("disk", tmp_path, "one", both, found)
    assert cache is None
    assert "not cached: [Errno 2]" in told


@pytest.mark.parametrize(
    ("epochs", "free", "read_s", "kind", "why"),
    [
        (1, 2**40, 0.0, "off", "one epoch"),
        (9, 2**40, 0.0, "memory", "reading one back takes 0.00 ms"),
        (9, 2**40, 1e9, "off", "from disk, reading one back"),
        (9, 10, 0.0, "off", "more than memory may take, more than disk may take"),
    ],
)
def test_auto_decides_by_space_and_measured_speed(root, tmp_path, monkeypatch, epochs, free, read_s, kind, why):
    train, found = sets(root, v2.Resize((8, 8)))[0], scan(root, files_of(root))
    assert choose_cache(train, found, tmp_path, 9)[0] == "off"
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
    in_memory_at(tmp_path, monkeypatch)
    monkeypatch.setattr(reading, "free_bytes", lambda _: free)
    assert reading._read_s(tmp_path, 5000) > 0
    monkeypatch.setattr(reading, "_read_s", lambda *_: read_s)
    chosen, told = choose_cache(train, found, tmp_path, epochs)
    assert chosen == kind
    assert why in told


def test_shrinking():
    assert shrunk_size(300, 400, 0) == (300, 400)
    assert shrunk_size(300, 400, 300) == (300, 400)
    assert shrunk_size(300, 400, 150) == (150, 200)
    assert shrunk_size(2, 1000, 1) == (1, 500)
    pixels = images.pixels(0, 40, 30)
    assert shrunk(pixels, 0) is pixels
    assert shrunk(pixels, 15).shape == (15, 20, 3)
