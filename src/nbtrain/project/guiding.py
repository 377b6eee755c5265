"""A guided start: one draft from the task over data sets and classes to a configuration, and an experiment at its end.

    guide = project.guide()
    guide.use("cats")
    guide.use("dogs", project="../other")
    guide.preset("quick")
    guide.create(train=True)

Steps can be filled in any order; each says by itself what it lacks. Nothing is written before :meth:`Guide.create`, and
where that fails nothing stays. The draft is the project's and lives with the kernel. It knows no widgets; choosing and
merging data is gathering.py's, looking at it all reviewing.py's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import files, presets
from nbtrain.config import Config, Facts
from nbtrain.data.records import counted
from nbtrain.data.splits import Split
from nbtrain.errors import ConfigError, NbtrainError, Problem
from nbtrain.escaping import line
from nbtrain.project import card, drafts, naming, readiness
from nbtrain.project.dataset_file import DataSet, Origin
from nbtrain.project.gathering import Gathered, Gathering
from nbtrain.project.rows import by_path
from nbtrain.schema import Field
from nbtrain.schema.fields import summary_of
from nbtrain.schema.section import unknown
from nbtrain.training.tasks import Task

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment
    from nbtrain.project.project import Project
    from nbtrain.project.reviewing import Review

STEPS = ("task", "data", "classes", "configuration", "review")
ONE_LABEL = "classification"
"""The kind of task that can only use images with exactly one label."""
MAIN_FIELDS = (
    *("model.kind", "model.variant", "model.pretrained", "task.image_size"),
    *("training.epochs", "training.batch_size", "data.val_ratio", "data.test_ratio"),
)
"""Paths that matter most; all others stay as preset and defaults have them until the experiment's own form."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the guide: what it has come to, and what it lacks."""

    key: str
    summary: str
    missing: tuple[Problem, ...] = ()

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.key.capitalize()

    @property
    def complete(self) -> bool:
        """Whether it lacks nothing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class TaskOffer:
    """A kind of task, and in one line what it means."""

    kind: str
    label: str
    about: str


class Guide(Gathering):
    """The draft of an experiment, step by step; made by :meth:`Project.guide`."""

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self.experiment: Experiment | None = None
        """What it has made."""
        self._forget()

    def __repr__(self) -> str:
        done = self.experiment
        told = f"made {done.name!r}" if done else "; ".join(f"{s.key}: {s.summary}" for s in self.steps[:-1])
        return line(f"Guide({told})")

    def _forget(self) -> None:
        self._made_s = time.time()
        self._task, self._preset, self._name = "", "", ""
        self._values: dict[str, Any] = {}
        self._split: tuple[Any, Split | None] = (None, None)

    # -- task ---------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> list[TaskOffer]:
        """What can be learned, each with what it means."""
        return [
            TaskOffer(kind, task.label, f"{summary_of(task)} Judged by {task.monitor.replace('map', 'mAP')} first.")
            for kind, task in Task.kinds().items()
        ]

    @property
    def task(self) -> str:
        """The kind of task: what was chosen, else multilabel where images carry several labels, else the project's."""
        usual = self._start().task.kind
        if self._task or usual != ONE_LABEL or self._leave_out:
            return self._task or usual
        seen = self.looked
        several = seen is not None and seen.counts is not None and seen.counts.listing.multilabel
        return "multilabel" if several else usual

    @task.setter
    def task(self, kind: str) -> None:
        if kind not in Task.kinds():
            raise ConfigError([unknown("task.kind", str(kind), list(Task.kinds()))])
        with self._guard:
            self._task = kind
            self._change()

    def _needs_one_label(self) -> bool:
        return self.task == ONE_LABEL

    # -- configuration ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The experiment's name: what was given, else one that says what is configured."""
        taken = {experiment.name for experiment in self.project.cards}
        return self._name or naming.generated(self.config, self._made_s, taken)

    @name.setter
    def name(self, name: str) -> None:
        with self._guard:
            self._name = card.clean_name(name) if name.strip() else ""
            self._change(data=False)

    @property
    def preset_key(self) -> str:
        """Key of the preset that lies below the values that were set; "" for none."""
        return self._preset

    def preset(self, key: str) -> None:
        """Lay a preset below the values that were set, in place of any other; "" takes it away. Raises ConfigError."""
        found = presets.preset(key, self.config).key if key else ""
        with self._guard:
            self._preset = found
            self._change(data=False)

    def set(self, path: str, value: Any) -> None:
        """Set one configuration value; raises ConfigError for what is not allowed, and changes nothing then."""
        if path == "task.kind":
            self.task = value
            return
        if path == "data.dataset":
            raise ConfigError([Problem(path, "the guide chooses data sets with use().", "guide.use(name)")])
        self.config.set(path, value)
        with self._guard:
            kept = {p: v for p, v in self._values.items() if p != path and not _below(p, path)}
            self._values = {**kept, path: value}
            self._change(data=False)

    def unset(self, path: str) -> None:
        """Take a value as preset and defaults have it."""
        with self._guard:
            self._values = {p: v for p, v in self._values.items() if p != path and not _below(p, path)}
            self._change(data=False)

    @property
    def values(self) -> Mapping[str, Any]:
        """The values that were set here, by path."""
        return dict(self._values)

    @property
    def defaults(self) -> Config:
        """The configuration that a new experiment of this task would start from."""
        config = self._start()
        kind = Task.kinds()[self.task]
        if config.task.kind != self.task:
            config = config.set_all({"task.kind": self.task, "loss.kind": kind.loss})
        return config.set("data.dataset", self.data_name if self._chosen else "")

    @property
    def config(self) -> Config:
        """The whole configuration: defaults, preset, and what was set; what no longer applies is left out."""
        config = self.defaults
        if self._preset in [one.key for one in presets.presets_for(config)]:
            config = presets.preset(self._preset, config).on(config)
        for path in sorted(self._values, key=lambda path: not path.endswith(".kind")):
            with suppress(ConfigError):  # a field that another task or model does not have waits until it is back
                config = config.set(path, self._values[path])
        return config

    @property
    def main_fields(self) -> list[Field]:
        """The fields that matter most, as the present configuration has them."""
        known = by_path(self.config)
        own = self.looked
        split = own is not None and own.merged is not None and own.merged.found.listing.own_split is not None
        paths = [path for path in MAIN_FIELDS if path in known and known[path].shown]
        return [known[path] for path in paths if not (split and path.startswith("data."))]

    def _start(self) -> Config:
        return self.project.start_config()

    # -- steps --------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> list[Step]:
        """Every step with what it has come to and what it lacks; looks at the chosen data where nobody has yet."""
        return self.steps_of(self.look())

    def steps_of(self, gathered: Gathered) -> list[Step]:
        """Return every step, with the data as ``gathered``."""
        missing = [*self.data_problems(gathered), *self._config_problems(gathered)]
        of = {key: tuple(p for p in missing if p.path == key) for key in STEPS}
        counts, preset = gathered.counts, self._preset
        named = [one.label for one in presets.PRESETS if one.key == preset]
        summaries = {
            "task": Task.kinds()[self.task].label,
            "data": " + ".join(piece.name for piece in gathered.pieces) or "nothing chosen",
            "classes": f"{len(counts.listing.classes)} in {counted(len(counts.listing), 'image', 'images')}"
            if counts
            else "",
            "configuration": ", ".join([*named, f"{len(self._values)} set here"] if self._values else named)
            or "defaults",
            "review": "ready" if not missing else f"{len(missing)} to do",
        }
        unready = [
            Problem("review", f"{key.capitalize()} is not complete.", "Go back to it.") for key in STEPS if of[key]
        ]
        of["review"] = tuple(unready)
        return [Step(key, summaries[key], of[key]) for key in STEPS]

    @property
    def missing(self) -> list[Problem]:
        """All that keeps the experiment from being made; the path of each is the step that mends it."""
        gathered = self.look()
        return [*self.data_problems(gathered), *self._config_problems(gathered)]

    def _config_problems(self, gathered: Gathered) -> list[Problem]:
        """Return what the configuration's own rules say, for the step that mends it; the data has its own words."""
        config, told = self.config, list[Problem]()
        for problem in [*config.check(self.facts(gathered)), *readiness.problems(self.project.path, config)]:
            if problem.path in ("data.dataset", "task.kind"):
                continue  # said by the steps of data and classes
            label = by_path(config)[problem.path].label if problem.path in by_path(config) else problem.path
            told.append(Problem("configuration", f"{label}: {problem.message}", problem.advice))
        if config.data.split and gathered.counts and self.split_of(gathered) is None:
            known = f"Set data.split to nothing, or use one data set of this project: {config.data.dataset!r} is none."
            told.append(Problem("configuration", f"the split {config.data.split!r} does not fit the data.", known))
        return told

    def facts(self, gathered: Gathered) -> Facts:
        """Return what the configuration's rules want to know of the data."""
        counts = gathered.counts
        if counts is None:
            return Facts()
        split = self.split_of(gathered)
        n = {name: len(files) for name, files in split.files.items()} if split else {}
        several = counts.listing.multilabel
        n_train, n_val = (n.get("train", 0), n.get("val", 0)) if split else (None, None)
        return Facts(n_train, len(counts.listing.classes), several, n_val)

    def split_of(self, gathered: Gathered) -> Split | None:
        """Return which images would train, validate and test, those that are left out aside; None where none can."""
        counts, merged, data = gathered.counts, gathered.merged, self.config.data
        if counts is None or merged is None:
            return None
        key = (id(counts), data.split, data.val_ratio, data.test_ratio, data.split_seed)
        if self._split[0] != key:
            self._split = (key, self._drawn(gathered))
        return self._split[1]

    def _drawn(self, gathered: Gathered) -> Split | None:
        data, counts, merged = self.config.data, gathered.counts, gathered.merged
        assert counts is not None
        assert merged is not None
        try:
            found = self.project.data.split(data) if self.as_it_is else None
            if found is None and data.split:
                return None
            shares = {"val_ratio": data.val_ratio, "test_ratio": data.test_ratio, "seed": data.split_seed}
            found = found or merged.found.split(**shares, name="draft")  # type: ignore[arg-type]
        except NbtrainError:
            return None
        there = {record.file for record in counts.listing.records}
        used = {name: tuple(file for file in files if file in there) for name, files in found.files.items()}
        return Split(found.name, found.seed, used)

    # -- the end ------------------------------------------------------------------------------------------------

    @property
    def touched(self) -> bool:
        """Whether anything was chosen that discarding would lose."""
        mine = (self._task, self._preset, self._name, self._values, self._edits, self._leave_out, self._data_name)
        return any(mine) or self._chosen != self._first_choice

    def discard(self) -> None:
        """Begin anew: nothing is chosen any more."""
        with self._guard:
            self._forget_data()
            self._forget()
            self._change()

    def review(self) -> Review:
        """Return the whole draft to look through: configuration, data, advice, what is missing."""
        from nbtrain.project import reviewing

        return reviewing.review(self)

    def create(self, *, train: bool = False, beside: bool = False, queue: bool = False) -> Experiment:
        """Make the data set where one has to be made, and the experiment, saved; ``train`` also starts it.

        ``beside`` and ``queue`` are as for ``Experiment.train``. Raises ConfigError naming every step that is not
        complete, and whatever keeps it from being written; nothing of it stays then.
        """
        with self._guard:
            self._change()  # refused where it has made one
            self.look(again=True)
            missing = self.missing
            if missing:
                raise ConfigError([Problem(f"step {p.path}", p.message, p.advice) for p in missing])
            made = self._made()
            self.experiment = made
        self.changed += 1
        return made.train(beside=beside, queue=queue) if train else made

    def _made(self) -> Experiment:
        project, existed = self.project, self.project.exists
        name, config = self.name, self.config
        data: DataSet | None = None
        experiment: Experiment | None = None
        with project.lock:
            try:
                project.save()
                if not self.as_it_is:
                    merged = self.look().merged
                    assert merged is not None
                    data = project.data.make(self.data_name, merged, self._origins())
                with project.hold_trait_notifications():  # whoever follows the list sees it once, saved
                    experiment = project.new(name, config)
                    experiment.save()
            except BaseException:
                _take_back(project, existed, data, experiment)
                raise
            project.data_changed()
            return experiment

    def _origins(self) -> tuple[Origin, ...]:
        return tuple(origin for choice in self._chosen for origin in self._offers.origins(choice))


def _below(path: str, kind: str) -> bool:
    """Return whether a value that was set belongs to a kind that is being chosen anew."""
    return kind.endswith(".kind") and path.startswith(kind.removesuffix("kind"))


def _take_back(project: Project, existed: bool, data: DataSet | None, experiment: Experiment | None) -> None:
    """Remove what was made for an experiment that could not be made."""
    if experiment is not None:
        project.forget(experiment)
        experiment.close()
        for folder in (project.path / "experiments").glob(f"*-{experiment.id}"):
            for sign in (card.FILE, card.DRAFT):
                with suppress(OSError):
                    files.remove_tree(folder, sign)
            _empty(folder)
    if data is not None:
        project.data.take_back(data.file)
    if not existed:
        with suppress(OSError):
            for name in (files.PROJECT, drafts.LOCK):
                files.remove(project.path / name)
            for name in ("datasets", "experiments", "."):
                _empty(project.path / name)
    project.data_changed()


def _empty(folder: Path) -> None:
    with suppress(OSError):
        files.remove_empty(folder)
