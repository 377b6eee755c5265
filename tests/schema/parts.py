"""A small configuration with every type of field, for the tests of the machinery itself."""

from __future__ import annotations

from typing import Literal

from nbtrain.schema import Choice, Family, Section, field


class Optimizer(Family):
    """How weights change."""

    nesterov: bool = field(False)
    """Look ahead."""
    decay: float = field(0.0, ge=0, unit="ratio")
    """Pull towards zero."""


class AdamW(Optimizer, kind="adamw", label="AdamW"):
    """Adam with decoupled weight decay."""

    decay: float = field(0.01, ge=0, unit="ratio")
    """Pull towards zero."""
    lr: float = field(1e-3, gt=0, le=10, unit="ratio", soft=(1e-5, 1e-1), log=True, live=True)
    """Learning rate."""
    betas: tuple[float, float] = field((0.9, 0.999), ge=0, lt=1, unit="ratio")
    """Decay of the two averages."""


class SGD(Optimizer, kind="sgd", label="SGD"):
    """Plain gradient descent."""

    lr: float = field(0.1, gt=0, unit="ratio")
    """Learning rate."""


class Transform(Family):
    """One step of augmentation."""


class Flip(Transform, kind="flip"):
    """Mirror."""

    p: float = field(0.5, ge=0, le=1, unit="ratio")
    """Probability."""


class Training(Section):
    """How long."""

    epochs: int = field(10, ge=1, le=1000, unit="epochs")
    """Passes over the data."""
    workers: int | Literal["auto"] = field("auto", ge=0, le=64, unit="processes")
    """Loader processes."""
    mode: Literal["fast", "exact"] = field("fast", labels={"fast": "Fast"})
    """How to compute."""
    stopping: bool = field(True)
    """End early."""
    patience: int = field(3, ge=1, unit="epochs", when=lambda section: section.stopping)
    """Epochs to wait."""
    note: str = field("")
    """A remark."""
    variant: str = field("a", choices=lambda section: [Choice("a", "A"), Choice(section.mode, section.mode.upper())])
    """Depends on the mode."""
    milestones: tuple[int, ...] = field((3, 6), unit="epochs")
    """Where the rate falls."""
    transforms: tuple[Transform, ...] = field((Flip(),))
    """What is done to images."""


class Small(Section):
    """The whole."""

    optimizer: Optimizer = AdamW()
    training: Training = Training()
