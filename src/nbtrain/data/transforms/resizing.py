"""Resizing that keeps the shape, for images of any shape: torchvision's own, bit for bit, wherever that is sound.

torchvision gives a side of 0 px to an image that is much longer than wide, and enlarges a strip of 3 px to gigabytes
before a crop takes its middle. Here a side has at least 1 px, and what the crop would cut off is cut off first.
Only the trainer reads this file.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from nbtrain.data.decode import MAX_PIXELS

_MOST_TIMES = 16
"""The longer side that an enlarged image may have, as a multiple of the shorter one."""


class FitInside(v2.Resize):  # type: ignore[misc]
    """Brings the longer side to ``longest_px`` and keeps the shape."""

    def __init__(self, longest_px: int) -> None:
        super().__init__(size=None, max_size=longest_px, antialias=True)
        self._longest_px = longest_px

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize; the shorter side has 1 px where it would have none."""
        height, width = F.get_size(inpt)
        if self._longest_px * min(height, width) >= max(height, width):
            return super().transform(inpt, params)
        size = [self._longest_px, 1] if height > width else [1, self._longest_px]
        return F.resize(inpt, size, antialias=True)


class Cover(v2.Resize):  # type: ignore[misc]
    """Brings the shorter side to ``shortest_px`` and keeps the shape; of a long strip, the middle."""

    def __init__(self, shortest_px: int) -> None:
        super().__init__(shortest_px, antialias=True)
        self._shortest_px = shortest_px

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize the image, or the middle of it."""
        return super().transform(middle(inpt, self._shortest_px), params)


class RandomCover(v2.RandomResize):  # type: ignore[misc]
    """The same to a random length."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize the image, or the middle of it."""
        return super().transform(middle(inpt, params["size"][0]), params)


class RandomShortestSize(v2.RandomShortestSize):  # type: ignore[misc]
    """Brings the shorter side to one of several lengths, the longer one to a limit at most."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Return the size, no side of which is 0 px."""
        return _at_least_one_px(super().make_params(flat_inputs))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize the image, or the middle of it where its longer side has no limit."""
        cut = inpt if self.max_size else middle(inpt, min(params["size"]))
        if cut is not inpt:
            return F.resize(cut, [min(params["size"])], antialias=True)
        return super().transform(inpt, params)


class ScaleJitter(v2.ScaleJitter):  # type: ignore[misc]
    """Scales by a random factor and keeps the shape."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Return the size, no side of which is 0 px."""
        return _at_least_one_px(super().make_params(flat_inputs))


class RandomZoomOut(v2.RandomZoomOut):  # type: ignore[misc]
    """Places the image on a larger canvas, of no more pixels than an image may have."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Return the border of each side."""
        params = super().make_params(flat_inputs)
        height, width = F.get_size(flat_inputs[0])
        left, top, right, bottom = params["padding"]
        wider, most = (width + left + right) / width, max(1.0, sqrt(MAX_PIXELS / (height * width)))
        if wider > most:
            return {"padding": [int(side * (most - 1) / (wider - 1)) for side in (left, top, right, bottom)]}
        return dict(params)


def middle(inpt: Any, shorter_px: int) -> Any:
    """Return the image as it is, or its middle where enlarging the shorter side to ``shorter_px`` takes much memory."""
    height, width = F.get_size(inpt)
    short, long = min(height, width), max(height, width)
    longest_px = max(shorter_px, min(_MOST_TIMES * shorter_px, MAX_PIXELS // shorter_px))
    if long * shorter_px <= longest_px * short:
        return inpt
    kept = max(1, longest_px * short // shorter_px)
    return F.center_crop(inpt, [kept, width] if height > width else [height, kept])


def _at_least_one_px(params: dict[str, Any]) -> dict[str, Any]:
    return {"size": tuple(max(1, side) for side in params["size"])}
