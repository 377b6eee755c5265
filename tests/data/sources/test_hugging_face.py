"""Parquet tables and data sets that Hugging Face saved, written here as it writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import images
from nbtrain.data.sources import HuggingFace, Source, Table, detect, look
from nbtrain.errors import DataError

LABEL = {"_type": "ClassLabel", "names": ["cat", "dog", "emu"]}
FEATURES = {"image": {"_type": "Image"}, "label": LABEL, "patient": {"_type": "Value", "dtype": "string"}}


def content(folder: Path, number: int) -> bytes:
    return images.write(folder / f"{number}.png", number).read_bytes()


def rows(folder: Path, labels: list[Any], **more: list[Any]) -> pa.Table:
    pictures = [{"bytes": content(folder, i), "path": f"{i}.png"} for i in range(len(labels))]
    patients = [f"p{i // 2}" for i in range(len(labels))]
    return pa.table({"image": pictures, "label": labels, "patient": patients, **more})


def noted(table: pa.Table, **features: Any) -> pa.Table:
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES | features}})})


def saved(folder: Path, table: pa.Table) -> Path:
    """Write a folder as save_to_disk does: a stream of batches, and two files about it."""
    folder.mkdir(parents=True)
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    return folder


def named(listing):
    return [[listing.classes[i] for i in record.labels] for record in listing.records]


@pytest.mark.parametrize("kind", ["saved", "saved with sets", "parquet with sets", "one parquet file"])
def test_images_inside(kind, tmp_path):
    path, raw = tmp_path / "set", tmp_path / "raw"
    train, test = rows(raw, [0, 1, 2, 1]), rows(raw, [1, 0])
    if kind == "saved":
        saved(path, train)
    elif kind == "saved with sets":
        saved(path / "train", train)
        saved(path / "test", test)
        (path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    elif kind == "parquet with sets":
        (path / "data").mkdir(parents=True)
        pq.write_table(noted(train), path / "data/train-00000-of-00001.parquet")
        pq.write_table(noted(test), path / "data/test-00000-of-00001.parquet")
    else:
        path = path.with_suffix(".parquet")
        pq.write_table(noted(train), path)
    source = detect(path)
    assert isinstance(source, HuggingFace)
    with pytest.raises(DataError, match="not said where"):
        source.listing()
    seen = look(source)
    placed = source.placed(tmp_path / "project/unpacked")
    said: list[str] = []
    placed.prepare(said.append)
    listing = Source.parse(placed.plain()).listing()
    assert listing.classes == seen.classes == ("cat", "dog", "emu")
    assert listing.counts == seen.counts
    assert named(listing)[:4] == [["cat"], ["dog"], ["emu"], ["dog"]]
    assert listing.columns == ("patient",)
    assert [record.cells for record in listing.records][:3] == [("p0",), ("p0",), ("p1",)]
    for number, record in enumerate(listing.records[:4]):
        assert (listing.root / record.file).read_bytes() == content(raw, number)
        assert record.size_bytes > 0
    if "sets" in kind:
        assert {s: len(files) for s, files in listing.own_split.items()} == {"train": 4, "test": 2}
        assert said[-1] == "2 of 2 images of test"
    else:
        assert listing.own_split is None


def test_several_labels_names_and_odd_rows(tmp_path):
    table = rows(tmp_path, [[0, 2], [], [1], [9]], box=[{"x": 1}] * 4)
    several = {"_type": "Sequence", "feature": LABEL}
    pq.write_table(noted(table, label=several), tmp_path / "t.parquet")
    listing = HuggingFace(path=str(tmp_path / "t.parquet"), unpacked=str(tmp_path / "to")).listing()
    assert named(listing) == [["cat", "emu"], [], ["dog"], []]
    assert "1 label is no class: 9 (row 4)." in listing.notices
    assert "1 column is not used: box." in listing.notices
    assert "2 rows have no label." in listing.notices


def test_plain_bytes_texts_as_labels_and_rows_without_an_image(tmp_path):
    data = [content(tmp_path, 0), content(tmp_path, 1), None]
    pq.write_table(pa.table({"picture": data, "class": ["a", "b", "b"]}), tmp_path / "t.parquet")
    listing = HuggingFace(path=str(tmp_path / "t.parquet"), unpacked=str(tmp_path / "to")).listing()
    assert named(listing) == [["a"], ["b"]]
    assert "Not used: 1 row without an image inside: row 3." in listing.notices


def test_a_changed_file_is_unpacked_anew(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(noted(rows(tmp_path, [0, 1])), path)
    source = HuggingFace(path=str(path), unpacked=str(tmp_path / "to"))
    assert len(source.listing()) == 2
    pq.write_table(noted(rows(tmp_path, [0, 1, 2])), path)
    assert len(source.listing()) == 3


def test_parquet_tables_that_name_files(tmp_path):
    for i in range(3):
        images.write(tmp_path / f"{i}.png", i)
    table = pa.table({"file": ["0.png", "1.png", "2.png"], "label": ["a", "b", "a"], "eye": ["l", None, "r"]})
    pq.write_table(table, tmp_path / "t.parquet")
    source = detect(tmp_path / "t.parquet")
    assert isinstance(source, Table)
    listing = source.listing()
    assert named(listing) == [["a"], ["b"], ["a"]]
    assert listing.columns == ("eye",)
    assert [record.cells for record in listing.records] == [("l",), ("",), ("r",)]


def test_rows_of_every_part_of_a_parquet_table_are_read(tmp_path):
    for i in range(5):
        images.write(tmp_path / f"{i}.png", i)
    table = pa.table({"file": [f"{i}.png" for i in range(5)], "label": list("ababa")})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    assert named(detect(tmp_path / "t.parquet").listing()) == [["a"], ["b"], ["a"], ["b"], ["a"]]


def test_a_label_that_is_not_known_is_none(tmp_path):
    pq.write_table(noted(rows(tmp_path, [0, -1, 2, 3, -3])), tmp_path / "t.parquet")
    listing = HuggingFace(path=str(tmp_path / "t.parquet"), unpacked=str(tmp_path / "to")).listing()
    assert named(listing) == [["cat"], [], ["emu"], [], []]
    assert "2 labels are no classes: 3 (row 4), -3 (row 5)." in listing.notices


def test_parquet_tables_name_the_row_that_is_wrong(tmp_path):
    images.write(tmp_path / "0.png")
    pq.write_table(pa.table({"file": ["0.png", "../x.png"], "label": ["a", "b"]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"1 row of t\.parquet with a missing image: \.\./x\.png \(row 2\)"):
        detect(tmp_path / "t.parquet").listing()


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ("{", "state.json, line 1"),
        ("[]", "do not say its _data_files"),
        ('{"_data_files": [{"filename": "../x.arrow"}]}', "leads out of it"),
        ('{"_data_files": [{"filename": "gone.arrow"}]}', "gone.arrow cannot be read"),
    ],
)
def test_broken_notes(notes, told, tmp_path):
    path = saved(tmp_path / "set", rows(tmp_path, [0, 1]))
    (path / "state.json").write_text(notes)
    with pytest.raises(DataError, match=told):
        look(path)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"hello" * 100])
def test_broken_parquet(data, tmp_path):
    (tmp_path / "t.parquet").write_bytes(data)
    with pytest.raises(DataError, match=r"t\.parquet cannot be read"):
        detect(tmp_path / "t.parquet").listing()


def test_broken_arrow(tmp_path):
    path = saved(tmp_path / "set", rows(tmp_path, [0, 1]))
    (path / "data-00000-of-00001.arrow").write_bytes(b"\xff" * 1000)
    with pytest.raises(DataError, match="cannot be read"):
        look(path)


def test_no_column_of_labels(tmp_path):
    pq.write_table(
        pa.table({"image": [content(tmp_path, 0)] * 2, "a": ["x", "y"], "b": ["z", "y"]}), tmp_path / "t.parquet"
    )
    with pytest.raises(DataError, match="not clear which column"):
        look(tmp_path / "t.parquet")
    assert look(HuggingFace(path=str(tmp_path / "t.parquet"), label_column="a")).n_images == 2


def test_without_pyarrow_it_says_what_to_install(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from nbtrain.data.sources import look\n"
        "from nbtrain.errors import DataError\n"
        f"try: look({str(tmp_path / 't.parquet')!r})\n"
        "except DataError as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install nbtrain[parquet]" in told


def test_dates_that_python_cannot_hold_are_an_error(tmp_path):
    far = pa.array([2**62] * 2, pa.timestamp("us"))
    images.write(tmp_path / "0.png")
    pq.write_table(pa.table({"file": ["0.png"] * 2, "label": ["a", "b"], "at": far}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet cannot be read"):
        look(tmp_path / "t.parquet")
    pq.write_table(rows(tmp_path, [0, 1], at=far), tmp_path / "u.parquet")
    with pytest.raises(DataError, match=r"u\.parquet cannot be read"):
        look(tmp_path / "u.parquet")


def test_notes_that_are_nested_too_deeply_are_none(tmp_path):
    notes = '{"info": {"features": {"label": ' + '{"feature":' * 5000 + "1" + "}" * 5000 + "}}}"
    made = rows(tmp_path, [0, 1]).replace_schema_metadata({"huggingface": notes})
    pq.write_table(made, tmp_path / "t.parquet")
    assert look(tmp_path / "t.parquet").classes == ("0", "1")


def test_a_saved_set_without_its_state_says_so(tmp_path):
    path = saved(tmp_path / "set", rows(tmp_path, [0, 1]))
    (path / "state.json").unlink()
    with pytest.raises(DataError, match=r"neither a state\.json nor a Parquet file"):
        look(HuggingFace(path=str(path)))


def test_texts_of_a_damaged_stream_are_not_read(tmp_path):
    """Arrow checks nothing by itself: texts would be read from wherever a damaged stream says that they lie."""
    path = saved(tmp_path / "set", rows(tmp_path, [0, 1], code=["anna", "bert"])) / "data-00000-of-00001.arrow"
    ends = np.array([0, 4, 8], "<i4").tobytes()
    assert path.read_bytes().count(ends) == 1
    path.write_bytes(path.read_bytes().replace(ends, np.array([0, -900_000_000, 8], "<i4").tobytes()))
    with pytest.raises(DataError, match=r"data-00000.* cannot be read"):
        look(path.parent)
