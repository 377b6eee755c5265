"""``nbtrain diff | config | presets | defaults``: configurations to compare, to take away and to start from."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nbtrain.cli.options import Commands, add_project
from nbtrain.cli.output import say, say_json, say_text
from nbtrain.presets import PRESETS
from nbtrain.project import defaults, exchange
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    diff = commands.add_parser("diff", help="list the settings in which two experiments differ")
    diff.add_argument("here", help="name or id of the first experiment")
    diff.add_argument("there", help="name or id of the second experiment")
    diff.add_argument("--json", action="store_true", help="print machine-readable rows")
    diff.set_defaults(run=_diff)
    config = commands.add_parser("config", help="print an experiment's configuration, or the script that makes it")
    config.add_argument("name", help="name or id of the experiment")
    config.add_argument("--as", dest="style", choices=("yaml", "json", "python"), default="yaml", help="default: yaml")
    config.set_defaults(run=_config)
    presets = commands.add_parser("presets", help="list the presets: what each is for and what it sets")
    presets.set_defaults(run=_presets)
    start = commands.add_parser("defaults", help="let new experiments start like this one")
    start.add_argument("name", help="name or id of the experiment")
    start.add_argument("--user", action="store_true", help="in all my projects, not only in this one")
    start.set_defaults(run=_defaults)
    for parser in (diff, config, presets, start):
        add_project(parser)


def _diff(given: argparse.Namespace) -> int:
    project = Project(given.project)
    rows = project.experiment(given.here).diff(project.experiment(given.there))
    if given.json:
        say_json([row._asdict() for row in rows])
        return 0
    for row in rows:
        say(f"{row.path:<34} {_shown(row.here):<28} {_shown(row.there)}")
    if not rows:
        say("all settings are equal")
    return 0


def _shown(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _config(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    python = given.style == "python"
    if given.style == "json":  # in ASCII
        say_json(experiment.config.encoded())
    else:
        say_text(experiment.as_python() if python else exchange.text_of(experiment.config, given.style))
    return 0


def _presets(given: argparse.Namespace) -> int:
    config = Project(given.project).new_config()
    for one in PRESETS:
        say(f"{one.key:<10} {one.about}")
        for row, why in one.rows(config):
            say(f"  {row.path:<30} {_shown(row.here)[:24]:<24} → {_shown(row.there)[:40]:<24} {why}".rstrip())
    return 0


def _defaults(given: argparse.Namespace) -> int:
    project = Project(given.project)
    project.experiment(given.name).use_as_defaults("user" if given.user else "project")
    say(f"written to {defaults.user_file() if given.user else project.path / 'project.json'}")
    return 0
