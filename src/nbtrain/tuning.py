"""What number format, compute threads and loader workers become where they are auto: a few real steps say it.

Each is measured by rehearsals of the wired run, before batch size and epochs are decided. The seconds are kept in the
project for this machine, so that the same configuration gets the same answer, and with it the same bits, and starts
without measuring; a plan's answer is the run's. Where there is nothing to choose between, nothing is measured. It
knows the order and the words; arithmetic is training/cores.py's, measuring rehearse.py's.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import processes
from nbtrain.data import measured
from nbtrain.errors import ConfigError
from nbtrain.rehearse import Stage
from nbtrain.training.cores import Split, candidates, split
from nbtrain.training.settings import UNDECIDED_BATCH
from nbtrain.training.sizes import Pace, TooLargeError

if TYPE_CHECKING:
    import torch

    from nbtrain.data.loader import Loader
    from nbtrain.data.normalisation import MeanStd
    from nbtrain.feeding import Found
    from nbtrain.models import Model
    from nbtrain.training.precision import Chosen
    from nbtrain.wiring import Wiring

KIND = "cores"
PAYS = 1.15
"""How many times as fast as 32 bit bfloat16 must be: it rounds more, which less would not be worth."""
_THREADS, _WORKERS, _PRECISION = "hardware.threads", "data.workers", "hardware.precision"
_ON_CPU = 16
"""Images of the batches that number formats are compared with on a CPU, where the ratio hangs little on them."""
_PACE = Pace(enough_s=0.5, patience_s=4.0)


@dataclass(frozen=True, slots=True)
class Wired:
    """The parts of a run that a rehearsal needs."""

    wiring: Wiring
    found: Found
    device: torch.device
    train: Loader
    val: Loader
    normal: MeanStd
    settings: Model | None = None

    def stage(self, train: Loader, text: str, precision: str = "") -> Stage:
        """Return a stage that reads by ``train``, and says that it measures ``text``; maybe in another precision."""
        wiring = copy.copy(self.wiring)
        if precision:
            wiring.config = wiring.config.set(_PRECISION, precision)
        tell = lambda _: self.wiring.enter("planning", f"measuring {text}")  # noqa: E731
        return Stage(wiring, self.found, self.device, train, self.val, self.normal, self.settings, tell=tell)


def measured_paths() -> frozenset[str]:
    """Return the settings that measuring decides on this machine where they are auto; two cores leave no choice."""
    return frozenset({_THREADS, _WORKERS}) if processes.usable_cores() > 2 else frozenset()


def tune(wired: Wired) -> None:
    """Resolve what is auto, and give it to the wiring and the loaders."""
    if wired.wiring.config.hardware.precision == "auto":
        _tune_precision(wired)
    if wired.wiring.later:
        _tune_cores(wired)


def _tune_precision(wired: Wired) -> None:
    wiring = wired.wiring
    name = wiring.resolve(_PRECISION, "auto", lambda _: _measured_precision(wired))
    wiring.config = wiring.config.set(_PRECISION, name)
    if name != "32":
        told = "Computes in mixed bfloat16, which hardware.precision auto has chosen because it is faster here"
        wiring.notice(f"{told}; the numbers are rounded more than in 32 bit.")


def _measured_precision(wired: Wired) -> Chosen[str]:
    from nbtrain.training.precision import Chosen, has_bfloat16

    device, config = wired.device, wired.wiring.config
    if not has_bfloat16(device):
        return Chosen("32", f"this {'CPU' if device.type == 'cpu' else 'GPU'} has no bfloat16")
    batch = min(config.training.batch or UNDECIDED_BATCH, len(wired.train.images))
    batch = min(batch, _ON_CPU) if device.type == "cpu" else batch
    key, project = _key(wired, batch), wired.wiring.project
    ratio = (measured.recall(project, "precision", key) or {}).get("ratio")
    if not isinstance(ratio, float):
        try:
            ratio = _gain(wired, batch)
        except ConfigError as error:
            return Chosen("32", error.problems[0].message)
        except TooLargeError as error:
            return Chosen("32", error.what)
        measured.keep(project, "precision", key, {"ratio": ratio})
    told = f"mixed bfloat16 takes steps {ratio:.2f} times as fast as 32 bit here"
    if ratio >= PAYS:
        return Chosen("bf16-mixed", f"{told}, measured with {batch} images")
    return Chosen("32", f"{told}, and less than {PAYS:g} times is not worth its rounding")


def _gain(wired: Wired, batch: int) -> float:
    """Return how many times as fast steps are in mixed bfloat16; raises where it computes wrongly, or does not fit."""
    took_s = {}
    for name in ("32", "bf16-mixed"):
        with wired.stage(wired.train, f"steps in {name}", name) as stage:
            took_s[name] = stage.at(batch, _PACE).compute_s
    return took_s["32"] / max(took_s["bf16-mixed"], 1e-9)


def _tune_cores(wired: Wired) -> None:
    """Decide threads and workers together: each takes what the other leaves."""
    from nbtrain.training.precision import Chosen

    wiring, cores = wired.wiring, processes.usable_cores()
    waiting, wiring.later, wiring.measured = dict(wiring.later), {}, frozenset()
    if wired.device.type != "cpu":  # the GPU computes; the CPU only feeds it
        _resolve(wiring, waiting, _THREADS)
    by_threads, most = _THREADS in waiting, wired.train.reading.workers
    by_workers = _WORKERS in waiting and most > 1
    if by_threads or by_workers:
        with contextlib.suppress(TooLargeError):  # what fits is auto batch size's matter, or the rescue's
            found, how = _measured_split(wired, candidates(cores) if by_threads else (), most, cores)
            if by_threads:
                waiting[_THREADS] = Chosen(found.threads, f"{found.threads} of {cores} cores, {how['threads']}")
            if by_workers:
                waiting[_WORKERS] = Chosen(found.workers, how["workers"])
    for path in list(waiting):
        _resolve(wiring, waiting, path)
    _apply(wired)


def _resolve(wiring: Wiring, waiting: dict[str, Chosen[Any]], path: str) -> None:
    if path in waiting:
        chosen = waiting.pop(path)
        wiring.resolve(path, "auto", lambda _: chosen)


def _apply(wired: Wired) -> None:
    import torch

    kept = wired.wiring.kept
    if _THREADS in kept:
        torch.set_num_threads(kept[_THREADS])
    for loader in (wired.train, wired.val):
        if kept.get(_WORKERS, loader.reading.workers) != loader.reading.workers:
            loader.read_by(replace(loader.reading, workers=kept[_WORKERS]))


def _measured_split(wired: Wired, threads: tuple[int, ...], most: int, cores: int) -> tuple[Split, Mapping[str, str]]:
    """Return how the cores are best used, and why, as measured now or for this configuration before."""
    import torch

    key = _key(wired, cores, most, wired.wiring.config.hardware.threads)
    tried_threads = threads or (torch.get_num_threads(),)
    known = _recalled(wired.wiring.project, key, tried_threads)
    compute_s, load_s = known or _timed(wired, tried_threads, most)
    if known is None:
        told = {"compute_s": {str(n): s for n, s in compute_s.items()}, "load_s": load_s}
        measured.keep(wired.wiring.project, KIND, key, told)
    found = split(compute_s, load_s, cores, most)
    tried = ", ".join(f"{n} compute {1 / s:,.0f} images/s" for n, s in compute_s.items())
    fed = f"one makes {1 / max(load_s, 1e-9):,.0f} images/s, training can take {found.images_per_s:,.0f}"
    return found, {"threads": tried, "workers": fed}


def _recalled(project: Path, key: str, threads: tuple[int, ...]) -> tuple[dict[int, float], float] | None:
    """Return what was measured before, None where that is not whole."""
    found = measured.recall(project, KIND, key) or {}
    try:
        compute_s = {n: float(found["compute_s"][str(n)]) for n in threads}
        load_s = float(found["load_s"])
    except (KeyError, TypeError, ValueError):
        return None
    return (compute_s, load_s) if min(compute_s.values()) > 0 and load_s >= 0 else None


def _timed(wired: Wired, threads: tuple[int, ...], most: int) -> tuple[dict[int, float], float]:
    """Return the seconds of an image by number of compute threads, and those in which one worker loads it."""
    import torch

    batch = min(wired.wiring.config.training.batch or UNDECIDED_BATCH, len(wired.train.images))
    alone = copy.copy(wired.train)
    alone.reading = replace(alone.reading, workers=min(1, most))
    compute_s, load_s, before = {}, 0.0, torch.get_num_threads()
    try:
        for n in threads:
            torch.set_num_threads(n)
            with wired.stage(alone, f"{n} compute threads") as stage:
                trial = stage.at(batch, _PACE)
            compute_s[n], load_s = max(trial.compute_s / batch, 1e-9), max(load_s, trial.load_s / batch)
    finally:
        torch.set_num_threads(before)
    return compute_s, load_s


def _key(wired: Wired, *more: Any) -> str:
    """Return a key of all that the measured seconds hang on."""
    config = wired.wiring.config
    plain = config.plain()
    parts = {name: plain[name] for name in ("task", "model", "augmentation")}
    told = (processes.host(), str(wired.device), config.training.batch_size, config.hardware.precision)
    return measured.key_of(parts, told, more, wired.wiring.frozen["dataset"]["hash"])
