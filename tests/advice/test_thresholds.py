"""Every number of the advice has a case on either side of it: just quiet, and just found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from advice.planted import FAULTS, PHOTOS, evidence
from advice.test_running import EPOCHS, course
from nbtrain.advice import Case, Evidence, Running, Static, machine, observe, rates, strength
from nbtrain.config import Config

PRETRAINED = {"model.pretrained": True, "normalisation.kind": "model"}
VIT = {"model.variant": "vit_tiny_patch16_224"}


def config_of(changes):
    return Config().set_all({"data.dataset": "photos", **changes})


@dataclass(frozen=True)
class Edge:
    """Two cases beside one number of a rule: the first is left alone, the second is found."""

    rule: str
    quiet: dict[str, Any]
    loud: dict[str, Any]
    quiet_evidence: Evidence = PHOTOS
    loud_evidence: Evidence | None = None
    always: dict[str, Any] = field(default_factory=dict)
    level: str = "warning"

    def __str__(self) -> str:
        return f"{self.rule}: {self.loud or 'evidence'}"

    def found(self, *, loud: bool) -> list[str]:
        changes, known = self.loud if loud else self.quiet, (loud and self.loud_evidence) or self.quiet_evidence
        rule = Static.all()[self.rule]()
        return [found.level for found in rule.findings(Case(config_of({**self.always, **changes}), known))]


def per_epoch_factor(epochs):
    """Return the factor of an exponential schedule that has fallen from 1e-3 to 1e-7 after ``epochs`` epochs."""
    return {"scheduler.kind": "exponential", "scheduler.factor": round(1e-4 ** (1 / epochs), 6)}


def counts(*numbers):
    return evidence(class_counts={f"class {place}": number for place, number in enumerate(numbers)})


def one(path, quiet, loud, **how):
    """Return the two sides of one field's number."""
    return {"quiet": {path: quiet}, "loud": {path: loud}, **how}


