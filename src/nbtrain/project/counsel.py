"""Counsel: advice about one experiment, with the evidence gathered and the fix at hand.

It asks the project's data, this machine and the run's story for what the rules (nbtrain.advice) want to know. Nothing
here takes longer than a look at a file's header; what needs real steps is measured elsewhere. It draws nothing.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from nbtrain.advice import Case, Course, Evidence, Finding, advise, cards, observe
from nbtrain.advice.running import Divergence, Recovery, per_epoch
from nbtrain.advice.words import typed
from nbtrain.config import Config
from nbtrain.data.decode import size_of
from nbtrain.errors import DataError, NbtrainError
from nbtrain.escaping import line
from nbtrain.messages import ENDED
from nbtrain.schema.fields import hints_of
from nbtrain.schema.section import Section

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_LOOKED_AT = 32
"""Images whose size is looked at, a few of each of the first folders."""
_PER_FOLDER = 4
_MACHINE_S = 5.0
"""How long free space and cores count as known."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One piece of advice about one experiment; ``apply()`` puts its fix in place."""

    experiment: Experiment
    finding: Finding

    def __repr__(self) -> str:
        return line(f"Suggestion({self.level}, {self.path}: {self.text})")

    @property
    def rule(self) -> str:
        """Name of the rule that found it."""
        return self.finding.rule

    @property
    def level(self) -> str:
        """problem, warning or info."""
        return self.finding.level

    @property
    def path(self) -> str:
        """Configuration path that it belongs to."""
        return self.finding.path

    @property
    def text(self) -> str:
        """One sentence, with the number that triggered it."""
        return self.finding.text

    @property
    def why(self) -> str:
        """What the rule looks for."""
        return self.finding.why

    @property
    def source(self) -> str:
        """The paper, or the arithmetic, behind the rule."""
        return self.finding.source

    @property
    def fix(self) -> Mapping[str, Any]:
        """Configuration values, by path, that put it right; empty where only a person can."""
        return self.finding.fix

    @property
    def doing(self) -> str:
        """The fix in words: ``learning rate 7e-4``; empty where there is none."""
        return in_words(self.experiment.config, self.fix)

    def apply(self, *, save: bool = False) -> Experiment:
        """Put the fix in place and return the experiment that has it; ``save`` it too, which may be refused.

        An experiment that has been trained keeps its configuration: a copy with the fix is returned. Raises
        NbtrainError where there is no fix.
        """
        if not self.fix:
            raise NbtrainError("this suggestion has no fix that a click could apply", value=self.text)
        with self.experiment.project.lock:
            target = self.experiment if self.experiment.status == "created" else self.experiment.duplicate()
            (target.set_and_save if save else target.set_all)(self.fix)
        return target


def suggestions(experiment: Experiment) -> list[Suggestion]:
    """Return advice about an experiment: about its configuration before the first run, about its run from then on."""
    if experiment.status == "created":
        found = advise(experiment.config, evidence(experiment))
    else:
        found = observe(course(experiment))
    return [Suggestion(experiment, finding) for finding in found]


def suggestions_of(looked_at: Case, experiment: Experiment) -> list[Suggestion]:
    """Return advice about a configuration whose evidence is there already."""
    return [Suggestion(experiment, finding) for finding in advise(looked_at.config, looked_at.evidence)]


def case(experiment: Experiment, *, looking: bool = True) -> Case:
    """Return the experiment's configuration with its evidence, for cards; ``looking`` is as for :func:`evidence`."""
    return Case(experiment.config, evidence(experiment, looking=looking))


# -- before the run -----------------------------------------------------------------------------------------------


def evidence(experiment: Experiment, *, looking: bool = True) -> Evidence:
    """Return what is known of an experiment's data and of this machine.

    Without ``looking`` no image is opened: their sizes are known only where somebody has looked before.
    """
    info, config = experiment.data_info, experiment.config
    free, shared, cores = machine(experiment.project.path)
    sizes = sizes_of(info, looking=looking) if info else ()
    n_images, n_train = info.get("n_images"), info.get("train")
    share = n_train / n_images if n_images and n_train is not None else 1.0
    return Evidence(
        n_train=n_train,
        n_val=info.get("val"),
        n_images=n_images,
        class_counts={str(name): round(count * share) for name, count in info.get("classes", ())},
        own_split=bool(config.data.split) or _own_split(experiment),
        image_px=round(median(sizes)) if sizes else None,
        n_measured=len(sizes),
        disk_free_bytes=free,
        shared_memory_bytes=shared,
        cores=cores,
    )


def _own_split(experiment: Experiment) -> bool:
    try:
        return experiment.project.data.get(experiment.config.data.dataset).own_split
    except DataError:
        return False


def machine(folder: Path) -> tuple[int | None, int | None, int]:
    """Return free bytes on the disk of ``folder`` and in shared memory, and cores that may be used."""
    return _machine(str(folder), int(time.monotonic() / _MACHINE_S))


@lru_cache(maxsize=8)
def _machine(folder: str, moment: int) -> tuple[int | None, int | None, int]:
    """Return free bytes on the project's disk and in shared memory, and cores; asked anew every few ``moment``s."""
    there = next(path for path in (Path(folder), *Path(folder).parents) if path.is_dir())
    return _free(there), _free(Path("/dev/shm")), _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


_SIZES: dict[tuple[str, str], tuple[int, ...]] = {}
"""Sizes that were looked at, by the data set's folder and hash."""


