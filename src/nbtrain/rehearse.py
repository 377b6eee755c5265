"""Measuring a configuration in this process: auto batch size and auto epochs of a run, and what a plan rests on.

The wired parts of a run take a few real steps (training/rehearsal.py), first at a size that is certain to fit, then
at a larger one that fits even if all memory were per image; a line through both tells the other sizes, and the size
that is chosen is measured once more. Nothing is kept of it: a run that is built afterwards seeds everything anew, so
auto that became 64 trains as 64. It knows the order of measuring and its words; lines and choices are sizes.py's.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nbtrain import files, processes
from nbtrain.plans import RECORD, Measured, compared, note, plan
from nbtrain.training.settings import MOST_EPOCHS
from nbtrain.training.sizes import (
    NEARLY,
    SMALLEST,
    TABLE,
    Fit,
    Pace,
    TooLargeError,
    Trial,
    candidates,
    choose,
    epochs_within,
    second_size,
)

if TYPE_CHECKING:
    import torch

    from nbtrain.config import Config
    from nbtrain.data.images import Images
    from nbtrain.data.loader import Loader
    from nbtrain.data.normalisation import MeanStd
    from nbtrain.feeding import Found
    from nbtrain.models import Model
    from nbtrain.training.loggers import Logged
    from nbtrain.training.loop import Loop
    from nbtrain.training.parts import Outcome
    from nbtrain.training.precision import Chosen
    from nbtrain.wiring import Wiring

_FIRST = 4
"""Images of the first batch that is tried: any model that trains at all takes them."""
_WITHIN_S = 1.0
"""The second batch that is tried takes about as long."""
_MOST_TABLE_S = 20.0
"""One step of a size in the table may take this long by what smaller ones say; else it is worked out, not measured."""
_MOST_DECODED_BYTES = 64 * 2**20
"""Size of the images that are decoded to measure what reading them from a cache takes."""
_MIB, _GIB = 2**20, 2**30
Tell = Callable[[str], None]
"""Takes what is being measured, in words."""


class Stage(AbstractContextManager["Stage"]):
    """The parts of one run, wired for a rehearsal, for as long as the context lasts."""

    def __init__(
        self, wiring: Wiring, found: Found, device: torch.device, train: Loader, val: Loader, normal: MeanStd,
        settings: Model | None = None, folder: Path | None = None, tell: Tell | None = None,
    ) -> None:  # fmt: skip
        """Build the model with ``settings``; checkpoints are tried in a new folder below ``folder``."""
        from nbtrain.training.memory import Gauge, free_bytes
        from nbtrain.training.rehearsal import Rehearsal

        quiet = copy.copy(wiring)
        quiet.say = lambda _: None  # the run itself says what is to be said
        self._folder = tempfile.TemporaryDirectory(prefix="rehearsal-", dir=folder, ignore_cleanup_errors=True)
        self.config, self._train, self._tell = wiring.config, train, tell or (lambda _: None)
        self.commands, self.device = wiring.commands, device
        for loader in (train, val):
            wiring.fill(loader.images)  # or the first steps would be those that decode
        self.limit_bytes = self.config.hardware.memory_target * free_bytes(device)
        self.gauge = Gauge(device)
        parts = quiet.parts(found, device, train, val, normal, quiet.plan(1), settings)
        self.rehearsal = Rehearsal(parts, quiet.plan(1), self.gauge, Path(self._folder.name), self.commands)
        self.n_train, self.n_val, self._val = len(train.images), len(val.images), val
        self._cache: Callable[[], tuple[str, float]] = lambda: wiring.cached(found, train.images)
        self._image_bytes = max(1, found.scanned.decoded_bytes // max(1, found.scanned.n_images))
        self._last_epoch = parts.unfreezing.epoch if parts.unfreezing else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything, so that the run finds the memory."""
        from nbtrain.training.memory import trim

        self.rehearsal.end()
        self.gauge.close()
        self._folder.cleanup()
        del self.rehearsal
        trim(self.device)

    def at(self, batch: int, pace: Pace = Pace(), epoch: int | None = None) -> Trial:  # noqa: B008 - frozen
        """Measure one batch size, with all trained that ever is, or as in ``epoch``; raises TooLargeError."""
        self._tell(f"measuring batches of {batch}")
        self.rehearsal.begin(self._last_epoch if epoch is None else epoch)
        return self.rehearsal.trial(_sized(self._train, batch), pace)

    def two(self, sizes: Sequence[int]) -> tuple[Trial, ...]:
        """Measure two sizes that fit for certain; raises TooLargeError where not even the smaller one does."""
        first = self.at(min(_FIRST, sizes[-1]))
        second = second_size(first, sizes, self.limit_bytes, _WITHIN_S)
        try:
            return (first,) if second == first.batch else tuple(sorted((first, self.at(second)), key=_by_batch))
        except TooLargeError:
            return (first,)

    def auto_batch(self) -> tuple[int, str, Fit]:
        """Return the batch size that auto becomes, why, and what was measured."""
        sizes = candidates(self.n_train)
        try:
            trials = self.two(sizes)
        except TooLargeError:
            return sizes[0], f"not even {min(_FIRST, sizes[-1])} images fit into the memory that is free", Fit(())
        foretold, fit = 0, Fit(trials)
        chosen = choose(fit, sizes, self.limit_bytes)
        while not fit.has(chosen):
            foretold = fit.peak_bytes(chosen)
            try:
                verified = self.at(chosen)
                fit = Fit(tuple(sorted((*fit.trials, verified), key=_by_batch)))
                if verified.peak_bytes <= self.limit_bytes:
                    break
            except TooLargeError:
                pass
            if chosen == sizes[0]:
                break
            sizes = tuple(size for size in sizes if size < chosen)
            chosen = choose(fit, sizes, self.limit_bytes)
        return chosen, self._why(chosen, fit, sizes, foretold), fit

    def measured(self, batch: int, reason: str, fit: Fit, start_s: float, table: Iterable[int] = ()) -> Measured:
        """Measure all that a plan of ``batch`` images per step needs, and the sizes of the ``table`` that fit."""
        fit = self._with(fit, batch, Pace(enough_s=2.0, patience_s=6.0))
        if not fit.trials:
            raise TooLargeError(batch)
        frozen_s = self.at(batch, epoch=0).batch_s if self._last_epoch and fit.has(batch) else 0.0
        self._tell("measuring a validation and a checkpoint")
        self._val.batch_size = batch
        val_s = batch * self.rehearsal.validation_s(self._val)
        self.rehearsal.begin(self._last_epoch)
        kept = self.rehearsal.checkpoint()
        rows = tuple(size for size in table if size <= self.n_train)
        for size in rows:
            fit = self._with(fit, size, Pace())
        cached = self._cached(batch)  # last, since it takes memory
        return Measured(
            batch=batch, reason=reason, device=device_key(self.device), n_train=self.n_train, n_val=self.n_val,
            trials=fit.trials, frozen_s=frozen_s, val_batch_s=val_s,
            start_s=start_s + self.rehearsal.first_step_s, checkpoint_bytes=kept.size_bytes, hold_s=kept.hold_s,
            write_s=kept.write_s, process_bytes=self.gauge.process_bytes, limit_bytes=round(self.limit_bytes),
            table=rows, **cached,
        )  # fmt: skip

    def _cached(self, batch: int) -> dict[str, Any]:
        """Return what a plan needs of the cache that the run will have: a few images are read as from there."""
        kind, share = self._cache()
        if not kind:
            return {}
        self._tell("measuring images that are decoded")
        n_images = max(_FIRST, min(2 * batch, _MOST_DECODED_BYTES // self._image_bytes))
        train = _sized(self._train, batch, self._train.images.first(n_images))
        val = _sized(self._val, batch, self._val.images.first(n_images))
        return {
            "cache": kind, "cached_share": share, "cached_load_s": batch * self.rehearsal.loading_s(train),
            "cached_val_s": batch * self.rehearsal.validation_s(val),
        }  # fmt: skip

    def _with(self, fit: Fit, batch: int, pace: Pace) -> Fit:
        """Return ``fit`` with ``batch`` measured too, where it fits by what is known and is not measured yet."""
        known = bool(fit.trials)
        if fit.has(batch) or (known and fit.peak_bytes(batch) > self.limit_bytes):
            return fit
        if known and fit.batch_s(batch) > _MOST_TABLE_S:
            return fit
        try:
            return Fit(tuple(sorted((*fit.trials, self.at(batch, pace)), key=_by_batch)))
        except TooLargeError:
            return fit

    def _why(self, chosen: int, fit: Fit, sizes: Sequence[int], foretold: int) -> str:
        """Return why auto became ``chosen``: rule, sizes that were measured, margin and error."""
        trial = next((trial for trial in fit.trials if trial.batch == chosen), None)
        peak = trial.peak_bytes if trial else fit.peak_bytes(chosen)
        free = f"{_percent(self.config.hardware.memory_target)} of what is free, {_size(self.limit_bytes)}"
        tried = ", ".join(str(one.batch) for one in fit.trials)
        if peak > self.limit_bytes:
            return f"the smallest there is; it takes {_size(peak)}, more than {free} (measured with {tried} images)"
        rule = (
            f"the smallest within {_percent(1 - NEARLY)} of the fastest" if chosen >= SMALLEST
            else "the largest that fits" if chosen < sizes[-1] or fit.peak_bytes(2 * chosen) > self.limit_bytes
            else "the largest for so few images"
        )  # fmt: skip
        error = f", foretold to {_percent(abs(foretold / peak - 1))}" if foretold and peak else ""
        margin = 1 - peak / self.limit_bytes
        speed = f"{fit.images_per_s(chosen):,.0f} images/s"
        takes = f"takes {_size(peak)}{error}, {_percent(margin)} under {free}"
        return f"{rule} at {speed}; {takes}; measured with {tried} images"


def to_measure(wiring: Wiring) -> bool:
    """Tell whether :func:`decide` will have to measure, with a model of its own."""
    training, kept = wiring.config.training, wiring.kept
    batch = training.batch_size == "auto" and "training.batch_size" not in kept
    return batch or (training.epochs_are_measured and "training.epochs" not in kept)


def decide(
    wiring: Wiring, found: Found, device: torch.device, train: Loader, val: Loader, normal: MeanStd,
    settings: Model,
) -> None:  # fmt: skip
    """Resolve batch size and epochs of a run where they are auto, and give both to ``wiring`` and the loaders."""
    from nbtrain.training.precision import Chosen

    began_s, training = time.perf_counter(), wiring.config.training
    auto_batch, auto_epochs = training.batch_size == "auto", training.epochs == "auto"
    most = Chosen(MOST_EPOCHS, "the most that auto stands for; early stopping ends the run before")
    if not to_measure(wiring):
        chosen: tuple[Chosen[int], Chosen[int]] = (Chosen(training.batch or 1, "as set"), most)
    else:
        tell: Tell = lambda text: wiring.enter("planning", text)  # noqa: E731
        with Stage(wiring, found, device, train, val, normal, settings, tell=tell) as stage:
            chosen = _measured_choices(stage, training.batch, began_s, most)
    if auto_batch:
        batch = wiring.resolve("training.batch_size", "auto", lambda _: chosen[0])
        train.batch_size = val.batch_size = batch
    if auto_epochs:
        wiring.resolve("training.epochs", "auto", lambda _: chosen[1])
    wiring.config = wiring.config.decided(wiring.kept)


def _measured_choices(
    stage: Stage, batch: int | None, began_s: float, most: Chosen[int]
) -> tuple[Chosen[int], Chosen[int]]:
    """Return what batch size and epochs become; ``batch`` is None where it is auto."""
    from nbtrain.training.precision import Chosen

    fit = Fit(())
    reason = "as set"
    if batch is None:
        batch, reason, fit = stage.auto_batch()
    chosen = Chosen(batch, reason)
    training = stage.config.training
    if not training.epochs_are_measured:
        return chosen, most
    fit = fit if fit.trials else Fit(stage.two(candidates(stage.n_train)))
    found = stage.measured(batch, reason, fit, time.perf_counter() - began_s)
    planned = plan(stage.config.set("training.batch_size", batch), found)
    minutes = training.time_budget_minutes
    epochs = epochs_within(minutes, found.start_s, planned.epoch_s, found.write_s)
    text = f"as many as fit into 90 % of {minutes:g} minutes at {planned.epoch_s:.3g} s each"
    return chosen, Chosen(epochs, text if epochs < MOST_EPOCHS else f"the most that auto stands for; {text}")


class Compared:
    """A loop whose time and peak memory are written beside what a plan has foretold, where it completes."""

    def __init__(self, logged: Logged, run: Path, foretold: Mapping[str, Any], config: Config, began_s: float) -> None:
        """``config`` is decided; ``began_s`` is when the preparing began, by ``time.perf_counter``."""
        self._logged, self._run, self._foretold = logged, run, foretold
        self._config, self._began_s = config, began_s

    def run(self) -> Outcome:
        """Run the loop; return how it ended."""
        outcome = self._logged.run()
        if outcome.status == "completed":
            self._compare(self._logged.loop)
        return outcome

    def _compare(self, loop: Loop) -> None:
        from nbtrain.training.memory import run_peak_bytes

        took_s, peak = time.perf_counter() - self._began_s, run_peak_bytes(loop.device)
        told = compared(self._config, self._foretold, took_s=took_s, epochs=loop.place.epoch, peak_bytes=peak)
        with contextlib.suppress(OSError):  # a full disk is no reason to fail a run that is complete
            files.write_json(self._run / RECORD, {"format": 1, **told})
        note(told)


def probe(wiring: Wiring, *, folder: Path, table: bool, tell: Tell, tune: Callable[..., None]) -> dict[str, Any]:
    """Return what a plan of the wired configuration rests on (plans.Measured, as plain JSON).

    ``tune`` decides, from the wired parts, what else is auto and measured.
    """
    began_s = time.perf_counter()
    found, device = wiring.find(), wiring.device()
    train, val = wiring.loader(found, "train"), wiring.loader(found, "val")
    normal = wiring.normalisation(train.images)
    tune(wiring, found, device, train, val, normal)
    with Stage(wiring, found, device, train, val, normal, folder=folder, tell=tell) as stage:
        start_s = time.perf_counter() - began_s
        batch, reason = wiring.config.training.batch, ""
        if batch is None:
            batch, reason, fit = stage.auto_batch()
        else:
            fit = Fit(stage.two(candidates(10 * min(batch, stage.n_train))))
        return stage.measured(batch, reason, fit, start_s, TABLE if table else ()).plain()


def device_key(device: torch.device) -> str:
    """Return what finished plans know the machine and its device by."""
    import torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    return f"{processes.host()}: {name}"


def _sized(loader: Loader, batch: int, some: Images | None = None) -> Loader:
    """Return a loader of the same images, or of ``some``, in batches of another size; it tells of no damaged image."""
    from nbtrain.data.loader import Loader

    order: dict[str, Any] = {"shuffle": loader.shuffle, "vigil": loader.vigil}
    if some is not None:
        return Loader(some, batch, loader.reading, **order)
    return Loader(loader.images, batch, loader.reading, shares=loader.shares, **order)


def _by_batch(trial: Trial) -> int:
    return trial.batch


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _size(size: float) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / _MIB:.0f} MiB"
