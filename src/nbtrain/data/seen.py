"""Which part of an image a list of transforms shows: the run's own list is taken for the image's corners.

What is said of places in the result, such as a heat map's, can so be laid over the image as it is on disk, whether the
list cuts its middle out, adds a border or mirrors it. It knows transforms that keep straight edges straight and
upright, as validation has. Only the trainer reads this file.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Generator
from torchvision import tv_tensors
from torchvision.transforms import v2

from nbtrain.data.recipe import Keyed, Recipe, flat

Part: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of an image's width and height; see evaluation/predictions.py."""
WHOLE: Part = (0.0, 0.0, 1.0, 1.0)


def seen_part(recipe: Recipe, height: int, width: int, seed: int) -> Part | None:
    """Return the part of an image of this size that is seen under ``seed``; None where that cannot be told."""
    if recipe.foreign or not hasattr(tv_tensors, "KeyPoints"):  # torchvision before 0.23 moves no points
        return None
    points: Any = tv_tensors.KeyPoints(
        [[0.0, 0.0], [width, 0.0], [0.0, height]], canvas_size=(height, width), dtype=torch.float64
    )
    with Keyed(Generator().manual_seed(seed)):
        for step in flat(recipe.transform):
            points = _plain(step)(points)
    (left, top), (right, above), (beside, bottom) = torch.as_tensor(points).tolist()
    high, wide = points.canvas_size
    upright = abs(above - top) + abs(beside - left) < 1e-3 * (high + wide)
    if not upright or left == right or top == bottom:
        return None
    return -left / (right - left), -top / (bottom - top), (wide - left) / (right - left), (high - top) / (bottom - top)


def _plain(step: Any) -> Any:
    """Return a border that mirrors the image as one of the same width: points are moved by that alone."""
    return v2.Pad(step.padding) if type(step) is v2.Pad else step
