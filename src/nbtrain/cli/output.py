"""Where every command prints: lines for people and JSON for programs, with nothing in them that a terminal obeys.

Not known here: what is said. No other file of the command line calls ``print``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from nbtrain import escaping


def say(*lines: object, error: bool = False) -> None:
    """Print each argument as one line; ``error`` to standard error. A line end inside one is shown, not obeyed."""
    for text in lines:
        print(escaping.line(text), file=sys.stderr if error else sys.stdout, flush=True)


def say_text(text: str, *, error: bool = False) -> None:
    """Print a text of several lines."""
    say(*text.removesuffix("\n").split("\n"), error=error)


def say_json(value: Any, *, compact: bool = False) -> None:
    """Print a value as JSON in ASCII, which holds no control character."""
    print(json.dumps(value, indent=None if compact else 2), flush=True)


def say_progress(text: str) -> None:
    """Write over the last line of a terminal."""
    print(f"\r\x1b[K{escaping.line(text)}", end="", file=sys.stderr, flush=True)


def agreed(question: str) -> bool:
    """Ask; no answer (a pipe, the end of input) is a no."""
    try:
        return input(f"{escaping.line(question)} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
