"""Advice as a person meets it: seen at its field, applied by a click, asserted on the Python objects."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import CREATED, STAGE, WIDE, field, open_section

pytestmark = pytest.mark.browser


def test_a_rate_that_is_too_high_is_told_and_mended_at_its_field(cell):
    view = cell(CREATED)
    rate = field(view, "optimizer.lr")
    rate.locator("input").first.fill("0.5")
    expect(rate).to_contain_text("0.5 is too high")
    rate.get_by_role("button", name="Apply").click()
    assert view.wait_for("exp.config.optimizer.lr < 0.01")
    expect(rate).not_to_contain_text("too high")


def test_the_curve_follows_what_is_typed(cell):
    view = cell(CREATED)
    open_section(view, "scheduler")
    curve = view.output.locator("figure.schedule path")
    before = curve.get_attribute("d")
    field(view, "scheduler.warmup_epochs").locator("input").first.fill("5")
    expect(curve).not_to_have_attribute("d", before)
    assert view.wait_for("exp.config.scheduler.warmup_epochs == 5")
    linear = curve.get_attribute("d")
    view.output.get_by_role("button", name="log", exact=True).click()
    expect(curve).not_to_have_attribute("d", linear)


def test_the_list_above_train_leads_to_its_field_and_train_stays_on(cell):
    view = cell(CREATED)
    view.output.locator(".outlook").get_by_role("button", name="suggestion").click()
    assert view.page.evaluate(WIDE) == []
    view.output.locator(".unfolded .where").filter(has_text="Pretrained").click()
    expect(field(view, "model.pretrained").locator("input")).to_be_focused()
    view.output.locator(".outlook").get_by_role("button", name="Summary").click()
    expect(view.output.locator(".unfolded")).to_contain_text("11.7 M parameters")
    expect(view.output.locator(".nbt-form").get_by_role("button", name="Train")).to_be_enabled()


def test_a_finding_of_a_run_becomes_a_copy_with_its_fix(cell):
    dead = "from nbtrain.messages import PerClass\nexp = stage.trained(project, 'Done')\nexp.story.tell([PerClass("
    dead += "step=60, epoch=6, columns=('class', 'support', 'recall'), rows=(('daisy', 9, 0.), ('iris', 9, 1.)))])"
    show = "\nexp.per_class = exp.story.per_class\nfrom nbtrain.ui.studio import ExperimentView; ExperimentView(exp)"
    view = cell(STAGE + dead + show)
    card = view.output.locator(".nbt-findings .finding")
    expect(card).to_contain_text("none of the 9 validation images of “daisy”")
    card.get_by_role("button", name="Copy with class weights auto").click()
    assert view.wait_for("project.cards[0].config.loss.class_weights == 'auto'")
    assert view.evaluate("exp.config.loss.class_weights") == "none"
