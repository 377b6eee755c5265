"""What the form says of a run's fields: the values that hold now, what became of each, and what was not taken.

It reads an experiment; it knows no panel.
"""

from __future__ import annotations

from typing import Any

from nbtrain.config import Config
from nbtrain.project.experiment import Experiment


def shown_config(experiment: Experiment) -> Config:
    """Return the configuration as the run follows it, with what its trainer has been asked for on top."""
    config = experiment.present
    for path, value in experiment.asked.items() if experiment.running else ():
        config = config.set(path, value)
    return config


def changed_words(experiment: Experiment) -> dict[str, str]:
    """Return by path what became of a field since the run began: "changed at step 120; it was 0.001"."""
    words = {}
    for change in experiment.changes:
        how = "extended" if change["extends"] else "changed"
        words[change["path"]] = f"{how} at step {change['step']}; it was {plain_text(change['old'])}"
    waiting = dict.fromkeys(experiment.asked, "applies at the next step…") if experiment.running else {}
    return {**words, **waiting}


def plain_text(value: Any) -> str:
    """Return a value in few digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def refused_live(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Return what the trainer did not take, as the form shows a refused text."""
    now = experiment.present
    return {path: {"text": now.get(path), "message": why, "advice": ""}
            for path, why in experiment.refusals.items()}  # fmt: skip
