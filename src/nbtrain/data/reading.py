"""What is decided about reading before a run: how many workers, of which kind; and what is measured on the way.

No choice here changes a single number in a batch. Each comes with its reason, which the run folder keeps. Only the
trainer reads this file.
"""

from __future__ import annotations

import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from nbtrain import files, processes
from nbtrain.data.cache import FOLDER, MAX_KEPT_BYTES, PixelCache, Wanted, file_of, free_bytes, held_share
from nbtrain.data.cache_files import memory_folder, sweep
from nbtrain.data.decode import decode
from nbtrain.data.images import Images, shrunk, shrunk_size
from nbtrain.data.records import conversion_of, converts, counted
from nbtrain.data.scan import Progress, ScanResult, Stopped, Ticker
from nbtrain.data.statistics import MAX_MEASURED, PixelStatistics
from nbtrain.data.worker_threads import Threads
from nbtrain.errors import DataError

MAX_WORKERS = 8

_PAGE_BYTES = 4096
_TRIED = 8
"""Images that threads are tried with."""
_WORTH_IT = 1.5
"""How many times as fast as decoding reading back must be for a cache to be chosen."""
_MANY = 4
"""Threads from which on they are tried: fewer hardly meet, and a busy machine would only blur the measurement."""
_LEAST_GAIN = 0.5
"""Share of the gain of all workers below which threads stand in each other's way."""


def choose_workers(n_images: int, decoded_bytes: int, n_cores: int) -> tuple[int, str]:
    """Return the number of loader workers for a set of this decoded size, with the reason in words."""
    mib = decoded_bytes / 2**20
    if decoded_bytes <= MAX_KEPT_BYTES:
        return 0, f"all {n_images} images fit into memory decoded ({mib:.1f} MiB)"
    workers = max(1, min(MAX_WORKERS, n_cores - 1))
    return workers, f"{counted(n_cores, 'core', 'cores')}, of which one is left to the network ({mib:,.0f} MiB decoded)"


def choose_kind(images: Images, workers: int) -> tuple[Literal["threads", "processes"], str]:
    """Return whether ``workers`` are to be threads or processes for these images, with the reason in words."""
    if images.recipe.foreign:
        told = f"the transform {images.recipe.foreign} may draw from generators that belong to the whole process"
        return "processes", told
    if workers < _MANY:
        return "threads", "images are made outside Python's lock, and batches need not be handed over"
    gain = _gain_of_threads(images, workers)
    if gain < _LEAST_GAIN * workers:
        told = "these transforms hold Python's lock"
        return "processes", f"{workers} threads were only {gain:.1f} times as fast as one: {told}"
    return "threads", f"{workers} threads were {gain:.1f} times as fast as one, and batches need not be handed over"


def _gain_of_threads(images: Images, workers: int) -> float:
    """Return how many times as fast as one thread ``workers`` threads make images, from a few of them."""
    some = [(0, position) for position in range(min(len(images), _TRIED))]
    took_s = []
    for n_threads in (1, 1, workers):  # the first round brings files into memory
        threads = Threads(images, n_threads, ahead=n_threads, pinned=False)
        list(threads.batches([some[:1]] * n_threads, again=False))
        began_s = time.perf_counter()
        list(threads.batches([some] * n_threads, again=False))
        took_s.append(time.perf_counter() - began_s)
        threads.close()
    return workers * took_s[1] / took_s[2]


