"""Configuration values on the command line: ``--section.field VALUE``.

Known here: how words become ``{path: value}``. Not known here: which fields there are; the configuration checks them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbtrain.errors import ConfigError, Problem

VALUES_HELP = (
    "Any configuration field may follow: --optimizer.lr 3e-4 --training.epochs 20. `nbtrain fields` lists them."
)


def values(rest: Sequence[str]) -> dict[str, Any]:
    """Return the ``--section.field value`` pairs as ``{path: value}``; raises ConfigError for anything else."""
    found: dict[str, Any] = {}
    words = iter(rest)
    for word in words:
        if not word.startswith("--") or "." not in word:
            raise ConfigError([Problem(word, "this argument is not known.", VALUES_HELP)])
        path, equals, value = word[2:].partition("=")
        value = value if equals else next(words, None)  # type: ignore[assignment]
        if value is None:
            raise ConfigError([Problem(path, "its value is missing.", f"Write --{path} VALUE.")])
        found[path] = value_of(value)
    return found


def value_of(text: str) -> Any:
    """Return a typed value: lists and objects are JSON; all else stays text, which the field itself reads."""
    if text[:1] not in "[{":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
