"""From errors to a better number, as a person goes it: evaluate, look at doubtful labels, relabel, train again.

Real digits with wrong labels planted among those that validate, a real trainer, real evaluations.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PLANTED = """
import os
os.environ.pop("NBTRAIN_WARM", None)  # real jobs, as quick as they are for a person
from nbtrain import TrainingStudio, demo
from nbtrain.project import lives
from nbtrain.runs import launch
lives.launch = launch  # another test of this kernel may have put a stage's trainer there
project = demo.digits("loop")
data = project.dataset()
exp = project.new("First")
exp.config = exp.config.set_all({"training.epochs": 4, "training.early_stopping": False})
exp.save()
split = project.data.make_split(exp.config.data)
true = {one.file: data.classes[one.labels[0]] for one in data.listing().records}
wrong = split.files["val"][::30]
for file in wrong:
    data.relabel(file, str((int(true[file]) + 1) % 10))
exp.train().wait()
studio = TrainingStudio(project)
studio
"""


def evaluate(view, experiment):
    """Open the stage Evaluate, press the button and return the accuracy that the panel's evaluation has."""
    view.output.get_by_role("tab", name="Evaluate").click()
    button = view.output.get_by_role("button", name="Evaluate", exact=True)
    expect(button).to_be_enabled()
    button.click()
    assert view.wait_for(f"{experiment}.evaluations and studio.evaluation.evaluation.number == 1", limit_s=120)
    return view.evaluate(f"{experiment}.evaluations[-1].metrics['accuracy']")


def test_from_doubtful_labels_to_a_better_number(cell):
    view = cell(PLANTED)
    before = evaluate(view, "exp")
    gallery = view.output.locator(".nbt-evaluation + .nbt-gallery")
    view.output.get_by_role("button", name="Doubtful labels").click()
    expect(gallery.locator(".title")).to_have_text("Labels that are doubted most")
    mended = 0
    for place in range(24):
        tile = gallery.locator(f"#nbt-tile-{place}")
        expect(tile.locator("img")).to_be_visible()
        file = tile.get_attribute("title")
        if not view.evaluate(f"{file!r} in wrong"):
            continue
        label = view.evaluate(f"true[{file!r}]")
        tile.click()
        gallery.locator("select.give").select_option(label)
        expect(tile.locator(".label").first).to_contain_text(label)
        mended += 1
    assert mended >= 0.8 * view.evaluate("len(wrong)")  # that many of them were among the first
    expect(view.output.locator(".nbt-evaluation .note.warn")).to_contain_text("labels have changed")
    expect(gallery.locator(".undo")).to_be_visible()

    view.output.get_by_role("tab", name="Train").click()
    view.output.locator(".nbt-experiments .card").first.click(button="right")
    view.output.get_by_role("menuitem", name="Duplicate").click()
    assert view.wait_for("studio.experiment is not exp and bool(globals().update(again=studio.experiment) or again)")
    view.output.locator(".nbt-form .foot").get_by_role("button", name="Train").click()
    assert view.wait_for("again.status == 'completed'", limit_s=120)
    assert view.evaluate("again.project.data.get('digits').version") == mended + view.evaluate("len(wrong)")
    assert evaluate(view, "again") > before