EDGES = (
    Edge("learning rate", **one("optimizer.lr", 0.00999, 0.01001), always={"training.batch_size": 64}),
    Edge("learning rate", **one("optimizer.lr", 1.001e-5, 0.999e-5), always={"training.batch_size": 64}),
    Edge("vanishing schedule", per_epoch_factor(48), per_epoch_factor(47)),
    Edge("vanishing schedule", {"optimizer.lr": 0.99e-5}, {"optimizer.lr": 1.01e-5}, always=per_epoch_factor(10)),
    Edge("long warm-up", **one("scheduler.warmup_epochs", 15, 15.1)),
    Edge("attention without warm-up", **one("scheduler.warmup_epochs", 0.1, 0), always=VIT),
    Edge("attention without warm-up", PRETRAINED, {}, always=VIT),
    Edge("attention without warm-up", {"scheduler.kind": "one_cycle"}, {}, always=VIT),
    Edge("stop before the drop", **one("scheduler.patience", 9, 10), always={"scheduler.kind": "plateau"}),
    Edge("few epochs", **one("training.epochs", 10, 9)),
    Edge("few epochs", PRETRAINED, {}, always={"training.epochs": 9}),
    Edge("few steps", {}, {}, evidence(n_train=3200), evidence(n_train=3199), always={"training.epochs": 1}),
    Edge("idle early stopping", **one("training.patience", 49, 50), level="info"),
    Edge("idle early stopping", **one("training.epochs", 1, 2), always={"training.patience": 5}, level="info"),
    Edge("hasty early stopping", **one("training.patience", 3, 2), level="info"),
    Edge("hasty early stopping", **one("training.epochs", 20, 21), always={"training.patience": 2}, level="info"),
    Edge("imbalance", {}, {}, counts(1000, 100), counts(1001, 100)),
    Edge("imbalance", {"loss.class_weights": "auto"}, {}, counts(5000, 100)),
    Edge("imbalance", {"loss.kind": "focal"}, {}, counts(5000, 100)),
    Edge("imbalance", {"data.sampler": "balanced"}, {}, counts(5000, 100)),
    Edge("rare classes counted twice", **one("loss.class_weights", "none", "effective"),
         always={"data.sampler": "balanced"}),
    Edge("few images", {}, {}, counts(2000, 100), counts(2000, 99)),
    Edge("empty class", {}, {}, counts(2000, 1), counts(2000, 0)),
    Edge("small validation set", {}, {}, evidence(n_val=30), evidence(n_val=29)),
    Edge("batch larger than data", {}, {}, evidence(n_train=32), evidence(n_train=31), level="problem"),
    Edge("mirrored classes", {}, {}, evidence(class_counts=dict.fromkeys("1234", 500)),
         evidence(class_counts=dict.fromkeys("12345", 500))),
    Edge("mirrored classes", {"augmentation.train": [{"kind": "horizontal_flip", "p": 0.0}]}, {},
         evidence(class_counts={"left": 500, "right": 500})),
    Edge("frozen without weights", PRETRAINED, {}, level="problem", always={"model.freeze": "backbone"}),
    Edge("no published weights", {}, {"model.pretrained": True}, level="problem",
         always={"model.variant": "resnet50t"}),
    Edge("image size against weights", **one("task.image_size", 448, 449), always=PRETRAINED),
    Edge("image size against weights", **one("task.image_size", 112, 111), always=PRETRAINED),
    Edge("tiny images", **one("task.image_size", 32, 31)),
    Edge("enlarged images", {}, {}, evidence(image_px=75), evidence(image_px=74), level="info"),
    Edge("enlarged images", PRETRAINED, {}, evidence(image_px=74), level="info"),
    Edge("normalisation against weights",
         **one("normalisation.mean", [0.504, 0.456, 0.406], [0.506, 0.456, 0.406]),
         always={"model.pretrained": True, "normalisation.kind": "custom"}),
    Edge("batch normalisation over few images", **one("training.batch_size", 8, 7)),
    Edge("batch normalisation over few images", {}, {}, evidence(n_train=7), evidence(n_train=8),
         always={"training.batch_size": 4}),
    Edge("no regularisation", **one("training.early_stopping", True, False),
         always={"augmentation.train": [{"kind": "resize"}], "optimizer.weight_decay": 0}),
    Edge("strong weight decay", **one("optimizer.weight_decay", 0.5, 0.51)),
    Edge("strong weight decay", **one("optimizer.weight_decay", 0.005, 0.0051), always={"optimizer.kind": "sgd"}),
    Edge("high dropout", **one("model.dropout", 0.6, 0.61)),
    Edge("labels softened twice", **one("training.epochs", 100, 99), level="info",
         always={"augmentation.mixup": 0.4, "loss.label_smoothing": 0.1}),
    Edge("labels softened twice", **one("augmentation.cutmix", 0.0, 0.1), level="info",
         always={"loss.label_smoothing": 0.1}),
    Edge("mixing in a short run", **one("training.epochs", 20, 19), always={"augmentation.mixup": 0.2}, level="info"),
    Edge("random validation", **one("augmentation.val", [{"kind": "resize"}], [{"kind": "horizontal_flip"}])),
    Edge("shared memory too small", {}, {}, evidence(shared_memory_bytes=8 * 2 * 64 * 3 * 224**2),
         evidence(shared_memory_bytes=8 * 2 * 64 * 3 * 224**2 - 1), level="problem",
         always={"data.workers": 8, "data.worker_kind": "processes", "training.batch_size": 64, "data.prefetch": 2}),
    Edge("more workers than cores", **one("data.workers", 8, 9)),
)  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_a_rule_is_quiet_on_one_side_of_its_number_and_speaks_on_the_other(edge):
    assert edge.found(loud=False) == []
    assert edge.found(loud=True) == [edge.level]


def test_every_rule_has_an_edge():
    assert {edge.rule for edge in EDGES} | {"disk too small"} == set(Static.all())


def test_checkpoints_may_take_half_of_the_free_disk_and_more_than_all_is_a_problem():
    size = machine.checkpoint_bytes(Case(config_of({})))
    assert size == 4 * 11_689_512 * 3  # resnet18's weights, and AdamW's two states of each

    def levels(free):
        case = Case(config_of({}), evidence(disk_free_bytes=free))
        return [(found.level, dict(found.fix)) for found in Static.all()["disk too small"]().findings(case)]

    assert levels(6 * size) == []
    assert levels(6 * size - 1) == [("warning", {})]
    assert levels(3 * size) == [("warning", {})]
    assert levels(3 * size - 1) == [("problem", {})]
    many = Case(config_of({"checkpoint.keep_last_n": 10}), evidence(disk_free_bytes=8 * size))
    assert [found.fix for found in Static.all()["disk too small"]().findings(many)] == [{"checkpoint.keep_last_n": 2}]


