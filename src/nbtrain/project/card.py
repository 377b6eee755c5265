"""The card of an experiment: what a person edits, as it stands in experiment.json.

A card is a value that knows how to be written and read again. It does not know runs or traits.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.config import Config, Known
from nbtrain.errors import ConfigError, FormatError, Problem, ProjectError
from nbtrain.schema import Format
from nbtrain.schema.codec import Types

FORMAT = Format("experiment file")
FILE, DRAFT = "experiment.json", "draft.json"
MAX_NAME = 500
_OPTIONAL: dict[str, Any] = {"id": "", "name": "", "description": "", "tags": [], "created_s": 0.0, "start": {}}
"""What a file edited by hand may lack."""
_TYPES: dict[str, Types] = {
    "id": str, "name": str, "description": str, "tags": list, "created_s": (int, float), "start": dict,
}  # fmt: skip


def clean_name(name: str) -> str:
    """Return a name as it is kept: any text, without control characters, in one line; raises ProjectError if empty."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in str(name))
    kept = files.encodable(" ".join(plain.split())[:MAX_NAME])
    if not kept:
        raise ProjectError("an experiment needs a name", value=name, advice="Give at least one visible character.")
    return kept


@dataclass(frozen=True)
class Card:
    """Name, description, tags and configuration of one experiment, and the folder they stand in."""

    id: str
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    config: Config = field(default_factory=Config)
    created_s: float = field(default_factory=time.time)
    start: Mapping[str, Any] = field(default_factory=dict)
    """Where a branch begins, see branches.py; empty for most experiments."""
    folder: Path | None = field(default=None, compare=False)
    """None until it, or its draft, is written for the first time."""
    changed_ns: int = field(default=0, compare=False)
    """When the file was changed last, as this card knows it; 0 for one that was never saved."""

    @property
    def saved(self) -> bool:
        """Whether it stands in experiment.json, this way or another."""
        return self.changed_ns != 0

    def place(self, experiments: Path) -> Path:
        """Return its folder; where it has none yet, the one below ``experiments`` that it will have."""
        return self.folder or experiments / f"{files.slug(self.name)}-{self.id}"

    def written(self, experiments: Path) -> Card:
        """Write the card, into a new folder below ``experiments`` where it has none yet; return it with its folder."""
        folder = self.place(experiments)
        try:
            files.make_folder(folder)
            files.write_json(folder / FILE, FORMAT.mark(self.plain()))
        except OSError as error:
            what = f"the experiment could not be saved: {error.strerror or error}"
            advice = "Check that the project folder can be written and that the disk has room. Nothing was lost."
            raise ProjectError(what, value=str(folder), advice=advice) from None
        return replace(self, folder=folder, changed_ns=_changed_ns(folder))

    def replaced(self, **changes: Any) -> Card:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def reread_if_changed(self) -> Card | None:
        """Return the card as it stands on disk where somebody else has changed the file, else None.

        Raises FormatError, ConfigError or ProjectError where what stands there cannot be used.
        """
        if self.folder is None or _changed_ns(self.folder) in (0, self.changed_ns):
            return None
        return read(self.folder)

    def plain(self) -> dict[str, Any]:
        """Return what stands in the file, as plain JSON."""
        named = {"id": self.id, "name": self.name, "description": self.description, "tags": list(self.tags)}
        start = {"start": dict(self.start)} if self.start else {}
        return {**named, **start, "created_s": self.created_s, "config": self.config.encoded()}


def read(folder: Path, known: Known | None = None) -> Card:
    """Return the card in ``folder``; raises FormatError or ConfigError naming the file and every failing path.

    ``known`` holds sections that other cards share, see Config.decoded().
    """
    where = folder / FILE
    changed_ns = _changed_ns(folder)
    try:
        plain = FORMAT.read(files.read_json(where), where)
    except OSError as error:
        raise ProjectError(f"the experiment cannot be read: {error.strerror}", value=str(where)) from None
    return replace(decoded(plain, where, folder, known), changed_ns=changed_ns)


def decoded(plain: Any, where: Path, folder: Path, known: Known | None = None) -> Card:
    """Return the card that ``plain`` describes, for ``folder``; raises ConfigError naming ``where`` and every path."""
    if not isinstance(plain, dict):
        raise FormatError([Problem(str(where), "it does not hold an experiment.", "Restore the file from a copy.")])
    FORMAT.check_types({**_OPTIONAL, **plain}, _TYPES, where)
    try:
        config = Config.decoded(plain.get("config"), where, known)
    except FormatError:
        raise
    except ConfigError as error:
        raise ConfigError(Problem(f"{where}: {p.path}", p.message, p.advice) for p in error.problems) from None
    return Card(
        id=str(plain.get("id") or folder.name),
        name=clean_name(plain.get("name") or folder.name),
        description=str(plain.get("description", "")),
        tags=tuple(map(str, plain.get("tags", ()))),
        config=config,
        created_s=float(plain.get("created_s", 0.0)),
        start=plain.get("start", {}),
        folder=folder,
    )


def _changed_ns(folder: Path) -> int:
    try:
        return os.stat(f"{folder}/{FILE}").st_mtime_ns
    except OSError:
        return 0


def folders(project: Path) -> Iterator[Path]:
    """Yield the folders that hold an experiment, saved or not."""
    try:
        entries = sorted(os.scandir(project / "experiments"), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ProjectError(f"the project cannot be read: {error.strerror}", value=str(project)) from None
    for entry in entries:
        if entry.is_dir() and is_experiment(entry.path):
            yield Path(entry.path)


def is_experiment(folder: str | Path) -> bool:
    """Tell whether ``folder`` holds an experiment: one that was saved, or the draft of one."""
    return os.path.exists(f"{folder}/{FILE}") or os.path.exists(f"{folder}/{DRAFT}")
