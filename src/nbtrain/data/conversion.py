"""Conversion: how the stored values of images become 8 bits, decided once for all images of a source.

Cameras and X-ray machines put 10, 12 or 14 bits into 16; microscopes, thermal cameras and satellites store measured
values. Which of them is black and which is white no single image says, so it is chosen for the whole source
(sampled.py), kept with the data set, and taken alike wherever an image is opened. Values beyond become black or white.

It knows numbers. It opens no file, and does not know which images a range was chosen from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nbtrain.data.questions import Answer
from nbtrain.errors import ConfigError, Problem

Values = npt.NDArray[Any]
"""Stored values, height × width (× colours): counts are uint16, measured values floats, NaN where there is none."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras put into 16."""
AUTO = "auto"
MOST = 65535
DARK = "come out dark"
"""What is told of most images where a few others have more bits."""
SIGNED_MOST = 32767
"""The highest whole number of 16 bits with a sign."""
_BY_HAND = re.compile(r"(?P<bits>\d+) ?bits?|(?P<low>[-+\d.e]+) to (?P<high>[-+\d.e]+)", re.IGNORECASE | re.ASCII)
_PERCENT = (0.5, 99.5)
_FAR = 2.0
"""Extremes that lie more than this many times as far apart as the percentiles do are outliers."""
_MANY = 1 << 20
"""Values that are converted, or looked at for percentiles, at a time."""


