"""Statistics of a data set as charts: bars, each with the images that it stands for; all of them are tables too.

Labels, boxes and file sizes come from the listing; sizes in pixels, light and formats from a scan, where there was one.
A chart is worked out when it is asked for. It knows listings and columns of numbers; it opens no image, and knows
neither projects nor losses.

Shapes: N images in use, L labels of all images, M marks (boxes, polygons …), K classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nbtrain.data.inspection.bins import Numbers, Table, counts_in, edges_of, places_in
from nbtrain.data.inspection.look import Odd
from nbtrain.data.inspection.store import Columns
from nbtrain.data.records import Listing, Mark
from nbtrain.data.splits import SETS

Ints: TypeAlias = npt.NDArray[np.int64]
Kind = Literal["bins", "names", "grid", "pairs"]
"""Bars over a number, bars by name, squares over two numbers, or pairs of classes."""
NO_SET = "none"
"""What the table of classes calls images that no set of the split has."""
_ASPECTS = (0.0, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 0.95, 1.05, 4 / 3, 3 / 2, 2.0, 3.0, np.inf)
"""Bounds of width / height: what people call square is 0.95 to 1.05."""
_ODD = {
    Odd.SIXTEEN_BIT: "more than 8 bits per colour", Odd.CMYK: "printer's colours (CMYK)",
    Odd.ANIMATED: "several frames",
    Odd.TURNED: "turned by EXIF", Odd.ENDING: "ending of another format", Odd.DAMAGED: "damaged",
}  # fmt: skip
PLAIN = "nothing unusual"


@dataclass(frozen=True)
class Chart:
    """One chart, and the table that it is."""

    key: str
    title: str
    kind: Kind
    about: str
    """What a row is, with the unit, in one sentence."""
    rows: Table
    """A row per bar: ``from``, ``to`` or ``name``, and how many ``images``; docs/data.md lists all columns."""
    members: Callable[[int], Ints]
    """Returns the places in the listing of a row's images."""
    unit: str = ""
    values: Numbers | None = None
    """Of bins: the value of each image, NaN where it is not known; where a value is an object's, nothing."""


