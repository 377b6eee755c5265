"""``nbtrain cache [clear]``: decoded images that are kept for the next run, and clearing them."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbtrain import files
from nbtrain.cli.options import Commands, add_project, add_project_again
from nbtrain.cli.output import say, say_json
from nbtrain.data.cache import Kept
from nbtrain.project import pixels


def add(commands: Commands) -> None:
    """Add the command of this file."""
    cache = commands.add_parser("cache", help="list the decoded images that are kept for the next run, or clear them")
    add_project(cache)
    cache.add_argument("--json", action="store_true", help="print machine-readable sizes")
    cache.set_defaults(run=_list)
    actions = cache.add_subparsers(metavar="ACTION")
    clear = actions.add_parser("clear", help="remove what no run uses; the next run decodes its images again")
    clear.add_argument("name", nargs="?", default="", help="name of a data set; all of the project's without it")
    add_project_again(clear)
    clear.set_defaults(run=_clear)


def _list(given: argparse.Namespace) -> int:
    found = pixels.caches(_folder(given))
    if given.json:
        say_json([{**one._asdict(), "path": str(one.path)} for one in found])
        return 0
    for one in found:
        say(f"{one.path.stem}: {pixels.text_of(one)}")
    if not found:
        say(f"no decoded images are kept for {given.project}")
    return 0


def _clear(given: argparse.Namespace) -> int:
    begins = f"{files.slug(given.name)}-" if given.name else ""
    found: list[Kept] = [one for one in pixels.caches(_folder(given)) if one.path.name.startswith(begins)]
    freed = pixels.clear(found)
    say(f"{freed / 2**20:,.0f} MiB are free again" if found else "there was nothing to clear")
    return 0


def _folder(given: argparse.Namespace) -> Path:
    return Path(given.project).expanduser().absolute()
