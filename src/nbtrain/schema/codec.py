"""Files of plain JSON with a format number: how they are marked, read, migrated and hashed.

Every file that nbtrain keeps (experiment, project, data set, split, run) is ``{"format": N, …}``. An older file is
migrated step by step as it is read; a newer one is refused whole, with what to do. This file knows numbers and
migrations; it does not know what stands in any file, nor does it open one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from nbtrain.errors import FormatError, Problem, shown
from nbtrain.schema.section import Section

Plain = dict[str, Any]
Types = type | tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: its name, its present number, and a function per older number that lifts it by one."""

    name: str
    number: int = 1
    migrations: Mapping[int, Callable[[Plain], Plain]] = field(default_factory=dict)

    def mark(self, content: Plain) -> Plain:
        """Return ``content`` with this format's number in front."""
        return {"format": self.number, **content}

    def read(self, plain: object, where: object = "") -> Plain:
        """Return the content of ``plain`` lifted to the present number, without it; raises FormatError."""
        if not isinstance(plain, dict):
            raise self._refused(where, "it does not hold a JSON object", "Restore it from a copy, or delete it.")
        number = plain.get("format")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self._refused(where, f"its format number is {shown(number)}", "It must be a whole number from 1.")
        if number > self.number:
            told = f"it has format {number}, and this nbtrain reads up to {self.number}"
            raise self._refused(where, told, "Update nbtrain, or open it with the version that wrote it.")
        content = {name: value for name, value in plain.items() if name != "format"}
        for older in range(number, self.number):
            content = self.migrations[older](content)
        return content

    def check_types(self, content: Plain, kinds: Mapping[str, Types], where: object = "") -> Plain:
        """Return ``content`` where every value named in ``kinds`` is there and of that type; raises FormatError."""
        for name, kind in kinds.items():
            if not isinstance(content.get(name), kind):
                told = f"its {name!r} is {shown(content.get(name))}"
                raise self._refused(where, told, "Correct it by hand, or restore the file from a copy.")
        return content

    def _refused(self, where: object, told: str, advice: str) -> FormatError:
        return FormatError([Problem(str(where) or self.name, f"this {self.name} cannot be read: {told}.", advice)])


def canonical(plain: object) -> bytes:
    """Return ``plain`` as JSON with sorted keys: equal values, equal bytes."""
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def hash_of(section: Section) -> str:
    """Return the hash of what a person chose: 16 hexadecimal digits over the section's values."""
    return hashlib.sha256(canonical(section.plain())).hexdigest()[:16]
