"""Optimizers: settings and construction of each kind.

An optimizer is built over the model's trainable parameters in one or two groups (with and without weight decay), in
torch's fused form where it has one. The learning rate given here is the peak of the schedule (schedulers.py moves it).
This file knows nothing of steps, clipping or precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrain.errors import ConfigError, Problem
from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer as TorchOptimizer

_LR: dict[str, Any] = {
    "gt": 0,
    "le": 10,
    "unit": "ratio",
    "soft": (1e-5, 1e-1),
    "log": True,
    "live": True,
    "label": "Learning rate",
}
_DECAY: dict[str, Any] = {"ge": 0, "le": 1, "unit": "ratio", "soft": (1e-4, 1e-1), "log": True}
_SHARE: dict[str, Any] = {"ge": 0, "lt": 1, "unit": "ratio"}
_EPS: dict[str, Any] = {"gt": 0, "le": 1, "unit": "ratio", "advanced": True}


class Optimizer(Family):
    """How the weights follow the gradient."""

    lr: float = field(1e-3, **_LR)
    """Learning rate: the size of a step, and the highest value of the schedule. Usual values: 1e-4 to 1e-2."""
    weight_decay: float = field(0.01, **_DECAY)
    """How strongly weights are pulled to zero, against overfitting. 0 turns it off."""
    no_decay_on_norm_and_bias: bool = field(True, advanced=True, label="No decay on norm and bias")
    """Spare normalisation weights, biases and position embeddings from weight decay; it mostly helps."""

    def build(self, model: nn.Module) -> TorchOptimizer:
        """Return the torch optimizer over the parameters of ``model`` that are trained."""
        groups = self.groups(model)
        if not groups:
            raise ConfigError([Problem("model.freeze", "no parameter is left to train.", "Unfreeze the model.")])
        return self._made(groups, **_fastest(type(self), groups))

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return the parameter groups: weights with decay first, then those without, each only where not empty."""
        spared = _spared(model) if self.no_decay_on_norm_and_bias else set()
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        decayed = [p for name, p in trained if name not in spared]
        plain = [p for name, p in trained if name in spared]
        made = [{"params": decayed, "weight_decay": self.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        return [group for group in made if group["params"]]

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        raise NotImplementedError


class SGD(Optimizer, kind="sgd", label="SGD"):
    """Plain gradient steps with momentum: slower to tune, often best at the end."""

    lr: float = field(1e-2, **_LR)
    """Learning rate: the size of a step, and the highest value of the schedule. Usual values: 1e-3 to 1e-1."""
    weight_decay: float = field(1e-4, **_DECAY)
    """How strongly weights are pulled to zero, against overfitting. 0 turns it off."""
    momentum: float = field(0.9, soft=(0.5, 0.99), **_SHARE)
    """Share of the previous step that is kept; smooths the path."""
    nesterov: bool = field(True, when=lambda s: s.momentum > 0)
    """Look ahead along the momentum before stepping (Nesterov); usually a little better."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from torch import optim

        nesterov = self.nesterov and self.momentum > 0
        return optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=nesterov, **how)


class Adam(Optimizer, kind="adam", label="Adam"):
    """Steps scaled per weight; its decay is mixed into the gradient (AdamW is the better default)."""

    weight_decay: float = field(0.0, **_DECAY)
    """Pull to zero, added to the gradient. 0 turns it off; for real decay use AdamW."""
    betas: tuple[float, float] = field((0.9, 0.999), **_SHARE)
    """Memory of the mean and of the square of the gradient: nearer to 1 remembers longer."""
    eps: float = field(1e-8, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from torch.optim import Adam as Torch

        return Torch(groups, lr=self.lr, betas=self.betas, eps=self.eps, **how)


class AdamW(Optimizer, kind="adamw", label="AdamW"):
    """Adam with decoupled weight decay: a good first choice for every network."""

    betas: tuple[float, float] = field((0.9, 0.999), **_SHARE)
    """Memory of the mean and of the square of the gradient: nearer to 1 remembers longer."""
    eps: float = field(1e-8, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from torch.optim import AdamW as Torch

        return Torch(groups, lr=self.lr, betas=self.betas, eps=self.eps, **how)


class RMSprop(Optimizer, kind="rmsprop", label="RMSprop"):
    """Steps scaled by a running mean of squared gradients; used by older mobile networks."""

    weight_decay: float = field(0.0, **_DECAY)
    """Pull to zero, added to the gradient. 0 turns it off."""
    alpha: float = field(0.99, soft=(0.8, 0.999), **_SHARE)
    """Memory of the squared gradient: nearer to 1 remembers longer."""
    momentum: float = field(0.0, soft=(0, 0.95), **_SHARE)
    """Share of the previous step that is kept."""
    centered: bool = field(False, advanced=True)
    """Scale by the variance instead of the square: steadier, a little slower."""
    eps: float = field(1e-8, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from torch.optim import RMSprop as Torch

        settings: dict[str, Any] = {
            "alpha": self.alpha,
            "momentum": self.momentum,
            "centered": self.centered,
            "eps": self.eps,
        }
        return Torch(groups, lr=self.lr, **settings, **how)


def _spared(model: nn.Module) -> set[str]:
    """Return the names of parameters that take no decay: one-dimensional ones, biases, and those the model names."""
    own = set(getattr(model, "no_weight_decay", set)())
    return {name for name, p in model.named_parameters() if p.ndim <= 1 or name.endswith(".bias") or name in own}


def _fastest(made: type[Optimizer], groups: list[dict[str, Any]]) -> dict[str, bool]:
    """Return the argument that asks torch for its fused steps, where this kind and these devices have them."""
    devices = {p.device.type for group in groups for p in group["params"]}
    floating = all(p.is_floating_point() for group in groups for p in group["params"])
    return {"fused": True} if made is not RMSprop and floating and devices <= {"cpu", "cuda"} else {}
