"""Finds the Chromium that the browser tests drive, or installs one (``python tests/browser/chromium.py``).

In this order: the program named by ``$CHROMIUM``, an installed Chromium or Chrome, Playwright's own, and at last the
system's package where this user may install it. It knows where browsers come from, nothing of what they are shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Quiet, without a network of its own, and able to run as root in a container."""


def installed() -> str | None:
    """Return the path of a browser that is on this machine already, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None) or playwrights_own()


def playwrights_own() -> str | None:
    """Return the path of the browser that Playwright downloaded, or None where it has not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install() -> str | None:
    """Get a browser: Playwright's own with the libraries it needs, else the system's package."""
    root = os.name == "posix" and os.geteuid() == 0
    _run(sys.executable, "-m", "playwright", "install", *(["--with-deps"] if root else []), "chromium")
    if not installed() and root and shutil.which("apt-get"):
        _run("apt-get", "update", "-q")
        _run("apt-get", "install", "-y", "-q", "chromium")
    return installed()


def _run(*command: str) -> None:
    print("$", *command, flush=True)
    subprocess.run(command, check=False)


def main() -> int:
    """Say which browser the tests will use; 1 where there is none."""
    path = installed() or install()
    print(f"browser for the tests: {path}" if path else "No Chromium or Chrome: install one, or name it in $CHROMIUM.")
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
