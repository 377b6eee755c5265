"""Whether a resumed run repeats itself: what a step said in its first life against what it says in the next.

It knows numbers by split and step, and equal means equal to the last bit. It does not know where they come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from nbtrain.messages import Metric

Rows = dict[tuple[str, int], dict[str, float]]
"""Metrics by split and step."""
EXACT = "exact"


class Exactness:
    """Remembers what was superseded, and compares it with what is said again."""

    def __init__(self) -> None:
        self._before: Rows = {}
        self._differs = ""
        self.compared = 0
        """How many messages about a step that was computed twice have been compared."""

    def remember(self, superseded: Rows) -> None:
        """Keep what a resume is going to say again."""
        self._before.update(superseded)

    def hear(self, said: Metric) -> None:
        """Compare a message with what its step said before, where it did."""
        before = self._before.pop((said.split, said.step), None)
        if before is None:
            return
        self.compared += 1
        if not self._differs:
            self._differs = _difference(said, before)

    @property
    def word(self) -> str:
        """``exact``, or the first step that differs with both values; empty while no step was computed twice."""
        return self._differs or (EXACT if self.compared else "")


def _difference(said: Metric, before: Mapping[str, float]) -> str:
    """Return the first metric that differs, in words; empty where none does."""
    for name, value in said.values.items():
        first = before.get(name, math.nan)
        if value != first and not (math.isnan(value) and math.isnan(first)):
            return f"step {said.step}: {said.split} {name} was {first!r} before the resume and is {value!r} after it"
    return ""
