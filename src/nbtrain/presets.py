"""Presets: named partial configurations, each with what it is for and why it changes what it changes.

A preset is laid over a configuration as one edit and leaves the rest alone: data, seed, hardware and logging stay as
they are. It knows configurations and tasks; it does not know experiments or panels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.schema import Difference, differences
from nbtrain.schema.section import unknown

_DOWNLOAD = "Published weights reach more with fewer images; they are downloaded once, when the run starts."


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a preset sets, and why."""

    path: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class Preset:
    """A named partial configuration."""

    key: str
    label: str
    about: str
    """What it is for, in a sentence."""
    changes: Callable[[Config], Iterator[Change]]
    tasks: tuple[str, ...] = ("classification", "multilabel")
    """Kinds of task that it is made for."""

    def on(self, config: Config) -> Config:
        """Return ``config`` with this preset laid over it."""
        return config.set_all({change.path: change.value for change in self.changes(config)})

    def rows(self, config: Config) -> list[tuple[Difference, str]]:
        """Return what it would change in ``config``, each with its reason."""
        reasons = {change.path: change.why for change in self.changes(config)}
        return [(row, _reason(row.path, reasons)) for row in differences(config, self.on(config))]


def _reason(path: str, reasons: dict[str, str]) -> str:
    """The reason of the change at ``path``, or of the one that brought it along (a variant brings its family)."""
    while path and path not in reasons:
        path = path.rpartition(".")[0]
    return reasons.get(path, "")


def _network(variant: str, why: str, *, pretrained: bool) -> Iterator[Change]:
    yield Change("model.kind", "timm", "")
    yield Change("model.variant", variant, why)
    yield Change("model.pretrained", pretrained, _DOWNLOAD if pretrained else "Nothing is downloaded.")
    yield Change("model.weights_file", "", "Weights of another network would not fit.")
    yield Change("model.freeze", "none", "Everything learns.")


def _no_mixing(why: str) -> Iterator[Change]:
    yield Change("augmentation.mixup", 0.0, why)
    yield Change("augmentation.cutmix", 0.0, why)


def _loss(config: Config, smoothing: float, why: str) -> Change:
    kind = config.task.loss
    smooth = {"label_smoothing": smoothing} if kind == "cross_entropy" and smoothing else {}
    return Change("loss", {"kind": kind, **smooth}, why)


def _quick(config: Config) -> Iterator[Change]:
    yield from _network("resnet10t", "A small network: a pass takes seconds to minutes on a CPU.", pretrained=False)
    if config.task.image_size > 64:
        yield Change("task.image_size", 64, "A tenth of the pixels of 224: quick, and enough to see that it learns.")
    yield Change("training.epochs", 3, "Enough to see the loss fall.")
    yield Change("training.ema", False, "An average over three epochs says little.")
    yield Change("scheduler.warmup_epochs", 0.0, "The run is too short for one.")
    yield from _no_mixing("Mixed images only help long runs.")


def _baseline(config: Config) -> Iterator[Change]:
    yield from _network("resnet18", "Known everywhere, so its result can be compared.", pretrained=False)
    yield Change("model.dropout", 0.0, "As the network has it.")
    yield Change("optimizer", {"kind": "adamw"}, "A good first choice for every network.")
    yield Change("scheduler", {"kind": "cosine"}, "Falls to zero over the run; nothing to tune.")
    yield _loss(config, 0.0, "The task's usual loss.")
    yield Change("training.epochs", 50, "Long enough for most; early stopping ends it sooner.")
    yield Change("training.early_stopping", True, "Ends the run when nothing is gained any more.")
    yield Change("training.ema", False, "Plain weights, to compare with.")
    yield from _no_mixing("Off, to compare with.")


def _strong(config: Config) -> Iterator[Change]:
    yield from _network("resnet50", "Large enough for most data sets.", pretrained=True)
    yield Change("normalisation", {"kind": "model"}, "The colours that the published weights have seen.")
    yield Change("optimizer", {"kind": "adamw", "lr": 3e-4, "weight_decay": 0.05}, "Usual for fine-tuning with AdamW.")
    yield Change("scheduler", {"kind": "cosine", "warmup_epochs": 3.0}, "Starts gently, so the weights are not shaken.")
    yield _loss(config, 0.1, "Label smoothing keeps it from being over-confident.")
    steps = config.augmentation.plain()["train"]
    if not any(step["kind"] == "trivial_augment" for step in steps):
        yield Change("augmentation.train", [*steps, {"kind": "trivial_augment"}], "Strong, with nothing to tune.")
    if config.task.kind == "classification":
        yield Change("augmentation.mixup", 0.2, "Mixed images act against overfitting in long runs.")
        yield Change("augmentation.cutmix", 1.0, "Mixed images act against overfitting in long runs.")
    yield Change("training.epochs", 100, "Strong augmentation needs more passes.")
    yield Change("training.ema", True, "The average of the weights is nearly always a little better.")
    yield Change("training.early_stopping", True, "Ends the run when nothing is gained any more.")
    yield Change("training.patience", 20, "Strong augmentation makes the curve rise slowly.")


def _small_device(config: Config) -> Iterator[Change]:
    why = "5.5 M parameters, made for phones and small boards."
    yield from _network("mobilenetv3_large_100", why, pretrained=True)
    yield Change("normalisation", {"kind": "model"}, "The colours that the published weights have seen.")
    if config.task.image_size > 160:
        yield Change("task.image_size", 160, "Half the work of 224 for each prediction, for a small loss.")
    yield Change("optimizer", {"kind": "adamw"}, "A good first choice for every network.")
    yield Change("scheduler", {"kind": "cosine", "warmup_epochs": 2.0}, "Small networks start more steadily with one.")
    yield _loss(config, 0.1, "Label smoothing keeps it from being over-confident.")
    yield Change("training.epochs", 60, "Small networks learn more slowly.")
    yield from _no_mixing("A small network has little to spare for mixed images.")


PRESETS = (
    Preset("quick", "Quick check", "Does everything work? A small network on small images, three epochs.", _quick),
    Preset("baseline", "Baseline", "A plain, well-known set-up to compare everything else with.", _baseline),
    Preset(
        "strong", "Strong", "A good result where there is time and a GPU: fine-tuning, strong augmentation.", _strong
    ),
    Preset("small", "Small device", "A network that runs on a phone or a small board.", _small_device),
)


def presets_for(config: Config) -> tuple[Preset, ...]:
    """Return the presets for the task of ``config``."""
    return tuple(preset for preset in PRESETS if config.task.kind in preset.tasks)


def preset(key: str, config: Config) -> Preset:
    """Return the preset called ``key`` (or by its label); raises ConfigError with the ones there are."""
    wanted = str(key).strip().lower()
    found = [one for one in presets_for(config) if wanted in (one.key, one.label.lower())]
    if not found:
        raise ConfigError([unknown("preset", str(key), [one.key for one in presets_for(config)])])
    return found[0]
