"""A rehearsal: the real loop takes a few real steps, to measure what a run will need. Nothing of it is kept.

Time per batch (loading and computing apart), per validation batch and per checkpoint; peak memory at each batch size
that is tried; bytes of a checkpoint. It is a loop like any other, with the model, precision, optimizer, average, loss
and loader of the run, so whatever the loop does costs what it will cost. Its weights and its random numbers are its
own: who builds the run's model afterwards seeds everything anew. It knows numbers; it does not know how they are
judged, nor what a person is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import torch

from nbtrain.data.images import Batch
from nbtrain.data.loader import Loader
from nbtrain.errors import lacks_memory
from nbtrain.models.freezing import to_training
from nbtrain.training.checkpoint import Checkpoints, State
from nbtrain.training.commands import Commands
from nbtrain.training.loop import Loop
from nbtrain.training.memory import Gauge
from nbtrain.training.monitor import Monitor
from nbtrain.training.parts import Parts, Plan
from nbtrain.training.schedule_free import to_average
from nbtrain.training.settings import Checkpoint
from nbtrain.training.sizes import Pace, TooLargeError, Trial

_FEWEST, _MOST = 2, 12
"""Steps that are timed at one batch size."""
_MOST_BATCHES = 4
"""Batches of one step that are measured; a step of more takes as many times longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a checkpoint costs."""

    size_bytes: int
    hold_s: float
    """Seconds that the loop waits for it."""
    write_s: float
    """Seconds until it is on the disk, behind the loop."""


class Rehearsal(Loop):
    """The loop of a run, for a few steps."""

    def __init__(self, parts: Parts, plan: Plan, gauge: Gauge, folder: Path, commands: Commands) -> None:
        """``gauge`` was made before the parts; checkpoints go to ``folder``, which the caller removes."""
        endless = replace(plan, epochs=1_000_000)
        super().__init__(parts, endless, Monitor("loss"), Checkpoints(folder, Checkpoint()), _unheard, commands, {})
        self._gauge = gauge
        self._batches_per_step = min(plan.multiplier, _MOST_BATCHES)
        self._first: State | None = None
        """The first weights: a run holds them until its first checkpoint is on the disk, beside the copy for that."""
        self.first_step_s = 0.0
        """Seconds that the very first step took longer than those after it."""

    def begin(self, epoch: int = 0) -> None:
        """Bring the model to where it trains in ``epoch``; the first call also holds the first weights, as a run."""
        if self._first is None:
            self.rescue.keep_start(self._state())
            self._first = self.rescue.start
        if self.parts.unfreezing:
            self.parts.unfreezing.enter(epoch)
        self._to_path()
        to_training(self.parts.model)

    def trial(self, loader: Loader, pace: Pace) -> Trial:
        """Measure steps of ``loader``'s batch size; raises TooLargeError where it does not fit, and Stopped."""
        self._gauge.reset()
        stream = _Clock(loader.stream())
        try:
            load_s = self._loading(loader.reading.workers, stream)
            compute_s = self._computing(stream, pace)
            return Trial(
                batch=min(loader.batch_size, len(loader.images)),
                compute_s=compute_s,
                load_s=load_s if loader.reading.workers else median(stream.waits_s),
                beside=loader.reading.workers > 0,
                peak_bytes=self._gauge.peak_bytes(),
            )
        except Exception as error:
            if not lacks_memory(error):
                raise
            raise TooLargeError(loader.batch_size) from None
        finally:
            loader.close()
            self.parts.optimizer.zero_grad(set_to_none=True)

    def loading_s(self, loader: Loader) -> float:
        """Return the seconds in which ``loader`` gives an image while nothing computes, without what it starts with."""
        stream = _Clock(loader.stream())
        try:
            took_s = self._loading(loader.reading.workers, stream)
            if not loader.reading.workers:
                for _ in islice(stream, _FEWEST + 1):
                    self.commands.look()
                took_s = median(stream.waits_s[1:])
            return took_s / min(loader.batch_size, len(loader.images))
        finally:
            loader.close()

    def validation_s(self, loader: Loader, most: int = 4, enough_s: float = 1.0) -> float:
        """Return the seconds that one image of a validation takes, reading it included; the first batch is not timed.

        Where there is only one batch, it has to do.
        """
        to_average(self.parts.optimizer)
        model = self.parts.ema.model if self.parts.ema else self.parts.model
        model.eval()
        metrics, took = self.parts.metrics(), list[tuple[float, int]]()
        try:
            with torch.no_grad():
                began_s = time.perf_counter()
                for batch in islice(loader.once(), most + 1):
                    self.commands.look()
                    self._score(batch, model, metrics)
                    now_s = self._now_s()
                    took.append((now_s - began_s, len(batch.images)))
                    began_s = now_s
                    if sum(seconds for seconds, _ in took[1:]) > enough_s:
                        break
        finally:
            loader.close()
        timed = took[1:] or took
        return sum(seconds for seconds, _ in timed) / max(1, sum(images for _, images in timed))

    def checkpoint(self) -> Kept:
        """Keep one as a run does, with a step beside it, and wait for it."""
        began_s = time.perf_counter()
        self._save(best=False)
        hold_s = time.perf_counter() - began_s
        self.keeper.before_step()
        self._take_in(wait=True)
        marker = self.checkpoints.pointed("last")
        return Kept(size_bytes=marker.bytes if marker else 0, hold_s=hold_s, write_s=time.perf_counter() - began_s)

    def end(self) -> None:
        """Wait for what is being written, and let go of the loaders."""
        self.keeper.close()
        self.parts.train.close()
        self.parts.val.close()

    # ------------------------------------------------------------------ inside

    def _loading(self, workers: int, stream: _Clock) -> float:
        """Return the seconds in which workers load a batch while nothing computes; 0 where there are none."""
        if not workers:
            return 0.0
        for _ in islice(stream, workers):  # they all begin at once
            self.commands.look()
        wanted, began_s = max(4, 2 * workers), time.perf_counter()
        for _ in islice(stream, wanted):
            self.commands.look()
        took_s = (time.perf_counter() - began_s) / wanted
        stream.waits_s.clear()
        return took_s

    def _computing(self, stream: _Clock, pace: Pace) -> float:
        """Take steps, the first of which are not timed; return the seconds of one batch without its loading."""
        began_s = self._now_s()
        warming_s = self._timed_step(stream)
        if not self.keeper.saved[0] and not self.keeper.under_way:
            self._save(best=False)  # the copy of a checkpoint is there beside every step from the first epoch's end on
            self._to_path()
        took_s: list[float] = []
        stream.waits_s.clear()
        while len(took_s) < _MOST:
            took_s.append(self._timed_step(stream))
            self._take_in()
            if sum(took_s) >= pace.enough_s and len(took_s) >= _FEWEST:
                break
            if time.perf_counter() - began_s > pace.patience_s:
                break
        found = median(took_s)
        self.first_step_s = self.first_step_s or max(0.0, warming_s - found)
        return found / self._batches_per_step

    def _timed_step(self, stream: _Clock) -> float:
        """Take one step; return its seconds without the waiting for batches."""
        self.commands.look()
        waited_s, began_s = sum(stream.waits_s), time.perf_counter()
        self._step(stream, self._batches_per_step)
        took_s = self._now_s() - began_s
        for unsaid in (self.place.losses, self.place.hits, self.place.lrs):
            unsaid.clear()
        return max(0.0, took_s - (sum(stream.waits_s) - waited_s))

    def _now_s(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class _Clock:
    """Yields batches, and remembers how long each was waited for."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches, self.waits_s = batches, list[float]()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        began_s = time.perf_counter()
        batch = next(self._batches)
        self.waits_s.append(time.perf_counter() - began_s)
        return batch


def _unheard(_: Any) -> None:
    """Nobody reads what a rehearsal says."""
