"""The configuration: every section of a run in one frozen value, and the rules that hold between sections.

    config = Config()
    config.set("optimizer.lr", 3e-4).set("training.epochs", 20)

It composes; each setting's text and limits stand with its part. It does not know data, files or devices: what a rule
needs of them comes in as :class:`Facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

import orjson

from nbtrain.data.augmentation import Augmentation
from nbtrain.data.normalisation import ImageNet, Normalisation
from nbtrain.data.settings import Data
from nbtrain.errors import ConfigError, Problem
from nbtrain.models import Model, Timm
from nbtrain.models.initialisation import Default, Initialisation
from nbtrain.models.model import one_value
from nbtrain.schema import Format, Section, hash_of
from nbtrain.training.losses import CrossEntropy, Loss
from nbtrain.training.optimizers import AdamW, Optimizer
from nbtrain.training.schedulers import Cosine, Scheduler
from nbtrain.training.settings import Checkpoint, Hardware, Logging, Training
from nbtrain.training.tasks import Classification, Task

FORMAT = Format("configuration")
"""The format of a configuration on disk; a change of a path or a meaning lifts the number and adds a migration."""


DECIDED = ("training.batch_size", "training.epochs", "hardware.precision")
"""What a run decides for its own configuration where it is auto, before anything is built."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the data that a configuration is meant for; None where nothing is known yet."""

    n_train: int | None = None
    n_classes: int | None = None
    multilabel: bool | None = None
    n_val: int | None = None


