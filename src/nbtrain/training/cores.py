"""How the cores are shared between computing and loading: what a few timed batches say about threads and workers.

An image costs some seconds on all compute threads together and some on one loader worker. No more can be done per
second than the threads compute, nor than all cores have time for. The rule: all threads but one core's, unless fewer
make training a tenth faster; then as many workers as feed it, and a quarter more. It knows numbers; tuning.py measures.
No torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

GAIN = 1.1
"""How many times as fast fewer threads must be, so that noise does not decide: threads change the last bits."""
ROOM = 1.25
"""Workers are given so much more than they need, since images are not alike."""


@dataclass(frozen=True, slots=True)
class Split:
    """How the cores are used."""

    threads: int
    workers: int
    images_per_s: float
    """What training can reach this way."""


def candidates(cores: int) -> tuple[int, ...]:
    """Return the numbers of compute threads that are tried: never all cores, since others use the machine too."""
    return tuple(sorted({max(1, cores - 1), max(1, cores // 2), max(1, cores // 4)}, reverse=True))


def split(compute_s: Mapping[int, float], load_s: float, cores: int, most_workers: int) -> Split:
    """Return the best use of ``cores``, from the seconds of an image by number of threads, and those of loading it.

    With no workers allowed, an image is loaded and computed one after the other.
    """
    speeds = {threads: _speed(threads, took_s, load_s, cores, most_workers) for threads, took_s in compute_s.items()}
    most = max(speeds)
    best = max(speeds, key=lambda threads: (speeds[threads], threads))
    threads = best if speeds[best] >= GAIN * speeds[most] else most
    return Split(threads, needed(speeds[threads], load_s, most_workers), speeds[threads])


def needed(images_per_s: float, load_s: float, most: int) -> int:
    """Return how many workers load ``images_per_s`` at ``load_s`` seconds each; at least one where any is allowed."""
    return min(most, max(1, math.ceil(ROOM * images_per_s * load_s)))


def _speed(threads: int, compute_s: float, load_s: float, cores: int, most_workers: int) -> float:
    if not most_workers:
        return 1 / max(compute_s + load_s, 1e-9)
    alone, together = 1 / max(compute_s, 1e-9), cores / max(threads * compute_s + load_s, 1e-9)
    return min(alone, together, most_workers / max(load_s, 1e-9))
