"""``nbtrain images PATH``: what lies there, before it is added to a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbtrain.cli.options import Commands, add_images_root, add_reading
from nbtrain.cli.output import say, say_json
from nbtrain.data.sources import Source, chosen, look, rooted


def add(commands: Commands) -> None:
    """Add the command of this file."""
    images = commands.add_parser("images", help="say what a folder, table, archive or file of annotations holds")
    images.add_argument("path", help="where it lies")
    add_images_root(images)
    add_reading(images)
    images.add_argument(
        "--unpack", default="", metavar="FOLDER", help="unpack an archive, or write an own Dataset, there"
    )
    images.add_argument("--json", action="store_true", help="print what was found as JSON")
    images.set_defaults(run=_images)


def _images(given: argparse.Namespace) -> int:
    asked = given.images_root or given.reading or given.unpack
    found = look(_source(given) if asked else given.path)
    if given.json:
        say_json(found.plain())
    else:
        say(*found.lines())
    return 0


def _source(given: argparse.Namespace) -> Source:
    """Return the source that the options name, unpacked where that is wanted."""
    source = rooted(given.path, given.images_root) if given.unpack else given.path
    if given.unpack:
        source = source.set("unpacked", str(Path(given.unpack).expanduser().absolute()))
        source.prepare(lambda told: say(told, error=True))
    return chosen(source, given.images_root, given.reading)
