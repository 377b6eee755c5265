"""Images and a project to type commands at, and values that make a run short."""

import subprocess
import sys

import pytest

from flows.conftest import QUICK
from images import write_classes

VALUES = [word for path, value in QUICK.items() for word in (f"--{path}", str(value))]


@pytest.fixture
def images(tmp_path):
    return str(write_classes(tmp_path / "images", {"red": 20, "blue": 20}))


@pytest.fixture
def project(tmp_path):
    return str(tmp_path / "project")


def run(*words):
    return subprocess.run([sys.executable, "-m", "nbtrain", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def no_imports(monkeypatch):
    """The libraries take seconds to import; tests/project/test_doctor.py does it once."""
    monkeypatch.setattr("nbtrain.runs.machine.libraries", lambda: iter(()))
