"""Where batch normalisation would have a single value per channel to normalise, which torch refuses to train on.

Read by the trainer alone. It knows layers and shapes; which batch size a run has, it is told.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nbtrain.errors import ConfigError
from nbtrain.models.model import one_value


def check(model: nn.Module, image_size: int, batch: int | None) -> None:
    """Raise ConfigError where batches of one image leave a normalisation one value; larger ones never do."""
    if batch != 1:
        return
    layer = _of_one_value(model, image_size)
    if layer:
        raise ConfigError([one_value(image_size, layer)])


def _of_one_value(model: nn.Module, image_size: int) -> str:
    """Return the name of a batch normalisation in training that sees one value per channel, "" where none does."""
    found: list[str] = []

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: found.append(name) if inputs[0][0, 0].numel() == 1 else None

    norms = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, _BatchNorm) and _learns(layer)]
    hooks = [layer.register_forward_pre_hook(note(name)) for name, layer in norms]
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, image_size, image_size))
    finally:
        for layer, training in modes:
            layer.training = training
        for hook in hooks:
            hook.remove()
    return found[0] if found else ""


def _learns(layer: nn.Module) -> bool:
    """Tell whether a layer is trained: what is frozen for good normalises by what it has seen before."""
    return all(parameter.requires_grad for parameter in layer.parameters())
