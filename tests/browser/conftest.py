"""The browser tests' harness: one JupyterLab and one Chromium for the session.

Fixtures
    cell(code) -> NotebookView    runs the code in one long-lived notebook (about a second a test); its kernel keeps
                                  running from test to test, so give a project a folder of its own (``tmp_path``)
    nb(*cells, kernel=…) -> NotebookView    a notebook and kernel of its own, all cells run in order (some seconds)
    lab                           the server: ``root`` (where the kernels work), ``url``, ``api``
A view offers ``output`` (a Playwright locator), ``page``, ``evaluate("exp.status")`` (Python's side, also
``beside=True`` while a cell runs), ``wait_for("exp.status == 'completed'")``, ``busy()``, ``reload()``,
``restart_kernel()``, ``theme("dark")``, ``viewport(width_px)``, ``errors`` (what the page threw).

Every test fails whose page asked any other host for anything: nbtrain needs no network.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Request, expect, sync_playwright

from browser.chromium import FLAGS, installed
from browser.page import NotebookView
from browser.server import OLD_IPYKERNEL, LabServer

WIDTH_PX, HEIGHT_PX = 1600, 1000
expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong; a condition that holds costs nothing
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def lab() -> Iterator[LabServer]:
    """Start JupyterLab once."""
    server = LabServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def outside() -> list[str]:
    """Collect every address outside this machine that a page asked for."""
    return []


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, outside: list[str]) -> Iterator[BrowserContext]:
    """Start Chromium once, with a fresh profile."""
    program = installed()
    if program is None:
        pytest.fail("No Chromium or Chrome: `make browser` installs one.")

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in {"127.0.0.1", "localhost"}:
            outside.append(request.url)

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            args=list(FLAGS),
            viewport={"width": WIDTH_PX, "height": HEIGHT_PX},
        )
        context.on("request", note)
        yield context
        context.close()


@pytest.fixture(scope="session")
def _shared(lab: LabServer, chromium: BrowserContext) -> NotebookView:
    name = lab.write_notebook("shared.ipynb", ["pass", "pass", "pass"])
    return NotebookView(chromium.new_page(), lab, name)


@pytest.fixture
def cell(_shared: NotebookView, outside: list[str]) -> Iterator[Callable[..., NotebookView]]:
    """Run code in the first cell of the shared notebook; light theme and full width again afterwards."""
    _shared.command("notebook:clear-all-cell-outputs")
    _shared.errors.clear()

    def run(code: str, *, wait: bool = True) -> NotebookView:
        return _shared.run_code(code, wait=wait)

    yield run
    _shared.theme("light")
    _shared.viewport(WIDTH_PX, HEIGHT_PX)
    assert outside == []


@pytest.fixture
def nb(
    lab: LabServer, chromium: BrowserContext, request: pytest.FixtureRequest, outside: list[str]
) -> Iterator[Callable[..., NotebookView]]:
    """Open a notebook of its own with these cells and run them all."""
    views: list[NotebookView] = []

    def open_and_run(*cells: str, kernel: str = "python3") -> NotebookView:
        if kernel == "ipykernel6" and not OLD_IPYKERNEL.is_dir():
            pytest.fail("ipykernel 6 is missing; `make test` installs it beside the environment.")
        stem = re.sub(r"\W+", "-", request.node.name).strip("-")[:40]
        name = lab.write_notebook(f"{stem}-{next(_numbers)}.ipynb", cells, kernel)
        view = NotebookView(chromium.new_page(), lab, name)
        views.append(view)
        for index in range(len(cells)):
            view.run(index)
        return view

    yield open_and_run
    for view in views:
        view.close()
    assert outside == []
