"""Statistics of a scanned data set as plain tables: sizes, shapes, light, formats, classes. They become charts later.

A histogram is a list of rows ``from``, ``to``, ``images``; a count is a list of rows ``name``, ``images``. It knows
columns of numbers; it opens no image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from nbtrain.data.inspection.store import Columns

Table: TypeAlias = list[dict[str, Any]]
BINS = 20
_ASPECTS = (0.0, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 0.95, 1.05, 4 / 3, 3 / 2, 2.0, 3.0, np.inf)
"""Bounds of width / height: what people call square is 0.95 to 1.05."""


def tables(columns: Columns) -> dict[str, Table]:
    """Return all tables of the images that can be used, by name."""
    usable = columns["width"] > 0
    width, height = columns["width"][usable].astype(np.float64), columns["height"][usable].astype(np.float64)
    formats = [name for name, good in zip(columns.texts("format"), usable.tolist(), strict=True) if good]
    return {
        "width": histogram(width),
        "height": histogram(height),
        "megapixels": histogram(width * height / 1e6),
        "aspect": histogram(width / height, _ASPECTS),
        "size_kib": histogram(columns["size_bytes"][usable] / 1024),
        "brightness": histogram(columns["brightness"][usable], np.linspace(0, 1, BINS + 1)),
        "contrast": histogram(columns["contrast"][usable], np.linspace(0, 0.5, BINS + 1)),
        # Sharpness spans four powers of ten: on a straight axis nearly all would be in the first bar.
        "sharpness": histogram(columns["sharpness"][usable], (0.0, *np.logspace(-4, 0, BINS + 1), np.inf)),
        "format": counted(formats),
        "common_sizes": counted([f"{w} × {h}" for w, h in zip(width.astype(int), height.astype(int), strict=True)]),
    }


def histogram(values: npt.NDArray[Any], bounds: Sequence[float] | npt.NDArray[Any] | None = None) -> Table:
    """Return how many values lie in each bin; without ``bounds`` in bins of equal width over all of them."""
    if not len(values):
        return []
    if bounds is None:
        low, high = float(values.min()), float(values.max())
        bounds = np.linspace(low, high, BINS + 1) if high > low else (low, high)
    edges = np.asarray(bounds, np.float64)
    # The last bin holds its upper bound too, as in numpy's histogram; infinite bounds that cannot bin.
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    found = np.bincount(places, minlength=len(edges) - 1)
    return [{"from": float(a), "to": float(b), "images": int(n)}
            for a, b, n in zip(edges[:-1], edges[1:], found, strict=True)]  # fmt: skip


def counted(names: Sequence[str], most: int = BINS) -> Table:
    """Return the most frequent names with their numbers, and the others together as "other"."""
    found = Counter(names).most_common()
    rows: Table = [{"name": name, "images": number} for name, number in found[:most]]
    rest = sum(number for _, number in found[most:])
    return [*rows, {"name": "other", "images": rest}] if rest else rows


def class_table(classes: Sequence[str], counts: Sequence[int], n_images: int) -> Table:
    """Return how many images carry each class, and which share of all that is."""
    pairs = zip(classes, counts, strict=True)
    return [{"name": name, "images": number, "share": number / max(n_images, 1)} for name, number in pairs]
