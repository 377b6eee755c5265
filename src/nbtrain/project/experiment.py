"""An experiment: a name, one configuration and its runs, as an object that panels and scripts share.

Its traits are the news: a panel observes them, a script reads them. ``beat`` changes last in every batch of news, so
whoever draws observes ``beat`` and reads the rest. News arrive on the watch thread, edits on any thread; the
project's lock keeps them apart. What a person edits is editing.py's, what a run says is folded by story.py; this file
knows the run folder's reader side and the project. It does not know widgets, and never imports torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from traitlets import Dict, Float, Int, List, Unicode, default

from nbtrain.errors import BusyError, StatusError
from nbtrain.messages import (
    ENDED,
    FAILURE_FIELDS,
    Exact,
    Failure,
    Leaving,
    Message,
    Metric,
    Notice,
    Pause,
    PerClass,
    Resolved,
    Saved,
    Status,
    Stop,
    Usage,
)
from nbtrain.plans import Plan
from nbtrain.project import between, counsel, freeze, lives
from nbtrain.project.card import Card
from nbtrain.project.drafts import Draft
from nbtrain.project.evaluating import Evaluating
from nbtrain.project.history import History
from nbtrain.project.journal_index import IndexedStory
from nbtrain.project.later import Later
from nbtrain.project.listeners import Listeners, happened
from nbtrain.project.measuring import Measuring
from nbtrain.project.planning import Planning
from nbtrain.project.queue import Place
from nbtrain.project.sections import Sections
from nbtrain.project.story import Story
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.project import Project

Listener = Callable[["Experiment"], None]
_TOLD = ("metrics", "per_class", "usage", "resolved", "notices", "checkpoints", "error", "exact")
"""Traits that the journal tells; for a run that ended long ago they are read when somebody asks."""
_TOLD_BY: Mapping[type[Message], tuple[str, ...]] = {
    Metric: ("metrics",), PerClass: ("per_class",), Usage: ("usage",), Resolved: ("resolved",), Notice: ("notices",),
    Saved: ("checkpoints",), Failure: ("error",), Exact: ("exact",),
    Status: ("metrics", "checkpoints", "error", "usage"),
}  # fmt: skip
"""Which of them a message may change: long lists are not compared anew with every number."""


def _when_asked(name: str) -> Any:
    return default(name)(lambda experiment: getattr(experiment.story, name))


class Experiment(Sections, Later, Measuring, Evaluating):
    """One experiment of a project; made by :meth:`Project.new` or found on disk, not by hand.

    Each configuration section is an attribute too: ``experiment.optimizer = AdamW(lr=3e-4)``.
    """

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
    place = Int(help="Place in the queue among those that wait for the same device: 1 is next, 0 is in no queue.")
    queued = Int(help="How many wait for the same device in the queue, 0 for an experiment that does not.")
    held = Unicode(help="Why it waits and does not start by itself: project.queue.start() does; else empty.")
    run_path = Unicode(help="Folder of the newest run, empty before the first.")
    beat = Float(help="Wall clock of the newest change; changes last in each batch of news.")

    metrics = Dict(help="Newest value of every metric, by split.")
    per_class = Dict(help="Columns and rows of the newest validation, class by class.")
    usage = Dict(help="Speed and load that the trainer reported last.")
    resolved = Dict(help="What every auto became, and why.")
    notices: Any = List(help="What the trainer wants known: level, text, and about: an advice rule that speaks of it.")
    checkpoints: Any = List(help="Checkpoints that were saved: file, step, epoch, size_bytes, best.")
    error = Dict(help="cause, message, advice, traceback and fixes of a failure; empty otherwise.")
    exact = Unicode(help="exact after a resume, or the first step that differs; empty while no step was done twice.")
    _d1, _d2, _d3, _d4, _d5, _d6, _d7, _d8 = map(_when_asked, _TOLD)

    def __init__(self, project: Project, card: Card, *, generated: bool = False, draft: Draft | None = None) -> None:
        super().__init__(project, card, generated=generated, draft=draft)
        self.run: RunFolder | None = None
        self._story: Story | None = None
        self._indexed: IndexedStory | None = None
        """The same while it is followed, with the reader."""
        self._token: Any = None
        self._changed = threading.Condition()
        self._listeners: Listeners[Experiment] = Listeners()
        self.planning = Planning(self)
        run = newest_run(card.folder) if card.folder else None
        if run is not None:
            self._attach(run)
        self._opening = self._making = False

    def __repr__(self) -> str:
        return f"Experiment({self.name!r}, {self.status}, id={self.id!r})"

    # -- copies and the end ---------------------------------------------------------------------------------------

    def duplicate(self, name: str | None = None) -> Experiment:
        """Return a new, unsaved experiment with all that stands in this one's form: refused texts, kinds, and tags."""
        with self.project.lock:
            made = self.project.new(name or f"{self.name[:490]} (copy)", self.config, tags=self.tags)
            made.edits.take(self.edits.kinds, self.edits.manual)
            made.refused = self.refused
            made.keep()
            return made

    def delete(self, timeout_s: float = 15.0) -> None:
        """Move the experiment with its runs to the project's trash; a running one is stopped first.

        Raises BusyError where the run does not end within ``timeout_s``, ProjectError where the disk refuses.
        """
        self.stop_measuring()
        self.stop_evaluating()
        if self.running:
            self.stop()
            self.wait(timeout_s)
            if self.running:
                raise BusyError("the run did not end in time", value=self.name, advice="Try again in a moment.")
        with self.project.lock:
            if self.folder:
                self.project.trash(self.folder)  # first: where it is refused, all stays as it is
            self.close()
            self._deleted = True
            self.project.forget(self)

    @property
    def advice(self) -> list[counsel.Suggestion]:
        """What the rules suggest: about the configuration before the run, about the run from then on."""
        return counsel.suggestions(self)

    def plan(self, *, table: bool = False, beside: bool = False) -> Plan:
        """Measure a few real steps apart from this experiment, and return what its run will need; blocks meanwhile.

        ``table`` also measures batch sizes of 16 to 256. It waits until the device is free, as it measures times;
        ``beside`` shares it. Raises ConfigError while there are ``problems``, TrainingError where the measuring fails.
        ``planning`` does the same without blocking.
        """
        return self.planning.wait(table=table, beside=beside)

    # -- what a run does ----------------------------------------------------------------------------------------

    def train(self, *, beside: bool = False, queue: bool = False) -> Experiment:
        """Save and start training in a process of its own; return at once.

        On a device that another run uses, ``beside`` shares it and ``queue`` lets it wait in the project's queue
        (status ``pending``); with neither, BusyError is raised. Where another kernel trains it already, that run is
        shown instead. Raises ConfigError while there are ``problems``, StatusError where it has been trained before.
        """
        with self.project.lock:
            self.refresh()
            if not self.running:
                problems = self._all_problems()
                if problems:  # also what has gone since it was looked at: the form shall show it
                    self.look()
                lives.must_be_trainable(self.status, problems)
                when = lives.on_device(self.project.path, self.config, "train", beside=beside, wait=queue)
                self.save()
                plan = self.planning.plan
                foretold = plan.foretold() if plan else {}
                frozen = freeze.frozen(self.project.data, self.config, self._card.start, foretold)
                run = lives.begin(cast(Path, self.folder), frozen, when, self.project.trash)
                self._attach(run) if run else self.refresh()
                self.project.queue.look()
        return self

    def resume(
        self, changes: Mapping[str, Any] | None = None, *, beside: bool = False, queue: bool = False
    ) -> Experiment:
        """Go on with a paused, cancelled or failed run from its newest checkpoint that is whole; return at once.

        Without a checkpoint it begins anew. ``changes`` by path hold from there on, for what may change live and for
        what no number hangs on (``data.workers``); ConfigError and StatusError refuse others. ``beside`` and ``queue``
        are as for :meth:`train`, and where another kernel has resumed it already, that is shown. Raises ConfigError
        where what it needs is not there (:mod:`nbtrain.project.readiness`), StatusError in every other status.
        """
        with self.project.lock:
            self.refresh()
            if self.running and changes:
                told = f"an experiment that is {self.status} goes on already"
                raise StatusError(told, advice="Change it with set().")
            if not self.running:
                lives.must_be_resumable(self.status)
                run, entries = cast(RunFolder, self.run), self._planned(changes) if changes else []
                config = self.present.set_all(changes or {})
                lives.must_be_ready(self.project.path, config, fresh=not self.checkpoints)
                when = lives.on_device(self.project.path, self.config, "resume", beside=beside, wait=queue)
                take_back = between.write(run, entries) if entries else None
                try:
                    lives.go_on(run, when)
                except BaseException:
                    if take_back:
                        take_back()
                    raise
                finally:  # a life that could not begin may have left a word too
                    self._attach(self.run, again=True)
                self.project.queue.look()
        return self

    def pause(self) -> None:
        """Ask the run to finish its batch, keep a checkpoint and leave memory and device; returns at once."""
        self._leave(Pause(), "paused")

    def stop(self) -> None:
        """Ask the run to finish its batch, keep its checkpoints and end; one that waits leaves the queue.

        A run that had never begun is no run then: the experiment is not trained, and can be edited. Returns at once.
        """
        self._leave(Stop(), "cancelled")

    def _leave(self, command: Message, ending: Leaving) -> None:
        if not self.running or self.run is None:
            return
        if not self.run.path.is_dir():  # somebody has deleted it, and with it all that could be left
            self.refresh()
        elif not self.project.queue.cancel(self, ending):
            self.run.ask(command)

    def restart(self) -> None:
        """Move the ended run to the project's trash and make the configuration editable again (status created)."""
        with self.project.lock:
            if self.running:
                raise StatusError(f"an experiment that is {self.status} cannot be restarted", advice="Stop it first.")
            if self.run is not None:
                self.project.trash(self.run.path)
            self._attach(None)
            self._look_at_edits()

    def fix(self, number: int = 0, *, resume: bool = False, beside: bool = False, queue: bool = False) -> Experiment:
        """Restart with one of the fixes in ``error``: results go to the trash, the change is set; train() comes next.

        With ``resume`` the run goes on with the change instead, as ``resume(changes)`` does; StatusError says where
        its checkpoints do not allow that. Raises NbtrainError where there is no such fix.
        """
        changes = lives.changes_of_fix(self.error, number)
        if resume:
            return self.resume(changes, beside=beside, queue=queue)
        self.restart()
        self.set_all(changes)
        return self

    def wait(self, timeout_s: float | None = None) -> str:
        """Block until the run has ended, or for ``timeout_s``; return the status."""
        if not self.running:
            self.refresh()  # another process may have started it a moment ago
        with self._changed:
            self._changed.wait_for(lambda: not self.running, timeout_s)
        return self.status

    @property
    def resume_comes_first(self) -> bool:
        """Whether, of what can be done about a run that has ended, going on is what helps."""
        cause = str(self.error.get("cause", "")) if self.status == "failed" else ""
        return lives.resume_comes_first(self.status, cause, has_checkpoint=bool(self.checkpoints))

    @property
    def story(self) -> Story:
        """What the newest run has said so far; read from its journal where nobody has followed it."""
        with self.project.lock:
            if self._story is None:
                self._story = IndexedStory(self.run.events).read_on() if self.run else Story()
            return self._story

    @property
    def recoveries(self) -> list[dict[str, Any]]:
        """What the trainer changed by itself to go on after NaN or out-of-memory: step and text of each."""
        return counsel.recoveries(self)

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
        return self._listeners.add(event, listener)

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
            self._look_outside()

    def look_at_queue(self) -> None:
        """Show where it stands in the project's queue, after that has changed."""
        waits = bool(self.project.queue.place(self).number)
        if not waits and self._let_go():
            return
        if waits and self.status != "pending":
            self.refresh()  # queued elsewhere
        if waits or self.status == "pending":  # also where following it has missed a short end in between
            self._news(self._indexed, (), cast(RunFolder, self.run).shown_status())
            self._hear_changes()  # what it was to be extended by may have been taken back

    def _let_go(self) -> bool:
        """Show what is left where the run's folder is gone; return whether it is.

        It had left the queue before it began, or was restarted, here or by another kernel.
        """
        if self.run is None or self.run.path.is_dir():
            return False
        waited = self.status == "pending"
        self.refresh()
        self._listeners.tell(self, ("status", "cancelled") if waited else ("status",))
        return True

    def close(self) -> None:
        """Stop following the run; it goes on."""
        if self._token is not None:
            self.project.watch.unfollow(self._token)
            self._token = None

    # -- inside -------------------------------------------------------------------------------------------------

    def _attach(self, run: RunFolder | None, *, again: bool = False) -> None:
        """Show another run, none, or the same ``again``: its curves stay. Follow it unless it has ended."""
        self.close()
        first = self.run is None and run is not None
        self.run, self._story, self._indexed = run, None, None
        self._set_changed({"run_path": str(run.path) if run else ""})
        said = run.shown_status() if run else RunStatus("created")
        if run is not None and (again or said.status not in ENDED):
            self._indexed = IndexedStory(run.events)
            self._story = self._indexed.read_on() if again else self._indexed.story
            self._token = self.project.watch.follow(run, partial(self._news, self._indexed), self._indexed.reader)
        if not first:
            self._tell()
            self._hear_changes()
        self._show(said)

    def _news(self, followed: IndexedStory | None, messages: Sequence[Message], said: RunStatus) -> None:
        """Take one batch of news; called on the watch thread.

        One that had to wait while the run was resumed or extended belongs to the last life, and tells of its end.
        """
        with self.project.lock:
            if self._token is None or self._indexed is None or followed is not self._indexed:
                return
            if said.status == "failed" and self._let_go():  # a run that is gone seems to have lost its trainer
                return
            before = (self.status, self.epoch)
            self._indexed.tell(messages, over=said.status in ENDED)
            self._tell(messages)
            self._hear_changes(messages)
            self._show(said)
        self._listeners.tell(self, happened(before, (self.status, self.epoch)))

    def _tell(self, messages: Sequence[Message] | None = None) -> None:
        """Set what ``messages`` may have changed; without them everything."""
        kinds = {type(message) for message in messages or ()}
        for name in _TOLD if messages is None else {name for kind in kinds for name in _TOLD_BY.get(kind, ())}:
            setattr(self, name, getattr(self.story, name))

    def _show(self, said: RunStatus) -> None:
        """Set the traits from the newest status, and from the story as far as it is further than that."""
        ended, story = said.status in ENDED, self._story
        further = story is not None and story.newest_s and not ended and story.status not in ENDED
        now: RunStatus | Story = cast(Story, story) if further else said
        share = min(1.0, now.step / now.steps) if now.steps else 0.0
        self._set_changed({
            "phase": now.phase, "detail": now.detail, "epoch": now.epoch, "epochs": now.epochs, "step": now.step,
            "steps": now.steps, "progress": 1.0 if said.status == "completed" else share, "best": dict(now.best),
            "eta_s": story.eta_s() if story is not None and not ended else None, **self._times(said, ended),
        })  # fmt: skip
        if said.status == "failed" and self.run and (story is None or not self.error):  # .error reads the journal
            failure = self.run.failure()
            self.error = {name: getattr(failure, name) for name in FAILURE_FIELDS}
        self._set_changed({"status": now.status})
        self._show_place()
        self._set_changed({"beat": time.time()})
        with self._changed:
            self._changed.notify_all()

    def _set_changed(self, values: Mapping[str, Any]) -> None:
        """Set traits to what they do not have yet: a look is cheaper than a set."""
        if self._opening:
            return self._fill(values)
        for name, value in values.items():
            if getattr(self, name) != value:
                setattr(self, name, value)
        return None

    def _show_place(self) -> None:
        place = self.project.queue.place(self) if self.status == "pending" else Place()
        told = {"place": place.number, "queued": place.of, "held": place.held, "detail": place.text or self.detail}
        self._set_changed(told)

    def _times(self, said: RunStatus, ended: bool) -> dict[str, float]:
        story = self._story if self._story and self._story.began_s else None
        owned_s = 0.0 if story else float((self.run.owner() if self.run else {}).get("started_s", 0.0))
        started_s, began_s = (story.started_s, story.began_s) if story else (owned_s, owned_s)
        end_s = said.heartbeat_s if ended else time.time()
        return {"started_s": started_s, "duration_s": said.earlier_s + max(0.0, end_s - began_s) if began_s else 0.0}
