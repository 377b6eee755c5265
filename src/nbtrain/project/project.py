"""A project: a folder with data sets, splits and experiments, as an object.

Opening a folder that is not there yet makes nothing; the first experiment or save does. All experiments of a project
share its lock and the kernel's one watch thread. It knows the folder's layout; it does not know widgets, and never
imports torch.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from traitlets import Dict, HasTraits, Instance, List, Unicode

from nbtrain import files
from nbtrain.config import Config, Facts, Known
from nbtrain.data.edit_log import stat_of
from nbtrain.data.sources import Source, code_of
from nbtrain.errors import AddressError, DataError, NbtrainError, Problem, ProjectError
from nbtrain.processes import without_collecting
from nbtrain.project import card, defaults, drafts, naming, readiness, recent
from nbtrain.project.card import Card
from nbtrain.project.comparing import Comparison
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.datasets import DataSets
from nbtrain.project.editing import Editable
from nbtrain.project.experiment import Experiment
from nbtrain.project.finding import matches
from nbtrain.project.guiding import Guide
from nbtrain.project.preparing import Preparation
from nbtrain.project.queue import LOOK_S, ProjectQueue
from nbtrain.project.scanning import Scan
from nbtrain.runs import launch
from nbtrain.runs.watch import Watch, kernel_watch
from nbtrain.schema import Choice, Format
from nbtrain.training.tasks import MultiLabel

FORMAT = Format("project file")
FILE = files.PROJECT
DEFAULT_PATH = "nbtrain-project"
_UNREADY_LOOK_S = 2.0
_EMPTY: dict[str, Any] = {"name": "", "description": "", "defaults": {}}
_KEEP_S = 2.0
"""How often a draft that could not be written is tried again."""


class Project(HasTraits):
    """A project folder. ``cards`` is the observable list of its experiments, newest first."""

    name = Unicode(help="Name for people.")
    description = Unicode(help="What this project is about.")
    defaults = Dict(help="Configuration values, by path, that new experiments start from.")
    cards = List(Instance(Experiment), help="All experiments, newest first.")
    notices = List(Unicode(), help="What could not be read, and why.")

    def __init__(self, path: str | Path = DEFAULT_PATH) -> None:
        """Open the project at ``path``, or prepare a new one; raises ProjectError for a folder of other things."""
        super().__init__()
        self.path = Path(path).expanduser().absolute()
        self.lock, self._adding = threading.RLock(), threading.Lock()
        self.data = DataSets(self.path)
        self._scans: dict[str, Scan] = {}
        self._sized: dict[Any, tuple[dict[str, int], str]] = {}
        self._hashes: dict[Any, str] = {}
        self._guide: Guide | None = None
        self._unkept: set[Editable] = set()
        """Experiments whose drafts could not be written."""
        self._saved: dict[str, Any] = {}
        self.queue = ProjectQueue(self)
        self._read_project()
        with without_collecting():
            shelf = self._opened()
        if self.exists:
            recent.note(self.path)
        self._followed = (
            shelf,
            self.watch.every(LOOK_S, self.queue.look),
            self.watch.every(_KEEP_S, self._keep_drafts),
            self.watch.every(_UNREADY_LOOK_S, self._look_at_unready),
        )

    def _opened(self) -> int:
        """Follow the experiments, and list those that are there; return the token of what follows them."""
        shelf = self.watch.follow_experiments(self.path / "experiments", self._changed)  # first, so nothing is missed
        try:
            self.refresh()
        except BaseException:
            self.watch.unfollow(shelf)
            raise
        self.queue.look()  # at once: a command may be over before the watch thread comes to it
        return shelf

    def __repr__(self) -> str:
        return f"Project({str(self.path)!r}, {len(self.cards)} experiments)"

    @property
    def watch(self) -> Watch:
        """The kernel's one watch thread."""
        return kernel_watch()

    @property
    def exists(self) -> bool:
        """Whether the project is on disk yet."""
        return (self.path / FILE).exists()

    @property
    def task(self) -> str:
        """The kind of task that new experiments start with."""
        return self.new_config().task.kind

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names of the project's first data set."""
        found = self.data.all()
        return found[0].classes if found else ()

    # -- experiments --------------------------------------------------------------------------------------------

    def new(
        self, name: str | None = None, config: Config | None = None, *, tags: Sequence[str] = (), on_disk: bool = True
    ) -> Experiment:
        """Return a new experiment in the list, which is on disk at once as a draft, and the project with it.

        Without ``on_disk`` it is there with its first edit.
        """
        with self.lock:
            chosen, made_s = config or self.new_config(), time.time()
            given = name or naming.generated(chosen, made_s, {experiment.name for experiment in self.cards})
            fresh = Card(files.new_id(), card.clean_name(given), "", tuple(tags), chosen, made_s)
            made = Experiment(self, fresh, generated=not name)
            self.cards = [made, *self.cards]
            if on_disk:
                made.keep()
            return made

    def new_config(self) -> Config:
        """Return what a new experiment starts from: the user's defaults, the project's, and its only data set."""
        config = self.start_config()
        found = self.data.all()
        if len(found) == 1 and not config.data.dataset:
            config = config.set("data.dataset", found[0].name)
            if found[0].multilabel and config.task.kind == "classification":
                config = config.set_all({"task.kind": "multilabel", "loss.kind": MultiLabel.loss})
        return config

    def start_config(self) -> Config:
        """Return the user's defaults with the project's over them, whatever data sets there are."""
        return defaults.laid_over(self._user_start(), self.defaults, FILE)

    def guide(self) -> Guide:
        """Return the draft of a guided start: one at a time, kept until its experiment is made."""
        with self.lock:
            if self._guide is None or self._guide.experiment is not None:
                self._guide = Guide(self)
            return self._guide

    def _user_start(self) -> Config:
        """A person's own defaults that cannot be used are told, and keep nobody from working."""
        try:
            return defaults.user_start()
        except NbtrainError as error:
            self.notice(str(error))
            return Config()

    def experiments(
        self, *, status: str | None = None, task: str | None = None, tag: str | None = None, find: str = ""
    ) -> list[Experiment]:
        """Return the experiments, newest first, filtered by status word, kind of task, tag, or words to ``find``.

        Words stand in name, description, tags or status; ``tag:x`` means a tag.
        """
        return [
            found
            for found in self.cards
            if (status is None or found.status == status)
            and (task is None or found.config.task.kind == task)
            and (tag is None or tag in found.tags)
            and matches(find, tags=found.tags, words=(found.name, found.description, found.status))
        ]

    def compare(self, *addresses: str | Experiment) -> Comparison:
        """Return experiments side by side, by id, name or themselves: what they reached, and where settings differ."""
        return Comparison([one if isinstance(one, Experiment) else self.experiment(one) for one in addresses])

    def tags(self) -> list[str]:
        """Return every tag of the project's experiments, the most used first."""
        used = Counter(tag for experiment in self.cards for tag in experiment.tags)
        return sorted(used, key=lambda tag: (-used[tag], tag.lower()))

    def experiment(self, address: str) -> Experiment:
        """Return the experiment with this id or name; raises AddressError where none, or several, answer to it."""
        cards: list[Experiment] = self.cards
        found = [e for e in cards if e.id == address] or [e for e in cards if e.name == address]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(e.id for e in found)
            raise AddressError(f"{len(found)} experiments share this name", value=address, advice=f"Use an id: {ids}.")
        names = ", ".join(f"{e.name!r} ({e.id})" for e in self.cards[:8]) or "none yet"
        raise AddressError("there is no such experiment", value=address, advice=f"There are: {names}.")

    def trash(self, path: Path) -> Path:
        """Move a folder of this project into its trash; return where it lies now. Raises ProjectError."""
        try:
            return files.move_to_trash(path, self.path / "trash")
        except ProjectError:  # in words already
            raise
        except OSError as error:
            what = f"nothing was moved to the trash: {error.strerror or error}"
            raise ProjectError(what, value=str(path), advice="Choose a project folder that you may write to.") from None

    def forget(self, experiment: Experiment) -> None:
        """Take an experiment off the list; :meth:`Experiment.delete` calls it."""
        self.cards = [e for e in self.cards if e is not experiment]

    # -- data ---------------------------------------------------------------------------------------------------

    def datasets(self) -> list[DataSet]:
        """Return the project's data sets."""
        return self.data.all()

    def dataset(self, name: str = "") -> LiveDataSet:
        """Return the data set called ``name``, or the only one, to look at and to edit; raises DataError."""
        names = [name] if name else self.data.names()
        if len(names) > 1:
            advice = f"Name one of: {', '.join(names)}."
            raise DataError("this project has several data sets", value=len(names), advice=advice)
        return LiveDataSet(self, self.data.get(names[0] if names else "").name)

    def add_images(self, path: str | Path | Source | DataSet | LiveDataSet, name: str = "") -> DataSet:
        """Add the images at ``path`` (a folder, a table, or a source) as a data set; they stay where they are.

        A data set of another project (``other.dataset("cats")``) is copied with its classes and edits; what lies inside
        an archive is unpacked into the project. Raises DataError saying what is wrong with the images and where, and
        AskError where they may be meant in several ways: add the ``source`` of one of its ``readings``.
        """
        given = path.value if isinstance(path, LiveDataSet) else path
        given = given if isinstance(given, DataSet) else self.prepare(given).result()
        with self._adding:  # and not the lock: to list a million images takes a while, and panels go on drawing
            self.save()
            made = self.data.copy(given, name) if isinstance(given, DataSet) else self.data.add(given, name)
        with self.lock:
            for experiment in self.cards:
                if not experiment.config.data.dataset and experiment.status == "created":
                    experiment.set("data.dataset", made.name)
            self.data_changed()
            return made

    def prepare(self, path: str | Path | Source) -> Preparation:
        """Make what lies at ``path`` ready to be added, and return at once: :class:`Preparation` says how far it is.

        Archives and tables with images inside are unpacked in a process of their own, and an own Dataset runs there.
        """
        return Preparation(self, path)

    def data_changed(self) -> None:
        """Let everything that is drawn from data sets and splits be looked at again."""
        with self.lock:
            self._sized.clear()
            self._hashes.clear()
            for experiment in self.cards:
                experiment.look()

    def scan(self, name: str = "", *, start: bool = True) -> Scan:
        """Open every image of a data set once, in a process of its own, and return the scan at once.

        ``name`` may be left out where there is one data set. Only files that have changed since the last scan are
        looked at. Without ``start`` it is the scan as it stands: what is under way, and what the last one has found.
        """
        found = self.dataset(name)
        with self.lock:
            scan = self._scans.setdefault(found.name, Scan(self, found.name))
        if start:
            scan.start()
        return scan

    def choices(self) -> dict[str, tuple[Choice, ...]]:
        """Return, by path, the values that only this project can name: its data sets and its splits."""
        sets = tuple(Choice(d.name, d.name, f"{d.n_images} images, {len(d.classes)} classes") for d in self.data.all())
        splits = tuple(Choice(name, name) for name in self.data.split_names())
        return {"data.dataset": sets, "data.split": (Choice("", "by the shares below"), *splits)}

    def facts(self, config: Config) -> Facts:
        """Return what is known of the data that ``config`` names, from the data set's file alone."""
        try:
            found = self.data.get(config.data.dataset)
        except DataError:
            return Facts()
        sizes = self._sizes(config, found)
        return Facts(sizes["train"], len(found.classes), found.multilabel, sizes.get("val"))

    def data_problems(self, config: Config) -> list[Problem]:
        """Return what is wrong with the data set that ``config`` names."""
        if not config.data.dataset:
            return []
        try:
            found = self.data.get(config.data.dataset)
        except DataError as error:
            return [Problem("data.dataset", f"{error.what} (got {config.data.dataset!r}).", error.advice)]
        split = config.data.split
        if split and not self.data.where(config.data)[1].exists():
            known = ", ".join(self.data.split_names()[:10]) or "none yet"
            return [Problem("data.split", f"there is no such split (got {split!r}).", f"There are: {known}.")]
        broken = self._look_at_split(config, found)[1]
        return [Problem("data.split", broken)] if broken else []

    def unready(self, config: Config, but: Path | None = None) -> list[Problem]:
        """Return what a run of ``config`` needs of the world and would not find; ``but`` is its experiment's folder."""
        found = readiness.problems(self.path, config, but)
        with contextlib.suppress(DataError):  # a data set that is not there is told by data_problems()
            found += readiness.source_problems(self.data.get(config.data.dataset))
        return found

    def data_info(self, config: Config) -> dict[str, Any]:
        """Return what a panel shows of the data: name, classes with counts, and images by set."""
        try:
            found = self.data.get(config.data.dataset)
        except DataError:
            return {}
        classes = [[name, count] for name, count in zip(found.classes, found.counts, strict=True)]
        where: dict[str, Any] = {"name": found.name, "path": found.path, "root": found.root, "hash": found.hash}
        where |= {"version": found.version, "n_images": found.n_images, "paths": [p.source.path for p in found.parts]}
        where["sources"] = [code_of(part.source) for part in found.parts]
        return {**where, "classes": classes, "notices": list(found.notices), **self._sizes(config, found)}

    def split_hash(self, config: Config) -> str:
        """Return the hash of the split that ``config`` names or would make; empty where it is not on disk yet."""
        try:
            key = self._split_key(config, self.data.get(config.data.dataset))
            if key not in self._hashes:
                split = self.data.split(config.data)
                self._hashes |= {key: split.hash} if split else {}
        except NbtrainError:
            return ""
        return self._hashes.get(key, "")

    def _sizes(self, config: Config, found: DataSet) -> dict[str, int]:
        """Images by set: counted where the split is made, foreseen before that."""
        return self._look_at_split(config, found)[0]

    def _look_at_split(self, config: Config, found: DataSet) -> tuple[dict[str, int], str]:
        """Return the sizes of the sets, and what is wrong with the file of the split; each file is read once."""
        key = (*self._split_key(config, found), stat_of(self.data.where(config.data)[1]))
        if key not in self._sized:
            self._sized[key] = self.data.sizes(config.data), self.data.broken_split(config.data)
        return self._sized[key]

    def _split_key(self, config: Config, found: DataSet) -> tuple[Any, ...]:
        data = config.data
        return (data.split, data.val_ratio, data.test_ratio, data.split_seed, found.hash)

    # -- disk ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Make the project's folder, or write its name, description and defaults; raises ProjectError."""
        plain = {"name": self.name, "description": self.description, "defaults": self.defaults}
        if self.exists and plain == self._saved:
            return
        try:
            files.make_folder(self.path)
            files.write_json(self.path / FILE, FORMAT.mark(plain))
        except OSError as error:
            what = f"the project could not be written: {error.strerror or error}"
            raise ProjectError(what, value=str(self.path), advice="Choose a folder that you may write to.") from None
        self._saved = plain
        recent.note(self.path)

    def refresh(self) -> None:
        """Look at the disk for experiments, runs and edits that somebody else has made."""
        here = {e.folder for e in self.cards if e.folder}
        self._changed([*card.folders(self.path), *(folder for folder in here if not folder.exists())])

    def warm_up(self) -> None:
        """Have a warm process soon, so that the next training starts within a second; returns at once."""
        launch.ensure_warm()

    def close(self) -> None:
        """Stop looking at this project; its runs go on."""
        for token in self._followed:
            self.watch.unfollow(token)
        for experiment in self.cards:
            experiment.close()

    def _changed(self, folders: Sequence[Path]) -> None:
        """Take in what happened to these experiment folders; called on the watch thread too."""
        with self.lock:
            known = {e.folder: e for e in self.cards if e.folder}
            sections: Known = {}
            gone = {known[f] for f in folders if f in known and not card.is_experiment(f)}
            with without_collecting():
                fresh = [e for f in folders if f not in known and (e := self._open(f, sections)) is not None]
            for folder in folders:
                if folder in known and known[folder] not in gone:
                    known[folder].refresh()
            if gone or fresh:
                listed = [e for e in [*self.cards, *fresh] if e not in gone]
                self.cards = sorted(listed, key=lambda e: -e.created_s)

    def _look_at_unready(self) -> None:
        """See whether what experiments lacked is there by now: a file, a device, a package."""
        for experiment in self.cards:
            if experiment.unready and experiment.status == "created":
                experiment.look()

    def _open(self, folder: Path, sections: Known) -> Experiment | None:
        if not card.is_experiment(folder):
            return None
        try:
            found, draft = drafts.opened(folder, sections, self.notice)
            return Experiment(self, found, draft=draft)
        except NbtrainError as error:
            self.notice(str(error))
            return None

    def keep_later(self, experiment: Editable) -> None:
        """Try again to put an experiment's draft on disk, until it is there."""
        self._unkept.add(experiment)

    def _keep_drafts(self) -> None:
        for experiment in tuple(self._unkept):
            self._unkept.discard(experiment)
            experiment.keep()

    def notice(self, text: str) -> None:
        """Tell whoever looks at the project, once."""
        if text not in self.notices:
            self.notices = [*self.notices, text]

    def _read_project(self) -> None:
        self.name = self.path.name
        if self.path.exists() and not self.path.is_dir():
            raise ProjectError("a project is a folder, and this is a file", value=str(self.path))
        if not self.exists:
            return self._refuse_foreign()
        where = self.path / FILE
        types = {name: type(value) for name, value in _EMPTY.items()}
        plain = FORMAT.check_types({**_EMPTY, **FORMAT.read(files.read_json(where), where)}, types, where)
        self.name, self.description = plain["name"] or self.path.name, plain["description"]
        self.defaults = plain["defaults"]
        self._saved = {"name": self.name, "description": self.description, "defaults": self.defaults}
        return None

    def _refuse_foreign(self) -> None:
        others = [e for e in os.listdir(self.path) if not e.startswith(".")] if self.path.exists() else []
        if others:
            what = f"this folder is no nbtrain project and holds other things, such as {others[0]!r}"
            advice = "Give a new folder for the project; images are added to it with add_images(), where they lie."
            raise ProjectError(what, value=str(self.path), advice=advice)
