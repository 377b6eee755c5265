"""From a failure's cause and the run's configuration to changes that are worth a try: label and ``{path: value}``.

A fix is proposed only where it makes a legal configuration that differs from the one that failed. Known here: what to
change for each cause, best first. Not known here: how a change is applied (project/experiment.py), nor who shows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from nbtrain.config import Config
from nbtrain.errors import NbtrainError
from nbtrain.messages import Failure

Fix = tuple[str, dict[str, Any]]
_LOWER_LR = 10
"""What a learning rate that has failed at a half of itself too is divided by."""


def fixes_of(
    failure: Failure, plain: Any, choices: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Mapping[str, Any], ...]:
    """Return ``label`` and ``changes`` of each fix for the configuration ``plain``; none where that cannot be read.

    ``choices`` are what the run has decided, by path.
    """
    try:
        config = Config.parse(plain).decided(choices)
    except NbtrainError:
        return ()
    proposed = _PROPOSED.get(failure.cause, _none)(config, failure)
    return tuple({"label": label, "changes": changes} for label, changes in proposed if _helps(config, changes))


def _helps(config: Config, changes: Mapping[str, Any]) -> bool:
    try:
        changed = config.set_all(changes)
    except NbtrainError:
        return False
    return changed != config and not set(changed.check()) - set(config.check())


def _none(config: Config, failure: Failure) -> Iterator[Fix]:
    yield from ()


def _memory(config: Config, failure: Failure) -> Iterator[Fix]:
    training, workers = config.training, config.data.workers
    if "loader" in failure.message and workers != 0:
        yield "Use one loader worker" if workers != 1 else "Use no loader workers", {"data.workers": int(workers != 1)}
    half, twice = (training.batch or 0) // 2, training.batch_multiplier * 2
    if half and "images at once" not in failure.message:  # else the trainer has tried smaller parts already
        changes = {"training.batch_size": half, "training.batch_multiplier": twice}
        yield f"Halve the batch size to {half}, and add up {twice} batches per step", changes
    smaller = config.task.image_size * 3 // 4 // 32 * 32
    yield f"Use images of {smaller} px", {"task.image_size": smaller}
    if config.hardware.precision == "32" and config.hardware.device != "cpu":
        yield "Compute in mixed bfloat16", {"hardware.precision": "bf16-mixed"}


def _shared_memory(config: Config, failure: Failure) -> Iterator[Fix]:
    yield "Use no loader workers", {"data.workers": 0}
    if half := (config.training.batch or 0) // 2:
        changes = {"training.batch_size": half, "training.batch_multiplier": config.training.batch_multiplier * 2}
        yield f"Halve the batch size to {half}", changes


def _worker(config: Config, failure: Failure) -> Iterator[Fix]:
    if "in a row" in failure.message:  # at one image, which would hang the trainer itself next
        return
    yield "Use no loader workers", {"data.workers": 0}
    if isinstance(config.data.workers, int) and config.data.workers > 1:
        yield f"Use {config.data.workers // 2} loader workers", {"data.workers": config.data.workers // 2}


def _numerics(config: Config, failure: Failure) -> Iterator[Fix]:
    lower = float(f"{config.optimizer.lr / _LOWER_LR:.3g}")
    yield f"Lower the learning rate to {lower:g}", {"optimizer.lr": lower}
    if not config.training.clip_norm:
        yield "Clip gradients at norm 1", {"training.clip_norm": 1.0}
    if not config.scheduler.warmup_epochs:
        yield "Warm up over the first epoch", {"scheduler.warmup_epochs": 1.0}
    yield "Compute in 32 bit", {"hardware.precision": "32"}


def _disk(config: Config, failure: Failure) -> Iterator[Fix]:
    yield "Keep only the newest checkpoint and the best", {"checkpoint.keep_last_n": 1}
    yield "Keep only the best checkpoint after the run", {"checkpoint.keep_best_only": True}


def _data(config: Config, failure: Failure) -> Iterator[Fix]:
    from nbtrain.data.scan import broken_in  # which imports what decodes images

    broken = broken_in(failure.message)
    if broken:
        bad, n_images = broken
        share = min(1.0, math.ceil(1000 * bad / n_images) / 1000)  # rounded up, so that it suffices
        percent = 100 * bad / n_images
        told = f"{percent:.0f} %" if percent >= 1 else f"{percent:.1g} %"
        yield f"Skip {_the_broken(bad)} ({told})", {"data.allowed_bad_share": share}


def _the_broken(n: int) -> str:
    return "the broken image" if n == 1 else f"the {n:,} broken images".replace(",", " ")


def _configuration(config: Config, failure: Failure) -> Iterator[Fix]:
    for path, (label, value) in _WITHOUT.items():
        if f"{path}: " in failure.message:
            yield label, {path: value}


_WITHOUT: Mapping[str, tuple[str, Any]] = {
    "model.weights_file": ("Start without the weights file", ""),
    "model.transfer_from": ("Start without the other experiment's weights", ""),
    "model.pretrained": ("Start from random weights", False),
    "hardware.device": ("Use the first GPU, else the CPU", "auto"),
    "hardware.precision": ("Compute in 32 bit", "32"),
    "logging.targets": ("Log to no other program", ()),
    "training.batch_size": ("Use batches of 2 images", 2),
}
"""What a field becomes where what it names cannot be had, by its path."""

_PROPOSED: Mapping[str, Callable[[Config, Failure], Iterator[Fix]]] = {
    "out of memory": _memory,
    "shared memory": _shared_memory,
    "worker": _worker,
    "numerics": _numerics,
    "disk": _disk,
    "data": _data,
    "configuration": _configuration,
}
