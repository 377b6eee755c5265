"""Batch sizes: what was measured at a few of them, what follows for the others, and which one auto takes.

Memory and time of a batch are close to a line, fixed + per image × images, so two measured sizes tell the others. The
rule of auto: the smallest power of two from 16 on that is within 5 % of the fastest, of those whose peak stays within
the memory target and that leave an epoch 10 steps. A larger batch than that costs changes of the weights and brings no
speed. Where 16 do not fit, or leave no 10 steps, the largest that does, but 8 where nothing leaves 10 steps, and never
1, since batch normalisation of one image has nothing to compare. It knows numbers; what measures
them is rehearsal.py. No torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbtrain.errors import TrainingError
from nbtrain.training.settings import MOST_EPOCHS

TABLE = (16, 32, 64, 128, 256)
"""Sizes that a person is shown."""
SMALLEST, LARGEST = 16, 1024
"""Sizes that auto chooses between where memory allows."""
FEW = 8
"""Below this, batch normalisation works on noise (Wu and He 2018, arXiv:1803.08494)."""
NEARLY = 0.95
"""Share of the highest speed that counts as fast enough."""
STEPS = 10
"""An epoch shall change the weights at least this often."""
BUDGET_SHARE = 0.9
"""Share of a time budget that auto epochs plan for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a few real steps have shown at one batch size."""

    batch: int
    compute_s: float
    """Seconds per batch on the device, the change of the weights included."""
    load_s: float
    """Seconds per batch that the loader needs."""
    beside: bool
    """Whether loader workers load while the device computes."""
    peak_bytes: int
    """Peak memory above what the process held before the model was there."""

    @property
    def batch_s(self) -> float:
        """Seconds per batch: the slower of loading and computing where they go on at once, else their sum."""
        return max(self.compute_s, self.load_s) if self.beside else self.compute_s + self.load_s

    @property
    def images_per_s(self) -> float:
        """Speed of training."""
        return self.batch / max(self.batch_s, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long one size is measured."""

    enough_s: float = 1.0
    """Steps are taken until so much time has been measured."""
    patience_s: float = 4.0
    """After so long one timed step has to do."""


class TooLargeError(TrainingError):
    """A batch size did not fit; where no other one is left to try, that is what the run failed by."""

    def __init__(self, batch: int) -> None:
        what = f"batches of {batch} images do not fit into the memory that is free"
        advice = "Use a smaller image size or a smaller model, or close other programs that hold memory."
        super().__init__(what, cause="out of memory", advice=advice)


@dataclass(frozen=True, slots=True)
class Line:
    """``fixed + each × images``."""

    fixed: float
    each: float

    def at(self, images: float) -> float:
        """Return the line's value."""
        return self.fixed + self.each * images

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]], *, least: float = 0.0) -> Line:
        """Return the line that lies closest to ``points`` (least squares), rising by at least ``least`` per image."""
        n = len(points)
        mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        each = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else least
        each = max(each, least)
        return cls(mean_y - each * mean_x, each)


@dataclass(frozen=True, slots=True)
class Fit:
    """What trials say about any batch size."""

    trials: tuple[Trial, ...]

    def has(self, batch: int) -> bool:
        """Return whether ``batch`` images were tried."""
        return any(trial.batch == batch for trial in self.trials)

    @property
    def memory(self) -> Line:
        """Peak bytes over images."""
        return _line([(trial.batch, trial.peak_bytes) for trial in self.trials])

    def peak_bytes(self, batch: int) -> int:
        """Return the peak at ``batch`` images."""
        return max(0, round(self.memory.at(batch)))

    def batch_s(self, batch: int) -> float:
        """Return the seconds of a batch; computing and loading are lines of their own."""
        computing = _line([(trial.batch, trial.compute_s) for trial in self.trials]).at(batch)
        loading = _line([(trial.batch, trial.load_s) for trial in self.trials]).at(batch)
        beside = self.trials[0].beside
        return max(1e-9, max(computing, loading) if beside else computing + loading)

    def images_per_s(self, batch: int) -> float:
        """Return the speed at ``batch`` images."""
        return batch / self.batch_s(batch)


def _line(points: Sequence[tuple[float, float]]) -> Line:
    """Return the line through what was measured; all of a single size counts as per image."""
    return Line.through(points) if len(points) > 1 else Line(0.0, points[0][1] / points[0][0])


def candidates(n_train: int) -> tuple[int, ...]:
    """Return the sizes that leave an epoch enough steps, rising; up to FEW where there are few images."""
    largest = max(min(FEW, n_train), min(LARGEST, n_train // STEPS))
    return tuple(2**power for power in range(1, largest.bit_length())) or (1,)


def choose(fit: Fit, sizes: Sequence[int], limit_bytes: float) -> int:
    """Return the size that auto takes of the rising ``sizes``; the smallest where none fits ``limit_bytes``."""
    fitting = [size for size in sizes if fit.peak_bytes(size) <= limit_bytes]
    if not fitting:
        return sizes[0]
    large = [size for size in fitting if size >= SMALLEST]
    if not large:
        return fitting[-1]
    fastest = max(fit.images_per_s(size) for size in large)
    return next(size for size in large if fit.images_per_s(size) >= NEARLY * fastest)


def second_size(first: Trial, sizes: Sequence[int], limit_bytes: float, within_s: float) -> int:
    """Return how many images to measure next: a batch of about ``within_s`` seconds that fits for certain.

    For certain means: also if all that the first trial took were per image.
    """
    by_time = within_s / max(first.batch_s / first.batch, 1e-9)
    by_memory = limit_bytes / max(first.peak_bytes / first.batch, 1.0)
    most = max(2 * first.batch, min(by_time, 256))
    fitting = [size for size in sizes if first.batch < size <= min(most, by_memory)]
    return fitting[-1] if fitting else max(min(2, first.batch), first.batch // 2)


def epochs_within(minutes: float, start_s: float, epoch_s: float, end_s: float) -> int:
    """Return how many epochs fit into a time budget, a tenth of which is left for what a measurement misses."""
    left_s = BUDGET_SHARE * 60 * minutes - start_s - end_s
    return max(1, min(MOST_EPOCHS, int(left_s / max(epoch_s, 1e-9))))
