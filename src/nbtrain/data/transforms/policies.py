"""torchvision's ready-made policies: several random changes in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nbtrain.data.transforms.step import Transform
from nbtrain.schema import field

if TYPE_CHECKING:
    from torchvision.transforms.v2 import Transform as TorchTransform


class TrivialAugmentWide(Transform, kind="trivial_augment", label="TrivialAugment"):
    """One random change of random strength per image: nothing to tune, and strong."""

    varies = True

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.TrivialAugmentWide()


class RandAugment(Transform, kind="rand_augment", label="RandAugment"):
    """A few random changes of one strength per image."""

    varies = True

    operations: int = field(2, ge=1, le=10, unit="changes")
    """Changes per image, one after the other."""
    magnitude: int = field(9, ge=0, le=30, unit="levels", soft=(1, 20))
    """Strength of each change, 0 to 30."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandAugment(num_ops=self.operations, magnitude=self.magnitude)


class AutoAugment(Transform, kind="auto_augment", label="AutoAugment"):
    """Pairs of changes that were searched for on a known data set."""

    varies = True

    policy: Literal["imagenet", "cifar10", "svhn"] = field(
        "imagenet", labels={"imagenet": "ImageNet", "cifar10": "CIFAR-10", "svhn": "SVHN"}
    )
    """The data set that the pairs were searched on: photographs, small images, or house numbers."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.AutoAugment(v2.AutoAugmentPolicy(self.policy))


class AugMix(Transform, kind="aug_mix", label="AugMix"):
    """Mixes the image with changed copies of itself: for robustness."""

    varies = True

    severity: int = field(3, ge=1, le=10, unit="levels")
    """Strength of each change."""
    width: int = field(3, ge=1, le=10, unit="chains")
    """Changed copies that are mixed."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.AugMix(severity=self.severity, mixture_width=self.width)
