"""Sheets: every one holds what its name says, in columns that can be read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.made import one_label, several_labels
from evaluation.test_report import record
from nbtrain.evaluation import sheets

COLUMNS = {
    "metrics": ("metric", "value", "low", "high"),
    "errors": ("file", "true", "predicted", "label", "kind", "probability", "loss"),
    "suspicious_labels": ("file", "label", "proposed", "quality", "suspected"),
    "curves": ("class", "curve", "x", "y"),
    "damaged": ("file", "reason"),
}


@pytest.mark.parametrize("make", [one_label, several_labels])
def test_each_sheet_holds_what_its_name_says(make):
    found = replace(make(60), damaged=(("broken.jpg", "it ends early"),))
    made = dict(sheets.sheets(record(found), found))
    assert {name: tuple(made[name][0]) for name in COLUMNS} == COLUMNS
    assert made["damaged"][1] == [("broken.jpg", "it ends early")]
    assert {row[0] for row in made["metrics"][1]} == set(record(found).metrics)
    doubts = [row[3] for row in made["suspicious_labels"][1] if row[4]]
    assert doubts == sorted(doubts)
    assert [row[0] for row in made["predictions"][1]] == list(found.files)


def test_errors_are_the_wrong_images_with_their_loss():
    found = one_label(60)
    rows = dict(sheets.sheets(record(found), found))["errors"][1]
    wrong = {found.files[place]: place for place in (~found.right).nonzero()[0].tolist()}
    assert {row[0] for row in rows} == set(wrong)
    for file, true, predicted, _, _, probability, loss in rows:
        place = wrong[file]
        assert true == found.classes[found.targets[place]]
        assert predicted == found.classes[found.predicted[place]]
        assert probability == pytest.approx(found.probabilities[place].max())
        assert loss == pytest.approx(found.losses[place])