def sizes_of(info: Mapping[str, Any], *, looking: bool = True) -> tuple[int, ...]:
    """Return the shorter sides, in px, of the first images of a data set; empty where nobody has looked yet."""
    key = _key(info)
    if key not in _SIZES and looking:
        _SIZES[key] = _measured([Path(path).expanduser() for path in info.get("paths", ())])
    return _SIZES.get(key, ())


def looked_at(info: Mapping[str, Any]) -> bool:
    """Return whether somebody has looked at the sizes of a data set's images."""
    return _key(info) in _SIZES


def _key(info: Mapping[str, Any]) -> tuple[str, str]:
    return str(info.get("path", "")), str(info.get("hash", ""))


def _measured(roots: Sequence[Path]) -> tuple[int, ...]:
    found: list[int] = []
    for path in (path for root in roots if root.is_dir() for path in _first_images(root)):
        try:
            found.append(min(size_of(path)))
        except DataError:
            continue
    return tuple(found)


def _first_images(root: Path) -> list[Path]:
    """Return a few images of each of the first folders: enough for a median, whatever the number of images."""
    folders = [root, *sorted(_subfolders(root))[:_LOOKED_AT]]
    found: list[Path] = []
    for folder in folders:
        found += _some(folder)
        if len(found) >= _LOOKED_AT:
            break
    return found[:_LOOKED_AT]


def _subfolders(root: Path) -> Iterator[Path]:
    for folder in _entries(root):
        if folder.is_dir():
            yield folder
            yield from (Path(inner) for inner in _entries(folder) if inner.is_dir())


def _some(folder: Path) -> list[Path]:
    images = (entry for entry in _entries(folder) if entry.suffix.lower() in _ENDINGS)
    return [path for _, path in zip(range(_PER_FOLDER), images, strict=False)]


def _entries(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for _, entry in zip(range(1000), entries, strict=False))
    except OSError:
        return


# -- during and after the run -------------------------------------------------------------------------------------


def course(experiment: Experiment) -> Course:
    """Return what the run of an experiment has told, epoch by epoch."""
    history, config = experiment.curves, experiment.config
    _, epochs, losses = history.series("train", "loss")
    _, _, val_losses = history.series("val", "loss")
    watched = str(experiment.best.get("metric", "")) or _watched(config)
    metric = history.series("val", watched)[2] if watched != "loss" else np.empty(0)
    return Course(
        config=config,
        epochs=experiment.epochs or config.training.most_epochs,
        ended=experiment.status in ENDED,
        train_loss=per_epoch(epochs, losses),
        val_loss=val_losses,
        val_metric=metric,
        lr=per_epoch(epochs, history.series("train", "lr")[2]),
        waiting=experiment.story.usage_of("waiting"),
        classes=recalls(experiment.per_class),
        ran_away=_ran_away(experiment),
        recoveries=[notice["text"] for notice in experiment.recoveries],
        n_gaps=int((~np.isfinite(losses)).sum() + (~np.isfinite(val_losses)).sum()),
    )


def recoveries(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the notices of what the trainer changed by itself to go on after NaN or out-of-memory."""
    return [notice for notice in experiment.notices if notice["about"] == Recovery.name]


def _ran_away(experiment: Experiment) -> float | None:
    """Return the epochs done when the trainer saw the loss run away, None where it has not."""
    step = max((notice["step"] for notice in experiment.notices if notice["about"] == Divergence.name), default=None)
    per_epoch_steps = experiment.steps / experiment.epochs if experiment.epochs else 0
    return step / per_epoch_steps if step is not None and per_epoch_steps else None


def _watched(config: Config) -> str:
    return config.task.monitor if config.training.monitor == "auto" else config.training.monitor


def recalls(told: Mapping[str, Any]) -> Sequence[tuple[str, int, float]]:
    """Return name, validation images and recall of each class, from what a validation told; empty without recall."""
    columns, rows = list(told.get("columns", ())), told.get("rows", ())
    if not rows or "recall" not in columns:
        return ()
    at = columns.index("recall") + len(rows[0]) - len(columns)
    return [(str(row[0]), int(row[1]), float(row[at])) for row in rows]


def early_stops(experiment: Experiment) -> cards.Stops:
    """Return how finished runs with early stopping on the same data set have ended in this project."""
    ended = [
        (other.epoch, other.epochs)
        for other in experiment.project.cards
        if other is not experiment
        and other.status == "completed"
        and other.config.training.early_stopping
        and other.config.data.dataset == experiment.config.data.dataset
    ]
    return cards.stops(ended)


# -- words --------------------------------------------------------------------------------------------------------


def plain(one: Suggestion) -> dict[str, Any]:
    """Return a suggestion as plain JSON."""
    names = ("rule", "level", "path", "text", "why", "source", "doing")
    return {**{name: getattr(one, name) for name in names}, "fix": orjson.loads(orjson.dumps(dict(one.fix)))}


def in_words(config: Config, fix: Mapping[str, Any]) -> str:
    """Return what ``fix`` changes, as a person would say it: ``learning rate 7e-4, pretrained on``."""
    if not fix:
        return ""
    mended = config.set_all(fix)
    changed = [path for path in fix if mended.get(path) != config.get(path)]
    return ", ".join(_said(mended, path) for path in changed)


def _said(config: Config, path: str) -> str:
    parent, _, name = path.rpartition(".")
    section, value = config.get(parent), config.get(path)
    if name == "kind":
        return f"{parent.replace('_', ' ')}: {section.label}"
    label = hints_of(type(section).model_fields[name]).label or name.replace("_", " ").capitalize()
    return f"{label[:1].lower() + label[1:]} {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "; ".join(part.label if isinstance(part, Section) else typed(part) for part in value) or "empty"
    return typed(value) if isinstance(value, int | float) else str(value) or "none"
