"""Transforms that change how an image looks, not where things are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nbtrain.data.normalisation import IMAGENET
from nbtrain.data.transforms.step import Random, Size, too_small
from nbtrain.errors import Problem
from nbtrain.schema import field

if TYPE_CHECKING:
    from torchvision.transforms.v2 import Transform as TorchTransform

_ALL = 0.9
"""From this share on an erased rectangle leaves next to nothing."""
_RATIO: dict[str, Any] = {"ge": 0, "unit": "ratio"}


class ColorJitter(Random, kind="color_jitter", label="Colour jitter"):
    """Changes brightness, contrast, saturation and hue by random amounts."""

    varies = True

    p: float = field(1.0, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that are changed."""
    brightness: float = field(0.2, le=1, soft=(0, 0.5), **_RATIO)
    """Largest change of brightness; 0.2 is from 80 % to 120 %."""
    contrast: float = field(0.2, le=1, soft=(0, 0.5), **_RATIO)
    """Largest change of contrast; 0.2 is from 80 % to 120 %."""
    saturation: float = field(0.0, le=1, soft=(0, 0.5), **_RATIO)
    """Largest change of colour strength; 0 leaves it."""
    hue: float = field(0.0, le=0.5, soft=(0, 0.1), **_RATIO)
    """Largest shift along the colour circle; 0.5 is half of it, 0 leaves it."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.ColorJitter(self.brightness, self.contrast, self.saturation, self.hue)


class PhotometricDistort(Random, kind="photometric_distort", label="Photometric distort"):
    """Strong random changes of brightness, contrast, colour and channel order, as used for detectors."""

    varies = True

    brightness: float = field(0.125, le=1, soft=(0, 0.5), **_RATIO)
    """Largest change of brightness; each of the four is made for half of the images."""
    contrast: float = field(0.5, le=1, soft=(0, 0.8), **_RATIO)
    """Largest change of contrast."""
    saturation: float = field(0.5, le=1, soft=(0, 0.8), **_RATIO)
    """Largest change of colour strength."""
    hue: float = field(0.05, le=0.5, soft=(0, 0.1), **_RATIO)
    """Largest shift along the colour circle."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        around = [(1 - share, 1 + share) for share in (self.brightness, self.contrast, self.saturation)]
        return v2.RandomPhotometricDistort(*around, hue=(-self.hue, self.hue), p=0.5)


class Grayscale(Random, kind="grayscale", label="Greyscale"):
    """Takes the colour out."""

    p: float = field(0.1, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that lose their colour; 1 makes all of them grey."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.Grayscale(num_output_channels=3)


class ChannelPermutation(Random, kind="channel_permutation", label="Channel permutation"):
    """Swaps the colour channels: where colour should not matter."""

    varies = True

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomChannelPermutation()


class AutoContrast(Random, kind="autocontrast", label="Auto contrast"):
    """Stretches the brightness to the full range."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomAutocontrast(p=1.0)


class Equalize(Random, kind="equalize", label="Equalise"):
    """Spreads the brightness evenly."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomEqualize(p=1.0)


class Posterize(Random, kind="posterize", label="Posterise"):
    """Leaves only a few levels of each colour."""

    bits: int = field(4, ge=1, le=8, unit="bits")
    """Bits kept per channel; 8 leaves all."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomPosterize(self.bits, p=1.0)


class Solarize(Random, kind="solarize", label="Solarise"):
    """Inverts bright pixels."""

    threshold: float = field(0.5, ge=0, le=1, unit="ratio")
    """Brightness from which pixels are inverted."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomSolarize(self.threshold * 255, p=1.0)


class Sharpness(Random, kind="sharpness", label="Sharpness"):
    """Sharpens or softens."""

    factor: float = field(2.0, ge=0, le=10, unit="ratio", soft=(0, 4))
    """0 softens, 1 leaves, 2 sharpens."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomAdjustSharpness(self.factor, p=1.0)


class Invert(Random, kind="invert", label="Invert"):
    """Turns into the negative."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomInvert(p=1.0)


class GaussianBlur(Random, kind="gaussian_blur", label="Gaussian blur"):
    """Blurs, as a lens out of focus."""

    varies = True

    kernel: int = field(5, ge=3, le=63, unit="px", advanced=True)
    """Width of the area that is mixed; an even number counts as the next odd one."""
    sigma: tuple[float, float] = field((0.1, 2.0), gt=0, le=20, unit="px")
    """Weakest and strongest blur."""

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of images that are smaller than the blur reaches."""
        return too_small(size, self.kernel // 2 + 1, "kernel")

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.GaussianBlur(self.kernel | 1, sigma=self.sigma)


class GaussianNoise(Random, kind="gaussian_noise", label="Gaussian noise"):
    """Adds noise, as a sensor in the dark."""

    varies = True

    strength: float = field(0.05, ge=0, le=1, unit="ratio", soft=(0, 0.3))
    """Deviation of the noise, as a share of full brightness."""

    def _made(self, image_size: int) -> TorchTransform:
        import torch
        from torchvision.transforms import v2

        noise = v2.GaussianNoise(sigma=self.strength)  # wants floating point
        return v2.Compose([v2.ToDtype(torch.float32, scale=True), noise, v2.ToDtype(torch.uint8, scale=True)])


class JPEG(Random, kind="jpeg", label="JPEG"):
    """Compresses, as images from the web are."""

    varies = True

    quality: tuple[int, int] = field((40, 95), ge=1, le=100, unit="percent")
    """Lowest and highest JPEG quality."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.JPEG(self.quality)


class RandomErasing(Random, kind="random_erasing", label="Random erasing"):
    """Blackens a random rectangle, so that no single detail decides. Place it last."""

    varies = True

    p: float = field(0.25, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that lose a rectangle."""
    scale: tuple[float, float] = field((0.02, 0.33), gt=0, lt=1, unit="ratio")
    """Smallest and largest share of the area that is erased."""
    ratio: tuple[float, float] = field((0.3, 3.3), gt=0.05, le=20, unit="ratio")
    """Narrowest and widest shape of the rectangle (width / height)."""

    fill: Literal["black", "grey"] = field("black", labels={"grey": "grey, about 0 for the model"})
    """What the rectangle shows: black, or ImageNet's mean, which the usual normalisation makes 0."""

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of a rectangle that leaves next to nothing of any image."""
        if self.p < 1 or self.scale[0] < _ALL:
            return None
        told = f"at least {self.scale[0]:.0%} of every image is erased: nothing is left to learn from."
        return Problem("scale", told, f"Start below {_ALL:g}, or take a probability below 1.")

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        value = [0.0] if self.fill == "black" else [float(round(255 * mean)) for mean in IMAGENET[0]]
        return v2.RandomErasing(p=1.0, scale=self.scale, ratio=self.ratio, value=value)
