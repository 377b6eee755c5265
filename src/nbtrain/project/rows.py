"""Values of a configuration as a person reads them, and rows that set several configurations side by side.

It knows fields and words; it does not know experiments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbtrain.config import Config
from nbtrain.schema import Difference, Field, differences, fields

NONE = "–"


def side_by_side(configs: Sequence[Config]) -> list[dict[str, Any]]:
    """Return a row for every path at which one of ``configs`` differs from the first: path, label, values."""
    first = configs[0]
    found = {row.path: None for other in configs[1:] for row in differences(first, other)}
    order = list(Config.model_fields)
    paths = sorted(_outermost(found), key=lambda path: order.index(path.partition(".")[0]))
    known = [by_path(config) for config in configs]
    return [
        {
            "path": path,
            "label": label_of(path, *known),
            "values": [_value(config, path, mine) for config, mine in zip(configs, known, strict=True)],
        }
        for path in paths
    ]


def changed(before: Config, after: Config, rows: Iterable[tuple[Difference, str]]) -> list[dict[str, Any]]:
    """Return rows of what an edit would change, each with why: path, label, here, there, why."""
    ours, theirs = by_path(before), by_path(after)
    return [
        {
            "path": row.path,
            "label": label_of(row.path, ours, theirs),
            "here": words(row.here, ours.get(row.path)),
            "there": words(row.there, theirs.get(row.path)),
            "why": why,
        }
        for row, why in rows
    ]


def by_path(config: Config) -> dict[str, Field]:
    """Return the fields of ``config`` by their paths."""
    return {found.path: found for found in fields(config)}


def label_of(path: str, *known: dict[str, Field]) -> str:
    """Return a path in the words of the form: ``Optimizer › Learning rate``."""
    section = path.partition(".")[0]
    found = next((mine[path] for mine in known if path in mine), None)
    title = section[:1].upper() + section[1:].replace("_", " ")
    return f"{title} › {found.label if found else path}"


def words(value: Any, field: Field | None) -> str:
    """Return a value as the form shows it; a dash where a configuration has no such field."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(_part(item, field) for item in value) or "none"
    labels = {choice.value: choice.label for choice in field.choices} if field and len(field.choices) < 100 else {}
    return labels.get(str(value), f"{value:g}" if isinstance(value, float) else str(value)) or "none"


def _part(item: Any, field: Field | None) -> str:
    return words(item["kind"], field) if isinstance(item, dict) else words(item, None)


def _value(config: Config, path: str, known: dict[str, Field]) -> str:
    return words(_plain(config.get(path)), known[path]) if path in known else NONE


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [item.plain() if hasattr(item, "plain") else item for item in value]
    return value


def _outermost(paths: Iterable[str]) -> list[str]:
    """Leave out what stands inside a list that is shown as a whole."""
    known = set(paths)
    return [path for path in known if not any(path.startswith(f"{other}.") for other in known)]
