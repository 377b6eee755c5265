"""Bad input as a person meets it in the stage Data: what is refused says what to do, and that can be done there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.test_studio import SHOW, STAGE, UI, WIDE

pytestmark = pytest.mark.browser

DRAWN = (
    STAGE
    + f"sys.path[:0] = [{str(UI.parent)!r}]"
    + """
import json
from data import formats
folder = project.path.resolve().parent
formats.pictures(folder / "pictures", formats.SCENE)
plain = formats.coco_json(formats.SCENE)
for named in plain["images"]:
    named["file_name"] = f"../pictures/{named['file_name']}"
(folder / "drawn").mkdir()
(folder / "drawn/a.json").write_text(json.dumps(plain))
(folder / "t.csv").write_text("file,label\\n1.png,a\\n2.png,b,c\\n")
"""
    + SHOW
)


def test_a_refusal_says_what_to_do_and_the_panel_takes_it(cell):
    view = cell(DRAWN)
    folder = view.evaluate("str(folder)")
    view.output.get_by_role("tab", name="Data").click()
    view.output.get_by_role("button", name="+ Add images").click()
    box, found = view.output.get_by_label("Add images", exact=True), view.output.locator(".adding .said")
    box.fill(f"{folder}/t.csv")
    box.press("Enter")
    expect(found).to_contain_text("line 3: 3 cells where line 1 names 2 columns")
    box.fill(f"{folder}/drawn/a.json")
    box.press("Enter")
    expect(found).to_contain_text("the file lies outside")
    root = view.output.get_by_label("Folder of the images")
    root.fill(f"{folder}/pictures")
    assert view.page.evaluate(WIDE) == []
    root.press("Enter")
    expect(view.output.locator(".adding .found dd").first).to_have_text(re.compile("^4, "))
    view.output.get_by_role("button", name="As a new data set").click()
    assert view.wait_for("len(project.data.names()) == 2")
    assert view.evaluate("project.data.get('a').n_images") == 4
