"""Images that are looked at as they are read: how bright, how rich in contrast, how sharp each of them is.

What is seen lies in memory that worker processes share with the trainer, so it does not matter who reads an image. It
measures what :mod:`nbtrain.data.conditions` defines. Only processes that load images read this file.

Shapes: N images of the set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbtrain.data.conditions import Conditions, conditions_of
from nbtrain.data.decode import Pixels
from nbtrain.data.images import Images


class Observed(Images):
    """The images of one set, with the conditions of each that has been read."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._seen_N3 = torch.full((len(self), len(Conditions._fields)), torch.nan)
        self._seen_N3.share_memory_()  # type: ignore[no-untyped-call]

    def conditions(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return each condition of all N images, NaN for those that were not read."""
        seen_N3 = self._seen_N3.numpy()
        return {name: seen_N3[:, place].copy() for place, name in enumerate(Conditions._fields)}

    def _transformed(self, position: int, pixels: Pixels, seed: int, room_1CHW: Tensor | None) -> Tensor | None:
        self._seen_N3[position] = torch.tensor(conditions_of(np.asarray(pixels)))
        return super()._transformed(position, pixels, seed, room_1CHW)
