"""Groups and folds: what belongs together stays together, classes stay even, and leaks are found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nbtrain.data.folds import grouped, groups_of, k_fold, leaks
from nbtrain.data.records import Listing, Record
from nbtrain.data.splits import Split
from nbtrain.errors import DataError


def patients(n: int = 60, seed: int = 0) -> Listing:
    """Images of ``n`` patients, 2 to 6 each, of two common classes and a rare one."""
    drawn = random.Random(seed)
    records = []
    for patient in range(n):
        for _ in range(drawn.randint(2, 6)):
            label = drawn.choices((0, 1, 2), (6, 3, 1))[0]
            records.append(Record(f"{len(records)}.png", (label,), cells=(f"p{patient}", "same")))
    return Listing(Path("/x"), ("a", "b", "c"), tuple(records), columns=("patient", "site"))


def shares(listing: Listing, files) -> list[float]:
    places = listing.positions()
    counts = [0] * len(listing.classes)
    for file in files:
        counts[listing.records[places[file]].labels[0]] += 1
    return [count / total for count, total in zip(counts, listing.counts, strict=True)]


def patients_in(listing: Listing, files) -> set[str]:
    places = listing.positions()
    return {listing.records[places[file]].cells[0] for file in files}


def test_a_group_lies_in_one_set_and_classes_stay_even():
    listing = patients()
    split = grouped(listing, by="patient", val_ratio=0.2, test_ratio=0.1)
    sets = [patients_in(listing, files) for files in split.files.values()]
    assert sum(map(len, sets)) == len(set().union(*sets)) == 60
    assert sum(split.sizes.values()) == len(listing)
    for name, ratio in (("val", 0.2), ("test", 0.1)):
        assert all(abs(share - ratio) < 0.05 for share in shares(listing, split.files[name]))
    assert split.hash == grouped(listing, by="patient", val_ratio=0.2, test_ratio=0.1).hash
    assert split.hash != grouped(listing, by="patient", val_ratio=0.2, test_ratio=0.1, seed=1).hash


def test_copies_stay_together_and_join_the_groups_that_they_lie_in():
    listing = patients(8)
    files = [record.file for record in listing.records]
    copies = [(files[0], files[-1]), (files[3], "gone.png"), (files[5],)]
    split = grouped(listing, by="patient", together=copies, val_ratio=0.3)
    assert leaks(split, [*copies, *_of(listing)]) == []
    assert len(groups_of(listing, "patient", copies)) == 7
    assert len(groups_of(listing)) == len(listing)


def _of(listing):
    found: dict[str, list[str]] = {}
    for record in listing.records:
        found.setdefault(record.cells[0], []).append(record.file)
    return found.values()


def test_an_image_without_a_value_belongs_to_nobody():
    cells = ("x", "x", "", "", "y")
    records = tuple(Record(f"{i}", (i % 2,), cells=(cell,)) for i, cell in enumerate(cells))
    assert groups_of(Listing(Path("/x"), ("a", "b"), records, columns=("who",)), "who") == [[0, 1], [2], [3], [4]]


@pytest.mark.parametrize("by", ["", "patient"])
def test_each_image_validates_in_one_fold_and_folds_are_even(by):
    listing = patients()
    made = k_fold(listing, 5, by=by, name="cv")
    assert [split.name for split in made] == [f"cv-{i}-of-5" for i in range(1, 6)]
    validated = [file for split in made for file in split.files["val"]]
    assert sorted(validated) == sorted(record.file for record in listing.records)
    for split in made:
        assert set(split.files["train"]).isdisjoint(split.files["val"])
        assert len(split.files["train"]) + len(split.files["val"]) == len(listing)
        even = 0.06 if by else 0.04
        assert all(abs(share - 0.2) < even for share in shares(listing, split.files["val"]))
        if by:
            assert not patients_in(listing, split.files["train"]) & patients_in(listing, split.files["val"])


def test_several_labels_are_even_too():
    drawn = random.Random(1)
    labels = [tuple(c for c in range(4) if drawn.random() < 0.5 / (c + 1)) for _ in range(400)]
    records = tuple(Record(f"{i}", own) for i, own in enumerate(labels))
    listing = Listing(Path("/x"), tuple("abcd"), records, multilabel=True)
    for split in k_fold(listing, 4):
        places = split.places(listing)["val"]
        counts = [sum(c in records[p].labels for p in places) for c in range(4)]
        assert all(abs(got - n / 4) <= 1 for got, n in zip(counts, listing.counts, strict=True))
        assert len(places) == 100


def test_a_leak_is_told_with_its_files():
    split = Split("x", 0, {"train": ("a", "b"), "val": ("c",), "test": ("d",)})
    [leak] = leaks(split, [("a", "b"), ("a", "c", "elsewhere"), ("e", "f")])
    assert leak.files == {"train": ("a",), "val": ("c",)}
    assert str(leak) == "train: a; val: c"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda d: grouped(d, by="doctor"), "no such column.*patient, site"),
        (lambda d: grouped(d, by="site"), "same value in 'site'"),
        (lambda d: grouped(d, together=[[r.file for r in d.records]]), r"1 group cannot fill 2 sets"),
        (lambda d: grouped(d, val_ratio=1.5), "between 0 and 1"),
        (lambda d: k_fold(d, 1), "whole number from 2"),
        (lambda d: k_fold(d, True), "whole number from 2"),
        (lambda d: k_fold(d, 500), "cannot fill 500 sets"),
        (lambda d: k_fold(d, 60, by="patient"), "60 folds are more than the .* groups of the class 'c'"),
        (lambda d: k_fold(d, 100), "100 folds are more than the .* images of the class 'c'"),
    ],
)
def test_what_cannot_be_split_so_is_refused(make, told):
    with pytest.raises(DataError, match=told):
        make(patients())
