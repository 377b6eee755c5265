"""Who may import what: the floors, and the libraries that one room keeps to itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from contracts.repository import ROOT, SOURCE, imports, sources, trainer_only, trainer_patterns

HEAVY = {"torch", "torchvision", "timm"}


def test_floors():
    """Lower floors never import higher ones, inside functions neither (import-linter, pyproject.toml)."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("bqplot", "ui/curves.py"),
        ("anywidget", "ui"),
        ("ipywidgets", "ui"),
        ("subprocess", "runs"),
    ],
)
def test_one_room_keeps_it(library, home):
    """Charts are drawn in one file, and processes started in one folder, so that either can be replaced."""
    room = SOURCE / home
    elsewhere = [
        path.relative_to(SOURCE).as_posix()
        for path in sources()
        if path != room and room not in path.parents and library in {name.split(".")[0] for name in imports(path)}
    ]
    assert elsewhere == []


def test_only_runs_forks():
    outside = [path for path in sources() if SOURCE / "runs" not in path.parents]
    assert [path.name for path in outside if "os.fork(" in path.read_text(encoding="utf-8")] == []


def test_torch_at_the_top_of_trainer_files_only():
    """The same as ruff's TID253, told by file, and every pattern of the trainer's list means a file."""
    assert all(any(ROOT.glob(pattern)) for pattern in trainer_patterns())
    at_top = {p for p in sources() if HEAVY & {name.split(".")[0] for name in imports(p, top_only=True)}}
    assert at_top <= trainer_only(), sorted(p.relative_to(SOURCE).as_posix() for p in at_top - trainer_only())


def test_interpreters_are_started_in_one_place_without_the_current_folder():
    """-P keeps a torch.py of the current folder out of whatever nbtrain starts (runs/fresh.py)."""
    starting = [path for path in sources() if "sys.executable" in path.read_text(encoding="utf-8")]
    named = {path.relative_to(SOURCE).as_posix() for path in starting}
    assert named == {"runs/environment.py", "runs/fresh.py"}  # the first only names it in a digest
    assert '[sys.executable, "-P", "-c"' in (SOURCE / "runs" / "fresh.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("call", "home"), [("html.escape", "escaping.py"), ("csv.writer", "escaping.py"),
                                            (".to_csv(index", ""), ("print(", "cli/output.py")])  # fmt: skip
def test_each_border_has_one_function(call, home):
    """Text leaves through escaping.py; the command line prints in one file. Examples in docstrings do not count."""
    outside = [path for path in sources() if path.relative_to(SOURCE).as_posix() != home]
    found = [path.name for path in outside if re.search(rf"(?<![\w.`]){re.escape(call)}", _code(path))]
    assert found == []


@cache
def _code(path: Path) -> str:
    """Return a module without its texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)