class Charts:
    """All charts of one listing, by key, in the order in which they are shown."""

    def __init__(
        self, listing: Listing, columns: Columns | None = None, sets: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Take the images in use, what a scan has seen, and the files of each set of the split that divides them."""
        self.listing, self.columns, self.sets = listing, columns, sets or {}
        self._made: dict[str, Chart] = {}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of the charts that there is anything to show of."""
        found = ["classes"]
        if self.listing.multilabel:
            found += ["labels_per_image", "together"]
        if any(record.marks for record in self.listing.records):
            found += ["objects_per_image", *(["object_px"] if len(self._objects[0]) else [])]
            found += ["object_share"] if self.columns is not None and len(self._objects[0]) else []
        if self.columns is not None:
            found += ["sizes", "common_sizes", "aspect", "megapixels"]
        found += ["size_kib"] if any(record.size_bytes for record in self.listing.records) else []
        if self.columns is not None:
            found += ["brightness", "contrast", "sharpness", "format", "oddities"]
        return tuple(found)

    def __getitem__(self, key: str) -> Chart:
        """Return one chart; raises KeyError for one that there is not."""
        if key not in self.keys:
            raise KeyError(key)
        if key not in self._made:
            self._made[key] = getattr(self, f"_{key}")()
        return self._made[key]

    def tables(self) -> dict[str, Table]:
        """Return the rows of all charts by key."""
        return {key: self[key].rows for key in self.keys}

    # -- labels and objects -------------------------------------------------------------------------------------

    def _classes(self) -> Chart:
        """One bar per class, with the images of each set."""
        n_images, n_classes = len(self.listing), len(self.listing.classes)
        image_L, label_L = self._labels
        totals, objects = self.listing.counts, self._objects_of_class
        rows: Table = [
            {"name": name, "images": images, "share": images / max(n_images, 1)}
            for name, images in zip(self.listing.classes, totals, strict=True)
        ]
        if self.sets:
            by_set = np.bincount(
                label_L * (len(SETS) + 1) + self._set_of[image_L], minlength=n_classes * (len(SETS) + 1)
            )
            for row, found in zip(rows, by_set.reshape(n_classes, -1).tolist(), strict=True):
                row |= dict(zip((*SETS, NO_SET), found, strict=True))
        if objects.any():
            for row, number in zip(rows, objects.tolist(), strict=True):
                row["objects"] = number
        about = "Images that carry each class" + (", in each set of the split." if self.sets else ".")
        return Chart("classes", "Classes", "names", about, rows, lambda row: image_L[label_L == row])

    def _labels_per_image(self) -> Chart:
        image_L, _ = self._labels
        found = np.bincount(image_L, minlength=len(self.listing)).astype(np.float64)
        return _binned("labels_per_image", "Labels per image", "How many classes an image carries.", found, whole=True)

    def _together(self) -> Chart:
        """Pairs of classes that images carry both of, the most frequent first."""
        image_L, label_L = self._labels
        n_classes, counts = len(self.listing.classes), self.listing.counts
        pairs: Counter[int] = Counter()
        for n, images in _by_length(image_L, len(self.listing)):
            labels_XN = label_L[images]
            for a in range(n):
                for b in range(a + 1, n):
                    found, numbers = np.unique(labels_XN[:, a] * n_classes + labels_XN[:, b], return_counts=True)
                    pairs.update(dict(zip(found.tolist(), numbers.tolist(), strict=True)))
        most = [(*divmod(pair, n_classes), images) for pair, images in pairs.most_common()]
        names = self.listing.classes
        rows: Table = [
            {"a": names[a], "b": names[b], "images": n, "share_of_a": n / counts[a], "share_of_b": n / counts[b]}
            for a, b, n in most
        ]

        def members(row: int) -> Ints:
            a, b, _ = most[row]
            return np.intersect1d(image_L[label_L == a], image_L[label_L == b])

        about = "Images that carry both classes, and which share of each class's images that is."
        return Chart("together", "Classes together", "pairs", about, rows, members)

    def _objects_per_image(self) -> Chart:
        found = np.array([len(record.marks) for record in self.listing.records], np.float64)
        about = "How many objects (boxes, polygons, masks, circles) are drawn on an image."
        return _binned("objects_per_image", "Objects per image", about, found, whole=True)

    def _object_px(self) -> Chart:
        image_M, area_M, _ = self._objects
        about = "Size of the objects: the side, in px, of a square as large as the box around each."
        return _per_object("object_px", "Object size", about, "px", image_M, np.sqrt(area_M), None)

    def _object_share(self) -> Chart:
        image_M, area_M, _ = self._objects
        share_M = area_M / (self._column("width") * self._column("height"))[image_M]
        about = "Which share of the image, 0 to 1, the box around each object covers."
        bounds = (0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, np.inf)
        return _per_object("object_share", "Object share", about, "", image_M, share_M, bounds)

    # -- files and pixels ---------------------------------------------------------------------------------------

    def _sizes(self) -> Chart:
        """Squares of width and height."""
        width, height = self._column("width"), self._column("height")
        known = ~np.isnan(width)
        across, down = edges_of(width[known]), edges_of(height[known])
        n_down = max(len(down) - 1, 1)
        cells = np.where(known, places_in(width, across) * n_down + places_in(height, down), -1)
        found, numbers = np.unique(cells[known], return_counts=True)
        rows: Table = [
            {
                "width_from": float(across[cell // n_down]), "width_to": float(across[cell // n_down + 1]),
                "height_from": float(down[cell % n_down]), "height_to": float(down[cell % n_down + 1]), "images": n,
            }
            for cell, n in zip(found.tolist(), numbers.tolist(), strict=True)
        ]  # fmt: skip
        about = "Width and height of the images in px, the way they are held."
        return Chart("sizes", "Width and height", "grid", about, rows, lambda row: _where(cells == found[row]), "px")

    def _common_sizes(self) -> Chart:
        width, height = (self._column(name).astype(object) for name in ("width", "height"))
        names = [f"{int(w)} × {int(h)}" if w == w else "" for w, h in zip(width, height, strict=True)]
        return _named("common_sizes", "Sizes", "Images of each width × height in px.", names)

    def _aspect(self) -> Chart:
        about = "Width divided by height: 1 is square, above it is wide."
        return _binned("aspect", "Aspect", about, self._column("width") / self._column("height"), _ASPECTS)

    def _megapixels(self) -> Chart:
        pixels = self._column("width") * self._column("height")
        return _binned("megapixels", "Megapixels", "Millions of pixels of an image.", pixels / 1e6, unit="MP")

    def _size_kib(self) -> Chart:
        found = np.array([record.size_bytes for record in self.listing.records], np.float64) / 1024
        return _binned("size_kib", "File size", "Size of the files in KiB.", found, unit="KiB")

    def _brightness(self) -> Chart:
        about = "Mean grey of an image, from 0 (black) to 1 (white)."
        return _binned("brightness", "Brightness", about, self._column("brightness"), np.arange(21) / 20)

    def _contrast(self) -> Chart:
        about = "Standard deviation of the grey, from 0 (flat) to 0.5."
        return _binned("contrast", "Contrast", about, self._column("contrast"), np.arange(21) / 40)

    def _sharpness(self) -> Chart:
        # It spans four powers of ten: on a straight axis nearly all would be in the first bar.
        bounds = (0, *(float(f"{n}e{power}") for power in (-4, -3, -2, -1) for n in (1, 1.5, 2, 3, 5, 7)), 1, np.inf)
        about = "Variance of the Laplacian: a blurred or empty photograph has 0.001 or less, a sharp one 0.01."
        return _binned("sharpness", "Sharpness (blur is low)", about, self._column("sharpness"), bounds)

    def _format(self) -> Chart:
        texts = self.columns.texts("format") if self.columns is not None else []
        names = [texts[row] if row >= 0 else "" for row in self._row_of.tolist()]
        return _named("format", "Formats", "What the files are, by their content.", names)

    def _oddities(self) -> Chart:
        odd = np.nan_to_num(self._column("odd")).astype(np.int64)
        known = ~np.isnan(self._column("width"))
        sets = {PLAIN: known & (odd == 0)} | {name: known & (odd & bit > 0) for bit, name in _ODD.items()}
        found = {name: _where(those) for name, those in sets.items() if those.any()}
        rows: Table = [{"name": name, "images": len(places)} for name, places in found.items()]
        about = "Modes and oddities of the files; an image may have several."
        return Chart("oddities", "Modes", "names", about, rows, lambda row: list(found.values())[row])

    # -- per image ----------------------------------------------------------------------------------------------

    @cached_property
    def _set_of(self) -> Ints:
        """The number of each image's set in SETS; one more for those that are in none."""
        home = {file: SETS.index(name) for name, files in self.sets.items() if name in SETS for file in files}
        return np.array([home.get(record.file, len(SETS)) for record in self.listing.records], np.int64)

    @cached_property
    def _labels(self) -> tuple[Ints, Ints]:
        """Image and class of each label."""
        records = self.listing.records
        lengths = np.array([len(record.labels) for record in records], np.int64)
        labels = np.array([label for record in records for label in record.labels], np.int64)
        return np.repeat(np.arange(len(records)), lengths), labels

    @cached_property
    def _objects(self) -> tuple[Ints, Numbers, Ints]:
        """Image, area in px² of the box around, and class, of each mark that says where it lies."""
        found = [
            (place, area, mark.label)
            for place, record in enumerate(self.listing.records)
            for mark in record.marks
            if (area := _area_px2(mark)) > 0
        ]
        image, areas, label = zip(*found, strict=True) if found else ((), (), ())
        return np.array(image, np.int64), np.array(areas, np.float64), np.array(label, np.int64)

    @property
    def _objects_of_class(self) -> Ints:
        labels = [mark.label for record in self.listing.records for mark in record.marks]
        return np.bincount(np.array(labels, np.int64), minlength=len(self.listing.classes))

    @cached_property
    def _row_of(self) -> Ints:
        """Where a scan has each image; -1 for those that it has not seen, or that cannot be used."""
        if self.columns is None:
            return np.full(len(self.listing), -1)
        rows = {file: row for row, file in enumerate(self.columns.files)}
        found = np.array([rows.get(record.file, -1) for record in self.listing.records], np.int64)
        return np.where((found >= 0) & (self.columns["width"][found] > 0), found, -1)

    def _column(self, name: str) -> Numbers:
        """Return one number of each image, NaN where it is not known."""
        if self.columns is None or not len(self.columns):
            return np.full(len(self.listing), np.nan)
        return np.where(self._row_of >= 0, self.columns[name][self._row_of].astype(np.float64), np.nan)


def _binned(
    key: str, title: str, about: str, values_N: Numbers, bounds: Sequence[float] | Numbers = (), *,
    unit: str = "", whole: bool = False,
) -> Chart:  # fmt: skip
    edges = np.asarray(bounds, np.float64) if len(bounds) else edges_of(values_N[~np.isnan(values_N)], whole=whole)
    places = places_in(values_N, edges)
    rows, first = _bins(edges, counts_in(places, max(len(edges) - 1, 0)), "images", whole=whole)
    return Chart(key, title, "bins", about, rows, lambda row: _where(places == row + first), unit, values_N)


def _per_object(
    key: str, title: str, about: str, unit: str, image_M: Ints, values_M: Numbers, bounds: Sequence[float] | None
) -> Chart:
    edges = np.asarray(bounds, np.float64) if bounds else edges_of(values_M)
    places = places_in(values_M, edges)
    rows, first = _bins(edges, counts_in(places, len(edges) - 1), "objects")
    for number, row in enumerate(rows):
        row["images"] = len(np.unique(image_M[places == number + first]))
    return Chart(key, title, "bins", about, rows, lambda row: np.unique(image_M[places == row + first]), unit)


def _bins(edges: Numbers, found: Ints, counted: str, *, whole: bool = False) -> tuple[Table, int]:
    """Return a row per bin, but for empty ones at both ends, and the number of the first."""
    filled = np.flatnonzero(found)
    if not len(filled):
        return [], 0
    first, last = int(filled[0]), int(filled[-1])
    rows: Table = []
    for bin_ in range(first, last + 1):
        low, high = float(edges[bin_]), float(edges[bin_ + 1])
        # Of whole numbers both ends belong to a bin.
        ends = {"from": round(low + 0.5), "to": round(high - 0.5)} if whole else {"from": low, "to": high}
        rows.append({**ends, counted: int(found[bin_])})
    return rows, first


def _named(key: str, title: str, about: str, names: Sequence[str]) -> Chart:
    found = Counter(filter(None, names)).most_common()
    rows: Table = [{"name": name, "images": images} for name, images in found]
    places = {name: place for place, (name, _) in enumerate(found)}
    which = np.array([places.get(name, -1) for name in names], np.int64)
    return Chart(key, title, "names", about, rows, lambda row: _where(which == row))


def _by_length(image_L: Ints, n_images: int) -> list[tuple[int, Ints]]:
    """Return, for each number of labels from two on, the places of the labels of such images, a row per image."""
    lengths = np.bincount(image_L, minlength=n_images)
    starts = np.cumsum(lengths) - lengths
    several = [int(n) for n in np.unique(lengths) if n > 1]
    return [(n, starts[lengths == n][:, None] + np.arange(n)) for n in several]


def _area_px2(mark: Mark) -> float:
    """Return the area of the box around a mark, in px²; 0 where it does not say where it lies."""
    points = mark.points
    match mark.kind:
        case "rotated box" if len(points) >= 4:
            return abs(points[2] * points[3])
        case "circle" if len(points) >= 3:
            return (2 * points[2]) ** 2
        case "box" | "polygon" if len(points) >= 4:
            across, down = points[0::2], points[1::2]
            return (max(across) - min(across)) * (max(down) - min(down))
    return 0.0


def _where(those: npt.NDArray[np.bool_]) -> Ints:
    return np.flatnonzero(those)
