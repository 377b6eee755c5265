"""Finding experiments by words: the filter box's rules, for code and command line (its twin: js/src/experiments.ts).

``tag:x`` and ``tag:"two words"`` mean a tag that begins so; any other word stands in name, description, tags or status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r'(tag:)?"([^"]*)"?|(tag:)(\S*)|(\S+)')


def matches(text: str, *, tags: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether every word of ``text`` fits the ``tags``, or stands in ``words``."""
    known, whole = [tag.lower() for tag in tags], " ".join((*words, *tags)).lower()
    for found in _WORD.finditer(text.lower()):
        word = next(group for group in (found[2], found[4], found[5]) if group is not None)
        if not (any(tag.startswith(word) for tag in known) if found[1] or found[3] else word in whole):
            return False
    return True
