"""What to make of an experiment's file that somebody else has changed: take it over, join it, ask, or refuse it.

Each side may have changed name, description, tags and configuration; whatever only one side has changed is taken from
there. It knows cards; it does not know traits, panels, or when anybody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbtrain.errors import NbtrainError
from nbtrain.project.card import Card

_EDITED = ("name", "description", "tags", "config")
_FIXED = "its configuration is fixed once it has been trained, and the file holds another one. Duplicate the experiment"


@dataclass(frozen=True)
class Outside:
    """A changed file that was not taken over: refused for a ``reason``, or good, but the edits here say otherwise."""

    reason: str = ""
    theirs: Card | None = None


def look(base: Card, mine: Card, *, fixed: bool) -> Outside | tuple[Card, Card] | None:
    """Compare the file with ``base``, what it held last, and with ``mine``, what is edited here.

    Returns None where nobody has changed it, the new base and what to hold, or an Outside. ``fixed`` configurations
    do not change any more.
    """
    try:
        theirs = base.reread_if_changed()
    except NbtrainError as error:
        return Outside(reason=str(error))
    if theirs is None:
        return None
    if fixed and theirs.config != base.config:
        return Outside(reason=f"{base.folder}: {_FIXED} to change something.")
    joined = {name: _joined(getattr(base, name), getattr(mine, name), getattr(theirs, name)) for name in _EDITED}
    if _CLASH in joined.values():
        return Outside(theirs=theirs)
    return theirs, theirs.replaced(**joined)


_CLASH = object()


def _joined(base: Any, mine: Any, theirs: Any) -> Any:
    if mine in (base, theirs):
        return theirs
    return mine if theirs == base else _CLASH
