"""``nbtrain queue [start NAME | move NAME PLACE | cancel NAME]``: what waits for a device, and in which order."""

from __future__ import annotations

import argparse

from nbtrain.cli.options import Commands, add_project, add_project_again
from nbtrain.cli.output import say, say_json
from nbtrain.errors import StatusError
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the command of this file."""
    queue = commands.add_parser(
        "queue", help="list what waits for a device, start what is held, change the order, cancel"
    )
    add_project(queue)
    queue.add_argument("--json", action="store_true", help="print machine-readable places")
    queue.set_defaults(run=_list)
    actions = queue.add_subparsers(metavar="ACTION")
    start = actions.add_parser("start", help="let an experiment start that is held: you did not queue it here")
    start.add_argument("name", help="name or id of the experiment")
    move = actions.add_parser("move", help="put an experiment at another place")
    move.add_argument("name", help="name or id of the experiment")
    move.add_argument("place", type=int, help="its place from now on; 1 is the next one")
    cancel = actions.add_parser("cancel", help="take an experiment out of the queue")
    cancel.add_argument("name", help="name or id of the experiment")
    for parser, run in ((start, _start), (move, _move), (cancel, _cancel)):
        add_project_again(parser)
        parser.set_defaults(run=run)


def _list(given: argparse.Namespace) -> int:
    project = Project(given.project)
    found = list(project.queue)
    if given.json:
        told = [{"id": e.id, "name": e.name, "place": place, "device": e.config.hardware.device, "detail": e.detail,
                 "held": e.held}
                for place, e in enumerate(found, 1)]  # fmt: skip
        say_json(told)
        return 0
    for text in project.notices:
        say(text, error=True)
    for place, experiment in enumerate(found, 1):
        say(f"{place:>3}  {experiment.id}  {experiment.name}: {experiment.detail}")
    if not found:
        say(f"nothing waits in {given.project}")
    return 0


def _start(given: argparse.Namespace) -> int:
    project = Project(given.project)
    experiment = project.experiment(given.name)
    project.queue.start(experiment)
    say(f"{experiment.name}: {experiment.detail or experiment.status}")
    return 0


def _move(given: argparse.Namespace) -> int:
    project = Project(given.project)
    experiment = project.experiment(given.name)
    project.queue.move(experiment, max(0, given.place - 1))
    say(f"{experiment.name}: {experiment.detail}")
    return 0


def _cancel(given: argparse.Namespace) -> int:
    project = Project(given.project)
    experiment = project.experiment(given.name)
    if not project.queue.cancel(experiment):
        raise StatusError(f"{experiment.name!r} is {experiment.status} and does not wait in the queue")
    say(f"{experiment.name}: {experiment.status}")
    return 0
