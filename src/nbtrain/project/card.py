"""The card of an experiment: what a person edits, as it stands in experiment.json.

A card is a value that knows how to be written and read again. It does not know runs or traits.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.config import Config
from nbtrain.errors import ConfigError, NbtrainError, ProjectError
from nbtrain.schema import Format

FORMAT = Format("experiment file")
FILE = "experiment.json"
MAX_NAME = 500


def clean_name(name: str) -> str:
    """Return a name as it is kept: any text, without control characters, in one line; raises ProjectError if empty."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in str(name))
    kept = " ".join(plain.split())[:MAX_NAME]
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
    folder: Path | None = field(default=None, compare=False)
    """None until it is written for the first time."""

    def written(self, experiments: Path, folder: Path | None) -> Card:
        """Write the card, into a new folder below ``experiments`` where it has none yet; return it with its folder."""
        folder = folder or experiments / f"{files.slug(self.name)}-{self.id}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files.write_json(folder / FILE, FORMAT.mark(self._plain()))
        except OSError as error:
            what = f"the experiment could not be saved: {os.strerror(error.errno or 0)}"
            advice = "Check that the project folder can be written and that the disk has room. Nothing was lost."
            raise ProjectError(what, value=str(folder), advice=advice) from None
        return replace(self, folder=folder)

    def replaced(self, **changes: Any) -> Card:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def reread(self) -> Card | None:
        """Return the card as it stands on disk now, None where it is gone or cannot be read."""
        try:
            return read(self.folder) if self.folder else None
        except NbtrainError:
            return None

    def _plain(self) -> dict[str, Any]:
        named = {"id": self.id, "name": self.name, "description": self.description, "tags": list(self.tags)}
        return {**named, "created_s": self.created_s, "config": self.config.encoded()}


def read(folder: Path) -> Card:
    """Return the card in ``folder``; raises FormatError or ConfigError naming the file and every failing path."""
    where = folder / FILE
    plain = FORMAT.read(files.read_json(where), where)
    try:
        config = Config.decoded(plain.get("config"), where)
    except ConfigError as error:
        raise type(error)(error.problems) from None
    known = {name: plain[name] for name in ("description", "created_s") if name in plain}
    name = clean_name(plain.get("name") or folder.name)
    return Card(str(plain.get("id", folder.name)), name, tags=tuple(plain.get("tags", ())), config=config, folder=folder, **known)


def folders(project: Path) -> Iterator[Path]:
    """Yield the folders that hold an experiment."""
    try:
        entries = sorted(os.scandir(project / "experiments"), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir() and os.path.exists(os.path.join(entry.path, FILE)):
            yield Path(entry.path)
