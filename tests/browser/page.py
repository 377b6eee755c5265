"""One open notebook in Chromium, used as a person uses it.

Cells are set up through JupyterLab's own commands, which tell when they are done; everything a test is about should be
clicked and typed through Playwright (``view.output``, ``view.page``). Knows JupyterLab's page; nothing of nbtrain.
"""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from playwright.sync_api import Locator, Page, expect

from browser.kernel import KernelClient
from browser.server import LabServer

_READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget, context = panel?.context?.sessionContext;
    return context?.isReady && panel.content?.widgets?.length && context.session?.kernel?.status === 'idle';
}"""
_UNCOVERED = "() => !document.getElementById('jupyterlab-splash')"
_SET_SOURCE = """([index, code]) => {
    const book = jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = index; book.deselectAll();
    book.activeCell.model.sharedModel.setSource(code);
}"""
_RUN = """async index => {
    const book = jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = index; book.deselectAll();
    const cell = book.activeCell;
    await jupyterapp.commands.execute('notebook:run-cell');
    const failed = cell.model.outputs.toJSON().find(output => output.output_type === 'error');
    return failed ? failed.traceback.join('\\n') : '';
}"""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = "([id, args]) => jupyterapp.commands.execute(id, args).then(() => null)"
_STATUS = "() => jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status"
_KERNEL = "() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.id"


class NotebookView:
    """An open notebook: ``page`` is Playwright's page, ``output`` the newest run cell's output."""

    def __init__(self, page: Page, server: LabServer, name: str, limit_s: float = 90) -> None:
        self.page, self.server, self.name = page, server, name
        self.limit_ms = limit_s * 1000
        self.errors: list[str] = []
        """What the page threw; ``page`` shows no error to a person, so tests look here."""
        self._current, self._kernel = 0, None  # type: tuple[int, KernelClient | None]
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        workspace = name.removesuffix(".ipynb").replace("/", "-")
        page.goto(f"{server.url}/lab/workspaces/{workspace}/tree/{name}?reset")
        self.wait_ready()

    # Cells

    def run(self, index: int = 0, *, wait: bool = True) -> NotebookView:
        """Run a cell of the notebook and raise what it raised; ``wait=False`` returns while it runs."""
        self._current = index
        if not wait:
            self.page.evaluate(f"index => {{ window.running = ({_RUN})(index); }}", index)
        elif failed := self.page.evaluate(_RUN, index):
            raise RuntimeError(f"cell {index} of {self.name} failed:\n{_COLOURS.sub('', failed)}")
        return self

    def run_code(self, code: str, index: int = 0, *, wait: bool = True) -> NotebookView:
        """Write ``code`` into a cell and run it."""
        self.page.evaluate(_SET_SOURCE, [index, code])
        return self.run(index, wait=wait)

    def busy(self, seconds: float = 60, index: int = 1) -> BusyCell:
        """Keep the kernel busy with another cell: ``with view.busy(): …`` ends it by the interrupt key's command."""
        return BusyCell(self, seconds, index)

    def cell(self, index: int) -> Locator:
        """Return the cell's element."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    @property
    def output(self) -> Locator:
        """Return the output area of the cell that was run last."""
        return self.cell(self._current).locator(".jp-Cell-outputArea")

    # The Python side

    @property
    def kernel(self) -> KernelClient:
        """Return a client of this notebook's kernel."""
        if self._kernel is None:
            self._kernel = KernelClient(self.server.url, self.kernel_id)
        return self._kernel

    @property
    def kernel_id(self) -> str:
        """Return the id of this notebook's kernel."""
        return str(self.page.evaluate(_KERNEL))

    def evaluate(self, expression: str, *, beside: bool = False) -> Any:
        """Return the value of a Python expression in this notebook's kernel; ``beside`` while a cell runs."""
        return self.kernel.evaluate(expression, beside=beside)

    def wait_for(self, expression: str, *, limit_s: float = 90, beside: bool = False) -> Any:
        """Ask until the Python expression is true and return its value; a click needs a moment to arrive."""
        for _ in range(max(1, int(limit_s / 0.05))):
            value = self.evaluate(expression, beside=beside)
            if value:
                return value
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{expression!r} was still {value!r} in the kernel after {limit_s} s")

    # What people do to a notebook

    def wait_ready(self) -> None:
        """Wait until the notebook is shown, JupyterLab's splash gone, and the kernel idle."""
        self.page.wait_for_function(_READY, timeout=self.limit_ms)
        self.page.wait_for_function(_UNCOVERED)

    def reload(self) -> None:
        """Save the notebook and reload the page; the kernel lives on."""
        self.command("docmanager:save")
        self.page.reload()
        self.wait_ready()

    def restart_kernel(self) -> None:
        """Restart the kernel through the menu's command and its question."""
        self._leave_kernel()
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:restart-kernel'); }")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        self.page.wait_for_function(f"() => ['idle'].includes(({_STATUS})())", timeout=self.limit_ms)

    def theme(self, name: Literal["light", "dark"]) -> None:
        """Switch JupyterLab's theme and wait until it is on."""
        self.command("apputils:change-theme", {"theme": f"JupyterLab {name.capitalize()}"})
        light = str(name == "light").lower()
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{light}'")
        self.page.wait_for_function(_UNCOVERED)

    def viewport(self, width_px: int, height_px: int = 1000) -> None:
        """Resize the window."""
        self.page.set_viewport_size({"width": width_px, "height": height_px})

    def sidebar(self, shown: bool) -> None:
        """Show or hide the file browser on the left."""
        if self.page.locator("#jp-left-stack").is_visible() != shown:
            self.command("application:toggle-left-area")

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Execute a command of JupyterLab, as a menu entry or a key would, and wait for its end."""
        self.page.evaluate(_COMMAND, [name, arguments or {}])

    def close(self) -> None:
        """End the kernel and close the page."""
        kernel_id = self.kernel_id
        self._leave_kernel()
        self.page.close()
        self.server.end_session(kernel_id)

    def _leave_kernel(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None


class BusyCell:
    """A cell that computes until the ``with`` block ends; Python code, so that it does not let go of the kernel."""

    def __init__(self, view: NotebookView, seconds: float, index: int) -> None:
        self.view, self.seconds, self.index = view, seconds, index

    def __enter__(self) -> Self:
        before = self.view._current
        code = f"import time\n_end = time.monotonic() + {self.seconds}\nwhile time.monotonic() < _end: time.sleep(0.01)"
        self.view.run_code(code, self.index, wait=False)
        self.view._current = before
        self.view.page.wait_for_function(f"() => ({_STATUS})() === 'busy'")
        return self

    def __exit__(self, *_: object) -> None:
        self.view.command("notebook:interrupt-kernel")
        # Not the kernel's status: a request that was answered beside the cell has made it "idle" already.
        self.view.page.evaluate("() => window.running")
