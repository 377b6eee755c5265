"""What the faster ways of training/convolutions.py save: whole steps of some networks, with and without, in turns.

CPU time of one thread is compared, in float32 on batches that lie in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import timm
import torch
from torch import nn

from bench.table import Row
from nbtrain.training.convolutions import quicken
from nbtrain.training.optimizers import AdamW
from nbtrain.training.precision import Precision, keep_memory

TITLE = "Convolutions on small maps (float32, one thread, steps alone)"
NETWORKS = (
    ("mobilenetv3_small_100", 64, 64), ("mobilenetv3_small_100", 128, 32), ("mobilenetv3_small_100", 224, 16),
    ("efficientnet_b0", 128, 8), ("convnext_atto", 64, 32), ("resnet50", 64, 16),
)  # fmt: skip
ROUNDS, STEPS = 5, 3


def measure() -> list[Row]:
    """Return what an image takes in a step without them, and how many times as fast steps are with them."""
    torch.set_num_threads(1)
    keep_memory()
    rows = []
    for name, size, batch in NETWORKS:
        steps = [_stepper(name, size, batch, faster=faster) for faster in (False, True)]
        took = [[_cpu_ms(step) / batch for step in steps] for _ in range(ROUNDS + 1)][1:]
        rows += [
            Row(f"{name} @{size}, without", "ms", tuple(plain for plain, _ in took)),
            Row(f"{name} @{size}, without ÷ with", "ratio", tuple(a / b for a, b in took), 0.98, more_is_better=True),
        ]
    return rows


def _stepper(name: str, size: int, batch: int, *, faster: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=10).to(memory_format=torch.channels_last)
    if faster:
        quicken(model, Precision("32", torch.device("cpu")))
    optimizer = AdamW().build(model)
    images = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def _cpu_ms(step: Callable[[], None]) -> float:
    began_s = time.process_time()
    for _ in range(STEPS):
        step()
    return 1e3 * (time.process_time() - began_s) / STEPS
