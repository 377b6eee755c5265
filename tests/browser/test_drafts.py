"""Edits that are not saved, in a real JupyterLab: cell run again, kernel restarted, page reloaded, two notebooks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.test_studio import UI, field, open_section

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("NBTRAIN_DRAFT_PICTURES", "")
CELL = f"""import os, pathlib, sys, tempfile
sys.path[:0] = [{str(UI)!r}]
os.environ["NBTRAIN_WARM"] = "0"
os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp()
import stage
from nbtrain.project.project import Project
from nbtrain.ui.studio import TrainingStudio
here = pathlib.Path("FOLDER")
project = Project(here / "flowers") if (here / "flowers").exists() else stage.project(here)
if not project.cards: project.new("Baseline").save()
studio = TrainingStudio(project); studio
"""
"""Each test puts a folder of its own for FOLDER: the kernels of all tests work in the same one."""


def picture(view, name):
    """Leave pictures of a state in both themes, where somebody wants to look at them."""
    for theme in ("light", "dark") if PICTURES else ():
        view.theme(theme)
        view.page.wait_for_timeout(700)
        view.output.screenshot(path=Path(PICTURES) / f"{name}-{theme}.png")
    if PICTURES:
        view.theme("light")


def all_there(view, names):
    cards = view.output.locator(".nbt-experiments .card")
    expect(cards.locator(".title")).to_have_text(names)
    cards.filter(has_text="(copy)").click()
    lr = field(view, "optimizer.lr")
    expect(lr.locator("input").first).to_have_value("fast")
    expect(lr.locator(".message")).to_contain_text("is not a number")
    expect(field(view, "training.epochs").locator("input").first).to_have_value("7")
    expect(field(view, "optimizer.kind").locator("select")).to_have_value("sgd")
    expect(cards.filter(has_text="(copy)")).to_contain_text("not saved")
    foot = view.output.locator(".nbt-form .foot")
    expect(foot.get_by_role("button", name="Train")).to_be_disabled()
    assert view.evaluate("[[e.name, e.config.training.epochs, e.saved] for e in project.cards]") == [
        ["Baseline (copy)", 7, False], ["Baseline", 7, True],
    ]  # fmt: skip


def test_a_rerun_cell_a_restarted_kernel_and_a_reloaded_page_show_what_was_left(nb):
    view = nb(CELL.replace("FOLDER", "left"), "pass")
    view.run(0)
    field(view, "optimizer.weight_decay").locator("input").first.fill("0.5")
    assert view.wait_for("studio.experiment.config.optimizer.weight_decay == .5")
    field(view, "optimizer.kind").locator("select").select_option("sgd")
    field(view, "training.epochs").locator("input").first.fill("7")
    field(view, "optimizer.lr").locator("input").first.fill("fast")
    expect(field(view, "optimizer.lr").locator(".message")).to_contain_text("is not a number")
    foot = view.output.locator(".nbt-form .foot")
    foot.get_by_role("button", name="Save").click()
    expect(foot.locator(".told[role=alert]")).to_contain_text("optimizer.lr: 'fast' is not a number")
    picture(view, "1-refused-save")
    cards = view.output.locator(".nbt-experiments .card")
    cards.first.click(button="right")
    view.output.get_by_role("menuitem", name="Duplicate").click()
    expect(cards).to_have_count(2)
    names = ["Baseline (copy)", "Baseline"]
    all_there(view, names)
    view.run(0)
    all_there(view, names)
    picture(view, "2-cell-run-again")
    view.restart_kernel()
    view.run(0)
    all_there(view, names)
    view.reload()
    all_there(view, names)
    picture(view, "3-restarted-and-reloaded")
    field(view, "optimizer.lr").locator("input").first.fill("0.2")
    assert view.wait_for("studio.experiment.config.optimizer.lr == .2 and not studio.experiment.problems")
    open_section(view, "scheduler")
    field(view, "scheduler.warmup_epochs").locator("input").first.fill("60")
    expect(field(view, "scheduler.warmup_epochs").locator(".message")).to_contain_text("longer than the run")
    foot.get_by_role("button", name="Save").click()
    expect(foot.locator(".told[role=alert]")).to_contain_text("scheduler.warmup_epochs")
    assert not view.evaluate("studio.experiment.saved")
    picture(view, "4-across-fields")
    field(view, "scheduler.warmup_epochs").locator("input").first.fill("2")
    assert view.wait_for("not studio.experiment.problems")
    foot.get_by_role("button", name="Save").click()
    assert view.wait_for("studio.experiment.saved and not studio.experiment.dirty")
    field(view, "optimizer.kind").locator("select").select_option("adamw")
    expect(field(view, "optimizer.weight_decay").locator("input").first).to_have_value("0.5")
    assert view.errors == []


def test_a_second_notebook_follows_and_edits_too(nb):
    first, second = (nb(CELL.replace("FOLDER", "shared"), "pass") for _ in range(2))
    for view in (first, second):
        view.run(0)
    first.output.locator(".nbt-experiments .card", has_text="Baseline").last.click()
    second.output.locator(".nbt-experiments .card", has_text="Baseline").last.click()
    box = [field(view, "training.patience").locator("input").first for view in (first, second)]
    box[0].fill("long")
    box[0].blur()  # as going to another page does; every page of this browser believes that it has the focus
    expect(box[1]).to_have_value("long")
    assert first.wait_for("'training.patience' in studio.experiment.refused")  # so what was typed has arrived whole
    box[1].fill("4")
    box[1].blur()
    expect(box[0]).to_have_value("4")
    assert first.wait_for("studio.experiment.config.training.patience == 4 and not studio.experiment.refused")
