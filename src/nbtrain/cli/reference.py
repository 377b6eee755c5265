"""``nbtrain fields``: every configuration field, as a list, as JSON or as the reference page."""

from __future__ import annotations

import argparse

from nbtrain.cli.options import Commands
from nbtrain.cli.output import say, say_json, say_text


def add(commands: Commands) -> None:
    """Add the command of this file."""
    fields = commands.add_parser("fields", help="list every configuration field with its limits and default")
    style = fields.add_mutually_exclusive_group()
    style.add_argument("--markdown", action="store_true", help="print the reference page")
    style.add_argument("--json", action="store_true", help="print machine-readable fields of the default configuration")
    fields.set_defaults(run=_fields)


def _fields(given: argparse.Namespace) -> int:
    from nbtrain.config import Config
    from nbtrain.schema import fields
    from nbtrain.schema.reference import limits_text, reference

    if given.markdown:
        say_text(reference(Config))
    elif given.json:
        say_json([field.plain() for field in fields(Config())])
    else:
        for field in fields(Config()):
            say(f"{field.path:<34} {field.default!s:<22} {limits_text(field)[:40]:<40} {field.help}")
    return 0
