"""What a learning rate range test has found: the curve, and the rate that it suggests by a stated rule.

The test is Smith's (2017, arXiv:1506.01186), with the exponential sweep, the stop at four times the lowest loss and the
reading that fastai's lr_find made common: the rate where the loss is lowest is at the edge already, a tenth of it is
safe; the steepest fall marks the rate at which the loss improves fastest. It computes on numbers; it trains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

FIRST, LAST, STEPS = 1e-6, 10.0, 100
"""The sweep: learning rates of its first and last step, and its number of steps."""
DIVERGED = 4.0
"""The sweep ends where the smoothed loss is this many times the lowest."""
MEMORY = 0.8
"""Share of the smoothed loss that a step keeps."""
_LEAST_FALL = 0.02
"""With a smaller fall than this share of the first loss nothing was learned, and nothing can be read off."""
LEAST_POINTS, MOST_STEPS = 10, 10_000
"""Fewer points than this say nothing; more steps than this are a training."""
SOURCE = "Smith 2017, arXiv:1506.01186; read as in Gugger 2018, sgugger.github.io, and fastai's lr_find"


def rates(steps: int = STEPS, first: float = FIRST, last: float = LAST) -> list[float]:
    """Return the learning rates of a sweep: each is the one before it times the same factor."""
    return [first * (last / first) ** (step / max(steps - 1, 1)) for step in range(steps)]


class Watcher:
    """Follows the losses of a sweep while it runs, to end it where they run away."""

    def __init__(self) -> None:
        self._sum, self._weight, self._lowest = 0.0, 0.0, math.inf
        self.diverged = False

    def add(self, loss: float) -> bool:
        """Take the next loss in; return whether the sweep shall go on."""
        if not math.isfinite(loss):
            self.diverged = True
            return False
        self._sum, self._weight = MEMORY * self._sum + loss, MEMORY * self._weight + 1
        smoothed = self._sum / self._weight
        self._lowest = min(self._lowest, smoothed)
        self.diverged = smoothed > DIVERGED * self._lowest
        return not self.diverged


@dataclass(frozen=True, slots=True, kw_only=True)
class LrCurve:
    """The result of a range test."""

    lrs: tuple[float, ...]
    """Learning rate of each step."""
    losses: tuple[float, ...]
    """Loss of each step."""
    smoothed: tuple[float, ...]
    """The same, smoothed forwards and backwards, so that nothing is shifted."""
    diverged: bool
    """Whether the sweep ended because the loss ran away; otherwise it went through all rates."""
    suggested: float | None
    """A tenth of the rate at which the smoothed loss was lowest; None where the curve says nothing."""
    steepest: float | None
    """Where the smoothed loss falls fastest over the logarithm of the rate."""
    why: str
    """The reading in words, or why there is none."""
    took_s: float = 0.0
    """How long the sweep took, without what came before it."""

    @classmethod
    def of(cls, lrs: Sequence[float], losses: Sequence[float], *, diverged: bool, took_s: float = 0.0) -> LrCurve:
        """Read a curve; only finite losses belong to it."""
        smoothed = _smoothed(np.asarray(losses, np.float64))
        at, steepest, why = _read(np.asarray(lrs, np.float64), smoothed)
        return cls(
            lrs=tuple(lrs),
            losses=tuple(losses),
            smoothed=tuple(smoothed.tolist()),
            diverged=diverged,
            suggested=at / 10 if at else None,
            steepest=steepest,
            why=why,
            took_s=took_s,
        )

    def plain(self) -> dict[str, Any]:
        """Return the curve as JSON can hold it."""
        return asdict(self)

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> LrCurve:
        """Return the curve in ``plain``; raises KeyError or TypeError where it is another thing."""
        found = {part.name: plain[part.name] for part in fields(cls)}
        return cls(**{**found, **{name: tuple(found[name]) for name in ("lrs", "losses", "smoothed")}})


def _smoothed(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not len(losses):
        return losses
    # The way back alone would smear a loss that runs away over the steps before it.
    capped = np.minimum(losses, losses[0] * DIVERGED)
    return (_one_way(capped) + _one_way(capped[::-1])[::-1]) / 2


def _one_way(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the exponential mean of what came before, without a bias to its start."""
    found, total, weight = np.empty_like(losses), 0.0, 0.0
    for place, loss in enumerate(losses):
        total, weight = MEMORY * total + loss, MEMORY * weight + 1
        found[place] = total / weight
    return found


def _read(lrs: npt.NDArray[np.float64], smoothed: npt.NDArray[np.float64]) -> tuple[float | None, float | None, str]:
    """Return the rate of the lowest loss, the rate of the steepest fall before it, and what that says."""
    if len(smoothed) < LEAST_POINTS:
        return None, None, f"the loss ran away after {len(smoothed)} steps: too few to read anything off."
    lowest = int(smoothed.argmin())
    fall = float(smoothed[: lowest + 1].max() - smoothed[lowest]) / abs(float(smoothed[0]) or 1.0)
    if lowest == 0 or fall < _LEAST_FALL:
        return None, None, f"the loss fell by {fall:.1%} at most: nothing was learned at any of these rates."
    slopes = np.gradient(smoothed[: lowest + 1], np.log(lrs[: lowest + 1]))
    steepest = float(lrs[int(slopes.argmin())])
    at = float(lrs[lowest])
    return at, steepest, f"the smoothed loss was lowest at {at:.2g}; a tenth of that is suggested."
