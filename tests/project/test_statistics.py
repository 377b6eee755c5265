"""Statistics from code: data frames, class weights as the loss computes them, before and after a scan."""

from __future__ import annotations

import pandas as pd
import pytest

from images import write_classes
from nbtrain.project.project import Project
from nbtrain.project.statistics import charts_of, weights_of
from nbtrain.training.losses import BCE, CrossEntropy


@pytest.fixture
def data(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 12, "dog": 6, "eel": 2}), "animals")
    yield made.dataset()
    made.close()


def test_weights_are_those_of_the_loss_on_the_training_images(data):
    split = data.split("half", val_ratio=0.5)
    frames = data.statistics("half", beta=0.9)
    listing = data.listing()
    counts = [
        sum(listing.records[place].labels == (label,) for place in split.places(listing)["train"]) for label in range(3)
    ]
    weights = frames["weights"]
    assert weights.train.tolist() == frames["classes"].train.tolist() == counts
    assert weights.auto.tolist() == list(CrossEntropy(class_weights="auto").weights(counts))
    assert weights.effective.tolist() == list(CrossEntropy(class_weights="effective", beta=0.9).weights(counts))
    assert (weights.auto * weights.train).sum() == pytest.approx(weights.train.sum())
    assert data.statistics()["weights"].train.tolist() == [12, 6, 2]
    given = weights_of(charts_of(data), BCE(class_weights="given", given_weights=(1, 2)))
    assert [row.get("given") for row in given] == [1, 2, None]


def test_what_is_left_out_does_not_count_and_pixels_need_a_scan(data):
    data.exclude("cat/000.png")
    frames = data.statistics()
    assert set(frames) == {"classes", "weights", "size_kib"}
    assert frames["classes"].images.tolist() == [11, 6, 2]
    assert isinstance(frames["size_kib"], pd.DataFrame)
    assert data.project.scan(start=False).tables() == {}
