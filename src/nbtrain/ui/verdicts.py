"""What the images say of two experiments: better, worse or a tie, from their newest evaluations of the same set.

Resampling takes its time, so it is worked out on a thread of its own, once for each pair of evaluations. It knows
evaluations; what their comparison means, evaluation/paired.py says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from nbtrain.errors import NbtrainError
from nbtrain.evaluation import scores
from nbtrain.evaluation.paired import Comparison
from nbtrain.project.evaluation import Evaluation, compare
from nbtrain.project.experiment import Experiment
from nbtrain.training import kept

_log = logging.getLogger("nbtrain.ui")
PART, BEST = "val", "best"
_SHARES = frozenset({"accuracy", "map", "f1_micro"})


class Verdicts:
    """Comparisons that are there, and those that are on their way."""

    def __init__(self, told: Callable[[], None]) -> None:
        """Call ``told`` whenever a verdict has been worked out."""
        self._told, self._guard = told, Lock()
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._busy: set[tuple[str, str]] = set()

    def of(self, a: Evaluation | None, b: Evaluation | None) -> dict[str, Any]:
        """Return what a pair's verdict is made of.

        ``outcome`` is first, other or tie, none where they cannot be compared, ``missing`` or ``busy`` where there is
        none yet; ``short`` is the difference in few words, ``text`` all of it, ``notes`` what must not be overlooked.
        """
        if a is None or b is None:
            return _verdict("missing")
        key = (str(a.path), str(b.path))
        with self._guard:
            if key in self._known:
                return self._known[key]
            start = key not in self._busy
            self._busy.add(key)
        if start:
            Thread(target=self._work, args=(key, a, b), name="nbtrain-compare", daemon=True).start()
        return _verdict("busy", "comparing image by image…")

    def _work(self, key: tuple[str, str], a: Evaluation, b: Evaluation) -> None:
        try:
            found = compare(a, b)
            outcome = {"a": "first", "b": "other"}.get(found.verdict.better, "tie")
            told = _verdict(outcome, _short(found), found.words, list(found.notes))
        except NbtrainError as error:
            told = _verdict("none", text=str(error))
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
            _log.exception("two evaluations could not be compared")
            told = _verdict("none", text=f"The comparison failed: {type(error).__name__}: {error}")
        with self._guard:
            self._known[key] = told
            self._busy.discard(key)
        self._told()


def lacking(experiment: Experiment) -> str:
    """Return why an experiment has no evaluation that counts, in words."""
    if not can_be_evaluated(experiment):
        return "still training" if experiment.running else "not trained yet"
    try:
        old = [one for one in experiment.evaluations if one.readable and one.part == PART and one.record.which == BEST]
        told = old[-1].outdated if old else ""
    except NbtrainError:  # it was deleted just now
        return "not evaluated yet"
    if not old:
        return "not evaluated yet"
    return f"its evaluation is out of date: {told}" if told else "evaluated with other labels"


def can_be_evaluated(experiment: Experiment) -> bool:
    """Tell whether an experiment has a checkpoint, and leaves it alone."""
    there = experiment.run is not None and bool(kept.checkpoints(experiment.run.path / "checkpoints"))
    return there and not experiment.running


def _verdict(outcome: str, short: str = "", text: str = "", notes: list[str] | None = None) -> dict[str, Any]:
    return {"outcome": outcome, "short": short, "text": text, "notes": notes or []}


def _short(found: Comparison) -> str:
    """Return the second one's lead over the first: "+2.1 points of accuracy (+0.4 to +3.9)"."""
    difference = found.verdict
    name, scale = scores.label(difference.metric).lower(), 100 if difference.metric in _SHARES else 1
    lead, low, high = (
        f"{-scale * value:+.1f}".replace("-", "−")
        for value in (difference.difference, difference.wide.high, difference.wide.low)
    )
    return f"{lead} points of {name} ({low} to {high})"
