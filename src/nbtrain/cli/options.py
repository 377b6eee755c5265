"""Options that several commands share, and their exit codes."""

from __future__ import annotations

import argparse
from typing import Any, TypeAlias

from nbtrain.project.project import DEFAULT_PATH

REFUSED, FAILED, INTERRUPTED = 2, 1, 130
Commands: TypeAlias = "argparse._SubParsersAction[Any]"
"""Where a group adds its commands."""


def add_project(parser: argparse.ArgumentParser) -> None:
    """Let a command say which project it is about."""
    parser.add_argument("--project", default=DEFAULT_PATH, help=f"project folder (default: ./{DEFAULT_PATH})")


def add_project_again(parser: argparse.ArgumentParser) -> None:
    """Let an action say it too, after its own name; it has no default, which would take back what stood before it."""
    parser.add_argument("--project", default=argparse.SUPPRESS, help="project folder, as before the action")


def add_images_root(parser: argparse.ArgumentParser) -> None:
    """Let a command say where the images lie that annotations name elsewhere."""
    parser.add_argument("--images-root", default="", help="folder of the images, where annotations name them elsewhere")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Let a command say which of the readings of a path is meant."""
    parser.add_argument(
        "--reading", type=int, action="append", default=[], metavar="N",
        help="number of the reading that is meant, as `nbtrain images PATH` lists them; again where it asks anew",
    )  # fmt: skip


def add_start(parser: argparse.ArgumentParser) -> None:
    """Let a command say what to do on a busy device, and whether it watches the run."""
    parser.add_argument("--detach", action="store_true", help="return at once; the run goes on")
    busy = parser.add_mutually_exclusive_group()
    busy.add_argument("--beside", action="store_true", help="share the device with a run that uses it")
    busy.add_argument("--queue", action="store_true", help="wait in the queue until the device is free")
