"""The report: one page without any address of another machine, safe against names, complete, and small; and sheets."""

from __future__ import annotations

import base64
import csv
import io
import re
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evaluation.made import one_label, several_labels
from nbtrain.errors import FormatError, ProjectError
from nbtrain.evaluation import bootstrap, folder, scores, sheets
from nbtrain.evaluation.folder import Record
from nbtrain.evaluation.predictions import Heat, HeatMap
from nbtrain.evaluation.report import charts, html, is_report
from nbtrain.evaluation.report.pictures import heated

BAD = "<script>alert('x')</script>&\"ä"


def record(found, **more):
    return Record(
        part="val", run="0001", which="best", step=7, epoch=1, file="step-00000007.pt", sha256="ab" * 32, dataset=BAD,
        data_hash="d", split="s", split_hash="h", task="multilabel" if found.multilabel else "classification",
        n_classes=len(found.classes), n_images=len(found), metrics=scores.values(found),
        intervals=bootstrap.intervals(found, resamples=50), notices=(BAD,), **more,
    )  # fmt: skip


def dressed(make, **named):
    found = make(**named)
    n = len(found)
    heat = Heat(np.arange(n), np.zeros(n, int), np.random.default_rng(0).integers(0, 256, (n, 3, 3)).astype(np.uint8))
    names = (BAD, *found.classes[1:])
    cells = tuple((BAD if place % 2 else "",) for place in range(n))
    light = np.linspace(0, 1, n)
    hostile = tuple(f"{BAD}/{name}" for name in found.files)
    return replace(
        found,
        files=hostile,
        classes=names,
        heat=heat,
        columns=("by <b>",),
        cells=cells,
        conditions={"brightness": light},
    )


@pytest.mark.parametrize("make", [one_label, several_labels])
def test_a_page_of_one_file(make):
    found = dressed(make, n=150)
    pixels = np.random.default_rng(0).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    page = html(BAD, record(found), found, lambda file: pixels if file != found.files[0] else None, outdated="so it is")
    assert "<script" not in page
    assert "by <b>" not in page
    assert not re.search(r'(src|href)="(?!data:image/jpeg;base64,)|url\(|@import|https?://', page)
    assert len(page.encode()) < 5 * 2**20
    for word in (
        "Class by class",
        "Curves and calibration",
        "Worst errors",
        "What was evaluated",
        "Outdated: so it is",
    ):
        assert word in page
    assert ("What is taken for what" in page) != found.multilabel
    assert page.count("data:image/jpeg") >= 24
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower().replace("<title>", "")


def test_a_heat_map_lies_over_what_the_model_saw():
    def shown(part):
        """Return the red of a black image under one hot cell, upper left, as shares of its width and height."""
        cells = np.zeros((4, 4), np.uint8)
        cells[0, 0] = 255
        data = heated(np.zeros((100, 200, 3), np.uint8), HeatMap(cells, part), 200)
        red = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB"))[..., 0]
        rows, columns = np.nonzero(red > 150)
        return columns.mean() / 200, rows.mean() / 100

    assert shown((0.0, 0.0, 1.0, 1.0)) == pytest.approx((0.125, 0.125), abs=0.08)
    assert shown((0.25, 0.0, 0.75, 1.0)) == pytest.approx((0.3125, 0.125), abs=0.06)  # the middle was cut out
    assert shown((1.0, 0.0, 0.0, 1.0)) == pytest.approx((0.875, 0.125), abs=0.08)  # mirrored
    assert shown((0.0, -0.2, 1.0, 1.2))[1] <= 0.12  # of a border only what lies inside is drawn


def test_a_thousand_classes_stay_small():
    many = replace(dressed(one_label, n=600, k=1000), heat=None)
    page = html("many", record(many), many, lambda file: np.zeros((64, 64, 3), np.uint8))
    assert len(page.encode()) < 2**20


def test_a_chart_holds_each_of_its_lines():
    drawn = [charts.Line(f"<{number}>", np.array([0.0, np.nan, 1.0]), np.array([0.0, 0.5, 1.0]), number)
             for number in range(3)]  # fmt: skip
    page = charts.lines(drawn, "recall", "precision")
    assert [page.count(f'class="line c{number}"') for number in range(3)] == [1, 1, 1]
    assert page.index("line c2") < page.index("line c0")  # the main one on top
    assert "&lt;1&gt;" in page
    assert page.count("chance") == 0
    assert charts.lines(drawn, "x", "y", diagonal=True).count('class="chance"') == 1


@pytest.mark.parametrize("k", [40, 41])
def test_a_matrix_is_drawn_up_to_forty_classes(k):
    found = one_label(300, k=k)
    assert ("most frequent confusions" in html("x", record(found), found, lambda file: None)) == (k > 40)


def test_an_evaluation_that_cannot_be_kept_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.files, "write_json", full)
    found = one_label(20)
    with pytest.raises(ProjectError, match="No space left"):
        folder.make(tmp_path, record(found), found)
    assert [path.name for path in (tmp_path / folder.FOLDER).iterdir()] == []


