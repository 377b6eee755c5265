"""``nbtrain lr-range | normalisation``: what can be measured before a run, as short jobs; Ctrl-C cancels one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from nbtrain.cli.options import FAILED, INTERRUPTED, Commands, add_project
from nbtrain.cli.output import say, say_json
from nbtrain.data.normalisation import Colours
from nbtrain.errors import StatusError
from nbtrain.probing.lr_curve import SOURCE, STEPS, LrCurve
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs.jobs import Job

_TOLD_S = 1.0
_ROWS = 20


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    lr_range = commands.add_parser("lr-range", help="learning rate range test: a short sweep from fresh weights")
    lr_range.add_argument("--steps", type=int, default=STEPS, help=f"steps of the sweep (default: {STEPS})")
    lr_range.set_defaults(run=_lr_range)
    colours = commands.add_parser("normalisation", help="measure mean and deviation of the training images")
    colours.set_defaults(run=_colours)
    for one, what in ((lr_range, "the suggested learning rate"), (colours, "the values as custom normalisation")):
        one.add_argument("name", help="name or id of the experiment")
        add_project(one)
        one.add_argument("--json", action="store_true", help="print a machine-readable result")
        one.add_argument("--apply", action="store_true", help=f"set {what} and save")


def _lr_range(given: argparse.Namespace) -> int:
    experiment = _experiment(given)
    job = experiment.lr_range_test(given.steps)
    code = follow(job)
    if job.result is None:
        return code
    curve: LrCurve = job.result
    if given.json:
        say_json(curve.plain(), compact=True)
    else:
        say(*_rows(curve))
    if curve.suggested is None:
        return FAILED
    return _apply(experiment, {"optimizer.lr": float(f"{curve.suggested:.2g}")}) if given.apply else 0


def _rows(curve: LrCurve) -> list[str]:
    every = max(1, len(curve.lrs) // _ROWS)
    rows = [f"{lr:9.2e}  {loss:.4f}" for lr, loss in list(zip(curve.lrs, curve.smoothed, strict=True))[::every]]
    end = "the loss ran away" if curve.diverged else "the sweep went through all rates"
    told = f"suggested: {curve.suggested:.2g}; steepest fall at {curve.steepest:.2g}" if curve.suggested else "none"
    return ["rate       smoothed loss", *rows, f"{end}; {curve.why}", told, f"Source: {SOURCE}."]


def _colours(given: argparse.Namespace) -> int:
    experiment = _experiment(given)
    job = experiment.measure_colours()
    code = follow(job)
    if job.result is None:
        return code
    found: Colours = job.result
    if given.json:
        say_json(found.plain(), compact=True)
    else:
        for word, values in (("mean", found.mean), ("deviation", found.std)):
            say(f"{word:<9}  " + "  ".join(f"{value:.4f}" for value in values))
        say(f"of {found.n_images} training images; runs with --normalisation.kind dataset use them")
    return _apply(experiment, found.as_custom()) if given.apply else 0


def _experiment(given: argparse.Namespace) -> Experiment:
    experiment = Project(given.project).experiment(given.name)
    if given.apply and experiment.status != "created":
        told = f"an experiment that is {experiment.status} keeps its configuration"
        raise StatusError(told, advice="Leave --apply away, or duplicate() it first.")
    return experiment


def follow(job: Job[Any]) -> int:
    """Tell how far a job is, a line per change and second, on standard error; return the exit code."""
    told = ""
    try:
        while not job.over:
            job.wait(_TOLD_S)
            if job.text not in ("", told):
                told = job.text
                say(told, error=True)
    except KeyboardInterrupt:
        job.cancel()
        job.wait()
        return INTERRUPTED
    if job.failure is not None:
        say(job.failure.text, error=True)
    return 0 if job.status == "completed" else FAILED


def _apply(experiment: Experiment, changes: Mapping[str, Any]) -> int:
    experiment.set_and_save(changes)
    say(f"{experiment.name}: {', '.join(f'{path} {value}' for path, value in changes.items())}", error=True)
    return 0
