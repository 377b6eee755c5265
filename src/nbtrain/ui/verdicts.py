"""What the images say of two experiments: better, worse or a tie, from their newest evaluations of the same set.

Resampling takes its time, so it is worked out on a thread of its own, once for each pair of evaluations. It knows
evaluations; what their comparison means, evaluation/paired.py says.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from nbtrain.errors import NbtrainError
from nbtrain.project.evaluation import Evaluation, compare
from nbtrain.project.experiment import Experiment

PART = "val"


class Verdicts:
    """Comparisons that are there, and those that are on their way."""

    def __init__(self, told: Callable[[], None]) -> None:
        """Call ``told`` whenever a verdict has been worked out."""
        self._told, self._guard = told, Lock()
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._busy: set[tuple[str, str]] = set()

    def of(self, a: Evaluation | None, b: Evaluation | None) -> dict[str, Any]:
        """Return text and outcome (first, other or tie) for a pair; ``missing`` or ``busy`` where there is none yet."""
        if a is None or b is None:
            return {"outcome": "missing", "text": ""}
        key = (str(a.path), str(b.path))
        with self._guard:
            if key in self._known:
                return self._known[key]
            start = key not in self._busy
            self._busy.add(key)
        if start:
            Thread(target=self._work, args=(key, a, b), name="nbtrain-compare", daemon=True).start()
        return {"outcome": "busy", "text": "comparing image by image…"}

    def _work(self, key: tuple[str, str], a: Evaluation, b: Evaluation) -> None:
        try:
            found = compare(a, b)
            outcome = {"a": "first", "b": "other"}.get(found.verdict.better, "tie")
            told = {"outcome": outcome, "text": found.words}
        except NbtrainError as error:
            told = {"outcome": "none", "text": str(error)}
        with self._guard:
            self._known[key] = told
            self._busy.discard(key)
        self._told()


def newest(experiment: Experiment) -> Evaluation | None:
    """Return the newest evaluation of the validation set that still holds; None without one."""
    try:
        found = (one for one in reversed(experiment.evaluations) if one.readable)
        return next((one for one in found if one.part == PART and not one.outdated), None)
    except NbtrainError:  # it was deleted just now
        return None
