"""The exponential moving average of the weights. It knows modules; it does not know when a step is done.

At step t the old average keeps min(decay, (1 + t) / (10 + t)), so that the random weights of the start are forgotten
quickly (as TensorFlow's ExponentialMovingAverage does it with ``num_updates``). The step number comes from the loop, so
the average has no state of its own beyond the averaged weights.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Ema:
    """A copy of a model whose weights follow the model's slowly."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards ``model`` after its ``step``-th step; counts (of batches, say) are copied."""
        share = 1.0 - min(self.decay, (1 + step) / (10 + step))
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        floats = [(old, new) for old, new in pairs if old.is_floating_point()]
        torch._foreach_lerp_([old for old, _ in floats], [new for _, new in floats], share)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
