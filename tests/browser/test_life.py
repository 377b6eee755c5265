"""Studios, views and toasts on a page: what is closed, what each view sees, and what never covers a button."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import expect

from browser.page import NotebookView
from browser.test_studio import STAGE

pytestmark = pytest.mark.browser

TWO = (
    STAGE
    + "a = stage.trained(project, 'A', stage.Play(epochs=3, steps=10))\n"
    + "b = stage.trained(project, 'B', stage.Play(epochs=3, steps=10, seed=3))\n"
    + "new = project.new('New'); studio = TrainingStudio(project)\nstudio"
)
MEASURED = """
from ipywidgets.widgets.widget import _instances
from nbtrain.ui.studio import _STUDIOS
def held():
    return [len(_instances), len(_STUDIOS)]
"""
COVERED = """() => {
    const box = document.querySelector('.nbt-header .toast').getBoundingClientRect();
    const controls = [...document.querySelectorAll('.nbt-studio :is(button, input, select, textarea, summary, a)')];
    return controls.filter((one) => !one.disabled && one.getClientRects().length).filter((one) => {
        const own = one.getBoundingClientRect();
        return own.left < box.right && own.right > box.left && own.top < box.bottom && own.bottom > box.top;
    }).map((one) => one.textContent || one.outerHTML);
}"""
INSIDE = """(element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight + 1;
}"""


def test_every_order_of_tick_select_and_stage_shows_one_experiment_everywhere(cell):
    """One tick in Runs froze form and run bar on the experiment of before: its Restart belonged to another run."""
    view = cell(TWO)
    tab = lambda name: view.output.get_by_role("tab", name=name).click()  # noqa: E731
    rows = view.output.locator(".nbt-run_table tbody tr")
    steps = {
        "tick": lambda: (tab("Runs"), rows.filter(has_text="B").get_by_role("checkbox").click(force=True)),
        "select": lambda: (tab("Train"), view.output.locator(".nbt-experiments .title", has_text="A").click()),
        "stage": lambda: (tab("Compare"), tab("Train")),
    }
    for order in itertools.permutations(steps):
        for name in order:
            steps[name]()
        for title in ("New", "B", "A"):
            tab("Train")
            view.output.locator(".nbt-experiments .title", has_text=title).click()
            same = "studio.form.experiment is studio.results.run_bar.experiment is studio.experiment"
            assert view.wait_for(f"studio.experiment.name == {title!r} and {same}")
            assert view.wait_for(f"studio.form.name == studio.results.run_bar.name == {title!r}")
            expect(view.output.locator(".nbt-run_bar .state")).to_have_text(
                "○Not trained" if title == "New" else "✓Completed"
            )
    expect(view.output.locator(".broken")).to_have_count(0)
    view.output.get_by_role("button", name="Restart…").click()
    view.output.get_by_role("button", name="Move results and restart").click()
    assert view.wait_for("a.status == 'created'")
    assert view.evaluate("b.status") == "completed"
    assert view.errors == []


def test_a_cell_that_runs_again_leaves_nothing_behind(nb):
    view = nb(STAGE + "project.new('A').save()\n" + MEASURED, "studio = TrainingStudio(str(project.path))\nstudio")
    expect(view.output.locator(".nbt-run_bar")).to_contain_text("Not yet trained")
    first = view.evaluate("held()")
    for _ in range(10):
        view.run(1)
    expect(view.output.locator(".nbt-run_bar")).to_contain_text("Not yet trained")
    assert view.wait_for(f"held() == {first}")
    assert view.errors == []


def test_a_project_shown_in_another_cell_says_so_and_comes_back(nb):
    code = "TrainingStudio(str(project.path))"
    view = nb(STAGE + "project.new('A').save()\n" + MEASURED, code, code)
    first, second = view.cell(1), view.cell(2)
    expect(second.locator(".nbt-experiments .title")).to_have_text("A")
    expect(first.locator(".nbt-elsewhere")).to_contain_text("is shown in another cell")
    first.get_by_role("button", name="Show it here").click()
    expect(first.locator(".nbt-experiments .title")).to_have_text("A")
    expect(second.locator(".nbt-elsewhere")).to_contain_text("is shown in another cell")
    view.run(2)
    expect(second.locator(".nbt-experiments .title")).to_have_text("A")
    expect(first.locator(".nbt-elsewhere")).to_be_visible()
    assert view.wait_for("held()[1] == 2")
    view.run(1)
    view.run(1)
    expect(first.locator(".nbt-experiments .title")).to_have_text("A")
    expect(second.locator(".nbt-elsewhere")).to_be_visible()
    assert view.errors == []


def test_closing_a_second_page_leaves_the_first_alone(nb, lab, chromium):
    """The first said "No word from the kernel" for ever, and drew nothing any more."""
    view = nb(STAGE + "exp = project.new('A'); studio = TrainingStudio(project)\nstudio")
    box = view.output.locator("[data-path='optimizer.lr'] input.number")
    expect(box).to_be_visible()
    view.command("docmanager:save")
    page = chromium.new_page()
    other = NotebookView(page, lab, view.name)
    expect(other.output.locator(".nbt-run_bar")).to_contain_text("Not yet trained")
    page.close(run_before_unload=False)
    view.page.bring_to_front()
    view.page.wait_for_timeout(9000)
    expect(view.output.locator(".gone")).to_have_count(0)
    view.kernel.execute("exp.set('optimizer.lr', 0.0123)")
    expect(box).to_have_value("0.0123")


def test_the_images_of_a_confusion_come_into_sight_with_the_focus(cell):
    """They stood 1 580 px further down."""
    view = cell(
        STAGE
        + "from test_images import evaluated\none = stage.trained(project, 'One'); evaluated(one)\n"
        + "studio = TrainingStudio(project)\nstudio"
    )
    for width_px in (670, 1600):
        view.viewport(width_px, 1000)
        view.output.get_by_role("tab", name="Evaluate").click()
        cells = view.output.locator(".nbt-evaluation .matrix button.wrong:not(.none)")
        gallery = view.output.locator(".nbt-evaluation + .nbt-gallery")
        cells.first.scroll_into_view_if_needed()
        cells.first.focus()
        view.page.keyboard.press("Enter")
        expect(gallery.locator(".title")).to_contain_text("taken for")
        expect(gallery.locator(".view")).to_be_focused()
        assert gallery.locator(".title").evaluate(INSIDE)
        expect(gallery.locator(".tile").first).to_be_in_viewport()
        view.page.keyboard.press("ArrowRight")
        expect(gallery.locator(".tile.on")).to_have_count(1)
        gallery.get_by_role("button", name="Back").click()
        expect(cells.first).to_be_focused()
        expect(cells.first).to_be_in_viewport()


def test_a_toast_covers_no_control(cell):
    view = cell(
        STAGE
        + "from nbtrain.messages import Failure\n"
        + "stage.use(stage.Play(fails=Failure(cause='out of memory', message='No room.', advice=('Halve it.',))))\n"
        + "exp = project.new('A run with a name as long as a sentence, and more'); exp.train().wait(20)\n"
        + "studio = TrainingStudio(project)\nstudio"
    )
    expect(view.output.get_by_role("button", name="Restart…")).to_be_visible()
    for width_px, theme in itertools.product((1600, 670), ("light", "dark")):
        view.viewport(width_px, 1000)
        view.theme(theme)
        before = view.output.locator(".nbt-run_bar").bounding_box()
        view.kernel.execute(
            "studio.header.toast(f'“{exp.name}” failed, and there is more to be said of it. ' * 3, 'bad')"
        )
        expect(view.output.locator(".toast")).to_contain_text("failed")
        assert view.page.evaluate(COVERED) == []
        assert view.output.locator(".nbt-run_bar").bounding_box() == before  # nothing moves for it, either
        view.output.locator(".toast").click()
        expect(view.output.locator(".toast")).to_have_count(0)
