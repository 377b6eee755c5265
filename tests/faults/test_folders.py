"""Somebody deletes or renames the folder of a run that trains: it ends, says why, and makes nothing anew."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from flows.conftest import LONG, until
from nbtrain import processes
from nbtrain.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def slow_epochs(project):
    """Start a run whose next checkpoint is far away, so that no save could notice the loss."""
    experiment = project.new("Slow")
    changes = {**LONG, "checkpoint.every_n_epochs": 10_000, "training.batch_size": 2}
    experiment.config = experiment.config.set_all(changes)
    experiment.train(beside=True)
    until(lambda: experiment.step > 3 or not experiment.running)
    assert experiment.status == "training", experiment.error
    return experiment


@pytest.mark.parametrize("what", ["run", "experiment"])
def test_a_deleted_folder_ends_the_run_and_stays_deleted(slow_epochs, what):
    experiment = slow_epochs
    run, folder = Path(experiment.run_path), experiment.folder
    pid = RunFolder(run).owner()["pid"]
    gone = run if what == "run" else folder
    time.sleep(1.2)  # the list looks once a second
    shutil.rmtree(gone, ignore_errors=True)  # the trainer may just be writing into it
    shutil.rmtree(gone, ignore_errors=True)
    until(lambda: not processes.exists(pid))
    assert not gone.exists()
    if what == "run":
        until(lambda: experiment.status == "created")
        experiment.train(beside=True)  # nothing stands in the way of the next one
        until(lambda: experiment.step > 0)
    else:
        until(lambda: experiment not in experiment.project.cards)


def test_a_renamed_experiment_folder_ends_the_run_with_a_word_where_it_is_now(slow_epochs):
    experiment = slow_epochs
    old, new = experiment.folder, experiment.folder.with_name("renamed")
    pid = RunFolder(experiment.run_path).owner()["pid"]
    os.rename(old, new)
    until(lambda: not processes.exists(pid))
    assert not old.exists()
    moved = RunFolder(new / "runs" / "0001")
    until(lambda: moved.shown_status().status == "failed")
    until(lambda: [e for e in experiment.project.cards if e.folder == new])
    [found] = [e for e in experiment.project.cards if e.folder == new]
    until(lambda: found.status == "failed")
    assert "moved or deleted" in found.error["message"]
    assert "moved or deleted" in (moved.path / "log.txt").read_text()
