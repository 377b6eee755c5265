"""Augmentation: the ordered lists of transforms for training and validation, and the mixing of images.

It knows the order of a list, the size that it leaves, and how mixup and cutmix are built. Reading images, keyed
randomness and normalisation are the loader's and the trainer's matter.

Shapes: B images, C channels, H×W pixels, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbtrain.data.transforms import ColorJitter, HorizontalFlip, Resize, Size, Transform
from nbtrain.errors import Problem
from nbtrain.schema import Choice, Section, field

if TYPE_CHECKING:
    from torch import Tensor

Pipeline: TypeAlias = Callable[["Tensor"], "Tensor"]
"""image_CHW (uint8, any size) → image_CHW (uint8, square, of the image size)."""
Mixer: TypeAlias = Callable[["Tensor", "Tensor"], "tuple[Tensor, Tensor]"]
"""(images_BCHW of floats, targets) → (mixed images_BCHW, shares_BK)."""


class Augmentation(Section):
    """How images are changed before the model sees them."""

    train: tuple[Transform, ...] = field((Resize(), HorizontalFlip(), ColorJitter()), label="Training")
    """Steps for training images, in order. Whatever they leave is brought to the image size at the end."""
    val: tuple[Transform, ...] = field((Resize(),), label="Validation", choices=lambda _: fixed_kinds())
    """Steps for validation and test images, in order; those that treat each image alike every time."""
    mixup: float = field(0.0, ge=0, le=10, unit="ratio", soft=(0, 1))
    """Blends pairs of training images and their labels; 0.2 to 0.8 for longer runs. 0: off."""
    cutmix: float = field(0.0, ge=0, le=10, unit="ratio", soft=(0, 1))
    """Pastes a part of one training image into another, labels by area; 1 is usual for longer runs. 0: off."""
    mix_probability: float = field(1.0, ge=0, le=1, unit="ratio", when=lambda s: s.mixup > 0 or s.cutmix > 0)
    """Share of the batches that are mixed; where both are on, each batch takes one of them at random."""

    def of(self, split: Literal["train", "val", "test"]) -> tuple[Transform, ...]:
        """Return the steps of ``split`` that are switched on; test images take those of validation."""
        return tuple(step for step in (self.train if split == "train" else self.val) if step.enabled)

    def problems(self, image_size: int) -> Iterator[Problem]:
        """Yield each step that cannot work on what the steps before it leave, by its path in this section."""
        for name in ("train", "val"):
            size: Size = None
            for index, step in enumerate(getattr(self, name)):
                if not step.enabled:
                    continue
                problem = step.problem(size, image_size)
                if problem is not None:
                    yield Problem(f"{name}.{index}.{problem.path}", problem.message, problem.advice)
                size = step.size_after(size, image_size)

    def pipeline(self, split: Literal["train", "val", "test"], image_size: int) -> Pipeline:
        """Return the steps of ``split`` as one callable; images always leave it at the image size."""
        from torchvision.transforms import v2

        steps = self.of(split)
        made = [step.build(image_size) for step in steps]
        if self._size(steps, image_size) != (image_size, image_size):
            made.append(Resize().build(image_size))
        return v2.Compose(made)  # type: ignore[no-any-return]

    @staticmethod
    def _size(steps: tuple[Transform, ...], image_size: int) -> Size:
        size: Size = None
        for step in steps:
            size = step.size_after(size, image_size)
        return size

    def mixer(self, classes: int) -> Mixer | None:
        """Return what mixes a training batch of normalised images, or None where mixing is off.

        Targets may be ``labels_B`` or ``shares_BK``. Randomness is drawn from torch's default generator.
        """
        from torchvision.transforms import v2

        made: list[Any] = []
        if self.mixup > 0:
            made.append(v2.MixUp(alpha=self.mixup, num_classes=classes))
        if self.cutmix > 0:
            made.append(v2.CutMix(alpha=self.cutmix, num_classes=classes))
        if not made or self.mix_probability == 0:
            return None
        return _sometimes(made, self.mix_probability, classes)


def fixed_kinds() -> tuple[Choice, ...]:
    """Return the kinds of steps that give one image the same pixels every time, as choices."""
    fixed = {kind: made for kind, made in Transform.kinds().items() if not made.varies}
    return tuple(Choice(kind, made.label, (made.__doc__ or "").split("\n")[0]) for kind, made in fixed.items())


def _sometimes(made: list[Any], probability: float, classes: int) -> Mixer:
    import torch

    def mix(images_BCHW: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if float(torch.rand(())) >= probability:
            return images_BCHW, _shares(targets, classes)
        chosen = made[int(torch.randint(len(made), ()))]
        mixed_BCHW, shares_BK = chosen(images_BCHW, targets)
        return mixed_BCHW, shares_BK.to(torch.float32)

    return mix


def _shares(targets: Tensor, classes: int) -> Tensor:
    from torch.nn.functional import one_hot

    return targets if targets.ndim == 2 else one_hot(targets, classes).float()
