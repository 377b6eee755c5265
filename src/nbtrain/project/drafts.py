"""The draft of an experiment: all that a person has done and not saved, as it stands in draft.json.

It lies beside experiment.json, which holds what was saved, and holds the edited card with the one that the edits began
from, refused texts as they were typed, and what kinds and auto fields held before. So a kernel that dies loses nothing.
Texts stay texts: nothing of them is in any configuration. Versions of nbtrain that know no drafts leave the file alone,
and show what was saved. This file knows the format and the disk; when to write, and what becomes of two versions, is
editing.py's matter.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from nbtrain import files
from nbtrain.config import Config, Known
from nbtrain.errors import ConfigError, NbtrainError, ProjectError
from nbtrain.locks import FileLock
from nbtrain.project import card
from nbtrain.project.card import Card
from nbtrain.project.edits import FAMILIES, Refused
from nbtrain.runs.folder import newest_run
from nbtrain.schema import Format, Section

FORMAT = Format("draft of an experiment")
FILE = card.DRAFT
LOCK = ".drafts.lock"
"""One per project, in its folder: held while a draft is compared with its file and written."""
MAX_CHARACTERS = 2**20
"""How much of a refused text is kept."""
_MAX_ITEMS, _MAX_DEPTH = 10_000, 8
_WAIT_S = 2.0
_TYPES: dict[str, Any] = {"generated": bool, "refused": dict, "kinds": dict, "manual": dict}
_EMPTY: dict[str, Any] = {"generated": False, "refused": {}, "kinds": {}, "manual": {}}

Opened: TypeAlias = "tuple[Card, Draft | None]"
Stamp: TypeAlias = tuple[int, int, int]
"""What is different after every write of a file."""
NONE: Stamp = (0, 0, 0)
"""The stamp where there is no file."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is not saved of one experiment."""

    base: Card | None = None
    """What was saved, or how it was made, when the edits began; None where no value is edited."""
    mine: Card | None = None
    """The same as edited."""
    generated: bool = False
    """Whether the name is nbtrain's own, which follows the configuration until the experiment is saved."""
    refused: Mapping[str, Any] = field(default_factory=dict)
    """Texts that are no legal value of their field, by path."""
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What each kind held that is not chosen now: section, kind, plain values."""
    manual: Mapping[str, Any] = field(default_factory=dict)
    """The number that an auto has replaced, by path."""
    stamp: Stamp = field(default=NONE, compare=False)
    """The version of the file that it was read from."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self.mine is None and not (self.refused or self.kinds or self.manual)

    def write(self, folder: Path) -> Stamp:
        """Put it beside experiment.json, or take the file away where there is nothing to keep; return its stamp.

        It is not waited for until the disk has it: that takes milliseconds per keystroke, and a kernel that is killed
        loses nothing without. Raises OSError.
        """
        if self.empty:
            files.remove(folder / FILE)
        else:
            files.write_json(folder / FILE, FORMAT.mark(self._plain()), durable=False)
        return stamp_of(folder)

    def _plain(self) -> dict[str, Any]:
        cards = {name: one.plain() for name, one in (("base", self.base), ("mine", self.mine)) if one is not None}
        return {**cards, **{name: getattr(self, name) for name in _TYPES}}


def read(folder: Path, known: Known | None = None) -> Draft | None:
    """Return the draft in ``folder``, None where there is none; raises NbtrainError naming the file.

    ``known`` holds sections that other cards share, see Config.decoded().
    """
    where, stamp = folder / FILE, stamp_of(folder)
    try:
        plain = {**_EMPTY, **FORMAT.read(files.read_json(where), where)}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"the draft cannot be read: {error.strerror}", value=str(where)) from None
    FORMAT.check_types(plain, _TYPES, where)
    base, mine = (card.decoded(plain[n], where, folder, known) if n in plain else None for n in ("base", "mine"))
    if base is None or mine is None:
        base = mine = None
    kinds = {name: kinds for name, kinds in plain["kinds"].items() if name in FAMILIES and isinstance(kinds, dict)}
    return Draft(base, mine, plain["generated"], plain["refused"], kinds, plain["manual"], stamp)


