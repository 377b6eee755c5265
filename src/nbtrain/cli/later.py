"""``nbtrain set | extend | branch``: what is done with an experiment once it is there, and once its run has begun."""

from __future__ import annotations

import argparse
import time
from typing import Any

from nbtrain.cli.options import REFUSED, Commands, add_project, add_start
from nbtrain.cli.output import say
from nbtrain.cli.printing import started
from nbtrain.cli.values import VALUES_HELP, value_of
from nbtrain.errors import ConfigError, Problem
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project

_ANSWER_S = 10.0


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    change = commands.add_parser("set", help="change values of an experiment; live ones also while it trains")
    change.add_argument("name", help="name or id of the experiment")
    change.add_argument("pairs", nargs="+", metavar="PATH=VALUE", help="such as optimizer.lr=3e-4")
    add_project(change)
    change.set_defaults(run=_set)
    extend = commands.add_parser("extend", help="go on with a completed run for more epochs")
    extend.add_argument("name", help="name or id of the experiment")
    extend.add_argument("epochs", help="how many epochs more, such as +10")
    add_project(extend)
    add_start(extend)
    extend.set_defaults(run=_extend)
    branch = commands.add_parser("branch", help="a new experiment from a checkpoint of another", epilog=VALUES_HELP)
    branch.add_argument("name", help="name or id of the experiment that has the checkpoint")
    branch.add_argument("--checkpoint", default="best", help="best, last, or a step (default: best)")
    branch.add_argument("--as", dest="called", default=None, metavar="NAME", help="name of the new experiment")
    branch.add_argument("--train", action="store_true", help="train it at once")
    add_project(branch)
    add_start(branch)
    branch.set_defaults(run=_branch, takes_values=True)


def _set(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    values = dict(map(_pair, given.pairs))
    if experiment.running:
        experiment.present.set_all(values)  # all of them, before the first is sent
        for path, value in values.items():
            experiment.set(path, value)
        return _answered(experiment, values)
    experiment.set_and_save(values)
    for path in values:
        say(f"{path} = {experiment.config.get(path)}")
    return 0


def _answered(experiment: Experiment, values: dict[str, Any]) -> int:
    """Wait for the trainer's answers and print them."""
    end_s = time.monotonic() + _ANSWER_S
    while experiment.asked and experiment.running and time.monotonic() < end_s:
        time.sleep(0.02)
    for path in values:
        made = [change for change in experiment.changes if change["path"] == path]
        if path in experiment.refusals:
            say(f"{path}: {experiment.refusals[path]}")
        elif path in experiment.asked:
            say(f"{path} = {experiment.asked[path]} from the next step on; the trainer has not answered yet")
        else:
            when = f", changed at step {made[-1]['step']}" if made else ""
            say(f"{path} = {experiment.present.get(path)}{when}")
    return REFUSED if experiment.refusals else 0


def _pair(word: str) -> tuple[str, Any]:
    path, equals, text = word.partition("=")
    if not equals:
        raise ConfigError([Problem(word, "its value is missing.", f"Write {word}=VALUE.")])
    return path, value_of(text)


def _extend(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    added = given.epochs.removeprefix("+")
    epochs = int(added) if added.isdecimal() else given.epochs
    say(experiment.extension(epochs).text)
    experiment.extend(epochs, beside=given.beside, queue=given.queue)
    return started(experiment, given.detach)


def _branch(given: argparse.Namespace) -> int:
    project = Project(given.project)
    parent = project.experiment(given.name)
    parent.config.set_all(given.values)  # refused before anything is written
    which = int(given.checkpoint) if given.checkpoint.isdecimal() else given.checkpoint
    made = parent.branch(which, given.called)
    made.set_and_save(given.values)
    place = f"step {made.lineage['step']} of {parent.name}"
    say(f"{made.name} ({made.id}) goes on from {place}")
    if not given.train:
        return 0
    made.train(beside=given.beside, queue=given.queue)
    return started(made, given.detach)
