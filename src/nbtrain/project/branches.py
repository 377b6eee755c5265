"""Branches: a new experiment that goes on from a checkpoint of another one.

The checkpoint, and the best one before it, are linked into the folder ``start`` of the new experiment, so that what
becomes of the other run no longer matters. A branch goes on exactly: weights, averages, optimizer, place in the
schedule and step count are the checkpoint's; what may be edited is all that these do not hang on. Early stopping waits
anew. It knows cards, checkpoints and configurations; it does not know traits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain.config import Config
from nbtrain.errors import Problem, ProjectError, StatusError
from nbtrain.runs.folder import RunFolder
from nbtrain.schema import fields
from nbtrain.training import kept
from nbtrain.training.changes import Changes

_FIXED = (
    "task.", "model.", "optimizer.", "data.dataset", "data.split", "data.val_ratio", "data.test_ratio",
    "data.split_seed", "training.batch_size", "training.batch_multiplier", "training.ema", "hardware.precision",
)  # fmt: skip
_FREE = ("optimizer.lr", "training.ema_decay", "model.pretrained", "model.weights_file", "model.dropout")
"""Of those, what the checkpoint's state does not hang on."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a branch begins: its configuration, its lineage, and the checkpoints that it needs."""

    config: Config
    lineage: dict[str, Any]
    """experiment, name, run, step, epoch: what the card and the run's config.json say."""
    checkpoints: tuple[kept.Kept, ...]


def find(run: RunFolder | None, chosen: Config, which: str | int, *, experiment: str, name: str) -> Start:
    """Return where a branch from the checkpoint ``which`` of ``run`` begins; raises StatusError where it cannot."""
    if run is None:
        advice = "train() starts it; duplicate() copies its configuration."
        raise StatusError("an experiment that has not been trained has no checkpoints", value=name, advice=advice)
    folder = run.path / "checkpoints"
    found = kept.find(folder, which)
    best = kept.best(folder)
    config = Changes.of(run.path).present(chosen.decided(run.choices()), found.step)
    lineage = {
        "experiment": experiment, "name": name, "run": run.path.name, "step": found.step, "epoch": found.epoch,
        "fixed": dict(_fixed(config)),
    }  # fmt: skip
    whole = (found, *([best] if best and best.step < found.step and not kept.damage(best.marker) else []))
    return Start(config, lineage, whole)


def offered(run: RunFolder | None) -> list[dict[str, Any]]:
    """Return the checkpoints that a branch could begin with, the newest first: step, epoch, metrics, best."""
    if run is None:
        return []
    folder = run.path / "checkpoints"
    best = kept.best(folder)
    return [{"step": one.step, "epoch": one.epoch, "metrics": dict(one.metrics), "best": best == one}
            for one in reversed(kept.checkpoints(folder))]  # fmt: skip


def keep(start: Start, experiment: Path) -> None:
    """Link the checkpoints into the folder of the new experiment; raises ProjectError where that fails."""
    folder = experiment / kept.START
    try:
        folder.mkdir(exist_ok=True)
        for found in start.checkpoints:
            kept.link(found, folder)
    except OSError as error:
        what = f"the checkpoint could not be kept for the branch: {error.strerror or error}"
        raise ProjectError(what, value=str(folder), advice="Make room on the disk, or try again.") from error


def problems(start: Mapping[str, Any], config: Config, folder: Path | None) -> Iterator[Problem]:
    """Yield what keeps an edited branch from going on with its checkpoint."""
    if not start:
        return
    where = f"step {start.get('step')} of {start.get('name')!r}"
    now = dict(_fixed(config))
    for path, value in dict(start.get("fixed", {})).items():
        if now.get(path) != value:
            told = f"this branch goes on from {where}, where it was {value!r}."
            yield Problem(path, told, f"Set it back to {value!r}, or train it in a new experiment.")
    if config.training.most_epochs <= int(start.get("epoch", 0)):
        begun, epochs = start.get("epoch"), config.training.most_epochs
        told = f"this branch begins when {begun} epochs are done, so {epochs} leave nothing."
        yield Problem("training.epochs", told, f"Give more than {start.get('epoch')}.")
    if folder is not None and not kept.checkpoints(folder / kept.START):
        yield Problem("start", f"the checkpoint of {where} is gone.", "Branch again.")


def text(start: Mapping[str, Any]) -> str:
    """Return a branch's lineage for people; empty for an experiment that is none."""
    if not start:
        return ""
    return f"{start.get('name')}, run {start.get('run')}, step {start.get('step')} (epoch {start.get('epoch')})"


def _fixed(config: Config) -> Iterator[tuple[str, Any]]:
    for found in fields(config):
        if found.path.startswith(_FIXED) and found.path not in _FREE:
            value = config.get(found.path)
            yield found.path, list(value) if isinstance(value, tuple) else value