@pytest.mark.parametrize(
    ("changes", "size"),
    [({"training.ema": True}, 4), ({**PRETRAINED, "model.freeze": "backbone"}, 1), ({"optimizer.kind": "lion"}, 2)],
)
def test_a_checkpoint_holds_weights_average_and_states(changes, size):
    assert machine.checkpoint_bytes(Case(config_of(changes))) == 4 * 11_689_512 * size


# -- the band of learning rates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "usual"),
    [
        ({"optimizer.kind": "sgd", "optimizer.momentum": 0.9, "training.batch_size": 256}, 0.1),
        ({"optimizer.kind": "sgd", "optimizer.momentum": 0.9, "training.batch_size": 512}, 0.2),
        ({"optimizer.kind": "sgd", "optimizer.momentum": 0.0, "training.batch_size": 256}, 1.0),
        ({"optimizer.kind": "adam"}, 1e-3),
        ({"optimizer.kind": "adamw"}, 1e-3),
        ({"optimizer.kind": "adamw", "training.batch_size": 16, "training.batch_multiplier": 16}, 2e-3),
        ({"optimizer.kind": "rmsprop", "optimizer.momentum": 0.0}, 1e-3),
        ({"optimizer.kind": "rmsprop", "optimizer.momentum": 0.9}, 1e-4),
        ({"optimizer.kind": "nadam"}, 2e-3),
        ({"optimizer.kind": "lion"}, 1.5e-4),
        ({"optimizer.kind": "lamb", "training.batch_size": 2048}, 5e-3),
        ({"optimizer.kind": "schedule_free_adamw"}, 2.5e-3),
        ({"optimizer.kind": "schedule_free_sgd", "training.batch_size": 256}, 1.0),
        ({"optimizer.kind": "muon"}, 1e-3),
        (VIT, 3e-4),
        (PRETRAINED, 2e-4),
        ({**VIT, **PRETRAINED}, 5e-5),
        ({**VIT, **PRETRAINED, "model.freeze": "backbone"}, 1e-3),
        ({**PRETRAINED, "model.freeze": "backbone"}, 1e-3),
        ({**PRETRAINED, "model.freeze": "backbone", "model.unfreeze_epoch": 3}, 2e-4),
    ],
)
def test_the_usual_learning_rate(changes, usual):
    found = rates.band(Case(config_of({"training.batch_size": 64, **changes})))
    assert found.usual == pytest.approx(usual)
    assert (found.low, found.high) == (pytest.approx(usual / 5), pytest.approx(usual * 4))
    assert [found.zone(usual * factor) for factor in (0.199, 0.201, 3.99, 4.01)] == ["low", "good", "good", "high"]


def test_a_batch_that_is_not_decided_is_taken_as_32():
    found = rates.band(Case(config_of({"training.batch_size": "auto"})))
    assert found.usual == pytest.approx(1e-3 * math.sqrt(0.5))
    assert "batch auto, taken as 32" in found.what


def test_a_flatter_schedule_ends_at_a_hundredth():
    case = Case(config_of({"scheduler.kind": "exponential", "scheduler.factor": 0.5, "scheduler.warmup_epochs": 10}))
    (found,) = Static.all()["vanishing schedule"]().findings(case)
    assert found.fix["scheduler.factor"] ** 40 == pytest.approx(0.01, rel=1e-3)


# -- strength -----------------------------------------------------------------------------------------------------

FOUR_POINTS = {"model.drop_path": 0.1, "loss.label_smoothing": 0.1, "model.dropout": 0.3}
RANDOM = ("horizontal_flip", "color_jitter", "grayscale", "vertical_flip")


@pytest.mark.parametrize(
    ("kinds", "more", "level"),
    [
        (["resize"], {}, "none"),
        (RANDOM[:1], {}, "light"),
        (RANDOM[:3], {}, "light"),
        (RANDOM, {}, "medium"),
        (["trivial_augment"], {}, "medium"),
        (["random_erasing"], {}, "medium"),
        (["trivial_augment", "random_erasing"], {}, "strong"),
        (["resize"], {"augmentation.mixup": 0.1}, "strong"),
        (["resize"], {"augmentation.cutmix": 0.1}, "strong"),
    ],
)
def test_how_strong_augmentation_is(kinds, more, level):
    steps = [{"kind": kind} for kind in kinds]
    assert strength.augmentation_level(config_of({"augmentation.train": steps, **more})) == level


