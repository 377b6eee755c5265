"""torch.compile as a run uses it: what making the program takes, anew and from the cache, and what a step gains by it.

Beside it the same step in mixed bfloat16: what auto precision weighs. Each warm-up is a process of its own, with the
imports left out of the time; CPU time of steps is compared, in turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from bench.table import Row
from nbtrain.models.backbones import Timm
from nbtrain.training.compiling import Compiled
from nbtrain.training.precision import Precision, keep_memory

TITLE = "torch.compile and bfloat16 (test_resnet, 32 px, batches of 64, one thread)"
ROUNDS, STEPS = 5, 6
CPU = torch.device("cpu")


def measure() -> list[Row]:
    """Return seconds of both warm-ups, and steps uncompiled ÷ compiled and 32 bit ÷ bfloat16."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        cold, warm = (_life(folder) for _ in range(2))
    names = ("uncompiled", "compiled", "bfloat16")
    took: dict[str, tuple[float, ...]] = {name: tuple(warm[name]) for name in names}
    ratios = {name: tuple(p / q for p, q in zip(took["uncompiled"], took[name], strict=True)) for name in names[1:]}
    return [
        Row("compiling, nothing in the cache", "s", (cold["warm_up_s"],)),
        Row("compiling, from the cache", "s", (warm["warm_up_s"],)),
        *(Row(f"step, {name}", "CPU ms", values) for name, values in took.items()),
        *(Row(f"uncompiled ÷ {name}", "ratio", values, more_is_better=True) for name, values in ratios.items()),
    ]


def _life(folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.compile"]
    ran = subprocess.run(
        command, env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": folder}, stdout=subprocess.PIPE, check=True, text=True
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def live() -> dict[str, Any]:
    """Be one process: compile, then take steps of each kind in turns."""
    torch.set_num_threads(1)
    keep_memory()
    model = Timm(variant="test_resnet").build(10, 32).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.train()
    images_BCHW = torch.randn(64, 3, 32, 32).to(memory_format=torch.channels_last)
    began_s = time.perf_counter()
    compiled = Compiled(model, lambda _: None, print)
    compiled.warm_up(images_BCHW, Precision("32", CPU))
    told: dict[str, Any] = {"warm_up_s": time.perf_counter() - began_s}
    kinds = {"uncompiled": (model, "32"), "compiled": (compiled, "32"), "bfloat16": (model, "bf16-mixed")}
    for name in (*kinds, *kinds):
        told[name] = [_cpu_ms(*kinds[name], images_BCHW)]
    for _ in range(ROUNDS - 1):
        for name, kind in kinds.items():
            told[name].append(_cpu_ms(*kind, images_BCHW))
    return told


def _cpu_ms(network: Any, precision: Any, images_BCHW: Tensor) -> float:
    context = Precision(precision, CPU).autocast() if precision != "32" else nullcontext()
    began_s = time.process_time()
    for _ in range(STEPS):
        with context:
            logits = network(images_BCHW)
        logits.float().sum().backward()
    return 1e3 * (time.process_time() - began_s) / STEPS


if __name__ == "__main__":
    print(json.dumps(live()))
