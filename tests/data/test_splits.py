"""Splits: in proportion, the same everywhere, and never silently another one."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import orjson
import pytest

from nbtrain.data.records import Listing, Record
from nbtrain.data.splits import Split, from_folders, load, rank, stratified
from nbtrain.errors import DataError, FormatError


def listing(*counts: int, own=None) -> Listing:
    records = tuple(Record(f"{c}/{i}.png", (c,)) for c, count in enumerate(counts) for i in range(count))
    return Listing(Path("/images"), tuple(map(str, range(len(counts)))), records, own)


def multilabel(n: int, n_classes: int, seed: int = 0) -> Listing:
    drawn = random.Random(seed)
    share = [0.5 / (c + 1) ** 1.5 for c in range(n_classes)]
    labels = [tuple(c for c in range(n_classes) if drawn.random() < share[c]) for _ in range(n)]
    records = tuple(Record(f"{i}.png", own) for i, own in enumerate(labels))
    return Listing(Path("/images"), tuple(map(str, range(n_classes))), records, multilabel=True)


def per_class(split: Split, data: Listing, name: str) -> list[int]:
    places = split.places(data)[name]
    return [sum(c in data.records[p].labels for p in places) for c in range(len(data.classes))]


@pytest.mark.parametrize("counts", [(50, 10, 5), (2, 2), (1, 9), (7, 7, 7), (1, 1, 1, 100), (178, 182, 177)])
@pytest.mark.parametrize("ratios", [(0.2, 0.0), (0.15, 0.15), (0.5, 0.25)])
def test_every_class_in_proportion(counts, ratios):
    data = listing(*counts)
    split = stratified(data, val_ratio=ratios[0], test_ratio=ratios[1])
    files = [f for s in split.files.values() for f in s]
    assert sorted(files) == sorted(r.file for r in data.records)
    for name, ratio in zip(("val", "test"), ratios, strict=True):
        for count, got in zip(counts, per_class(split, data, name), strict=True):
            assert abs(got - count * ratio) <= 1 or split.sizes["val"] == 1
    assert all(per_class(split, data, "train"))
    assert split.sizes["val"]


def test_totals_fit_the_ratio():
    assert stratified(listing(*[7] * 30), val_ratio=0.2).sizes == {"train": 168, "val": 42, "test": 0}


def test_equal_everywhere():
    """A golden value: whoever changes the way of drawing changes the split that people get for a seed."""
    assert stratified(listing(5, 5, 5), seed=42).files["val"] == ("0/4.png", "1/1.png", "2/2.png")
    assert stratified(listing(5, 5, 5), seed=42).hash == "4f1bb798fd6adde4"
    assert rank(42, "0/1.png").hex() == "f6070a41627deed6"


def test_seeds_differ_and_order_does_not_matter():
    data = listing(40, 40)
    turned = Listing(data.root, data.classes, data.records[::-1])
    one, two = stratified(data, seed=1), stratified(data, seed=2)
    assert one.files["val"] != two.files["val"]
    assert set(stratified(turned, seed=1).files["val"]) == set(one.files["val"])


def test_several_labels_are_filled_label_by_label():
    data = multilabel(1000, 12)
    split = stratified(data, val_ratio=0.2, test_ratio=0.1, seed=3)
    assert sum(split.sizes.values()) == 1000
    assert abs(split.sizes["val"] - 200) <= 20
    for name, ratio in (("val", 0.2), ("test", 0.1)):
        got = np.array(per_class(split, data, name))
        assert np.abs(got - np.array(data.counts) * ratio).max() <= 2
    assert split == stratified(data, val_ratio=0.2, test_ratio=0.1, seed=3)


@pytest.mark.parametrize("data", [listing(1, 1), listing(2), multilabel(2, 3)])
def test_two_images_give_one_each(data):
    assert stratified(data).sizes == {"train": 1, "val": 1, "test": 0}


@pytest.mark.parametrize(
    ("ratios", "told"),
    [((0, 0), "between 0 and 1"), ((1, 0), "between 0 and 1"), ((float("nan"), 0), "between"), ((0.2, -0.1), "testing"),
     ((0.5, 0.5), "nothing to train on")],
)  # fmt: skip
def test_impossible_ratios(ratios, told):
    with pytest.raises(DataError, match=told):
        stratified(listing(5, 5), val_ratio=ratios[0], test_ratio=ratios[1])


def test_one_image_cannot_be_split():
    with pytest.raises(DataError, match="1 image cannot be split"):
        stratified(listing(1))


def test_own_folders_without_val_draw_it_from_train():
    files = tuple(r.file for r in listing(10, 10).records)
    split = from_folders(listing(10, 10, own={"train": files[:15], "test": files[15:]}), val_ratio=0.2)
    assert split.sizes == {"train": 12, "val": 3, "test": 5}
    assert not set(split.files["val"]) & set(files[15:])


@pytest.mark.parametrize(("own", "told"), [(None, "says nothing"), ({"val": ("0/0.png",)}, "no train set")])
def test_no_own_split(own, told):
    with pytest.raises(DataError, match=told):
        from_folders(listing(2, 2, own=own))


def test_saved_and_loaded(tmp_path):
    split = Split("dé <b>", 7, stratified(listing(5, 5)).files, "digits")
    split.save(tmp_path / "s.json")
    assert load(tmp_path / "s.json") == split
    assert orjson.loads((tmp_path / "s.json").read_bytes())["format"] == 1


def change(**changes):
    return lambda plain: {**plain, **changes}


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (change(format=2), "has format 2"),
        (change(files={"train": ["0/0.png"], "val": [], "test": []}), "was changed after it was stored"),
        (change(files={"train": []}), "is no split"),
        (change(files={"train": [1], "val": [], "test": []}), "1 is not a text"),
        (change(seed="x"), "is no split"),
        (lambda plain: [plain], "does not hold a JSON object"),
    ],
)
def test_edited_files_are_refused(tmp_path, edit, told):
    path = tmp_path / "s.json"
    stratified(listing(5, 5)).save(path)
    path.write_bytes(orjson.dumps(edit(orjson.loads(path.read_bytes()))))
    with pytest.raises(FormatError, match=told) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_files_that_are_gone_are_named():
    split = stratified(listing(10, 10))
    with pytest.raises(DataError, match=r"names 10 files that are not there any more: 1/\d\.png.* and 5 more"):
        split.places(listing(10))
