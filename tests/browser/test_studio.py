"""The studio as a person uses it: clicks, typing and keys in a real JupyterLab; asserted on the Python objects.

Runs come from tests/ui/stage.py: real run folders and a trainer's own threads, telling numbers without training.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

UI = Path(__file__).resolve().parents[1] / "ui"
STAGE = f"""import os, pathlib, sys, tempfile
sys.path[:0] = [{str(UI)!r}]
os.environ["NBTRAIN_WARM"] = "0"  # nothing here trains: no studio shall leave a warm process behind
os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp()  # whoever else trains on this machine is no matter here
import stage
from nbtrain.ui.studio import TrainingStudio
for one in (globals().get("project").cards if globals().get("project") else []): one.stop(); one.wait(5)
here = pathlib.Path(tempfile.mkdtemp(dir="."))
project = stage.project(here)
"""
SHOW = "\nstudio = TrainingStudio(project); studio"
CREATED = STAGE + "exp = project.new('Baseline'); exp.save()" + SHOW
LONG = "stage.use(stage.Play(epochs=400, steps=40, step_s=.002))\n"
RUNNING = STAGE + LONG + "exp = project.new('Baseline'); exp.train()" + SHOW

WIDE = "() => [...document.querySelectorAll('.nbt')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"


def field(view, path):
    return view.output.locator(f"[data-path='{path}']")


def open_section(view, key):
    section = view.output.locator(f"[data-section={key}]")
    if section.get_attribute("open") is None:
        section.locator("> summary").click()
    return section


def test_a_number_is_typed_kept_and_saved(cell):
    view = cell(CREATED)
    box = field(view, "optimizer.lr").locator("input").first
    box.fill("3e-4")
    assert view.wait_for("exp.config.optimizer.lr == 3e-4")
    expect(view.output.locator(".nbt-form").get_by_text("not saved")).to_be_visible()
    view.output.get_by_role("button", name="Save").click()
    assert view.wait_for("not exp.dirty")
    expect(view.output.locator(".nbt-header .toast")).to_have_text("“Baseline” is saved")
    assert box.input_value() == "3e-4"


def test_an_illegal_text_stays_visible_with_its_message(cell):
    view = cell(CREATED)
    box = field(view, "optimizer.lr").locator("input").first
    box.fill("fast")
    expect(field(view, "optimizer.lr").locator(".message")).to_contain_text("is not a number")
    box.blur()
    assert box.input_value() == "fast"
    assert view.evaluate("exp.config.optimizer.lr") == 1e-3
    expect(view.output.locator(".nbt-form .foot").get_by_role("button", name="Train")).to_be_disabled()
    view.output.locator("[data-section=optimizer] > summary").click()
    view.output.locator(".nbt-form .summary .link").click()
    expect(field(view, "optimizer.lr").locator("input").first).to_be_focused()
    view.page.keyboard.press("ControlOrMeta+a")
    view.page.keyboard.type("0.01")
    assert view.wait_for("exp.config.optimizer.lr == .01")


def test_kinds_and_auto(cell):
    view = cell(CREATED)
    field(view, "optimizer.kind").locator("select").select_option("sgd")
    assert view.wait_for("exp.config.optimizer.kind == 'sgd'")
    expect(field(view, "optimizer.momentum")).to_be_visible()
    open_section(view, "data")
    field(view, "data.workers").get_by_role("button", name="auto").click()
    assert view.wait_for("exp.config.data.workers != 'auto'")


def test_a_model_is_found_by_typing(cell):
    view = cell(CREATED)
    field(view, "model.family").get_by_role("button").click()
    view.page.keyboard.type("mobilenetv3")
    view.output.locator(".nbt-form .drop .option").first.click()
    assert view.wait_for("'mobilenet' in exp.config.model.variant.lower()")


def test_the_list_by_mouse_and_keys(cell):
    view = cell(STAGE + "first = project.new('First'); second = project.new('Second')" + SHOW)
    cards = view.output.locator(".nbt-experiments .card")
    cards.filter(has_text="First").click()
    assert view.wait_for("studio.experiment is first")
    view.page.keyboard.press("F2")
    view.page.keyboard.type("<b>x</b> ../y")
    view.page.keyboard.press("Enter")
    assert view.wait_for("first.name == '<b>x</b> ../y'")
    expect(cards.nth(1).locator(".title")).to_have_text("<b>x</b> ../y")
    cards.nth(1).click(button="right")
    view.output.get_by_role("menuitem", name="Duplicate").click()
    assert view.wait_for("len(project.cards) == 3 and studio.experiment is project.cards[0]")
    expect(cards).to_have_count(3)
    cards.nth(0).focus()
    view.page.keyboard.press("Delete")
    expect(view.output.get_by_role("alertdialog")).to_contain_text("trash")
    view.output.get_by_role("button", name="Delete", exact=True).click()
    assert view.wait_for("len(project.cards) == 2")
    expect(cards).to_have_count(2)
    cards.nth(0).focus()
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("Enter")
    assert view.wait_for("studio.experiment is first")
    assert view.evaluate("len(project.cards)") == 2, "Lab must not have taken the keys"


def test_train_watch_stop_restart(cell):
    view = cell(STAGE + LONG + "exp = project.new('Baseline')" + SHOW)
    view.output.locator(".nbt-form").get_by_role("button", name="Train").click()
    assert view.wait_for("exp.status == 'training'")
    expect(view.output.locator(".nbt-run_bar .state")).to_contain_text("Training")
    expect(view.output.locator(".nbt-curves .bqplot path.line").first).to_be_attached()
    expect(field(view, "optimizer.weight_decay").locator("input").first).to_be_disabled()
    expect(field(view, "optimizer.lr").locator("input").first).to_be_enabled()  # may change while it trains
    view.output.locator(".nbt-run_bar").get_by_role("button", name="Stop").click()
    assert view.wait_for("exp.status == 'cancelled'")
    view.output.locator(".nbt-run_bar").get_by_role("button", name="Restart").click()
    view.output.get_by_role("button", name="Move results and restart").click()
    assert view.wait_for("exp.status == 'created'")
    expect(field(view, "optimizer.weight_decay").locator("input").first).to_be_enabled()
    assert view.errors == []


def test_a_busy_device_asks(cell):
    view = cell(STAGE + LONG + "first = project.new('First'); first.train(); exp = project.new('Second')" + SHOW)
    view.output.locator(".nbt-form").get_by_role("button", name="Train").click()
    question = view.output.get_by_role("alertdialog", name="The device is busy")
    expect(question).to_contain_text("“First”")
    question.get_by_role("button", name="Wait for it").click()
    assert view.wait_for("exp.status == 'pending'")
    view.output.get_by_role("button", name="Cancel").click()
    assert view.wait_for("exp.status == 'created'")


def test_the_queue_is_put_in_order_by_button_and_key(cell):
    three = "first, exp, last = [project.new(name) for name in ('First', 'Second', 'Third')]\nfirst.train()\n"
    view = cell(STAGE + LONG + three + "for one in (exp, last): one.train(queue=True)" + SHOW)
    bar = view.output.locator(".nbt-run_bar")
    expect(bar.locator(".place")).to_have_text("2nd in the queue, after Second")
    bar.get_by_role("button", name="Move up").click()
    assert view.wait_for("list(project.queue) == [last, exp]")
    expect(bar.locator(".place")).to_have_text("1st in the queue, after First")
    card = view.output.locator(".nbt-experiments .card", has_text="Second")
    expect(card).to_contain_text("2nd in the queue")
    card.focus()
    view.page.keyboard.press("Alt+ArrowUp")
    assert view.wait_for("list(project.queue) == [exp, last]")
    bar.get_by_role("button", name="Cancel").click()
    assert view.wait_for("last.status == 'created' and exp.queued == 1")
    expect(bar.locator(".state")).to_contain_text("Not trained")


def test_stop_and_numbers_while_another_cell_runs(cell):
    view = cell(RUNNING)
    expect(view.output.locator(".nbt-run_bar .state")).to_contain_text("Training")
    with view.busy():
        place = view.output.locator(".nbt-run_bar .place")
        before = place.inner_text()
        expect(place).not_to_have_text(before)
        view.output.locator(".nbt-run_bar").get_by_role("button", name="Stop").click()
        expect(view.output.locator(".nbt-run_bar .state")).to_contain_text("Stopped")
    assert view.evaluate("exp.status") == "cancelled"


def test_pause_and_resume_by_click(cell):
    view = cell(RUNNING)
    bar = view.output.locator(".nbt-run_bar")
    bar.get_by_role("button", name="Pause").click()
    assert view.wait_for("exp.status == 'paused'")
    expect(bar.locator(".state")).to_contain_text("Paused")
    step = view.evaluate("exp.step")
    expect(bar).to_contain_text(f"Kept: the checkpoint of step {step}.")
    bar.get_by_role("button", name="Resume").click()
    assert view.wait_for(f"exp.status == 'training' and exp.step > {step}")
    expect(bar.get_by_role("button", name="Pause")).to_be_enabled()
    assert view.evaluate("exp.run.owner()['generation']") == 2


@pytest.mark.parametrize("kernel", ["ipykernel6"])
def test_stop_by_control_file_alone(nb, kernel):
    view = nb(RUNNING, "pass", kernel=kernel)
    view.run(0)
    expect(view.output.locator(".nbt-run_bar .state")).to_contain_text("Training")
    with view.busy():
        view.output.locator(".nbt-run_bar").get_by_role("button", name="Stop").click()
        expect(view.output.locator(".nbt-run_bar .state")).to_contain_text("Stopped")
    assert view.evaluate("exp.status") == "cancelled"


def test_cursor_axes_and_comparison(cell):
    view = cell(
        STAGE
        + "other = stage.trained(project, 'Other', stage.Play(seed=3))\n"
        + "exp = stage.trained(project, 'Baseline', stage.Play())"
        + SHOW
    )
    plot = view.output.locator(".nbt-curves .plot").first
    expect(plot.locator("path.line")).to_have_count(1 + 2)  # the first is the invisible frame
    plot.hover()
    expect(plot.locator(".readout")).to_contain_text(re.compile(r"step \d+.*train [\d.]+.*val [\d.]+", re.DOTALL))
    view.output.locator(".nbt-curves").get_by_role("button", name="epoch").click()
    assert view.wait_for("studio.results.curves.axis == 'epoch'")
    card = view.output.locator(".nbt-experiments .card").filter(has_text="Other")
    card.hover()
    card.get_by_role("checkbox").check()
    assert view.wait_for("studio.experiments.overlay == [other.id]")
    expect(view.output.locator(".nbt-curves .names")).to_contain_text("Other")
    expect(plot.locator("path.line")).to_have_count(1 + 4)
    view.output.locator(".nbt-curves .log").first.click()
    expect(view.output.locator(".nbt-curves .log").first).to_have_attribute("aria-pressed", "true")
    assert view.errors == []


def test_reload_and_restart(nb):
    view = nb(
        STAGE.replace("tempfile.mkdtemp(dir='.')", "'again'")
        + "exp = stage.trained(project, 'Baseline', stage.Play())"
        + SHOW,
        "pass",
    )
    view.run(0)
    expect(view.output.locator(".nbt-details .metrics")).to_contain_text("accuracy")
    view.reload()
    expect(view.output.locator(".nbt-details .metrics")).to_contain_text("accuracy")
    expect(view.output.locator(".nbt-curves .plot path.line").first).to_be_attached()
    view.output.locator(".nbt-experiments .card").first.press("F2")
    view.page.keyboard.type("Renamed")
    view.page.keyboard.press("Enter")
    assert view.wait_for("exp.name == 'Renamed'")
    folder = view.evaluate("str(project.path)")
    view.restart_kernel()
    expect(view.output.get_by_text("The kernel was restarted")).to_be_visible(timeout=15_000)
    view.run_code(f"from nbtrain.ui.studio import TrainingStudio\nstudio = TrainingStudio({folder!r}); studio")
    expect(view.output.locator(".nbt-experiments .title")).to_have_text("Renamed")
    expect(view.output.locator(".nbt-details .metrics")).to_contain_text("accuracy")


def test_two_views_of_one_studio(cell):
    view = cell(
        STAGE + "exp = project.new('Baseline'); studio = TrainingStudio(project); display(studio); display(studio)"
    )
    boxes = view.output.locator("[data-path='optimizer.lr'] input.number")
    expect(boxes).to_have_count(2)
    boxes.nth(0).fill("0.02")
    expect(boxes.nth(1)).to_have_value("0.02")
    view.kernel.execute("exp.rename('From code')")
    expect(view.output.locator(".nbt-experiments .title")).to_have_text(["From code", "From code"])


def test_an_empty_project_takes_images_and_says_what_is_wrong(cell):
    view = cell(STAGE + "studio = TrainingStudio(here / 'empty'); stage.images(here / 'mine'); studio")
    view.output.get_by_role("button", name="Add my images").click()
    box = view.output.get_by_label("Add images")
    box.fill("nowhere-at-all")
    box.press("Enter")
    expect(view.output.locator(".said.bad")).to_contain_text("nowhere-at-all")
    box.fill(view.evaluate("str(here / 'mine')"))
    box.press("Enter")
    view.output.get_by_role("button", name="Use these images").click()
    assert view.wait_for("studio.experiment is not None")
    expect(view.output.locator(".nbt-form .foot").get_by_role("button", name="Train")).to_be_enabled()


def test_another_project_is_opened_from_the_header(cell):
    view = cell(CREATED)
    view.output.locator(".nbt-header .project").click()
    view.output.get_by_role("menuitem", name="Open or create a project").click()
    view.output.get_by_label("Open a project folder").fill(view.evaluate("str(here / 'second')"))
    view.page.keyboard.press("Enter")
    assert view.wait_for("studio.project.path.name == 'second'")
    expect(view.output.locator(".nbt-header .project")).to_have_text("second")
    expect(view.output.get_by_role("button", name="Try with handwritten digits")).to_be_visible()


@pytest.mark.parametrize(("width_px", "columns"), [(1600, 3), (1050, 2), (640, 1)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_columns_fold_and_nothing_sticks_out(cell, width_px, columns, theme):
    view = cell(STAGE + "exp = stage.trained(project, 'A name too long for a card of this width')" + SHOW)
    view.sidebar(shown=False)
    view.theme(theme)
    view.viewport(width_px)
    panels = view.output.locator(".nbt-columns > *")
    expect(panels).to_have_count(3)
    view.page.wait_for_function(
        "n => new Set([...document.querySelectorAll('.nbt-columns > *')].map(e => e.offsetLeft)).size === n",
        arg=columns,
    )
    assert view.page.evaluate(WIDE) == []
