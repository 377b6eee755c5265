"""Slices, errors and suspicious labels: what is cut, ranked and named, and that planted wrong labels are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.made import one_label, several_labels
from nbtrain.errors import DataError, FormatError
from nbtrain.evaluation import predictions as stored
from nbtrain.evaluation import slices
from nbtrain.evaluation.errors import errors
from nbtrain.evaluation.predictions import Heat, Predictions
from nbtrain.evaluation.suspicion import suspicion


@pytest.fixture(params=[one_label, several_labels])
def rich(request):
    found = request.param(120)
    generator = np.random.default_rng(1)
    brightness = generator.random(120)
    brightness[:3] = np.nan
    cells = tuple((("anna", "ben", "")[place % 3],) for place in range(120))
    return replace(found, conditions={"brightness": brightness}, columns=("patient",), cells=cells)


def test_slices_hold_every_image_once(rich):
    assert slices.offered(rich) == ["class", "brightness", "patient"]
    by_patient = slices.slices(rich, "patient")
    assert [one.name for one in by_patient] == ["(not known)", "anna", "ben"]
    by_light = slices.slices(rich, "brightness")
    assert [one.n for one in by_light] == [30, 29, 29, 29, 3]
    assert by_light[0].name.startswith("darkest, ")
    assert by_light[-1].name == "(not known)"
    for found in (by_patient, by_light):
        assert sum(one.n for one in found) == 120
        assert all(one.interval.low <= one.value <= one.interval.high for one in found)
    assert len(slices.slices(rich, "class")) == len(rich.classes)
    with pytest.raises(DataError, match="patient"):
        slices.slices(rich, "doctor")


def test_a_slice_that_is_worse_stands_out():
    found = one_label(400, k=3, strength=6.0)
    wrong = found.predicted.copy()
    wrong[:40] = (found.targets[:40] + 1) % 3
    cells = tuple(("scanner B" if place < 80 else "scanner A",) for place in range(400))
    bad = replace(found, chosen=wrong, columns=("scanner",), cells=cells)
    told = {one.name: one for one in slices.slices(bad, "scanner")}
    assert told["scanner B"].value < 0.6
    assert told["scanner B"].stands_out
    assert told["scanner B"].rest > 0.95
    assert (told["scanner B"].worse, told["scanner A"].worse) == (True, False)
    assert told["scanner A"].stands_out  # as the better one


def test_rare_cells_go_together_and_equal_numbers_stay_together():
    found = replace(one_label(200), columns=("id",), cells=tuple((str(place),) for place in range(200)))
    assert len(slices.slices(found, "id")) == slices.MOST
    same = replace(found, conditions={"size": np.full(200, 32.0)})
    assert [(one.name, one.n) for one in slices.slices(same, "size")] == [("32", 200)]


def test_errors_come_worst_first():
    found = one_label()
    told = errors(found, 10)
    assert [one.loss for one in told] == sorted((one.loss for one in told), reverse=True)
    assert all(one.true != one.predicted for one in told)
    assert len(errors(found, 10**6)) == (~found.right).sum()
    about = errors(found, 100, kind="false positives", label="class 3")
    assert about
    assert {one.predicted for one in about} == {("class 3",)}
    assert {one.true for one in errors(found, 100, kind="misses", label="class 3")} == {("class 3",)}
    for wrong in ({"kind": "funny"}, {"label": "nobody"}):
        with pytest.raises(DataError):
            errors(found, **wrong)


def test_errors_of_several_labels_are_decisions():
    found = several_labels()
    assert len(errors(found, 10**6)) == (found.guess != found.truth).sum()
    for one in errors(found, 100, kind="false positives", label="label 1"):
        assert (one.kind, one.label) == ("false positive", "label 1")
        assert one.probability >= 0.5
        assert "label 1" in one.predicted
        assert "label 1" not in one.true
    misses = errors(found, 100, kind="misses")
    assert misses[0].probability < 0.2
    assert all(one.kind == "miss" for one in misses)


def test_planted_wrong_labels_come_first():
    """Of 5 % wrong labels, at least 80 % are in the first tenth of the ranking (predictions of digits left out)."""
    bunch = load_digits()
    generator = np.random.default_rng(0)
    n = len(bunch.target)
    planted = generator.choice(n, n // 20, replace=False)
    given = bunch.target.copy()
    given[planted] = (given[planted] + generator.integers(1, 10, len(planted))) % 10
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=200))
    shares = cross_val_predict(model, bunch.data, given, cv=3, method="predict_proba").astype(np.float32)
    losses = -np.log(np.maximum(shares[np.arange(n), given], 1e-12)).astype(np.float32)
    found = suspicion(Predictions(tuple(map(str, range(10))), tuple(map(str, range(n))), shares, given, losses))
    first = set(found.order[: n // 10].tolist())
    assert len(first & set(planted.tolist())) / len(planted) >= 0.8
    right = np.mean(found.proposed[planted] == bunch.target[planted])
    assert right > 0.8
    assert found.suspected[planted].mean() > 0.6
    assert found.suspected.mean() < 0.15


def test_doubtful_answers_of_several_labels():
    found = several_labels(400, strength=3.0)
    wrong = found.targets.copy()
    wrong[:10, 2] = 1 - wrong[:10, 2]
    told = suspicion(replace(found, targets=wrong))
    assert len(set(told.order[:25].tolist()) & set(range(10))) >= 8
    assert (told.given[:10] == 2).mean() >= 0.8
    assert told.suspected[:10].mean() >= 0.8


def test_a_file_gives_back_what_was_saved(rich, tmp_path):
    parts = np.float32([[0, 0, 1, 1], [1.25, -0.5, -0.25, 1.5]])
    heat = Heat(np.array([4, 7]), np.array([0, 1]), np.arange(32, dtype=np.uint8).reshape(2, 4, 4), parts)
    whole = replace(rich, damaged=(("bad/ä.png", "it is cut off"),), heat=heat)
    whole.save(tmp_path / "p.npz")
    again = stored.load(tmp_path / "p.npz")
    for name in ("classes", "files", "columns", "cells", "damaged", "threshold"):
        assert getattr(again, name) == getattr(whole, name)
    for name in ("probabilities", "targets", "losses"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    np.testing.assert_array_equal(again.conditions["brightness"], whole.conditions["brightness"])
    np.testing.assert_array_equal(again.heat.of(7).cells, heat.maps[1])
    assert again.heat.of(7).part == (1.25, -0.5, -0.25, 1.5)
    assert again.heat.of(5) is None
    data = (tmp_path / "p.npz").read_bytes()
    for broken in (data[: len(data) // 2], b"", b"PK" + data[2:200]):
        (tmp_path / "p.npz").write_bytes(broken)
        with pytest.raises(FormatError, match="Evaluate again"):
            stored.load(tmp_path / "p.npz")
    with pytest.raises(FormatError):
        stored.load(tmp_path / "missing.npz")
    with pytest.raises(ValueError, match="length"):
        replace(rich, files=rich.files[1:])


def test_of_many_classes_the_largest_have_slices_of_their_own():
    found = one_label(2000, k=80, strength=4.0)
    parts = slices.slices(found, slices.CLASS)
    assert (len(parts), parts[-1].name, sum(one.n for one in parts)) == (slices.MOST, slices.REST, 2000)
    support = np.bincount(found.targets)
    assert min(one.n for one in parts[:-1]) == np.sort(support)[-(slices.MOST - 1)]
