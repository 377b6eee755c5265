"""How strongly a configuration is kept from learning its images by heart: a stated count, and rules about it.

Augmentation is none without a random step, light up to 3 of them, medium with 4 or with one of the published policies
(TrivialAugment, RandAugment, AutoAugment, AugMix) or with erasing, strong where a policy comes with erasing or where
images are mixed. The overall strength counts: augmentation 0 to 3; each dropout 1, from 0.3 on 2; weight decay 1, above
ten times the optimizer's default 2; label smoothing, drop path and early stopping 1 each. 0 is none, up to 2 light, up
to 5 medium, more is strong. The count is a rule of ours, made to compare configurations, not a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding
from nbtrain.advice.static import Static
from nbtrain.advice.words import counted, typed
from nbtrain.config import Config
from nbtrain.training.optimizers import Optimizer

Strength: TypeAlias = Literal["none", "light", "medium", "strong"]
POLICIES = frozenset({"trivial_augment", "rand_augment", "auto_augment", "aug_mix"})
_OWN = "as the architecture has it"
DECAY = {"sgd": 1e-4, "adam": 1e-4, "adamw": 0.01, "rmsprop": 1e-5, "nadam": 0.01, "muon": 0.01, "lamb": 0.01}
"""A usual weight decay of each optimizer: ResNet's for SGD (arXiv:1512.03385), AdamW's own (arXiv:1711.05101)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One means of regularisation: where it is set, what it is set to, and what it counts."""

    path: str
    label: str
    value: str
    points: int


def augmentation_level(config: Config) -> Strength:
    """Return how strong the augmentation of training images is, by the rule at the top of this file."""
    steps = [step for step in config.augmentation.train if step.is_random]
    kinds = {step.kind for step in steps}
    mixes = config.augmentation.mixup > 0 or config.augmentation.cutmix > 0
    policy, erases = bool(kinds & POLICIES), "random_erasing" in kinds
    if mixes or (policy and erases):
        return "strong"
    if policy or erases or len(steps) >= 4:
        return "medium"
    return "light" if steps else "none"


def parts(config: Config) -> tuple[Part, ...]:
    """Return every means of regularisation of ``config`` with what it counts."""
    level, optimizer = augmentation_level(config), config.optimizer
    model = config.model
    dropout, channels, drop_path = (float(getattr(model, n, 0.0)) for n in ("dropout", "conv_dropout", "drop_path"))
    smoothing, stops = float(getattr(config.loss, "label_smoothing", 0.0)), config.training.early_stopping
    steps = [step for step in config.augmentation.train if step.is_random]
    mixes = config.augmentation.mixup > 0 or config.augmentation.cutmix > 0
    random = f"{level}: {counted(len(steps), 'random step')}" + (", images are mixed" if mixes else "")
    made = (
        Part("augmentation.train", "Augmentation", random, ("none", "light", "medium", "strong").index(level)),
        Part("optimizer.weight_decay", "Weight decay", typed(optimizer.weight_decay), _decay_points(optimizer)),
        Part("model.dropout", "Dropout", _or(dropout, _OWN), _points(dropout, 0.3)),
        Part("model.conv_dropout", "Dropout of channels", _or(channels, "off"), _points(channels, 0.3)),
        Part("model.drop_path", "Drop path", _or(drop_path, _OWN), int(drop_path > 0)),
        Part("loss.label_smoothing", "Label smoothing", _or(smoothing, "off"), int(smoothing > 0)),
        Part("training.early_stopping", "Early stopping", _stopping(config), int(stops)),
    )  # fmt: skip
    return tuple(part for part in made if _has(config, part.path))


def _or(value: float, none: str) -> str:
    return typed(value) if value else none


def _has(config: Config, path: str) -> bool:
    section, _, name = path.partition(".")
    return hasattr(config.get(section), name)


def _stopping(config: Config) -> str:
    return f"after {counted(config.training.patience, 'epoch')}" if config.training.early_stopping else "off"


def _points(value: float, much: float) -> int:
    return 2 if value >= much else int(value > 0)


def _decay_points(optimizer: Optimizer) -> int:
    usual = DECAY.get(optimizer.kind, 0.01)
    return 2 if optimizer.weight_decay > 10 * usual else int(optimizer.weight_decay > 0)


def overall(config: Config) -> Strength:
    """Return the overall strength, by the rule at the top of this file."""
    points = sum(part.points for part in parts(config))
    return "none" if not points else "light" if points <= 2 else "medium" if points <= 5 else "strong"


class NoRegularisation(
    Static, name="no regularisation", source="Zhang et al. 2017, arXiv:1611.03530: networks fit even random labels"
):
    """Nothing keeps the model from learning its images by heart, and nothing ends the run when it does."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the overall strength."""
        if overall(case.config) == "none":
            fix = {
                "training.early_stopping": True,
                "optimizer.weight_decay": DECAY.get(case.config.optimizer.kind, 0.01),
            }
            text = f"{len(parts(case.config))} of {len(parts(case.config))} means against overfitting are off."
            yield self.found("warning", "optimizer.weight_decay", text, fix)


