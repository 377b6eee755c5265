"""The stages of the studio as a person uses them: tabs, the status table, comparing; asserted on the Python objects."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import LONG, SHOW, STAGE, WIDE

pytestmark = pytest.mark.browser

THREE = (
    STAGE
    + "worse = stage.trained(project, 'Worse', stage.Play(epochs=3, steps=10))\n"
    + "better = stage.trained(project, 'Better', stage.Play(epochs=6, steps=10, seed=4))\n"
    + LONG
    + "exp = project.new('Long', better.config.set('optimizer.lr', .01)); exp.train()"
    + SHOW
)


def test_from_the_table_to_a_comparison_and_back(cell):
    view = cell(THREE)
    view.output.get_by_role("tab", name="Runs").click()
    rows = view.output.locator(".nbt-run_table tbody tr")
    expect(rows).to_have_count(3)
    assert view.evaluate("studio.stage") == "runs"
    # what nobody sees draws nothing: the training run ticks in the table, and no more in the list of the stage Train
    assert view.wait_for("not studio.results.run_bar.visible and not studio.experiments.visible")
    expect(rows.filter(has_text="Long").locator(".bar")).to_be_visible()
    view.output.get_by_role("button", name="Completed").click()
    expect(rows).to_have_count(2)
    rows.filter(has_text="Worse").get_by_role("checkbox").check()
    rows.filter(has_text="Better").get_by_role("checkbox").check()
    assert view.wait_for("studio.experiments.overlay == [worse.id, better.id]")
    view.output.get_by_role("button", name="Compare 3 experiments").click()
    heads = view.output.locator(".nbt-compare thead b")
    expect(heads).to_have_text(["Long", "Worse", "Better"])
    expect(view.output.locator(".nbt-comparison .plot").filter(has=view.page.locator("svg"))).to_have_count(4)
    expect(view.output.locator(".nbt-compare .setting")).to_contain_text("Learning rate")
    view.output.get_by_label("Compare Worse no longer").click()
    assert view.wait_for("studio.experiments.overlay == [better.id]")
    expect(heads).to_have_text(["Long", "Better"])
    view.output.get_by_role("tab", name="Compare").press("ArrowLeft")
    view.output.get_by_role("button", name="All").click()
    rows.filter(has_text="Worse").click()
    assert view.wait_for("studio.experiment is worse and studio.stage == 'train'")
    assert view.wait_for("studio.results.run_bar.visible and not studio.table.visible")
    view.evaluate("exp.stop()")


@pytest.mark.parametrize("width_px", [640, 1500])
def test_no_stage_is_wider_than_its_place(cell, width_px):
    view = cell(THREE)
    view.viewport(width_px, 1000)
    signs = (".nbt-gallery .tile", ".nbt-evaluation .top", ".nbt-run_table tbody tr", ".nbt-compare thead b")
    for name, sign in zip(("Data", "Evaluate", "Runs", "Compare"), signs, strict=True):
        view.output.get_by_role("tab", name=name).click()
        expect(view.output.locator(sign).first).to_be_visible()
        assert view.page.evaluate(WIDE) == []
    view.evaluate("exp.stop()")
    view.viewport(1500, 1000)
