"""The folder of one evaluation, ``experiments/<experiment>/evaluations/NNNN``: a record to list, predictions to open.

    evaluation.json    what was evaluated (checkpoint, split, data, each with its hash), the numbers and their intervals
    predictions.npz    what the model said of each image (predictions.py)

A folder appears whole, under a number that is not used again. It knows these files; whether an evaluation is still true
of its experiment is project/evaluation.py's matter.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from nbtrain import files, folders, locks
from nbtrain.errors import FormatError, NbtrainError, Problem, ProjectError, shown
from nbtrain.evaluation import predictions as stored
from nbtrain.evaluation.bootstrap import Interval
from nbtrain.evaluation.predictions import Predictions
from nbtrain.schema import Format

FORMAT = Format("evaluation")
TASKS = ("classification", "multilabel")
"""Kinds of tasks whose predictions can be evaluated."""
FOLDER, RECORD, PREDICTIONS = "evaluations", "evaluation.json", "predictions.npz"
TRAINED, CURRENT = LABELS = ("trained", "current")
"""Whose labels an evaluation is held against: those that the run was trained with, or those of the data set now."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What evaluation.json says; cheap to read, for lists."""

    part: str
    """The set of the split: train, val or test."""
    run: str
    """Number of the run, as its folder is called."""
    which: str
    """What was asked for: best, last, or the step."""
    step: int
    epoch: int
    file: str
    """The checkpoint's payload, below the run's checkpoints."""
    sha256: str
    """Of that payload."""
    dataset: str
    data_hash: str
    """Of the data set with the labels that were used, and the images as they lay there."""
    split: str
    split_hash: str
    task: str
    """Kind of the task: classification or multilabel."""
    n_classes: int
    n_images: int
    labels: str = TRAINED
    """Whose labels these are: one of :data:`LABELS`."""
    known: str = ""
    """The hash that tells whether it is out of date: the project's of the data set then, with edits only where labels
    are ``current``. Empty in evaluations of older versions."""
    n_damaged: int = 0
    """Images that could not be read and were left out."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """95 % of the resamples of each metric lie within."""
    notices: tuple[str, ...] = ()
    """What the person should know, in full sentences."""
    heat: str = ""
    """Why there are no heat maps; empty where there are."""
    created_s: float = 0.0
    took_s: float = 0.0
    device: str = ""
    precision: str = ""
    batch_size: int = 0
    nbtrain: str = ""
    """The version that made it."""

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON can hold it; a metric without a value is null."""
        told = asdict(self)
        told["metrics"] = {name: value if math.isfinite(value) else None for name, value in self.metrics.items()}
        told["intervals"] = {name: list(interval) for name, interval in self.intervals.items()}
        return FORMAT.mark(told)

    @classmethod
    def parse(cls, plain: object, where: object) -> Record:
        """Return the record in ``plain``; raises FormatError where it is another thing."""
        content = FORMAT.read(plain, where)
        texts = ("part", "run", "which", "file", "sha256", "dataset", "data_hash", "split", "split_hash", "task",
                 "heat", "device", "precision", "nbtrain")  # fmt: skip
        types = {**dict.fromkeys(texts, str), "step": int, "metrics": dict, "intervals": dict, "notices": list}
        FORMAT.check_types(content, types, where)
        if content["task"] not in TASKS:
            told = f"is of a task that this nbtrain does not know (got {shown(content['task'])})."
            raise FormatError([Problem(str(where), told, "Evaluate again.")])
        known = {one.name: content[one.name] for one in fields(cls) if one.name in content}
        known["metrics"] = {name: math.nan if v is None else float(v) for name, v in content["metrics"].items()}
        known["intervals"] = {name: Interval(*map(float, ends)) for name, ends in content["intervals"].items()}
        known["notices"] = tuple(map(str, content.get("notices", ())))
        try:
            return cls(**known)
        except TypeError as error:
            told = f"this evaluation cannot be read: {error}."
            raise FormatError([Problem(str(where), told, "Evaluate again.")]) from None


def make(experiment: Path, record: Record, predictions: Predictions) -> int:
    """Write a new evaluation of ``experiment``, whole or not at all; return its number. Raises ProjectError."""
    home = experiment / FOLDER
    try:
        files.make_folder(home, parents=False)  # an experiment that was deleted meanwhile stays deleted
        with folders.unborn(home / "evaluation") as unborn:
            predictions.save(unborn / PREDICTIONS)
            files.write_json(unborn / RECORD, record.plain())
            with locks.FileLock(home / "lock"):
                number = _next_number(home)
                files.write_atomic(home / "next", str(number + 1).encode())
                folders.take_place(unborn, home / f"{number:04d}")
        files.fsync_folder(home)
        return number
    except OSError as error:
        what = f"the evaluation could not be kept: {error.strerror or error}"
        advice = "Check that the project folder can be written and that the disk has room."
        raise ProjectError(what, value=str(home), advice=advice) from error


def numbers(experiment: Path) -> list[int]:
    """Return the numbers of an experiment's evaluations, oldest first."""
    try:
        names = [entry.name for entry in os.scandir(experiment / FOLDER) if entry.name.isdecimal() and entry.is_dir()]
    except OSError:
        return []
    return sorted(map(int, names))


def path(experiment: Path, number: int) -> Path:
    """Return the folder of an evaluation."""
    return experiment / FOLDER / f"{number:04d}"


def read(folder: Path) -> Record | None:
    """Return the record of an evaluation, None where it is damaged, newer, or gone."""
    try:
        return Record.parse(files.read_json(folder / RECORD), folder / RECORD)
    except (OSError, NbtrainError, ValueError, TypeError, KeyError):
        return None


def predictions(folder: Path) -> Predictions:
    """Return what the model said of each image; raises FormatError where that cannot be read."""
    return stored.load(folder / PREDICTIONS)


def _next_number(home: Path) -> int:
    """Evaluations move to the trash, so the folders that are left do not tell which numbers were used."""
    try:
        said = int(files.content(home / "next"))
    except (OSError, ValueError):
        said = 1
    return max(said, *(number + 1 for number in numbers(home.parent)), 1)
