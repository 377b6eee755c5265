"""Flows: a project with a few learnable images, and real trainers started from the warm process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images import write_classes
from nbtrain.project.project import Project
from nbtrain.runs import launch
from runs.helpers import share_warm

QUICK = {
    "task.image_size": 32,
    "model.variant": "test_resnet",
    "training.epochs": 2,
    "training.batch_size": 8,
    "training.early_stopping": False,
    "logging.every_n_steps": 1,
    "data.workers": 0,
    "hardware.device": "cpu",
    "hardware.threads": 1,
    "optimizer.lr": 3e-3,
}
"""A run of about a second."""
LIMIT_S = 120.0
"""How long anything is waited for, on a machine that is busy with other things too; only a broken test takes it."""
LONG = {**QUICK, "training.epochs": 10_000}
"""A run that goes on until it is stopped."""


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Have the warm process ready, so that runs begin within a second."""
    end_s = time.monotonic() + LIMIT_S
    while not launch.ensure_warm() and time.monotonic() < end_s:
        time.sleep(0.1)


@pytest.fixture
def own_devices(warm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a device list of the test's own, so that no other run is waited for, and the warm process of all."""
    share_warm(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a project with 60 images of three classes; its runs are stopped at the end."""
    made = Project(tmp_path / "project")
    made.defaults = dict(QUICK)
    made.add_images(write_classes(tmp_path / "images", {"red": 20, "green": 20, "blue": 20}))
    yield made
    for experiment in made.cards:
        experiment.stop()
    for experiment in made.cards:
        experiment.wait(LIMIT_S)
    made.close()


@pytest.fixture
def long_run(project: Project) -> Callable[[], object]:
    """Return a function that starts a run without end and waits until it trains."""

    def start() -> object:
        experiment = project.new("Long")
        experiment.config = experiment.config.set_all(LONG)
        experiment.train(beside=True)
        until(lambda: experiment.step > 3 or not experiment.running)
        assert experiment.status == "training", experiment.error
        return experiment

    return start


def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Wait until ``condition()`` is true; the limit is for a broken test only."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come true in time"
        time.sleep(0.02)
