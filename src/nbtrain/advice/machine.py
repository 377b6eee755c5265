"""Rules about this machine: room for checkpoints, shared memory, cores. And how large a checkpoint will be.

A checkpoint holds the weights, their average where one is kept, and the optimizer's states of every trained weight, 4
bytes each. The number of weights is the catalogue's, which counts the published head of the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding
from nbtrain.advice.static import Static
from nbtrain.advice.words import counted, gigabytes
from nbtrain.training.optimizers import Optimizer
from nbtrain.training.settings import UNDECIDED_BATCH

_BYTES = 4
_CHANNELS = 3


def states_per_weight(optimizer: Optimizer) -> int | None:
    """Return how many numbers an optimizer keeps for each weight, as it is implemented here; None where not known.

    Muon keeps one per weight of matrices and convolutions; the few other weights, with two, are not counted apart.
    """
    momentum = int(getattr(optimizer, "momentum", 0.0) > 0)
    centred = int(getattr(optimizer, "centered", False))
    kept = {
        "sgd": momentum, "adam": 2, "adamw": 2, "nadam": 2, "lamb": 2, "lion": 1, "muon": 1,
        "rmsprop": 1 + momentum + centred, "schedule_free_adamw": 3, "schedule_free_sgd": 2,
    }  # fmt: skip
    return kept.get(optimizer.kind)


def checkpoint_bytes(case: Case) -> int | None:
    """Return the size of one checkpoint; None where the number of weights is not known."""
    states = states_per_weight(case.config.optimizer)
    if case.entry is None or not case.entry.parameters or states is None:
        return None
    return case.entry.parameters * _BYTES * (1 + (0 if case.frozen else states) + case.config.training.ema)


def kept_checkpoints(case: Case) -> int:
    """Return how many checkpoints lie on the disk at once: the newest, the best, and the one being written."""
    return case.config.checkpoint.at_once


def shared_bytes(case: Case) -> int:
    """Return the shared memory that the loader workers fill with prepared batches, where their number is set."""
    config = case.config
    workers = config.data.workers if isinstance(config.data.workers, int) else 0
    if config.data.worker_kind != "processes":
        workers = 0  # threads hand nothing over; those of auto rarely become processes
    batch = (config.training.batch or UNDECIDED_BATCH) * _CHANNELS * config.task.image_size**2
    return workers * config.data.prefetch * batch


class DiskTooSmall(Static, name="disk too small", source="Arithmetic: 4 bytes per weight, average and optimizer state"):
    """Checkpoints that need more than half of the room that is left on the disk."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare what checkpoints need with what is free."""
        size, free = checkpoint_bytes(case), case.evidence.disk_free_bytes
        if size is None or free is None or size * kept_checkpoints(case) <= free / 2:
            return
        need = size * kept_checkpoints(case)
        kept = counted(kept_checkpoints(case), "checkpoint")
        text = f"{kept} of {gigabytes(size)} need {gigabytes(need)}, {gigabytes(free)} are free."
        fits = case.config.checkpoint.keep_last_n > 1 and size * 3 <= free / 2
        fix = {"checkpoint.keep_last_n": max(1, math.floor(free / 2 / size) - 2)} if fits else {}
        yield self.found("problem" if need > free else "warning", "checkpoint.keep_last_n", text, fix)


class SharedMemory(
    Static, name="shared memory too small", source="Arithmetic: workers × prefetch × batch × 3 bytes per pixel"
):
    """Loader workers that prepare more batches than shared memory can hold."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare what the workers prepare with what there is."""
        need, free = shared_bytes(case), case.evidence.shared_memory_bytes
        if free is not None and need > free:
            workers = counted(int(case.config.data.workers), "worker")
            text = f"{workers} prepare {gigabytes(need)} of images, /dev/shm has {gigabytes(free)}."
            yield self.found("problem", "data.workers", text, {"data.workers": 0})


class ManyWorkers(Static, name="more workers than cores", source="Workers decode: more than there are cores only wait"):
    """More loader workers than the machine has cores."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare workers and cores."""
        workers, cores = case.config.data.workers, case.evidence.cores
        if isinstance(workers, int) and cores and workers > cores:
            text = f"{counted(workers, 'loader worker')} on {counted(cores, 'core')}."
            yield self.found("warning", "data.workers", text, {"data.workers": "auto"})