def opened(folder: Path, known: Known, notice: Callable[[str], None]) -> Opened:
    """Return what an experiment is opened with: its card and its draft, if there is one that can be used.

    One that cannot is left where it is, and told as a ``notice``. Raises NbtrainError where nothing can be used.
    """
    where, draft = folder / FILE, None
    try:
        draft = read(folder, known)
    except NbtrainError as error:
        if not (folder / card.FILE).exists():
            raise
        notice(unusable(error))
    try:
        saved = card.read(folder, known)
    except NbtrainError:
        if draft is None or draft.base is None:
            raise
        saved = draft.base.replaced(changed_ns=-1 if (folder / card.FILE).exists() else 0)
    if draft and draft.mine and draft.mine.config != saved.config and newest_run(folder) is not None:
        notice(f"{where.parent / FILE}: its edits are from after the training began, and are not shown.")
        draft = None
    elif draft and draft.refused and newest_run(folder) is None:
        draft = _settled(draft, saved)
    return saved, draft


def _settled(draft: Draft, saved: Card) -> Draft:
    """Return ``draft`` with the texts as values that this nbtrain takes, where the one that refused them did not."""
    base, mine = draft.base or saved, draft.mine or saved
    config = mine.config
    for path, text in draft.refused.items():
        with suppress(ConfigError):
            config = config.set(path, text)
    return draft if config == mine.config else replace(draft, base=base, mine=mine.replaced(config=config))


def unusable(error: NbtrainError) -> str:
    """Return what is told of a draft that cannot be used."""
    return f"{error} What was saved is shown. The draft is moved to the trash before another one is written."


def stamp_of(folder: Path) -> Stamp:
    """Return what tells one version of the file from the next."""
    try:
        found = os.stat(f"{folder}/{FILE}")
    except OSError:
        return NONE
    return (found.st_mtime_ns, found.st_ino, found.st_size)


class Guard:
    """Keeps other kernels from writing a draft of the same project; raises OSError where they take too long."""

    def __init__(self, project: Path) -> None:
        self._lock = FileLock(project / LOCK)

    def __enter__(self) -> None:
        if not self._lock.acquire(_WAIT_S):
            raise TimeoutError(f"another process holds {self._lock.path}")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def refusal(config: Config, path: str, text: Any) -> Refused | None:
    """Return ``text`` with the reason why ``config`` does not take it at ``path``; None where it would, or is no field.

    A form could show no text that stands at no field, and nobody could take it away.
    """
    try:
        config.set(path, text)
    except ConfigError as error:
        return told(path, text, error) if is_field(config, path) else None
    return None


def is_field(config: Config, path: str) -> bool:
    """Tell whether ``config`` has a value at ``path``, and not a section."""
    try:
        return not isinstance(config.get(path), Section)
    except ConfigError:
        return False


def told(path: str, text: Any, error: ConfigError) -> Refused:
    """Return a refused ``text`` with what ``error`` says of ``path``."""
    problem = next((p for p in error.problems if p.path == path), error.problems[0])
    return {"text": as_typed(text), "message": problem.message, "advice": problem.advice}


def as_typed(value: Any, depth: int = 0) -> Any:
    """Return what was typed, or given by code, as JSON can hold it: most as it is, all else as a text.

    Half a character of two (a lone surrogate) is written out, for neither a file nor a browser takes it.
    """
    if value is None or isinstance(value, bool):
        return value
    if (isinstance(value, int) and abs(value) < 2**53) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth < _MAX_DEPTH and isinstance(value, list | tuple):
        return [as_typed(item, depth + 1) for item in value[:_MAX_ITEMS]]
    if depth < _MAX_DEPTH and isinstance(value, dict):
        return {_text(name): as_typed(item, depth + 1) for name, item in list(value.items())[:_MAX_ITEMS]}
    return _text(value)


def _text(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes, a list in itself
        text = hex(value) if isinstance(value, int) else object.__repr__(value)
    return files.encodable(text[:MAX_CHARACTERS])
