"""Statistics as a person uses them: open, table, a bar and its images, back to all; asserted on the Python objects."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import SHOW, STAGE, WIDE

pytestmark = pytest.mark.browser

DATA = (
    STAGE
    + "exp = project.new('One'); project.dataset().split('half', val_ratio=.5); exp.set('data.split', 'half')"
    + SHOW
)


@pytest.mark.parametrize("width_px", [640, 1500])
def test_from_a_bar_to_its_images_and_back(cell, width_px):
    view = cell(DATA)
    view.viewport(width_px, 1000)
    view.output.get_by_role("tab", name="Data").click()
    expect(view.output.locator(".nbt-gallery .tile").first).to_be_visible()
    view.output.get_by_role("button", name="Statistics").click()
    classes = view.output.locator(".nbt-statistics .chart.classes")
    expect(classes.locator(".lying .name")).to_have_text(["daisy", "iris", "rose", "tulip"])
    expect(view.output.locator(".nbt-gallery")).to_be_hidden()
    assert view.page.evaluate(WIDE) == []
    classes.get_by_role("button", name="Table").click()
    expect(classes.locator("tbody tr").first).to_have_text("daisy1025.0\u202f%5500")
    view.output.locator(".nbt-statistics .size_kib button").last.press("Enter")
    assert view.wait_for(
        "studio.images.statistics.view == 'images' and studio.images.gallery.title.startswith('File size')"
    )
    view.output.get_by_role("button", name="Show all images").click()
    assert view.wait_for("(studio.images.gallery.title, studio.images.gallery.count) == ('', 40)")
    expect(view.output.locator(".nbt-gallery .tile").first).to_be_visible()
    view.viewport(1500, 1000)
