"""``nbtrain scan``: open every image of a data set, list what is wrong; Ctrl-C cancels, and keeps what was seen."""

from __future__ import annotations

import argparse

from nbtrain.cli.measure import follow
from nbtrain.cli.options import FAILED, Commands, add_project
from nbtrain.cli.output import say, say_json
from nbtrain.data.inspection.problems import KINDS, Problems
from nbtrain.project.project import Project
from nbtrain.project.scanning import Scan

_ROWS_PER_KIND = 10


def add(commands: Commands) -> None:
    """Add the command of this file."""
    scan = commands.add_parser("scan", help="open every image of a data set once: damage, copies, label problems")
    scan.add_argument("name", nargs="?", default="", help="name of the data set; not needed where there is one")
    add_project(scan)
    scan.add_argument("--split", help="name of a stored split: also tell which images lie in several of its sets")
    scan.add_argument("--all", action="store_true", help=f"list all problems, not {_ROWS_PER_KIND} of each kind")
    scan.add_argument("--json", action="store_true", help="print machine-readable problems and statistics")
    scan.set_defaults(run=_scan)


def _scan(given: argparse.Namespace) -> int:
    """Exit code 1 where the scan fails, or finds an error in a file that is not left out; 0 otherwise."""
    scan = Project(given.project).scan(given.name)
    code = follow(scan.start())
    if code:
        return code
    found = scan.problems(given.split)
    if given.json:
        say_json({**scan.result, "rows": found.plain(), "tables": scan.tables()}, compact=True)
    else:
        say(*_text(scan, found, len(found) if given.all else _ROWS_PER_KIND))
    return FAILED if any(row.severity == "error" and not row.dealt_with for row in found) else 0


def _text(scan: Scan, found: Problems, most: int) -> list[str]:
    told: list[str] = []
    for kind, number in found.counts().items():
        told += ["", f"{KINDS[kind].label} ({KINDS[kind].severity}, {number}): {KINDS[kind].advice}"]
        rows = found.of(kind)
        told += [f"  {row.file}: {row.text}{' (left out)' if row.dealt_with else ''}" for row in rows[:most]]
        told += [f"  … and {number - most} more (--all lists them)"] if number > most else []
    result = scan.result
    end = f"{result['n_images']} images, {result['n_fresh']} looked at now, {result['took_s']} s"
    return [
        *told[1:],
        "",
        f"{end}: {len(found)} problems in {len(found.files)} files" if found else f"{end}: no problems",
    ]
