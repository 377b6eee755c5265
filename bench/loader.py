"""The loader alone, as a device without end would see it: ours beside what a script takes from torchvision and timm.

All read the same JPEG files into batches that a model can take: a random crop of random size, resized, flipped half of
the time, as normalised floats. Peers make those in their workers; ours hands over bytes, and pays here for what makes
floats of a batch. A second group hands over bytes, as a GPU would want them, and is shown for information. Taken in
turns, several rounds. CPU time, with that of loader processes, decides, since a busy machine stretches wall time.
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
from nbtrain.training.parts import Prepare
from nbtrain.training.precision import keep_memory

TITLE = "Loader alone (JPEG 500 × 376 → random crop, 224 px, flip; batches of 64)"
IMAGES, BATCH, SIZE, ROUNDS = 512, 64, 224, 5
WORKERS = min(8, usable_cores())
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Passes = Callable[[Path], Iterator[Iterator[Any]]]
"""Takes the folder of images, and yields one pass over them after the other."""
CROP = v2.Compose([v2.RandomResizedCrop(SIZE), v2.RandomApply([v2.RandomHorizontalFlip(1.0)])])


class Took(NamedTuple):
    """What one pass took, per image."""

    cpu_ms: float
    wall_ms: float


def measure() -> list[Row]:
    """Return what an image takes from each, and our ratios to the best peer of the same round."""
    torch.set_num_threads(1)
    keep_memory()  # as the trainer does
    root = photographs.folder(IMAGES)
    loaders = {**OURS, **PEERS, **OTHERS}
    took: dict[str, list[Took]] = {name: [] for name in loaders}
    for _ in range(ROUNDS):
        for name, made in loaders.items():
            took[name].append(second_pass(made(root)))
    rows = [Row(name, "CPU ms", tuple(one.cpu_ms for one in ones)) for name, ones in took.items()]
    rows += [Row(name, "wall ms", tuple(one.wall_ms for one in ones)) for name, ones in took.items()]
    for name, limit in LIMITS.items():
        rows.append(_ratio(f"{name}: best peer ÷ ours, CPU time", took, list(PEERS), name, "cpu_ms", limit))
        rows.append(_ratio(f"{name}: best peer ÷ ours, wall time", took, list(PEERS), name, "wall_ms"))
        rows.append(_ratio(f"{name}: its own decoder ÷ ours, CPU time", took, [REFERENCE_DECODED], name, "cpu_ms"))
        rows.append(_ratio(f"{name}: bytes only ÷ ours, CPU time", took, [BYTES], f"{name}, bytes only", "cpu_ms"))
    return rows


def _ratio(
    title: str, took: dict[str, list[Took]], peers: list[str], ours: str, clock: str, limit: float | None = None
) -> Row:
    best = [min(getattr(took[peer][turn], clock) for peer in peers) for turn in range(ROUNDS)]
    ratios = tuple(theirs / getattr(mine, clock) for theirs, mine in zip(best, took[ours], strict=True))
    return Row(title, "ratio", ratios, limit, more_is_better=True)


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


def _ready(made: Passes) -> Passes:
    """Return our loader with the trainer's own step that makes floats of each batch, on the consumer's side."""
    prepare = Prepare(torch.device("cpu"), MEAN, STD)

    def ready(root: Path) -> Iterator[Iterator[Any]]:
        passes = made(root)
        try:
            for batches in passes:
                yield ((prepare(batch.images), batch.targets) for batch in batches)
        finally:
            passes.close()  # type: ignore[attr-defined]

    return ready


def reference(root: Path) -> Iterator[Iterator[Any]]:
    """torchvision's training reference (references/classification) as it ships, with its tensor backend.

    Pillow decodes, since the reference's data set hands images over as Pillow's; all else happens on tensors.
    """
    yield from _passes(_plain(ImageFolder(str(root), v2.Compose([v2.PILToTensor(), *_reference_steps()]))))


def reference_decoded(root: Path) -> Iterator[Iterator[Any]]:
    """The same, with torchvision's own decoder in place of Pillow."""
    yield from _passes(_plain(ImageFolder(str(root), v2.Compose(_reference_steps()), loader=_decoded)))


def _reference_steps() -> list[Any]:
    crop, flip = v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip()
    return [crop, flip, v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD), v2.ToPureTensor()]


def bytes_only(root: Path) -> Iterator[Iterator[Any]]:
    """torchvision's own decoder and transforms on bytes, which are left as they are."""
    crop = v2.Compose([v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip()])
    yield from _passes(_plain(ImageFolder(str(root), crop, loader=_decoded)))


def _decoded(path: str) -> torch.Tensor:
    return decode_image(read_file(path), ImageReadMode.RGB)


def plain(root: Path) -> Iterator[Iterator[Any]]:
    """The script that most people write: Pillow, transforms v1, floats."""
    steps = [v1.RandomResizedCrop(SIZE), v1.RandomHorizontalFlip(), v1.ToTensor(), v1.Normalize(MEAN, STD)]
    yield from _passes(_plain(ImageFolder(str(root), v1.Compose(steps))))


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


OURS: dict[str, Passes] = {
    "ours, first epoch": _ready(ours), "ours, from the second": _ready(ours_cached),
    "ours, first epoch, bytes only": ours, "ours, from the second, bytes only": ours_cached,
}  # fmt: skip
PEERS: dict[str, Passes] = {"plain script": plain, "torchvision's reference": reference, "timm": timm_loader}
"""What people run, as it is handed to them."""
REFERENCE_DECODED, BYTES = "torchvision's reference, its own decoder", "torchvision, bytes only"
OTHERS: dict[str, Passes] = {REFERENCE_DECODED: reference_decoded, BYTES: bytes_only}
LIMITS = {"ours, first epoch": 1.8, "ours, from the second": 5.0}
