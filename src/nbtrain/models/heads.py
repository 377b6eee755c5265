"""Heads: which part of a network decides about classes, and dropout before it.

Imported by what builds or trains a network, never by the kernel side: it needs torch. It knows modules, not where
their weights come from (weights.py) or which network was asked for (backbones.py).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class DropoutLinear(nn.Linear):
    """A linear layer with dropout before it, under the same parameter names as without."""

    p: float = 0.0

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's own name)
        """Return the layer's output; features are dropped in training only."""
        return super().forward(nn.functional.dropout(input, self.p, self.training))


def head_modules(model: nn.Module) -> list[nn.Module]:
    """Return the modules that make class scores of features: the model's classifiers, else its last part."""
    own: Any = getattr(model, "get_classifier", None)  # timm's networks have it
    if own is not None:
        found = own()
        return list(found) if isinstance(found, tuple | list) else [found]
    return [list(model.children())[-1]]


def head_parameters(model: nn.Module) -> set[str]:
    """Return the names of the parameters that belong to the head."""
    inside = {id(p) for module in head_modules(model) for p in module.parameters()}
    return {name for name, p in model.named_parameters() if id(p) in inside}


def set_dropout(model: nn.Module, p: float) -> bool:
    """Set the dropout before a head that has none or its own; return False where there is no place for it."""
    head = head_modules(model)[-1]
    own = [module for module in head.modules() if isinstance(module, nn.Dropout)]
    for module in own:
        module.p = p
    if own:
        return True
    linear = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if not linear:
        return False
    linear[-1].__class__, linear[-1].p = DropoutLinear, p  # type: ignore[assignment]
    return True