def choose_cache(images: Images, found: ScanResult, folder: Path, epochs: int) -> tuple[str, str]:
    """Return where decoded images are best kept, "memory", "disk" in ``folder`` or "off", with the reason in words."""
    need = sum(one.pixel_bytes for one in to_cache(found, images.shrink_px))
    told = f"{need / 2**30:.1f} GiB decoded"
    if found.decoded_bytes <= MAX_KEPT_BYTES:
        return "off", f"all images fit into the trainer's own memory decoded ({need / 2**20:.1f} MiB)"
    if epochs < 2:
        return "off", "one epoch reads every image once"
    decode_s = _decode_s(images)
    for kind, place in (("memory", _place("memory", folder)), ("disk", _place("disk", folder))):
        if place is None or need > (room := free_bytes(place)) / (1 if kind == "memory" else 2):
            told += f", more than {kind} may take" if place else f", and no {kind} to share"
            continue
        read_s = _read_s(place, need // max(1, found.n_images))
        speeds = f"reading one back takes {1e3 * read_s:.2f} ms, decoding it {1e3 * decode_s:.2f} ms"
        if read_s * _WORTH_IT < decode_s:
            return kind, f"{told} of {room / 2**30:.0f} GiB that may be taken; {speeds}"
        told += f"; from {kind}, {speeds}"
    return "off", told


def open_cache(
    kind: str, folder: Path, name: str, images: Sequence[Images], found: ScanResult
) -> tuple[PixelCache | None, str]:
    """Give all ``images`` of a data set the cache of this kind; return it, and what is to be told of it."""
    place = _place(kind, folder) if found.decoded_bytes > MAX_KEPT_BYTES else None
    if place is None:
        return None, ""
    lasting = kind == "disk"
    path = place / file_of(name, images[0].root)
    try:
        sweep(place, lasting=lasting)
        everything = to_cache(found, images[0].shrink_px)
        wanted = _fitting(everything, free_bytes(place) + (path.stat().st_blocks * 512 if path.exists() else 0))
        cache = PixelCache.opened(path, wanted, _variant(images[0]), lasting=lasting)
    except OSError as error:
        return None, f"Decoded images are not cached: {error}."
    for one in images:
        one.cache = cache
    if cache is None or len(wanted) == len(everything):
        return cache, ""
    return cache, f"The cache has room for {len(wanted)} of {counted(len(everything), 'image', 'images')}."


def cached_share(kind: str, folder: Path, name: str, images: Images, found: ScanResult) -> float | None:
    """Return the share of a data set's images that a cache of this kind holds by now; None where there will be none."""
    place = _place(kind, folder) if found.decoded_bytes > MAX_KEPT_BYTES else None
    if place is None:
        return None
    path = place / file_of(name, images.root)
    return held_share(path, to_cache(found, images.shrink_px), _variant(images))


def _variant(images: Images) -> str:
    """Return a text that differs where the same file is read as other pixels; "" for as it lies there."""
    return "|".join(filter(None, (str(images.shrink_px or ""), converts(images.root))))


def to_cache(found: ScanResult, shrink_px: int) -> list[Wanted]:
    """Return what a cache of all sound images holds."""
    wanted = []
    for file, one in found.seen.items():
        height, width = shrunk_size(one.height, one.width, shrink_px) if not one.reason else (0, 0)
        if height * width:
            wanted.append(Wanted(file, one.size_bytes, one.mtime_ns, 3 * height * width))
    return wanted


def _fitting(wanted: list[Wanted], room_bytes: int) -> list[Wanted]:
    ends = np.cumsum([one.pixel_bytes for one in wanted])
    return wanted[: int(np.searchsorted(ends, room_bytes, side="right"))]


def _place(kind: str, folder: Path) -> Path | None:
    """Return the folder that caches of this kind lie in, made if it is not there; None where there can be none."""
    if kind == "off" or not hasattr(os, "pwrite"):
        return None
    if kind == "memory":
        return memory_folder()
    return files.make_folder(folder / FOLDER)


def _decode_s(images: Images) -> float:
    """Return the seconds that decoding one image takes, once its file is in memory."""
    took_s = []
    for position in np.linspace(0, len(images) - 1, min(_TRIED, len(images)), dtype=int):
        file = images.records[position].file
        path, conversion = images.root / file, conversion_of(images.root, file)
        try:
            decode(path, conversion=conversion)
            began_s = time.perf_counter()
            shrunk(decode(path, conversion=conversion), images.shrink_px)
        except DataError:
            continue
        took_s.append(time.perf_counter() - began_s)
    return statistics.median(took_s) if took_s else 0.0


def _read_s(place: Path, n_bytes: int) -> float:
    """Return the seconds that reading ``n_bytes`` back from a file in ``place`` takes, the disk's cache emptied."""
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(os.urandom(_PAGE_BYTES) * (_TRIED * n_bytes // _PAGE_BYTES + 1))
        file.flush()
        if processes.LINUX:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        mapped, took_s = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8), []
        for number in range(_TRIED):
            began_s = time.perf_counter()
            mapped[number * n_bytes : (number + 1) * n_bytes : _PAGE_BYTES].sum()  # as a run reads: no copy
            took_s.append(time.perf_counter() - began_s)
        return statistics.median(took_s)


def mean_and_spread(
    images: Images, progress: Progress = lambda _: None, stopped: Stopped = lambda: False
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per colour over at most MAX_MEASURED images, evenly taken from the set."""
    n_used = min(len(images), MAX_MEASURED)
    measured, told = PixelStatistics(), Ticker(progress, stopped, n_used, "images")
    for done in range(n_used):
        told.at(done)
        try:
            measured.add(images.read(done * len(images) // n_used))
        except DataError:
            continue  # damaged: told when training meets it
    told.at(n_used)
    return measured.result()
