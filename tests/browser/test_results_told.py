"""Results in a real JupyterLab: one epoch on one page, whose labels an evaluation is of, and what is saved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.test_studio import LONG, SHOW, STAGE, WIDE

pytestmark = pytest.mark.browser

TESTS = Path(__file__).resolve().parents[1]
SAVED = (
    STAGE
    + """
from nbtrain.ui import picture
picture.EVERY_S = .5
picture.LOOK_S = .2
stage.use(stage.Play(epochs=60, steps=40, step_s=.002))
exp = project.new('Kept'); exp.set('training.monitor', 'accuracy')
exp.train()"""
    + SHOW
)
PICTURES = """() => jupyterapp.shell.currentWidget.content.widgets[0].model.outputs.toJSON()
    .map(one => one.data?.['text/html'] ?? '')"""
SAME = """async () => {
    const said = at => document.querySelector(at)?.textContent.match(/epoch \\d+ \\/ \\d+/)?.[0];
    let frames = 0, apart = 0; const seen = new Set();
    for (const end = performance.now() + 6000; performance.now() < end;) {
        await new Promise(requestAnimationFrame);
        const [card, bar] = [said('.nbt-experiments .card .line'), said('.nbt-run_bar .place')];
        if (!card || !bar) continue;
        frames += 1; apart += card !== bar; seen.add(bar);
    }
    return [frames, apart, seen.size];
}"""
REAL = f"""import os, pathlib, sys, tempfile
sys.path[:0] = [{str(TESTS)!r}]
os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp()
from flows.conftest import QUICK
from images import write_classes
from nbtrain import Project, TrainingStudio
here = pathlib.Path(tempfile.mkdtemp(dir="."))
project = Project(here / "project"); project.defaults = dict(QUICK)
project.add_images(write_classes(here / "images", {{"red": 20, "green": 20, "blue": 20}}))
one, two = (project.new(name).train(beside=True) for name in ("Weak", "Strong"))
assert [e.wait(400) for e in (one, two)] == ["completed"] * 2, (one.error, two.error)
studio = TrainingStudio(project); studio
"""

TRUE_CLASSES = """(lambda found: {file: found.classes[target] for file, target in zip(found.files, found.targets)})(
    studio.evaluation.evaluation.evaluation.predictions)"""


def test_a_saved_notebook_shows_how_the_run_ended_and_nothing_grows(nb, lab, tmp_path):
    view = nb(SAVED)
    box = view.output.locator(".nbt-experiments input[type=search]")
    box.fill("Ke")
    assert view.wait_for("exp.status == 'completed'")
    view.page.wait_for_function(f"() => ({PICTURES})().at(-1).includes('completed')")
    assert len(view.page.evaluate(PICTURES)) == 2
    # the widget has been left alone: one view, with the focus and the text where they were
    expect(view.page.locator(".nbt-studio")).to_have_count(1)
    expect(box).to_be_focused()
    expect(box).to_have_value("Ke")
    expect(view.page.locator(".nbt-picture")).to_be_hidden()
    assert view.page.locator(".jp-OutputArea-child:has(.nbt-picture)").bounding_box() is None
    view.command("docmanager:save")
    path = Path(lab.root) / view.name
    widget, picture = json.loads(path.read_text())["cells"][0]["outputs"]
    assert "completed" in "".join(picture["data"]["text/html"])
    assert "<svg" in "".join(picture["data"]["text/html"])
    assert "application/vnd.jupyter.widget-view+json" in widget["data"]
    page = tmp_path / "page.html"
    told = [sys.executable, "-m", "nbconvert", "--to", "html", "--output", str(page), str(path)]
    subprocess.run(told, check=True, capture_output=True)
    assert page.read_text().count("<table><thead>") == 1  # the experiments, once
    assert view.errors == []


def test_card_and_run_bar_show_one_epoch(cell):
    view = cell(STAGE + LONG.replace("steps=40", "steps=60") + "exp = project.new('One'); exp.train()" + SHOW)
    assert view.wait_for("exp.epoch > 1")
    frames, apart, epochs = view.page.evaluate(SAME)
    view.evaluate("exp.stop()")
    assert epochs > 3
    assert apart <= 0.1 * frames, (frames, apart, epochs)


def test_one_relabel_is_no_dead_end_for_earlier_runs(nb):
    view = nb(REAL)
    view.output.get_by_role("tab", name="Evaluate").click()
    panel = view.output.locator(".nbt-evaluation")
    panel.get_by_role("button", name="Evaluate", exact=True).click()
    expect(panel.locator("table.num").first).to_be_visible(timeout=200_000)
    expect(panel.get_by_label("Labels", exact=True)).to_have_count(0)
    as_trained = view.evaluate(TRUE_CLASSES)
    file = next(iter(as_trained))
    other = "blue" if as_trained[file] == "red" else "red"
    view.evaluate(f"project.dataset().relabel({file!r}, {other!r})")
    expect(panel.get_by_text("Out of date:")).to_be_visible()
    labels = panel.get_by_label("Labels", exact=True)
    expect(labels).to_have_value("current")
    panel.get_by_role("button", name="Evaluate again").click()
    expect(panel.get_by_text("Out of date:")).to_have_count(0, timeout=200_000)
    expect(panel.get_by_text("1 image was relabelled since this run was set up")).to_be_visible()
    assert view.evaluate(TRUE_CLASSES) == {**as_trained, file: other}
    labels.select_option("trained")
    panel.get_by_role("button", name="Evaluate again").click()
    assert view.wait_for("studio.evaluation.evaluation.evaluation.record.labels == 'trained'")
    expect(panel.get_by_text("Out of date:")).to_have_count(0, timeout=200_000)
    assert view.evaluate(TRUE_CLASSES) == as_trained
    view.evaluate("setattr(studio.experiments, 'overlay', [e.id for e in (one, two) if e is not studio.experiment])")
    view.output.get_by_role("tab", name="Compare").click()
    compare = view.output.locator(".nbt-compare")
    compare.get_by_role("button", name="Evaluate with current labels").click()
    expect(compare.locator(".verdicts details")).to_have_count(1, timeout=200_000)
    expect(compare.locator(".lacking")).to_have_count(0, timeout=200_000)
    assert view.page.evaluate(WIDE) == []
    assert view.errors == []


def test_cancelled_in_the_queue_is_not_trained(cell):
    held = """
from nbtrain.runs.devices import Claim
claim = Claim('/elsewhere/experiments/e/runs/0001', 'cpu'); assert claim.take()
exp = project.new('One'); exp.set('hardware.device', 'cpu'); exp.train(queue=True)"""
    view = cell(STAGE + LONG + held + SHOW)
    bar = view.output.locator(".nbt-results > :first-child")
    bar.get_by_role("button", name="Cancel").click()
    assert view.wait_for("exp.status == 'created'")
    expect(bar.get_by_role("button", name="Train")).to_be_visible()
    expect(bar.get_by_role("button", name="Resume")).to_have_count(0)
    expect(view.output.locator("[data-path='optimizer.lr'] input").first).to_be_enabled()
    assert view.evaluate("[p.name for p in (exp.folder / 'runs').iterdir() if p.is_dir()]") == []
    view.evaluate("claim.release()")
