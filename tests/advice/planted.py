"""Planted faults and healthy configurations: what advice must find, and what it must say nothing about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from nbtrain.advice import Evidence
from nbtrain.demo import SETTINGS

GIB = 2**30
DIGITS = Evidence(
    n_train=1437,
    n_val=360,
    n_images=1797,
    class_counts={str(digit): 143 for digit in range(10)},
    image_px=32,
    n_measured=32,
    disk_free_bytes=50 * GIB,
    shared_memory_bytes=8 * GIB,
    cores=8,
)
PHOTOS = Evidence(
    n_train=8000,
    n_val=2000,
    n_images=10_000,
    class_counts={"daisy": 2400, "iris": 2000, "rose": 1900, "tulip": 1700},
    image_px=480,
    n_measured=32,
    disk_free_bytes=50 * GIB,
    shared_memory_bytes=8 * GIB,
    cores=8,
)


def evidence(**changes: Any) -> Evidence:
    """Return the photos' evidence with some of it changed."""
    return replace(PHOTOS, **changes)


@dataclass(frozen=True)
class Fault:
    """One planted fault: the rule that must find it, and the configuration and evidence that hold it."""

    rule: str
    changes: dict[str, Any] = field(default_factory=dict)
    evidence: Evidence = PHOTOS

    def __str__(self) -> str:
        return f"{self.rule}: {self.changes or 'evidence'}"


