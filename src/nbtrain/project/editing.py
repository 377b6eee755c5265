"""What a person edits of an experiment: name, description, tags and configuration, with undo, and how they reach disk.

Nothing illegal ever gets into ``config``: what was typed and refused is kept as a text. Every edit is on disk at once,
in the draft; save() makes the draft the configuration. Nothing that somebody else has written is overwritten unasked:
an experiment.json that was changed outside is taken over, joined with the edits here, or kept apart as ``outside``
until somebody decides. The draft is one for all notebooks: each follows the edits of the others. This file knows cards,
drafts and the project; it does not know runs, and never imports torch.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from traitlets import Bool, Dict, HasTraits, Instance, List, Unicode, default, observe, validate

from nbtrain import files, presets
from nbtrain.config import Config
from nbtrain.errors import ConfigError, NbtrainError, Problem, ProjectError, StatusError
from nbtrain.project import defaults, drafts, naming, outside, previewing
from nbtrain.project.card import Card, clean_name
from nbtrain.project.drafts import Draft
from nbtrain.project.edits import Edits, State
from nbtrain.project.outside import Outside
from nbtrain.project.previewing import ModelInput
from nbtrain.project.script import script
from nbtrain.schema import Difference, changes, differences

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
    refused = Dict(help="What was typed and is no legal value, by path: text, message and advice.")
    dirty = Bool(False, help="Whether there is something that is not saved.")
    edited = Bool(False, help="Whether a person has changed something since it was saved, or made.")
    unkept = Unicode(
        help="Why edits are only in memory, or what became of them beside another notebook's; empty mostly."
    )
    can_undo = Bool(False, help="Whether undo() has an edit to take back.")
    can_redo = Bool(False, help="Whether redo() has an edit to bring back.")
    outside = Instance(Outside, allow_none=True, help="A change of its file that was not taken over; None mostly.")
    problems: Any = List(help="What keeps it from training: path, message and advice of each.")
    data_info = Dict(help="Data set, images by split, classes with their counts.")
    status = Unicode("created", help="Word of spec §1: created, pending, preparing, training, completed, …")

    project: Project

    def __init__(self, project: Project, card: Card, *, generated: bool = False, draft: Draft | None = None) -> None:
        super().__init__()
        self.project = project
        self.edits = Edits()
        self.unready = False
        """Whether something of the world was missing when it was last looked at: a file, a device, a package."""
        self._generated = card.name if generated else ""
        self._named_for: Config | None = None
        """The configuration that the generated name speaks of."""
        self._draft, self._stamp = Draft(), drafts.NONE
        """What this kernel knows to stand in draft.json, and which version of the file that is."""
        self._foreign_draft = False
        """Whether that file is one that cannot be used, and is not to be overwritten."""
        self._moving = self._taking = self._deleted = False
        self._opening = card.folder is not None
        """Whether it is being read from disk: nothing has been edited, and what is wrong is found when asked for."""
        self._making = True
        """Whether it is not whole yet, and nothing of it is to be written."""
        self._unwritten = False
        """Whether the newest edits could not be put on disk."""
        self._state = State(card.config)
        self._take(card, card)
        if draft is not None:
            self._open_draft(draft)

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
            self._change(changed, _without(self.refused, path), join)

    def set_all(self, changes: Mapping[str, Any]) -> None:
        """Set several ``{path: value}`` at once, as one edit for :meth:`undo`; raises as :meth:`set` does."""
        with self.project.lock:
            refused = dict(self.refused)
            for path in changes:
                refused = _without(refused, path)
            self._change(self.config.set_all(changes), refused)

    def enter(self, path: str, text: Any, *, join: str = "") -> bool:
        """Set one value as a person has typed it; return whether it is legal.

        What is illegal is kept in ``refused``, and on disk, as it was typed; the configuration keeps the old value.
        Raises ConfigError for a path that is no field, StatusError once it has been trained.
        """
        with self.project.lock:
            try:
                self.set(path, text, join=join)
            except ConfigError as error:
                if not drafts.is_field(self.config, path):
                    raise
                self._change(self.config, {**self.refused, path: drafts.told(path, text, error)}, join)
                return False
            if path in self.refused:  # of a run, whose values are the trainer's matter
                self._change(self.config, _without(self.refused, path), join)
            return True

    def undo(self) -> bool:
        """Take back the newest edit of the configuration or of a refused text; return whether there was one."""
        return self._move(self.edits.can_undo, self.edits.undo)

    def redo(self) -> bool:
        """Bring back the edit that was taken back last; return whether there was one."""
        return self._move(self.edits.can_redo, self.edits.redo)

    def revert(self) -> None:
        """Drop the edits since the last save; undo() brings those of the configuration and refused texts back."""
        with self.project.lock:
            self._take(self._card, self._card, refused={})

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
        """Change name, description or tags, at any time; where it has been saved before, without another save().

        Its folder keeps its name. Raises ProjectError for a name without a visible character.
        """
        changes: dict[str, Any] = {} if name is None else {"name": clean_name(name)}
        short = str(description or "")[:MAX_DESCRIPTION].strip()
        changes |= {} if description is None else {"description": files.encodable(short)}
        changes |= {} if tags is None else {"tags": clean_tags(tags)}
        with self.project.lock:
            if self._card.saved:
                kept = {name: tuple(value) if name == "tags" else value for name, value in changes.items()}
                self._put(self._card.replaced(**kept))
            self._hold(changes)

    def rename(self, name: str) -> None:
        """Give it another name; its folder keeps its name."""
        self.annotate(name=name)

    # -- disk ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Make what is edited the configuration: on disk in experiment.json, whole or not at all.

        Raises ConfigError naming each value that has a problem within its field or across fields (they stay in the
        draft), ProjectError where it cannot be written. What does not fit the data set, the machine or a checkpoint is
        no such problem: those may change, and train() refuses it.
        """
        with self.project.lock:
            self._must_be_saveable(self.config)
            self._write(self._mine())

    def set_and_save(self, changes: Mapping[str, Any]) -> None:
        """Set several values and save; raises ConfigError naming each problem, and changes nothing then."""
        with self.project.lock:
            settled = self.refused.keys() - changes.keys()
            self._must_be_saveable(self.config.set_all(changes), {path: self.refused[path] for path in settled})
            self.set_all(changes)
            self._write(self._mine())

    def keep_mine(self) -> None:
        """Save this version over the one that somebody else has put into the file; raises as :meth:`save` does."""
        with self.project.lock:
            self._must_be_saveable(self.config)
            self._write(self._mine(), over=True)

    def take_theirs(self) -> None:
        """Take over the file that somebody else has changed; undo() brings what is edited here back."""
        with self.project.lock:
            if self.outside is None or self.outside.theirs is None:
                told = self.outside.reason if self.outside else "nobody else has changed its file"
                raise ProjectError("there is nothing to take over", value=self.name, advice=told)
            theirs, self.outside = self.outside.theirs, None
            self._take(theirs, theirs, refused={})

    def keep(self) -> None:
        """Put on disk, as a draft, what is not saved; every edit does so by itself.

        Where it cannot be written, ``unkept`` says why, and it is tried again until it can.
        """
        with self.project.lock:
            self._keep(even_untouched=True)

    def export_config(self, path: str | Path, *, replace: bool = False) -> Path:
        """Write the configuration to a file, as JSON or YAML by its ending; raises ProjectError.

        Another file that stands there is written over only with ``replace``.
        """
        from nbtrain.project import exchange

        return exchange.write(self.config, path, replace=replace)

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
            sources=self.data_info.get("sources", ()),
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
        """The experiment's folder, None while nothing of it is on disk."""
        return self._card.folder

    @property
    def saved(self) -> bool:
        """Whether it has been saved once; until then all of it is a draft."""
        return self._card.saved

    @property
    def unsaved(self) -> list[str]:
        """What save() would change: paths of the configuration, of refused texts, and name, description, tags."""
        notes = [name for name in ("name", "description", "tags") if _edited(self._card)[name] != getattr(self, name)]
        paths = [difference.path for difference in differences(self._card.config, self.config)]
        return [*notes, *dict.fromkeys([*paths, *self.refused])]

    @property
    def created_s(self) -> float:
        """Wall clock at which it was made, in seconds since 1970."""
        return self._card.created_s

    def look(self) -> None:
        """Compare the configuration with the project's data again, after that has changed."""
        with self.project.lock:
            self._look_at_edits()

    # -- inside -------------------------------------------------------------------------------------------------

    def _move(self, possible: bool, how: Callable[[State], State]) -> bool:
        with self.project.lock:
            if not possible or self.status != "created":
                return False
            self._moving = True
            try:
                found = how(State(self.config, self.refused))
                self._change(found.config, found.refused)
            finally:
                self._moving = False
            return True

    def _change(self, config: Config, refused: Mapping[str, Any], join: str = "") -> None:
        """Make one edit of configuration and refused texts."""
        with self._at_once():
            self.config = config
            self.refused = dict(refused)
        self._look_at_edits(join=join)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Change several traits, which are looked at once afterwards."""
        before, self._taking = self._taking, True
        try:
            yield
        finally:
            self._taking = before

    def _mine(self) -> Card:
        edited = {"name": self.name, "description": self.description, "tags": tuple(self.tags)}
        return self._card.replaced(**edited, config=self.config)

    def _take(self, base: Card, mine: Card, refused: Mapping[str, Any] | None = None) -> None:
        """Hold ``mine``, with ``base`` as what is saved."""
        self._card = base
        held = _edited(mine) | {"id": mine.id} | ({} if refused is None else {"refused": dict(refused)})
        self._hold(held)

    def _hold(self, values: dict[str, Any]) -> None:
        """Set several traits and look at them once, when all are there."""
        if self._opening:
            self._fill(values)
            return
        with self._at_once(), self.hold_trait_notifications():
            for name, value in values.items():
                setattr(self, name, value)
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

    def _must_be_saveable(self, config: Config, refused: Mapping[str, Any] | None = None) -> None:
        """Raise ConfigError naming every problem that makes ``config`` none to save; what is saved already may stay."""
        refused = self.refused if refused is None else refused
        found = [*_problems_of(refused), *(p for p in config.conflicts() if p.path not in refused)]
        if found and (refused or not self._card.saved or config != self._card.config):
            raise ConfigError(found)

    # -- the draft ----------------------------------------------------------------------------------------------

    def _open_draft(self, draft: Draft) -> None:
        """Hold what a draft holds, over what is saved; while it is being read from disk."""
        self._draft, self._stamp = draft, draft.stamp
        self.edits.take(draft.kinds, draft.manual)
        base, mine = draft.base or self._card, draft.mine or self._card
        if draft.mine is not None and self._card.saved:
            found = outside.look(base.replaced(changed_ns=-1), mine, fixed=False)
            if isinstance(found, tuple):
                base, mine = found
            else:
                base = base.replaced(changed_ns=-1)
                self._fill({"outside": found})
        self._generated = mine.name if draft.generated and not self._card.saved else ""
        self._named_for = mine.config
        self._take(base, mine, self._refusals(mine.config, draft.refused))
        self._state = State(self.config, self.refused)
        self._fill({"dirty": self._is_dirty(), "edited": self._is_edited()})

    def _folder(self) -> Path:
        return self._card.place(self.project.path / "experiments")

    def _draft_now(self) -> Draft:
        """Return what is not saved, as it belongs on disk."""
        mine, base = self._mine(), self._card
        edited = mine != base or not base.saved
        texts = {path: one["text"] for path, one in self.refused.items()}
        return Draft(
            base=base if edited else None,
            mine=mine if edited else None,
            generated=self._is_generated,
            refused=texts,
            kinds=self.edits.others(self.config),
            manual=dict(self.edits.manual),
        )

    def _keep(self, *, even_untouched: bool = False) -> None:
        """Write the draft where it is another one than on disk; one that nobody has touched need not be there."""
        if self._making or self._deleted or not (self.folder or self.edited or even_untouched):
            return
        if self._draft_now() == self._draft and not self._unwritten:
            return
        try:
            self.unkept, self._unwritten = self._keep_on_disk(), False
        except (OSError, NbtrainError) as error:
            what = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            self.unkept = (
                f"The newest edits are only in memory: the draft in {self._folder()} could not be written ({what}). "
                "Make room on the disk, or see that the folder can be written; until then leave the kernel running."
            )
            self._unwritten = True
            self.project.keep_later(self)

    def _keep_on_disk(self) -> str:
        """Write the draft, joined with what another notebook has written meanwhile; return what became of that."""
        self.project.save()
        folder, note = self._folder(), ""
        if self.folder is None:
            files.make_folder(folder)
        with drafts.Guard(self.project.path):
            followed = drafts.stamp_of(folder) != self._stamp
            if followed:
                note = self._follow_draft()
            if self._foreign_draft:
                self.project.trash(folder / drafts.FILE)
                self._foreign_draft = False
            self._card = self._card.replaced(folder=folder)
            draft = self._draft_now()
            self._stamp, self._draft = draft.write(folder), draft
        if followed:
            self._look_at_edits()
        return note

    def _follow_draft(self) -> str:
        """Take over what another notebook has edited; edits here that are not on disk hold over it.

        Returns what became of a value that both have changed: mine holds, and undo() brings theirs back.
        """
        folder = self._folder()
        self._stamp = drafts.stamp_of(folder)
        try:
            theirs = drafts.read(folder) or Draft()
        except NbtrainError as error:
            self._foreign_draft = True
            self.project.notice(drafts.unusable(error))
            return ""
        if theirs.mine is None:  # saved there, and perhaps not seen here yet
            with suppress(NbtrainError):  # a file that cannot be used is told as `outside`
                self._card = self._card.reread_if_changed() or self._card
        before, self._draft = self._draft, theirs
        self.edits.take(theirs.kinds, theirs.manual)
        old, new, now = (_edited(d.mine or self._card) for d in (before, theirs, Draft(mine=self._mine())))
        texts = {path: one["text"] for path, one in self.refused.items()}
        typed = {path: text for path, text in texts.items() if before.refused.get(path) != text}
        settled = before.refused.keys() - texts.keys()
        left = {path: text for path, text in theirs.refused.items() if path not in settled}
        joined = {name: new[name] if now[name] == old[name] else now[name] for name in ("name", "description", "tags")}
        config, both = _rebased(old["config"], now["config"], new["config"])
        if self._generated:
            self._generated = joined["name"] if theirs.generated else ""
        self._named_for = config
        with self._at_once():
            for name, value in joined.items():
                setattr(self, name, value)
        self._foreign_draft = self.status != "created" and config != self.config
        if self.status == "created":
            self._follow(new["config"], theirs.refused)
            self._follow(config, {**left, **typed})
        if not both:
            return ""
        values = ", ".join(f"{path} = {value!r}" for path, value in both.items())
        return f"Another notebook had set {values} meanwhile. Yours holds now; Undo brings theirs back."

    def _follow(self, config: Config, texts: Mapping[str, Any]) -> None:
        with self._at_once():
            self.config, self.refused = config, self._refusals(config, texts)
        self._note("")

    @staticmethod
    def _refusals(config: Config, texts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the texts that ``config`` refuses, with the reasons."""
        found = {path: drafts.refusal(config, path, text) for path, text in texts.items()}
        return {path: one for path, one in found.items() if one is not None}

    def _look_outside(self) -> None:
        """Take in what others have written: into the file of what is saved, and into the draft."""
        if self.folder is None:
            return
        found = outside.look(self._card, self._mine(), fixed=self.status != "created")
        followed = drafts.stamp_of(self.folder) != self._stamp
        making, self._making = self._making, True  # what comes from disk is not written there
        try:
            if isinstance(found, tuple):
                self._named_for = found[1].config
                self._take(*found)
            self.outside = found if isinstance(found, Outside) else None
            if followed:
                self.unkept = self._follow_draft()
                self._look_at_edits()
        finally:
            self._making = making

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

    @validate("description")
    def _described(self, proposal: Any) -> str:
        return files.encodable(proposal["value"])

    @validate("tags")
    def _tagged(self, proposal: Any) -> list[str]:
        return [files.encodable(tag) for tag in proposal["value"]]

    @observe("name", "description", "tags", "config", "refused", "status")
    def _look_at_edits(self, change: Any = None, *, join: str = "") -> None:
        if self._taking or self._opening:  # several traits change at once; one look at the end is enough
            return
        self._note(join)
        self._follow_config_by_name()
        self.edited, self.dirty = self._is_edited(), self._is_dirty()
        self.can_undo, self.can_redo = self.edits.can_undo, self.edits.can_redo
        self.problems, self.data_info = self._problems_now(), self._data_info_now()
        self._keep()

    def _note(self, join: str) -> None:
        """Remember the edit for undo(); texts beside which another value has been set since are over."""
        before, config = self._state, self.config
        if config != before.config and self.refused == before.refused:
            with self._at_once():
                self.refused = {p: one for p, one in self.refused.items() if _stands(p, before.config, config)}
        now = State(config, self.refused)
        if not self._moving and now != before:
            self.edits.note(before, now, join)
        self._state = now

    def _is_edited(self) -> bool:
        card = self._card
        return bool(self.refused) or self._mine() != card.replaced(name=self.name if self._is_generated else card.name)

    def _is_dirty(self) -> bool:
        return not self._card.saved or bool(self.refused) or self._mine() != self._card

    @default("problems")
    def _problems_now(self) -> list[dict[str, Any]]:
        return [{"path": p.path, "message": p.message, "advice": p.advice} for p in self._all_problems()]

    @default("data_info")
    def _data_info_now(self) -> dict[str, Any]:
        return self.project.data_info(self.config)

    @property
    def _is_generated(self) -> bool:
        return not self._card.saved and self.name == self._generated

    def _follow_config_by_name(self) -> None:
        """A name that nobody has given says what is configured, until the experiment is saved under it."""
        if self._is_generated and self.config is not self._named_for:
            self._named_for = self.config
            others = {other.name for other in self.project.cards if other is not self}
            self._generated = naming.generated(self.config, self.created_s, others)
            if self.name != self._generated:
                self.name = self._generated

    def _all_problems(self) -> list[Problem]:
        refused = _problems_of(self.refused)
        unready = self.project.unready(self.config, self.folder) if self.status == "created" else []
        self.unready = bool(unready)
        known = [*self.config.check(self.project.facts(self.config)), *self.project.data_problems(self.config)]
        found = [*known, *unready]
        return [*refused, *(problem for problem in found if problem.path not in self.refused)]


