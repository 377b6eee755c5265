"""Freezing: which parameters stay as they are, for good or until an epoch, and what that means for training.

Frozen batch normalisation stays at work on its stored statistics. What is frozen follows from the epoch alone, so that
a resumed run needs nothing saved for it. Imported where a network is built or trained: it needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from nbtrain.models.heads import head_parameters
from nbtrain.models.layers import stage_parameters

Freeze = Literal["none", "backbone", "stages"]


@dataclass(frozen=True, slots=True)
class Unfreezing:
    """Parameters that are frozen before ``epoch`` (the first is 0) and trained from it on."""

    parameters: tuple[nn.Parameter, ...]
    epoch: int

    def enter(self, epoch: int) -> bool:
        """Freeze or unfreeze as ``epoch`` wants it; return whether it is the one that unfreezes."""
        for parameter in self.parameters:
            parameter.requires_grad_(epoch >= self.epoch)
        return epoch == self.epoch


def frozen_parameters(model: nn.Module, freeze: Freeze, stages: int) -> tuple[nn.Parameter, ...]:
    """Return the parameters that are frozen: those outside the head, or those of the first ``stages``."""
    if freeze == "none":
        return ()
    head = head_parameters(model)
    names = stage_parameters(model, stages) if freeze == "stages" else {n for n, _ in model.named_parameters()} - head
    return tuple(p for name, p in model.named_parameters() if name in names)


def to_training(model: nn.Module) -> nn.Module:
    """Switch ``model`` to training, but leave frozen batch normalisation at work on its stored statistics.

    The trainer calls this in place of ``model.train()``: a frozen backbone would otherwise still change, since batch
    normalisation updates its running mean and variance whether or not its parameters are trained.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, _BatchNorm) and _frozen(module):
            module.eval()
    return model


def _frozen(module: nn.Module) -> bool:
    parameters = list(module.parameters(recurse=False))
    return bool(parameters) and not any(p.requires_grad for p in parameters)
