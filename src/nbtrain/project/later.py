"""What can be done with an experiment once its run has begun: change it live, extend it, branch from it.

A part of :class:`~nbtrain.project.experiment.Experiment`, in a file of its own. It knows what may be asked and what was
changed; how a run is started and followed, the experiment itself knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from traitlets import Dict, List, default

from nbtrain.config import Config
from nbtrain.errors import Problem
from nbtrain.messages import ENDED, Message
from nbtrain.project import between, branches, changing, datachange, extending, lives
from nbtrain.project.datachange import DataChange
from nbtrain.project.editing import Editable
from nbtrain.runs.folder import RunFolder
from nbtrain.training.changes import Entry

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment


class Later(Editable):
    """The part of an experiment that begins with its run."""

    changes: Any = List(help="What was changed since the newest run began: step, path, old and value of each.")
    asked = Dict(help="Values that the trainer has been asked for and has not answered yet, by path.")
    refusals = Dict(help="Why the trainer did not take a change, by path.")

    run: RunFolder | None
    epoch: int
    epochs: int
    step: int
    steps: int
    refresh: Callable[[], None]
    place: int
    _attach: Callable[..., None]
    metrics: dict[str, dict[str, float]]

    @property
    def running(self) -> bool:
        """Whether a trainer is at work for it, or will be."""
        return self.status != "created" and self.status not in ENDED

    @property
    def data_change(self) -> DataChange | None:
        """What has changed in the data set since the newest run was set up; None where nothing has."""
        return datachange.since(self.run.path, self.project.data) if self.run is not None else None

    # -- changing it while it trains ----------------------------------------------------------------------------

    @property
    def present(self) -> Config:
        """The configuration as the newest run follows it now: ``config``, and on top what was changed since."""
        config = self.config
        for change in self.changes:
            config = config.set(change["path"], change["value"])
        return config

    def set(self, path: str, value: Any, *, join: str = "") -> None:
        """Set one configuration value; raises ConfigError (the old one stays) or StatusError once it has been trained.

        While it trains, a field that may change live is asked of the trainer, which takes it at the next step; while it
        waits in the queue, it is written down for the trainer's first step. Setting ``<section>.kind`` brings back what
        that kind's fields held before, or its defaults. Several in a row with the same ``join`` are one edit for
        :meth:`undo`.
        """
        with self.project.lock:
            if self.running:
                self._set_live(path, value)
            else:
                super().set(path, value, join=join)

    def _set_live(self, path: str, value: Any) -> None:
        """Ask the trainer to go on with another value; ``changes`` tells when it has."""
        if self.place and self._set_waiting({path: value}):
            return
        now = self.present
        for waiting, wish in self.asked.items():
            now = now.set(waiting, wish)
        begun = changing.begun(self.epoch, self.step, self.epochs, self.steps)
        wish = changing.asked(now, path, value, begun, self.project.facts(now))
        if wish is not None and self.run is not None:
            self.refusals = {name: why for name, why in self.refusals.items() if name != path}
            self.asked = {**self.asked, path: wish.value}
            self.run.ask(wish)

    def _set_waiting(self, wanted: Mapping[str, Any]) -> bool:
        """Change values of a run that waits in the queue; False where it does not wait any more."""
        run = cast(RunFolder, self.run)
        entries = self._planned(wanted)
        done = not entries or self.project.queue.change(run, lambda: between.write(run, entries))
        self._hear_changes()
        return done

    def _planned(self, wanted: Mapping[str, Any]) -> list[Entry]:
        """Return the entries that change values between two lives; raises StatusError or ConfigError."""
        begun = changing.begun(self.epoch, self.step, self.epochs, self.steps) if self.step else 1
        return between.planned(cast(RunFolder, self.run), self.config, wanted, begun, self.project.facts(self.config))

    def _hear_changes(self, messages: Sequence[Message] | None = None) -> None:
        """Take in what the trainer has answered; without messages the run itself has changed."""
        answers = changing.answered(messages or ())
        if messages is None:
            self.asked, self.refusals = {}, {}
        elif answers:
            self.asked = {path: value for path, value in self.asked.items() if path not in answers}
            self.refusals = {**self.refusals, **{path: why for path, why in answers.items() if why}}
        if messages is None or answers:
            self.changes = self._changes()

    @default("changes")
    def _changes(self) -> list[dict[str, Any]]:
        return [_plain(entry) for entry in changing.entries(self.run.path if self.run else None)]

    # -- extending it ---------------------------------------------------------------------------------------------

    def extend(self, epochs: int, *, beside: bool = False, queue: bool = False) -> Experiment:
        """Go on with a completed run for ``epochs`` more, in the same run folder; return at once.

        The rest follows the learning rate of a run of the new length (:meth:`extension` says it in words), and early
        stopping waits anew. ``beside`` and ``queue`` are as for :meth:`train`. Raises StatusError in other statuses.
        """
        with self.project.lock:
            self.refresh()
            planned = self.extension(epochs)
            run = cast(RunFolder, self.run)
            lives.must_be_ready(self.project.path, self.present, fresh=False)
            when = lives.on_device(self.project.path, self.config, "extend", beside=beside, wait=queue)
            extending.write(run, planned.entry)
            try:
                lives.go_on(run, when)
            except BaseException:
                extending.take_back(run, planned.entry)
                raise
            finally:
                self._attach(run, again=True)
            self.project.queue.look()
        return cast("Experiment", self)

    def extension(self, epochs: int) -> extending.Extension:
        """Return what :meth:`extend` would do: the epochs in all, and in ``text`` how the schedule goes on."""
        extending.must_be_extendable(self.status)
        last_lr = self.metrics.get("train", {}).get("lr")
        return extending.plan(cast(RunFolder, self.run), self.config, epochs, last_lr)

    # -- branching from it ----------------------------------------------------------------------------------------

    def branch(self, checkpoint: str | int = "best", name: str | None = None) -> Experiment:
        """Return a new experiment, saved, that goes on from a checkpoint: ``best``, ``last``, or that of a step.

        Its configuration is this one as it stood at that step, and can be edited as far as the checkpoint's state does
        not hang on it. ``train()`` starts it, in a run folder of its own. Raises StatusError where there is no such
        checkpoint, or where it is damaged.
        """
        with self.project.lock:
            start = branches.find(self.run, self.config, checkpoint, experiment=self._card.id, name=self._card.name)
            told = name or f"{self._card.name[:460]} (from step {start.lineage['step']})"
            made = self.project.new(told, start.config, tags=self._card.tags, on_disk=False)
            made._card = made._card.replaced(start=start.lineage)
            try:
                made.save()
                branches.keep(start, cast(Path, made.folder))
            except BaseException:
                made.delete()
                raise
            made.look()
            return made

    def _all_problems(self) -> list[Problem]:
        return [*super()._all_problems(), *branches.problems(self._card.start, self.config, self.folder)]

    @property
    def lineage(self) -> dict[str, Any]:
        """Where a branch begins: experiment, name, run, step and epoch of the other one; empty for most."""
        return dict(self._card.start)


def _plain(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("step", "path", "old", "value", "extends")}
