"""Differences: where two values of one section are not the same, path by path.

A list of parts (transforms) is compared part by part while both lists hold the same kinds in the same order, else as a
whole. It knows sections; it does not know what their fields mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from nbtrain.schema.family import Family
from nbtrain.schema.section import Section


class Difference(NamedTuple):
    """One path at which two configurations differ; None where a configuration has no such field."""

    path: str
    here: Any
    there: Any


def differences(here: Section, there: Section) -> list[Difference]:
    """Return every path at which ``here`` and ``there`` differ, in the order of the fields."""
    ours, theirs = dict(_flat(here, there)), dict(_flat(there, here))
    paths = [*ours, *(path for path in theirs if path not in ours)]
    rows = [Difference(path, ours.get(path), theirs.get(path)) for path in paths]
    sections = list(type(here).model_fields)
    rows.sort(key=lambda row: sections.index(row.path.partition(".")[0]))
    return [row for row in rows if row.here != row.there]


def changes(start: Section, end: Section) -> dict[str, Any]:
    """Return by path the values that turn ``start`` into ``end`` when kinds are set before their fields."""
    kinds = {row.path: row.there for row in differences(start, end) if row.path.endswith(".kind")}
    switched = start
    for path, kind in kinds.items():
        switched = switched.set(path, kind)
    rest = {row.path: row.there for row in differences(switched, end)}
    return {**kinds, **rest}


def _flat(section: Section, other: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of every field; lists of parts stay whole where ``other`` has other parts."""
    if isinstance(section, Family):
        yield f"{prefix}kind", section.kind
    for name in type(section).model_fields:
        value, beside = getattr(section, name), getattr(other, name, None)
        if isinstance(value, Section):
            yield from _flat(value, beside, f"{prefix}{name}.")
        elif beside is not None and _same_parts(value, beside):
            for index, part in enumerate(value):
                yield from _flat(part, beside[index], f"{prefix}{name}.{index}.")
        else:
            yield f"{prefix}{name}", _plain(value)


def _same_parts(ours: Any, theirs: Any) -> bool:
    if not (isinstance(ours, tuple) and isinstance(theirs, tuple) and ours and isinstance(ours[0], Section)):
        return False
    return [type(part) for part in ours] == [type(part) for part in theirs]


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.plain()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
