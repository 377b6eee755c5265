"""Records and listings: what they count, what their hash covers, what is refused."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nbtrain.data.records import (
    MAX_CLASSES,
    Listing,
    Mark,
    Record,
    Roots,
    checked,
    counted,
    finder,
    label_ids,
    label_matrix,
    natural,
)
from nbtrain.errors import DataError


def listing(*labels: tuple[int, ...], classes: tuple[str, ...] = ("cat", "dog"), size: int = 9) -> Listing:
    records = tuple(Record(f"{i}.png", own, size) for i, own in enumerate(labels))
    return Listing(Path("/images"), classes, records, multilabel=any(len(own) != 1 for own in labels))


def test_counts_are_per_class():
    assert listing((0,), (0, 1), ()).counts == (2, 1)


def test_hash_covers_names_labels_sizes_and_classes():
    base = listing((0,), (1,)).content_hash
    assert base == listing((0,), (1,)).content_hash
    changed = [
        listing((0,), (0,)),
        listing((0,), (1,), size=10),
        listing((0,), (1,), classes=("cat", "fox")),
        listing((0,), (1,), (1,)),
    ]
    assert len({base, *(each.content_hash for each in changed)}) == 5


def test_hash_does_not_hang_on_root_or_order():
    one = listing((0,), (1,))
    other = Listing(Path("/elsewhere"), one.classes, one.records[::-1], {"train": ()}, notes=("told",))
    assert one.content_hash == other.content_hash


def test_labels_as_arrays():
    assert label_ids(listing((1,), (0,)).records).tolist() == [1, 0]
    assert label_matrix(listing((0, 1), (), (1,)).records, 2).tolist() == [[1, 1], [0, 0], [0, 1]]
    assert label_matrix([], 2).dtype == np.uint8


@pytest.mark.parametrize("labels", [(), (0, 1)])
def test_classification_wants_one_label(labels):
    with pytest.raises(DataError, match=rf"1\.png has {len(labels)} labels"):
        label_ids(listing((0,), labels).records)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (listing(), "no images"),
        (listing((0,), (0,), classes=("cat",)), r"only one class \(cat\)"),
        (listing((0,), classes=tuple(map(str, range(MAX_CLASSES + 1)))), f"{MAX_CLASSES + 1} classes"),
    ],
)
def test_nothing_to_learn_from(bad, told):
    with pytest.raises(DataError, match=told):
        checked(bad, "/images")


def test_single_images_and_look_alikes_are_told():
    notices = checked(listing((0,), (0,), (1,), classes=("cat", "Cat")), "").notices
    told = "These 2 names look like one class, and differ in upper and lower case: cat, Cat."
    single = "1 class has one image only, used for training: Cat."
    assert notices == (single, f"{told} They stay apart until you merge them.")


def test_natural_order():
    names = ["class 10", "class 9", "Class 1", "b", "a", "10", "9", "9" * 5000]
    assert sorted(names, key=natural)[:7] == ["9", "10", "9" * 5000, "a", "b", "Class 1", "class 9"]


def test_counted():
    assert [counted(n, "file", "files") for n in (0, 1, 1797)] == ["0 files", "1 file", "1 797 files"]


def test_marks_take_part_in_the_content_hash_and_data_without_them_keep_theirs():
    plain = listing((0,), (1,))
    marked = replace(
        plain, records=(replace(plain.records[0], marks=(Mark("box", 0, (1, 2, 3, 4)),)), plain.records[1])
    )
    assert plain.content_hash == listing((0,), (1,)).content_hash != marked.content_hash


def test_files_below_several_roots_begin_with_the_name_of_theirs():
    roots = Roots({"cats": Path("/one/cats"), "more": Path("/two")})
    several = Roots({"": Path("/one"), "more": Path("/two"), "deep": roots})
    for file, found in (("a/1", "/one/a/1"), ("1", "/one/1"), ("more/1", "/two/1"), ("deep/more/1", "/two/1")):
        assert several / file == Path(found)
        assert pickle.loads(pickle.dumps(finder(several)))(file) == found
    assert finder(Path("/one"))("a/1") == "/one/a/1"
    assert roots / "cats/a/1.png" == Path("/one/cats/a/1.png")
    assert roots / "more/2.png" == Path("/two/2.png")
    with pytest.raises(KeyError):
        roots / "dogs/1.png"
