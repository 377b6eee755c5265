"""``nbtrain train | resume | fix | pause | stop``: what makes an experiment train, and what ends that."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from nbtrain.cli.options import FAILED, Commands, add_images_root, add_project, add_reading, add_start
from nbtrain.cli.output import say
from nbtrain.cli.printing import started
from nbtrain.cli.values import VALUES_HELP
from nbtrain.config import Config
from nbtrain.data.sources import chosen
from nbtrain.presets import preset
from nbtrain.project import exchange
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    train = commands.add_parser("train", help="train on a folder or table of images", epilog=VALUES_HELP)
    train.add_argument("data", help="image folder, CSV table, or the name of a data set of the project")
    add_images_root(train)
    add_reading(train)
    add_project(train)
    train.add_argument("--name", default="", help="name of the experiment (default: from model, data and time)")
    train.add_argument("--tag", action="append", default=[], help="a word to find it by; may be given several times")
    train.add_argument("--preset", default="", help="start from a preset; `nbtrain presets` lists them")
    train.add_argument("--config", default="", metavar="FILE", help="configuration as .yaml or .json, whole or in part")
    train.add_argument("--profile", action="store_true", help="measure where the time goes; `nbtrain show` prints it")
    add_start(train)
    train.set_defaults(run=_train, takes_values=True)
    resume = _add_one(commands, "resume", "go on with a run that is paused, stopped or failed", _resume, VALUES_HELP)
    resume.set_defaults(takes_values=True)
    add_start(resume)
    fix = _add_one(
        commands, "fix", "train again with a change that a failure proposes; `nbtrain show` lists them", _fix
    )
    fix.add_argument("--resume", action="store_true", help="go on with the change instead, where that is possible")
    fix.add_argument("number", nargs="?", type=int, default=0, help="number of the fix (default: 0, the first)")
    add_start(fix)
    for name, run, text in _LEAVING:
        one = _add_one(commands, name, text, run)
        one.add_argument("--json", action="store_true", help="print machine-readable status")


def _add_one(
    commands: Commands, name: str, text: str, run: Callable[[argparse.Namespace], int], epilog: str = ""
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=text, epilog=epilog or None)
    one.add_argument("name", help="name or id of the experiment")
    add_project(one)
    one.set_defaults(run=run)
    return one


def _train(given: argparse.Namespace) -> int:
    project = Project(given.project)
    changes = {**(exchange.read(given.config) if given.config else {}), **given.values}
    changes |= {"logging.profile": True} if given.profile else {}
    _configured(project.new_config(), given.preset, changes)  # refused before anything is written
    names = [found.name for found in project.datasets()]
    name = (
        given.data
        if given.data in names
        else project.add_images(chosen(given.data, given.images_root, given.reading)).name
    )
    config = _configured(project.new_config().set("data.dataset", name), given.preset, changes)
    experiment = project.new(
        given.name or None, config, tags=given.tag, on_disk=False
    )  # one that is refused leaves none
    experiment.train(beside=given.beside, queue=given.queue)
    return started(experiment, given.detach)


def _configured(config: Config, key: str, changes: Mapping[str, Any]) -> Config:
    return (preset(key, config).on(config) if key else config).set_all(changes)


def _resume(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    experiment.resume(given.values, beside=given.beside, queue=given.queue)
    return started(experiment, given.detach)


def _fix(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    how = {"beside": given.beside, "queue": given.queue}
    if given.resume:
        experiment.fix(given.number, resume=True, **how)
    else:
        experiment.fix(given.number).train(**how)
    return started(experiment, given.detach)


def _stop(given: argparse.Namespace) -> int:
    return _leave(given, "stop", Experiment.stop)


def _pause(given: argparse.Namespace) -> int:
    return _leave(given, "pause", Experiment.pause)


def _leave(given: argparse.Namespace, word: str, ask: Callable[[Experiment], None]) -> int:
    experiment = Project(given.project).experiment(given.name)
    if not experiment.running:
        say(f"{experiment.name} is {experiment.status}: nothing to {word}")
        return 0
    ask(experiment)
    say(f"{experiment.name}: {experiment.wait(60)}")
    return 0 if not experiment.running else FAILED


_LEAVING = (
    ("pause", _pause, "keep a checkpoint and leave memory and device; `nbtrain resume` goes on"),
    ("stop", _stop, "stop a run; what it has is kept"),
)
