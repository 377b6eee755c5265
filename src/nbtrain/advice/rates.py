"""Rules about the learning rate and its schedule, and the band that the form shows beside it.

The band is a stated rule, not a measurement: a usual value per optimizer, scaled with the batch and with where the
weights start. It is made for optimizers whose usual value has a source; others have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nbtrain.advice.case import TRANSFORMERS, Case, Start
from nbtrain.advice.findings import Finding
from nbtrain.advice.preview import TINY_LR, share_below
from nbtrain.advice.static import Static
from nbtrain.advice.words import counted, percent, rounded, typed
from nbtrain.training.settings import UNDECIDED_BATCH

Zone: TypeAlias = Literal["low", "good", "high"]

_BELOW, _ABOVE = 5.0, 4.0
"""The recommended band reaches from a fifth of the usual value to four times it."""
_FAR_BELOW, _FAR_ABOVE = 100.0, 10.0
"""Beyond these a warning is given: for AdamW at batch 64, below 1e-5 and above 1e-2."""


@dataclass(frozen=True, slots=True)
class Usual:
    """An optimizer's usual learning rate, at the batch size it is quoted for, and how it grows with the batch."""

    lr: float
    batch: int
    grows: Literal["linear", "root"]
    source: str

    def at(self, batch: int) -> float:
        """Return the usual learning rate at another batch size."""
        return self.lr * math.pow(batch / self.batch, 1.0 if self.grows == "linear" else 0.5)


_ROOT = "; it grows with the root of the batch (Malladi et al. 2022, arXiv:2205.10287)"
USUAL: dict[str, Usual] = {
    "sgd": Usual(0.1, 256, "linear", "0.1 per 256 images of a batch (Goyal et al. 2017, arXiv:1706.02677)"),
    "adam": Usual(1e-3, 64, "root", f"1e-3 (Kingma and Ba 2015, arXiv:1412.6980){_ROOT}"),
    "adamw": Usual(1e-3, 64, "root", f"1e-3 (Loshchilov and Hutter 2019, arXiv:1711.05101){_ROOT}"),
    "rmsprop": Usual(1e-3, 64, "root", f"1e-3 (Tieleman and Hinton 2012){_ROOT}"),
    "nadam": Usual(2e-3, 64, "root", f"2e-3, torch's own default{_ROOT}"),
    "lion": Usual(1.5e-4, 64, "root", f"AdamW's divided by 3 to 10 (Chen et al. 2023, arXiv:2302.06675){_ROOT}"),
    "lamb": Usual(5e-3, 2048, "root", "5e-3 per 2048 images (Wightman et al. 2021, arXiv:2110.00476); it grows with "
                  "the root of the batch (You et al. 2020, arXiv:1904.00962)"),
    "schedule_free_adamw": Usual(2.5e-3, 64, "root", f"AdamW's times 1 to 10 (authors of arXiv:2405.15682){_ROOT}"),
    "schedule_free_sgd": Usual(1.0, 256, "linear", "SGD's times 10 to 50 (authors of arXiv:2405.15682); 10 is taken"),
    "muon": Usual(1e-3, 64, "root", f"steps of AdamW's size, and its rates (Liu et al. 2025, arXiv:2502.16982){_ROOT}"),
}  # fmt: skip
_HEAVY = ("sgd", "rmsprop")
"""Optimizers whose momentum adds up steps; others keep a mean of them."""
_START: dict[Start, dict[bool, tuple[float, str]]] = {
    "scratch": {False: (1.0, ""), True: (0.3, "attention from scratch: 0.3 times (DeiT, arXiv:2012.12877)")},
    "fine-tuning": {
        False: (0.2, "fine-tuning: a fifth, a rule of ours near the best of arXiv:1805.08974"),
        True: (0.05, "fine-tuning attention: a twentieth, a rule of ours near the best of arXiv:2211.09359"),
    },
    "head": {False: (1.0, ""), True: (1.0, "")},
}
"""What the usual value is multiplied with, by where the weights start and whether the network is made of attention."""


@dataclass(frozen=True, slots=True)
class Band:
    """Learning rates for one optimizer, batch and model."""

    usual: float
    """The middle: what one would start with."""
    what: str
    """What it holds for: ``AdamW, batch 64, fine-tuning``."""
    source: str

    @property
    def low(self) -> float:
        """Where the recommended band begins."""
        return self.usual / _BELOW

    @property
    def high(self) -> float:
        """Where the recommended band ends."""
        return self.usual * _ABOVE

    @property
    def far_low(self) -> float:
        """Below this hardly anything is learned."""
        return self.usual / _FAR_BELOW

    @property
    def far_high(self) -> float:
        """Above this training usually breaks down."""
        return self.usual * _FAR_ABOVE

    def zone(self, lr: float) -> Zone:
        """Return where ``lr`` lies."""
        return "low" if lr < self.low else "high" if lr > self.high else "good"


