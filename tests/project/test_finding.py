"""The words of the filter: the same cases as in js/tests/experiments.test.ts."""

from __future__ import annotations

import pytest

from nbtrain.project.finding import matches

ONE = {"tags": ["two words"], "words": ("night owl", "", "created")}
TWO = {"tags": ["Night", "x"], "words": ("Experiment", "after the storm", "created")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("night", [True, True]),
        ("tag:night", [False, True]),
        ('tag:"two words" owl', [True, False]),
        ("tag:two tag:x", [False, False]),
        ("STORM", [False, True]),
        ("tag: owl", [True, False]),
        ('"after the', [False, True]),
        ("", [True, True]),
    ],
)
def test_words_and_tags(text, found):
    assert [matches(text, **ONE), matches(text, **TWO)] == found
