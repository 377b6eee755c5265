"""docs/formats.md is what the situations of tests/formats say today; ``make docs`` writes it."""

from contracts.repository import ROOT
from formats.page import SITUATIONS, page

LEAST = 150
"""Situations that the page promises."""


def test_the_page_of_formats_is_fresh():
    kept = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert kept == page(), "run `make docs`"


def test_the_page_has_enough_situations():
    assert sum(not situation.waits for situation in SITUATIONS) >= LEAST
