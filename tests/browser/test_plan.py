"""The plan as a person meets it: numbers, a size of the table taken by a click, and what an edit makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.test_studio import CREATED, SHOW, WIDE, field, open_section

pytestmark = pytest.mark.browser

TESTS = Path(__file__).resolve().parents[1]
MEASURED = f"""
import sys; sys.path[:0] = [{str(TESTS)!r}]
from dataclasses import replace
from test_plans import MEASURED
exp.set("training.batch_size", 32); exp.save()
exp.planning._asked = exp.planning._key(exp.config)
exp.planning._keep(replace(MEASURED, table=(16, 32)))"""


def test_a_size_of_the_table_is_one_click_away_and_edits_show_what_still_holds(cell):
    view = cell(CREATED.removesuffix(SHOW) + MEASURED + SHOW)
    section = open_section(view, "plan")
    expect(section).to_contain_text("Time per epoch")
    expect(section.locator("tr.chosen")).to_contain_text("32")
    section.get_by_role("button", name="Use a batch size of 16").click()
    assert view.wait_for("exp.config.training.batch_size == 16")
    expect(section.locator("tr.chosen")).to_contain_text("16")
    assert view.page.evaluate(WIDE) == []
    field(view, "training.epochs").locator("input").first.fill("7")
    expect(section).to_contain_text("at most 434 in all")
    field(view, "training.ema").locator("input").click()
    expect(section).to_contain_text("settings have changed")
    field(view, "training.batch_size").get_by_role("button", name="auto").click()
    assert view.wait_for("exp.config.training.batch_size == 'auto'")
    expect(view.output.locator(".foot .facts")).to_contain_text("Effective batch size: auto")
