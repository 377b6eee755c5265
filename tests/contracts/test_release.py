"""What a reader is promised: versions agree, and the commands of README, CONTRIBUTING and Binder exist."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, metadata, version

import pytest
from packaging.specifiers import SpecifierSet

import nbtrain
from contracts.repository import ROOT, committed, pyproject
from nbtrain.cli import main

PAGES = ("README.md", "CONTRIBUTING.md")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAMED_OTHERWISE = {"torch": "pytorch-cpu"}
"""Packages that conda-forge calls something else."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(program: str) -> set[str]:
    """Return the words that follow ``program`` in the pages' shell blocks."""
    blocks = "\n".join(body for page in PAGES for language, body in FENCED.findall(text(page)) if language == "bash")
    return set(re.findall(rf"^{program} ([a-z]+)", blocks, re.MULTILINE))


def test_version_is_the_changelogs_newest():
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert newest
    assert newest[1] == pyproject()["project"]["version"] == nbtrain.__version__


def test_installed_version_is_pyprojects():
    """Fails after a version change until the package is installed anew (`make test` does)."""
    assert version("nbtrain") == pyproject()["project"]["version"]


@pytest.mark.parametrize("pin", pyproject()["tool"]["uv"]["constraint-dependencies"])
def test_every_pin_is_for_the_oldest_python_too(pin):
    """Else the two commands of the README end with a resolver's message there; take an older version then."""
    oldest = pyproject()["project"]["requires-python"].removeprefix(">=") + ".0"
    try:
        needs = metadata(pin.partition("==")[0]).get("Requires-Python", "")
    except PackageNotFoundError:
        pytest.skip("is not installed on this machine")
    assert SpecifierSet(needs).contains(oldest)


def test_make_targets_of_the_pages_exist():
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert {"lab", "test"} <= commands("make") <= targets


@pytest.mark.parametrize("command", sorted(commands("nbtrain")))
def test_commands_of_the_pages_exist(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: nbtrain {command}")


@pytest.mark.parametrize("page", committed("*.md"), ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_binder_has_every_requirement():
    """Binder installs with ``--no-deps``, so its list must name whatever the package needs."""
    listed = set(re.findall(r"^\s*- ([\w.-]+)", text("binder/environment.yml"), re.MULTILINE))
    needed = {re.match(r"[\w.-]+", line)[0] for line in pyproject()["project"]["dependencies"]}
    assert {NAMED_OTHERWISE.get(name, name) for name in needed} <= listed


@pytest.mark.parametrize("path", committed("notebooks/*.ipynb"), ids=lambda path: path.stem)
def test_notebook_is_committed_clean(path):
    """No outputs, no numbers, both badges, and an install cell that does nothing where nbtrain is present."""
    book = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    first = "".join(book["cells"][0]["source"])
    assert f"blob/main/notebooks/{path.name}" in first
    assert f"notebooks%2F{path.name}" in first
    assert [cell["metadata"].get("tags") for cell in code[:2]] == [["install"], None]
    assert 'find_spec("nbtrain") is None' in "".join(code[0]["source"])


def test_first_cell_of_the_quickstart():
    book = json.loads(text("notebooks/quickstart.ipynb"))
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code[1] == "from nbtrain import TrainingStudio, demo; TrainingStudio(demo.digits())"
