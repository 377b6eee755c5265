"""Transforms that change size, place or shape: resizing, crops, flips, turns and bends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nbtrain.data.transforms.step import Random, Size, Transform, too_small
from nbtrain.errors import Problem
from nbtrain.schema import field

if TYPE_CHECKING:
    from torchvision.transforms.v2 import Transform as TorchTransform

_SPECK = 4
"""A border of so many times the image makes it smaller than a ninth of the width that is left for it."""
_SIZE: dict[str, Any] = {"ge": 8, "le": 4096, "unit": "px", "soft": (32, 640)}


class _Sized(Transform):
    size: int | Literal["auto"] = field("auto", **_SIZE)
    """Height and width of the result. auto: the image size of the task."""

    def pixels(self, image_size: int) -> int:
        """Return the size in pixels, "auto" resolved."""
        return image_size if isinstance(self.size, str) else self.size

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return the square that this step leaves."""
        return self.pixels(image_size), self.pixels(image_size)


class _Crop(_Sized):
    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of a crop that is larger than its image."""
        wanted = self.pixels(image_size)
        if size is None or wanted <= min(size):
            return None
        told = f"a crop of {wanted} px is larger than the image, which is {min(size)} px here."
        return Problem("size", told, f"Choose at most {min(size)} px, or a larger Resize before it.")


class Resize(_Sized, kind="resize", label="Resize"):
    """Brings each image to one size."""

    how: Literal["stretch", "crop", "pad"] = field(
        "stretch",
        labels={"stretch": "stretch to the square", "crop": "shorter side, crop the rest", "pad": "whole image, pad"},
    )
    """What happens to images that are not square: stretch changes shapes, crop loses the edges, pad adds black."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        from nbtrain.data.transforms.resizing import Cover, FitInside

        size = self.pixels(image_size)
        if self.how == "stretch":
            return v2.Resize((size, size), antialias=True)
        resize = Cover(size) if self.how == "crop" else FitInside(size)
        return v2.Compose([resize, v2.CenterCrop(size)])  # CenterCrop pads what is smaller


class CenterCrop(_Crop, kind="center_crop", label="Centre crop"):
    """Cuts the middle out of each image."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.CenterCrop(self.pixels(image_size))


class RandomCrop(_Crop, kind="random_crop", label="Random crop"):
    """Cuts a random part out of each image, after an optional border."""

    varies = True

    padding: int = field(0, ge=0, le=1024, unit="px", soft=(0, 32))
    """Black border added before the cut, so that the object moves."""

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of a crop that is larger than its image with the border."""
        grown = None if size is None else (size[0] + 2 * self.padding, size[1] + 2 * self.padding)
        return super().problem(grown, image_size)

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        # One small image among large ones must not end a run: it is padded instead.
        return v2.RandomCrop(self.pixels(image_size), padding=self.padding or None, pad_if_needed=True)


class RandomResizedCrop(_Sized, kind="random_resized_crop", label="Random resized crop"):
    """Cuts a random part of random size and shape and brings it to one size: the classic for larger data sets."""

    varies = True

    scale: tuple[float, float] = field((0.35, 1.0), gt=0, le=1, unit="ratio")
    """Smallest and largest share of the image's area that is kept."""
    ratio: tuple[float, float] = field((0.75, 1.3333), gt=0.05, le=20, unit="ratio")
    """Narrowest and widest shape of the part (width / height)."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomResizedCrop(self.pixels(image_size), scale=self.scale, ratio=self.ratio, antialias=True)


class RandomResize(Transform, kind="random_resize", label="Random resize"):
    """Brings the shorter side to a random length and keeps the shape: for crops of changing scale after it."""

    varies = True

    between: tuple[int, int] = field((192, 288), ge=8, le=4096, unit="px")
    """Smallest and largest length of the shorter side."""

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return None: the size is random."""
        return None

    def _made(self, image_size: int) -> TorchTransform:
        from nbtrain.data.transforms.resizing import RandomCover

        return RandomCover(self.between[0], self.between[1] + 1, antialias=True)  # its upper end is left out


class ShortestSize(Transform, kind="shortest_size", label="Random shortest size"):
    """Brings the shorter side to one of several lengths and keeps the shape."""

    varies = True

    sizes: tuple[int, ...] = field((192, 224, 256), ge=8, le=4096, unit="px")
    """The lengths to choose from."""
    longest: int = field(0, ge=0, le=8192, unit="px", advanced=True)
    """Most that the longer side may have then; 0 sets no limit."""

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return None: the size is random."""
        return None

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of an empty list of lengths."""
        return None if self.sizes else Problem("sizes", "no length is given.", "Give one or more, such as 192, 224.")

    def _made(self, image_size: int) -> TorchTransform:
        from nbtrain.data.transforms.resizing import RandomShortestSize

        return RandomShortestSize(list(self.sizes), max_size=self.longest or None, antialias=True)


