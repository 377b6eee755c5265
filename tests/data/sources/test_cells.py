"""Cells of labels: one label, several, none, and how much of it is said."""

from __future__ import annotations

import pytest

from nbtrain.data.sources.cells import is_missing, read_labels


@pytest.mark.parametrize("cell", ["", "  ", "NaN", "nan", "<NA>", "None", "null", "NULL", "n/a", "N/A", "NA", "-", "—"])
def test_no_value_is_no_class(cell):
    assert is_missing(cell)
    reading = read_labels(["cat", cell, "dog"], "label")
    assert reading.labels == [("cat",), None, ("dog",)]
    assert "1 cell in label holds no value: a missing label is no class" in reading.notices[0]


@pytest.mark.parametrize("cell", ["none", "nano", "0", "--x", "unknown"])
def test_other_words_are_classes(cell):
    assert read_labels(["cat", cell], "label").labels[1] == (cell,)


def test_none_as_a_class_is_said():
    assert "“none” is taken for a class" in read_labels(["none", "dent"], "label").notices[0]
    assert not read_labels(["dent", "scratch"], "label").notices


SEVERAL = {
    "python lists": ["['cat', 'dog']", "['cat']", "['dog']"],
    "json lists": ['["cat", "dog"]', '["cat"]', '["dog"]'],
    "choices": ['{"choices": ["cat", "dog"]}', "cat", '{"choices": ["dog"]}'],
    "numpy lists": ["['cat' 'dog']", "['cat']", "['dog']"],
    "bare lists": ["[cat, dog]", "[cat]", "[dog]"],
    "tuples": ["('cat', 'dog')", "('cat',)", "('dog',)"],
    "sets": ["{'dog', 'cat'}", "{'cat'}", "{'dog'}"],
    "semicolons": ["cat; dog", "cat", "dog"],
    "bars": ["cat|dog", "cat", "dog"],
    "commas": ["cat, dog", "cat", "dog"],
    "spaces": ["cat dog", "cat", "dog"],
}


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["cat dog", "dog cat", "fish"], {"cat", "dog", "fish"}),  # parts of no cell of their own, in both orders
        (["cat dog", "cat bird", "dog bird", "cat", "dog"], {"cat", "dog", "bird"}),  # one that stands never alone
        (["cat AND dog", "cat", "dog"], {"cat", "dog"}),
        (["['polar bear', 'dog']", "polar bear", "['dog']"], {"polar bear", "dog"}),  # a label beside lists stays whole
        (["[cat, dog]", "cat", "dog", "[dog, cat]"], {"cat", "dog"}),
    ],
)
def test_labels_of_cells_are_told_from_what_stands_between(cells, classes):
    assert {name for labels in read_labels(cells, "tags").labels for name in labels} == classes


def test_what_no_list_says_is_not_an_empty_list():
    assert read_labels(['{"a": 1}', '{"a": 2}', "b"], "tags").labels[0] != ()


@pytest.mark.parametrize("way", SEVERAL)
def test_several_labels_in_a_cell(way):
    reading = read_labels(SEVERAL[way], "tags")
    assert [tuple(sorted(labels)) for labels in reading.labels] == [("cat", "dog"), ("cat",), ("dog",)]
    assert reading.several
    certain = way in ("semicolons", "bars")
    assert certain or "hold several labels" in reading.notices[0]


ONE = {
    "a breed and its kind": ["Corgi, Pembroke", "Corgi, Cardigan", "pug"],
    "a place": ["Paris, France", "Rome, Italy"],
    "two words": ["polar bear", "black bear", "bear"],
    "colours of two things": ["red car", "blue car", "red bus", "blue bus", "car"],
    "a colour that stands alone too": ["red car", "blue car", "car", "red"],
    "an apostrophe": ["lion's mane", "cat's eye"],
    "brackets in a name": ["cat (male)", "cat (female)"],
}


@pytest.mark.parametrize("way", ONE)
def test_what_is_one_label_stays_one(way):
    reading = read_labels(ONE[way], "label")
    assert reading.labels == [(cell,) for cell in ONE[way]]
    assert not reading.several


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (ONE["a breed and its kind"], ","),
        (["cat dog", "cat bird", "dog bird", "fish", "cat"], " "),
        (["red car", "blue car", "red bus", "blue bus", "car"], " "),
    ],
)
def test_doubt_is_asked_about(cells, separator):
    reading = read_labels(cells, "label")
    assert (reading.separator, reading.doubt, reading.example) == ("", separator, cells[0])


@pytest.mark.parametrize("way", ["a place", "two words", "an apostrophe", "brackets in a name"])
def test_names_are_not_asked_about(way):
    assert read_labels(ONE[way], "label").doubt == ""


def test_words_that_are_labels_too_are_told():
    assert "separator=' '" in read_labels(ONE["two words"], "label").notices[0]
    assert not read_labels(ONE["a place"], "label").notices


def test_a_person_decides():
    assert read_labels(["cat,dog", "cat"], "label", "").labels == [("cat,dog",), ("cat",)]
    assert read_labels(["Corgi, Pembroke", "pug"], "label", ",").labels == [("Corgi", "Pembroke"), ("pug",)]


def test_lists_may_be_empty_and_values_may_be_missing():
    assert read_labels(["[]", "['a']", "nan", "['a', 'b']"], "tags").labels == [(), ("a",), None, ("a", "b")]
    reading = read_labels(["a;b", "", "NaN"], "tags")
    assert reading.labels == [("a", "b"), (), None]
    assert [notice for notice in reading.notices if "NaN" in notice] == [
        "1 cell in tags holds no value: a missing label is no class (NaN (1))."
    ]


def test_cells_without_a_value_are_counted_and_not_their_spellings():
    told = "4 cells in label hold no value: a missing label is no class (NaN (3), empty (1))."
    assert read_labels(["cat", "NaN", "", "NaN", "NaN", "dog"], "label").notices == (told,)
    assert read_labels(["a;b", "", "a", ""], "tags").notices == ()  # empty lists


def test_one_class_in_two_spellings_stands_once_in_a_cell():
    assert read_labels(["1;1.0;+1", "2"], "label").labels == [("1",), ("2",)]


def test_zeros_before_zero_are_told():
    assert "leading zeros are different classes: 00" in read_labels(["0", "00"], "label").notices[-1]


def test_numbers_and_truths_in_two_spellings_are_one_class():
    reading = read_labels(["1", "1.0", "2.0", "01"], "label")
    assert reading.labels == [("1",), ("1",), ("2",), ("01",)]
    assert "1 and 1.0 as 1" in reading.notices[0]
    assert "leading zeros" in reading.notices[1]
    reading = read_labels(["TRUE", "true", "False"], "label")
    assert reading.labels == [("true",), ("true",), ("false",)]
    assert read_labels(["1.5", "1.50"], "label").labels == [("1.5",), ("1.50",)]


@pytest.mark.parametrize(
    "cell", ["[" * 9000, "[[1]]", '{"a": 1}', "(", "[1, [2]]", "{1: 2}", "[" + "9" * 5000 + "]", "\0"]
)
def test_hostile_cells_are_labels_or_lists_and_never_an_error(cell):
    labels = read_labels([cell, "a"], "label").labels
    assert labels[1] == ("a",)
    assert labels[0] is None or all(isinstance(name, str) for name in labels[0])