def band(case: Case) -> Band | None:
    """Return the learning rates that suit ``case``; None where no rule is known for its optimizer."""
    config = case.config
    usual = USUAL.get(config.optimizer.kind)
    if usual is None:
        return None
    batch, factor = config.effective_batch_size or UNDECIDED_BATCH, 1.0
    sources = [usual.source]
    momentum = getattr(config.optimizer, "momentum", None)
    if momentum is not None and config.optimizer.kind in _HEAVY:
        # What momentum keeps repeats a step 1 / (1 - momentum) times in all; SGD's usual rate is quoted for 0.9.
        factor *= (1 - momentum) / (0.1 if config.optimizer.kind == "sgd" else 1.0)
        sources.append(f"times 1 - momentum, which keeps {momentum:g} of each step")
    started, why = _START[case.start][case.family in TRANSFORMERS]
    told = f"batch {batch}" if config.effective_batch_size else f"batch auto, taken as {batch}"
    words = [config.optimizer.label, told, *([] if case.start == "scratch" else [_WORDS[case.start]])]
    return Band(usual.at(batch) * factor * started, ", ".join(words), "; ".join([*sources, *([why] if why else [])]))


_WORDS: dict[Start, str] = {"fine-tuning": "fine-tuning", "head": "head only"}


class LearningRate(
    Static,
    name="learning rate",
    source="The usual value of each optimizer, scaled with batch, momentum and start: the band names each source",
):
    """A learning rate over 10 times, or under a hundredth of, what is usual for this optimizer, batch and model."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the learning rate."""
        found, lr = band(case), case.config.optimizer.lr
        if found is None or found.far_low <= lr <= found.far_high:
            return
        usual = rounded(min(found.usual, 10.0))
        word = "too high" if lr > found.usual else "too low"
        times = lr / found.usual if lr > found.usual else found.usual / lr
        side = "above" if lr > found.usual else "below"
        text = f"{typed(lr)} is {word}: {times:.0f} times {side} what is usual for {found.what} ({typed(usual)})."
        yield self.found("warning", "optimizer.lr", text, {"optimizer.lr": usual})


class LowEnd(
    Static, name="vanishing schedule", source="float32 keeps 7 digits: a step below 1e-7 of a weight changes nothing"
):
    """A schedule that spends 5 % of the run or more below 1e-7, where training stands still."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the curve that the run will follow."""
        config = case.config
        if config.optimizer.lr < 100 * TINY_LR:
            return  # the learning rate itself is the matter
        share = share_below(config, case.evidence.n_train)
        if share < 0.05:
            return
        epochs = share * config.training.most_epochs
        part = f"{epochs:.3g} epochs, {percent(share)} of the run"
        text = f"the learning rate is below {typed(TINY_LR)} at the end ({part})."
        yield self.found("warning", "scheduler.kind", text, _flatter(case))


def _flatter(case: Case) -> dict[str, Any]:
    """Return the changes after which the present kind of schedule ends at about a hundredth of its start."""
    scheduler, epochs = case.config.scheduler, case.config.training.most_epochs
    left = max(epochs - scheduler.warmup_epochs, 1.0)
    factor = max(getattr(scheduler, "factor", 0.1), 0.1)
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "exponential": lambda: {"scheduler.factor": min(round(0.01 ** (1 / left), 6), 0.999999)},
        "step": lambda: {"scheduler.every_epochs": round(left / 3, 2), "scheduler.factor": factor},
        "multistep": lambda: {"scheduler.milestones": [epochs * 0.5, epochs * 0.75], "scheduler.factor": factor},
    }
    cosine = {"scheduler.kind": "cosine", "scheduler.period_epochs": "auto"}
    return made.get(scheduler.kind, lambda: cosine)()


class LongWarmup(
    Static, name="long warm-up", source="Recipes warm up for 2 to 10 % of a run (Goyal et al. 2017, arXiv:1706.02677)"
):
    """A warm-up that takes more than 30 % of the run."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the warm-up's share."""
        warmup, epochs = case.config.scheduler.warmup_epochs, case.config.training.most_epochs
        if warmup > 0.3 * epochs:
            text = f"the warm-up takes {warmup:g} of {counted(epochs, 'epoch')} ({percent(warmup / epochs)})."
            yield self.found(
                "warning", "scheduler.warmup_epochs", text, {"scheduler.warmup_epochs": round(0.1 * epochs, 2)}
            )


class NoWarmup(Static, name="attention without warm-up", source="Xiong et al. 2020, arXiv:2002.04745"):
    """A network of attention trained from scratch without warm-up: its first steps are unstable."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the model's family and the warm-up."""
        config = case.config
        own = config.scheduler.kind == "one_cycle"  # rises by itself
        if case.family in TRANSFORMERS and case.start == "scratch" and not config.scheduler.warmup_epochs and not own:
            text = f"{config.model.get('variant')} starts from scratch with 0 epochs of warm-up."
            warmup = max(round(0.1 * config.training.most_epochs, 1), 0.1)
            yield self.found("warning", "scheduler.warmup_epochs", text, {"scheduler.warmup_epochs": warmup})


class NeverDrops(
    Static, name="stop before the drop", source="Arithmetic: early stopping ends the run before the schedule can act"
):
    """A reduce-on-plateau schedule that is more patient than early stopping, so that it never acts."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare the two patiences."""
        training, scheduler = case.config.training, case.config.scheduler
        patience = getattr(scheduler, "patience", None)
        if patience is None or not training.early_stopping or patience < training.patience:
            return
        text = f"early stopping waits {counted(training.patience, 'epoch')}, the learning rate drops after {patience}."
        yield self.found("warning", "scheduler.patience", text, {"scheduler.patience": (training.patience - 1) // 2})
