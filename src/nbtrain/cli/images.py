"""``nbtrain images PATH``: what lies there, before it is added to a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbtrain.cli.options import Commands, add_images_root
from nbtrain.cli.output import say, say_json
from nbtrain.data.sources import look, rooted


def add(commands: Commands) -> None:
    """Add the command of this file."""
    images = commands.add_parser("images", help="say what a folder, table, archive or file of annotations holds")
    images.add_argument("path", help="where it lies")
    add_images_root(images)
    images.add_argument(
        "--unpack", default="", metavar="FOLDER", help="unpack an archive, or write an own Dataset, there"
    )
    images.add_argument("--json", action="store_true", help="print what was found as JSON")
    images.set_defaults(run=_images)


def _images(given: argparse.Namespace) -> int:
    source = rooted(given.path, given.images_root)
    if given.unpack:
        source = source.set("unpacked", str(Path(given.unpack).expanduser().absolute()))
        source.prepare(lambda told: say(told, error=True))
    found = look(source)
    if given.json:
        say_json(found.plain())
    else:
        say(*found.lines())
    return 0
