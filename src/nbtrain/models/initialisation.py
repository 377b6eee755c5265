"""Initialisation: the random numbers that weights start from where no published ones fill them.

A method changes the weights of convolutions and linear layers and sets their biases to zero; norms and embeddings stay
as their library makes them. With pretrained weights only the head is initialised. It draws from torch's default
generator; what a network looks like, and whether its weights come from elsewhere, it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import Tensor, nn

_GAIN: dict[str, Any] = {"gt": 0, "le": 100, "unit": "ratio", "soft": (0.1, 2)}
_SLOPE: dict[str, Any] = {"ge": 0, "lt": 1, "unit": "ratio", "when": lambda s: s.nonlinearity == "leaky_relu"}


class Initialisation(Family):
    """Where weights start that nothing else fills."""

    zero_head: bool = field(False, label="Head at zero")
    """Start the head's weights at zero, so that at first every class is equally likely."""

    def apply(self, model: nn.Module, whole: bool) -> None:
        """Give fresh weights to the ``whole`` model, or to its head only."""
        import torch

        from nbtrain.models.heads import head_modules

        heads = head_modules(model)
        with torch.no_grad():
            for layer in _layers([model] if whole else heads):
                self._fill_layer(layer)
            for layer in _layers(heads) if self.zero_head else ():
                layer.weight.zero_()

    def _fill_layer(self, layer: nn.Linear) -> None:
        self._fill(layer.weight)
        if layer.bias is not None:
            layer.bias.zero_()

    def _fill(self, weight: Tensor) -> None:
        raise NotImplementedError


class Default(Initialisation, kind="default", label="As the library has it"):
    """Each layer as the architecture's authors or torch start it: the right choice but for experiments."""

    def _fill_layer(self, layer: nn.Linear) -> None:
        pass


class _Kaiming(Initialisation):
    mode: Literal["fan_in", "fan_out"] = field(
        "fan_out", labels={"fan_in": "inputs (forward pass)", "fan_out": "outputs (backward pass)"}
    )
    """Whether the signal keeps its size on its way forward or the gradient on its way back."""
    nonlinearity: Literal["relu", "leaky_relu", "selu", "tanh", "linear"] = field("relu", label="Activation")
    """The activation behind the layers; of Swish, Mish and GELU the nearest is relu."""
    slope: float = field(0.01, **_SLOPE)
    """Slope of the leaky ReLU for negative sums."""


class KaimingNormal(_Kaiming, kind="kaiming_normal", label="Kaiming normal"):
    """Normal numbers whose size fits the layer's width and a ReLU (He et al. 2015)."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.kaiming_normal_(weight, self.slope, self.mode, self.nonlinearity)


class KaimingUniform(_Kaiming, kind="kaiming_uniform", label="Kaiming uniform"):
    """Uniform numbers whose size fits the layer's width and a ReLU (He et al. 2015)."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.kaiming_uniform_(weight, self.slope, self.mode, self.nonlinearity)


class XavierNormal(Initialisation, kind="xavier_normal", label="Xavier normal"):
    """Normal numbers whose size fits inputs and outputs of the layer, for tanh and attention (Glorot 2010)."""

    gain: float = field(1.0, **_GAIN)
    """What the numbers are multiplied with; 5/3 for tanh, 1.41 for ReLU."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.xavier_normal_(weight, self.gain)


class XavierUniform(Initialisation, kind="xavier_uniform", label="Xavier uniform"):
    """Uniform numbers whose size fits inputs and outputs of the layer, for tanh and attention (Glorot 2010)."""

    gain: float = field(1.0, **_GAIN)
    """What the numbers are multiplied with; 5/3 for tanh, 1.41 for ReLU."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.xavier_uniform_(weight, self.gain)


class Orthogonal(Initialisation, kind="orthogonal", label="Orthogonal"):
    """Matrices that turn their input without stretching it: for very deep networks without norms (Saxe 2013)."""

    gain: float = field(1.0, **_GAIN)
    """What the numbers are multiplied with; 1.41 for ReLU."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.orthogonal_(weight, self.gain)


class TruncatedNormal(Initialisation, kind="truncated_normal", label="Truncated normal"):
    """Normal numbers of one size for all layers, without outliers: usual for transformers."""

    std: float = field(0.02, gt=0, le=10, unit="ratio", soft=(0.001, 0.1), log=True)
    """Standard deviation of the numbers before they are cut."""
    cut: float = field(2.0, gt=0, le=10, unit="standard deviations", advanced=True)
    """Numbers further than this from zero are drawn again."""

    def _fill(self, weight: Tensor) -> None:
        from torch.nn import init

        init.trunc_normal_(weight, 0.0, self.std, -self.cut * self.std, self.cut * self.std)


def _layers(modules: list[nn.Module]) -> Iterator[Any]:
    """Yield every convolution and linear layer inside ``modules``."""
    from torch import nn

    for module in modules:
        for inner in module.modules():
            if isinstance(inner, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d):
                yield inner
