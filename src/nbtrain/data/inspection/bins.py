"""Bins of a histogram with round bounds, as a person would choose them, and which bin each value is in.

Each bin holds its lower bound and not its upper one; the last holds both, as in numpy's histogram. It knows numbers
alone. Shapes: N values, B bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = list[dict[str, Any]]
"""Rows by the names of their columns."""
MOST = 24
_APART, _ABOVE = 50, 10
"""Values whose largest is so many times the smallest, and the median, get a logarithmic axis: on a straight one nearly
all would be in the first bars."""
_STEPS = (1, 2, 5, 10)
_ROUND = (1, 1.5, 2, 3, 5, 7)


def edges_of(values: npt.NDArray[Any], *, whole: bool = False) -> Numbers:
    """Return round bounds of bins over all values; none where there is no value, two alike where all are one.

    Bins of ``whole`` numbers begin half below a number, so that each number lies inside of one.
    """
    found = np.asarray(values, np.float64)
    if not len(found):
        return np.empty(0)
    low, high = float(found.min()), float(found.max())
    if whole:
        return _straight(low, high, least=1.0) - 0.5
    if low == high:
        return np.array([low, high])
    positive = float(found[found > 0].min()) if high > 0 else 0.0
    if low >= 0 and high >= _APART * positive and high >= _ABOVE * float(np.median(found)):
        return np.concatenate(([0.0], _by_factors(positive, high))) if low == 0 else _by_factors(positive, high)
    return _straight(low, high)


def _straight(low: float, high: float, least: float = 0.0) -> Numbers:
    """Return bounds that are 1, 2 or 5 times a power of ten apart, and ``least`` at least."""
    wanted = max((high - low) / MOST, least, np.finfo(np.float64).tiny)
    power = 10.0 ** np.floor(np.log10(wanted))
    step = next((s for s in _STEPS if s * power >= wanted * (1 - 1e-9)), 10) * power
    first, last = np.floor(low / step + 1e-9), np.floor(high / step + 1e-9) + 1
    if not least and last - 1 - high / step > -1e-9 and last - first > 1:
        last -= 1  # the highest value lies on a bound: the last bin holds both of its own
    return np.array([float(f"{place * step:.12g}") for place in np.arange(first, last + 1)])


def _by_factors(low: float, high: float) -> Numbers:
    """Return round bounds that grow by a factor of about one and a half."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 2)
    known = [float(f"{one}e{power}") for power in powers for one in _ROUND]
    kept = [two for one, two in pairwise([0.0, *known]) if two > low or one >= low]
    first = next(one for one in reversed(known) if one <= low)
    bounds = [first, *(one for one in kept if one > first)]
    last = next(place for place, one in enumerate(bounds) if one >= high)
    return np.array(_thinned(bounds[: last + 1]))


def _thinned(bounds: Sequence[float]) -> Sequence[float]:
    """Return every second or third bound where there are too many, the outer ones always."""
    step = -(-(len(bounds) - 1) // (2 * MOST))
    return bounds if step < 2 else [*bounds[:-1:step], bounds[-1]]


def places_in(values: npt.NDArray[Any], edges_B1: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the number of the bin of each value; -1 for what is no number."""
    found = np.asarray(values, np.float64)
    n_bins = max(len(edges_B1) - 1, 1)
    places = np.clip(np.searchsorted(edges_B1, found, side="right") - 1, 0, n_bins - 1)
    return np.where(np.isnan(found), -1, places)


def counts_in(places_N: npt.NDArray[np.int64], n_bins: int) -> npt.NDArray[np.int64]:
    """Return how many values are in each bin; those that are in none are passed over."""
    return np.bincount(places_N[places_N >= 0], minlength=n_bins)
