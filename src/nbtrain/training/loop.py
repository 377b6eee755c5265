"""The training loop: :meth:`Loop.run` is the whole course of a run, top to bottom.

An epoch is a pass over the training images, a batch is what the device sees at once, a step is one change of the
weights (``multiplier`` batches). Every random number hangs on (seed, step, batch), so a run that starts again from a
checkpoint repeats the same numbers: a checkpoint needs the states of the parts and two integers, step and epochs done.

Nothing is read from the device during a step. Losses stay there until they are said, every few steps; only then is
a NaN seen, and always before a checkpoint could keep it. The loop speaks through ``say`` and listens between steps
through ``commands``; it knows no files but its checkpoints, and no configuration beyond its plan.

Shapes: B images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.data.randomness import Stream, key
from nbtrain.errors import TrainingError
from nbtrain.messages import LEFT, Best, Metric, Notice, PerClass, Phase, Status
from nbtrain.models.freezing import to_training
from nbtrain.training.checkpoint import Checkpoints, Loaded, State, check_fits
from nbtrain.training.commands import Commands, Say, Stopped
from nbtrain.training.keeper import Keeper
from nbtrain.training.live import Live
from nbtrain.training.metrics import Metrics, Scores
from nbtrain.training.monitor import Monitor
from nbtrain.training.parts import Outcome, Parts, Plan
from nbtrain.training.phases import no_span
from nbtrain.training.profile import Profile
from nbtrain.training.rescue import Rescue, Trouble, check_losses, check_weights
from nbtrain.training.schedule_free import ScheduleFree, to_average
from nbtrain.training.stepping import Stepping, seed
from nbtrain.training.transfer import to_device
from nbtrain.training.usage import Meter

_MIB = 2**20


@dataclass(slots=True)
class Place:
    """Where a run stands."""

    step: int = 0
    epoch: int = 0
    """Epochs done, each with its validation."""
    losses: list[Tensor] = field(default_factory=list)
    """Losses of the steps that have not been said yet, on the device."""
    hits: list[Tensor] = field(default_factory=list)
    """Share of right answers in the same steps, where images have one label each."""
    lrs: list[float] = field(default_factory=list)
    """Learning rates of the same steps."""


class Loop:
    """One run of one model."""

    def __init__(
        self,
        parts: Parts,
        plan: Plan,
        monitor: Monitor,
        checkpoints: Checkpoints,
        say: Say,
        commands: Commands,
        told: Mapping[str, Any],
        live: Live | None = None,
        profile: Profile | None = None,
    ) -> None:
        """Put the loop together; ``told`` is what every checkpoint repeats besides (config, classes).

        Without ``live`` the numbers of the plan stay what they are; a ``profile`` times every phase.
        """
        self.parts, self.plan, self.monitor, self.checkpoints = parts, plan, monitor, checkpoints
        self.say, self.commands, self.told = say, commands, told
        self.live = live
        self.place, self.meter = Place(), Meter()
        self.keeper = Keeper(checkpoints, plan.steps_per_epoch, say)
        self.scores = Scores({}, (), ())
        self.device = parts.precision.device
        self.rescue = Rescue(parts.model, self.device, say)
        self.profile, self.span = profile, profile.span if profile else no_span
        pieces, before = self.rescue.pieces, self.keeper.before_step
        self.stepping = Stepping(parts, plan.seed, pieces, before, self.span)

    def run(self) -> Outcome:
        """Train from the newest checkpoint, or from the start, to the end; return how it ended."""
        self._resume(self.checkpoints.newest())
        if self.live:
            self.live.begin(self)
        self.meter.start()
        if self.profile:
            self.profile.start()
        try:
            while trouble := self._epochs():
                self._go_back(trouble)
            self._finish_saving(must=True)
        except Stopped:
            self._save(best=False)
            self._finish_saving(must=False)
            return Outcome(
                self.commands.ending,
                f"{LEFT[self.commands.ending]} at step {self.place.step} of {self.plan.steps}{self.commands.why}.",
            )
        finally:
            if self.profile:
                self.profile.close()
            self.keeper.close()
            self.parts.train.close()
            self.parts.val.close()
        if self.plan.keep_best_only:
            self.checkpoints.keep_best_only()
        return Outcome("completed", self._why_early())

    def _epochs(self) -> Trouble | None:
        """Train and validate to the end; return what got in the way, where that can be helped."""
        try:
            batches = self._batches()
            while not self._ended():
                self._train(batches)
                with self.meter.paused():
                    with self.commands.budget.measured("validate"), self.span("validate"):
                        better = self._validate()
                    if self.live:
                        self.live.look(self)
                    if better or self._ended() or self.place.epoch % self.plan.save_every == 0:
                        with self.span("save"):
                            self._save(best=better)
        except Exception as error:
            trouble = self.rescue.trouble(error)
            if trouble is None:
                raise
            return trouble  # without the error, whose traceback holds on to memory
        return None

    # ------------------------------------------------------------------ one epoch

    def _train(self, batches: Iterator[Any]) -> None:
        """Take the steps that the present epoch still needs."""
        self._enter("training")
        parts = self.parts
        if parts.unfreezing and parts.unfreezing.enter(self.place.epoch):
            self.say(Notice(text=f"From epoch {self.place.epoch + 1} on the whole network is trained."))
        self._to_path()
        to_training(parts.model)
        end = (self.place.epoch + 1) * self.plan.steps_per_epoch
        while self.place.step < end:
            if self.live:
                self.live.look(self)
            self._step(batches, self._batches_of(self.place.step))
            self._say_due(end)
            self._take_in()
            self.commands.look()
            if self.keeper.due(self.plan.save_every_s):
                with self.span("save"):
                    self._save(best=False)
                self._to_path()
            if self.profile:
                self.profile.stepped()

    def _to_path(self) -> None:
        """Bring the weights that are trained back, where those that are kept are their average; once it is copied."""
        if isinstance(self.parts.optimizer, ScheduleFree):
            self.keeper.before_step()
            self.parts.optimizer.to_path()

    def _step(self, batches: Iterator[Any], of: int) -> None:
        """Change the weights once, by the mean gradient of the next ``of`` batches."""
        parts = self.parts
        self.place.lrs.append(self._lr())
        loss, hits = self.stepping.step(batches, self.place.step, of, self.plan.clip_norm)
        self.place.step += 1
        with self.span("step"):
            parts.schedule.step()
            if parts.ema:
                parts.ema.update(parts.model, self.place.step)
        self.place.losses.append(loss)
        self.place.hits.extend([hits] if parts.one_label else [])

    @torch.no_grad()
    def _validate(self) -> bool:
        """Measure the present weights (their average where there is one); return whether they are the best so far."""
        self.commands.look("validate")
        self._enter("validating")
        to_average(self.parts.optimizer)
        model = self.parts.ema.model if self.parts.ema else self.parts.model
        model.eval()
        metrics = self.parts.metrics()
        seed(key(self.plan.seed, Stream.VALIDATE, self.place.step), self.device)
        for batch in self.parts.val.once():
            self.commands.look()
            self._score(batch, model, metrics)
        return self._judge(metrics.result())

    def _score(self, batch: Any, model: nn.Module, metrics: Metrics) -> None:
        """Add what ``model`` makes of one validation batch to ``metrics``."""
        images_BCHW, wanted = self.parts.prepare(batch.images), to_device(batch.targets, self.device)
        for some_BCHW, target in self.rescue.pieces(images_BCHW, wanted):
            with self.parts.precision.autocast():
                logits_BK = model(some_BCHW).float()
            metrics.add(logits_BK, target, self.parts.loss.sums(logits_BK, target))

    def _judge(self, scores: Scores) -> bool:
        """Close the epoch with its scores; return whether they are the best so far."""
        self.scores = scores
        self.place.epoch += 1
        self.parts.schedule.validated(self.monitor.cost(scores.values))
        at: dict[str, Any] = {"step": self.place.step, "epoch": self._epoch()}
        self.say(Metric(split="val", values=scores.values, **at))
        self.say(PerClass(columns=scores.columns, rows=scores.rows, **at))
        better = self.monitor.judge(scores.values, self.place.epoch, self.place.step)
        if better:
            self.say(Best(**self.monitor.best))
        return better

    def _ended(self) -> bool:
        return self.place.epoch >= self.plan.epochs or self.monitor.tired

    def _why_early(self) -> str:
        if self.place.epoch >= self.plan.epochs:
            return ""
        return f"Stopped early: {self.monitor.metric} has not improved for {self.monitor.patience} epochs."

    # ------------------------------------------------------------------ what is said

    def _say_due(self, end: int) -> None:
        """Say what is due after a step: losses every few steps and at the ``end`` of an epoch, usage once a second."""
        if self.place.step % self.plan.say_every == 0 or self.place.step == end:
            with self.span("say"):
                self._say_losses()
        if self.meter.due():
            self.say(self.meter.read(self.place.step, _gpu_memory_mib(self.device)))

    def _say_losses(self) -> None:
        """Read the losses since the last time from the device, and say their mean."""
        losses = torch.stack(self.place.losses).double().cpu()
        check_losses(losses, self.place.step, self.place.lrs)
        values = {"loss": losses.mean().item(), "lr": self.place.lrs[-1]}
        if self.place.hits:
            values["accuracy"] = torch.stack(self.place.hits).double().mean().item()
        self.rescue.watch(values["loss"], len(losses), self.place.step)
        for said in (self.place.losses, self.place.hits, self.place.lrs):
            said.clear()
        self.say(Metric(step=self.place.step, epoch=self._epoch(), split="train", values=values))

    def tell_place(self, phase: Phase = "training", detail: str = "") -> None:
        """Say where the run stands, after its plan has changed, or while something else goes on within a step."""
        self._enter(phase, detail)

    def _enter(self, phase: Phase, detail: str = "") -> None:
        place, plan = self.place, self.plan
        at: dict[str, Any] = {"epoch": place.epoch, "epochs": plan.epochs, "step": place.step, "steps": plan.steps}
        self.say(Status(status="training", phase=phase, detail=detail, **at))

    # ------------------------------------------------------------------ checkpoints

    def _save(self, *, best: bool) -> None:
        """Begin to keep the present state, unless it is kept already; it is written behind the loop."""
        self._take_in(wait=True)
        if self.keeper.has(self.place.step, self.place.epoch):
            return
        to_average(self.parts.optimizer)
        if self.place.losses:
            check_losses(torch.stack(self.place.losses).cpu(), self.place.step, self.place.lrs)
        check_weights(self.parts.model, self.place.step, self._lr())
        changing = [*self.parts.model.buffers(), *self.place.losses, *self.place.hits]
        self.keeper.keep(self._state(), changing, best=best)

    def _finish_saving(self, *, must: bool) -> None:
        """Wait for the checkpoint under way; the last one of a complete run ``must`` be kept."""
        if self.keeper.under_way:
            self._enter("saving")
            self._take_in(wait=True, must=must)

    def _take_in(self, *, wait: bool = False, must: bool = False) -> None:
        """Take in how the checkpoint under way ended, if it has."""
        if self.keeper.take_in(wait=wait, must=must):
            self.rescue.start = None
            self.commands.budget.remember("save", self.keeper.took_s)

    def _state(self) -> State:
        parts, place = self.parts, self.place
        unsaid = {name: list(getattr(place, name)) for name in ("losses", "hits", "lrs")}
        return {
            "model_state_dict": parts.model.state_dict(),
            "ema_state_dict": parts.ema.model.state_dict() if parts.ema else None,
            "optimizer_state_dict": parts.optimizer.state_dict(),
            "scheduler_state_dict": parts.schedule.state_dict(),
            "scaler_state_dict": parts.precision.scaler.state_dict(),
            "loop_state_dict": {"monitor": self.monitor.state_dict(), "rescue": self.rescue.state_dict(), **unsaid},
            "epoch": place.epoch,
            "step": place.step,
            "metrics": dict(self.scores.values),
            **self.told,
        }

    def _resume(self, loaded: Loaded | None) -> None:
        """Go on from a checkpoint, where there is one."""
        if loaded is None:
            self.rescue.keep_start(self._state())
            return
        check_fits(loaded.state, self.parts.model, self.parts.optimizer)
        self.rescue.load_state_dict(loaded.state["loop_state_dict"].get("rescue", {}))
        self._load(loaded.state)
        if self.monitor.best.get("step") == self.place.step:  # the process may have died before it could point there
            self.checkpoints.point_best(loaded.marker)
        if self.monitor.best:  # a later best of a life that was given up is no longer true
            self.say(Best(**self.monitor.best))
        for reason in loaded.skipped:
            self.say(Notice(level="warning", text=f"A checkpoint is damaged and was skipped: {reason}."))
        self.say(Notice(text=f"Went on from the checkpoint at step {self.place.step}."))

    def _go_back(self, trouble: Trouble) -> None:
        """Return to the newest checkpoint, or to the first weights, with what the rescue changes; keep that too."""
        self.parts.train.close()
        self.parts.val.close()
        self.parts.optimizer.zero_grad(set_to_none=True)
        self.rescue.free_memory()
        self._take_in(wait=True)
        loaded = self.checkpoints.newest()
        state = loaded.state if loaded else self.rescue.start
        if state is None:
            raise TrainingError(trouble.what, cause=trouble.kind, advice="No checkpoint is left to go back to.")
        self._load(state)
        if self.live:
            self.live.begin(self)  # what was changed after that step is repeated at its own
        self.rescue.change(trouble, self.place.step)
        self.parts.schedule.scale(self.rescue.changes.lr_factor)
        if self.monitor.best:
            self.say(Best(**self.monitor.best))
        self.keeper.saved = (-1, -1)  # the change has to be kept, or a later life would not know of it
        self._save(best=self.monitor.best.get("step") == self.place.step)

    def _load(self, state: State) -> None:
        parts = self.parts
        parts.model.load_state_dict(state["model_state_dict"])
        if parts.ema:
            parts.ema.model.load_state_dict(state["ema_state_dict"])
        parts.optimizer.load_state_dict(state["optimizer_state_dict"])
        parts.schedule.load_state_dict(state["scheduler_state_dict"])
        parts.schedule.scale(self.rescue.changes.lr_factor)
        parts.precision.scaler.load_state_dict(state["scaler_state_dict"])
        self._take_place(state)

    def _take_place(self, state: State) -> None:
        loop = state["loop_state_dict"]
        self.monitor.load_state_dict(loop["monitor"])
        self.scores = Scores(dict(state["metrics"]), (), ())
        at = (state["step"], state["epoch"])
        losses, hits = ([t.to(self.device) for t in loop[name]] for name in ("losses", "hits"))
        self.place = Place(*at, losses, hits, list(loop["lrs"]))
        self.keeper.saved = at

    # ------------------------------------------------------------------ small things

    def _batches(self) -> Iterator[Any]:
        """Yield the batches from the present step to the end of the run, which may move meanwhile."""
        epoch, step = divmod(self.place.step, self.plan.steps_per_epoch)
        first = epoch * self.plan.batches_per_epoch + step * self.plan.multiplier
        while first < (end := self.plan.epochs * self.plan.batches_per_epoch):
            yield from self._timed(self.parts.train.stream(first, end))
            first = end

    def _timed(self, stream: Iterator[Any]) -> Iterator[Any]:
        """Yield what ``stream`` yields, timing the wait for each."""
        while True:
            began_s = time.perf_counter()
            with self.span("load"):
                batch = next(stream, None)
            if batch is None:
                return
            self.meter.count(len(batch.images), time.perf_counter() - began_s)
            yield batch

    def _batches_of(self, step: int) -> int:
        """Return the number of batches of ``step``; the last step of an epoch takes what is left."""
        done = step % self.plan.steps_per_epoch * self.plan.multiplier
        return min(self.plan.multiplier, self.plan.batches_per_epoch - done)

    def _lr(self) -> float:
        return self.parts.schedule.lr

    def _epoch(self) -> float:
        return self.place.step / self.plan.steps_per_epoch


def _gpu_memory_mib(device: torch.device) -> float:
    return torch.cuda.memory_reserved(device) / _MIB if device.type == "cuda" else 0.0
