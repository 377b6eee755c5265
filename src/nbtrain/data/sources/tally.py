"""Tally: what a reader cannot use of what it has read, by what it is and why. It knows no format and no folder."""

from __future__ import annotations

from collections.abc import Iterator

from nbtrain.data.records import Unused, UnusedKind
from nbtrain.files import encodable

EXAMPLES = 5
"""So many of a kind are named."""


class Tally:
    """What a reader does not use: counted by what it is and why, with a few examples of each."""

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        """Why images that are there are not used, by their file below the listing's root."""
        self.annotation_files: set[str] = set()
        """Files below the listing's root that are annotations: tables, and masks, which end like images."""
        self._told: dict[tuple[UnusedKind, str], list[str]] = {}

    def add(self, what: UnusedKind, reason: str, *names: str) -> None:
        """Count one for each of ``names``: where it stands, or which file it is."""
        if names:
            self._told.setdefault((what, reason), []).extend(names)

    def unused(self) -> Iterator[Unused]:
        """Yield what was counted, in the order in which it came."""
        for (what, reason), names in self._told.items():
            examples = tuple(map(encodable, names[:EXAMPLES]))  # a file's name may be in another encoding
            yield Unused(what, reason, len(names), examples, max(0, len(names) - EXAMPLES))
