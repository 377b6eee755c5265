"""Optimizers: settings and construction of each kind.

An optimizer is built over the model's trainable parameters, grouped by weight decay and, with layer-wise decay, by
depth: each group carries its ``lr_scale``, which the schedule alone folds into its learning rate. torch's fused form is
taken where there is one. The learning rate given here is the peak of the schedule (schedulers.py moves it). This file
knows nothing of steps, clipping or precision.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

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
_POSITIONS = re.compile(r"(?:^|[._])(?:pos|position|rel|token)(?:_\w+|\d*)$|\.cpb_mlp\.")
"""Names of what says where, and of class tokens, in timm and torchvision."""
_EPS: dict[str, Any] = {"gt": 0, "le": 1, "unit": "ratio", "advanced": True}


class Optimizer(Family):
    """How the weights follow the gradient."""

    lr: float = field(1e-3, **_LR)
    """Learning rate: the size of a step, and the highest value of the schedule. Usual values: 1e-4 to 1e-2."""
    weight_decay: float = field(0.01, **_DECAY)
    """How strongly weights are pulled to zero, against overfitting. 0 turns it off."""
    no_decay_on_norm_and_bias: bool = field(True, advanced=True, label="No decay on norm and bias")
    """Spare normalisation weights, per-channel scales, biases, class tokens and position embeddings from weight decay;
    it mostly helps."""
    layer_decay: float = field(1.0, gt=0, le=1, unit="ratio", soft=(0.5, 1), advanced=True, label="Layer-wise decay")
    """What the learning rate is multiplied with for each layer further from the head; 0.65 to 0.9 for fine-tuning."""

    fused: ClassVar[bool] = False
    """Whether torch has this optimizer in one fused step."""

    def build(self, model: nn.Module) -> TorchOptimizer:
        """Return the torch optimizer over the parameters of ``model`` that are trained."""
        groups = self.groups(model)
        if not groups:
            raise ConfigError([Problem("model.freeze", "no parameter is left to train.", "Unfreeze the model.")])
        return self._made(groups, **({"fused": True} if self.fused and _can_fuse(groups) else {}))

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return the parameter groups: by depth from the head down, each with weight decay first, then without."""
        spared = _spared(model) if self.no_decay_on_norm_and_bias else set()
        depths = self._depths(model)
        found: dict[tuple[int, bool], list[Any]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                found.setdefault((depths.get(name, 0), name in spared), []).append(parameter)
        return [self._group(*place, found[place]) for place in sorted(found)]

    def _group(self, depth: int, spared: bool, parameters: list[Any]) -> dict[str, Any]:
        scale = {} if self.layer_decay == 1 else {"lr_scale": self.layer_decay**depth}
        return {"params": parameters, "weight_decay": 0.0 if spared else self.weight_decay, **scale}

    def _depths(self, model: nn.Module) -> dict[str, int]:
        """Return how many layers below the head each parameter lies; empty where all learn at one rate."""
        if self.layer_decay == 1:
            return {}
        from nbtrain.models.layers import layers

        found = layers(model)
        last = max(found.values())
        return {name: last - layer for name, layer in found.items()}

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        raise NotImplementedError


class SGD(Optimizer, kind="sgd", label="SGD"):
    """Plain gradient steps with momentum: slower to tune, often best at the end."""

    fused = True
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

    fused = True
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

    fused = True
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


class NAdam(Optimizer, kind="nadam", label="NAdam"):
    """Adam that looks ahead along its momentum (Nesterov), with decoupled weight decay."""

    lr: float = field(2e-3, **_LR)
    """Learning rate: the size of a step, and the highest value of the schedule. Usual values: 1e-4 to 1e-2."""
    betas: tuple[float, float] = field((0.9, 0.999), **_SHARE)
    """Memory of the mean and of the square of the gradient: nearer to 1 remembers longer."""
    momentum_decay: float = field(4e-3, ge=0, le=1, unit="ratio", advanced=True)
    """How quickly the momentum reaches its full strength at the start; larger is quicker."""
    eps: float = field(1e-8, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from torch.optim import NAdam as Torch

        settings: dict[str, Any] = {"betas": self.betas, "eps": self.eps, "momentum_decay": self.momentum_decay}
        return Torch(groups, lr=self.lr, decoupled_weight_decay=True, **settings, **how)


class Lion(Optimizer, kind="lion", label="Lion"):
    """Steps of one size in the direction of the momentum's sign: little memory, a lower rate than AdamW's."""

    lr: float = field(1e-4, **_LR)
    """Learning rate: the size of every step. Usual values: 3 to 10 times lower than AdamW's."""
    weight_decay: float = field(0.1, **_DECAY)
    """How strongly weights are pulled to zero; usually 3 to 10 times AdamW's. 0 turns it off."""
    betas: tuple[float, float] = field((0.9, 0.99), **_SHARE)
    """Memory of the step's direction and of the momentum: nearer to 1 remembers longer."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from timm.optim.lion import Lion as Timm

        return Timm(groups, lr=self.lr, betas=self.betas, **how)


class Muon(Optimizer, kind="muon", label="Muon"):
    """Orthogonal steps for matrices and convolutions; the other weights are trained with AdamW at the same rate.

    The steps are scaled to the size of AdamW's (arXiv:2502.16982), so its learning rates and decay carry over.
    """

    momentum: float = field(0.95, soft=(0.8, 0.99), **_SHARE)
    """Share of the previous step that is kept; smooths the path."""
    nesterov: bool = field(True, when=lambda s: s.momentum > 0)
    """Look ahead along the momentum before stepping (Nesterov); usually a little better."""
    iterations: int = field(5, ge=1, le=20, unit="iterations", advanced=True)
    """Newton-Schulz iterations that make a step orthogonal; more are slower and more exact."""
    betas: tuple[float, float] = field((0.9, 0.95), advanced=True, **_SHARE)
    """Memory of AdamW, which trains biases, norms and other small weights."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from timm.optim.muon import Muon as Timm

        settings: dict[str, Any] = {"momentum": self.momentum, "nesterov": self.nesterov and self.momentum > 0}
        settings |= {"ns_steps": self.iterations, "betas": self.betas, "adjust_lr_fn": "match_rms_adamw"}
        return Timm(groups, lr=self.lr, **settings, **how)


class Lamb(Optimizer, kind="lamb", label="LAMB"):
    """Adam with steps in proportion to each layer's weights: for batches of thousands of images."""

    lr: float = field(2e-3, **_LR)
    """Learning rate: the size of a step, and the highest value of the schedule. Usual values: 1e-3 to 1e-2."""
    betas: tuple[float, float] = field((0.9, 0.999), **_SHARE)
    """Memory of the mean and of the square of the gradient: nearer to 1 remembers longer."""
    max_grad_norm: float = field(1.0, ge=0, le=1e6, unit="norm", advanced=True, label="Own gradient clipping")
    """Largest norm of the gradient, as LAMB's authors have it. 0 switches it off."""
    eps: float = field(1e-6, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from timm.optim.lamb import Lamb as Timm

        settings: dict[str, Any] = {"betas": self.betas, "eps": self.eps, "max_grad_norm": self.max_grad_norm or None}
        return Timm(groups, lr=self.lr, **settings, **how)


class ScheduleFreeAdamW(Optimizer, kind="schedule_free_adamw", label="Schedule-free AdamW"):
    """AdamW on averaged weights that needs no falling schedule: choose constant, with a warm-up."""

    lr: float = field(2.5e-3, **_LR)
    """Learning rate: the size of a step. Usual values: 1 to 10 times AdamW's."""
    betas: tuple[float, float] = field((0.9, 0.999), **_SHARE)
    """How near the training stays to the average, and the memory of the square of the gradient."""
    eps: float = field(1e-8, **_EPS)
    """Small number that keeps the division stable; larger values damp tiny gradients."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from nbtrain.training.schedule_free import ScheduleFree

        return ScheduleFree(groups, lr=self.lr, momentum=self.betas[0], memory=self.betas[1], eps=self.eps, **how)


class ScheduleFreeSGD(Optimizer, kind="schedule_free_sgd", label="Schedule-free SGD"):
    """SGD on averaged weights that needs no falling schedule: choose constant, with a warm-up."""

    lr: float = field(0.1, **_LR)
    """Learning rate: the size of a step. Usual values: 10 to 50 times SGD's."""
    weight_decay: float = field(1e-4, **_DECAY)
    """How strongly weights are pulled to zero, against overfitting. 0 turns it off."""
    momentum: float = field(0.9, soft=(0.5, 0.99), **_SHARE)
    """How near the training stays to the average; it takes the place of momentum."""

    def _made(self, groups: list[dict[str, Any]], **how: Any) -> TorchOptimizer:
        from nbtrain.training.schedule_free import ScheduleFree

        return ScheduleFree(groups, lr=self.lr, momentum=self.momentum, **how)


def _spared(model: nn.Module) -> set[str]:
    """Return the names of parameters that take no decay.

    These are biases, vectors (also those that are laid out to be multiplied with images, such as layer scales), what
    holds positions, and what the model itself names: not all of timm's do, and none of torchvision's.
    """
    own = set(getattr(model, "no_weight_decay", set)())
    return {
        name
        for name, p in model.named_parameters()
        if name in own or name.endswith(".bias") or _is_vector(name, p) or _POSITIONS.search(name)
    }


def _is_vector(name: str, parameter: nn.Parameter) -> bool:
    """Return whether a parameter is one vector; weights of layers never are, whatever their shape."""
    shape = parameter.shape
    return len(shape) <= 1 or (len(shape) > 2 and not name.endswith("weight") and parameter.numel() == max(shape))


def _can_fuse(groups: list[dict[str, Any]]) -> bool:
    """Return whether torch's fused steps can work on these parameters."""
    parameters = [p for group in groups for p in group["params"]]
    return {p.device.type for p in parameters} <= {"cpu", "cuda"} and all(p.is_floating_point() for p in parameters)
