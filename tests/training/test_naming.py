"""Names with blanks: what they become, and that none can leave its place."""

from __future__ import annotations

import math

import pytest

from nbtrain.training import naming
from nbtrain.training.naming import Naming

NAMES = Naming("Größe 3/4 <b>", "accuracy")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("best_model.pt", "best_model.pt"),
        ("{name}-{epoch}-{metric:.3f}.pt", "groe-3-4-b-12-0.954.pt"),
        ("{epoch:03}_{step:06}.pt", "012_000480.pt"),
        ("{metric}.pt", "0.9537.pt"),
    ],
)
def test_blanks_are_filled(pattern, name):
    assert naming.checked(pattern) == pattern
    filled = NAMES.filled(pattern, 480, 12, {"accuracy": 0.95371, "loss": 1.0})
    assert filled == name
    assert naming.is_link(filled)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.5, 1e300, -1e30, 0.0])
@pytest.mark.parametrize("name", ["", "step-00000012", "../../x", "con", "x" * 5000, "日本"])
def test_whatever_fills_them_it_is_one_file_and_none_of_our_own(name, value):
    filled = Naming(name, "loss").filled("{name}{metric:.9f}-{step}.pt", 10**9, 10**5, {"loss": value})
    assert naming.is_link(filled)


def test_before_the_first_validation_there_is_no_metric():
    assert NAMES.filled("{metric}.pt", 1, 0, {}) == "nan.pt"


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}", "{name}/{epoch}.pt", "{seed}.pt", "{0}.pt", "{}.pt", "{epoch.__class__}.pt", "{metric!r}.pt",
        "{metric:.99f}.pt", "{metric:100000000}.pt", "{epoch:{step}}.pt", "{epoch.pt", "epoch}.pt", "step-{step}.pt",
        "STEP-1.pt", "{name:>9}.pt", "..{epoch}.pt",
    ],
)  # fmt: skip
def test_other_patterns_are_refused(pattern):
    with pytest.raises(ValueError, match=r"blanks|checkpoint's name|two things"):
        naming.checked(pattern)
