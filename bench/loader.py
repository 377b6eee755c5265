"""The loader alone, as a device without end would see it: ours beside what a script takes from torchvision and timm.

All read the same JPEG files into batches of the same kind: a random crop of random size, resized, flipped half of the
time. Taken in turns, several rounds. CPU time, with that of loader processes, decides, since a busy machine stretches
wall time; wall time is shown too. Peers hand over what they hand over: torchvision's tensors bytes, the others floats.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch
from torch.utils.data import DataLoader
from torchvision import transforms as v1
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from bench import photographs
from bench.table import Row
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.reading import open_cache
from nbtrain.data.scan import scan
from nbtrain.data.sources import detect
from nbtrain.processes import usable_cores

TITLE = "Loader alone (JPEG 500 × 376 → random crop, 224 px, flip; batches of 64)"
IMAGES, BATCH, SIZE, ROUNDS = 512, 64, 224, 5
WORKERS = min(8, usable_cores())
CROP = v2.Compose([v2.RandomResizedCrop(SIZE), v2.RandomApply([v2.RandomHorizontalFlip(1.0)])])


class Took(NamedTuple):
    """What one pass took, per image."""

    cpu_ms: float
    wall_ms: float


def measure() -> list[Row]:
    """Return what an image takes from each, and our ratios to the best peer of the same round."""
    torch.set_num_threads(1)
    root = photographs.folder(IMAGES)
    took: dict[str, list[Took]] = {name: [] for name in LOADERS}
    for _ in range(ROUNDS):
        for name, made in LOADERS.items():
            took[name].append(second_pass(made(root)))
    rows = [Row(name, "CPU ms", tuple(one.cpu_ms for one in ones)) for name, ones in took.items()]
    for name, limit in OURS.items():
        for clock in ("cpu_ms", "wall_ms"):
            best = [min(getattr(took[peer][turn], clock) for peer in PEERS) for turn in range(ROUNDS)]
            ratios = tuple(theirs / getattr(mine, clock) for theirs, mine in zip(best, took[name], strict=True))
            word, held_to = ("CPU time", limit) if clock == "cpu_ms" else ("wall time", None)
            rows.append(Row(f"{name}: best peer ÷ ours, {word}", "ratio", ratios, held_to, more_is_better=True))
    return rows


def second_pass(passes: Iterator[Iterator[Any]]) -> Took:
    """Return what an image takes in the second of two passes; the first one starts workers, and fills a cache."""
    for _ in next(passes):
        pass
    cpu_s, wall_s = spent_s(), time.perf_counter()
    n_images = sum(len(batch[0]) for batch in next(passes))
    took = Took(1e3 * (spent_s() - cpu_s) / n_images, 1e3 * (time.perf_counter() - wall_s) / n_images)
    passes.close()  # type: ignore[attr-defined]
    return took


def spent_s() -> float:
    """Return the CPU seconds of this process and of its loader processes."""
    times = [one.cpu_times() for one in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(one.user + one.system for one in times)


def ours(root: Path) -> Iterator[Iterator[Any]]:
    """Our loader without a cache: every pass is a first one."""
    yield from _ours(Images(root, detect(root).listing().records, CROP, seed=0))


def ours_cached(root: Path) -> Iterator[Iterator[Any]]:
    """Our loader with a cache on the disk, which the first pass fills."""
    images = Images(root, detect(root).listing().records, CROP, seed=0)
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        found = scan(root, [record.file for record in images.records])
        open_cache("disk", Path(folder), "bench", (images,), found)
        yield from _ours(images)


def _ours(images: Images) -> Iterator[Iterator[Any]]:
    loader = Loader(images, BATCH, Reading(workers=WORKERS, threads=True))
    steps, step = loader.steps_per_epoch, 0
    try:
        while True:
            yield loader.stream(step, step + steps)
            step += steps
    finally:
        loader.close()


def torchvision_v2(root: Path) -> Iterator[Iterator[Any]]:
    """torchvision's own advice: decode to tensors, transforms v2 on bytes."""
    crop = v2.Compose([v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip()])
    data = ImageFolder(str(root), crop, loader=lambda path: decode_image(read_file(path), ImageReadMode.RGB))
    yield from _passes(_plain(data))


def plain(root: Path) -> Iterator[Iterator[Any]]:
    """The script that most people write: Pillow, transforms v1, floats."""
    crop = v1.Compose([v1.RandomResizedCrop(SIZE), v1.RandomHorizontalFlip(), v1.ToTensor()])
    yield from _passes(_plain(ImageFolder(str(root), crop)))


def timm_loader(root: Path) -> Iterator[Iterator[Any]]:
    """timm's loader without its GPU prefetcher, which needs one; colours are not changed."""
    from timm.data import create_dataset, create_loader

    made = create_loader(
        create_dataset("", root=str(root)), (3, SIZE, SIZE), BATCH, is_training=True, no_aug=False, color_jitter=None,
        use_prefetcher=False, num_workers=WORKERS, persistent_workers=True, interpolation="bilinear",
    )  # fmt: skip
    yield from _passes(made)


def _plain(data: Any) -> Any:
    return DataLoader(data, BATCH, shuffle=True, num_workers=WORKERS, drop_last=True, persistent_workers=True)


def _passes(loader: Any) -> Iterator[Iterator[Any]]:
    while True:
        yield iter(loader)


PEERS: dict[str, Callable[[Path], Iterator[Iterator[Any]]]] = {
    "plain script": plain, "torchvision v2 on tensors": torchvision_v2, "timm": timm_loader,
}  # fmt: skip
OURS = {"ours, first epoch": 1.8, "ours, from the second": 5.0}
LOADERS = {"ours, first epoch": ours, "ours, from the second": ours_cached, **PEERS}
