"""What every ``auto`` of a configuration became, and why: from the experiment's own run, or the last one like it.

It reads resolved.json of run folders, again only when that has changed; it decides nothing.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from nbtrain.config import DECIDED
from nbtrain.project.experiment import Experiment
from nbtrain.runs.folder import RunFolder
from nbtrain.schema import fields


def autos_of(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Return by path, for each field that is auto: value, reason, whose run said so, and the number to start from."""
    run, source = _newest(experiment)
    known = _choices(run) if run else {}
    if not experiment.run_path:  # what hangs on the model is no news from another one's run
        known = {path: choice for path, choice in known.items() if path not in DECIDED} | _planned(experiment)
    found = {}
    for field in fields(experiment.config):
        if experiment.config.get(field.path) == "auto":
            chosen = known.get(field.path, {})
            manual = experiment.edits.manual.get(field.path)
            told = {"value": _text(chosen["value"]), "reason": str(chosen.get("reason", ""))} if chosen else {}
            where = str(chosen.get("source", source))
            start = manual if manual is not None else chosen.get("value")
            found[field.path] = {**told, **({"source": where} if told and where else {}), "manual": start}
    return found


def _planned(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Return what the plan says that auto will become; the run measures again."""
    plan = experiment.planning.plan
    if plan is None:
        return {}
    told = (("training.batch_size", plan.batch, plan.measured.reason), ("training.epochs", plan.epochs, "at most"))
    return {path: {"value": value, "reason": f"by the plan: {reason}", "source": ""} for path, value, reason in told}


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _newest(experiment: Experiment) -> tuple[str, str]:
    """The experiment's own run, else the project's newest on the same data, with its experiment's name."""
    if experiment.run_path:
        return experiment.run_path, ""
    dataset = experiment.config.data.dataset
    like = [e for e in experiment.project.cards if e.run_path and e.config.data.dataset == dataset]
    last = max(like, key=lambda e: e.started_s, default=None)
    return (last.run_path, last.name) if last else ("", "")


def _choices(run: str) -> dict[str, dict[str, Any]]:
    try:
        return _read(run, (Path(run) / "resolved.json").stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=64)
def _read(run: str, changed_ns: int) -> dict[str, dict[str, Any]]:
    return {path: choice for path, choice in RunFolder(run).resolved().items() if isinstance(choice, dict)}
