"""Measuring in the form as a person does it: a click, progress, the curve, a click that applies it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import SHOW, UI, WIDE, field

pytestmark = pytest.mark.browser

REAL = f"""import os, pathlib, sys, tempfile
os.environ.pop("NBTRAIN_WARM", None)  # real jobs, as quick as they are for a person
sys.path[:0] = [{str(UI.parent)!r}]
from flows.conftest import QUICK
from images import write_classes
from nbtrain.project.project import Project
from nbtrain.ui.studio import TrainingStudio
here = pathlib.Path(tempfile.mkdtemp(dir="."))
project = Project(here / "project")
project.add_images(write_classes(here / "images", {{"red": 20, "blue": 20}}))
exp = project.new("Baseline", project.new_config().set_all(QUICK)); exp.save()
"""


def test_a_range_test_is_run_cancelled_and_applied(cell):
    view = cell(REAL + SHOW)
    rate = field(view, "optimizer.lr")
    rate.get_by_role("button", name="Range test").click()
    rate.get_by_role("button", name="Cancel").click()
    expect(rate.get_by_role("button", name="Range test")).to_be_visible(timeout=60_000)
    rate.get_by_role("button", name="Range test").click()
    expect(rate.locator("figure path")).to_be_visible(timeout=120_000)
    assert view.page.evaluate(WIDE) == []
    rate.get_by_role("button", name="suggested").click()
    assert view.wait_for("exp.config.optimizer.lr == float(f'{exp.lr_range.suggested:.2g}')")
    view.evaluate("exp.set('training.batch_size', 4)")
    expect(rate).to_contain_text("Out of date")
