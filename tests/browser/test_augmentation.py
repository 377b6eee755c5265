"""The augmentation panel as a person uses it: rows dragged and moved by keys, and pictures that follow a parameter."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.test_studio import CREATED, field, open_section

pytestmark = pytest.mark.browser

BARE = CREATED.replace("exp.save()", "exp.set('data.dataset', '')")
"""Without images the preview says so at once, and nothing below it moves any more."""
KINDS = "[step.kind for step in exp.config.augmentation.train]"


def row(view, number):
    return view.output.locator(f"[data-part='augmentation.train.{number}']")


def test_a_row_is_dragged_by_its_handle(cell):
    view = cell(BARE)
    open_section(view, "augmentation")
    expect(view.output.locator("figure.preview [role=alert]")).to_contain_text("No data set is chosen")
    row(view, 0).evaluate("row => row.scrollIntoView()")
    row(view, 0).locator(".handle").hover()  # waits until nothing moves any more
    mouse = view.page.mouse
    mouse.down()
    expect(row(view, 0)).to_have_class(re.compile("dragged"))
    end = row(view, 2).bounding_box()
    mouse.move(end["x"] + 8, end["y"] + 4, steps=4)
    expect(row(view, 1)).to_have_attribute("style", re.compile("translateY"))
    mouse.move(end["x"] + 8, end["y"] + end["height"] - 2)
    mouse.up()
    assert view.wait_for(f"{KINDS} == ['horizontal_flip', 'color_jitter', 'resize']")
    expect(row(view, 2).locator(".name")).to_contain_text("Resize")
    view.output.get_by_role("button", name="Reset", exact=True).first.click()
    assert view.wait_for(f"{KINDS} == ['resize', 'horizontal_flip', 'color_jitter']")


def test_rows_are_added_and_moved_by_keys(cell):
    view = cell(BARE)
    open_section(view, "augmentation")
    expect(view.output.locator("figure.preview [role=alert]")).to_contain_text("No data set is chosen")
    view.output.locator(".parts").first.get_by_role("button", name="Add").click()
    view.page.keyboard.type("rotat")
    view.page.keyboard.press("Enter")
    assert view.wait_for(f"{KINDS}[-1] == 'rotation'")
    row(view, 3).locator(".name").focus()
    view.page.keyboard.press("Alt+ArrowUp")
    assert view.wait_for(f"{KINDS} == ['resize', 'horizontal_flip', 'rotation', 'color_jitter']")
    expect(row(view, 2).locator(".name")).to_be_focused()
    expect(view.output.locator(".parts [aria-live]").first).to_have_text("Rotation is now at place 3 of 4.")
    view.page.keyboard.press("Alt+ArrowUp")
    assert view.wait_for(f"{KINDS} == ['resize', 'rotation', 'horizontal_flip', 'color_jitter']")


def test_the_pictures_follow_a_parameter_and_only_while_they_are_seen(cell):
    steps = "[{'kind': 'resize'}, {'kind': 'solarize', 'p': 1}]"
    view = cell(CREATED.replace("exp.save()", f"exp.set('augmentation.train', {steps})"))
    assert view.evaluate("studio.form.preview['busy'], len(studio.form.pictures)") == [False, 0]
    open_section(view, "augmentation")
    figure = view.output.locator("figure.preview")
    figure.evaluate("figure => figure.scrollIntoView()")
    expect(figure.locator("img")).to_have_count(8, timeout=60_000)
    first = view.evaluate("bytes(studio.form.pictures[7]['after'])")
    row(view, 1).locator(".name").click()
    field(view, "augmentation.train.1.threshold").locator("input").first.fill("1")
    assert view.wait_for(f"bytes(studio.form.pictures[7]['after']) != {first!r}")
    expect(figure).to_have_attribute("aria-busy", "false")
    view.output.locator("[data-section=augmentation] > summary").click()
    assert view.wait_for("not studio.form._looks")