def test_sheets_of_many_classes_hold_what_can_be_read(tmp_path, monkeypatch):
    for name, limit in {"_MATRIX": 20, "_CURVES": 5, "_MOST_SHARES": 100}.items():
        monkeypatch.setattr(sheets, name, limit)
    found = one_label(60, k=30)
    tables = {}
    for path in sheets.write(tmp_path, record(found), found):
        tables[path.stem] = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert tables["confusion"][0] == ["true", "predicted", "images"]
    assert sum(int(row[2]) for row in tables["confusion"][1:]) == (~found.right).sum()
    assert len({row[0] for row in tables["curves"][1:]}) == 6
    head, first = tables["predictions"][:2]
    assert head[4:14] == [name for place in range(1, 6) for name in (f"class {place}", f"p(class {place})")]
    best = np.argsort(-found.probabilities[0], kind="stable")[:5]
    assert [float(cell) for cell in first[5:14:2]] == pytest.approx(found.probabilities[0][best].tolist())


def test_pages_of_extremes():
    many = one_label(200, k=60)
    assert "most frequent confusions of 60 classes" in html("many", record(many), many, lambda file: None)
    perfect = one_label(30, k=3, strength=40.0)
    page = html("perfect", record(perfect), perfect, lambda file: None)
    assert "There are none" in page
    assert "may be wrong" not in page


@pytest.mark.parametrize("make", [one_label, several_labels])
def test_sheets_can_be_read_back(make, tmp_path):
    found = dressed(make, n=60)
    written = sheets.write(tmp_path / "out" / "deep", record(found), found)
    tables = {}
    for path in written:
        with open(path, encoding="utf-8-sig", newline="") as file:
            tables[path.stem] = list(csv.reader(file))
    assert {len({len(row) for row in rows}) for rows in tables.values()} == {1}
    assert float(dict(row[:2] for row in tables["metrics"])["f1"]) == scores.values(found)["f1"]
    assert len(tables["predictions"]) == 61
    shares = [float(cell) for cell in tables["predictions"][1][4 : 4 + len(found.classes)]]
    np.testing.assert_allclose(shares, found.probabilities[0])
    assert tables["per_class"][1][0] == BAD
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="could not be written"):
        sheets.write(tmp_path / "file" / "x", record(found), found)


def test_sheets_take_no_other_files_place(tmp_path):
    found = dressed(one_label, n=20)
    before = {path: path.read_bytes() for path in sheets.write(tmp_path, record(found), found)}
    sheets.write(tmp_path, record(found), found)  # the same again
    mine = tmp_path / "curves.csv"
    mine.write_text("mine")
    other = dressed(one_label, n=30)
    with pytest.raises(ProjectError, match=r"another file of this name is there.*replace=True"):
        sheets.write(tmp_path, record(other), other)
    assert {path: path.read_bytes() for path in before} == {**before, mine: b"mine"}  # not one of them is written
    sheets.write(tmp_path, record(other), other, replace=True)
    assert all(path.read_bytes() != data for path, data in before.items() if path.stem in ("curves", "predictions"))


@pytest.mark.parametrize(("side_px", "enlarged"), [(8, True), (56, True), (57, False), (200, False)])
def test_an_image_of_few_pixels_is_shown_with_its_pixels(side_px, enlarged):
    found = dressed(one_label, n=20)
    page = html(BAD, record(found), found, lambda _: np.zeros((side_px, 5, 3), np.uint8))
    assert ('<img class="pixels"' in page) == enlarged


def test_a_page_is_known_as_a_report():
    found = dressed(one_label, n=20)
    assert is_report(html(BAD, record(found), found, lambda _: None).encode())
    assert not is_report(b"<!doctype html><html><head><title>mine</title></head></html>")


def test_evaluations_are_numbered_and_appear_whole(tmp_path):
    found = one_label(20)
    told = record(found)
    assert folder.numbers(tmp_path) == []
    assert [folder.make(tmp_path, told, found) for _ in range(3)] == [1, 2, 3]
    at = folder.path(tmp_path, 3)
    assert folder.read(at) == told
    np.testing.assert_array_equal(folder.predictions(at).probabilities, found.probabilities)
    at.rename(tmp_path / "elsewhere")
    assert folder.make(tmp_path, told, found) == 4
    assert folder.numbers(tmp_path) == [1, 2, 4]
    with pytest.raises(ProjectError, match="could not be kept"):
        folder.make(tmp_path / "gone", told, found)
    one = folder.path(tmp_path, 1)
    for text in ("", "{}", '{"format": 99}', "[1]"):
        (one / folder.RECORD).write_text(text)
        assert folder.read(one) is None
    (one / folder.PREDICTIONS).write_bytes(struct.pack("8x"))
    with pytest.raises(FormatError):
        folder.predictions(one)


def test_a_metric_without_a_value_survives_the_file(tmp_path):
    found = one_label(20)
    told = replace(record(found), metrics={"accuracy": 0.5, "auroc": float("nan")})
    folder.make(tmp_path, told, found)
    again = folder.read(folder.path(tmp_path, 1))
    assert again.metrics["accuracy"] == 0.5
    assert np.isnan(again.metrics["auroc"])


def test_a_page_shows_every_text_of_its_record_as_text():
    """evaluation.json may come from anybody."""
    found = one_label(n=30, k=3)
    whole = record(found)
    texts = {one: BAD for one, value in vars(whole).items() if isinstance(value, str) and one != "task"}
    page = html(BAD, replace(whole, **texts), found, lambda _: None, outdated=BAD)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10
