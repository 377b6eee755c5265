"""Predictions: what a model said of each image of a set, beside what is true, as one value that a file can hold.

It knows arrays and their file. It computes nothing but what follows from one image alone, and does not know which
experiment, checkpoint or split it is about.

Shapes: N images, K classes, M columns of a table, D images with a heat map, h×w cells of a map.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from nbtrain import files as disk
from nbtrain.errors import FormatError, Problem

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
FORMAT = 1
_TEXTS = ("classes", "files", "columns", "cells", "damaged")
_MAPS, _PARTS = "heat_maps", "heat_parts"


class HeatMap(NamedTuple):
    """Where the model looked in one image."""

    cells: npt.NDArray[np.uint8]
    """h×w, 0 where nothing spoke for the class, 255 where most did."""
    part: tuple[float, float, float, float]
    """Left, top, right and bottom of what the model saw, as shares of the image's width and height.

    Beyond 0…1 where a border was added; right lies left of left where the model saw the image mirrored.
    """


WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Heat:
    """Where in an image the model looked (Grad-CAM), for some images of the set."""

    places: Ints
    """The images, by their place in the list of files."""
    labels: Ints
    """The class that each map speaks for."""
    maps: npt.NDArray[np.uint8]
    """0 where nothing spoke for the class, 255 where most did; its corners are those of what the model saw."""
    parts: Floats | None = None
    """D×4, which part of each image that was; None where all of it."""

    def of(self, place: int) -> HeatMap | None:
        """Return the map of the image at ``place``, None where it has none."""
        found = np.flatnonzero(self.places == place)
        if not len(found):
            return None
        left, top, right, bottom = WHOLE if self.parts is None else map(float, self.parts[found[0]])
        return HeatMap(self.maps[found[0]], (left, top, right, bottom))


@dataclass(frozen=True)
class Predictions:
    """What a model said of each image, beside what is true."""

    classes: tuple[str, ...]
    files: tuple[str, ...]
    """The images, by the names that their data set has for them."""
    probabilities: npt.NDArray[np.float32]
    targets: Ints
    """The one class of each image (N), or 0 and 1 for each class (N×K)."""
    losses: npt.NDArray[np.float32]
    """Minus the logarithm of the true class's probability; of several labels the mean over all classes."""
    threshold: float = 0.5
    """Probability from which one of several labels counts as predicted."""
    chosen: Ints | None = None
    """The predicted class where images have one, as the raw outputs say it: rounded probabilities can be equal."""
    conditions: Mapping[str, Floats] = field(default_factory=dict)
    """Numbers per image, NaN where they are not known: brightness, contrast, sharpness, size."""
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    """What a table says of each image: a value for each of the columns."""
    damaged: tuple[tuple[str, str], ...] = ()
    """Images that could not be read, with the reason; they are none of the N."""
    heat: Heat | None = None

    def __post_init__(self) -> None:
        n, k = self.probabilities.shape
        sizes = {len(self.files), len(self.losses), len(self.targets), *map(len, self.conditions.values())}
        if sizes != {n} or k != len(self.classes) or (self.targets.ndim == 2 and self.targets.shape[1] != k):
            raise ValueError("the parts of these predictions differ in length")
        if self.cells and {len(row) for row in self.cells} != {len(self.columns)}:
            raise ValueError("the cells of these predictions do not fit their columns")

    def __len__(self) -> int:
        return len(self.files)

    @property
    def multilabel(self) -> bool:
        """Whether images may have several labels."""
        return self.targets.ndim == 2

    @cached_property
    def truth(self) -> npt.NDArray[np.bool_]:
        """Which class each image has."""
        if self.multilabel:
            return self.targets.astype(bool)
        truth_NK = np.zeros(self.probabilities.shape, bool)
        truth_NK[np.arange(len(self)), self.targets] = True
        return truth_NK

    @cached_property
    def predicted(self) -> Ints:
        """The class that is predicted for each image: the most probable one."""
        if self.chosen is not None:
            return self.chosen
        return self.probabilities.argmax(1) if len(self) else np.zeros(0, np.int64)

    @cached_property
    def guess(self) -> npt.NDArray[np.bool_]:
        """Which classes are predicted for each image."""
        if self.multilabel:
            return self.probabilities >= np.float32(self.threshold)
        guess_NK = np.zeros(self.probabilities.shape, bool)
        guess_NK[np.arange(len(self)), self.predicted] = True
        return guess_NK

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether an image's class, or all its labels, are predicted."""
        if self.multilabel:
            found: npt.NDArray[np.bool_] = (self.guess == self.truth).all(1)
            return found
        return np.asarray(self.predicted == self.targets)

    def picked(self, places: Ints | Sequence[int]) -> Predictions:
        """Return the images at ``places`` alone, without heat maps and damaged ones."""
        at = np.asarray(places, np.int64)
        return replace(
            self,
            files=tuple(self.files[place] for place in at),
            probabilities=self.probabilities[at],
            targets=self.targets[at],
            losses=self.losses[at],
            chosen=None if self.chosen is None else self.chosen[at],
            conditions={name: values[at] for name, values in self.conditions.items()},
            cells=tuple(self.cells[place] for place in at) if self.cells else (),
            damaged=(),
            heat=None,
        )

    def save(self, path: str | Path) -> None:
        """Write everything to ``path`` (.npz), whole or not at all; an OSError says why not."""
        plain: dict[str, Any] = {name: _as_bytes(getattr(self, name)) for name in _TEXTS}
        plain |= {"format": FORMAT, "threshold": self.threshold, "probabilities": self.probabilities}
        plain |= {"targets": self.targets, "losses": self.losses}
        plain |= {f"condition_{name}": values for name, values in self.conditions.items()}
        if self.chosen is not None:
            plain["chosen"] = self.chosen
        if self.heat is not None:
            plain |= {"heat_places": self.heat.places, "heat_labels": self.heat.labels, _MAPS: self.heat.maps}
            plain |= {} if self.heat.parts is None else {_PARTS: self.heat.parts}
        with disk.replacing(path) as file:
            np.savez(file, **plain)


