"""The picture in a saved notebook: complete, and whatever people have named is text in it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nbtrain.project.project import Project
from nbtrain.ui import snapshot

BAD = "<img src=x onerror=alert(1)> & “co”"


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "flowers")
    yield project
    project.close()


def test_a_name_is_text(project):
    experiment = project.new(BAD)
    for page in (snapshot.project_html(project), snapshot.experiment_html(experiment)):
        assert "<img" not in page
        assert "&lt;img src=x onerror=alert(1)&gt; &amp; “co”" in page
    assert BAD in snapshot.project_text(project)


def test_rows_that_are_not_shown_are_counted(project, monkeypatch):
    monkeypatch.setattr(snapshot, "_MOST_ROWS", 2)
    for name in ("One", "Two"):
        project.new(name)
    assert "more</p>" not in snapshot.project_html(project)
    project.new("Three")
    page = snapshot.project_html(project)
    assert page.count("<tr>") == 3  # the head and two
    assert "and 1 more" in page
    assert snapshot.project_text(project).startswith("flowers: 3 experiments")


@pytest.mark.parametrize(
    ("best", "text"),
    [
        ({"metric": "accuracy", "value": 0.9864}, "accuracy 98.6 %"),
        ({"metric": "loss", "value": 0.98642}, "loss 0.9864"),
        ({"metric": "accuracy"}, ""),
        ({}, ""),
    ],
)
def test_the_best_in_words(project, best, text):
    experiment = project.new("One")
    experiment.best = best
    assert snapshot.best_text(experiment) == text


def test_a_gap_starts_a_new_stroke_and_the_highest_is_at_the_top():
    drawn = snapshot._path(np.array([0.0, 1, 2, 3]), np.array([2.0, 1, np.nan, 0]), 3.0, 0.0, 2.0)
    points = re.findall(r"([ML])([\d.]+) ([\d.]+)", drawn)
    assert [pen for pen, _, _ in points] == ["M", "L", "M"]
    assert [float(left) for _, left, _ in points] == pytest.approx([40, 186.7, 480], abs=0.1)
    assert [float(top) for _, _, top in points] == pytest.approx([20, 78, 136])
