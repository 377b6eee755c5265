"""What has become of a run's data since: rows that were relabelled or left out, classes, images.

It compares what the run has recorded with the data set's file and journal of edits. It opens no image and lists none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data.assembly import mark_of
from nbtrain.data.edit_log import Mark, read_until
from nbtrain.data.edits import Edits, differing
from nbtrain.data.records import counted, first
from nbtrain.errors import NbtrainError
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.datasets import DataSets


@dataclass(frozen=True, slots=True)
class DataChange:
    """How a data set differs now from what a run was set up with."""

    rows: tuple[str, ...] = ()
    """Files that were relabelled, left out or taken in since."""
    classes: bool = False
    """Whether classes were renamed, merged, dropped or put in another order."""
    images: bool = False
    """Whether the sources hold other images than then."""
    known: bool = True
    """Whether that could be found out: the journal of edits may be gone."""
    added: tuple[str, ...] = ()
    """Paths of sources that are part of it since."""
    removed: tuple[str, ...] = ()
    """Paths of sources that were taken out since."""

    def __str__(self) -> str:
        told = []
        if self.rows:
            told.append(f"{counted(len(self.rows), 'row', 'rows')} changed")
        if self.classes:
            told.append("classes changed")
        if self.added:
            told.append(f"added: {first(self.added, 2)}")
        if self.removed:
            told.append(f"taken out: {first(self.removed, 2)}")
        if self.images and not (self.added or self.removed):
            told.append("the sources hold other images")
        if not self.known:
            told.append("edits changed, and those of that time cannot be read any more")
        return "; ".join(told)


def since(run: Path, data: DataSets) -> DataChange | None:
    """Return what has changed in the data since ``run`` was set up; None where nothing has, or nobody can tell."""
    path = run / "config.json"
    try:
        recorded = _recorded(path, path.stat().st_mtime_ns)
        now = data.get(recorded["name"])
    except (OSError, NbtrainError, KeyError):
        return None
    if now.hash == recorded.get("hash"):
        return None
    images = now.base != recorded.get("base", recorded.get("hash"))
    added, removed = _sources_since(recorded, now)
    try:
        then = _then(now.log_path, mark_of(recorded)[1])
    except (OSError, NbtrainError, TypeError, ValueError):
        return DataChange(images=images, known=False, added=added, removed=removed)
    classes = then.names != now.edits.names or then.order != now.edits.order
    return DataChange(tuple(differing(then, now.edits)), classes, images, added=added, removed=removed)


def _sources_since(recorded: Mapping[str, Any], now: DataSet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of sources that are new since, and of those that are gone; one that has moved is neither."""
    then = {str(one.get("name", "")): str(one["source"]["path"]) for one in recorded.get("sources", ())}
    here = {part.name: part.source.path for part in now.parts}
    if not then:  # an older run, of one source
        return (), ()
    return tuple(here[n] for n in here if n not in then), tuple(then[n] for n in then if n not in here)


@lru_cache(maxsize=64)
def _recorded(path: Path, changed_ns: int) -> Mapping[str, Any]:
    """Return what a run's config.json says of its data set; nothing where that is no data set."""
    plain = files.read_json(path)
    found = plain.get("dataset") if isinstance(plain, dict) else None
    return found if isinstance(found, dict) and isinstance(found.get("name"), str) else {}


@lru_cache(maxsize=16)
def _then(path: Path, mark: Mark) -> Edits:
    return read_until(path, mark)