@pytest.mark.parametrize(
    ("changes", "points", "level"),
    [
        ({}, 0, "none"),
        ({"optimizer.weight_decay": 0.1}, 1, "light"),
        ({"optimizer.weight_decay": 0.11}, 2, "light"),
        ({"model.dropout": 0.29}, 1, "light"),
        ({"model.dropout": 0.3}, 2, "light"),
        ({"model.dropout": 0.3, "training.early_stopping": True}, 3, "medium"),
        ({**FOUR_POINTS, "optimizer.weight_decay": 0.1}, 5, "medium"),
        ({**FOUR_POINTS, "optimizer.weight_decay": 0.2}, 6, "strong"),
    ],
)
def test_points_against_overfitting(changes, points, level):
    bare = {"augmentation.train": [{"kind": "resize"}], "optimizer.weight_decay": 0, "training.early_stopping": False}
    config = config_of({**bare, **changes})
    assert sum(part.points for part in strength.parts(config)) == points
    assert strength.overall(config) == level


# -- a run's history ----------------------------------------------------------------------------------------------

T = np.arange(1, EPOCHS + 1)
FALLING = np.linspace(2.0, 0.5, EPOCHS)
NO_METRIC = np.empty(0)


def overfitted(now=1.1, train=0.89, after=3, metric=NO_METRIC, done=EPOCHS):
    """Return a run whose validation loss was 1 at its best, then ``now``, while training loss fell to ``train``."""
    val = np.full(done, 1.5)
    val[done - after - 1] = 1.0
    val[done - after :] = now
    fell = np.full(done, 1.0)
    fell[-1] = train
    return course(val_loss=val, train_loss=fell, val_metric=metric, lr=np.full(done, 1e-3), done=done)


def guessing(share, done=9, **how):
    level = np.full(done, share * math.log(4))
    return course(train_loss=level, val_loss=level, val_metric=np.full(done, 0.25), done=done, **how)


def still(val=0.995, train=0.995, lr=0.31, done=15, top=1.0):
    """Return a run of whose losses the last six epochs, a fifth of 30, have a given share of the best before."""
    val_loss, train_loss, rate = np.ones(done), np.ones(done), np.ones(done)
    val_loss[-6:], train_loss[-6:], rate[-1] = val, train, lr
    val_loss[-6] = top
    return course(val_loss=val_loss, train_loss=train_loss, lr=rate, val_metric=NO_METRIC, done=done)


def losses(*values, **how):
    return course(train_loss=np.array(values), done=len(values), **how)


def dead(support=5, recall=0.0, n=1, done=6):
    classes = tuple((f"class {at}", support, recall if at < n else 0.9) for at in range(4))
    return course(classes=classes, done=done)


