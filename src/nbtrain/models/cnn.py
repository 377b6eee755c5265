"""A convolutional network of one's own: blocks of convolutions, each with half the pixels per side, then dense layers.

It knows settings and how the layers follow each other; what all networks share stands in model.py.

Shapes: B images, C channels, H height, W width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from nbtrain.errors import ConfigError, Problem
from nbtrain.models import catalog
from nbtrain.models.model import Model, Say
from nbtrain.schema import field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

_ENTRY = catalog.Entry(
    "custom", "custom CNN", "custom CNN", None, None, 64, "", False, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ""
)
_ACTIVATIONS = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "silu": "SiLU", "mish": "Mish", "gelu": "GELU", "elu": "ELU",
    "selu": "SELU", "hardswish": "Hardswish", "tanh": "Tanh",
}  # fmt: skip
"""The names of the activations, as torch has them in ``nn``."""
_GROUPS = 8
"""Groups of a group normalisation; fewer where a width is no multiple."""


class CustomCNN(Model, kind="custom", label="Custom CNN"):
    """A convolutional network of your own making, for small images or for learning how such networks work."""

    blocks: int = field(4, ge=1, le=10, unit="blocks", soft=(1, 6))
    """Blocks of convolutions; behind each the image is half as high and wide."""
    convolutions: int = field(2, ge=1, le=8, unit="convolutions", soft=(1, 4), label="Convolutions per block")
    """Convolutions in each block, each with its normalisation and activation."""
    width: int = field(32, ge=1, le=1024, unit="channels", soft=(8, 128), log=True)
    """Channels of the first block; each further block has twice as many."""
    max_width: int = field(512, ge=1, le=4096, unit="channels", soft=(64, 1024), log=True, advanced=True)
    """Channels that no block exceeds."""
    kernel: int = field(3, ge=1, le=15, unit="px", soft=(3, 7))
    """Height and width of the convolutions; an odd number."""
    activation: Literal["relu", "leaky_relu", "silu", "mish", "gelu", "elu", "selu", "hardswish", "tanh"] = field(
        "relu", labels={**_ACTIVATIONS, "silu": "Swish (SiLU)"}
    )
    """What each neuron does to its sum."""
    norm: Literal["batch", "group", "none"] = field("batch", label="Normalisation")
    """What keeps the sums in range: batch is usual, group suits small batches, none needs a small learning rate."""
    conv_dropout: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.5))
    """Share of the channels dropped behind each block, against overfitting."""
    dense: tuple[int, ...] = field((), ge=1, le=16_384, unit="neurons", label="Dense layers")
    """Neurons of each dense layer between the convolutions and the head; none is usual. Dropout is before each."""

    @property
    def publishes(self) -> bool:
        """Nobody publishes weights for a network of one's own."""
        return False

    @property
    def entry(self) -> catalog.Entry:
        """What is known of this network; its size depends on the settings."""
        return _ENTRY

    @field_validator("pretrained", mode="after")
    @classmethod
    def _nothing_published(cls, pretrained: bool) -> bool:
        if pretrained:
            told = "a custom network has no published weights."
            raise ConfigError([Problem("pretrained", told, "Turn it off, or give a weights file.")])
        return pretrained

    @field_validator("kernel", mode="after")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            told = f"{kernel} is even: such a kernel has no middle."
            raise ConfigError([Problem("kernel", told, f"Choose {kernel - 1} or {kernel + 1}.")])
        return kernel

    @field_validator("dense", mode="after")
    @classmethod
    def _few(cls, dense: tuple[int, ...]) -> tuple[int, ...]:
        if len(dense) > 8:
            raise ConfigError([Problem("dense", f"{len(dense)} dense layers are too many.", "At most 8.")])
        return dense

    def normalises_one_value(self, image_size: int) -> bool:
        """Whether the last block's batch normalisation sees one pixel per image."""
        return self.norm == "batch" and image_size <= 2 ** (self.blocks - 1)

    def widths(self) -> list[int]:
        """Return the channels of each block."""
        return [min(self.width * 2**block, self.max_width) for block in range(self.blocks)]

    def _made(self, classes: int, image_size: int, pretrained: bool, say: Say) -> nn.Module:
        from collections import OrderedDict

        from torch import nn

        layers: dict[str, nn.Module] = {}
        channels = 3
        for number, width in enumerate(self.widths(), 1):
            layers[f"block{number}"] = nn.Sequential(*self._block(channels, width))
            channels = width
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        for number, neurons in enumerate(self.dense, 1):
            layers[f"dense{number}"] = nn.Sequential(
                nn.Dropout(self.dropout), nn.Linear(channels, neurons), self._active()
            )
            channels = neurons
        layers |= {"drop": nn.Dropout(self.dropout), "head": nn.Linear(channels, classes)}
        return nn.Sequential(OrderedDict(layers))

    def _block(self, channels: int, width: int) -> Iterator[nn.Module]:
        from torch import nn

        for _ in range(self.convolutions):
            yield nn.Conv2d(channels, width, self.kernel, padding=self.kernel // 2, bias=self.norm == "none")
            if self.norm == "batch":
                yield nn.BatchNorm2d(width)
            elif self.norm == "group":
                yield nn.GroupNorm(_groups(width), width)
            yield self._active()
            channels = width
        yield nn.MaxPool2d(2, ceil_mode=True)  # never to nothing, however small the image
        if self.conv_dropout:
            yield nn.Dropout2d(self.conv_dropout)

    def _active(self) -> nn.Module:
        from torch import nn

        return getattr(nn, _ACTIVATIONS[self.activation])()  # type: ignore[no-any-return]


def _groups(width: int) -> int:
    return next(groups for groups in range(_GROUPS, 0, -1) if width % groups == 0)
