"""A real JupyterLab of our own: private folders, no token on loopback, no news, no update checks.

Knows the server process and its REST interface; what a page shows is page.py's matter.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OLD_IPYKERNEL = Path(sys.prefix) / "ipykernel6"
"""Where the Makefile puts ipykernel 6; kernel name ``ipykernel6``."""


class LabServer:
    """One JupyterLab, from start to :meth:`stop`; its files lie in ``root``, its log in ``log``."""

    def __init__(self, root: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="nbtrain-lab-"))
        self.root = root or self._folder / "root"
        self.root.mkdir(exist_ok=True)
        self.log = self._folder / "log"
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        _offer_old_ipykernel(self._folder / "data")
        _decline_news(self._folder / "settings")
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                self._command(), cwd=self.root, env=self._environment(), stdout=out, stderr=subprocess.STDOUT
            )
        self._wait_until_up()

    def _command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={self.root}",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            "--IdentityProvider.token=",
            f"--LabApp.user_settings_dir={self._folder / 'settings'}",
            f"--LabApp.workspaces_dir={self._folder / 'workspaces'}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.expose_app_in_browser=True",
        ]

    def _environment(self) -> dict[str, str]:
        private = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
        folders = {f"JUPYTER_{name}_DIR": str(self._folder / folder) for name, folder in private.items()}
        # Recent projects and user defaults of whoever runs the tests stay out of them.
        own = {"IPYTHONDIR": str(self._folder / "ipython"), "XDG_CONFIG_HOME": str(self._folder / "home-config")}
        return {**os.environ, **folders, **own, "JUPYTER_PLATFORM_DIRS": "1"}

    def _wait_until_up(self, limit_s: float = 180) -> None:
        end = time.monotonic() + limit_s
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.api("/api/status")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
            else:
                return
        self._process.kill()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def api(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Call the server's REST interface; return the decoded answer, or None where it is empty."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-XSRFToken": self._xsrf()}
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        with self._opener.open(request, timeout=30) as reply:
            answer = reply.read()
        return json.loads(answer) if answer else None

    def _xsrf(self) -> str:
        """Return the token that the server wants back: its check stays on, as for people."""
        if not any(cookie.name == "_xsrf" for cookie in self._cookies):
            self._opener.open(self.url + "/lab", timeout=30).close()
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == "_xsrf"), "")

    def write_notebook(self, name: str, cells: Sequence[str], kernel: str = "python3") -> str:
        """Write a notebook with these code cells below ``root`` and return its name."""
        plain: list[dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": f"c{i}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for i, source in enumerate(cells)
        ]
        spec = {"display_name": kernel, "language": "python", "name": kernel}
        book = {"cells": plain, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
        (self.root / name).write_text(json.dumps(book), encoding="utf-8")
        return name

    def end_session(self, kernel_id: str) -> None:
        """Shut the notebook's kernel down, as "Shut down kernel" does."""
        for session in self.api("/api/sessions"):
            if session["kernel"]["id"] == kernel_id:
                self.api(f"/api/sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        """End kernels and server, and remove the private folders."""
        for session in self.api("/api/sessions"):
            self.api(f"/api/sessions/{session['id']}", "DELETE")
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _offer_old_ipykernel(data: Path) -> None:
    if not OLD_IPYKERNEL.is_dir():
        return
    folder = data / "kernels" / "ipykernel6"
    folder.mkdir(parents=True)
    path = os.pathsep.join(filter(None, [str(OLD_IPYKERNEL), os.environ.get("PYTHONPATH", "")]))
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "ipykernel 6",
        "language": "python",
        "env": {"PYTHONPATH": path},
    }
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _decline_news(settings: Path) -> None:
    """Answer the question that a new person is asked over the notebook."""
    folder = settings / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    answer = {"fetchNews": "false", "checkForUpdates": False}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(answer), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
