"""Tables, tidy and broken: every error names its line."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import images
from nbtrain.data.sources import Table, detect
from nbtrain.errors import ConfigError, DataError


@pytest.fixture
def root(tmp_path):
    """Return a folder with the images 1.png to 4.png."""
    for i in range(1, 5):
        images.write(tmp_path / f"{i}.png", seed=i)
    return tmp_path


def table(root: Path, text: str, **settings):
    (root / "t.csv").write_text(text)
    return Table(path=str(root / "t.csv"), **settings).listing()


def test_one_label_per_image(root):
    (root / "t.csv").write_text("file,label\n1.png,dog\n2.png,cat\n3.png,dog\n4.png,cat\n")
    listing = detect(root / "t.csv").listing()
    assert listing.classes == ("cat", "dog")
    assert [r.labels for r in listing.records] == [(1,), (0,), (1,), (0,)]
    assert listing.root == root
    assert not listing.multilabel
    assert listing.records[0].size_bytes == (root / "1.png").stat().st_size


@pytest.mark.parametrize(
    "text",
    [
        "id;kind;img\n7;dog;1.png\n8;cat;2.png\n",
        "sep=|\nid|kind|img\n7|dog|1.png\n8|cat|2.png\n",
        "\ufeffimg\tclass\tid\n1.png\tdog\t7\n\n2.png\tcat\t8\n",
        'note,label,path\n"a, ""b""\nc",dog,1.png\nx,cat,2.png\n',
    ],
)
def test_columns_and_delimiters_are_found(root, text):
    settings = {"label_columns": ["kind"]} if "kind" in text else {}
    listing = table(root, text, **settings)
    assert [(r.file, listing.classes[r.labels[0]]) for r in listing.records] == [("1.png", "dog"), ("2.png", "cat")]


@pytest.mark.parametrize("separator", [";", "|"])
def test_several_labels_in_one_cell(root, separator):
    listing = table(root, f"file,labels\n1.png,sun{separator}sea\n2.png,sea\n3.png,\n4.png,sun {separator} sun\n")
    assert listing.classes == ("sea", "sun")
    assert [r.labels for r in listing.records] == [(0, 1), (0,), (), (1,)]
    assert listing.multilabel


def test_no_separator_keeps_cells_whole(root):
    assert table(root, "file,label\n1.png,a;b\n2.png,c\n", separator="").classes == ("a;b", "c")


def test_one_column_per_class(root):
    listing = table(root, "file,sun,sea,fog\n1.png,1,1,0\n2.png,0,0.0,\n3.png,True,false,0\n")
    assert listing.classes == ("sun", "sea", "fog")
    assert [r.labels for r in listing.records] == [(0, 1), (), (0,)]
    assert listing.multilabel
    assert "1 class has no image: fog." in listing.notices
    assert "1 cell of the label columns is empty and counts as 0." in listing.notices
    more = table(root, "file,sun,sea\n1.png,1,\n2.png,,1\n3.png,1,0\n")
    assert "2 cells of the label columns are empty and count as 0." in more.notices


def test_one_hot_rows_are_single_labels(root):
    assert not table(root, "file,sun,sea\n1.png,1,0\n2.png,0,1\n").multilabel


def test_split_column(root):
    listing = table(root, "file,label,split\n1.png,a,train\n2.png,b,Valid\n3.png,b,train\n4.png,a,test\n")
    assert listing.own_split == {"train": ("1.png", "3.png"), "val": ("2.png",), "test": ("4.png",)}


@pytest.mark.parametrize(
    ("header", "cells", "own", "told"),
    [
        ("is_test,is_valid", ("0,0", "1,1", "0,0", "0,1"), {"train": "13", "val": "4", "test": "2"}, ""),
        ("is_train", ("1", "0", "1", "1"), {"train": "134", "val": "2"}, "is_train says which images train; the oth"),
        ("split", ("train",) * 4, None, ""),  # says nothing about how to validate
    ],
)
def test_sets_by_columns(root, header, cells, own, told):
    rows = "".join(f"{i}.png,{'ab'[i % 2]},{cell}\n" for i, cell in enumerate(cells, 1))
    listing = table(root, f"file,label,{header}\n{rows}")
    files = {name: tuple(f"{i}.png" for i in numbers) for name, numbers in (own or {}).items()}
    assert listing.own_split == (files or None)
    assert told in "\n".join(listing.notices)
    assert listing.columns == ()


@pytest.mark.parametrize(
    ("header", "columns", "told"),
    [
        ("x,y,mass", ("x", "y", "mass"), ""),  # two corners are no box
        ("bbox_x,BBox y,bbox-w,bbox_h", (), "bbox_x, BBox y, bbox-w and bbox_h hold boxes, which are not used"),
    ],
)
def test_columns_of_a_box_are_told_from_others(root, header, columns, told):
    cells = ",".join(["1"] * (header.count(",") + 1))
    listing = table(root, f"file,label,{header}\n1.png,a,{cells}\n2.png,b,{cells}\n")
    assert listing.columns == columns
    assert told in "\n".join(listing.notices)


@pytest.mark.parametrize(
    ("places", "own"),
    [
        (
            ("train", "train", "val", "val"),
            {"train": ("train/1.png", "train/2.png"), "val": ("val/3.png", "val/4.png")},
        ),
        (("train", "train", "val", "more"), None),  # of one image the folder says no set
        (("train",) * 4, None),
    ],
)
def test_folders_say_the_sets_of_all_images_or_of_none(root, places, own):
    rows = ""
    for i, place in enumerate(places, 1):
        (root / place).mkdir(exist_ok=True)
        (root / f"{i}.png").rename(root / place / f"{i}.png")
        rows += f"{place}/{i}.png,{'ab'[i % 2]}\n"
    assert table(root, f"file,label\n{rows}").own_split == own


def test_the_column_called_like_images_is_taken_of_two_that_name_some(root):
    listing = table(root, "thumb,file,label\n2.png,1.png,a\n1.png,2.png,b\n")
    assert [(r.file, r.labels) for r in listing.records] == [("1.png", (0,)), ("2.png", (1,))]


@pytest.mark.parametrize("absent", ["0", "0.0"])
def test_labels_that_were_verified_as_absent_are_none(root, absent):
    listing = table(root, f"ImageID,LabelName,Confidence\n1.png,a,1.0\n1.png,b,{absent}\n2.png,b,1.0\n")
    assert [r.labels for r in listing.records] == [(0,), (1,)]


def test_images_elsewhere(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("table")
    (other / "t.csv").write_text(f"file,label\n1.png,a\n{root / '2.png'},b\n")
    listing = Table(path=str(other / "t.csv"), images_root=str(root)).listing()
    assert [r.file for r in listing.records] == ["1.png", "2.png"]
    assert listing.root == root


def test_missing_files_are_left_out_and_told_with_their_lines(root):
    listing = table(root, "file,label\n1.png,a\n9.png,b\n2.png,b\n8.png,b\n")
    assert len(listing) == 2
    assert "Not used: 2 rows of t.csv with a missing image: 9.png (line 3), 8.png (line 5)." in listing.notices


def test_repeated_rows_are_told(root):
    listing = table(root, "file,label\n1.png,a\n2.png,b\n./1.png,a\n")
    assert len(listing) == 2
    assert "Not used: 1 row of t.csv repeating an earlier one: 1.png (lines 2 and 4)." in listing.notices


BROKEN = {
    "no column names": ("1.png,cat\n2.png,dog\n", {}, "no line with column names"),
    "empty": ("", {}, "the table is empty"),
    "no rows": ("file,label\n\n", {}, "column names and no rows"),
    "a cell too many": ("file,label\n1.png,a\n2.png,b,c\n", {}, "line 3: 3 cells where line 1 names 2"),
    "an open quote": ('file,label\n1.png,"a\n2.png,b\n', {}, "line 3: unexpected end of data"),
    "a column twice": ("file,label,label\n1.png,a,b\n", {}, "'label' is named twice"),
    "no image column": ("name,label\nx,a\ny,b\n", {}, "no column of t.csv holds names of image files"),
    "unknown image column": ("file,label\n1.png,a\n", {"image_column": "img"}, r"no such column \(got 'img'\)"),
    "unknown label column": ("file,label\n1.png,a\n", {"label_columns": ("x",)}, "Its columns are file, label"),
    "unclear labels": ("file,x,y\n1.png,a,b\n2.png,c,d\n", {}, "Which column of t.csv holds the labels"),
    "no labels": ("file\n1.png\n", {}, "t.csv has no labels"),
    "empty label": ("file,label\n1.png,a\n2.png,\n", {}, "too few classes are left: 1 image has no label"),
    "gone": ("file,label\n1.png,a\n7.png,b\n", {}, r"too few classes are left: 1 row .*: 7.png \(line 3\)"),
    "-1 and 0": ("file,a,b\n1.png,1,-1\n2.png,0,1\n", {}, "line 2: b holds -1 where others hold 0"),
    "no set": ("file,label\n1.png,a\n2.png,b\n", {"set_names": ("x=y",)}, "this names no set"),
    "empty file": ("file,label\n1.png,a\n,b\n", {}, "line 3: no file is named"),
    "no 0 or 1": (
        "file,a,b\n1.png,1,2\n",
        {"label_columns": ("a", "b")},
        r"line 2: b holds neither 0 nor 1 \(got '2'",
    ),
    "contradiction": ("file,label\n1.png,a\n2.png,b\n1.png,b\n", {}, r"line 2: 1\.png is a, and b on line 4"),
    "no file there": ("file,label\n7.png,a\n8.png,b\n", {}, "none of the 2 files named in t.csv exists"),
    "one class": ("file,label\n1.png,a\n2.png,a\n", {}, r"only one class \(a\)"),
    "one class, and a row twice": ("file,label\n1.png,a\n2.png,a\n1.png,a\n", {}, r"only one class \(a\)"),
    "absolute": ("file,label\n1.png,a\n/etc/passwd,b\n", {}, r"line 3: the file lies outside"),
    "unknown set": (
        "file,label,split\n1.png,a,train\n2.png,b,later\n",
        {"split_column": "split"},
        "line 3: split holds no",
    ),
    "two sets": ("file,label,split\n1.png,a,train\n2.png,b,train\n1.png,a,val\n", {}, "1.png is in two sets"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_tables(root, case):
    text, settings, told = BROKEN[case]
    with pytest.raises(DataError, match=told):
        table(root, text, **settings)


@pytest.mark.parametrize("way", ["../{}", "x/../../{}"])
def test_a_file_that_is_there_outside_is_refused(tmp_path, way):
    images.write(tmp_path / "out.png")
    images.write(tmp_path / "set/1.png")
    with pytest.raises(DataError, match="line 3: the file lies outside"):
        table(tmp_path / "set", f"file,label\n1.png,a\n{way.format('out.png')},b\n")


def test_other_encodings_name_the_line(root):
    (root / "t.csv").write_bytes("file,label\n1.png,a\n2.png,café\n".encode("latin-1"))
    with pytest.raises(DataError, match="line 3: this is not UTF-8"):
        detect(root / "t.csv").listing()


def test_lines_of_json_are_told_by_their_numbers(root):
    path = root / "t.jsonl"
    path.write_text('{"file": "1.png", "label": "a"}\n\n{"file": "2.png",\n')
    with pytest.raises(DataError, match=r"t\.jsonl, line 3: this is no JSON"):
        detect(path).listing()
    path.write_text('{"file": "1.png", "label": "a"}\n{"file": "9.png", "label": "b"}\n{"file": "2.png", "label": "b"}')
    assert "9.png (line 2)" in "".join(detect(path).listing().notices)


def test_a_folder_is_no_table(root):
    with pytest.raises(DataError, match="a folder, not a table"):
        Table(path=str(root)).listing()


def test_settings_round_trip(root):
    made = Table(path="x.csv", label_columns=("a", "b"), separator="|")
    assert Table.parse(made.plain()) == made
    with pytest.raises(ConfigError, match="image_colum"):
        Table(path="x.csv", image_colum="file")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file,label\n1.png,red\n2.png,green\n3.png,red\n4.png,gre", "t.csv, line 5: no line break ends it"),
        ("file,label\n1.png,red\n2.png,green\n3.png,red\n4.png,green", ""),
        ("file,label\n1.png,red\n2.png,green\n3.png,red\n4.png,blue\n", ""),
    ],
)
def test_a_last_line_that_looks_like_part_of_one_is_told(root, text, told):
    notices = "\n".join(table(root, text).notices)
    assert told in notices
    assert bool(told) == ("cut off" in notices)


def test_a_row_per_label_that_stands_twice_is_told(root):
    rows = "1.png,red\n1.png,blue\n2.png,red\n2.png,blue\n1.png,red\n"
    listing = table(root, f"file,label\n{rows}")
    assert [r.labels for r in listing.records] == [(0, 1), (0, 1)]
    assert "Not used: 1 row of t.csv repeating an earlier one: 1.png (lines 2 and 6)." in listing.notices


def test_the_separator_of_most_cells_is_taken(root):
    listing = table(root, "file,labels\n1.png,red|blue\n2.png,blue|red\n3.png,'; --\n4.png,red\n")
    assert listing.classes == ("'; --", "blue", "red")


@pytest.mark.parametrize("order", ["le", "be"])
def test_a_table_in_utf_16_is_read_and_zeros_are_told_with_their_line(root, order):
    text = "file\tlabel\n1.png\tdog\n2.png\tcafé\n"
    (root / "t.tsv").write_text(f"\ufeff{text}", encoding=f"utf-16-{order}")
    assert detect(root / "t.tsv").listing().classes == ("café", "dog")
    (root / "t.tsv").write_bytes(text.encode()[:-5] + bytes(5))
    with pytest.raises(DataError, match=r"t\.tsv, line 3: this is not UTF-8"):
        detect(root / "t.tsv").listing()


def test_a_column_of_bits_without_a_name_is_no_class(root):
    with pytest.raises(DataError, match=r"t\.csv: a column of 0 and 1 has no name"):
        table(root, "file,red,\n1.png,0,1\n2.png,1,0\n")


def test_texts_that_parquet_holds_as_bytes_are_texts(root):
    """As Spark and Impala write them where nobody tells them that bytes are text."""
    cells = {"file": [b"1.png", b"2.png"], "label": [b"dog", "café".encode()], "note": [None, b"x"]}
    pq.write_table(
        pa.table({name: pa.array(values, pa.binary()) for name, values in cells.items()}), root / "t.parquet"
    )
    source = detect(root / "t.parquet")
    assert source.kind == "table"
    assert source.listing().classes == ("café", "dog")
    assert [record.cells for record in source.listing().records] == [("",), ("x",)]