class ScaleJitter(Transform, kind="scale_jitter", label="Scale jitter"):
    """Scales each image by a random factor around the image size and keeps the shape; a Random crop comes after it."""

    varies = True

    scale: tuple[float, float] = field((0.5, 1.5), gt=0.05, le=8, unit="ratio")
    """Smallest and largest factor; 1 fits the image into the square of the image size."""

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return None: the size is random."""
        return None

    def _made(self, image_size: int) -> TorchTransform:
        from nbtrain.data.transforms import resizing

        return resizing.ScaleJitter((image_size, image_size), self.scale, antialias=True)


class Pad(Transform, kind="pad", label="Pad"):
    """Adds a border around each image."""

    padding: int = field(4, ge=0, le=1024, unit="px", soft=(0, 64))
    """Width of the border on each side."""
    how: Literal["constant", "edge", "reflect", "symmetric"] = field("constant", labels={"constant": "black"})
    """What the border shows: black, the edge repeated, or the image mirrored."""

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return the size with the border."""
        return None if size is None else (size[0] + 2 * self.padding, size[1] + 2 * self.padding)

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of a border that leaves a speck of the image, or is mirrored and wider than it."""
        if size is not None and self.how == "constant" and self.padding > _SPECK * min(size):
            told = f"a border of {self.padding} px leaves a speck of the image, which is {min(size)} px here."
            return Problem("padding", told, f"Choose at most {_SPECK * min(size)} px.")
        if size is None or self.how not in ("reflect", "symmetric") or self.padding < min(size):
            return None
        told = f"a mirrored border of {self.padding} px is wider than the image, which is {min(size)} px here."
        return Problem("padding", told, f"Choose less than {min(size)} px.")

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.Pad(self.padding, padding_mode=self.how)


class HorizontalFlip(Random, kind="horizontal_flip", label="Horizontal flip"):
    """Mirrors left and right. Wrong where sides matter, as in text."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomHorizontalFlip(p=1.0)


class VerticalFlip(Random, kind="vertical_flip", label="Vertical flip"):
    """Mirrors top and bottom: for images without an up, as from a microscope or a satellite."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomVerticalFlip(p=1.0)


class Rotation(Random, kind="rotation", label="Rotation"):
    """Turns by a random angle."""

    varies = True

    p: float = field(1.0, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that are turned."""
    degrees: float = field(15.0, ge=0, le=180, unit="degrees", soft=(0, 45))
    """Largest angle in either direction."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import InterpolationMode, v2

        return v2.RandomRotation(self.degrees, interpolation=InterpolationMode.BILINEAR)


class Affine(Random, kind="affine", label="Affine"):
    """Turns, moves, scales and shears by random amounts."""

    varies = True

    p: float = field(1.0, ge=0, le=1, unit="ratio", label="Probability")
    """Share of the images that are changed."""
    degrees: float = field(10.0, ge=0, le=180, unit="degrees", soft=(0, 45))
    """Largest angle in either direction."""
    translate: float = field(0.1, ge=0, le=1, unit="ratio", soft=(0, 0.3))
    """Largest move, as a share of the image's width and height."""
    scale: tuple[float, float] = field((0.9, 1.1), gt=0, le=10, unit="ratio")
    """Smallest and largest zoom."""
    shear: float = field(0.0, ge=0, lt=90, unit="degrees", soft=(0, 20))
    """Largest slant in either direction."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import InterpolationMode, v2

        move = (self.translate, self.translate)
        bilinear = InterpolationMode.BILINEAR
        return v2.RandomAffine(self.degrees, move, self.scale, self.shear or None, interpolation=bilinear)


class Perspective(Random, kind="perspective", label="Perspective"):
    """Tilts as if seen from another side."""

    varies = True

    distortion: float = field(0.3, ge=0, le=1, unit="ratio", soft=(0, 0.6))
    """Strength of the tilt."""

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.RandomPerspective(self.distortion, p=1.0)


class Elastic(Random, kind="elastic", label="Elastic"):
    """Bends as if on rubber: for handwriting and tissue."""

    varies = True

    alpha: float = field(50.0, ge=0, le=1000, unit="px", soft=(0, 200))
    """Strength of the bending."""
    smoothness: float = field(5.0, gt=0, le=100, unit="px", soft=(1, 20))
    """How far neighbouring points move together."""

    def problem(self, size: Size, image_size: int) -> Problem | None:
        """Return the problem of images that are smaller than the smoothing reaches."""
        return too_small(size, int(8 * self.smoothness + 1) // 2 + 1, "smoothness")

    def _made(self, image_size: int) -> TorchTransform:
        from torchvision.transforms import v2

        return v2.ElasticTransform(alpha=self.alpha, sigma=self.smoothness)


class ZoomOut(Random, kind="zoom_out", label="Zoom out"):
    """Places the image smaller on a black ground."""

    varies = True

    sides: tuple[float, float] = field((1.0, 2.0), ge=1, le=8, unit="ratio")
    """Smallest and largest factor by which the canvas grows."""

    def size_after(self, size: Size, image_size: int) -> Size:
        """Return None: the size is random."""
        return None

    def _made(self, image_size: int) -> TorchTransform:
        from nbtrain.data.transforms.resizing import RandomZoomOut

        return RandomZoomOut(side_range=self.sides, p=1.0)