class Span(NamedTuple):
    """The stored values that become black and white."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the images of a source are converted; without arguments as before there was a choice."""

    counts: Span | None = None
    """Of whole numbers from 0 to 65 535; None: all of these."""
    measured: Span | None = None
    """Of floats, and of whole numbers beyond; None: each image's own."""
    profiles: bool = False
    """Whether colours are converted to sRGB where an image has a profile of others."""
    told: tuple[str, ...] = ()
    """What was chosen and why, in full sentences."""

    @property
    def as_before(self) -> bool:
        """Whether it is of a data set that was added before there was a choice, whose pixels stay what they were."""
        return not self.profiles

    @property
    def is_open(self) -> bool:
        """Whether no image was seen yet from which there was anything to choose."""
        return self.counts is None and self.measured is None

    @property
    def mixed(self) -> bool:
        """Whether most images that were looked at have fewer bits than the range that suits them all."""
        return any(DARK in told for told in self.told)

    @property
    def takes_all(self) -> bool:
        """Whether all whole numbers from 0 to 65 535 have their place between black and white."""
        return self.counts in (None, Span(0, MOST))

    @property
    def key(self) -> str:
        """A text that differs where pixels may; "" for images that are read as before."""
        spans = (
            "" if span is None else f"{float(span.low)!r}…{float(span.high)!r}" for span in (self.counts, self.measured)
        )
        told = (*spans, "sRGB" if self.profiles else "")
        return "/".join(told) if any(told) else ""

    @property
    def range_key(self) -> str:
        """The part of the key that says which values are black and white; "" where that is as it always was."""
        return Conversion(self.counts, self.measured).key if self.measured or not self.takes_all else ""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values; what is as usual is left out."""
        spans = {"counts": self.counts, "measured": self.measured}
        made: dict[str, Any] = {name: list(span) for name, span in spans.items() if span is not None}
        return {**made, "profiles": self.profiles, **({"told": list(self.told)} if self.told else {})}

    @classmethod
    def parse(cls, plain: object, where: str = "") -> Conversion:
        """Return what :meth:`plain` has given; raises ConfigError for anything else."""
        try:
            if not isinstance(plain, Mapping):
                raise TypeError(plain)
            spans = {name: _span(plain[name]) for name in ("counts", "measured") if name in plain}
            return cls(**spans, profiles=plain.get("profiles") is True, told=tuple(map(str, plain.get("told", ()))))
        except (TypeError, ValueError):
            told = "how its values become 8 bits cannot be read."
            raise ConfigError([Problem(where, told, "Add the images to the project again.")]) from None

    def bytes_of(self, values: Values) -> npt.NDArray[np.uint8]:
        """Return stored values as 8 bits; where there is none, it is black."""
        if values.dtype == np.uint16:
            return _table(*(self.counts or Span(0, MOST)))[values]
        low, high = self.measured or (_extremes(values) if self.as_before else own_span(values))
        made = np.empty(values.shape, np.uint8)
        rows = max(1, _MANY // max(1, values[0].size))
        for top in range(0, len(values), rows):  # a float64 takes eight times the memory
            scaled = (values[top : top + rows].astype(np.float64) - low) / (high - low or 1.0)
            made[top : top + rows] = np.nan_to_num(scaled * 255).round().clip(0, 255).astype(np.uint8)
        return made

    def exceeded_by(self, values: Values) -> bool:
        """Return whether some value is above what becomes white."""
        span = self.counts if values.dtype == np.uint16 else self.measured
        return span is not None and bool(np.any(values > span.high))


AS_BEFORE = Conversion()
"""Of data sets that were added before there was a choice."""


def own_conversion(values: Values) -> Conversion:
    """Return what suits one image that belongs to no source."""
    if values.dtype != np.uint16:
        return Conversion(measured=own_span(values), profiles=True)
    return Conversion(Span(0, 2 ** depth_of(int(values.max(initial=0))) - 1), profiles=True)


def depth_of(highest: int) -> int:
    """Return the bits of a camera whose ``highest`` value this is; 16 where all are 0."""
    return next(bits for bits in DEPTHS if highest < 2**bits) if highest else DEPTHS[-1]


def own_span(values: Values) -> Span:
    """Return black and white of measured values: their extremes, or percentiles where the extremes are outliers."""
    return Spread.of(values).span


class Spread(NamedTuple):
    """Where measured values lie."""

    lowest: float
    low: float
    """Half a percent of the values lie below."""
    high: float
    """Half a percent of the values lie above."""
    highest: float

    @classmethod
    def of(cls, values: Values) -> Spread:
        """Return that of the values that are any."""
        flat = values.ravel()
        known = flat[np.isfinite(flat)]
        if not known.size:
            return cls(0.0, 0.0, 1.0, 1.0)
        low, high = np.percentile(known[:: 1 + known.size // _MANY].astype(np.float64), _PERCENT)
        return cls(float(known.min()), float(low), float(high), float(known.max()))

    @property
    def has_outliers(self) -> bool:
        """Whether the extremes say nothing of where most values lie."""
        return 0 < _FAR * (self.high - self.low) < self.highest - self.lowest

    @property
    def span(self) -> Span:
        """Black and white."""
        if self.lowest >= 0 and self.highest <= 1:  # shares, which mean the same in every image
            return Span(0.0, 1.0)
        return Span(self.low, self.high) if self.has_outliers else Span(self.lowest, self.highest)


def by_hand(text: str) -> Conversion | None:
    """Return what a person has asked for: "12 bits" or "200 to 1800"; None for "auto". Raises ConfigError."""
    if text.strip() in ("", AUTO):
        return None
    found = _BY_HAND.fullmatch(text.strip())
    try:
        if found is None or (found["bits"] and int(found["bits"]) not in DEPTHS):
            raise ValueError(text)
        span = _span((0, 2 ** int(found["bits"]) - 1) if found["bits"] else (found["low"], found["high"]))
    except ValueError:
        advice = "Say auto, a number of bits (8, 10, 12, 14 or 16 bits), or black and white as in 200 to 1800."
        raise ConfigError([Problem("source.values", f"{text!r} is no range of values.", advice)]) from None
    told = f"Images of more than 8 bits: {span.low:g} is black and {span.high:g} is white, as set by hand."
    return Conversion(span, span, profiles=True, told=(told,))


def other_ways(asked: str, found: Conversion) -> Iterator[Answer]:
    """Yield how else the values of a source may become 8 bits, than as ``asked`` and ``found``."""
    if asked.strip() not in ("", AUTO):
        yield Answer("Values: by a sample", "Some of the images say what is black and white.", {"values": AUTO})
    elif found.counts is not None:
        for bits in DEPTHS:
            lower = found.counts.high == MOST and min(DEPTHS) < bits < max(DEPTHS)
            if 2**bits - 1 > found.counts.high or (lower and found.mixed):
                why = f"0 is black and {2**bits - 1} is white."
                yield Answer(f"Values: {bits} bits", why, {"values": f"{bits} bits"})


def _span(plain: Any) -> Span:
    low, high = map(float, plain)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(plain)
    return Span(low, high)


def _extremes(values: Values) -> Span:
    """Return the lowest and highest value, as images were read before there was a choice."""
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    return Span(0.0, 1.0) if lowest >= 0 and highest <= 1 else Span(lowest, highest)


@lru_cache(maxsize=8)
def _table(low: float, high: float) -> npt.NDArray[np.uint8]:
    """Return what each whole number from 0 to 65 535 becomes."""
    values = np.arange(MOST + 1, dtype=np.float64)
    return np.floor((values - low) * 255 / (high - low) + 0.5).clip(0, 255).astype(np.uint8)
