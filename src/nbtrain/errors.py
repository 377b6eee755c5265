"""Every error that nbtrain raises on purpose, drawn once.

    NbtrainError
    ├── ConfigError        a configuration value is not allowed; carries one Problem per failing path
    │   └── FormatError    a file is newer than this nbtrain, or is not what its name says
    ├── DataError          images, labels or splits cannot be used as they are
    │   └── ImageError     one image file cannot be used; says in which way
    ├── ProjectError       a project folder cannot be read or written
    │   ├── AddressError   a name or id means no experiment, or several
    │   └── ForeignFileError  a link, a pipe or the like is in the place of a file of nbtrain's
    ├── StatusError        the action does not fit the experiment's status
    ├── BusyError          the device, or the run, is taken by somebody else
    ├── LaunchError        the trainer process could not be started
    └── TrainingError      a run ended in failure; carries its cause

A message says what happened, which value it was about and what to do; Python prints it, so it holds no control
character. This file knows nothing about who raises what.
"""

from __future__ import annotations

import errno
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nbtrain.escaping import terminal

_SHORT = reprlib.Repr()
"""Of lists and the like only the beginning is put in words: a small YAML file can hold one of billions."""
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict = 3, 12, 12
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: object, limit: int = 80) -> str:
    """Return ``value`` as a short quoted text that is safe inside a message; both ends of a long one, as paths need."""
    start = limit // 3
    try:
        text = _SHORT.repr(value) if isinstance(value, list | tuple | dict | set) else repr(value)
    except ValueError:  # a number of more digits than Python writes
        text = hex(value) if isinstance(value, int) else object.__repr__(value)
    return text if len(text) <= limit else f"{text[:start]}…{text[start + 1 - limit :]} ({len(text)} characters)"


_OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
    "could not create a primitive", "could not create a memory", "could not execute a primitive",  # oneDNN's words
)  # fmt: skip


def lacks_memory(error: BaseException) -> bool:
    """Tell whether ``error`` says that memory ran out: libraries raise RuntimeError for everything, so words count."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    known = isinstance(error, RuntimeError | OSError) and not isinstance(error, NbtrainError)
    return known and any(part in str(error).lower() for part in _OUT_OF_MEMORY)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one value, in words a person can act on."""

    path: str
    """Where: a configuration path such as ``optimizer.lr``, or a file name."""
    message: str
    """What is wrong, with the value that was seen."""
    advice: str = ""
    """What is allowed, or what to do."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" {self.advice}" if self.advice else "")


class NbtrainError(Exception):
    """Base of all errors raised on purpose; its text is meant for the person, without a traceback."""

    def __init__(self, what: str, *, value: object = None, advice: str = "") -> None:
        self.what, self.value, self.advice = what, value, advice
        seen = f" (got {shown(value)})" if value is not None else ""
        self.statement = f"{what}{seen}."
        """The text without the advice, for whoever shows that apart."""
        super().__init__(terminal(self.statement + (f" {advice}" if advice else "")))


class ConfigError(NbtrainError, ValueError):
    """A configuration was refused whole; ``problems`` lists every failing path.

    It is a ValueError too, so that a section refused inside another one is reported with all the others.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        self.what, self.value = "the configuration was refused", None
        self.advice = "; ".join(p.advice for p in self.problems if p.advice)
        self.statement = "\n".join(f"{p.path}: {p.message}" for p in self.problems)
        Exception.__init__(self, terminal("\n".join(map(str, self.problems))))


class FormatError(ConfigError):
    """A file has a format number that this version does not know, or no readable content."""


class DataError(NbtrainError):
    """Images, labels or splits cannot be used as they are."""


Unusable = Literal["missing", "no permission", "empty", "no image", "too large", "truncated", "corrupt"]
"""In which way an image file cannot be used."""


class ImageError(DataError):
    """One image file cannot be used."""

    def __init__(self, what: str, *, kind: Unusable = "corrupt", value: object = None, advice: str = "") -> None:
        self.kind = kind
        super().__init__(what, value=value, advice=advice)


class ProjectError(NbtrainError):
    """A project folder is missing, foreign, or cannot be written."""


class AddressError(ProjectError):
    """A name or id addresses no experiment, or more than one."""


class ForeignFileError(ProjectError, OSError):
    """Something that nbtrain did not make is in the place of one of its files, and was left alone.

    It is an OSError too, with the same words as ``strerror``: whoever is ready for a disk that refuses is for this.
    """

    def __init__(self, path: str, why: str) -> None:
        OSError.__init__(self, errno.ELOOP, why, path)
        self.what, self.value = f"nothing was written or removed: {why}", path
        self.advice = "Put an ordinary file or folder in its place, or remove it."
        self.statement = f"{self.what} (got {shown(path)})."

    def __str__(self) -> str:
        return terminal(f"{self.statement} {self.advice}")


class StatusError(NbtrainError):
    """The action does not fit the experiment's present status."""


class BusyError(NbtrainError):
    """The device or the run is in use by another trainer."""


class LaunchError(NbtrainError):
    """The trainer process could not be started."""


class TrainingError(NbtrainError):
    """A run failed; ``cause`` is one of the causes of :class:`nbtrain.messages.Failure`."""

    def __init__(self, what: str, *, cause: str, value: object = None, advice: str = "") -> None:
        self.cause = cause
        super().__init__(what, value=value, advice=advice)
