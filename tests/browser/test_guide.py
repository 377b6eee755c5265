"""The guided start as a person walks through it, from the list to an experiment; asserted on the Python objects."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import WIDE
from images import write_classes

pytestmark = pytest.mark.browser

CODE = """
from nbtrain import Project, TrainingStudio, demo
other = Project({other!r})
other.add_images({images!r}, "letters")
other.dataset().relabel("b/000.png", "a")
project = demo.digits({path!r})
first = project.new("First")
studio = TrainingStudio(project)
display(studio)
"""


def test_a_person_walks_through_the_guide(cell, tmp_path):
    images = write_classes(tmp_path / "images", {"a": 30, "b": 30, "c": 30})
    view = cell(CODE.format(other=str(tmp_path / "other"), images=str(images), path=str(tmp_path / "digits")))
    guide = view.output.locator(".nbt-guide")
    step = guide.locator(".step")
    view.output.get_by_label("Other ways to begin").click()
    view.output.get_by_role("menuitem", name="Guided start…").click()
    expect(guide.get_by_role("radio", name="Classification")).to_be_checked()
    guide.get_by_role("radio", name="Classification").press("Enter")  # goes on
    expect(step).to_have_attribute("data-step", "data")
    own = guide.get_by_role("region", name="This project")  # other tests have left recent projects
    expect(own.get_by_role("checkbox", name="digits")).to_be_checked()
    guide.get_by_role("checkbox", name="letters").check()
    expect(guide.locator(".merged")).to_contain_text("digits, letters are merged")
    box = guide.get_by_label("Name of the new data set")
    box.fill("both")
    box.press("Enter")
    assert view.wait_for("project.guide().data_name == 'both' and project.data.names() == ['digits']")
    guide.get_by_role("button", name="Next: Classes").click()
    row = guide.locator("table.classes tbody tr")
    expect(row).to_have_count(13)
    expect(row.filter(has_text="b").locator(".num")).to_have_text(["29", "–", "29"])
    row.filter(has_text="c").get_by_role("button", name="Menu of c").click()
    guide.get_by_role("menuitem", name="Drop").click()
    expect(row).to_have_count(12)
    guide.get_by_role("button", name="b", exact=True).click()
    guide.get_by_label("New name of b").fill("bee")
    guide.get_by_label("New name of b").press("Enter")
    assert view.wait_for("project.guide().classes[-2:] == ('a', 'bee')")
    step.press("Escape")
    expect(guide).to_be_hidden()
    expect(view.output.locator(".nbt-form .about")).to_be_visible()
    view.output.get_by_label("Other ways to begin").click()
    view.output.get_by_role("menuitem", name="Guided start…").click()
    expect(row).to_have_count(12)  # the draft is as it was
    guide.get_by_role("button", name="Next: Configuration").click()
    guide.get_by_label("Name of the experiment").fill("Guided 🧭")
    guide.get_by_label("Name of the experiment").press("Enter")
    guide.get_by_role("button", name="Quick check").click()
    assert view.wait_for("project.guide().name == 'Guided 🧭' and project.guide().preset_key == 'quick'")
    guide.get_by_label("Epochs", exact=True).fill("5000000")
    expect(guide.locator("[data-path='training.epochs'] .message")).to_be_visible()
    guide.get_by_label("Epochs", exact=True).fill("2")
    assert view.wait_for("project.guide().config.training.epochs == 2")
    for width_px in (640, 1600):
        view.viewport(width_px, 1000)
        assert view.page.evaluate(WIDE) == []
    guide.get_by_role("button", name="Next: Review").click()
    expect(guide.locator(".note.ready")).to_contain_text("“both”")
    expect(guide.locator(".changes")).to_contain_text("resnet10t")
    assert view.evaluate("project.data.names() == ['digits'] and len(project.cards) == 1")
    guide.get_by_role("button", name="Create", exact=True).click()
    expect(view.output.locator(".toast .num")).to_have_count(0)  # said once, not as saved too: there is no "+1"
    expect(view.output.locator(".toast")).to_contain_text("“Guided 🧭” is created, with")
    expect(guide).to_be_hidden()
    assert view.wait_for("studio.experiment is not None and studio.experiment.name == 'Guided 🧭'")
    made = "studio.experiment"
    assert view.evaluate(f"{made}.status == 'created' and not {made}.dirty and not {made}.problems")
    assert view.evaluate(f"{made}.config.data.dataset == 'both' and {made}.config.model.variant == 'resnet10t'")
    assert view.evaluate("project.dataset('both').counts['a'], project.dataset('both').counts['bee']") == [31, 29]
    assert view.evaluate("[o.dataset for o in project.dataset('both').value.origins]") == ["digits", "letters"]
    assert view.evaluate("not project.guide().touched")
    assert view.errors == []
