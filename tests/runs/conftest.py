"""Real processes, locks, sockets and signals around a training that is small; see stand_in/sitecustomize.py."""

from __future__ import annotations

import os
import signal

import pytest

from nbtrain.runs import launch, warm
from nbtrain.runs.folder import RunFolder
from runs.helpers import SOURCE, STAND_IN, kill, share_warm, until


def _stand_in(runtime, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("PYTHONPATH", f"{SOURCE}{os.pathsep}{STAND_IN}")
    monkeypatch.setenv("NBTRAIN_STAND_IN", "1")
    yield runtime
    for log in runtime.glob("nbtrain/warm-*.log"):  # shown by pytest where a test fails
        print(log.read_text())
    for lock in runtime.glob("nbtrain/**/*.lock"):
        pid = launch.locks.holder(lock)
        if pid and pid != os.getpid():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def stand_in(tmp_path_factory, monkeypatch):
    """An environment whose trainers train nothing, with a runtime folder of its own; afterwards nothing is left."""
    yield from _stand_in(tmp_path_factory.mktemp("runtime"), monkeypatch)


@pytest.fixture(scope="module")
def one_warm(tmp_path_factory):
    """The same for all tests of a module together, with one warm process that is ready."""
    with pytest.MonkeyPatch.context() as patched:
        for runtime in _stand_in(tmp_path_factory.mktemp("runtime"), patched):
            launch.ensure_warm()
            until(warm.is_there)
            yield runtime


@pytest.fixture
def quick(one_warm, tmp_path_factory, monkeypatch):
    """That warm process, in a runtime folder of the test's own: nobody else's run is on its devices."""
    runtime = tmp_path_factory.mktemp("runtime")
    share_warm(runtime)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    return runtime


@pytest.fixture
def warmed(stand_in):
    """An environment with a warm process of the test's own, for those that change or end it."""
    launch.ensure_warm()
    until(warm.is_there)
    return stand_in


@pytest.fixture
def make(tmp_path):
    """Makes a run that acts as told; its trainer is ended with the test."""
    made = []

    def run(**act) -> RunFolder:
        frozen = {
            "format": 1,
            "config": {
                "hardware": {"device": "cpu"},
                "training": {"stall_limit_s": act.get("stall_limit_s", 0)},
            },
            "act": act,
        }
        made.append(RunFolder.create(tmp_path / "project" / "experiments" / f"e-{len(made)}", frozen))
        return made[-1]

    yield run
    for one in made:
        kill(one)
