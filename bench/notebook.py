"""A real JupyterLab in a real browser for benchmarks: the tests' harness, plus what is needed to measure.

It counts the frames of the kernel's channel and reads the browser's own clock; what is measured, its callers say.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import WebSocket, sync_playwright

from browser.chromium import FLAGS, installed
from browser.page import NotebookView
from browser.server import LabServer

_KIND = re.compile(rb'"msg_type": ?"(\w+)"')


@dataclass
class Frames:
    """Comm messages that came from the kernel since :meth:`reset`."""

    comm: int = 0
    size_bytes: int = 0

    def listen(self, socket: WebSocket) -> None:
        """Count what arrives on a kernel's channel."""
        if "/channels" in socket.url:
            socket.on("framereceived", self._count)

    def reset(self) -> None:
        """Start counting anew."""
        self.comm = self.size_bytes = 0

    def _count(self, payload: Any) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        kind = _KIND.search(data)  # the first is the message's own, the next one that of what it answers
        if kind and kind[1].startswith(b"comm_"):
            self.comm += 1
            self.size_bytes += len(data)


@contextmanager
def notebook(folder: Path, cells: list[str]) -> Iterator[tuple[NotebookView, Frames]]:
    """Open a notebook with ``cells`` in its own JupyterLab and browser; the cells are not run yet."""
    server, frames = LabServer(folder), Frames()
    try:
        name = server.write_notebook("bench.ipynb", cells)
        with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="nbtrain-profile-") as profile:
            size: Any = {"width": 1600, "height": 1000}
            program = installed()
            context = playwright.chromium.launch_persistent_context(
                profile, executable_path=program, args=list(FLAGS), viewport=size
            )
            page = context.new_page()
            page.on("websocket", frames.listen)
            view = NotebookView(page, server, name)
            yield view, frames
            view.close()
            context.close()
    finally:
        server.stop()
