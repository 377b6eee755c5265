"""The reference page is what the definitions say today; ``make docs`` writes it."""

from contracts.repository import ROOT
from nbtrain.config import Config
from nbtrain.schema.reference import reference


def test_the_reference_page_is_fresh():
    kept = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert kept == reference(Config), "run `make docs`"