class Config(Section):
    """Everything a person chooses about one experiment."""

    task: Task = Classification()
    data: Data = Data()
    model: Model = Timm()
    initialisation: Initialisation = Default()
    normalisation: Normalisation = ImageNet()
    augmentation: Augmentation = Augmentation()
    optimizer: Optimizer = AdamW()
    scheduler: Scheduler = Cosine()
    loss: Loss = CrossEntropy()
    training: Training = Training()
    checkpoint: Checkpoint = Checkpoint()
    logging: Logging = Logging()
    hardware: Hardware = Hardware()

    @property
    def effective_batch_size(self) -> int | None:
        """Images behind one change of the weights: batch size × multiplier; None while the batch size is auto."""
        batch = self.training.batch
        return None if batch is None else batch * self.training.batch_multiplier

    @property
    def hash(self) -> str:
        """The hash of what a person chose, before any ``auto`` is resolved."""
        return hash_of(self)

    def steps_per_epoch(self, n_train: int) -> int | None:
        """Return how often the weights change in one pass over ``n_train`` images, None while that is not decided."""
        batch = self.training.batch
        if batch is None:
            return None
        batches = max(1, n_train // batch)
        return -(-batches // self.training.batch_multiplier)

    def decided(self, choices: Mapping[str, Any]) -> Config:
        """Return a copy in which batch size and epochs that are auto are what a run has decided (``{path: value}``)."""
        known = {path: choices[path] for path in DECIDED if path in choices and self.get(path) == "auto"}
        return self.set_all(known) if known else self

    def check(self, facts: Facts | None = None) -> list[Problem]:
        """Return what keeps this configuration from training, across sections and against ``facts``."""
        return [*_dataset_is_chosen(self), *self._broken_rules(facts or Facts())]

    def conflicts(self) -> list[Problem]:
        """Return which values cannot stand together, whatever the data are: no such configuration is saved."""
        return self._broken_rules(Facts())

    def _broken_rules(self, facts: Facts) -> list[Problem]:
        return [problem for rule in RULES for problem in rule(self, facts)]

    def set_all(self, changes: Mapping[str, Any]) -> Config:
        """Return a copy with several ``{path: value}`` changes; a kind is set before its fields."""
        config, problems = self, list[Problem]()
        for path in sorted(changes, key=lambda path: (not path.endswith(".kind"), path)):
            try:
                config = config.set(path, changes[path])
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)
        return config

    def encoded(self) -> dict[str, Any]:
        """Return the configuration as it stands in a file: plain values with the format number."""
        return FORMAT.mark(self.plain())

    @classmethod
    def decoded(cls, plain: object, where: object = "", known: Known | None = None) -> Config:
        """Return the configuration in ``plain``; raises FormatError or ConfigError naming ``where`` or every path.

        Sections that are ``known`` are taken from there, and new ones are put there: most experiments of a project
        differ in few of theirs, and checking values is the larger part of reading a long list.
        """
        content = FORMAT.read(plain, where)
        sections = _sections()
        if known is None or content.keys() != sections.keys():
            return cls.parse(content)
        try:
            parts: Any = {name: _known(known, name, kind, content[name]) for name, kind in sections.items()}
            return cls.model_construct(**parts)
        except ConfigError:
            return cls.parse(content)  # again and whole: it names every failing path


@lru_cache(maxsize=1)
def _sections() -> dict[str, type[Section]]:
    return {name: cast(type[Section], found.annotation) for name, found in Config.model_fields.items()}


def _known(known: Known, name: str, kind: type[Section], plain: Any) -> Section:
    key = (name, orjson.dumps(plain))
    if key not in known:
        known[key] = kind.parse(plain)
    return known[key]


Known: TypeAlias = dict[tuple[str, bytes], Section]
"""Sections that were read before, by name and content: they are values that never change."""


Rule = Callable[[Config, Facts], Iterator[Problem]]


def _dataset_is_chosen(config: Config) -> Iterator[Problem]:
    if not config.data.dataset:
        yield Problem("data.dataset", "no data set is chosen.", "Add images to the project, then choose them here.")


def _shares_leave_images_to_train(config: Config, facts: Facts) -> Iterator[Problem]:
    share = config.data.val_ratio + config.data.test_ratio
    if share >= 1:
        told = f"validation and test together take {share:.0%} of the images."
        yield Problem("data.val_ratio", told, "Leave some for training: their sum must be below 1.")


def _batch_fits_the_data(config: Config, facts: Facts) -> Iterator[Problem]:
    batch = config.training.batch
    if facts.n_train is not None and batch is not None and batch > facts.n_train:
        told = f"a batch of {batch} is larger than the {facts.n_train} training images."
        yield Problem("training.batch_size", told, f"At most {facts.n_train}.")


def _batch_norm_sees_several_values(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.training.batch == 1 and config.model.normalises_one_value(config.task.image_size):
        yield one_value(config.task.image_size)


def _loss_fits_the_task(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.task.kind not in config.loss.tasks:
        fitting = [kind for kind, loss in Loss.kinds().items() if config.task.kind in loss.tasks]
        told = f"{config.loss.label} is not a loss for {config.task.label.lower()}."
        yield Problem("loss.kind", told, f"Choose {' or '.join(fitting)}.")


def _classes_can_be_told_apart(config: Config, facts: Facts) -> Iterator[Problem]:
    if facts.n_classes == 1 and config.task.kind == "classification":
        told = "the images of this data set are all of one class."
        yield Problem("data.dataset", told, "Add images of another class, or choose the task multilabel.")


def _task_fits_the_labels(config: Config, facts: Facts) -> Iterator[Problem]:
    if facts.multilabel and config.task.kind == "classification":
        told = "the images of this data set carry several labels each."
        yield Problem("task.kind", told, "Choose multilabel.")


def _metric_fits_the_task(config: Config, facts: Facts) -> Iterator[Problem]:
    known = config.task.metrics
    if config.training.monitor not in ("auto", "loss", *known):
        told = f"{config.training.monitor} is not measured for {config.task.label.lower()}."
        yield Problem("training.monitor", told, f"Choose auto, loss, {', '.join(known)}.")


def _warmup_fits_the_run(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.scheduler.warmup_epochs > config.training.most_epochs:
        told = f"the warm-up of {config.scheduler.warmup_epochs:g} epochs is longer than the run."
        yield Problem("scheduler.warmup_epochs", told, f"At most {config.training.most_epochs}.")


def _auto_epochs_come_to_an_end(config: Config, facts: Facts) -> Iterator[Problem]:
    training = config.training
    if training.epochs == "auto" and not training.early_stopping and not training.time_budget_minutes:
        told = "nothing says how many epochs auto is: there is neither early stopping nor a time budget."
        yield Problem("training.epochs", told, "Turn early stopping on, set a time budget, or give a number.")


def _one_cycle_has_its_own_warmup(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.scheduler.kind == "one_cycle" and config.scheduler.warmup_epochs > 0:
        told = "the one-cycle schedule brings its own warm-up."
        yield Problem("scheduler.warmup_epochs", told, "Set it to 0; scheduler.rise is the share that it takes.")


def _frozen_weights_come_from_somewhere(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.model.freeze != "none" and config.model.starts_fresh and not config.model.unfreeze_epoch:
        told = "what is frozen starts from random numbers and would stay so."
        advice = "Turn pretrained on, give a weights file or an experiment to start from, or train everything."
        yield Problem("model.freeze", told, advice)


def _unfreezing_comes_before_the_end(config: Config, facts: Facts) -> Iterator[Problem]:
    model, epochs = config.model, config.training.most_epochs
    if model.freeze != "none" and model.unfreeze_epoch >= epochs:
        told = f"the run ends after {epochs} epochs, before the frozen part is trained."
        yield Problem("model.unfreeze_epoch", told, f"At most {epochs - 1}, or 0 to keep it frozen.")


def _weights_come_from_one_place(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.model.weights_file and config.model.transfer_from:
        told = "weights can come from a file or from an experiment, not from both."
        yield Problem("model.transfer_from", told, "Empty one of the two.")


def _weights_are_one_per_class(config: Config, facts: Facts) -> Iterator[Problem]:
    given = config.loss.given_weights
    if config.loss.class_weights != "given":
        return
    if facts.n_classes is not None and len(given) != facts.n_classes:
        told = f"{len(given)} weights are given for {facts.n_classes} classes."
        yield Problem("loss.given_weights", told, f"Give {facts.n_classes}, in the order of the classes.")
    elif not any(given):
        yield Problem("loss.given_weights", "no weight above 0 is given.", "Give one weight per class.")


def _validation_has_images(config: Config, facts: Facts) -> Iterator[Problem]:
    if facts.n_val == 0:
        path = "training.early_stopping" if config.training.early_stopping else "data.val_ratio"
        told = "no image is left for validation, and what is best is decided by it."
        yield Problem(path, told, "Choose a split with validation images, or a larger validation share.")


def _weights_are_averaged_once(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.training.ema and config.optimizer.kind.startswith("schedule_free"):
        told = f"{config.optimizer.label} averages the weights itself."
        yield Problem("training.ema", told, "Turn it off, or choose another optimizer.")


def _steps_fit_the_image_size(config: Config, facts: Facts) -> Iterator[Problem]:
    for problem in config.augmentation.problems(config.task.image_size):
        yield Problem(f"augmentation.{problem.path}", problem.message, problem.advice)


def _lowest_rate_is_below_the_highest(config: Config, facts: Facts) -> Iterator[Problem]:
    lowest = getattr(config.scheduler, "min_lr", 0.0)
    if lowest > config.optimizer.lr:
        told = f"the lowest learning rate {lowest:g} is above the highest, {config.optimizer.lr:g}."
        yield Problem("scheduler.min_lr", told, f"At most {config.optimizer.lr:g}.")


def _precision_fits_the_device(config: Config, facts: Facts) -> Iterator[Problem]:
    if config.hardware.device == "cpu" and config.hardware.precision == "16-mixed":
        told = "16-mixed needs a GPU."
        yield Problem("hardware.precision", told, "Choose 32 or bf16-mixed on the CPU.")


RULES: tuple[Rule, ...] = (
    _shares_leave_images_to_train,
    _batch_fits_the_data,
    _batch_norm_sees_several_values,
    _loss_fits_the_task,
    _classes_can_be_told_apart,
    _task_fits_the_labels,
    _metric_fits_the_task,
    _warmup_fits_the_run,
    _auto_epochs_come_to_an_end,
    _one_cycle_has_its_own_warmup,
    _frozen_weights_come_from_somewhere,
    _unfreezing_comes_before_the_end,
    _weights_come_from_one_place,
    _weights_are_one_per_class,
    _validation_has_images,
    _weights_are_averaged_once,
    _steps_fit_the_image_size,
    _lowest_rate_is_below_the_highest,
    _precision_fits_the_device,
)
