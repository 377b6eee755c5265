"""Where a run stands, as every panel shows it: epoch, share done, time left, duration.

Card, run bar and run table draw at moments of their own. So that one page never shows two epochs, or two times left, of
one run, they all read here: within one step of the clock everybody gets the same numbers, rounded alike.
"""

from __future__ import annotations

import time
from typing import Any

from nbtrain.project.experiment import Experiment

STEP_S = 0.5
"""The clock of what a run's news redraw: these panels are drawn together, at the beginning of a step (pulse.py)."""


def standing(experiment: Experiment) -> dict[str, Any]:
    """Return epoch, epochs, step, steps, progress (0…1), eta_s and duration_s; None for what is not known."""
    key = (int(time.monotonic() / STEP_S), experiment.status, experiment.run_path)
    known: tuple[Any, dict[str, Any]] | None = experiment.__dict__.get("_standing")
    if known is None or known[0] != key or not experiment.running:
        known = (key, _read(experiment))
        experiment.__dict__["_standing"] = known
    return known[1]


def _read(experiment: Experiment) -> dict[str, Any]:
    return {
        **{name: getattr(experiment, name) for name in ("epoch", "epochs", "step", "steps")},
        "progress": round(experiment.progress, 3),
        "eta_s": rounded(experiment.eta_s),
        "duration_s": rounded(experiment.duration_s) or None,
    }


def rounded(seconds: float | None) -> float | None:
    """Return whole seconds, and fives above a minute: a time need not tick with every message."""
    if seconds is None:
        return None
    return float(round(seconds)) if seconds < 60 else float(round(seconds / 5) * 5)
