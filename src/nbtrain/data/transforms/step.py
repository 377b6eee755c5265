"""The root of all transforms: the steps that an image may pass on its way to the model.

All work on uint8 tensors of shape C×H×W and are built from torchvision's v2 transforms, drawing from torch's default
generator alone (the loader keys it per sample). A kind says what size it leaves and whether it can work on the size
that it gets, so that a crop larger than its image is refused at its row. The order of a list, normalisation and mixing
of images are not known here (augmentation.py, normalisation.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import ValidationInfo, field_validator

from nbtrain.errors import ConfigError, Problem
from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torchvision.transforms.v2 import Transform as TorchTransform

Size: TypeAlias = tuple[int, int] | None
"""Height and width in pixels, None where it depends on the image."""

_RANGES = ("scale", "ratio", "sigma", "quality", "sides", "between")


def too_small(size: Size, least: int, path: str) -> Problem | None:
    """Return the problem of a step that mirrors ``least`` pixels at the border of a smaller image."""
    if size is None or min(size) >= least:
        return None
    told = f"this step needs images of at least {least} px, they have {min(size)} px here."
    return Problem(path, told, "Choose a smaller value, or place it behind a larger Resize.")


class Transform(Family):
    """One step of preparing an image."""

    varies: ClassVar[bool] = False
    """Whether it does something else each time that it is taken."""

    enabled: bool = field(True)
    """Whether this step is taken; off keeps it in the list without effect."""

    def build(self, image_size: int) -> TorchTransform:
        """Return the torchvision transform; ``image_size`` is what "auto" sizes mean."""
        return self._made(image_size)

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return the size that this step leaves when it gets ``size``."""
        return size

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return why this step cannot work on images of ``size``, with the field's name as path."""
        return None

    @property
    def is_random(self) -> bool:
        """Whether two looks at one image may differ."""
        return self.enabled and (self.varies or 0 < getattr(self, "p", 1.0) < 1)

    def _made(self, image_size: int) -> TorchTransform:
        raise NotImplementedError

    @field_validator("*", mode="after")
    @classmethod
    def _rising(cls, value: Any, info: ValidationInfo) -> Any:
        if info.field_name in _RANGES and value[0] > value[1]:
            told = f"{list(value)} does not rise."
            raise ConfigError([Problem(str(info.field_name), told, "Give the lower value first.")])
        return value


class Random(Transform):
    """A step that is taken for a random share of the images."""

    p: float = field(0.5, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that this step is applied to."""

    def build(self, image_size: int) -> TorchTransform:
        """Return the torchvision transform, applied with probability ``p``."""
        from torchvision.transforms import v2

        return v2.RandomApply([self._made(image_size)], p=self.p)
