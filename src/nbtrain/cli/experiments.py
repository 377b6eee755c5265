"""``nbtrain ls | show``: what experiments there are, and how each stands."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbtrain.cli.options import Commands, add_project
from nbtrain.cli.output import say, say_json
from nbtrain.cli.printing import place, plain, print_profile, unsaved
from nbtrain.project import branches, pixels
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    ls = commands.add_parser("ls", help="list the experiments of a project")
    ls.add_argument("find", nargs="*", help="words of name, description, tags or status; tag:x for a tag")
    show = commands.add_parser("show", help="show one experiment")
    show.add_argument("name", help="name or id of the experiment")
    for parser, run in ((ls, _ls), (show, _show)):
        add_project(parser)
        parser.add_argument("--json", action="store_true", help="print machine-readable status")
        parser.set_defaults(run=run)


def _ls(given: argparse.Namespace) -> int:
    found = Project(given.project).experiments(find=" ".join(given.find))
    if given.json:
        say_json([plain(experiment) for experiment in found])
        return 0
    for e in found:
        say(f"{e.id}  {e.status:<10} {place(e):<24} {e.name}{'  (not saved)' if unsaved(e) else ''}")
    if not found and given.find:
        say(f"no experiment in {given.project} matches")
    elif not found:
        say(f"no experiments in {given.project}; `nbtrain train DATA --project {given.project}` makes one")
    return 0


def _show(given: argparse.Namespace) -> int:
    experiment = Project(given.project).experiment(given.name)
    if given.json:
        say_json(plain(experiment))
        return 0
    say(f"{experiment.name} ({experiment.id}): {experiment.status} {experiment.detail}".rstrip())
    rows = {"progress": place(experiment), "data": experiment.data_info.get("name", ""), "run": experiment.run_path}
    kept = pixels.caches_of(Path(given.project).expanduser().absolute(), experiment.data_info)
    rows["cache"] = "; ".join(map(pixels.text_of, kept))
    rows["not saved"] = unsaved(experiment)
    rows |= {f"problem {place}": f"{p['path']}: {p['message']}" for place, p in enumerate(_problems(experiment), 1)}
    rows |= {"resume": experiment.exact, "branched from": branches.text(experiment.lineage)}
    told = (f"{c['path']} {c['value']} after step {c['step']} (was {c['old']})" for c in experiment.changes)
    rows["changed"] = "; ".join([*told, *(recovery["text"] for recovery in experiment.recoveries)])
    rows |= {f"{split} {k}": f"{v:.4f}" for split, values in experiment.metrics.items() for k, v in values.items()}
    rows |= {
        "error": " ".join(str(experiment.error.get("message", "")).split()),
        "what to do": " ".join(experiment.error.get("advice", ())),
    }
    rows |= {f"fix {place}": fix["label"] for place, fix in enumerate(experiment.error.get("fixes", ()))}
    for name, text in rows.items():
        if text:
            say(f"  {name:<16} {text}")
    print_profile(experiment)
    return 0


def _problems(experiment: Experiment) -> list[dict[str, str]]:
    """Return what keeps it from being trained, while that is still to come."""
    return list(experiment.problems) if experiment.status == "created" else []
