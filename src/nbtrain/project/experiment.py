"""An experiment: a name, one configuration and its runs, as an object that panels and scripts share.

Its traits are the news: a panel observes them, a script reads them. ``beat`` changes last in every batch of news, so
whoever draws observes ``beat`` and reads the rest. News arrive on the watch thread, edits on any thread; the
project's lock keeps them apart. What a run says is folded by story.py; this file knows the run folder's reader side
and the project. It does not know widgets, and never imports torch.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from traitlets import Bool, Dict, Float, HasTraits, Instance, Int, List, Unicode, default, observe, validate

from nbtrain.config import Config
from nbtrain.errors import BusyError, NbtrainError, Problem, StatusError
from nbtrain.messages import ENDED, Message, Pause, Stop
from nbtrain.project import freeze, lives
from nbtrain.project.card import Card, clean_name
from nbtrain.project.history import History
from nbtrain.project.story import Story
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run
from nbtrain.runs.journal import JournalReader

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.project import Project

Listener = Callable[["Experiment"], None]
EVENTS = ("status", "epoch", "news", "completed", "failed", "cancelled", "paused")
_TOLD = ("metrics", "per_class", "usage", "resolved", "notices", "checkpoints", "error", "exact")
"""Traits that the journal tells; for a run that ended long ago they are read when somebody asks."""


def _when_asked(name: str) -> Any:
    return default(name)(lambda experiment: getattr(experiment.story, name))


class Experiment(HasTraits):
    """One experiment of a project; made by :meth:`Project.new` or found on disk, not by hand.

    Each configuration section is an attribute too: ``experiment.optimizer = AdamW(lr=3e-4)``.
    """

    id = Unicode(help="Short id that never changes.")
    name = Unicode(help="Name for people; any text up to 500 characters.")
    description = Unicode(help="What this experiment is about.")
    tags = List(Unicode(), help="Words to find it by.")
    config = Instance(Config, help="The configuration as edited; fixed once a run has started.")
    dirty = Bool(False, help="Whether there are edits that are not on disk.")
    problems: Any = List(help="What keeps it from training: path, message and advice of each.")
    data_info = Dict(help="Data set, images by split, classes with their counts.")

    status = Unicode("created", help="Word of spec §1: created, pending, preparing, training, completed, …")
    phase = Unicode(help="What the trainer is doing inside preparing and training.")
    detail = Unicode(help="Where the phase stands, in words.")
    epoch = Int(help="Epochs done.")
    epochs = Int(help="Epochs planned.")
    step = Int(help="Optimizer steps done.")
    steps = Int(help="Optimizer steps planned.")
    progress = Float(help="Share of the steps done, 0…1.")
    eta_s = Float(None, allow_none=True, help="Seconds that remain, None while unknown.")
    best = Dict(help="metric, value, epoch and step of the best validation; empty before the first.")
    started_s = Float(help="Wall clock at which the run started, seconds since 1970; 0 before that.")
    duration_s = Float(help="How long the run took, or has taken so far, in seconds.")
    run_path = Unicode(help="Folder of the newest run, empty before the first.")
    beat = Float(help="Wall clock of the newest change; changes last in each batch of news.")

    metrics = Dict(help="Newest value of every metric, by split.")
    per_class = Dict(help="Columns and rows of the newest validation, class by class.")
    usage = Dict(help="Speed and load that the trainer reported last.")
    resolved = Dict(help="What every auto became, and why.")
    notices: Any = List(help="What the trainer wants known: level and text.")
    checkpoints: Any = List(help="Checkpoints that were saved: file, step, epoch, size_bytes, best.")
    error = Dict(help="cause, message, advice and traceback of a failure; empty otherwise.")
    exact = Unicode(help="exact after a resume, or the first step that differs; empty while no step was done twice.")
    _d1, _d2, _d3, _d4, _d5, _d6, _d7, _d8 = map(_when_asked, _TOLD)

    def __init__(self, project: Project, card: Card) -> None:
        super().__init__()
        self.project = project
        self.run: RunFolder | None = None
        self._card = card
        self._story: Story | None = None
        self._token: Any = None
        self._changed = threading.Condition()
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._kinds: dict[tuple[str, str], Any] = {}
        self._take(card)
        run = newest_run(card.folder) if card.folder else None
        if run is not None:
            self._attach(run)

    def __repr__(self) -> str:
        return f"Experiment({self.name!r}, {self.status}, id={self.id!r})"

    # -- what a person edits ------------------------------------------------------------------------------------

    def set(self, path: str, value: Any) -> None:
        """Set one configuration value; raises ConfigError (the old one stays) or StatusError once it has been trained.

        Setting ``<section>.kind`` brings back what that kind's fields held before, or its defaults.
        """
        with self.project.lock:
            parent, _, name = path.rpartition(".")
            if name == "kind" and parent:
                old = self.config.get(parent)
                self._kinds[parent, old.kind] = old
                path, value = (parent, self._kinds[parent, value]) if (parent, value) in self._kinds else (path, value)
            self.config = self.config.set(path, value)

    def save(self) -> None:
        """Write name, description, tags and configuration to disk, whole or not at all; raises ProjectError."""
        with self.project.lock:
            edited = {"name": self.name, "description": self.description, "tags": tuple(self.tags)}
            self._write(self._card.replaced(**edited, config=self.config))

    def rename(self, name: str) -> None:
        """Give it another name, on disk at once where it has been saved before; its folder keeps its name."""
        with self.project.lock:
            self.name = clean_name(name)
            if self.folder:
                self._write(self._card.replaced(name=self.name))

    def revert(self) -> None:
        """Drop the edits since the last save."""
        with self.project.lock:
            self._take(self._card)

    def duplicate(self, name: str | None = None) -> Experiment:
        """Return a new, unsaved experiment with the same configuration and tags."""
        return self.project.new(name or f"{self.name[:490]} (copy)", self.config, tags=self.tags)

    def delete(self, timeout_s: float = 15.0) -> None:
        """Move the experiment with its runs to the project's trash; a running one is stopped first.

        Raises BusyError where the run does not end within ``timeout_s``.
        """
        if self.running:
            self.stop()
            if self.wait(timeout_s) not in ENDED:
                raise BusyError("the run did not end in time", value=self.name, advice="Try again in a moment.")
        with self.project.lock:
            self.close()
            if self.folder:
                self.project.trash(self.folder)
            self.project.forget(self)

    @property
    def folder(self) -> Path | None:
        """The experiment's folder, None before the first save."""
        return self._card.folder

    @property
    def created_s(self) -> float:
        """Wall clock at which it was made, in seconds since 1970."""
        return self._card.created_s

    # -- what a run does ----------------------------------------------------------------------------------------

    def train(self, *, beside: bool = False, queue: bool = False) -> Experiment:
        """Save and start training in a process of its own; return at once.

        On a device that another run uses, ``beside`` shares it and ``queue`` waits (status ``pending``) until it is
        free; with neither, BusyError is raised. Where another kernel trains it already, that run is shown instead.
        Raises ConfigError while there are ``problems``, StatusError where it has been trained before.
        """
        with self.project.lock:
            self.refresh()
            if not self.running:
                lives.must_be_trainable(self.status, self._all_problems())
                when = lives.on_device(self.config, "train", beside=beside, queue=queue)
                self.save()
                frozen = freeze.frozen(self.project.data, self.config)
                run = lives.begin(cast(Path, self.folder), frozen, when, self.project.trash)
                self._attach(run) if run else self.refresh()
        return self

    def resume(self, *, beside: bool = False, queue: bool = False) -> Experiment:
        """Go on with a paused, cancelled or failed run from its newest checkpoint that is whole; return at once.

        Without a checkpoint it begins anew. ``beside`` and ``queue`` are as for :meth:`train`, and where another kernel
        has resumed it already, that is shown. Raises StatusError in every other status.
        """
        with self.project.lock:
            self.refresh()
            if not self.running:
                lives.must_be_resumable(self.status)
                when = lives.on_device(self.config, "resume", beside=beside, queue=queue)
                try:
                    lives.go_on(cast(RunFolder, self.run), when)
                finally:  # a life that could not begin may have left a word too
                    self._attach(self.run, again=True)
        return self

    def pause(self) -> None:
        """Ask the run to finish its batch, keep a checkpoint and leave memory and device; returns at once."""
        if self.running and self.run is not None:
            self.run.ask(Pause())

    def stop(self) -> None:
        """Ask the run to finish its batch, keep its checkpoints and end; returns at once."""
        if self.running and self.run is not None:
            self.run.ask(Stop())

    def restart(self) -> None:
        """Move the ended run to the project's trash and make the configuration editable again (status created)."""
        with self.project.lock:
            if self.running:
                raise StatusError(f"an experiment that is {self.status} cannot be restarted", advice="Stop it first.")
            if self.run is not None:
                self.close()
                self.project.trash(self.run.path)
            self._attach(None)
            self._look_at_edits()

    def wait(self, timeout_s: float | None = None) -> str:
        """Block until the run has ended, or for ``timeout_s``; return the status."""
        with self._changed:
            self._changed.wait_for(lambda: not self.running, timeout_s)
        return self.status

    @property
    def running(self) -> bool:
        """Whether a trainer is at work for it, or will be."""
        return self.status != "created" and self.status not in ENDED

    @property
    def story(self) -> Story:
        """What the newest run has said so far; read from its journal where nobody has followed it."""
        with self.project.lock:
            if self._story is None:
                self._story = Story()
                self._story.tell(JournalReader(self.run.events).read() if self.run else ())
            return self._story

    @property
    def curves(self) -> History:
        """Every metric of the newest run, for charts."""
        return self.story.history

    @property
    def history(self) -> pd.DataFrame:
        """Every metric of the newest run as a data frame: step, epoch, split, time, one column per metric."""
        return self.curves.frame()

    def on(self, event: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener(experiment)`` at every ``event``: status, epoch, news, or one of the words for an end.

        Returns the function that takes it off again. Listeners run on the watch thread: return soon.
        """
        if event not in EVENTS:
            raise NbtrainError("there is no such event", value=event, advice=f"Events: {', '.join(EVENTS)}.")
        self._listeners[event].append(listener)
        return lambda: self._listeners[event].remove(listener)

    def refresh(self) -> None:
        """Look at the disk for a run or an edit that somebody else has made."""
        with self.project.lock:
            if self.folder is None:
                return
            newest = newest_run(self.folder)
            if newest != self.run:
                self._attach(newest)
            elif newest and self._token is None and newest.shown_status().status not in ENDED:
                self._attach(newest, again=True)  # resumed elsewhere
            found = self._card.reread_if_changed()
            if found is not None and not self.dirty:
                self._take(found)

    def look(self) -> None:
        """Compare the configuration with the project's data again, after that has changed."""
        with self.project.lock:
            self._look_at_edits()

    def close(self) -> None:
        """Stop following the run; it goes on."""
        if self._token is not None:
            self.project.watch.unfollow(self._token)
            self._token = None

    # -- inside -------------------------------------------------------------------------------------------------

    def _take(self, card: Card) -> None:
        self._card, self._taking = card, True
        with self.hold_trait_notifications():
            self.id, self.name, self.description, self.tags = card.id, card.name, card.description, list(card.tags)
            self.config = card.config
        self._taking = False
        self._look_at_edits()

    def _write(self, card: Card) -> None:
        self.project.save()
        self._card = card.written(self.project.path / "experiments")
        self._look_at_edits()

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

    @observe("name", "description", "tags", "config")
    def _look_at_edits(self, change: Any = None) -> None:
        if self._taking:  # four traits change at once; one look at the end is enough
            return
        card, edited = self._card, (self.name, self.description, tuple(self.tags), self.config)
        self.dirty = card.folder is None or edited != (card.name, card.description, card.tags, card.config)
        self.problems = [{"path": p.path, "message": p.message, "advice": p.advice} for p in self._all_problems()]
        self.data_info = self.project.data_info(self.config)

    def _all_problems(self) -> list[Problem]:
        return [*self.config.check(self.project.facts(self.config)), *self.project.data_problems(self.config)]

    def _attach(self, run: RunFolder | None, *, again: bool = False) -> None:
        """Show another run, none, or the same ``again``: its curves stay. Follow it unless it has ended."""
        self.close()
        first = self.run is None and run is not None
        self.run, self._story, self.run_path = run, None, str(run.path) if run else ""
        said = run.shown_status() if run else RunStatus("created")
        if run is not None and (again or said.status not in ENDED):
            self._story, reader = Story(), JournalReader(run.events)
            self._story.tell(reader.read() if again else ())
            self._token = self.project.watch.follow(run, self._news, reader)
        if not first:
            self._tell()
        self._show(said)

    def _news(self, messages: Sequence[Message], said: RunStatus) -> None:
        """Take one batch of news; called on the watch thread."""
        with self.project.lock:
            if self._token is None or self._story is None:
                return
            before = (self.status, self.epoch)
            self._story.tell(messages)
            self._tell()
            self._show(said)
        for event in self._happened(*before):
            for listener in tuple(self._listeners[event]):
                listener(self)

    def _tell(self) -> None:
        for name in _TOLD:
            setattr(self, name, getattr(self.story, name))

    def _show(self, said: RunStatus) -> None:
        """Set the traits from the newest status, and from the story as far as it is further than that."""
        ended, story = said.status in ENDED, self._story
        now = story if story is not None and story.newest_s and not ended else said
        self.phase, self.detail = now.phase, now.detail
        self.epoch, self.epochs, self.step, self.steps = now.epoch, now.epochs, now.step, now.steps
        self.progress = 1.0 if said.status == "completed" else min(1.0, now.step / now.steps) if now.steps else 0.0
        self.best = dict(now.best)
        self.eta_s = story.eta_s() if story is not None and not ended else None
        self._show_times(said, ended)
        if said.status == "failed" and self.run and (story is None or not self.error):  # .error reads the journal
            failure = self.run.failure()
            self.error = {name: getattr(failure, name) for name in ("cause", "message", "advice", "traceback")}
        self.status = now.status
        self.beat = time.time()
        with self._changed:
            self._changed.notify_all()

    def _show_times(self, said: RunStatus, ended: bool) -> None:
        story = self._story if self._story and self._story.began_s else None
        owned_s = 0.0 if story else float((self.run.owner() if self.run else {}).get("started_s", 0.0))
        self.started_s, began_s = (story.started_s, story.began_s) if story else (owned_s, owned_s)
        end_s = said.heartbeat_s if ended else time.time()
        self.duration_s = said.earlier_s + max(0.0, end_s - began_s) if began_s else 0.0

    def _happened(self, status: str, epoch: int) -> list[str]:
        word = [self.status] if self.status in EVENTS else []
        changed = ["status", *word] if self.status != status else []
        return ["news", *(["epoch"] if self.epoch != epoch else []), *changed]


def _section(name: str) -> property:
    def get(self: Experiment) -> Any:
        return self.config.get(name)

    def set_(self: Experiment, value: Any) -> None:
        self.set(name, value)

    return property(get, set_, doc=f"The configuration's section ``{name}``.")


for _name in Config.model_fields:
    setattr(Experiment, _name, _section(_name))