def _edited(card: Card) -> dict[str, Any]:
    """Return what a person can edit of a card, as the traits hold it."""
    return {"name": card.name, "description": card.description, "tags": list(card.tags), "config": card.config}


def _problems_of(refused: Mapping[str, Any]) -> list[Problem]:
    return [Problem(path, one["message"], one["advice"]) for path, one in refused.items()]


def _without(refused: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the refused texts that still stand after a legal value was set at ``path``."""
    parent = path.removesuffix(".kind")
    return {p: one for p, one in refused.items() if p != path and not p.startswith(f"{parent}.")}


def _stands(path: str, before: Config, now: Config) -> bool:
    """Tell whether a text at ``path`` is still refused beside the same value of the same kind of section."""
    parent = path.rpartition(".")[0]
    try:
        same = type(before.get(parent)) is type(now.get(parent)) if parent else True
        return same and bool(before.get(path) == now.get(path))
    except ConfigError:
        return False


def _rebased(base: Config, mine: Config, theirs: Config) -> tuple[Config, dict[str, Any]]:
    """Return ``theirs`` with what ``mine`` has changed since ``base``, and their values of what both have changed."""
    if mine in (base, theirs):
        return theirs, {}
    ours = changes(base, mine)
    both = {path: value for path, _, value in differences(base, theirs) if path in ours and value != ours[path]}
    try:
        return theirs.set_all(ours), both
    except ConfigError:  # theirs has another shape: mine holds whole
        return mine, {path: value for path, _, value in differences(mine, theirs)}


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as they are kept: one line each, without commas around words, no empty ones, each once."""
    plain = ("".join(" " if unicodedata.category(c).startswith("C") else c for c in str(tag)) for tag in tags)
    short = (files.encodable(" ".join(tag.split())[:MAX_TAG].strip()) for tag in plain)
    return list(dict.fromkeys(tag for tag in short if tag))