RUNS = {
    "overfitting: 10 %": (overfitted(now=1.099), overfitted(now=1.101)),
    "overfitting: 3 epochs": (overfitted(now=1.2, after=2), overfitted(now=1.2, after=3)),
    "overfitting: training loss": (overfitted(train=0.901), overfitted(train=0.899)),
    "overfitting: metric": (
        overfitted(metric=np.where(T == EPOCHS - 2, 0.9, 0.5)), overfitted(metric=np.where(T == EPOCHS - 3, 0.9, 0.5)),
    ),
    "overfitting: 5 epochs": (overfitted(now=1.2, done=4), overfitted(now=1.2, done=5)),
    "underfitting: 90 %": (guessing(0.899), guessing(0.901)),
    "underfitting: exactly 90 %": (guessing(0.9), guessing(1.0)),
    "underfitting: exactly 1.5 times": (guessing(1.5), guessing(1.0)),
    "overfitting: exactly 10 %": (overfitted(now=1.0999999), overfitted(now=1.1)),
    "underfitting: not diverged": (guessing(1.501), guessing(1.499)),
    "underfitting: 30 %": (guessing(1.0, done=8), guessing(1.0, done=9)),
    "underfitting: mixed": (guessing(1.0, changes={"augmentation.mixup": 0.1}), guessing(1.0)),
    "underfitting: loss": (guessing(1.0, changes={"loss.kind": "focal"}), guessing(1.0)),
    "plateau: validation": (still(val=0.989), still(val=0.991)),
    "plateau: training": (still(train=0.989), still(train=0.991)),
    "plateau: rate": (still(lr=0.299), still(lr=0.301)),
    "plateau: not rising": (still(top=1.101), still(top=1.099)),
    "plateau: not at the end": (still(done=28), still(done=27)),
    "plateau: a fifth": (still(done=6), still(done=7)),
    "divergence: 50 %": (losses(1.0, 0.8, 1.19), losses(1.0, 0.8, 1.21)),
    "divergence: first": (losses(2.0, 1.0, 1.99), losses(2.0, 1.0, 2.01)),
    "divergence: 3 epochs": (losses(1.0, 3.0), losses(1.0, 1.0, 3.0)),
    "divergence: within": (course(done=3, ran_away=2.9), course(done=3, ran_away=3.0)),
    "not a number: 1": (course(), course(n_gaps=1)),
    "waiting for data: 30 %": (course(waiting=[0.3] * 5), course(waiting=[0.301] * 5)),
    "waiting for data: 5 reports": (course(waiting=[0.5] * 4), course(waiting=[0.5] * 5)),
    "waiting for data: newest": (course(waiting=[0.9] * 5 + [0.1] * 5), course(waiting=[0.1] * 5 + [0.9] * 5)),
    "waiting for data: 5 epochs": (course(done=4, waiting=[0.5] * 59), course(done=5, waiting=[0.5] * 59)),
    "waiting for data: 60 reports": (course(done=0, waiting=[0.5] * 59), course(done=0, waiting=[0.5] * 60)),
    "class never found: 5 images": (dead(support=4), dead(support=5)),
    "class never found: recall": (dead(recall=0.01), dead()),
    "class never found: half": (dead(n=3), dead(n=2)),
    "class never found: a fifth": (dead(done=5), dead(done=6)),
    "recovery": (course(done=2), course(done=2, recoveries=("back to step 10, half the learning rate",))),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_rule_about_a_run_is_quiet_on_one_side_and_speaks_on_the_other(name):
    quiet, loud = ([found for found in observe(run) if found.rule == name.split(":")[0]] for run in RUNS[name])
    assert quiet == []
    assert len(loud) == 1


def test_every_rule_about_runs_has_an_edge():
    assert {name.split(":")[0] for name in RUNS} == set(Running.all())


def test_what_a_run_is_advised_goes_a_stated_way():
    def fix(run, rule):
        return next(dict(found.fix) for found in observe(run) if found.rule == rule)

    assert fix(course(n_gaps=1), "not a number") == {"optimizer.lr": 3e-4, "training.clip_norm": 1.0}
    assert fix(losses(1.0, 0.8, 3.0), "divergence") == {"optimizer.lr": 1e-4}
    assert fix(guessing(1.0, changes={"optimizer.lr": 1e-6}), "underfitting") == {"optimizer.lr": 7e-4}
    assert fix(guessing(1.0), "underfitting") == {}


FIXES = {
    "vanishing schedule": [
        {"scheduler.factor": 0.912011},
        {"scheduler.every_epochs": 16.67, "scheduler.factor": 0.1},
        {"scheduler.milestones": [25.0, 37.5], "scheduler.factor": 0.1},
        {"scheduler.kind": "cosine", "scheduler.period_epochs": "auto"},
        {"scheduler.kind": "cosine", "scheduler.period_epochs": "auto"},
    ],
    "long warm-up": [{"scheduler.warmup_epochs": 5.0}] * 2,
    "attention without warm-up": [{"scheduler.warmup_epochs": 5.0}],
    "stop before the drop": [{"scheduler.patience": 4}],
    "few epochs": [{"training.epochs": 20}],
    "few steps": [{"training.epochs": 34}],
    "idle early stopping": [{"training.patience": 12}],
    "hasty early stopping": [{"training.patience": 5}],
    "few images": [{"model.pretrained": True, "normalisation.kind": "model", "optimizer.lr": 1e-4}],
    "small validation set": [{"data.val_ratio": 0.15}],
    "batch larger than data": [{"training.batch_size": 64}],
    "image size against weights": [{"task.image_size": 224}],
    "tiny images": [{"task.image_size": 32}],
    "enlarged images": [{"task.image_size": 32}],
    "batch normalisation over few images": [{"training.batch_size": 16, "training.batch_multiplier": 1}],
    "strong weight decay": [{"optimizer.weight_decay": 0.01}, {"optimizer.weight_decay": 1e-4}],
    "high dropout": [{"model.dropout": 0.5}, {"model.conv_dropout": 0.5}],
    "disk too small": [{"checkpoint.keep_last_n": 189}, {}],
}


@pytest.mark.parametrize("rule", FIXES)
def test_what_is_advised_before_a_run_goes_a_stated_way(rule):
    found = [
        dict(finding.fix)
        for fault in FAULTS
        if fault.rule == rule
        for finding in Static.all()[rule]().findings(Case(config_of(fault.changes), fault.evidence))
    ]
    assert found == FIXES[rule]
