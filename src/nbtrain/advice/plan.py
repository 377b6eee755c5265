"""A plan in words: each number, and how it was got. It draws nothing and measures nothing."""

from __future__ import annotations

from typing import NamedTuple

from nbtrain.advice.words import counted, gigabytes
from nbtrain.plans import Correction, Plan
from nbtrain.training.settings import MOST_EPOCHS


class Line(NamedTuple):
    """One number of a plan."""

    label: str
    value: str
    how: str
    """How it was got."""


def _shared(beside: str) -> str:
    return f"; {beside}, so alone it is faster" if beside else ""


def lines(plan: Plan) -> list[Line]:
    """Return what a run will need, number by number."""
    found = plan.measured
    most = "at most " if plan.at_most else ""
    sizes = [str(trial.batch) for trial in found.trials]
    tried = f"{', '.join(sizes[:-1])} and {sizes[-1]}" if sizes[1:] else sizes[0]
    was = "measured" if found.trial else "worked out"
    both = "the slower of both, they go on at once" if found.trials[0].beside else "one after the other"
    trial = found.trial
    parts = f": computing {_ms(trial.compute_s)}, loading {_ms(trial.load_s)}, {both}" if trial else ""
    start, each = duration(found.start_s), gigabytes(found.checkpoint_bytes)
    kept = round(plan.disk_bytes / max(1, found.checkpoint_bytes))
    bare = gigabytes(found.process_bytes)
    own = f"; {bare} of it are Python and its libraries" if found.process_bytes else ""
    return [
        Line("Samples", f"{plan.samples} for training, {found.n_val} for validation", "counted"),
        Line("Batch size", str(plan.batch), f"auto: {found.reason}" if found.reason else "as set"),
        Line("Steps", f"{plan.steps_per_epoch} per epoch, {most}{plan.steps} in all", _epochs(plan)),
        Line("Time per batch", _ms(found.batch_s), f"{was} over real steps{parts}{_shared(found.beside)}"),
        Line("Time per epoch", duration(plan.epoch_s), f"with validation at {_ms(found.later_val_s)} per batch"),
        *_cached(plan),
        Line("Time in all", f"{most}{duration(plan.run_s)}", _corrected(f"with a start of {start}", plan.time)),
        Line("Peak memory", gigabytes(plan.peak_bytes), _corrected(f"{was} with {tried} images{own}", plan.memory)),
        Line("Checkpoints", gigabytes(plan.disk_bytes), f"{kept} at once, of {each} each: one was written"),
    ]


def fits(plan: Plan) -> str:
    """Return how the peak lies against the memory target, in words."""
    found = plan.measured
    share = plan.memory.factor * found.peak_bytes / max(1, found.limit_bytes)
    return f"{100 * share:.0f} % of the memory target ({gigabytes(found.limit_bytes)})"


def duration(seconds: float) -> str:
    """Return ``45 s``, ``12 min 30 s`` or ``3 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _cached(plan: Plan) -> list[Line]:
    """Return what a cache of decoded images makes of the first epoch, where there will be one."""
    found = plan.measured
    if not found.cache:
        return []
    held = f"; {100 * found.cached_share:.0f} % of the images lie there already" if found.cached_share else ""
    batch = f"{_ms(found.later_batch_s)} per batch from then on"
    how = f"it decodes the images and keeps them {'in memory' if found.cache == 'memory' else 'on disk'}, {batch}{held}"
    return [Line("First epoch", f"{duration(plan.filling_s)} longer", how)]


def _epochs(plan: Plan) -> str:
    told = counted(plan.epochs, "epoch")
    return f"{told}, the most that auto stands for" if plan.at_most and plan.epochs == MOST_EPOCHS else told


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _corrected(how: str, found: Correction) -> str:
    if found.factor == 1:
        return f"{how}; {counted(found.runs, 'run')} like this finished so far" if found.runs else how
    return f"{how}; times {found.factor:.2f}, the median of the last {counted(found.runs, 'run')} like this"
