"""``nbtrain evaluate | compare``: what a trained experiment is worth on a set of images; Ctrl-C cancels."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from nbtrain.cli.measure import follow
from nbtrain.cli.options import Commands, add_project
from nbtrain.cli.output import say, say_json
from nbtrain.data.splits import SETS
from nbtrain.errors import StatusError
from nbtrain.evaluation.folder import CURRENT, LABELS
from nbtrain.project.evaluation import Evaluation, alike, compare, text_of
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    one = commands.add_parser("evaluate", help="evaluate a checkpoint on validation, test or training images")
    one.add_argument("name", help="name or id of the experiment")
    add_project(one)
    one.add_argument("--part", choices=SETS, default="val", help="set of images (default: val)")
    one.add_argument("--checkpoint", default="best", help="best, last or the number of a step (default: best)")
    told = "labels to hold it against: those of the data set now, or those it was trained with (default: current)"
    one.add_argument("--labels", choices=LABELS, default=CURRENT, help=told)
    one.add_argument("--html", type=Path, metavar="FILE", help="also write a report: one page that needs no network")
    one.add_argument("--csv", type=Path, metavar="FOLDER", help="also write every table as a CSV file")
    one.add_argument("--replace", action="store_true", help="write over other files of these names")
    one.set_defaults(run=_evaluate)
    two = commands.add_parser("compare", help="compare the newest evaluations of two experiments, image by image")
    two.add_argument("names", nargs=2, metavar="NAME", help="name or id of an experiment")
    add_project(two)
    two.add_argument("--part", choices=SETS, default="val", help="set of images (default: val)")
    two.set_defaults(run=_compare)
    for parser in (one, two):
        parser.add_argument("--json", action="store_true", help="print a machine-readable result")


def _evaluate(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    evaluation = experiment.evaluate(given.part, given.checkpoint, given.labels)
    code = follow(evaluation.job) if evaluation.job else 0
    if evaluation.status != "completed":
        return code
    if given.html:
        evaluation.report(given.html, replace=given.replace)
    if given.csv:
        evaluation.to_csv(given.csv, replace=given.replace)
    if given.json:
        say_json(_plain(evaluation))
    else:
        say(*_lines(evaluation, given))
    return 0


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    return {"number": evaluation.number, "path": str(evaluation.path), **evaluation.record.plain()}


def _lines(evaluation: Evaluation, given: argparse.Namespace) -> list[str]:
    record = evaluation.record
    told = [f"{evaluation.experiment.name}: {evaluation.title}", f"{record.n_images} images, 95 % intervals"]
    told += [f"  {name:<24} {text}" for name, text in text_of(record)]
    told += [f"  {notice}" for notice in record.notices]
    written = [path for path in (given.html, given.csv) if path]
    return [*told, f"kept: {evaluation.path}", *(f"wrote: {path}" for path in written)]


def _compare(given: argparse.Namespace) -> int:
    project = Project(given.project)
    a, b = _evaluated(project, given.names, given.part)
    found = compare(a, b)
    if given.json:
        differences = [{**asdict(one), "tie": one.tie, "better": one.better} for one in found.differences]
        told = {"a": found.a, "b": found.b, "n_images": found.n_images, "tie": found.tie, "p": found.p}
        say_json({**told, "words": found.words, "differences": differences})
        return 0
    say(found.words)
    for one in found.differences:
        if not math.isnan(one.difference):
            verdict = "tie" if one.tie else f"better: {found.a if one.better == 'a' else found.b}"
            ends = f"({one.wide.low:+.4f} to {one.wide.high:+.4f})"
            say(f"  {one.metric:<12} {one.a:8.4f} {one.b:8.4f}  {one.difference:+.4f} {ends}  {verdict}")
    return 0


def _evaluated(project: Project, names: Sequence[str], part: str) -> tuple[Evaluation, Evaluation]:
    """Return the newest evaluations of two experiments, with the same labels where they have such."""
    experiments = [project.experiment(name) for name in names]
    newest = [_newest(experiment, part) for experiment in experiments]
    same = alike(experiments, part, which="").evaluations
    one, other = newest if None in same else same
    return cast(Evaluation, one), cast(Evaluation, other)


def _newest(experiment: Experiment, part: str) -> Evaluation:
    found = [one for one in experiment.evaluations if one.readable and one.part == part]
    if not found:
        advice = f"`nbtrain evaluate {experiment.name!r} --part {part}` makes one."
        raise StatusError(f"there is no evaluation of {part}", value=experiment.name, advice=advice)
    return found[-1]
