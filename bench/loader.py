"""The loader alone, as a device without end would see it: ours beside what a script takes from torchvision and timm.

All read the same JPEG files into batches of the same kind: a random crop of random size, resized, flipped half of the
time. Taken in turns, several rounds; a rate is images per second of wall time, so only the ratios of one round are
compared. Peers hand over what they hand over: torchvision bytes, timm bytes, the plain script normalised floats.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
from nbtrain.data.sources import detect

TITLE = "Loader alone (JPEG 500 × 376 → random crop, 224 px, flip; batches of 64)"
IMAGES, BATCH, SIZE, ROUNDS = 768, 64, 224, 5
WORKERS = max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
FIRST, CACHED = 1.8, 5.0


def measure() -> list[Row]:
    """Return each one's rate, and our ratio to the best peer of the same round."""
    torch.set_num_threads(1)
    root = photographs.folder(IMAGES)
    rates: dict[str, list[float]] = {name: [] for name in LOADERS}
    for _ in range(ROUNDS):
        for name, made in LOADERS.items():
            rates[name].append(rate(made(root)))
    peers = [max(rates[name][turn] for name in PEERS) for turn in range(ROUNDS)]
    rows = [Row(name, "images/s", tuple(values)) for name, values in rates.items()]
    ratios = {name: tuple(mine / best for mine, best in zip(rates[name], peers, strict=True)) for name in OURS}
    return rows + [
        Row(f"{name} ÷ best peer", "ratio", ratios[name], limit, more_is_better=True) for name, limit in OURS.items()
    ]


def rate(epochs: Iterator[Iterator[Any]]) -> float:
    """Return images per second over the second of two passes; the first one starts workers and warms files."""
    for _ in next(epochs):
        pass
    began_s = time.perf_counter()
    n_images = sum(len(_images(batch)) for batch in next(epochs))
    took_s = time.perf_counter() - began_s
    epochs.close()  # type: ignore[attr-defined]
    return n_images / took_s


def _images(batch: Any) -> Any:
    return batch[0]


def ours(root: Path, *, threads: bool = True) -> Iterator[Iterator[Any]]:
    """Our loader, without a cache: every pass is a first one."""
    crop = v2.Compose([v2.RandomResizedCrop(SIZE), v2.RandomApply([v2.RandomHorizontalFlip(1.0)])])
    set_ = Images(root, detect(root).listing().records, crop, seed=0)
    loader = Loader(set_, BATCH, Reading(workers=WORKERS, threads=threads))
    steps = loader.steps_per_epoch
    stream = loader.stream()
    try:
        while True:
            yield (next(stream) for _ in range(steps))
    finally:
        stream.close()  # type: ignore[attr-defined]
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
LOADERS = {"ours, first epoch": ours, **PEERS}
OURS = {"ours, first epoch": FIRST}
