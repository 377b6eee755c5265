"""No value is no class, and one number is one class, in every format that says classes as values.

Where classes are declared (folders, the names of a YOLO data set), a class called "nan" is one.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data import formats, images
from nbtrain.data.sources import detect
from nbtrain.data.sources.cells import Values
from nbtrain.errors import DataError

NO_VALUES = ("", "\u200b", "nan", "NaN", "<NA>", "None", "null", "n/a", "N/A", "-")


def named(listing):
    """Return the classes of each image by the number in its name."""
    return {
        int("".join(c for c in record.file.rpartition("/")[2] if c.isdigit())): [
            listing.classes[label] for label in record.labels
        ]
        for record in listing.records
    }


def scene(names):
    return tuple(formats.Picture(f"{i}.png", (formats.Thing(str(n), (1, 2, 9, 8)),)) for i, n in enumerate(names))


def table(root, names):
    formats.pictures(root, scene(names))
    rows = "".join(f'{number}.png,"{name}"\n' for number, name in enumerate(names))
    (root / "t.csv").write_text(f"file,label\n{rows}")
    return detect(root / "t.csv")


def coco(root, names):
    formats.pictures(root, scene(names))
    told = {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(len(names))],
        "annotations": [{"id": i, "image_id": i, "category_id": i, "bbox": [1, 2, 8, 6]} for i in range(len(names))],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
    }
    (root / "x.json").write_text(json.dumps(told))
    return detect(root / "x.json")


def voc(root, names):
    return detect(formats.voc(root, scene(name.replace("<", "&lt;") for name in map(str, names))))


def choices(root, names):
    formats.pictures(root, scene(names))
    tasks = [
        {"id": i, "data": {"image": f"{i}.png"}, "annotations": [{"result": [
            {"type": "choices", "from_name": "label", "value": {"choices": [name]}}]}]}
        for i, name in enumerate(names)
    ]  # fmt: skip
    (root / "x.json").write_text(json.dumps(tasks))
    return detect(root / "x.json")


def short_choices(root, names):
    formats.pictures(root, scene(names))
    rows = [{"image": f"{i}.png", "id": i, "label": name} for i, name in enumerate(names)]
    (root / "x.json").write_text(json.dumps(rows))
    return detect(root / "x.json")


def parquet(root, names):
    formats.pictures(root, scene(names))
    data = [(root / f"{number}.png").read_bytes() for number in range(len(names))]
    pq.write_table(
        pa.table({"image": data, "label": [None if n is None else str(n) for n in names]}), root / "t.parquet"
    )
    source = detect(root / "t.parquet").set("unpacked", str(root / "to"))
    source.prepare()
    return source


VALUES = {"table": table, "coco": coco, "voc": voc, "label studio": choices, "short": short_choices, "parquet": parquet}


@pytest.mark.parametrize("write", VALUES.values(), ids=VALUES)
def test_no_value_is_no_class_and_it_is_said(write, tmp_path):
    listing = write(tmp_path / "set", ("cat", "dog", *NO_VALUES)).listing()
    assert listing.classes == ("cat", "dog")
    assert {number: own for number, own in named(listing).items() if own} == {0: ["cat"], 1: ["dog"]}
    told = " ".join(listing.notices)
    assert "no value" in told
    assert "nan (1)" in told


@pytest.mark.parametrize("write", VALUES.values(), ids=VALUES)
def test_a_number_in_two_spellings_is_one_class_and_01_another(write, tmp_path):
    listing = write(tmp_path / "set", ("1", "1.0", "01", "TRUE", "true")).listing()
    assert sorted(listing.classes) == ["01", "1", "true"]
    assert named(listing) == {0: ["1"], 1: ["1"], 2: ["01"], 3: ["true"], 4: ["true"]}
    assert "One class in two spellings is one: 1 and 1.0 as 1, TRUE and true as true." in listing.notices
    assert "Numbers with and without leading zeros are different classes: 01." in listing.notices


@pytest.mark.parametrize("write", VALUES.values(), ids=VALUES)
def test_none_in_small_letters_may_be_a_class(write, tmp_path):
    assert write(tmp_path / "set", ("none", "dent")).listing().classes in (("dent", "none"), ("none", "dent"))


@pytest.mark.parametrize("name", ["nan", "none", "None", "null", "n-a", "-"])
def test_a_folder_of_any_name_is_a_class(name, tmp_path):
    images.folder(tmp_path, {name: 2, "cat": 2})
    assert name in detect(tmp_path).listing().classes


def test_declared_names_of_yolo_are_texts_and_an_empty_one_is_refused(tmp_path):
    names = ["cat", "null", "nan", "1.0"]
    formats.pictures(tmp_path / "images", scene(names))
    (tmp_path / "labels").mkdir()
    for number in range(len(names)):
        (tmp_path / f"labels/{number}.txt").write_text(f"{number} .5 .5 .2 .2")
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"train": "images", "names": names}))
    listing = detect(tmp_path / "data.yaml").listing()
    assert listing.classes == ("cat", "null", "nan", "1.0")
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"train": "images", "names": [*names, ""]}))
    with pytest.raises(DataError, match=r"data\.yaml: class 4 has no name"):
        detect(tmp_path / "data.yaml").listing()


def test_values_of_json_that_are_none(tmp_path):
    listing = coco(tmp_path / "set", ("cat", "dog", None, float("nan"), 1, 1.0, True)).listing()
    assert listing.classes == ("cat", "dog", "1", "true")
    assert any("2 annotations name no known class" in note for note in listing.notices)


def test_what_values_mean():
    values = Values()
    given = (None, float("nan"), " nan ", "", "cat ", 1, 1.0, "+1", "007", True, "none", "\u200b")
    assert [values.name(value) for value in given] == ["", "", "", "", "cat", "1", "1", "1", "007", "true", "none", ""]
    assert values.name("N/A") == values.name("nan") == ""
    assert next(values.notices()) == "3 labels are no value, and no class: nan (2), N/A (1)."
