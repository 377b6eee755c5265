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
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain import files
from nbtrain.data.randomness import Stream, key, seed_everything
from nbtrain.errors import TrainingError
from nbtrain.messages import LEFT, Best, Metric, Notice, PerClass, Phase, Saved, Status
from nbtrain.models.heads import to_training
from nbtrain.training.checkpoint import Checkpoints, Loaded, State
from nbtrain.training.commands import Commands, Say, Stopped
from nbtrain.training.metrics import Scores
from nbtrain.training.monitor import Monitor
from nbtrain.training.parts import Outcome, Parts, Plan
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
    saved: tuple[int, int] = (0, 0)
    """Step and epochs of the newest checkpoint."""


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
    ) -> None:
        """Put the loop together; ``told`` is what every checkpoint repeats besides (config, classes)."""
        self.parts, self.plan, self.monitor, self.checkpoints = parts, plan, monitor, checkpoints
        self.say, self.commands, self.told = say, commands, told
        self.place, self.meter = Place(), Meter()
        self.scores = Scores({}, (), ())
        self.device = parts.precision.device

    def run(self) -> Outcome:
        """Train from the newest checkpoint, or from the start, to the end; return how it ended."""
        self._resume(self.checkpoints.newest())
        self.meter.start()
        try:
            batches = self._batches()
            while not self._ended():
                self._train(batches)
                with self.meter.paused():
                    better = self._validate()
                    if better or self._ended() or self.place.epoch % self.plan.save_every == 0:
                        self._save(best=better)
        except Stopped:
            self._save(best=False)
            return Outcome(
                self.commands.ending, f"{LEFT[self.commands.ending]} at step {self.place.step} of {self.plan.steps}."
            )
        finally:
            self.parts.train.close()
            self.parts.val.close()
        if self.plan.keep_best_only:
            self.checkpoints.keep_best_only()
        return Outcome("completed", self._why_early())

    # ------------------------------------------------------------------ one epoch

    def _train(self, batches: Iterator[Any]) -> None:
        """Take the steps that the present epoch still needs."""
        self._enter("training")
        to_training(self.parts.model)
        end = (self.place.epoch + 1) * self.plan.steps_per_epoch
        while self.place.step < end:
            self._step(batches, self._batches_of(self.place.step))
            if self.place.step % self.plan.say_every == 0 or self.place.step == end:
                self._say_losses()
            if self.meter.due():
                self.say(self.meter.read(self.place.step, _gpu_memory_mib(self.device)))
            self.commands.look()

    def _step(self, batches: Iterator[Any], of: int) -> None:
        """Change the weights once, by the mean gradient of the next ``of`` batches."""
        parts = self.parts
        self.place.lrs.append(self._lr())
        parts.optimizer.zero_grad(set_to_none=True)
        shares = [self._backward(batch, place, of) for place, batch in enumerate(islice(batches, of))]
        if self.plan.clip_norm:
            parts.precision.scaler.unscale_(parts.optimizer)
            nn.utils.clip_grad_norm_(parts.model.parameters(), self.plan.clip_norm)
        parts.precision.scaler.step(parts.optimizer)
        parts.precision.scaler.update()
        parts.schedule.step()
        self.place.step += 1
        if parts.ema:
            parts.ema.update(parts.model, self.place.step)
        self.place.losses.append(torch.stack([loss for loss, _ in shares]).sum())
        self.place.hits.extend([torch.stack([hits for _, hits in shares]).sum()] if parts.one_label else [])

    def _backward(self, batch: Any, place: int, of: int) -> tuple[Tensor, Tensor]:
        """Add one of a step's ``of`` batches to the gradient; return its shares of the loss and of right answers."""
        self._seed(key(self.plan.seed, Stream.STEP, self.place.step, place))
        images_BCHW, target = self.parts.prepare(batch.images), batch.targets.to(self.device, non_blocking=True)
        if self.parts.mix:
            images_BCHW, target = self.parts.mix(images_BCHW, target)
        with self.parts.precision.autocast():
            logits_BK = self.parts.model(images_BCHW)
        loss = self.parts.loss(logits_BK.float(), target)
        self.parts.precision.scaler.scale(loss / of if of > 1 else loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach() / of, _hits(logits_BK.detach(), target) / of

    @torch.no_grad()
    def _validate(self) -> bool:
        """Measure the present weights (their average where there is one); return whether they are the best so far."""
        self._enter("validating")
        model = self.parts.ema.model if self.parts.ema else self.parts.model
        model.eval()
        metrics = self.parts.metrics()
        self._seed(key(self.plan.seed, Stream.VALIDATE, self.place.step))
        for batch in self.parts.val.once():
            self.commands.look()
            target = batch.targets.to(self.device, non_blocking=True)
            with self.parts.precision.autocast():
                logits_BK = model(self.parts.prepare(batch.images)).float()
            metrics.add(logits_BK, target, self.parts.loss(logits_BK, target))
        return self._judge(metrics.result())

    def _judge(self, scores: Scores) -> bool:
        """Close the epoch with its scores; return whether they are the best so far."""
        self.scores = scores
        self.place.epoch += 1
        self.parts.schedule.validated(scores.values["loss"])
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

    def _say_losses(self) -> None:
        """Read the losses since the last time from the device, and say their mean."""
        losses = torch.stack(self.place.losses).double().cpu()
        self._check_finite(losses)
        values = {"loss": losses.mean().item(), "lr": self.place.lrs[-1]}
        if self.place.hits:
            values["accuracy"] = torch.stack(self.place.hits).double().mean().item()
        for said in (self.place.losses, self.place.hits, self.place.lrs):
            said.clear()
        self.say(Metric(step=self.place.step, epoch=self._epoch(), split="train", values=values))

    def _check_finite(self, losses: Tensor) -> None:
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            first = int(bad[0])
            self._broke_down("the loss", self.place.step - len(losses) + first + 1, self.place.lrs[first])

    def _broke_down(self, what: str, step: int, lr: float) -> None:
        raise TrainingError(
            f"{what} was no finite number any more at step {step}, at a learning rate of {lr:.3g}",
            cause="numerics",
            advice="Lower the learning rate, clip the gradients, or use precision 32. "
            "The checkpoints from before that step are kept.",
        )

    def _enter(self, phase: Phase) -> None:
        place, plan = self.place, self.plan
        self.say(
            Status(
                status="training", phase=phase, epoch=place.epoch, epochs=plan.epochs, step=place.step, steps=plan.steps
            )
        )

    # ------------------------------------------------------------------ checkpoints

    def _save(self, *, best: bool) -> None:
        """Keep the present state. A disk that refuses it is told of, and ends only a run that is complete."""
        if (self.place.step, self.place.epoch) == self.place.saved:
            return
        self._enter("saving")
        self._check_before_save()
        try:
            marker = self.checkpoints.save(self._state(), best=best)
        except OSError as error:
            self._not_saved(error)
            return
        self.place.saved = (self.place.step, self.place.epoch)
        self.say(Saved(file=marker.file, step=marker.step, epoch=self._epoch(), size_bytes=marker.bytes, best=best))

    def _not_saved(self, error: OSError) -> None:
        full = error.errno in files.FULL
        why = "the disk is full" if full else f"the disk refused it ({error.strerror or error})"
        told = f"The checkpoint at step {self.place.step} was not kept: {why}. The ones before it are untouched."
        if self._ended():
            raise TrainingError(told.rstrip("."), cause="disk", advice="Make room on the disk.") from error
        self.say(Notice(level="warning", text=f"{told} Training goes on."))

    def _check_before_save(self) -> None:
        if self.place.losses:
            self._check_finite(torch.stack(self.place.losses).cpu())
        state = [t for t in self.parts.model.state_dict().values() if t.is_floating_point()]
        if not nn.utils.get_total_norm(state, float("inf")).isfinite():
            self._broke_down("a weight", self.place.step, self._lr())

    def _state(self) -> State:
        parts, place = self.parts, self.place
        unsaid = {name: list(getattr(place, name)) for name in ("losses", "hits", "lrs")}
        return {
            "model_state_dict": parts.model.state_dict(),
            "ema_state_dict": parts.ema.model.state_dict() if parts.ema else None,
            "optimizer_state_dict": parts.optimizer.state_dict(),
            "scheduler_state_dict": parts.schedule.state_dict(),
            "scaler_state_dict": parts.precision.scaler.state_dict(),
            "loop_state_dict": {"monitor": self.monitor.state_dict(), **unsaid},
            "epoch": place.epoch,
            "step": place.step,
            "metrics": dict(self.scores.values),
            **self.told,
        }

    def _resume(self, loaded: Loaded | None) -> None:
        """Go on from a checkpoint, where there is one."""
        if loaded is None:
            return
        parts, state = self.parts, loaded.state
        parts.model.load_state_dict(state["model_state_dict"])
        if parts.ema:
            parts.ema.model.load_state_dict(state["ema_state_dict"])
        parts.optimizer.load_state_dict(state["optimizer_state_dict"])
        parts.schedule.load_state_dict(state["scheduler_state_dict"])
        parts.precision.scaler.load_state_dict(state["scaler_state_dict"])
        self._take_place(state)
        if self.monitor.best.get("step") == self.place.step:  # the process may have died before it could point there
            self.checkpoints.point_best(loaded.marker)
        if self.monitor.best:  # a later best of a life that was given up is no longer true
            self.say(Best(**self.monitor.best))
        for reason in loaded.skipped:
            self.say(Notice(level="warning", text=f"A checkpoint is damaged and was skipped: {reason}."))
        self.say(Notice(text=f"Went on from the checkpoint at step {self.place.step}."))

    def _take_place(self, state: State) -> None:
        loop = state["loop_state_dict"]
        self.monitor.load_state_dict(loop["monitor"])
        self.scores = Scores(dict(state["metrics"]), (), ())
        at = (state["step"], state["epoch"])
        losses, hits = ([t.to(self.device) for t in loop[name]] for name in ("losses", "hits"))
        self.place = Place(*at, losses, hits, list(loop["lrs"]), saved=at)

    # ------------------------------------------------------------------ small things

    def _batches(self) -> Iterator[Any]:
        """Yield the batches from the present step to the end of the run, timing the wait for each."""
        epoch, step = divmod(self.place.step, self.plan.steps_per_epoch)
        first = epoch * self.plan.batches_per_epoch + step * self.plan.multiplier
        stream = self.parts.train.stream(first, self.plan.epochs * self.plan.batches_per_epoch)
        while True:
            began_s = time.perf_counter()
            batch = next(stream, None)
            if batch is None:
                return
            self.meter.count(len(batch.images), time.perf_counter() - began_s)
            yield batch

    def _batches_of(self, step: int) -> int:
        """Return the number of batches of ``step``; the last step of an epoch takes what is left."""
        done = step % self.plan.steps_per_epoch * self.plan.multiplier
        return min(self.plan.multiplier, self.plan.batches_per_epoch - done)

    def _seed(self, number: int) -> None:
        seed_everything(number)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(number)

    def _lr(self) -> float:
        return float(self.parts.optimizer.param_groups[0]["lr"])

    def _epoch(self) -> float:
        return self.place.step / self.plan.steps_per_epoch


def _hits(logits_BK: Tensor, target: Tensor) -> Tensor:
    """Return the share of right answers; of mixed labels the larger share counts."""
    wanted_B = target if target.ndim == 1 else target.argmax(1)
    return (logits_BK.argmax(1) == wanted_B).float().mean()


def _gpu_memory_mib(device: torch.device) -> float:
    return torch.cuda.memory_reserved(device) / _MIB if device.type == "cuda" else 0.0
