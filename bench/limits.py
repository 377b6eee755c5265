"""How far reading is from what the machine can do: bare decoding, bare copies out of memory, and arithmetic alone.

The bounds are what no loader can go below: libjpeg-turbo on files that lie in memory, one crop and resize of pixels
that are there, and training steps on batches that are there. CPU time is compared: a busy machine stretches wall time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
import torch
from PIL import Image
from torch import Tensor

from bench import loader, photographs
from bench.table import Row
from nbtrain.data.decode import decode
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.reading import open_cache
from nbtrain.data.recipe import Recipe, room
from nbtrain.data.scan import scan
from nbtrain.data.sources import detect
from nbtrain.models.backbones import Timm
from nbtrain.training.parts import Prepare
from nbtrain.training.precision import keep_memory

TITLE = "Reading against the machine's limits (JPEG 500 × 376 → random crop, 224 px, flip)"
ROUNDS, SOME, STEPS = 5, 128, 4
GREY = ((0.5,) * 3, (0.25,) * 3)


def measure() -> list[Row]:
    """Return what each costs per image, and how near ours comes to its bound."""
    torch.set_num_threads(1)
    keep_memory()
    root = photographs.folder(loader.IMAGES)
    files = sorted(root.rglob("*.jpg"))[:SOME]
    pixels = [torch.from_numpy(decode(file)).permute(2, 0, 1) for file in files]
    bounds: dict[str, Callable[[], None]] = {
        "bare decode": lambda: _decode(files),
        "Pillow's decode": lambda: _pillow(files),
        "bare crop and resize": lambda: _crop(pixels),
    }
    for bound in bounds.values():
        bound()  # whatever is made once
    took: dict[str, list[float]] = {name: [] for name in (*bounds, "ours, first epoch", "ours, from the second")}
    for _ in range(ROUNDS):
        for name, bound in bounds.items():
            took[name].append(_cpu_ms(bound))
        took["ours, first epoch"].append(loader.second_pass(loader.ours(root)).cpu_ms)
        took["ours, from the second"].append(loader.second_pass(loader.ours_cached(root)).cpu_ms)
    rows = [Row(name, "CPU ms", tuple(ones)) for name, ones in took.items()]
    rows.append(_ratio("Pillow ÷ bare decode", took["Pillow's decode"], took["bare decode"]))
    rows.append(_ratio("bare decode ÷ our first epoch", took["bare decode"], took["ours, first epoch"], 0.7))
    rows.append(_ratio("bare crop ÷ ours from the second", took["bare crop and resize"], took["ours, from the second"]))
    return rows + _steps(root)


def _ratio(name: str, bound: list[float], ours: list[float], limit: float | None = None) -> Row:
    return Row(name, "ratio", tuple(b / o for b, o in zip(bound, ours, strict=True)), limit, more_is_better=True)


def _cpu_ms(work: Callable[[], None]) -> float:
    began_s = time.process_time()
    work()
    return 1e3 * (time.process_time() - began_s) / SOME


def _decode(files: list[Path]) -> None:
    for file in files:
        simplejpeg.decode_jpeg(file.read_bytes())


def _pillow(files: list[Path]) -> None:
    for file in files:
        np.asarray(Image.open(file).convert("RGB"))


def _crop(pixels: list[Tensor]) -> None:
    recipe, room_1CHW = Recipe(loader.CROP), room(1, (loader.SIZE, loader.SIZE))
    for seed, image_CHW in enumerate(pixels):
        recipe.into(room_1CHW, image_CHW, seed)


def _steps(root: Path) -> list[Row]:
    """Return what a step costs the trainer's own thread: on batches in memory, and on those of our threads."""
    images = Images(root, detect(root).listing().records, loader.CROP, seed=0)
    open_cache("memory", root, "bench-steps", (images,), scan(root, [record.file for record in images.records]))
    ours = Loader(images, loader.BATCH, Reading(workers=1, threads=True))
    model = Timm(variant="test_resnet").build(photographs.CLASSES, loader.SIZE)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    held = list(islice(ours.stream(), 2))
    try:
        list(ours.stream(0, ours.steps_per_epoch))
        pairs = [(_thread_ms(model, cycle(held)), _thread_ms(model, ours.stream())) for _ in range(3)]
    finally:
        ours.close()
    alone, fed = [one for one, _ in pairs], [one for _, one in pairs]
    rows = [Row("step on batches in memory", "ms", tuple(alone)), Row("step fed by our loader", "ms", tuple(fed))]
    return [*rows, _ratio("step in memory ÷ step fed, trainer's thread", alone, fed, 0.95)]


def _thread_ms(model: Any, batches: Iterator[Any]) -> float:
    prepare, optimizer = Prepare(torch.device("cpu"), *GREY), torch.optim.SGD(model.parameters(), 0.01)
    next(batches)
    began_s = time.thread_time()
    for batch in islice(batches, STEPS):
        loss = torch.nn.functional.cross_entropy(model(prepare(batch.images)), batch.targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return 1e3 * (time.thread_time() - began_s) / STEPS
