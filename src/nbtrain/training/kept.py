"""The checkpoints that a run has kept, read from their markers without torch: which there are, and which are whole.

It knows markers (checkpoint.py writes them) and payloads as bytes; it never loads one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.errors import NbtrainError, StatusError

START = "start"
"""Folder of an experiment that holds the checkpoints which a branch begins with."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """One checkpoint of a run."""

    marker: Path
    step: int
    epoch: int
    """Epochs done when it was taken."""
    metrics: Mapping[str, Any]

    @property
    def payload(self) -> Path:
        """The file that holds its state."""
        return self.marker.with_name(Path(str(files.read_json(self.marker)["file"])).name)


def checkpoints(folder: Path) -> list[Kept]:
    """Return the checkpoints in ``folder`` that have a readable marker, oldest step first."""
    found = [kept for path in folder.glob("step-*.json") if (kept := _read(path)) is not None]
    return sorted(found, key=lambda kept: kept.step)


def best(folder: Path) -> Kept | None:
    """Return the checkpoint that best.json names, None where there is none."""
    named = _read(folder / "best.json")
    return next((kept for kept in checkpoints(folder) if named and kept.step == named.step), None)


def find(folder: Path, which: str | int) -> Kept:
    """Return the checkpoint ``best``, ``last`` or of a step, whole; raises StatusError naming those that are there."""
    there = checkpoints(folder)
    if not there:
        raise StatusError("this run has kept no checkpoint", value=str(folder), advice="Train it first.")
    wanted = _step_of(folder, which, there)
    found = next((kept for kept in there if kept.step == wanted), None)
    steps = ", ".join(str(kept.step) for kept in there)
    if found is None:
        advice = f"There are checkpoints of step {steps}; best and last name two of them."
        raise StatusError("there is no such checkpoint", value=which, advice=advice)
    told = damage(found.marker)
    if told:
        advice = f"Choose another one: there are checkpoints of step {steps}."
        raise StatusError(f"the checkpoint of step {found.step} {told}", advice=advice)
    return found


def _step_of(folder: Path, which: str | int, there: list[Kept]) -> int | None:
    if which == "last":
        return there[-1].step
    if which == "best":
        named = best(folder)
        return named.step if named else None
    return int(which) if str(which).isdecimal() else None


def link(found: Kept, folder: Path) -> None:
    """Put a checkpoint into ``folder`` too, payload before marker: by hard links, which cost no room, or as a copy."""
    for path in (found.payload, found.marker):
        files.same_content(path, folder / path.name)
    files.fsync_folder(folder)


def damage(marker: Path) -> str:
    """Return what is wrong with a checkpoint, nothing where it is whole; its content is read, never loaded."""
    try:
        plain = files.read_json(marker)
        payload = marker.with_name(Path(str(plain["file"])).name)
        size, digest = payload.stat().st_size, _sha256(payload)
    except FileNotFoundError:
        return "is missing"
    except (OSError, NbtrainError, KeyError, TypeError) as error:
        return f"has no readable marker ({type(error).__name__})"
    if size != plain.get("bytes"):
        return f"has {size} bytes instead of {plain.get('bytes')}"
    return "" if digest == plain.get("sha256") else "does not match its checksum"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", opener=files.ordinary) as file:
        while data := file.read(_CHUNK_BYTES):
            digest.update(data)
    return digest.hexdigest()


def _read(marker: Path) -> Kept | None:
    try:
        plain = files.read_json(marker)
        return Kept(marker, int(plain["step"]), int(plain["epoch"]), dict(plain.get("metrics", {})))
    except (OSError, ValueError, KeyError, TypeError, NbtrainError):
        return None