FLIP = [{"kind": "resize"}, {"kind": "horizontal_flip"}]
FAULTS = (
    Fault("learning rate", {"optimizer.lr": 0.5}),
    Fault("learning rate", {"optimizer.lr": 1e-7}),
    Fault("learning rate", {"optimizer.kind": "sgd", "optimizer.lr": 2.0}),
    Fault("learning rate", {"optimizer.kind": "sgd", "optimizer.lr": 1e-5}),
    Fault("learning rate", {"optimizer.kind": "rmsprop", "optimizer.momentum": 0.9, "optimizer.lr": 0.01}),
    Fault("learning rate", {"model.variant": "vit_tiny_patch16_224", "model.pretrained": True, "optimizer.lr": 1e-3}),
    Fault("learning rate", {"training.batch_size": 1024, "optimizer.kind": "adam", "optimizer.lr": 2e-5}),
    Fault("vanishing schedule", {"scheduler.kind": "exponential", "scheduler.factor": 0.5}),
    Fault("vanishing schedule", {"scheduler.kind": "step", "scheduler.every_epochs": 5}),
    Fault("vanishing schedule", {"scheduler.kind": "multistep", "scheduler.milestones": [5, 10, 15, 20, 25]}),
    Fault("vanishing schedule", {"scheduler.kind": "polynomial", "scheduler.power": 9}),
    Fault("vanishing schedule", {"scheduler.period_epochs": 10}),
    Fault("long warm-up", {"scheduler.warmup_epochs": 30}),
    Fault("long warm-up", {"scheduler.warmup_epochs": 60}),
    Fault("attention without warm-up", {"model.variant": "vit_tiny_patch16_224", "optimizer.lr": 3e-4}),
    Fault("stop before the drop", {"scheduler.kind": "plateau", "scheduler.patience": 12}),
    Fault("few epochs", {"training.epochs": 5}),
    Fault("few steps", {"training.epochs": 12}, evidence(n_train=100, n_val=40, n_images=140)),
    Fault("idle early stopping", {"training.patience": 80}),
    Fault("hasty early stopping", {"training.patience": 1}),
    Fault("imbalance", {}, evidence(class_counts={"daisy": 4000, "rose": 150})),
    Fault("rare classes counted twice", {"loss.class_weights": "auto", "data.sampler": "balanced"}),
    Fault("frozen without weights", {"model.freeze": "stages"}),
    Fault("learning rate", {"optimizer.kind": "lion", "optimizer.lr": 0.01}),
    Fault("learning rate", {"optimizer.kind": "muon", "optimizer.lr": 0.1}),
    Fault("few images", {}, evidence(class_counts={"daisy": 4000, "rose": 1900, "iris": 60})),
    Fault("empty class", {}, evidence(class_counts={"daisy": 4000, "rose": 0, "iris": 4000})),
    Fault("empty class", {}, evidence(class_counts={"daisy": 8000})),
    Fault("small validation set", {"data.val_ratio": 0.05}, evidence(n_val=10, n_images=200, n_train=190)),
    Fault("batch larger than data", {"training.batch_size": 512}, evidence(n_train=300, n_val=75, n_images=375)),
    Fault("mirrored classes", {}, evidence(class_counts={"turn left": 4000, "turn right": 4000})),
    Fault("mirrored classes", {"augmentation.train": FLIP}, DIGITS),
    Fault("frozen without weights", {"model.freeze": "backbone"}),
    Fault("no published weights", {"model.variant": "resnet50t", "model.pretrained": True}),
    Fault("image size against weights", {"model.pretrained": True, "task.image_size": 64, "optimizer.lr": 2e-4}),
    Fault("tiny images", {"task.image_size": 16}, evidence(image_px=16)),
    Fault("enlarged images", {}, evidence(image_px=28)),
    Fault(
        "normalisation against weights",
        {"model.variant": "vit_tiny_patch16_224", "model.pretrained": True, "optimizer.lr": 5e-5},
    ),
    Fault("batch normalisation over few images", {"training.batch_size": 2, "optimizer.lr": 2e-4}),
    Fault(
        "no regularisation",
        {"augmentation.train": [{"kind": "resize"}], "optimizer.weight_decay": 0, "training.early_stopping": False},
    ),
    Fault("strong weight decay", {"optimizer.weight_decay": 0.9}),
    Fault("strong weight decay", {"optimizer.kind": "sgd", "optimizer.weight_decay": 0.05}),
    Fault("high dropout", {"model.dropout": 0.8}),
    Fault("high dropout", {"model.kind": "custom", "model.conv_dropout": 0.8}),
    Fault("labels softened twice", {"augmentation.mixup": 0.4, "loss.label_smoothing": 0.1}),
    Fault("mixing in a short run", {"augmentation.cutmix": 1.0, "training.epochs": 12}),
    Fault("random validation", {"augmentation.val": FLIP}),
    Fault("disk too small", {"checkpoint.keep_last_n": 500}),
    Fault("disk too small", {}, evidence(disk_free_bytes=GIB // 4)),
    Fault(
        "shared memory too small",
        {"data.workers": 8, "data.worker_kind": "processes", "training.batch_size": 64},
        evidence(shared_memory_bytes=64 * 2**20),
    ),
    Fault("more workers than cores", {"data.workers": 24}),
)  # fmt: skip
"""At least one for every rule (test_static.py checks that)."""

VIT = {"model.variant": "vit_tiny_patch16_224", "normalisation.kind": "model"}
HEALTHY: dict[str, tuple[dict[str, Any], Evidence]] = {
    "the demo's digits": (SETTINGS, DIGITS),
    "the defaults": ({}, PHOTOS),
    "the defaults, nothing known": ({}, Evidence()),
    "sgd with steps": ({"optimizer.kind": "sgd", "scheduler.kind": "step", "scheduler.every_epochs": 15}, PHOTOS),
    "sgd as for ImageNet": (
        {"optimizer.kind": "sgd", "optimizer.lr": 0.1, "training.batch_size": 256, "training.epochs": 90,
         "scheduler.warmup_epochs": 5, "data.workers": 8, "model.variant": "resnet50"}, PHOTOS),
    "fine-tuned": (
        {"model.pretrained": True, "model.variant": "resnet50", "optimizer.lr": 2e-4, "training.epochs": 8,
         "training.patience": 5, "normalisation.kind": "model"}, PHOTOS),
    "fine-tuned attention": ({**VIT, "model.pretrained": True, "optimizer.lr": 5e-5, "training.epochs": 20}, PHOTOS),
    "attention from scratch": (
        {**VIT, "optimizer.lr": 5e-4, "training.batch_size": 256, "training.epochs": 300, "scheduler.warmup_epochs": 10,
         "optimizer.weight_decay": 0.05, "augmentation.mixup": 0.8, "loss.label_smoothing": 0.1}, PHOTOS),
    "head only": (
        {"model.pretrained": True, "model.freeze": "backbone", "training.epochs": 20, "normalisation.kind": "model"},
        evidence(class_counts={"daisy": 60, "rose": 50}, n_train=2200, n_val=400)),
    "imbalanced and weighted": (
        {"loss.class_weights": "auto"}, evidence(class_counts={"daisy": 4000, "rose": 150, "iris": 2000})),
    "one cycle": ({"scheduler.kind": "one_cycle"}, PHOTOS),
    "lion": ({"optimizer.kind": "lion", "training.batch_size": 64}, PHOTOS),
    "muon": ({"optimizer.kind": "muon"}, PHOTOS),
    "lamb": ({"optimizer.kind": "lamb"}, PHOTOS),
    "schedule-free": ({"optimizer.kind": "schedule_free_adamw", "scheduler.kind": "constant"}, PHOTOS),
    "own network": ({"model.kind": "custom"}, PHOTOS),
    "balanced": ({"data.sampler": "balanced"}, evidence(class_counts={"daisy": 4000, "rose": 150, "iris": 2000})),
    "unfrozen later": (
        {"model.pretrained": True, "model.freeze": "backbone", "model.unfreeze_epoch": 3, "optimizer.lr": 2e-4},
        PHOTOS),
    "plateau and rmsprop": ({"optimizer.kind": "rmsprop", "scheduler.kind": "plateau"}, PHOTOS),
    "strong, ema": (
        {"training.ema": True, "model.dropout": 0.2, "training.epochs": 100, "optimizer.weight_decay": 0.05,
         "augmentation.train": [
             {"kind": kind} for kind in ("random_resized_crop", "trivial_augment", "random_erasing")]},
        PHOTOS),
}  # fmt: skip
"""Configurations with nothing to say about: changes and evidence by name."""
