"""``nbtrain advise``: what the rules suggest before a run, or from its history; and their fixes, applied by name."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nbtrain.cli.options import FAILED, Commands, add_project
from nbtrain.cli.output import say, say_json
from nbtrain.errors import AddressError
from nbtrain.project.counsel import Suggestion, plain
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the command of this file."""
    advise = commands.add_parser("advise", help="what the rules suggest: before the run, or from its history")
    advise.add_argument("name", help="name or id of the experiment")
    add_project(advise)
    advise.add_argument("--json", action="store_true", help="print machine-readable suggestions")
    advise.add_argument("--apply", metavar="RULE", default="", help="apply one rule's fix and save; a copy after a run")
    advise.set_defaults(run=_advise)


def _advise(given: argparse.Namespace) -> int:
    """Exit code 1 where something cannot work as it is set, 0 otherwise."""
    experiment = Project(given.project).experiment(given.name)
    if given.apply:
        return _apply(experiment, given.apply)
    found, problems = experiment.advice, experiment.problems if experiment.status == "created" else []
    if given.json:
        say_json([plain(one) for one in found])
    else:
        lines = [f"{'problem':<8} {one['path']}: {one['message']} {one['advice']}".rstrip() for one in problems]
        lines += [line for one in found for line in _lines(one)]
        say(*lines or [f"{experiment.name}: no suggestions"])
    return FAILED if problems or any(one.level == "problem" for one in found) else 0


def _apply(experiment: Experiment, rule: str) -> int:
    found = next((one for one in experiment.advice if one.rule == rule), None)
    if found is None:
        rules = ", ".join(sorted({one.rule for one in experiment.advice})) or "none"
        raise AddressError("this rule has found nothing", value=rule, advice=f"These have: {rules}.")
    doing, changed = found.doing, found.apply(save=True)
    say(f"{changed.name} ({changed.id}): {doing}")
    return 0


def _lines(one: Suggestion) -> Iterator[str]:
    yield f"{one.level:<8} {one.path}: {one.text}"
    if one.fix:
        yield f"         --apply {shlex.quote(one.rule)} sets {_arguments(one.fix)}"
    yield f"         {one.why} {one.source}."


def _arguments(fix: Mapping[str, Any]) -> str:
    return " ".join(f"--{p} {shlex.quote(v if isinstance(v, str) else json.dumps(v))}" for p, v in fix.items())
