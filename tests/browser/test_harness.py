"""The harness itself, tried on a plain ipywidgets slider: what it promises to every other browser test."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(3, description='height')\nslider"


def test_a_persons_key_reaches_python(cell):
    view = cell(SLIDER)
    view.output.locator("[role=slider]").press("ArrowRight")
    assert view.wait_for("slider.value == 4")


def test_pythons_change_reaches_the_page(cell):
    view = cell(SLIDER)
    view.kernel.execute("slider.value = 71")
    expect(view.output.locator(".widget-readout")).to_have_text("71")


def test_an_error_in_the_kernel_is_told(cell):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        cell("1 / 0")
    view = cell("x = 1")
    with pytest.raises(RuntimeError, match="NameError"):
        view.evaluate("nowhere")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        view.kernel.execute("1 / 0")
    assert view.evaluate("{'x': x, 'nan': float('inf')}") == {"x": 1, "nan": float("inf")}


def test_python_answers_while_a_cell_runs(cell):
    view = cell(SLIDER)
    started = time.monotonic()
    with view.busy(60):
        assert view.evaluate("slider.value", beside=True) == 3
    assert view.evaluate("slider.value") == 3
    assert time.monotonic() - started < 50, "the busy cell was waited for, not interrupted"


def test_theme_and_width(cell):
    view = cell(SLIDER)
    view.theme("dark")
    assert view.page.evaluate("document.body.dataset.jpThemeName") == "JupyterLab Dark"
    view.viewport(700)
    assert view.page.evaluate("window.innerWidth") == 700


def test_reload_keeps_widget_and_kernel(nb):
    view = nb(SLIDER)
    view.output.locator("[role=slider]").press("ArrowRight")
    assert view.wait_for("slider.value == 4")
    before = view.kernel_id
    view.reload()
    expect(view.output.locator(".widget-readout")).to_have_text("4")
    assert (view.kernel_id, view.evaluate("slider.value")) == (before, 4)


@pytest.mark.parametrize(("kernel", "major"), [("python3", "7"), ("ipykernel6", "6")])
def test_restart_forgets_names(nb, kernel, major):
    view = nb(SLIDER, kernel=kernel)
    assert view.evaluate("__import__('ipykernel').__version__.split('.')[0]") == major
    view.restart_kernel()
    assert view.evaluate("'slider' in globals()") is False
    view.run()
    expect(view.output.locator(".widget-readout")).to_have_text("3")
