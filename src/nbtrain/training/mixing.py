"""Mixup and cutmix: each image of a batch is blended with its neighbour, and so are their labels.

The batch is already in random order, so the neighbour is the next image (as in torchvision's MixUp). How much, and
whether at all, is drawn from the generator that is handed in, which the loop seeds from the step: no hidden state.
Mixup: Zhang et al. 2018; cutmix: Yun et al. 2019. It runs on the batch's device and knows no configuration.

Shapes: B images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Mixing:
    """What is mixed: the alphas of the Beta distributions (0 switches one off), and the share of batches."""

    mixup: float
    cutmix: float
    probability: float
    n_classes: int

    @property
    def on(self) -> bool:
        """Whether anything is ever mixed."""
        return self.probability > 0 and max(self.mixup, self.cutmix) > 0

    def __call__(self, images_BCHW: Tensor, target: Tensor, rng: random.Random) -> tuple[Tensor, Tensor]:
        """Return the batch mixed, with labels as shares of shape BK; or untouched, where the draw says so."""
        if len(images_BCHW) < 2 or rng.random() >= self.probability:
            return images_BCHW, target
        shares_BK = target if target.ndim == 2 else torch.nn.functional.one_hot(target, self.n_classes)
        cut = self.cutmix > 0 and (self.mixup == 0 or rng.random() < 0.5)
        alpha = self.cutmix if cut else self.mixup
        kept = rng.betavariate(alpha, alpha)
        images_BCHW, kept = _cut(images_BCHW, kept, rng) if cut else (_blend(images_BCHW, kept), kept)
        return images_BCHW, _blend(shares_BK.float(), kept)


def _blend(values: Tensor, kept: float) -> Tensor:
    return torch.lerp(values.roll(1, 0), values, kept)


def _cut(images_BCHW: Tensor, kept: float, rng: random.Random) -> tuple[Tensor, float]:
    """Return the images with one rectangle of each neighbour pasted in, and the share of their own pixels."""
    height, width = images_BCHW.shape[2:]
    side = (1 - kept) ** 0.5 / 2
    y, x = rng.random(), rng.random()
    top, bottom = (round(min(max(y + s, 0), 1) * height) for s in (-side, side))
    left, right = (round(min(max(x + s, 0), 1) * width) for s in (-side, side))
    mixed_BCHW = images_BCHW.clone()
    mixed_BCHW[:, :, top:bottom, left:right] = images_BCHW.roll(1, 0)[:, :, top:bottom, left:right]
    return mixed_BCHW, 1 - (bottom - top) * (right - left) / (height * width)
