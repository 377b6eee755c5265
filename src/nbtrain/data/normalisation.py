"""Normalisation: which mean and deviation are taken from and divided out of each colour channel.

Values are shares of full brightness (0…1), one per channel. Applying them is the trainer's matter, in one go on its
device; computing those of a data set is statistics.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nbtrain.data import measured
from nbtrain.data.statistics import MAX_MEASURED
from nbtrain.errors import DataError
from nbtrain.schema import Family, field

Channels: TypeAlias = tuple[float, float, float]
MeanStd: TypeAlias = tuple[Channels, Channels]

IMAGENET: MeanStd = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_KIND = "colours"


@dataclass(frozen=True, slots=True)
class Colours:
    """Mean and deviation of a data set's training images, and how many of them were looked at."""

    mean: Channels
    std: Channels
    n_images: int

    def plain(self) -> dict[str, Any]:
        """Return the values as JSON can hold them."""
        return asdict(self)

    def as_custom(self) -> dict[str, Any]:
        """Return the configuration values, by path, that hold these values as custom ones."""
        values = {"normalisation.mean": list(self.mean), "normalisation.std": list(self.std)}
        return {"normalisation.kind": "custom", **values}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Colours:
        """Return the values in ``plain``; raises KeyError, TypeError or ValueError where it is another thing."""
        mean, std = (tuple(map(float, plain[name])) for name in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3:
            raise ValueError(plain)
        return cls(mean, std, int(plain["n_images"]))


def keep_colours(project: Path, data_hash: str, split_hash: str, found: Colours) -> None:
    """Keep what was measured for the training images of a split, for later runs."""
    measured.keep(project, _KIND, _key(data_hash, split_hash), found.plain())


def recall_colours(project: Path, data_hash: str, split_hash: str) -> Colours | None:
    """Return what was measured for the training images of a split, None where nobody has."""
    plain = measured.recall(project, _KIND, _key(data_hash, split_hash))
    try:
        return Colours.parse(plain) if plain is not None else None
    except (KeyError, TypeError, ValueError):  # edited by hand
        return None


def _key(data_hash: str, split_hash: str) -> str:
    """All that the values hang on: pixels as they are decoded, before any transform."""
    return measured.key_of(data_hash, split_hash, MAX_MEASURED)


class Normalisation(Family):
    """How colour values are brought to mean 0 and deviation 1."""

    def values(self, *, model: MeanStd | None = None, dataset: MeanStd | None = None) -> MeanStd:
        """Return mean and deviation; ``model`` are those of the model's weights, ``dataset`` the computed ones."""
        raise NotImplementedError


class ImageNet(Normalisation, kind="imagenet", label="ImageNet"):
    """The values of ImageNet: right for most pretrained weights, fine for photographs."""

    def values(self, *, model: MeanStd | None = None, dataset: MeanStd | None = None) -> MeanStd:
        """Return the values of ImageNet."""
        return IMAGENET


class FromModel(Normalisation, kind="model", label="From the model"):
    """The values that the model's published weights were trained with."""

    def values(self, *, model: MeanStd | None = None, dataset: MeanStd | None = None) -> MeanStd:
        """Return the model's values, or ImageNet's where the catalogue has none."""
        return model or IMAGENET


class FromDataset(Normalisation, kind="dataset", label="From this data set"):
    """The values of the training images, computed before the run and recorded with it."""

    def values(self, *, model: MeanStd | None = None, dataset: MeanStd | None = None) -> MeanStd:
        """Return the computed values."""
        if dataset is None:
            raise DataError("the data set's mean and deviation have not been computed", advice="Compute them first.")
        return dataset


class Custom(Normalisation, kind="custom", label="Custom"):
    """Values that you give."""

    mean: tuple[float, float, float] = field(IMAGENET[0], ge=0, le=1, unit="ratio")
    """Mean of the red, green and blue channel, as shares of full brightness."""
    std: tuple[float, float, float] = field(IMAGENET[1], gt=0, le=1, unit="ratio", label="Deviation")
    """Standard deviation of the red, green and blue channel, as shares of full brightness."""

    def values(self, *, model: MeanStd | None = None, dataset: MeanStd | None = None) -> MeanStd:
        """Return the given values."""
        return self.mean, self.std
