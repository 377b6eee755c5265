"""What a person edits of an experiment: name, description, tags and configuration, with undo, and how they reach disk.

Nothing illegal ever gets into ``config``, and nothing that somebody else has written is overwritten unasked: a file
that was changed outside is taken over, joined with the edits here, or kept apart as ``outside`` until somebody
decides. This file knows cards and the project; it does not know runs, and never imports torch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from traitlets import Bool, Dict, HasTraits, Instance, List, Unicode, default, observe, validate

from nbtrain import presets
from nbtrain.config import Config
from nbtrain.errors import Problem, ProjectError, StatusError
from nbtrain.project import defaults, naming, outside, previewing
from nbtrain.project.card import Card, clean_name
from nbtrain.project.edits import Edits
from nbtrain.project.outside import Outside
from nbtrain.project.previewing import ModelInput
from nbtrain.project.script import script
from nbtrain.schema import Difference, differences

if TYPE_CHECKING:
    from nbtrain.project.project import Project

MAX_TAG, MAX_DESCRIPTION = 100, 20_000


class Editable(HasTraits):
    """The half of an experiment that a person writes; its runs are the other half (experiment.py)."""

    id = Unicode(help="Short id that never changes.")
    name = Unicode(help="Name for people; any text up to 500 characters.")
    description = Unicode(help="What this experiment is about.")
    tags = List(Unicode(), help="Words to find it by.")
    config = Instance(Config, help="The configuration as edited; fixed once a run has started.")
    dirty = Bool(False, help="Whether there is something that is not on disk.")
    edited = Bool(False, help="Whether a person has changed something since it was saved, or made.")
    can_undo = Bool(False, help="Whether undo() has an edit to take back.")
    can_redo = Bool(False, help="Whether redo() has an edit to bring back.")
    outside = Instance(Outside, allow_none=True, help="A change of its file that was not taken over; None mostly.")
    problems: Any = List(help="What keeps it from training: path, message and advice of each.")
    data_info = Dict(help="Data set, images by split, classes with their counts.")
    status = Unicode("created", help="Word of spec §1: created, pending, preparing, training, completed, …")

    project: Project

    def __init__(self, project: Project, card: Card, *, generated: bool = False) -> None:
        super().__init__()
        self.project = project
        self.edits = Edits()
        self._generated = card.name if generated else ""
        self._join = ""
        self._moving = False
        self._taking = False
        self._opening = card.folder is not None
        """Whether it is being read from disk: nothing has been edited, and what is wrong is found when asked for."""
        self._take(card, card)

    # -- edits --------------------------------------------------------------------------------------------------

    def set(self, path: str, value: Any, *, join: str = "") -> None:
        """Set one configuration value; raises ConfigError (the old one stays) or StatusError once it has been trained.

        Setting ``<section>.kind`` brings back what that kind's fields held before, or its defaults. Several in a row
        with the same ``join`` are one edit for :meth:`undo`.
        """
        with self.project.lock:
            parent, _, name = path.rpartition(".")
            held = self.edits.held(parent, value) if name == "kind" else None
            if value == "auto":
                self.edits.switched_to_auto(path, self.config.get(path))
            changed = self.config.set(path, value) if held is None else self.config.set(parent, held)
            self._join = join
            try:
                self.config = changed
            finally:
                self._join = ""

    def undo(self) -> bool:
        """Take back the newest edit of the configuration; return whether there was one."""
        return self._move(self.edits.can_undo, self.edits.undo)

    def redo(self) -> bool:
        """Bring back the edit that was taken back last; return whether there was one."""
        return self._move(self.edits.can_redo, self.edits.redo)

    def revert(self) -> None:
        """Drop the edits since the last save; undo() brings those of the configuration back."""
        with self.project.lock:
            self._take(self._card, self._card)

    def preset(self, key: str) -> None:
        """Lay a preset over the configuration: quick, baseline, strong or small; undo() takes it back.

        Raises ConfigError naming those there are for this task.
        """
        with self.project.lock:
            self.config = presets.preset(key, self.config).on(self.config)

    def diff(self, other: Editable | Config) -> list[Difference]:
        """Return every path at which the configurations differ: path, value here, value there."""
        return differences(self.config, other if isinstance(other, Config) else other.config)

    def use_as_defaults(self, where: Literal["project", "user"] = "project") -> None:
        """Let new experiments start like this one: those of this project, or all of this person (in a file)."""
        if where == "user":
            defaults.save_for_user(self.config)
            return
        with self.project.lock:
            self.project.defaults = defaults.for_project(self.config)
            self.project.save()

    def annotate(
        self, *, name: str | None = None, description: str | None = None, tags: Iterable[str] | None = None
    ) -> None:
        """Change name, description or tags, at any time; on disk at once where the experiment has been saved before.

        Its folder keeps its name. Raises ProjectError for a name without a visible character.
        """
        changes: dict[str, Any] = {} if name is None else {"name": clean_name(name)}
        changes |= {} if description is None else {"description": str(description)[:MAX_DESCRIPTION].strip()}
        changes |= {} if tags is None else {"tags": clean_tags(tags)}
        with self.project.lock:
            if self.folder:
                kept = {name: tuple(value) if name == "tags" else value for name, value in changes.items()}
                self._put(self._card.replaced(**kept))
            self._hold(changes)

    def rename(self, name: str) -> None:
        """Give it another name, on disk at once where it has been saved before; its folder keeps its name."""
        self.annotate(name=name)

    # -- disk ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write name, description, tags and configuration to disk, whole or not at all; raises ProjectError."""
        with self.project.lock:
            self._write(self._mine())

    def keep_mine(self) -> None:
        """Write this version over the one that somebody else has put into the file."""
        with self.project.lock:
            self._write(self._mine(), over=True)

    def take_theirs(self) -> None:
        """Take over the file that somebody else has changed; undo() brings the configuration of here back."""
        with self.project.lock:
            if self.outside is None or self.outside.theirs is None:
                told = self.outside.reason if self.outside else "nobody else has changed its file"
                raise ProjectError("there is nothing to take over", value=self.name, advice=told)
            theirs, self.outside = self.outside.theirs, None
            self._take(theirs, theirs)

    def export_config(self, path: str | Path) -> Path:
        """Write the configuration to a file, as JSON or YAML by its ending; raises ProjectError."""
        from nbtrain.project import exchange

        return exchange.write(self.config, path)

    def import_config(self, path: str | Path) -> None:
        """Lay the configuration in a JSON or YAML file over this one; what the file does not name stays as it is.

        Raises ConfigError naming every failing path, and changes nothing then.
        """
        from nbtrain.project import exchange

        values = exchange.read(path)
        with self.project.lock:
            self.config = exchange.laid_over(self.config, values, str(path))

    def as_python(self) -> str:
        """Return a script that makes this experiment again, with the same configuration to the last value."""
        return script(
            self.config,
            name=self.name,
            tags=self.tags,
            description=self.description,
            project=str(self.project.path),
            sources=self.data_info.get("paths", ()),
        )

    def preview(
        self, split: Literal["train", "val", "test"] = "train", indices: Iterable[int] = range(8), epoch: int = 0
    ) -> list[ModelInput]:
        """Return what the model will get of some images of a split in ``epoch`` (from 0): numbers and pictures.

        They are made by the code that trains, in another process: the same numbers, bit for bit on the CPU. Raises
        DataError where an image cannot be read.
        """
        return previewing.preview(self, split, list(indices), epoch)

    @property
    def folder(self) -> Path | None:
        """The experiment's folder, None before the first save."""
        return self._card.folder

    @property
    def created_s(self) -> float:
        """Wall clock at which it was made, in seconds since 1970."""
        return self._card.created_s

    def look(self) -> None:
        """Compare the configuration with the project's data again, after that has changed."""
        with self.project.lock:
            self._look_at_edits()

    # -- inside -------------------------------------------------------------------------------------------------

    def _move(self, possible: bool, how: Any) -> bool:
        with self.project.lock:
            if not possible or self.status != "created":
                return False
            self._moving = True
            try:
                self.config = how(self.config)
            finally:
                self._moving = False
            return True

    def _mine(self) -> Card:
        edited = {"name": self.name, "description": self.description, "tags": tuple(self.tags)}
        return self._card.replaced(**edited, config=self.config)

    def _take(self, base: Card, mine: Card) -> None:
        """Hold ``mine``, with ``base`` as what stands on disk."""
        self._card = base
        edited = {"id": mine.id, "name": mine.name, "description": mine.description, "tags": list(mine.tags)}
        self._hold({**edited, "config": mine.config})

    def _hold(self, values: dict[str, Any]) -> None:
        """Set several traits and look at them once, when all are there."""
        if self._opening:
            self._fill(values)
            return
        self._taking = True
        try:
            with self.hold_trait_notifications():
                for name, value in values.items():
                    setattr(self, name, value)
        finally:
            self._taking = False
        self._look_at_edits()

    def _fill(self, values: Mapping[str, Any]) -> None:
        """Give traits what was read from disk, checked there; nobody observes yet, and a long list is made of these."""
        self._trait_values.update(values)

    def _write(self, card: Card, *, over: bool = False) -> None:
        self._put(card, over=over)
        self._look_at_edits()

    def _put(self, card: Card, *, over: bool = False) -> None:
        self._look_outside()
        if self.outside is not None and not over:
            told = self.outside.reason or "it holds other changes than the ones made here"
            advice = f"{told.rstrip('.')}. keep_mine() writes this version over it, take_theirs() takes the other one."
            raise ProjectError("its file was changed by somebody else meanwhile", value=self.name, advice=advice)
        self.project.save()
        self._card, self.outside = card.written(self.project.path / "experiments"), None

    def _look_outside(self) -> None:
        """Take in what somebody else has written into the file."""
        if self.folder is None:
            return
        found = outside.look(self._card, self._mine(), fixed=self.status != "created")
        if isinstance(found, tuple):
            self._take(*found)
        self.outside = found if isinstance(found, Outside) else None

    @validate("config")
    def _editable(self, proposal: Any) -> Config:
        config: Config = proposal["value"]
        if self.status != "created" and config not in (self.config, self._card.config):
            advice = "Duplicate it to change something, or restart it, which moves its results to the trash."
            raise StatusError("the configuration is fixed once it has been trained", value=self.status, advice=advice)
        return config

    @validate("name")
    def _named(self, proposal: Any) -> str:
        return clean_name(proposal["value"])

    @observe("name", "description", "tags", "config", "status")
    def _look_at_edits(self, change: Any = None) -> None:
        if change and change["name"] == "config" and isinstance(change["old"], Config) and not self._moving:
            self.edits.note(change["old"], change["new"], self._join)
        if self._taking or self._opening:  # four traits change at once; one look at the end is enough
            return
        self._follow_config_by_name()
        mine, card = self._mine(), self._card
        self.edited = mine != card.replaced(name=self.name if self._is_generated else card.name)
        self.dirty = card.folder is None or mine != card
        self.can_undo, self.can_redo = self.edits.can_undo, self.edits.can_redo
        self.problems, self.data_info = self._problems_now(), self._data_info_now()

    @default("problems")
    def _problems_now(self) -> list[dict[str, Any]]:
        return [{"path": p.path, "message": p.message, "advice": p.advice} for p in self._all_problems()]

    @default("data_info")
    def _data_info_now(self) -> dict[str, Any]:
        return self.project.data_info(self.config)

    @property
    def _is_generated(self) -> bool:
        return self.folder is None and self.name == self._generated

    def _follow_config_by_name(self) -> None:
        """A name that nobody has given says what is configured, until the experiment is saved under it."""
        if self._is_generated:
            others = {other.name for other in self.project.cards if other is not self}
            self._generated = naming.generated(self.config, self.created_s, others)
            if self.name != self._generated:
                self.name = self._generated

    def _all_problems(self) -> list[Problem]:
        return [*self.config.check(self.project.facts(self.config)), *self.project.data_problems(self.config)]


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as they are kept: one line each, without commas around words, no empty ones, each once."""
    plain = ("".join(" " if unicodedata.category(c).startswith("C") else c for c in str(tag)) for tag in tags)
    short = (" ".join(tag.split())[:MAX_TAG].strip() for tag in plain)
    return list(dict.fromkeys(tag for tag in short if tag))
