"""What is told of experiments: a line per epoch while they train, one line each in lists, plain values as JSON.

Not known here: commands and their arguments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbtrain.cli.options import FAILED, INTERRUPTED
from nbtrain.cli.output import say, say_text
from nbtrain.project.experiment import Experiment
from nbtrain.training import phases


def started(experiment: Experiment, detach: bool) -> int:
    """Follow a run that has just been started, or say how to look at it later."""
    if not detach:
        return watch(experiment)
    now = f"is {experiment.detail}" if experiment.place else "is training"
    say(f"{experiment.name} ({experiment.id}) {now}; `nbtrain show {experiment.id}` tells how it goes")
    return 0


def watch(experiment: Experiment) -> int:
    """Print one line per new epoch until the run has ended; Ctrl-C stops the run and keeps what it has."""
    printed = len(experiment.curves.series("val", "loss")[2])
    try:
        while experiment.running:
            experiment.wait(0.1)
            printed = _print_epochs(experiment, printed)
    except KeyboardInterrupt:
        say("stopping: the batch is finished and what there is is kept", error=True)
        experiment.stop()
        experiment.wait(60)
        return INTERRUPTED
    _print_epochs(experiment, printed)
    return _print_end(experiment)


def _print_epochs(experiment: Experiment, printed: int) -> int:
    history = experiment.curves
    _, epochs, losses = history.series("val", "loss")
    monitor = experiment.best.get("metric", "")
    values = history.series("val", monitor)[2]
    for row in range(printed, len(losses)):  # fewer than were printed where a resume goes through some again
        told = f"  val {monitor} {values[row]:.4f}" if monitor != "loss" and row < len(values) else ""
        say(f"epoch {epochs[row]:.0f}/{experiment.epochs}  val loss {losses[row]:.4f}{told}")
    return len(losses)


def _print_end(experiment: Experiment) -> int:
    if experiment.status == "failed":
        error = experiment.error
        advice = " ".join(error.get("advice", ()))
        say_text(f"failed ({error.get('cause', 'code')}): {error.get('message', '')} {advice}".rstrip(), error=True)
        return FAILED
    if experiment.status == "created":
        say(f"{experiment.name} was taken out of the queue: it is not trained")
        return 0
    if experiment.detail:
        say(experiment.detail)
    best = experiment.best
    told = f", best val {best['metric']} {best['value']:.4f} in epoch {best['epoch']:.0f}" if best else ""
    say(f"{experiment.status} after {experiment.duration_s:.0f} s{told}; run: {experiment.run_path}")
    if experiment.exact:
        say(f"resume: {experiment.exact}")
    print_profile(experiment)
    return 0


def print_profile(experiment: Experiment) -> None:
    """Print where the time of the newest run went, where that was measured."""
    folder = Path(experiment.run_path or ".")
    found = phases.read(folder) if experiment.run_path else None
    for line in found.lines() if found else ():
        say(f"  {line}")
    if found and (folder / phases.FLAME).exists():
        say(f"  flame graph: {folder / phases.FLAME}")


def place(experiment: Experiment) -> str:
    """Return how far an experiment has come, in a few words."""
    if experiment.status == "created" or experiment.place:
        return experiment.detail
    best = experiment.best
    told = f"  {best['metric']} {best['value']:.4f}" if best else ""
    return f"epoch {experiment.epoch}/{experiment.epochs}{told}"


def unsaved(experiment: Experiment) -> str:
    """Return what of an experiment is only in its draft: what train() would save first; empty where nothing is."""
    if experiment.status != "created" or not experiment.dirty:
        return ""
    if not experiment.saved:
        return "never saved"
    return f"{', '.join(experiment.unsaved)} differ{'' if len(experiment.unsaved) > 1 else 's'} from what is saved"


def plain(experiment: Experiment) -> dict[str, Any]:
    """Return all that is known of an experiment as values of JSON."""
    names = ("id", "name", "description", "tags", "status", "phase", "detail", "epoch", "epochs", "step", "steps")
    more = (
        "progress",
        "eta_s",
        "best",
        "metrics",
        "started_s",
        "duration_s",
        "run_path",
        "error",
        "exact",
        "notices",
        "place",
        "problems",
        "changes",
        "lineage",
        "dirty",
        "refused",
    )
    told = {name: getattr(experiment, name) for name in (*names, *more)}
    profiled = phases.read(Path(experiment.run_path)) if experiment.run_path else None
    told["profile"] = [dict(zip(phases.COLUMNS, row, strict=True)) for row in profiled.rows] if profiled else []
    return {**told, "config_hash": experiment.config.hash, "config": experiment.config.plain()}
