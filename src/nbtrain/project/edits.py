"""The edits of one experiment in this session: what undo takes back, and what a kind or a field held before.

Configurations are values, so an edit is remembered by the configuration before it. This file knows those and their
order; it does not know who edits, files, or panels.
"""

from __future__ import annotations

from typing import Any

from nbtrain.config import Config

_KEPT = 200


class Edits:
    """Configurations to go back to and forward to, the last value of every kind, the last number of every auto."""

    def __init__(self) -> None:
        self._before: list[Config] = []
        self._after: list[Config] = []
        self._kinds: dict[tuple[str, str], Any] = {}
        self._manual: dict[str, Any] = {}
        self._joined = ""

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit that was taken back."""
        return bool(self._after)

    def note(self, before: Config, after: Config, join: str = "") -> None:
        """Remember an edit; several in a row with the same ``join`` (one drag of a slider) are one step."""
        if not (join and join == self._joined and self._before):
            self._before = [*self._before, before][-_KEPT:]
        self._after, self._joined = [], join
        self._remember_kinds(before, after)

    def undo(self, now: Config) -> Config:
        """Return the configuration before the newest edit; ``now`` can be had again by :meth:`redo`."""
        self._after, self._joined = [*self._after, now], ""
        return self._moved(now, self._before)

    def redo(self, now: Config) -> Config:
        """Return the configuration that the newest undo took back."""
        self._before, self._joined = [*self._before, now], ""
        return self._moved(now, self._after)

    def _moved(self, now: Config, where: list[Config]) -> Config:
        found = where.pop()
        self._remember_kinds(now, found)
        return found

    def held(self, section: str, kind: Any) -> Any:
        """Return what ``section`` held when it was last of this ``kind``, or None."""
        return self._kinds.get((section, kind)) if isinstance(kind, str) else None

    def manual(self, path: str) -> Any:
        """Return what stood at ``path`` before it became auto, or None."""
        return self._manual.get(path)

    def switched_to_auto(self, path: str, value: Any) -> None:
        """Remember the ``value`` that auto replaces."""
        if value != "auto":
            self._manual[path] = value

    def _remember_kinds(self, before: Config, after: Config) -> None:
        for name in Config.model_fields:
            old, new = getattr(before, name), getattr(after, name)
            if getattr(old, "kind", "") != getattr(new, "kind", ""):
                self._kinds[name, old.kind] = old