class StrongDecay(
    Static,
    name="strong weight decay",
    source="Usual: 1e-4 for SGD (arXiv:1512.03385), 0.01 to 0.3 for AdamW (arXiv:2010.11929)",
):
    """A weight decay more than 50 times the optimizer's usual one: weights shrink faster than they learn."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the weight decay."""
        optimizer = case.config.optimizer
        usual = DECAY.get(optimizer.kind)
        if usual and optimizer.weight_decay > 50 * usual:
            times = f"{optimizer.weight_decay / usual:.0f} times the usual {typed(usual)}"
            text = f"{typed(optimizer.weight_decay)} is {times} of {optimizer.label}."
            yield self.found("warning", "optimizer.weight_decay", text, {"optimizer.weight_decay": usual})


class HighDropout(
    Static,
    name="high dropout",
    source="Srivastava et al. 2014 (JMLR 15), figure 9: error rises where too few features are left",
):
    """A dropout above 0.6, before the head or behind the blocks of convolutions."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the dropout."""
        for name, of in (("dropout", "features"), ("conv_dropout", "channels")):
            dropout = float(getattr(case.config.model, name, 0.0))
            if dropout > 0.6:
                text = f"{typed(dropout)} leaves {100 * (1 - dropout):.0f} % of the {of} to learn from."
                yield self.found("warning", f"model.{name}", text, {f"model.{name}": 0.5})


class SoftenedTwice(
    Static,
    name="labels softened twice",
    source="Both spread the label (arXiv:1512.00567, 1710.09412); recipes that use both run 300 epochs (DeiT)",
):
    """Label smoothing together with mixed images in a run of under 100 epochs."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at smoothing, mixing and length."""
        config, smoothing = case.config, float(getattr(case.config.loss, "label_smoothing", 0.0))
        mixes = config.augmentation.mixup > 0 or config.augmentation.cutmix > 0
        if smoothing > 0 and mixes and config.training.most_epochs < 100:
            epochs = counted(config.training.most_epochs, "epoch")
            text = f"smoothing {typed(smoothing)} and mixed images both soften the labels, over {epochs}."
            yield self.found("info", "loss.label_smoothing", text, {"loss.label_smoothing": 0.0})


class MixedShort(
    Static,
    name="mixing in a short run",
    source="Zhang et al. 2018, arXiv:1710.09412, train longer with mixup; 20 epochs is a rule of ours",
):
    """Mixup or cutmix in a run of under 20 epochs from random weights."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at mixing and length."""
        mixing, epochs = case.config.augmentation, case.config.training.most_epochs
        if case.start == "scratch" and (mixing.mixup > 0 or mixing.cutmix > 0) and epochs < 20:
            path = "augmentation.mixup" if mixing.mixup > 0 else "augmentation.cutmix"
            text = f"{counted(epochs, 'epoch')} are too few to learn from mixed images."
            yield self.found("info", path, text, {"augmentation.mixup": 0.0, "augmentation.cutmix": 0.0})


class RandomValidation(
    Static, name="random validation", source="A metric that changes by chance cannot tell which epoch is best"
):
    """Validation images that are changed at random."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the validation list."""
        steps = case.config.augmentation.val
        chance = [step for step in steps if step.is_random]
        if chance:
            kept: list[dict[str, Any]] = [step.plain() for step in steps if step not in chance]
            text = f"{counted(len(chance), 'step')} of the validation list is random: {chance[0].label}."
            yield self.found("warning", "augmentation.val", text, {"augmentation.val": kept})
