"""Transfer: the checkpoint of another experiment of the project that a run starts from.

It reads the project's files by the run folder's contract and verifies the checkpoint's checksum; which tensors fit is
weights.py's matter. Only the trainer asks it, once, before a run's first life.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.errors import ConfigError, DataError, NbtrainError, Problem, shown

_PATH = "model.transfer_from"
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from."""

    name: str
    run: str
    path: Path
    step: int

    def __str__(self) -> str:
        return f"experiment {self.name!r} (run {self.run}, step {self.step})"


def origin(project: Path, wanted: str, but: Path | None = None) -> Origin:
    """Return the best checkpoint of the newest run that has one, of the experiment called ``wanted``.

    ``but`` is an experiment's folder that is not looked at: nothing is its own origin. Raises ConfigError where no
    experiment or more than one is called so, or none of its runs has a checkpoint; DataError where that is damaged.
    """
    return _verified(*_located(project, wanted, but))


def problem_of(project: Path, wanted: str, but: Path | None = None) -> Problem | None:
    """Return why there is no such checkpoint, None where its file lies there; what is in it is verified by the run."""
    try:
        _, run, marker = _located(project, wanted, but)
        path = files.inside(run / "checkpoints", str(marker.get("file")))
        whole = path.stat().st_size == marker.get("bytes", path.stat().st_size)
    except ConfigError as error:
        return error.problems[0]
    except (OSError, NbtrainError):
        whole = False
    return (
        None if whole else Problem(_PATH, f"the checkpoint of {shown(wanted)} is gone or damaged.", "Choose another.")
    )


def _located(project: Path, wanted: str, but: Path | None) -> tuple[str, Path, dict[str, Any]]:
    """Return the experiment's name, its newest run with a checkpoint, and what names that."""
    folder, name = _experiment(project, wanted, but)
    for run in sorted((folder / "runs").glob("[0-9]*"), reverse=True):
        for pointer in ("best.json", "last.json"):
            marker = _read(run / "checkpoints" / pointer)
            if marker:
                return name, run, marker
    told = f"the experiment {shown(name)} has no checkpoint yet."
    raise ConfigError([Problem(_PATH, told, "Train it first, or choose another.")])


def _experiment(project: Path, wanted: str, but: Path | None) -> tuple[Path, str]:
    known = [(folder, plain) for folder, plain in _experiments(project) if folder != but]
    by_id = [(folder, plain) for folder, plain in known if plain.get("id") == wanted]
    found = by_id or [(folder, plain) for folder, plain in known if plain.get("name") == wanted]
    if len(found) == 1:
        return found[0][0], str(found[0][1].get("name"))
    if found:
        ids = ", ".join(str(plain.get("id")) for _, plain in found)
        told = f"{len(found)} experiments are called {shown(wanted)}."
        raise ConfigError([Problem(_PATH, told, f"Give an id instead: {ids}.")])
    names = ", ".join(shown(str(plain.get("name"))) for _, plain in known[:_SHOWN]) or "no other experiment"
    raise ConfigError([Problem(_PATH, f"there is no experiment {shown(wanted)}.", f"There is: {names}.")])


def _experiments(project: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((project / "experiments").glob("*/experiment.json")):
        plain = _read(path)
        if plain:
            yield path.parent, plain


def _read(path: Path) -> dict[str, Any]:
    try:
        plain = files.read_json(path)
    except (OSError, ValueError, NbtrainError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _verified(name: str, run: Path, marker: dict[str, Any]) -> Origin:
    path = files.inside(run / "checkpoints", str(marker.get("file")))
    try:
        digest = hashlib.sha256(files.content(path)).hexdigest()
    except OSError as error:
        what = f"the checkpoint of {name!r} cannot be read: {error.strerror or error}"
        raise DataError(what, value=str(path), advice="Choose another experiment.") from error
    if digest != marker.get("sha256"):
        what = f"the checkpoint of {name!r} is damaged: it does not match its checksum"
        raise DataError(what, value=str(path), advice="Choose another experiment, or give a model.weights_file.")
    return Origin(name, run.name, path, int(marker.get("step", 0)))
