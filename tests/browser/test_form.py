"""The form's tools as a person uses them: keys, questions, files and notes; asserted on the Python objects."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import SHOW, STAGE, field

pytestmark = pytest.mark.browser

TWO = STAGE + "other = project.new('Other'); other.save(); exp = project.new('Baseline'); exp.save()" + SHOW
CHANGED = """
plain = __import__('json').loads((exp.folder / 'experiment.json').read_text())
plain['config']['training']['epochs'] = 9
(exp.folder / 'experiment.json').write_text(__import__('json').dumps(plain))
"""


def more(view, entry):
    view.output.get_by_label("More to do with this configuration").click()
    view.output.get_by_role("menuitem", name=entry).click()


def test_undo_and_redo_by_keys(cell):
    view = cell(TWO)
    box = field(view, "optimizer.lr").locator("input").first
    box.click()
    view.page.keyboard.press("ControlOrMeta+a")
    view.page.keyboard.type("0.02")
    assert view.wait_for("exp.config.optimizer.lr == .02")
    view.page.keyboard.press("ControlOrMeta+z")
    assert view.wait_for("exp.config.optimizer.lr == 1e-3")
    expect(box).to_have_value("1e-3")
    view.page.keyboard.press("ControlOrMeta+Shift+z")
    assert view.wait_for("exp.config.optimizer.lr == .02")
    expect(box).to_have_value("0.02")


def test_selecting_another_leaves_the_edits_as_they_are(cell):
    view = cell(TWO)
    field(view, "optimizer.lr").locator("input").first.fill("0.02")
    cards = view.output.locator(".nbt-experiments .card")
    cards.filter(has_text="Other").click()
    assert view.wait_for("studio.experiment is other and exp.edited and exp.config.optimizer.lr == .02")
    expect(cards.filter(has_text="Baseline")).to_contain_text("not saved")
    cards.filter(has_text="Baseline").click()
    expect(field(view, "optimizer.lr").locator("input").first).to_have_value("0.02")


def test_a_preset_and_the_script_of_what_came_of_it(cell):
    view = cell(TWO)
    view.output.get_by_role("button", name="Presets").click()
    view.output.get_by_role("menuitem", name="Quick check").click()
    expect(view.output.locator(".nbt-form .changes")).to_contain_text("Training › Epochs")
    view.output.get_by_role("button", name="Use this preset").click()
    assert view.wait_for("exp.config.training.epochs == 3")
    more(view, "Copy as Python")
    text = view.output.locator(".sheet textarea").input_value()
    assert view.evaluate("exp.config.hash") in text
    expect(view.output.locator(".sheet")).to_contain_text("Copied")


def test_a_file_changed_by_somebody_else(cell):
    view = cell(TWO)
    field(view, "training.epochs").locator("input").first.fill("3")
    assert view.wait_for("exp.config.training.epochs == 3")
    view.kernel.execute(CHANGED)
    box = view.output.locator(".nbt-form .warned")
    expect(box).to_contain_text("Somebody else has changed")
    box.get_by_role("button", name="Take theirs").click()
    assert view.wait_for("exp.config.training.epochs == 9 and not exp.dirty")
    view.kernel.execute("(exp.folder / 'experiment.json').write_text('{')")
    expect(box).to_contain_text("line 1")
    box.get_by_role("button", name="Write this version").click()
    assert view.wait_for("exp.outside is None")
    expect(box).to_have_count(0)


def test_name_tags_and_the_filter(cell):
    view = cell(TWO)
    view.output.locator(".about .name").fill("Night owl")
    view.page.keyboard.press("Enter")
    assert view.wait_for("exp.name == 'Night owl'")
    view.output.get_by_label("Add a tag").fill("dusk")
    view.page.keyboard.press("Enter")
    assert view.wait_for("exp.tags == ['dusk'] and not exp.dirty")
    view.output.get_by_role("button", name="Add a description").click()
    view.page.keyboard.type("Two\nlines")
    view.output.get_by_label("Add a tag").click()
    assert view.wait_for("exp.description == 'Two\\nlines'")
    view.output.get_by_label("Filter experiments").fill("tag:du")
    expect(view.output.locator(".nbt-experiments .title")).to_have_text(["Night owl"])


def test_a_configuration_from_a_file(cell):
    view = cell(TWO)
    more(view, "Import")
    bad = {"name": "mine.yaml", "mimeType": "text/yaml", "buffer": b"optimizer: {lr: !!python/name:os.x}"}
    view.output.locator(".sheet input[type=file]").set_input_files(bad)
    expect(view.output.locator(".sheet [role=alert]")).to_contain_text("mine.yaml")
    good = {"name": "mine.yaml", "mimeType": "text/yaml", "buffer": b"optimizer: {kind: sgd, lr: 0.2}"}
    view.output.locator(".sheet input[type=file]").set_input_files(good)
    assert view.wait_for("exp.config.optimizer.kind == 'sgd' and exp.config.optimizer.lr == .2")
    expect(view.output.locator(".sheet")).to_have_count(0)
    assert view.errors == []