def load(path: str | Path) -> Predictions:
    """Return the predictions in ``path``; raises FormatError where the file is missing, damaged or newer."""
    try:
        with open(path, "rb", opener=disk.ordinary) as file, np.load(file, allow_pickle=False) as plain:
            if int(plain["format"]) != FORMAT:
                raise _refused(path, f"its format is {int(plain['format'])}, and this nbtrain reads {FORMAT}")
            return _parsed(dict(plain))
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise _refused(path, f"{type(error).__name__}: {error}") from error


def _parsed(plain: Mapping[str, Any]) -> Predictions:
    texts = {name: orjson.loads(plain[name].tobytes()) for name in _TEXTS}
    conditions = {name.removeprefix("condition_"): plain[name] for name in plain if name.startswith("condition_")}
    heat = Heat(plain["heat_places"], plain["heat_labels"], plain[_MAPS], plain.get(_PARTS)) if _MAPS in plain else None
    return Predictions(
        **{name: tuple(texts[name]) for name in ("classes", "files", "columns")},
        cells=tuple(map(tuple, texts["cells"])),
        damaged=tuple((file, reason) for file, reason in texts["damaged"]),
        probabilities=plain["probabilities"],
        targets=plain["targets"],
        losses=plain["losses"],
        threshold=float(plain["threshold"]),
        chosen=plain.get("chosen"),
        conditions=conditions,
        heat=heat,
    )


def _as_bytes(texts: Sequence[Any]) -> npt.NDArray[np.uint8]:
    """Return texts as JSON in bytes: an array of texts would take four bytes per letter of the longest for each."""
    return np.frombuffer(orjson.dumps(texts), np.uint8)


def _refused(path: str | Path, told: str) -> FormatError:
    return FormatError([Problem(str(path), f"these predictions cannot be read: {told}.", "Evaluate again.")])
