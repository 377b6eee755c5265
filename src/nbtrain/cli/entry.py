"""Where every command begins and ends: words are read, one command runs, what goes wrong is told in a line.

Known here: the groups of commands, in the order in which help lists them. Not known here: any single command.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nbtrain.cli import (
    advise,
    cache,
    checks,
    configuration,
    data,
    evaluate,
    experiments,
    images,
    lab,
    later,
    measure,
    plan,
    queue,
    reference,
    scan,
    training,
)
from nbtrain.cli.options import REFUSED
from nbtrain.cli.output import say_text
from nbtrain.cli.values import values
from nbtrain.errors import NbtrainError

_GROUPS = (
    lab,
    training,
    later,
    queue,
    experiments,
    data,
    configuration,
    advise,
    scan,
    measure,
    plan,
    evaluate,
    images,
    cache,
    checks,
    reference,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. What goes wrong is said in one line, without a traceback."""
    parser = _parser()
    known, rest = parser.parse_known_args(arguments)
    if rest and not getattr(known, "takes_values", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        known.values = values(rest)
        return int(known.run(known) or 0)
    except NbtrainError as error:
        say_text(f"nbtrain: {error}", error=True)
        return REFUSED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("nbtrain", description="Training image models from a notebook.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in _GROUPS:
        group.add(commands)
    return parser
