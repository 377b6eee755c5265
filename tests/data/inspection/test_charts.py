"""Charts against numpy and pandas, and that the images behind a bar are those that it counts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbtrain.data.inspection.bins import counts_in, edges_of, places_in
from nbtrain.data.inspection.charts import PLAIN, Charts
from nbtrain.data.inspection.look import Odd
from nbtrain.data.inspection.store import Columns
from nbtrain.data.records import Listing, Mark, Record

CHANCE = np.random.default_rng(7)
N = 400
CLASSES = ("ant", "bee", "cow", "nobody")
BOX = Mark("box", 1, (0, 0, 10, 40))
LABELS = [tuple(np.flatnonzero(row).tolist()) for row in CHANCE.random((N, 3)) < (0.6, 0.4, 0.1)]
RECORDS = tuple(
    Record(f"{place:03}.png", labels, 100 + place, (BOX, Mark("circle", 0, (5, 5, place + 1)))[: place % 3])
    for place, labels in enumerate(LABELS)
)
LISTING = Listing(Path("/images"), CLASSES, RECORDS, multilabel=True)
SETS = {"train": tuple(r.file for r in RECORDS[:300]), "val": tuple(r.file for r in RECORDS[300:390])}


def columns(n_seen=N - 1):
    """What a scan has seen: all but the last, of which the first cannot be used."""
    width = np.r_[0, CHANCE.integers(20, 4000, n_seen - 1)].astype(np.int32)
    height = np.r_[0, CHANCE.integers(20, 300, n_seen - 1)].astype(np.int32)
    texts = {"file": [r.file for r in RECORDS[:n_seen]][::-1], "format": ["PNG", "JPEG", "JPEG"] * n_seen}
    found = {
        name: np.frombuffer("".join(f"{t}\0" for t in own[:n_seen]).encode(), np.uint8) for name, own in texts.items()
    }
    odd = CHANCE.choice([0, 0, int(Odd.CMYK), int(Odd.CMYK | Odd.TURNED)], n_seen).astype(np.uint8)
    light = {
        name: CHANCE.random(n_seen) ** power / 2
        for name, power in (("brightness", 1), ("contrast", 2), ("sharpness", 9))
    }
    return Columns({**found, **light, "width": width[::-1], "height": height[::-1], "odd": odd[::-1]})


SEEN = columns()
CHARTS = Charts(LISTING, SEEN, SETS)
FRAME = pd.DataFrame({name: SEEN[name] for name in ("width", "height", "odd", "brightness")}, index=SEEN.files)
USABLE = FRAME[FRAME.width > 0]


@pytest.mark.parametrize(
    "values",
    [
        CHANCE.random(500),
        CHANCE.lognormal(4, 2, 500),
        CHANCE.integers(0, 9000, 50),
        [0, 0, 1e-4, 0.5],
        [1e-9, 1e9],
        [-3, 5],
    ],
)
def test_bins_are_numpys_with_round_bounds_that_hold_all(values):
    values = np.asarray(values, float)
    edges = edges_of(values)
    found = counts_in(places_in(values, edges), len(edges) - 1)
    assert found.tolist() == np.histogram(values, edges)[0].tolist()
    assert (found.sum(), 5 <= len(found) <= 50) == (len(values), True)
    assert edges[1] > values.min()
    assert edges[-2] < values.max()


def test_bins_of_nothing_of_one_value_and_of_whole_numbers():
    assert len(edges_of(np.empty(0))) == 0
    assert edges_of(np.array([8, 8])).tolist() == [8, 8]
    assert edges_of(np.array([0, 3]), whole=True).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert places_in(np.array([np.nan, 1]), np.array([0, 2.0])).tolist() == [-1, 0]


@pytest.mark.parametrize("key", CHARTS.keys)
def test_the_images_of_every_bar_are_as_many_as_it_says(key):
    chart = CHARTS[key]
    assert chart.rows
    for place, row in enumerate(chart.rows):
        members = chart.members(place)
        assert len(members) == len(set(members.tolist())) == row["images"]
    if chart.values is not None:
        for place, row in enumerate(chart.rows):
            own = chart.values[chart.members(place)]
            assert ((own >= row["from"]) & (own <= row["to"])).all()


def test_classes_per_set_as_pandas_counts_them():
    labels = pd.DataFrame([(r.file, CLASSES[i]) for r in RECORDS for i in r.labels], columns=["file", "name"])
    homes = labels.file.map({file: name for name, files in SETS.items() for file in files}).fillna("none")
    wanted = pd.crosstab(labels.name, homes).reindex(
        index=CLASSES, columns=["train", "val", "test", "none"], fill_value=0
    )
    found = pd.DataFrame(CHARTS["classes"].rows).set_index("name")
    assert (found[wanted.columns] == wanted).all(axis=None)
    assert found.images.tolist() == wanted.sum(axis=1).tolist()
    assert found.share.tolist() == [n / N for n in found.images]
    assert found.objects.sum() == sum(len(r.marks) for r in RECORDS)


def test_pairs_of_classes_as_a_product_of_matrices_counts_them():
    matrix = np.zeros((N, len(CLASSES)), int)
    for place, record in enumerate(RECORDS):
        matrix[place, list(record.labels)] = 1
    both = matrix.T @ matrix
    found = {(row["a"], row["b"]): row for row in CHARTS["together"].rows}
    for a in range(3):
        for b in range(a + 1, 3):
            row = found[CLASSES[a], CLASSES[b]]
            assert (row["images"], row["share_of_a"]) == (both[a, b], both[a, b] / both[a, a])
    assert len(found) == 3
    assert [row["images"] for row in CHARTS["labels_per_image"].rows] == np.bincount(matrix.sum(1)).tolist()


def test_sizes_light_and_modes_of_what_can_be_used():
    grid = CHARTS["sizes"].rows
    assert sum(row["images"] for row in grid) == len(USABLE)
    one = grid[3]
    inside = USABLE.width.between(one["width_from"], one["width_to"], "left")
    assert (inside & USABLE.height.between(one["height_from"], one["height_to"], "left")).sum() == one["images"]
    assert sum(row["images"] for row in CHARTS["brightness"].rows) == len(USABLE)
    common = (USABLE.width.astype(str) + " × " + USABLE.height.astype(str)).value_counts()
    assert {row["name"]: row["images"] for row in CHARTS["common_sizes"].rows} == common.to_dict()
    odd = {row["name"]: row["images"] for row in CHARTS["oddities"].rows}
    assert odd[PLAIN] == (USABLE.odd == 0).sum()
    assert odd["turned by EXIF"] == (USABLE.odd & int(Odd.TURNED) > 0).sum()


def test_objects():
    found = {(row["from"], row["to"]): row["objects"] for row in CHARTS["object_px"].rows}
    assert sum(found.values()) == sum(len(r.marks) for r in RECORDS)
    boxes = sum(r.marks[:1] == (BOX,) for r in RECORDS)  # 10 × 40 px: as large as a square of 20 px
    assert next(n for (low, high), n in found.items() if low <= 20 < high) >= boxes
    assert [row["images"] for row in CHARTS["objects_per_image"].rows] == [134, 133, 133]


def test_object_shares_have_fine_bounds_at_both_ends():
    """Images of 100 × 100 px; detectors care about the smallest objects, and about those that fill the image."""
    areas_px2 = [0.5, 2, 5, 20, 50, 150, 300, 700, 1500, 2500, 3500, 4500, 5500, 6500, 7500, 8500, 9500, 12_000]
    wanted = [0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, np.inf]
    records = tuple(
        Record(f"{at}.png", (0,), 1, (Mark("box", 0, (0, 0, 100, a / 100)),)) for at, a in enumerate(areas_px2)
    )
    names = np.frombuffer("".join(f"{record.file}\0" for record in records).encode(), np.uint8)
    side_px = np.full(len(records), 100, np.int32)
    charts = Charts(
        Listing(Path("/images"), ("ant",), records), Columns({"file": names, "width": side_px, "height": side_px})
    )
    rows = charts["object_share"].rows
    assert [(row["from"], row["to"], row["objects"]) for row in rows] == [(*ends, 1) for ends in pairwise(wanted)]


def test_without_a_scan_only_what_needs_none():
    plain = Listing(Path("/images"), CLASSES, tuple(Record(r.file, (0,), 5) for r in RECORDS))
    assert Charts(plain).keys == ("classes", "size_kib")
    assert Charts(plain)["size_kib"].rows == [{"from": 5 / 1024, "to": 5 / 1024, "images": N}]
    assert set(Charts(plain)["classes"].rows[0]) == {"name", "images", "share"}
    assert Charts(LISTING).keys == (
        "classes", "labels_per_image", "together", "objects_per_image", "object_px", "size_kib"
    )  # fmt: skip
    with pytest.raises(KeyError):
        Charts(plain)["brightness"]


def test_shapes_have_the_bounds_that_people_name():
    bounds = [0, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 0.95, 1.05, 4 / 3, 3 / 2, 2, 3, np.inf]
    expected = np.histogram(USABLE.width / USABLE.height, bounds)[0]
    rows = CHARTS["aspect"].rows
    assert [row["images"] for row in rows] == np.trim_zeros(expected).tolist()
    assert sum(expected) == len(USABLE)
