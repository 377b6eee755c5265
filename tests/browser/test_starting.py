"""What keeps a run from beginning, as a person meets it: told at its field before Train, and gone once it is mended."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import CREATED, SHOW, STAGE, WIDE, field, open_section

pytestmark = pytest.mark.browser

OWN = (
    STAGE
    + """
for name, count in (("train", 9), ("val", 3)):
    stage.images(here / "own" / name, count)
project.add_images(here / "own", "own")
exp = project.new('Own folders')
exp.set('data.dataset', 'own')
exp.set('training.batch_size', 4)
exp.save()
"""
    + SHOW
)
HELD = """
from nbtrain.runs import devices
held = devices.Claim(project.path / "experiments/other/runs/0001", "cpu"); assert held.take()
"""


def test_a_missing_weights_file_is_told_at_its_field_until_it_is_there(cell):
    view = cell(CREATED)
    train = view.output.locator(".nbt-form").get_by_role("button", name="Train ▶")
    expect(train).to_be_enabled()
    open_section(view, "model")
    box = field(view, "model.weights_file").locator("input")
    box.fill("/gone/w.safetensors")
    box.press("Enter")
    expect(field(view, "model.weights_file")).to_contain_text("weights file not found: '/gone/w.safetensors'")
    expect(field(view, "model.weights_file")).to_contain_text("Choose another under Model › Weights file.")
    expect(train).to_be_disabled()
    expect(view.output.locator(".nbt-form")).to_contain_text("Train is off: 1 value needs attention")
    assert view.page.evaluate(WIDE) == []
    header = '{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    view.evaluate(
        f"(here / 'w.safetensors').write_bytes(({len(header)}).to_bytes(8, 'little') + b'''{header}''' + bytes(4))"
    )
    box.fill(view.evaluate("str((here / 'w.safetensors').resolve())"))
    box.press("Enter")
    expect(train).to_be_enabled()


def test_the_folders_own_sets_are_counted_in_the_form(cell):
    view = cell(OWN)
    assert view.evaluate("exp.data_info['train'], exp.data_info['val']") == [36, 12]
    expect(view.output.locator(".nbt-form .foot .facts")).to_contain_text("36 training images")


def test_a_plan_that_waits_for_the_processor_offers_to_measure_now(cell):
    view = cell(CREATED.removesuffix(SHOW) + HELD + SHOW)
    section = open_section(view, "plan")
    section.get_by_role("button", name="Measure", exact=True).click()
    expect(section).to_contain_text("waits for cpu, in use by", timeout=120_000)
    section.get_by_role("button", name="Measure now").click()
    expect(section.get_by_role("button", name="Measure now")).to_have_count(0, timeout=120_000)
    assert view.wait_for("exp.planning.job is None or exp.planning.job.beside.startswith('beside')")
    assert view.page.evaluate(WIDE) == []
    view.evaluate("exp.planning.cancel(), held.release()")
