"""What the loop adds to the arithmetic: our loop beside the shortest loop one would write by hand, on the same batches.

Both train the same network with the same optimizer, loss, schedule and batches, all in memory, in turns within one
process; CPU time is compared, since a busy machine stretches wall time. Both have the trainer's memory setting; ours
also says its losses, looks for commands and reads the machine's load.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bench.table import Row
from nbtrain.data.images import Batch
from nbtrain.models.backbones import Timm
from nbtrain.training.checkpoint import Checkpoints
from nbtrain.training.commands import Commands
from nbtrain.training.loop import Loop
from nbtrain.training.losses import CrossEntropy
from nbtrain.training.metrics import ClassMetrics
from nbtrain.training.monitor import Monitor
from nbtrain.training.optimizers import AdamW
from nbtrain.training.parts import Parts, Plan, Prepare
from nbtrain.training.precision import Precision, keep_memory
from nbtrain.training.schedulers import Cosine, Course
from nbtrain.training.settings import Checkpoint

TITLE = "Training loop against a plain loop (test_resnet, 32 px, batches of 64)"
STEPS, ROUNDS, MAX_RATIO = 60, 7, 1.03
CPU = torch.device("cpu")
GREY = ((0.5,) * 3, (0.25,) * 3)


class InMemory:
    """Batches that are already there."""

    def __init__(self, batches: list[Batch]) -> None:
        self.batches = batches

    def stream(self, start: int = 0, stop: int | None = None) -> Any:
        """Yield the batches from ``start`` on."""
        yield from self.batches[start:stop]

    def once(self) -> Any:
        """Yield nothing: validation is not compared."""
        yield from ()

    def close(self) -> None:
        """Nothing to end."""


def measure() -> list[Row]:
    """Return the CPU time of both, and their ratio, over several rounds taken in turns."""
    torch.set_num_threads(1)
    keep_memory()
    batches = [_batch(i) for i in range(STEPS)]
    plain(batches)
    pairs = [(timed(ours, batches), timed(plain, batches)) for _ in range(ROUNDS)]
    return [
        Row("our loop", "ms per step", tuple(1e3 * mine / STEPS for mine, _ in pairs)),
        Row("plain loop", "ms per step", tuple(1e3 * theirs / STEPS for _, theirs in pairs)),
        Row("ours ÷ plain", "ratio", tuple(mine / theirs for mine, theirs in pairs), MAX_RATIO),
    ]


def timed(train: Any, batches: list[Batch]) -> float:
    """Return the CPU seconds that ``train`` takes."""
    made = train(batches, prepare_only=True)
    began_s = time.process_time()
    made()
    return time.process_time() - began_s


def plain(batches: list[Batch], *, prepare_only: bool = False) -> Any:
    """Train as one would write it by hand."""
    model, optimizer, schedule, loss_of, prepare = _made(len(batches))

    def run() -> None:
        model.train()
        for batch in batches:
            loss = loss_of(model(prepare(batch.images)), batch.targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    return run if prepare_only else run()


def ours(batches: list[Batch], *, prepare_only: bool = False) -> Any:
    """Train with the loop; the empty validation and the checkpoint at the end are left out of the time."""
    model, optimizer, schedule, loss_of, prepare = _made(len(batches))
    parts = Parts(
        model=model, loss=loss_of, optimizer=optimizer, schedule=schedule, train=InMemory(batches), val=InMemory([]),
        prepare=prepare, metrics=lambda: ClassMetrics(list("0123456789"), CPU), one_label=True,
        precision=Precision("32", CPU),
    )  # fmt: skip
    plan = Plan(seed=1, epochs=1, batches_per_epoch=len(batches))
    folder = Path(tempfile.mkdtemp(prefix="nbtrain-bench-"))
    loop = Loop(parts, plan, Monitor("loss"), Checkpoints(folder, Checkpoint()), _hear, Commands(list), {})
    loop._save = lambda *, best: None  # type: ignore[method-assign]
    return loop.run if prepare_only else loop.run()


def _hear(message: object) -> None:
    pass


def _made(steps: int) -> tuple[Any, ...]:
    torch.manual_seed(0)
    model = Timm(variant="test_resnet").build(10, 32).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    settings = AdamW(lr=3e-3)
    optimizer = settings.build(model)
    schedule = Cosine().build(optimizer, Course(settings.lr, steps, steps))
    return model, optimizer, schedule, CrossEntropy().build("classification"), Prepare(CPU, *GREY)


def _batch(i: int) -> Batch:
    generator = torch.Generator().manual_seed(i)
    images = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Batch(images, torch.randint(0, 10, (64,), generator=generator), torch.arange(64))
