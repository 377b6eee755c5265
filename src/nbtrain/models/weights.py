"""Weights: reading them from a file, and loading what fits while telling what does not.

Imported only where a network is built: it needs torch. It knows tensors by name, not the networks they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.errors import ConfigError, DataError
from nbtrain.models import weight_files

_WRAPPERS = ("ema_state_dict", "model_state_dict", "state_dict_ema", "state_dict", "model")
"""Keys under which checkpoints (ours first) keep the weights; averaged ones are what was validated."""
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of each tensor when weights were loaded into a model."""

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    """In the model, not among the weights: they keep their fresh values."""
    mismatched: tuple[str, ...]
    """In both, of different shapes: they keep their fresh values. Each name is followed by the two shapes."""
    unexpected: tuple[str, ...]
    """Among the weights, not in the model."""

    def sentences(self, source: str) -> list[str]:
        """Return what a person should know, one sentence each, the first with the counts."""
        total = len(self.loaded) + len(self.missing) + len(self.mismatched)
        told = [f"{len(self.loaded)} of {total} tensors were loaded from {source}."]
        for names, words in (
            (self.mismatched, "have another shape there and start fresh (a head for other classes is one)"),
            (self.missing, "are not there and start fresh"),
            (self.unexpected, "are there but not in this model and were left out"),
        ):
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                told.append(f"{len(names)} tensors {words}: {', '.join(names[:_SHOWN])}{more}.")
        return told


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a safetensors file or a torch checkpoint; no code in the file is ever run."""
    if problem := weight_files.problem_of(path):
        raise ConfigError([problem])
    try:
        content = _read(path)
    except Exception as error:  # torch and safetensors raise a dozen types for broken files
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        what = f"the weights file cannot be read: {reason}"
        advice = "Give a .safetensors file, or a torch checkpoint that holds tensors only."
        raise DataError(what, value=str(path), advice=advice) from error
    tensors = _unwrapped(content)
    if not tensors:
        raise DataError("the weights file holds no tensors by name", value=str(path), advice="Give a state dict.")
    return tensors


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(content: Any) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), content)
    return {_bare(str(name)): value for name, value in inner.items() if isinstance(value, Tensor)}


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def load_matching(model: nn.Module, weights: Mapping[str, Tensor]) -> LoadReport:
    """Load every tensor whose name and shape fit ``model`` and return what became of each."""
    own = model.state_dict()
    fitting = {name: weights[name] for name in own if name in weights and weights[name].shape == own[name].shape}
    model.load_state_dict(fitting, strict=False)
    return LoadReport(
        loaded=tuple(fitting),
        missing=tuple(name for name in own if name not in weights),
        mismatched=tuple(
            f"{name} ({_shape(weights[name])} there, {_shape(own[name])} here)"
            for name in own
            if name in weights and name not in fitting
        ),
        unexpected=tuple(name for name in weights if name not in own),
    )


def _shape(tensor: Tensor) -> str:
    return "×".join(str(n) for n in tensor.shape) or "one number"


def load_file(model: nn.Module, path: Path) -> LoadReport:
    """Load the weights at ``path`` into ``model``; raises DataError where not one parameter fits."""
    report = load_matching(model, read_weights(path))
    parameters = {name for name, _ in model.named_parameters()}
    if not parameters & set(report.loaded):
        advice = f"It holds {', '.join(report.unexpected[:3])}…: choose the variant that it was made for."
        raise DataError("no tensor of the weights file fits this model", value=str(path), advice=advice)
    return report
