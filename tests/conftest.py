"""Where the tests live, in what order they run, and which of them want the machine to themselves.

The quick and telling come first, the browser last: Playwright keeps an event loop in the main thread as long as the
browser is open, so nothing that runs one of its own (nbclient) may come after it. `make test` runs the rooms that are
not ``ALONE`` in several processes side by side; each imports this file, and has folders and a warm process of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from nbtrain import locks

TESTS = Path(__file__).parent
HOME = Path(tempfile.mkdtemp(prefix="nbtrain-tests-"))
ALONE = ("flows", "faults", "notebooks", "browser")
"""Rooms whose trainers, servers and browser keep all cores busy by themselves, in their order."""

for _name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
    # Nobody's own defaults take part, nor recent projects, what became of plans, or whoever else trains here.
    (HOME / _name.lower()).mkdir(mode=0o700)
    os.environ[f"XDG_{_name}"] = str(HOME / _name.lower())
os.environ["OMP_NUM_THREADS"] = "1"  # tensors of the tests are small: a second thread costs more than it gives


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by folder: contracts, then the mirror of src, then what takes long; mark the folders' own kinds."""
    for item in items:
        if _folder(item) in ALONE:
            item.add_marker("alone")
            item.add_marker(_folder(item))
    items.sort(key=lambda item: _place(_folder(item)))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Let each test begin with one thread, whatever an earlier one has chosen: sums depend on their number."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def pytest_unconfigure() -> None:
    """End the warm process that the tests of this process have shared."""
    for lock in (HOME / "runtime_dir" / "nbtrain").glob("warm-*.lock"):
        pid = locks.holder(lock)
        if pid:
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(HOME, ignore_errors=True)


def _folder(item: pytest.Item) -> str:
    parts = item.path.relative_to(TESTS).parts
    return parts[0] if len(parts) > 1 else ""


def _place(folder: str) -> int:
    return -1 if folder == "contracts" else ALONE.index(folder) + 1 if folder in ALONE else 0
