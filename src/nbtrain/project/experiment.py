"""An experiment: a name, one configuration and its runs, as an object that panels and scripts share.

Its traits are the news: a panel observes them, a script reads them. ``beat`` changes last in every batch of news, so
whoever draws observes ``beat`` and reads the rest. News arrive on the watch thread, edits on any thread; the
project's lock keeps them apart. It knows the run folder's reader side and the project it belongs to; it does not
know widgets, and never imports torch.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Dict, Float, HasTraits, Instance, Int, List, TraitError, Unicode, default, observe, validate

from nbtrain import files
from nbtrain.config import Config
from nbtrain.errors import BusyError, ConfigError, NbtrainError, StatusError
from nbtrain.messages import ENDED, Message, Stop
from nbtrain.project import freeze
from nbtrain.project.card import Card, clean_name
from nbtrain.project.history import History
from nbtrain.project.story import Story
from nbtrain.runs import devices, launch
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run
from nbtrain.runs.journal import JournalReader

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.project import Project

Listener = Callable[["Experiment"], None]
_EVENTS = ("status", "epoch", "news", "completed", "failed", "cancelled")


class Experiment(HasTraits):
    """One experiment of a project; made by :meth:`Project.new` or found on disk, not by hand.

    Each configuration section is an attribute too: ``experiment.optimizer = AdamW(lr=3e-4)``.
    """

    id = Unicode(help="Short id that never changes.")
    name = Unicode(help="Name for people; any text up to 500 characters.")
    description = Unicode(help="What this experiment is about.")
    tags = List(Unicode(), help="Words to find it by.")
    config = Instance(Config, help="The configuration as edited; frozen once a run has started.")
    dirty = Bool(False, help="Whether there are edits that are not on disk.")
    problems = List(help="What keeps it from training: path, message and advice of each.")

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

    metrics = Dict(help="Newest value of every metric, by split.")
    per_class = Dict(help="Columns and rows of the newest validation, class by class.")
    machine = Dict(help="Speed and load that the trainer reported last.")
    resolved = Dict(help="What every auto became, and why.")
    notices = List(help="What the trainer wants known: level and text.")
    checkpoints = List(help="Checkpoints on disk: file, step, epoch, size_bytes, best.")
    error = Dict(help="cause, message, advice and traceback of a failure; empty otherwise.")
    data_info = Dict(help="Data set, number of images by split, classes.")
    beat = Float(help="Wall clock of the newest change; changes last in each batch of news.")

    def __init__(self, project: Project, card: Card) -> None:
        super().__init__()
        self.project = project
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._remembered: dict[tuple[str, str], Any] = {}
        self._story: Story | None = None
        self._token: Any = None
        self._changed = threading.Condition()
        self.run: RunFolder | None = None
        self._card = card
        self._take(card)
        self.refresh()

    # -- what a person edits ------------------------------------------------------------------------------------

    def set(self, path: str, value: Any) -> None:
        """Set one configuration value; raises ConfigError (the old one stays) or StatusError once it has been trained.

        Setting ``<section>.kind`` brings that kind's earlier values back, or its defaults.
        """
        with self.project.lock:
            parent, _, name = path.rpartition(".")
            if name != "kind" or not parent:
                self.config = self.config.set(path, value)
                return
            old = self.config.get(parent)
            self._remembered[parent, old.kind] = old
            known = self._remembered.get((parent, value))
            self.config = self.config.set(parent, known) if known is not None else self.config.set(path, value)

    def save(self) -> None:
        """Write name, description, tags and configuration to disk, whole or not at all."""
        with self.project.lock:
            self._write(Card(self.id, self.name, self.description, tuple(self.tags), self.config, self._card.created_s))

    def rename(self, name: str) -> None:
        """Give it another name, at once on disk where it has been saved; its folder keeps its name."""
        with self.project.lock:
            self.name = clean_name(name)
            if self._card.folder:
                self._write(self._card.replaced(name=self.name))

    def revert(self) -> None:
        """Drop the edits since the last save."""
        with self.project.lock:
            self._take(self._card)

    def duplicate(self, name: str | None = None) -> Experiment:
        """Return a new, unsaved experiment with the same configuration."""
        return self.project.new(name or f"{self.name[:490]} (copy)", self.config, tags=list(self.tags))

    def delete(self, timeout_s: float = 15.0) -> None:
        """Move the experiment with its runs to the project's trash; a running one is stopped first."""
        self._end_run(timeout_s)
        with self.project.lock:
            self._unfollow()
            if self.folder:
                files.move_to_trash(self.folder, self.project.path / "trash")
            self.project.forget(self)

    @property
    def folder(self) -> Path | None:
        """The experiment's folder, None before the first save."""
        return self._card.folder

    # -- what a run does ----------------------------------------------------------------------------------------

    def train(self, *, beside: bool = False, queue: bool = False) -> Experiment:
        """Save and start training in a process of its own; return at once.

        On a device that another run uses, ``beside`` shares it and ``queue`` waits (status ``pending``) until it is
        free; with neither, BusyError is raised. Where another kernel trains it already, that run is shown instead.
        Raises ConfigError while there are ``problems``, StatusError where it has been trained.
        """
        with self.project.lock:
            self.refresh()
            if self.running:
                return self
            self._must_be("created", "train it")
            self._must_be_sound()
            self._must_have_device(beside, queue)
            self.save()
            assert self.folder is not None
            try:
                run = RunFolder.create(self.folder, freeze.frozen(self.project, self.config))
            except BusyError:  # another kernel was faster by a moment: its run is this experiment's run
                self.refresh()
                return self
            launch.start(run, wait_for_device=queue)
            self._follow(run)
        return self

    def stop(self) -> None:
        """Ask the run to finish its batch, keep its checkpoints and end; returns at once."""
        if self.running and self.run is not None:
            self.run.ask(Stop())

    def restart(self) -> None:
        """Move the ended run to the project's trash and make the configuration editable again."""
        with self.project.lock:
            if self.running:
                raise StatusError("a run that is under way cannot be restarted", value=self.status, advice="Stop it first.")
            if self.run is not None and self.folder is not None:
                self._unfollow()
                files.move_to_trash(self.run.path, self.project.path / "trash")
            self._tell_new_run(None)

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
    def curves(self) -> History:
        """Every metric of the newest run, for charts."""
        return self._read_story().history

    @property
    def usage(self) -> History:
        """Speed and load over the newest run, for charts."""
        return self._read_story().usage_rows

    @property
    def history(self) -> pd.DataFrame:
        """Every metric of the newest run as a data frame: step, epoch, split, time, one column per metric."""
        return self.curves.frame()

    def on(self, event: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener(experiment)`` at every ``event``: status, epoch, news, completed, failed or cancelled.

        Returns the function that takes it off again. Listeners run on the watch thread: return soon.
        """
        if event not in _EVENTS:
            raise NbtrainError("there is no such event", value=event, advice=f"Events: {', '.join(_EVENTS)}.")
        self._listeners[event].append(listener)
        return lambda: self._listeners[event].remove(listener)

    def refresh(self) -> None:
        """Look at the disk for a run or an edit that somebody else has made."""
        with self.project.lock:
            if self.folder is None:
                return
            newest = newest_run(self.folder)
            if newest != self.run:
                self._tell_new_run(newest)
            elif self.run is not None and self._token is None and self.running:
                self._follow(self.run)
            self._pick_up_edit()

    # -- inside -------------------------------------------------------------------------------------------------

    def _pick_up_edit(self) -> None:
        found = self._card.reread()
        if found is not None and found != self._card and not self.dirty:
            self._card = found
            self._take(found)

    def _take(self, card: Card) -> None:
        self.set_trait("id", card.id)
        with self.hold_trait_notifications():
            self.name, self.description, self.tags = card.name, card.description, list(card.tags)
            self.config = card.config
        self._look_at_edits()

    def _write(self, card: Card) -> None:
        self.project.save()
        self._card = card.written(self.project.path / "experiments", self._card.folder)
        self._look_at_edits()

    @validate("config")
    def _editable(self, proposal: Any) -> Config:
        config = proposal["value"]
        if self.trait_has_value("config") and config != self.config and self.run is not None and self.status != "created":
            advice = "Duplicate it to change something, or restart it, which moves its results to the trash."
            raise StatusError("the configuration of an experiment that has been trained is fixed", value=self.status, advice=advice)
        return config  # type: ignore[no-any-return]

    @validate("name")
    def _named(self, proposal: Any) -> str:
        return clean_name(proposal["value"])

    @observe("name", "description", "tags", "config")
    def _look_at_edits(self, change: Any = None) -> None:
        if not hasattr(self, "_card"):
            return
        saved, now = self._card, (self.name, self.description, tuple(self.tags), self.config)
        self.dirty = saved.folder is None or now != (saved.name, saved.description, saved.tags, saved.config)
        facts = self.project.facts(self.config)
        problems = [*self.config.check(facts), *self.project.data_problems(self.config)]
        self.problems = [{"path": p.path, "message": p.message, "advice": p.advice} for p in problems]
        self.data_info = self.project.data_info(self.config)

    def _must_be(self, status: str, action: str) -> None:
        if self.status != status:
            advice = "Restart moves its results to the trash; duplicate() makes a new one."
            raise StatusError(f"an experiment that is {self.status} cannot be asked to {action}", advice=advice)

    def _must_be_sound(self) -> None:
        problems = [*self.config.check(self.project.facts(self.config)), *self.project.data_problems(self.config)]
        if problems:
            raise ConfigError(problems)

    def _must_have_device(self, beside: bool, queue: bool) -> None:
        others = [] if beside or queue else devices.busy(self.config.hardware.device)
        if others:
            advice = "Train beside it with train(beside=True), or wait for it with train(queue=True)."
            raise BusyError("the device is in use by another run", value=str(others[0]), advice=advice)

    def _end_run(self, timeout_s: float) -> None:
        if self.running:
            self.stop()
            if self.wait(timeout_s) not in ENDED:
                raise BusyError("the run did not end in time", value=self.name, advice="Try again in a moment.")

    def _tell_new_run(self, run: RunFolder | None) -> None:
        self._unfollow()
        self.run, self._story = run, None
        for name in _READ_LATER:
            self._trait_values.pop(name, None)
        self.run_path = str(run.path) if run else ""
        self._show(run.shown_status() if run else RunStatus("created"))
        if self.running and run is not None:
            self._follow(run)

    def _follow(self, run: RunFolder) -> None:
        self._unfollow()
        self.run, self._story, self.run_path = run, Story(), str(run.path)
        self._show(run.shown_status())
        self._token = self.project.watch.follow(run, self._news)

    def _unfollow(self) -> None:
        if self._token is not None:
            self.project.watch.unfollow(self._token)
            self._token = None

    def _news(self, messages: Sequence[Message], status: RunStatus) -> None:
        """Take one batch of news; called on the watch thread."""
        with self.project.lock:
            story = self._story
            if story is None or self.run is None:
                return
            before = (self.status, self.epoch)
            story.tell(messages)
            self._tell_story(story)
            self._show(status, story)
            if status.status in ENDED:
                self._unfollow()
        self._call_listeners(*before)

    def _tell_story(self, story: Story) -> None:
        for name in _READ_LATER:
            setattr(self, name, _told(story, name))

    def _show(self, said: RunStatus, story: Story | None = None) -> None:
        """Set the traits from the newest status, and from the story where one is being told."""
        told = story if story and said.status not in ENDED and story.newest_s else None
        self.status, self.phase = (told.status, told.phase) if told else (said.status, said.phase)
        self.detail = told.detail if told else said.detail
        place = story if story and story.newest_s else said
        self.epoch, self.epochs, self.step, self.steps = place.epoch, place.epochs, place.step, place.steps
        self.progress = 1.0 if self.status == "completed" else min(1.0, self.step / self.steps) if self.steps else 0.0
        self.best = dict(said.best)
        if story:
            self.eta_s = story.eta_s()
            self.started_s, self.duration_s = story.started_s, story.duration_s(time.time())
        if said.status == "failed" and not self.error and self.run is not None:
            self.error = _as_error(self.run)
        self.beat = time.time()
        with self._changed:
            self._changed.notify_all()

    def _call_listeners(self, status: str, epoch: int) -> None:
        happened = ["news", *(["epoch"] * (self.epoch != epoch))]
        if self.status != status:
            happened += ["status", *([self.status] * (self.status in _EVENTS))]
        for event in happened:
            for listener in tuple(self._listeners[event]):
                listener(self)

    def _read_story(self) -> Story:
        """Return the story, read from the journal where nobody has followed this run."""
        with self.project.lock:
            if self._story is None:
                self._story = Story()
                if self.run is not None:
                    self._story.tell(JournalReader(self.run.events).read())
            return self._story

    @default("metrics")
    @default("per_class")
    def _unused(self) -> dict[str, Any]:
        return {}
