"""What an experiment's model gets of its images: asked of the renderer, handed out as arrays and pictures.

It knows experiments and the answers; torch stays in the renderer's process. What a panel asks for is built here too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from nbtrain.errors import DataError
from nbtrain.messages import Preview
from nbtrain.runs.previews import PREVIEWS

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbtrain.project.editing import Editable

Part = Literal["train", "val", "test"]
SHOWN = 8
"""Images of a page."""
_DECIDING = ("task", "data", "normalisation", "augmentation")
_OF_TRAINING = ("seed", "batch_size", "batch_multiplier")


@dataclass(frozen=True)
class ModelInput:
    """What the model gets of one image.

    ``input`` is 3×H×W, float32, as the model takes it; ``before`` is the image itself, h×w×3 bytes.
    """

    file: str
    label: str
    """Its classes; with their shares where images are mixed."""
    position: int
    epoch: int
    input: npt.NDArray[np.float32]
    before: npt.NDArray[np.uint8]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    target: npt.NDArray[np.float32] | None = None
    """Shares of all classes, where images are mixed."""
    note: str = ""

    @property
    def image(self) -> Image:
        """The input as a picture, with the normalisation taken back."""
        from PIL import Image as Pictures

        channels = self.input * np.reshape(self.std, (3, 1, 1)) + np.reshape(self.mean, (3, 1, 1))
        return Pictures.fromarray((channels * 255).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0))

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.input.shape))
        return f"ModelInput({self.file!r}, {self.label!r}, epoch {self.epoch}, {shape})"


def request(
    experiment: Editable, who: str, part: Part, positions: Sequence[int], epochs: Sequence[int], **how: bool
) -> Preview:
    """Return what to ask the renderer; raises DataError where there is no data set."""
    config = experiment.config
    if not config.data.dataset:
        raise DataError("no data set is chosen", advice="Add images to the project, then choose them in Data.")
    dataset, split = experiment.project.data.where(config.data)
    return Preview(
        number=0,
        who=who,
        config=config.plain(),
        dataset=dataset.frozen(),
        split=str(split),
        part=part,
        positions=tuple(positions),
        epochs=tuple(epochs),
        **how,
    )


def spread(n_images: int, first: int) -> list[int]:
    """Return which images make the page from place ``first`` on: far apart, in a list that is sorted by class.

    Over all pages each image comes once; the last page may have fewer.
    """
    bounds = [column * n_images // SHOWN for column in range(SHOWN + 1)]
    row = first // SHOWN % max(1, -(-n_images // SHOWN))
    return [start + row for start, end in itertools.pairwise(bounds) if start + row < end] or [0]


def deciding(asked: Preview) -> tuple[Any, ...]:
    """Return what the answer hangs on: with the same again there is no need to ask again."""
    config = asked.config
    model = config["model"] if config["normalisation"]["kind"] == "model" else None
    parts = [model, *(config[name] for name in _DECIDING), *(config["training"][name] for name in _OF_TRAINING)]
    return (*parts, asked.dataset, asked.split, asked.part, asked.positions, asked.epochs, asked.raw)


def preview(
    experiment: Editable,
    split: Part = "train",
    indices: Sequence[int] = range(SHOWN),
    epoch: int = 0,
    *,
    timeout_s: float = 120.0,
) -> list[ModelInput]:
    """Return what the model gets of the images at ``indices`` of a split in ``epoch`` (from 0), in that order.

    Raises DataError naming an image that cannot be read, and where there are no data.
    """
    wanted = [int(index) for index in indices]
    asked = request(experiment, "code", split, wanted, [int(epoch)] * len(wanted), arrays=True)
    said, blobs = PREVIEWS.wait(asked, timeout_s)
    if said.problem:
        raise DataError(said.problem, advice=said.advice)
    left, found = iter(blobs), []
    for tile in said.tiles:
        if not tile["blobs"]:
            raise DataError(f"{tile['file']}: {tile['error']}")
        found.append(_of(tile, next(left), next(left), said.facts))
    return found


def _of(tile: Any, numbers: bytes, pixels: bytes, facts: Any) -> ModelInput:
    target = tile.get("target")
    return ModelInput(
        file=tile["file"],
        label=tile["label"],
        position=tile["position"],
        epoch=tile["epoch"],
        input=np.frombuffer(numbers, np.float32).reshape(tile["pixels"]),
        before=np.frombuffer(pixels, np.uint8).reshape(tile["height"], tile["width"], 3),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        target=None if target is None else np.array(target, np.float32),
        note=tile["note"],
    )
