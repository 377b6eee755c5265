"""``nbtrain plan``: measure a few real steps, and tell what a run will need."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from nbtrain.advice.plan import fits, lines
from nbtrain.advice.words import gigabytes
from nbtrain.cli.options import FAILED, Commands, add_project
from nbtrain.cli.output import say, say_json, say_progress
from nbtrain.plans import Plan
from nbtrain.project.planning import Planning
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the command of this file."""
    plan = commands.add_parser("plan", help="measure real steps: time, memory and disk that a run will need")
    plan.add_argument("name", help="name or id of the experiment")
    add_project(plan)
    plan.add_argument("--table", action="store_true", help="also measure batch sizes of 16 to 256")
    plan.add_argument("--beside", action="store_true", help="measure also while the device is in use: slower times")
    plan.add_argument("--json", action="store_true", help="print machine-readable numbers")
    plan.set_defaults(run=_plan)


def _plan(given: argparse.Namespace) -> int:
    """Exit code 1 where the run does not fit into the memory target, 0 otherwise."""
    experiment = Project(given.project).experiment(given.name)
    stop = experiment.planning.on_change(_progress) if sys.stderr.isatty() else lambda: None
    try:
        found = experiment.plan(table=given.table, beside=given.beside)
    finally:
        stop()
    if given.json:
        say_json(_plain(found))
    else:
        say(*_text(found))
    return 0 if found.fits else FAILED


def _progress(planning: Planning) -> None:
    job = planning.job
    if job is not None and job.text:
        say_progress(job.text)


def _plain(found: Plan) -> dict[str, object]:
    return {**asdict(found), "steps": found.steps, "fits": found.fits, "rows": [asdict(row) for row in found.rows()]}


def _text(found: Plan) -> list[str]:
    told = [f"{row.label:<16} {row.value:<34} {row.how}" for row in lines(found)]
    told.append(f"{'Fits':<16} {'yes' if found.fits else 'no':<34} {fits(found)}")
    rows = found.rows()
    if rows:
        told += ["", f"{'batch':>6} {'images/s':>10} {'steps/epoch':>12} {'peak memory':>12}"]
    for row in rows:
        note = "" if row.measured else "  worked out"
        left = "" if row.fits else "  over the memory target"
        numbers = f"{row.batch:>6} {row.images_per_s:>10.4g} {row.steps_per_epoch:>12}"
        told.append(f"{numbers} {gigabytes(row.peak_bytes):>12}{left}{note}")
    return told
