"""Names of classes: what is one class whatever it is written like, and what is offered to be merged."""

from __future__ import annotations

import json

import pytest
import yaml

from data import formats, images
from nbtrain.data.names import alike, clean_name, notices
from nbtrain.data.sources import detect

GROUPS = {
    "case": (("cat", "Cat", "dog"), ("cat", "Cat"), "upper and lower case"),
    "spaces": (("polar bear", "polar_bear", "polar-bear", "polarbear"), None, "spaces, hyphens or underscores"),
    "space behind": (("cat ", "cat"), None, "spaces, hyphens or underscores"),
    "both": (("Polar Bear", "polar_bear"), None, "spaces, hyphens or underscores and upper and lower case"),
    "case beyond ASCII": (("КОТ", "кот"), None, "upper and lower case"),
    "small Cyrillic": (("cat", "c\u0430t"), None, "letters that look alike: “\u0430” (cyrillic small letter a)"),
    "capital Cyrillic": (("Bat", "\u0412at"), None, "letters that look alike: “\u0412” (cyrillic capital letter ve)"),
    "Greek": (("dog", "d\u03bfg"), None, "letters that look alike: “\u03bf” (greek small letter omicron)"),
    "whole word": (("COP", "\u0421\u041e\u0420"), None, "letters that look alike"),
    "other case and script": (("Cat", "\u0441at"), None, "letters that look alike"),
    "full width": (("cat", "\uff43at"), None, "forms of letters"),
    "ligature": (("fish", "\ufb01sh"), None, "forms of letters"),
    "joiner inside": (("\u0645\u06cc\u062e", "\u0645\u06cc\u200c\u062e"), None, "invisible characters"),
    "numbers": (("1", "1.0", "01"), ("1", "1.0"), "spellings of one number"),
    "three of two kinds": (("cat", "c\u0430t", "CAT"), None, "upper and lower case and letters that look alike"),
}
APART = {
    "numbers": ("1", "-1", "01", "1.5", "11", "1-1", "10"),
    "versions": ("v1", "v1.0", "v1.1"),
    "numbers in names": ("class 1", "class 11", "class 2"),
    "digits and letters": ("0", "o", "1", "l", "I"),
    "accents": ("resume", "résumé"),
    "Cyrillic words": ("кот", "кит", "рот"),
    "signs": ("c", "c++", "c#"),
}
SAME = {
    "byte order mark": "\ufeffcat",
    "zero-width space": "ca\u200bt",
    "joiner": "cat\u200d",
    "soft hyphen": "c\u00adat",
    "direction": "\u200ecat\u200f",
    "spaces": " cat\t",
}


@pytest.mark.parametrize("case", GROUPS)
def test_names_that_look_like_one_class(case):
    classes, names, how = GROUPS[case]
    (group,) = alike(classes)
    assert group.names == (names or classes)
    assert group.how.startswith(how)
    assert group.how in group.notice


@pytest.mark.parametrize("case", APART)
def test_names_that_do_not(case):
    assert alike(APART[case]) == ()


def test_the_commonest_name_is_merged_into():
    (group,) = alike(("cat", "Cat"))
    assert group.into({"cat": 2, "Cat": 7}) == "Cat"
    assert group.into({}) == "cat"


def test_few_groups_are_told_and_the_others_counted():
    classes = [name for number in "abcdefg" for name in (number, number.upper())]
    told = list(notices(classes))
    assert len(told) == 6
    assert told[-1] == "There are 2 more groups of names that look like one class."


def test_two_groups_that_a_third_name_joins_are_one():
    capital, small = "\u0412at", "\u0432at"  # В is like B, and в is the small В
    (group,) = alike((small, "Bat", "bat", "cat", capital))
    assert set(group.names) == {"Bat", "bat", small, capital}


@pytest.mark.parametrize("case", SAME)
def test_what_nobody_sees_makes_no_other_name(case):
    assert clean_name(SAME[case]) == "cat"


def test_joiners_that_mean_something_stay():
    for name in ("می\u200cخواهم", "👩\u200d🚀"):
        assert clean_name(name) == name


# -- the same in every format --------------------------------------------------------------------------------------


def folder(root, names):
    for seed, name in enumerate(names):
        images.write(root / f"{name}/{seed}.png", seed)
    return root


def table(root, names):
    for seed, _ in enumerate(names):
        images.write(root / f"{seed}.png", seed)
    rows = "".join(f'{seed}.png,"{name}"\n' for seed, name in enumerate(names))
    (root / "t.csv").write_text(f"file,label\n{rows}")
    return root / "t.csv"


def scene(names):
    return tuple(formats.Picture(f"{i}.png", (formats.Thing(name, (1, 2, 9, 8)),)) for i, name in enumerate(names))


def coco(root, names):
    things = scene(names)
    formats.pictures(root, things)
    told = {
        "images": [{"id": i, "file_name": one.file} for i, one in enumerate(things)],
        "annotations": [{"id": i, "image_id": i, "category_id": i, "bbox": [1, 2, 8, 6]} for i in range(len(names))],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
    }
    (root / "x.json").write_text(json.dumps(told))
    return root / "x.json"


def yolo(root, names):
    formats.pictures(root / "images", scene(names))
    (root / "labels").mkdir()
    for number in range(len(names)):
        (root / f"labels/{number}.txt").write_text(f"{number} .5 .5 .2 .2")
    told = {"train": "images", "names": list(names)}
    (root / "data.yaml").write_text(yaml.safe_dump(told, allow_unicode=True))
    return root / "data.yaml"


def voc(root, names):
    return formats.voc(root, scene(names))


def studio(root, names):
    return formats.studio(root, scene(names))


WRITERS = {"folder": folder, "table": table, "coco": coco, "yolo": yolo, "voc": voc, "label studio": studio}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_forms_of_the_same_letters_are_one_class_and_it_is_said(write, tmp_path):
    listing = detect(write(tmp_path / "set", ("caf\u00e9", "cafe\u0301", "te\u200ba", "rice"))).listing()
    assert sorted(listing.classes) == ["caf\u00e9", "rice", "tea"]
    (told,) = [note for note in listing.notes if "invisible characters" in note]
    assert told.startswith("2 classes are written with invisible characters or in several forms of the same letters")
    assert "caf\u00e9" in told
    assert "tea" in told


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_one_form_of_letters_is_no_news(write, tmp_path):
    listing = detect(write(tmp_path / "set", ("cafe\u0301", "rice"))).listing()
    assert not [note for note in listing.notes if "forms" in note]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_names_that_look_like_one_stay_apart_and_are_told(write, tmp_path):
    listing = detect(write(tmp_path / "set", ("cat", "Cat", "polar bear", "polar_bear", "c\u0430t"))).listing()
    assert len(listing.classes) == 5
    told = [note for note in listing.notes if "look like one class" in note]
    assert len(told) == 2
    assert any("cat" in note and "Cat" in note and "cyrillic" in note for note in told)
    assert any("polar_bear" in note for note in told)
