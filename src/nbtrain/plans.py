"""The plan of a run: what follows from a configuration and from what a probe of real steps has measured.

Every number says how it was got (advice/plan.py has the words). Behind it stands what became of earlier plans: when a
run completes, its time and its peak memory are written beside what had been foretold, in a small file of this person
for this machine. The next plan is corrected by them: each of time and memory by the median of actual ÷ measured over
the last 10 runs of the same model family on the same device, from 3 such runs on. It knows numbers and that file; what
measures is rehearse.py. No torch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

from platformdirs import user_data_path

from nbtrain import files, locks
from nbtrain.config import Config
from nbtrain.errors import NbtrainError
from nbtrain.schema import Format
from nbtrain.training.sizes import Fit, Trial, epochs_within

FORMAT = Format("record of finished plans")
RECORD = "plan.json"
"""Name of the file in a run's folder that holds both."""
What: TypeAlias = Literal["time", "memory"]
_KEPT, _USED, _FEWEST = 200, 10, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a probe has measured, at ``batch`` images per step unless it says otherwise."""

    batch: int
    reason: str = ""
    """Why this batch size, where it was auto."""
    device: str
    """The machine and its device, as finished plans are kept by."""
    n_train: int
    n_val: int
    trials: tuple[Trial, ...]
    frozen_s: float = 0.0
    """Seconds per batch while a part of the network is frozen; 0 where that does not change."""
    val_batch_s: float
    start_s: float
    """Seconds from the start to the first step, reading of the data included."""
    checkpoint_bytes: int
    hold_s: float
    """Seconds that a checkpoint holds the loop up."""
    write_s: float
    """Seconds until a checkpoint is on the disk."""
    process_bytes: int
    """Memory of the process before the model: the interpreter, its libraries, small images that are kept."""
    limit_bytes: int
    """Memory that the memory target leaves to the model and its batches."""
    table: tuple[int, ...] = ()
    """Batch sizes that were measured to be compared."""
    cache: str = ""
    """Where decoded images will be kept, "memory" or "disk"; empty where every epoch decodes them."""
    cached_share: float = 0.0
    """Share of the images that lie there already."""
    cached_load_s: float = 0.0
    """Seconds per training batch that the loader needs where the images are decoded."""
    cached_val_s: float = 0.0
    """Seconds per validation batch there."""
    beside: str = ""
    """Beside whom it was measured, for people; empty where the device was free."""

    def plain(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Measured:
        """Return what :meth:`plain` gave; raises TypeError or KeyError for anything else."""
        trials = tuple(Trial(**trial) for trial in plain["trials"])
        return cls(**{**plain, "trials": trials, "table": tuple(plain["table"])})

    @property
    def fit(self) -> Fit:
        """What the trials say about every batch size."""
        return Fit(self.trials)

    @property
    def trial(self) -> Trial | None:
        """The trial at the plan's own batch size; None where that did not fit, and follows from the others."""
        return self.at(self.batch)

    def at(self, batch: int) -> Trial | None:
        """Return the trial at ``batch`` images, if there was one."""
        return next((trial for trial in self.trials if trial.batch == batch), None)

    @property
    def batch_s(self) -> float:
        """Seconds per training batch."""
        return self.trial.batch_s if self.trial else self.fit.batch_s(self.batch)

    @property
    def later_batch_s(self) -> float:
        """Seconds per training batch once the cache is filled; the same as before where there is none."""
        return replace(self.trial, load_s=self.cached_load_s).batch_s if self.cache and self.trial else self.batch_s

    @property
    def later_val_s(self) -> float:
        """Seconds per validation batch once the cache is filled."""
        return self.cached_val_s if self.cache else self.val_batch_s

    @property
    def peak_bytes(self) -> int:
        """Peak memory of the model and its batches."""
        return self.trial.peak_bytes if self.trial else self.fit.peak_bytes(self.batch)


