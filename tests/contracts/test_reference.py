"""The reference pages are what the definitions say today; ``make docs`` writes them."""

from contracts.repository import ROOT
from nbtrain.advice.reference import reference as rules
from nbtrain.config import Config
from nbtrain.schema.reference import reference


def test_the_reference_page_is_fresh():
    kept = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert kept == reference(Config), "run `make docs`"


def test_the_page_of_rules_is_fresh():
    kept = (ROOT / "docs" / "advice.md").read_text(encoding="utf-8")
    assert kept == rules(), "run `make docs`"
