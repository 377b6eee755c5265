"""How long a checkpoint holds the loop up, against torch.save and fsync of the same state in the loop itself.

A resnet50 trains on the CPU in turns of a few steps; in each turn one state is kept, by one of four ways: as one would
write it by hand, copied first and written by a thread, by a forked child (the measurement that decided against it), and
as nbtrain does. Compared is for how long the loop is held up: until it may go on, and before its next optimizer's step.
What the steps after it take longer is told too; it says something on a quiet machine only.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.table import Row
from nbtrain.models.backbones import Timm
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints
from nbtrain.training.keeper import Keeper
from nbtrain.training.optimizers import AdamW
from nbtrain.training.precision import keep_memory
from nbtrain.training.settings import Checkpoint
from nbtrain.training.snapshot import Snapshot

TITLE = "Checkpoint of a resnet50 with AdamW: time that the loop loses"
STEPS, ROUNDS, MAX_RATIO, IMAGES, SIZE_PX = 6, 7, 0.25, 8, 64


class Run:
    """A training in memory, and the ways to keep its state."""

    def __init__(self, folder: Path) -> None:
        self.model = Timm(variant="resnet50").build(10, SIZE_PX).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = AdamW(lr=1e-4).build(self.model)
        self.images = torch.randn(IMAGES, 3, SIZE_PX, SIZE_PX).to(memory_format=torch.channels_last)
        self.targets = torch.randint(0, 10, (IMAGES,))
        self.plain = folder / "plain.pt"
        (folder / "checkpoints").mkdir()
        self.keeper = Keeper(Checkpoints(folder / "checkpoints", Checkpoint()), STEPS, lambda _: None)
        self.snapshot, self.thread, self.count = Snapshot(), threading.Thread(), 0
        self.held_s = 0.0

    def step(self) -> None:
        """Take one step; what it waits for before the optimizer counts as held up."""
        self.optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(self.model(self.images), self.targets).backward()
        began_s = time.perf_counter()
        self.keeper.before_step()
        self.held_s += time.perf_counter() - began_s
        self.optimizer.step()

    def state(self) -> dict[str, Any]:
        """Return what is kept."""
        self.count += 1
        held = {"model_state_dict": self.model.state_dict(), "optimizer_state_dict": self.optimizer.state_dict()}
        return {**dict.fromkeys(STATE_KEYS), "step": self.count, "epoch": self.count, "metrics": {}, **held}

    def by_hand(self) -> Callable[[], object]:
        """Write in the loop: torch.save and fsync."""
        _write(self.state(), self.plain)
        return lambda: None

    def copied(self) -> Callable[[], object]:
        """Copy everything in the loop into memory that was used before; a thread writes."""
        state = self.snapshot.begin(self.state(), ())
        self.snapshot.copy()
        self.thread = threading.Thread(target=_write, args=(state, self.plain))
        self.thread.start()
        return self.thread.join

    def forked(self) -> Callable[[], object]:
        """Let a child write, which shares the memory until a step changes it."""
        pid = os.fork()
        if pid == 0:
            try:
                _write(self.state(), self.plain)
            finally:
                os._exit(0)
        return lambda: os.waitpid(pid, 0)

    def ours(self) -> Callable[[], object]:
        """Keep it as the loop does, which makes sure first that the weights are finite."""
        weights = [tensor for tensor in self.model.state_dict().values() if tensor.is_floating_point()]
        if not nn.utils.get_total_norm(weights).isfinite():
            raise RuntimeError("the weights of this benchmark have broken down")
        self.keeper.keep(self.state(), list(self.model.buffers()), best=False)
        return lambda: self.keeper.take_in(wait=True)


def measure() -> list[Row]:
    """Return what each way holds up, and what it costs in all, over several rounds taken in turns."""
    torch.set_num_threads(1)
    keep_memory()
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-", dir=Path(__file__).parent) as folder:
        run = Run(Path(folder))
        ways = {"torch.save + fsync in the loop": run.by_hand, "copy in the loop, written by a thread": run.copied,
                "forked child": run.forked, "nbtrain: copied beside the step, written behind": run.ours}  # fmt: skip
        for way in ways.values():
            _turn(run, way)
        rounds = [{name: _turn(run, way) for name, way in ways.items()} for _ in range(ROUNDS)]
    rows = []
    for name in ways:
        rows.append(Row(f"{name}: held up", "ms", tuple(1e3 * one[name][0] for one in rounds)))
        rows.append(Row(f"{name}: lost in {STEPS} steps", "ms", tuple(1e3 * one[name][1] for one in rounds)))
    plain, *_, mine = ways
    ratio = tuple(one[mine][0] / one[plain][0] for one in rounds)
    return [*rows, Row("nbtrain ÷ torch.save + fsync, held up", "ratio", ratio, MAX_RATIO)]


def _turn(run: Run, way: Callable[[], Callable[[], object]]) -> tuple[float, float]:
    """Return the seconds for which keeping one state holds the loop up, and those with what later steps take longer."""
    gc.collect()
    usual_s = statistics.median(_timed(run.step) for _ in range(3))
    run.held_s = 0.0
    began_s = time.perf_counter()
    end = way()
    kept_s = time.perf_counter() - began_s
    steps_s = [_timed(run.step) for _ in range(STEPS)]
    end()
    slower_s = sum(steps_s) - STEPS * usual_s
    return kept_s + run.held_s, kept_s + max(0.0, slower_s)


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _write(state: dict[str, Any], path: Path) -> None:
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
