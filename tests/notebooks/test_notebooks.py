"""The notebooks we ship, and the README's first script, run from top to bottom as a reader runs them.

Each in an empty folder of its own; a notebook is executed by nbclient in a real kernel, without a page.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Execute a notebook once for all tests that look at it."""
    done: dict[Path, nbformat.NotebookNode] = {}

    def execute(path: Path) -> nbformat.NotebookNode:
        if path not in done:
            book = nbformat.read(path, as_version=4)
            place = {"metadata": {"path": tmp_path_factory.mktemp(path.stem)}}
            done[path] = nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=place).execute()
        return done[path]

    return execute


def outputs(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(executed, path):
    """No cell raises, no run fails, nothing is written to stderr, and the install cell says nothing."""
    book = executed(path)
    assert [text for o in outputs(book) if "failed" in (text := o.get("data", {}).get("text/plain", ""))] == []
    assert [o.text for o in outputs(book) if o.output_type == "stream" and o.name == "stderr"] == []
    assert next(cell for cell in book.cells if cell.cell_type == "code").outputs == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_studio_is_a_picture_without_a_kernel(executed, path):
    """A saved notebook shows the last results in a viewer that has no kernel."""
    studios = [
        o.data for o in outputs(executed(path)) if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
    ]
    assert studios
    assert all("<" in data.get("text/html", "") for data in studios)
    pictures = [
        html for o in outputs(executed(path)) if "nbt-picture" in (html := o.get("data", {}).get("text/html", ""))
    ]
    assert len(pictures) == len(studios)  # behind each studio its picture
    # The last thing that from-code shows is a studio after several runs.
    assert path.stem != "from-code" or "<table" in pictures[-1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid(path):
    nbformat.validate(nbformat.read(path, as_version=4))


def test_first_script_of_the_readme(tmp_path):
    """The README's Python block, in an empty folder, as a program."""
    script = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("completed {")
    assert done.stderr == ""
