"""Splits that runs have made by themselves, told from those that somebody has named, and told in words.

Such a split is called by what it came from: data set, shares, seed and the images of that time (datasets.py makes the
name). It knows names alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbtrain import files

_SHARE = "[0-9.]+(?:e-[0-9]+)?"
_NAME = re.compile(f"(?:own|(?P<val>{_SHARE})-(?P<test>{_SHARE}))-seed(?P<seed>[0-9]+)-(?P<base>[0-9a-f]{{8}})")


@dataclass(frozen=True, slots=True)
class Automatic:
    """What a run's own split came from."""

    val: float | None
    """Share that validates; None where the source's own sets were taken."""
    test: float
    seed: int
    base: str
    """The first 8 digits of the hash of the images as found."""

    @property
    def words(self) -> str:
        """The split in words: "20 % val, seed 42"."""
        shares = "the source's own sets" if self.val is None else f"{100 * self.val:g} % val"
        return f"{shares}{f', {100 * self.test:g} % test' if self.test else ''}, seed {self.seed}"


def automatic(name: str, dataset: str) -> Automatic | None:
    """Return what the split called ``name`` came from; None for one that somebody has named."""
    begin = f"{files.slug(dataset)}-"
    found = _NAME.fullmatch(name.removeprefix(begin)) if name.startswith(begin) else None
    if found is None:
        return None
    try:
        val, test = (None, 0.0) if found["val"] is None else (float(found["val"]), float(found["test"]))
    except ValueError:
        return None
    return Automatic(val, test, int(found["seed"]), found["base"])
