"""Order of the whole suite: the quick and telling first, the browser last.

Playwright keeps an event loop in the main thread as long as the browser is open, so nothing that runs one of its own
(nbclient) may come after it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from nbtrain import locks

TESTS = Path(__file__).parent
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="nbtrain-config-")  # nobody's own defaults take part
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="nbtrain-data-")  # nor what became of anybody's plans
RUNTIME = Path(tempfile.mkdtemp(prefix="nbtrain-runtime-"))
os.environ["XDG_RUNTIME_DIR"] = str(RUNTIME)  # whoever else trains on this machine is no matter here
LAST = ("faults", "notebooks", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by folder: contracts, then the mirror of src, then what takes long; mark the folders' own kinds."""
    for item in items:
        if _folder(item) in LAST:
            item.add_marker(_folder(item))
    items.sort(key=lambda item: _place(_folder(item)))


def pytest_unconfigure() -> None:
    """End the warm process that the tests have shared."""
    for lock in (RUNTIME / "nbtrain").glob("warm-*.lock"):
        pid = locks.holder(lock)
        if pid:
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(RUNTIME, ignore_errors=True)


def _folder(item: pytest.Item) -> str:
    parts = item.path.relative_to(TESTS).parts
    return parts[0] if len(parts) > 1 else ""


def _place(folder: str) -> int:
    return -1 if folder == "contracts" else LAST.index(folder) + 1 if folder in LAST else 0
