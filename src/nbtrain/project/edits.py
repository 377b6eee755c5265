"""The edits of one experiment: what undo takes back in this session, and what a kind or a field held before.

Configurations are values, so an edit is remembered by the state before it. What kinds and auto fields held goes into
the draft, and is there again in the next session. This file knows configurations and their order; it does not know who
edits, files, or panels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.schema import Family

_KEPT = 200
FAMILIES: Mapping[str, type[Family]] = {
    name: found.annotation for name, found in Config.model_fields.items()
    if isinstance(found.annotation, type) and issubclass(found.annotation, Family)
}  # fmt: skip
"""The sections of a configuration that have kinds, by name."""

Refused: TypeAlias = dict[str, Any]
"""What was typed into a field and refused: text, message and advice."""


@dataclass(frozen=True, slots=True)
class State:
    """All of a form: the configuration, and by path what stands in it as a refused text."""

    config: Config
    refused: Mapping[str, Refused] = field(default_factory=dict)


class Edits:
    """States to go back to and forward to, the last value of every kind, the last number of every auto."""

    def __init__(self) -> None:
        self._before: list[State] = []
        self._after: list[State] = []
        self.kinds: dict[str, dict[str, Any]] = {}
        """Plain values by section and kind: a kind that a notebook defines may not be there yet when they are read."""
        self.manual: dict[str, Any] = {}
        """By path the number that an auto has replaced."""
        self._joined = ""

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit that was taken back."""
        return bool(self._after)

    def note(self, before: State, after: State, join: str = "") -> None:
        """Remember an edit; several in a row with the same ``join`` (one drag of a slider) are one step."""
        if not (join and join == self._joined and self._before):
            self._before = [*self._before, before][-_KEPT:]
        self._after, self._joined = [], join
        self._remember_kinds(before, after)

    def undo(self, now: State) -> State:
        """Return the state before the newest edit; ``now`` can be had again by :meth:`redo`."""
        self._after, self._joined = [*self._after, now], ""
        return self._moved(now, self._before)

    def redo(self, now: State) -> State:
        """Return the state that the newest undo took back."""
        self._before, self._joined = [*self._before, now], ""
        return self._moved(now, self._after)

    def _moved(self, now: State, where: list[State]) -> State:
        found = where.pop()
        self._remember_kinds(now, found)
        return found

    def held(self, section: str, kind: Any) -> Family | None:
        """Return what ``section`` held when it was last of this ``kind``, or None."""
        plain = self.kinds.get(section, {}).get(kind) if isinstance(kind, str) else None
        if plain is None:
            return None
        try:
            found = FAMILIES[section].parse(plain)
        except ConfigError:  # of another version, or edited by hand
            return None
        return found if found.kind == kind else None

    def others(self, config: Config) -> dict[str, dict[str, Any]]:
        """Return what is remembered of the kinds that ``config`` has not chosen."""
        held = {name: {kind: plain for kind, plain in kinds.items() if kind != getattr(config, name).kind}
                for name, kinds in self.kinds.items()}  # fmt: skip
        return {name: kinds for name, kinds in held.items() if kinds}

    def switched_to_auto(self, path: str, value: Any) -> None:
        """Remember the ``value`` that auto replaces."""
        if value != "auto":
            self.manual[path] = value

    def take(self, kinds: Mapping[str, Mapping[str, Any]], manual: Mapping[str, Any]) -> None:
        """Remember also what a draft, or another experiment, remembers."""
        for section, values in kinds.items():
            self.kinds.setdefault(section, {}).update(values)
        self.manual.update(manual)

    def _remember_kinds(self, before: State, after: State) -> None:
        for name in FAMILIES:
            old, new = getattr(before.config, name), getattr(after.config, name)
            if old.kind != new.kind:
                self.kinds.setdefault(name, {})[old.kind] = old.plain()
