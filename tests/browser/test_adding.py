"""Adding images as a person does it: what is there, a bar while it is made ready, Cancel, and a person's own code."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

OWN = """
import os
os.environ.pop("NBTRAIN_WARM", None)  # real jobs, as quick as they are for a person
from pathlib import Path
from nbtrain import Project, TrainingStudio
code = '''
import time
from pathlib import Path
from PIL import Image
HERE = Path(__file__).parent

class Slow:
    classes = ["cat", "dog"]

    def __len__(self):
        return 8

    def __getitem__(self, place):
        time.sleep(0.3 if place < 5 else 0)
        while place == 5 and not (HERE / "go").exists():
            time.sleep(0.01)
        return Image.new("RGB", (8, 8), (place, 0, 0)), place % 2

def broken():
    raise ValueError("the patients are on holiday")
'''
Path("mine.py").write_text(code)
project = Project("own")
studio = TrainingStudio(project)
studio
"""


def test_own_code_is_prepared_cancelled_told_and_added(cell):
    view = cell(OWN)
    view.output.get_by_role("tab", name="Data").click()
    part = view.output.locator(".nbt-data .adding")
    box = part.get_by_label("Add images")
    box.fill("mine:Slow")
    box.press("Enter")
    expect(part.locator(".found")).to_contain_text("mine.py")
    part.get_by_role("button", name="Use these images").click()
    bar = part.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d"), timeout=60_000)  # not each word is told
    assert view.evaluate("1 + 1") == 2  # the kernel is free
    part.get_by_role("button", name="Cancel").click()
    expect(part).to_contain_text("Nothing was added")
    expect(bar).to_have_count(0)
    box.fill("mine:broken")
    box.press("Enter")
    part.get_by_role("button", name="Use these images").click()
    expect(part.get_by_role("alert")).to_contain_text("the patients are on holiday; mine.py, line 20", timeout=60_000)
    view.evaluate("Path('go').touch()")
    box.fill("mine:Slow")
    box.press("Enter")
    part.get_by_role("button", name="Use these images").click()
    expect(view.output.locator(".nbt-data")).to_contain_text("8 images in", timeout=60_000)
    assert view.evaluate("[d.counts for d in project.datasets()]") == [[4, 4]]


ODD = """
from nbtrain import Project, TrainingStudio
from PIL import Image
from pathlib import Path
for place, (name, colour) in enumerate((("cat", "peru"), ("dog", "teal"), ("test", "plum"))):
    Path("odd", name).mkdir(parents=True, exist_ok=True)
    for i in range(3):
        Image.new("RGB", (40 + 8 * i, 32), colour).save(Path("odd", name, f"{i}.png"))
project = Project("asked")
studio = TrainingStudio(project)
studio
"""


def test_a_question_is_answered_and_a_reading_is_changed_by_clicks_and_keys(cell):
    view = cell(ODD)
    view.output.get_by_role("tab", name="Data").click()
    part = view.output.locator(".nbt-data .adding")
    box = part.get_by_label("Add images")
    box.fill("odd")
    box.press("Enter")
    asked = part.get_by_role("group", name="Is the folder test a class, or a set of images without classes?")
    expect(asked.get_by_role("button")).to_have_count(2)
    expect(part.get_by_role("button", name="Use these images")).to_have_count(0)
    expect(part.locator(".pictures img")).to_have_count(8)
    assert part.locator(".pictures img").first.evaluate("image => image.naturalWidth") > 0
    asked.get_by_role("button", name="A set").click()
    expect(part.locator(".found")).to_contain_text("classes2: cat (3), dog (3)")
    part.get_by_role("button", name="A class").click()  # read otherwise
    expect(part.locator(".found")).to_contain_text("classes3: ")
    part.get_by_role("button", name="A set").press("Enter")
    expect(part.locator(".found")).to_contain_text("classes2: ")
    expect(box).to_be_focused()
    box.press("Enter")
    expect(view.output.locator(".nbt-data")).to_contain_text("6 images in odd")
    assert view.evaluate("[(d.classes, d.parts[0].source.sets) for d in project.datasets()]") == [
        [["cat", "dog"], "always"]
    ]
    assert view.errors == []


TWO_GROUPS = """
from nbtrain import Project, TrainingStudio
from PIL import Image
from pathlib import Path
Path("keys/img").mkdir(parents=True, exist_ok=True)
rows = ["image,species,quality"]
for i, species in enumerate(("Oak", "oak", "Elm", "elm") * 6):
    Image.new("RGB", (32, 24), "seagreen").save(f"keys/img/{i}.png")
    rows.append(f"{i}.png,{species},{('good', 'blurry')[i % 5 > 2]}")
Path("keys/t.csv").write_text("\\n".join(rows))
project = Project("keys-project")
studio = TrainingStudio(project)
studio
"""


def test_a_table_with_two_groups_is_added_and_its_classes_merged_without_a_mouse(cell):
    view = cell(TWO_GROUPS)
    keys, data = view.page.keyboard, view.output.locator(".nbt-data")
    view.output.get_by_role("tab", name="Data").click()
    box = data.get_by_label("Add images")
    box.fill("keys/t.csv")
    keys.press("Enter")
    answers = data.get_by_role("group", name="Which column of t.csv holds the labels?").get_by_role("button")
    expect(answers).to_have_count(3)
    expect(data.locator(".found")).to_contain_text("Labels: quality, until you have answered")
    keys.press("Tab")
    keys.press("Tab")
    expect(answers.nth(1)).to_be_focused()
    keys.press("Enter")
    expect(data.locator(".found")).to_contain_text("4: Elm (6), elm (6), Oak (6), oak (6)")
    expect(box).to_be_focused()
    keys.press("Enter")
    expect(data).to_contain_text("24 images in t.")
    more = data.get_by_role("button", name="+ Add images")
    expect(more).to_be_focused()
    data.get_by_role("button", name="Merge into “Elm”").focus()
    keys.press("Enter")
    expect(data.locator(".alike")).to_have_count(1)
    expect(data.locator("h3:focus")).to_have_text("3 classes")
    keys.press("Enter")  # merges nothing more
    assert view.evaluate("project.datasets()[0].classes") == ["Elm", "Oak", "oak"]
    more.press("Enter")
    expect(box).to_be_focused()
    keys.press("Escape")
    expect(more).to_be_focused()
    assert view.errors == []


ON_ONE_LINE = """terms => terms.every(term => {
    const text = document.createRange();
    text.selectNodeContents(term);
    return new Set([...text.getClientRects()].map(box => Math.round(box.top))).size === 1;
})"""


@pytest.mark.parametrize("width_px", [670, 1600])
def test_what_was_found_is_read_without_scrolling_inside_it(cell, width_px):
    view = cell(TWO_GROUPS.replace("keys", f"seen-{width_px}"))
    view.viewport(width_px)
    view.output.get_by_role("tab", name="Data").click()
    part = view.output.locator(".nbt-data .adding")
    part.get_by_label("Add images").fill(f"seen-{width_px}/t.csv")
    part.get_by_label("Add images").press("Enter")
    found = part.locator(".found")
    expect(found.locator("dt").first).to_be_visible()
    assert found.evaluate("found => found.scrollHeight <= found.clientHeight")
    assert found.locator("dt").evaluate_all(ON_ONE_LINE)
    assert part.evaluate("part => part.scrollWidth <= part.clientWidth")
