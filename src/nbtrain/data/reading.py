"""What is decided about reading before a run: how many workers, of which kind; and what is measured on the way.

No choice here changes a single number in a batch. Each comes with its reason, which the run folder keeps. Only the
trainer reads this file.
"""

from __future__ import annotations

import time
from typing import Literal

from nbtrain.data.images import Images
from nbtrain.data.records import counted
from nbtrain.data.scan import Progress, Stopped, Ticker
from nbtrain.data.statistics import PixelStatistics
from nbtrain.data.worker_threads import Threads
from nbtrain.errors import DataError

MAX_KEPT_BYTES = 64 * 2**20
"""Sets up to this decoded size are kept in memory: reading them again would cost more than everything else."""
MAX_WORKERS = 8
MAX_MEASURED = 2000
"""Images that the mean of the colours is taken from; more would not change the third digit."""

_TRIED = 8
"""Images that threads are tried with."""
_LEAST_GAIN = 0.5
"""Share of the gain of all workers below which threads stand in each other's way."""


def choose_workers(n_images: int, decoded_bytes: int, n_cores: int) -> tuple[int, str]:
    """Return the number of loader workers for a set of this decoded size, with the reason in words."""
    mib = decoded_bytes / 2**20
    if decoded_bytes <= MAX_KEPT_BYTES:
        return 0, f"all {n_images} images fit into memory decoded ({mib:.1f} MiB)"
    workers = max(1, min(MAX_WORKERS, n_cores - 1))
    return workers, f"{counted(n_cores, 'core', 'cores')}, of which one is left to the network ({mib:,.0f} MiB decoded)"


def choose_kind(images: Images, workers: int) -> tuple[Literal["threads", "processes"], str]:
    """Return whether ``workers`` are to be threads or processes for these images, with the reason in words."""
    if images.recipe.foreign:
        told = f"the transform {images.recipe.foreign} may draw from generators that belong to the whole process"
        return "processes", told
    if workers < 2:
        return "threads", "images are made outside Python's lock, and batches need not be handed over"
    gain = _gain_of_threads(images, workers)
    if gain < _LEAST_GAIN * workers:
        told = "these transforms hold Python's lock"
        return "processes", f"{workers} threads were only {gain:.1f} times as fast as one: {told}"
    return "threads", f"{workers} threads were {gain:.1f} times as fast as one, and batches need not be handed over"


def _gain_of_threads(images: Images, workers: int) -> float:
    """Return how many times as fast as one thread ``workers`` threads make images, from a few of them."""
    some = [(0, position) for position in range(min(len(images), _TRIED))]
    took_s = []
    for n_threads in (1, 1, workers):  # the first round brings files into memory
        threads = Threads(images, n_threads, ahead=n_threads, pinned=False)
        list(threads.batches([some[:1]] * n_threads, again=False))
        began_s = time.perf_counter()
        list(threads.batches([some] * n_threads, again=False))
        took_s.append(time.perf_counter() - began_s)
        threads.close()
    return workers * took_s[1] / took_s[2]


def mean_and_spread(
    images: Images, progress: Progress = lambda _: None, stopped: Stopped = lambda: False
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per colour over at most MAX_MEASURED images, evenly taken from the set."""
    n_used = min(len(images), MAX_MEASURED)
    measured, told = PixelStatistics(), Ticker(progress, stopped, n_used, "images")
    for done in range(n_used):
        told.at(done)
        try:
            measured.add(images.read(done * len(images) // n_used))
        except DataError:
            continue  # damaged: told when training meets it
    told.at(n_used)
    return measured.result()
