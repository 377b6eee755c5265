"""Questions: what a source cannot decide by itself, and the plausible answers as settings of it.

A listing carries those that came up while it was made. It is read as the first answer says, so that a data set which
is in use already goes on; whoever adds images is asked. This file knows texts and settings; it knows no format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to read a source."""

    title: str
    """In a few words, for a button: "Sets: train and val"."""
    why: str
    """In a sentence, what is read so."""
    settings: Mapping[str, Any]
    """What of the source's fields differs; with a ``kind``, all fields of a source of another kind but its path."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is not clear, and what it may be: the first answer is the one that is used unless told."""

    text: str
    answers: tuple[Answer, ...]

    @property
    def notice(self) -> str:
        """What is said of it where nobody can be asked."""
        return f"{self.text} It is read as: {self.answers[0].title}."