@dataclass(frozen=True, slots=True)
class Correction:
    """What earlier runs say of measurements: ``actual = factor × measured``, from so many ``runs``."""

    factor: float = 1.0
    runs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One batch size of the table."""

    batch: int
    images_per_s: float
    peak_bytes: int
    fits: bool
    steps_per_epoch: int
    measured: bool
    """Whether it was measured; else it follows from the sizes that were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will need."""

    samples: int
    batch: int
    steps_per_epoch: int
    epochs: int
    at_most: bool
    """Whether early stopping may end the run before."""
    first_epochs_s: float
    """Seconds of each epoch in which a part of the network is frozen."""
    epoch_s: float
    """Seconds of an epoch with its validation, once a cache is filled where there is one."""
    filling_s: float
    """Seconds that the first epoch takes longer, since it decodes images that the cache does not hold yet."""
    run_s: float
    peak_bytes: int
    """Peak memory of the whole trainer on the CPU, of the device's allocator on a GPU."""
    checkpoint_bytes: int
    disk_bytes: int
    """Disk that checkpoints take at once."""
    time: Correction
    memory: Correction
    measured: Measured

    @property
    def steps(self) -> int:
        """Changes of the weights in the whole run."""
        return self.epochs * self.steps_per_epoch

    @property
    def fits(self) -> bool:
        """Whether the peak stays within the memory target."""
        return self.measured.peak_bytes * self.memory.factor <= self.measured.limit_bytes

    def rows(self) -> tuple[Row, ...]:
        """Return the table of batch sizes, those that were asked for."""
        found, fit = self.measured, self.measured.fit
        rows = []
        for batch in found.table:
            trial = found.at(batch)
            peak = trial.peak_bytes if trial else fit.peak_bytes(batch)
            steps = -(-(found.n_train // batch) * self.steps_per_epoch // max(1, found.n_train // self.batch))
            rows.append(
                Row(
                    batch=batch, images_per_s=trial.images_per_s if trial else fit.images_per_s(batch),
                    peak_bytes=round(self.memory.factor * (found.process_bytes + peak)), steps_per_epoch=max(1, steps),
                    fits=peak * self.memory.factor <= found.limit_bytes, measured=trial is not None,
                )
            )  # fmt: skip
        return tuple(rows)

    def foretold(self) -> dict[str, Any]:
        """Return what a run needs to compare itself with this plan: uncorrected, as it was measured."""
        found = self.measured
        return {
            "device": found.device, "batch": found.batch, "start_s": found.start_s,
            "first_epochs_s": self.first_epochs_s / self.time.factor, "epoch_s": self.epoch_s / self.time.factor,
            "filling_s": self.filling_s / self.time.factor,
            "end_s": found.write_s,
            "peak_bytes": found.process_bytes + found.peak_bytes, "run_s": self.run_s, "epochs": self.epochs,
        }  # fmt: skip


def plan(config: Config, measured: Measured, past: Sequence[Mapping[str, Any]] = ()) -> Plan:
    """Return the plan of a run of ``config``, corrected by ``past`` runs (see :func:`past_runs`)."""
    training, checkpoint = config.training, config.checkpoint
    clock, memory = (correction(past, measured.device, family(config), what) for what in ("time", "memory"))
    batches = max(1, measured.n_train // measured.batch)
    steps = -(-batches // training.batch_multiplier)
    n_val = measured.n_val / measured.batch
    rest_s = n_val * measured.later_val_s + measured.hold_s / checkpoint.every_n_epochs
    waits_s = measured.write_s / checkpoint.every_n_epochs  # the next checkpoint waits for the one under way
    epoch_s = max(batches * measured.later_batch_s + rest_s, waits_s)
    first_s = max(batches * measured.frozen_s + rest_s, waits_s) if measured.frozen_s else epoch_s
    slower_s = (
        batches * (measured.batch_s - measured.later_batch_s),
        n_val * (measured.val_batch_s - measured.later_val_s),
    )
    filling_s = (1 - measured.cached_share) * sum(max(0.0, slower) for slower in slower_s)
    epochs = training.most_epochs
    if training.epochs_are_measured:
        before_s = measured.start_s + clock.factor * filling_s
        epochs = epochs_within(training.time_budget_minutes, before_s, clock.factor * epoch_s, measured.write_s)
    frozen = min(epochs, getattr(config.model, "unfreeze_epoch", 0)) if measured.frozen_s else 0
    run_s = measured.start_s + filling_s + frozen * first_s + (epochs - frozen) * epoch_s + measured.write_s
    return Plan(
        samples=measured.n_train, batch=measured.batch, steps_per_epoch=steps, epochs=epochs,
        at_most=training.early_stopping, first_epochs_s=clock.factor * first_s, epoch_s=clock.factor * epoch_s,
        filling_s=clock.factor * filling_s, run_s=clock.factor * run_s,
        peak_bytes=round(memory.factor * (measured.process_bytes + measured.peak_bytes)),
        checkpoint_bytes=measured.checkpoint_bytes, disk_bytes=checkpoint.at_once * measured.checkpoint_bytes,
        time=clock, memory=memory, measured=measured,
    )  # fmt: skip


def family(config: Config) -> str:
    """Return what runs are alike by: the model's family, its kind where it has none."""
    return str(getattr(config.model, "family", "") or config.model.kind)


# -- what became of plans -----------------------------------------------------------------------------------------


def past_file() -> Path:
    """Return this person's file of finished plans, there or not."""
    return user_data_path("nbtrain") / "plans.json"


def past_runs() -> list[dict[str, Any]]:
    """Return the finished plans of this machine, oldest first; nothing where they cannot be read."""
    where = past_file()
    try:
        return list(_past(where, where.stat().st_mtime_ns))
    except (OSError, NbtrainError):
        return []


@lru_cache(maxsize=1)
def _past(where: Path, changed_ns: int) -> tuple[dict[str, Any], ...]:
    """Return what stands in the file; read again only when it has changed."""
    found = FORMAT.check_types(FORMAT.read(files.read_json(where), where), {"runs": list}, where)["runs"]
    return tuple(run for run in found if isinstance(run, dict))


def note(run: Mapping[str, Any]) -> None:
    """Add a finished plan; a home that cannot be written is no reason to fail."""
    where = past_file()
    try:
        files.make_folder(where.parent)
        with locks.FileLock(where.with_suffix(".lock")):
            kept = [*past_runs(), {"t_s": time.time(), **run}][-_KEPT:]
            files.write_json(where, FORMAT.mark({"runs": kept}), durable=False)
    except (OSError, NbtrainError):
        return


def correction(past: Sequence[Mapping[str, Any]], device: str, family: str, what: What) -> Correction:
    """Return the factor for one of the two by the last runs that are alike; 1 while there are fewer than three."""
    alike = [run for run in past if run.get("device") == device and run.get("family") == family]
    ratios = [ratio for run in alike if (ratio := _ratio(run, what)) is not None][-_USED:]
    return Correction(median(ratios), len(ratios)) if len(ratios) >= _FEWEST else Correction(runs=len(ratios))


def compared(
    config: Config, foretold: Mapping[str, Any], *, took_s: float, epochs: int, peak_bytes: int
) -> dict[str, Any]:
    """Return the record of a completed run beside what had been ``foretold`` for the epochs that it had."""
    frozen = min(epochs, getattr(config.model, "unfreeze_epoch", 0))
    training_s = frozen * foretold["first_epochs_s"] + (epochs - frozen) * foretold["epoch_s"]
    training_s += foretold.get("filling_s", 0.0)
    return {
        "device": foretold["device"], "family": family(config), "epochs": epochs,
        "foretold_s": foretold["start_s"] + training_s + foretold["end_s"], "took_s": took_s,
        "foretold_bytes": foretold["peak_bytes"], "peak_bytes": peak_bytes,
    }  # fmt: skip


def _ratio(run: Mapping[str, Any], what: What) -> float | None:
    names = ("took_s", "foretold_s") if what == "time" else ("peak_bytes", "foretold_bytes")
    actual, foretold = (run.get(name) for name in names)
    sound = all(isinstance(value, int | float) and value > 0 for value in (actual, foretold))
    return float(actual) / float(foretold) if sound else None  # type: ignore[arg-type]
