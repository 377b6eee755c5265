"""The watched metric: which validation is the best so far, and when to give up waiting for a better one.

It knows numbers and epochs; it does not know what is done with the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_SMALLER_IS_BETTER = frozenset({"loss"})


class Monitor:
    """Follows one metric. ``patience`` 0 never gives up."""

    def __init__(self, metric: str, patience: int = 0, min_delta: float = 0.0) -> None:
        self.metric, self.patience, self.min_delta = metric, patience, min_delta
        self._sign = -1.0 if metric in _SMALLER_IS_BETTER else 1.0
        self._best: dict[str, Any] = {}
        self._mark, self._waited = -math.inf, 0

    @property
    def best(self) -> Mapping[str, Any]:
        """``metric``, ``value``, ``epoch`` and ``step`` of the best validation; empty before the first."""
        return self._best

    @property
    def tired(self) -> bool:
        """Whether ``patience`` validations in a row have brought no improvement of at least ``min_delta``."""
        return self.patience > 0 and self._waited >= self.patience

    def judge(self, values: Mapping[str, float], epoch: int, step: int) -> bool:
        """Take one validation in; return whether it is the best. NaN is never better."""
        value = float(values.get(self.metric, math.nan))
        score = -self.cost(values)
        improved = score > self._mark + (self.min_delta if math.isfinite(self._mark) else 0.0)
        self._mark, self._waited = (score, 0) if improved else (self._mark, self._waited + 1)
        better = not math.isnan(score) and (not self._best or score > self._sign * self._best["value"])
        if better:
            self._best = {"metric": self.metric, "value": value, "epoch": epoch, "step": step}
        return better

    def cost(self, values: Mapping[str, float]) -> float:
        """Return the watched value so that lower is better; NaN where it was not measured."""
        return -self._sign * float(values.get(self.metric, math.nan))

    def rest(self) -> None:
        """Forget how long an improvement has been waited for; the best stays the best."""
        self._waited = 0

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on from here."""
        return {"best": dict(self._best), "mark": self._mark, "waited": self._waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; a best by another metric says nothing of this one."""
        if state["best"].get("metric", self.metric) == self.metric:
            self._best, self._mark, self._waited = dict(state["best"]), state["mark"], state["waited"]
