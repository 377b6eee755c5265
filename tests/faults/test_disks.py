"""Disks that are full, out of names, or read-only, under everything that nbtrain writes."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from flows.conftest import LIMIT_S, LONG, QUICK, until
from images import write_classes
from nbtrain.data.inspection.store import Store
from nbtrain.data.inspection.sweep import sweep
from nbtrain.errors import ConfigError, ProjectError
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints
from nbtrain.training.settings import Checkpoint
from nbtrain.ui.data import Data

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def on_disk(disk, tmp_path):
    """Return a function that makes a project on a small disk, and the disk; runs are stopped at the end."""
    made = []

    def make(options):
        small = disk(options)
        project = Project(small.path / "project")
        project.defaults = dict(QUICK)
        project.add_images(write_classes(tmp_path / "images", {"red": 20, "green": 20}))
        made.append((small, project))
        return small, project

    yield make
    for small, project in made:
        for experiment in project.cards:
            if experiment.running and os.access(small.path, os.W_OK):
                small.free()
                experiment.stop()
                experiment.wait(LIMIT_S)
        project.close()


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


@pytest.mark.parametrize(("options", "how"), [("size=2m", "fill"), ("size=2m,nr_inodes=200", "use_all_names")])
def test_a_full_disk_leaves_every_old_file_whole(on_disk, options, how):
    """Out of bytes, and out of inodes: saving, starting a run and a new data set are refused, and nothing is lost."""
    small, project = on_disk(options)
    experiment = project.new("Kept")
    experiment.save()
    before = content(project.path)
    getattr(small, how)()
    experiment.set("training.epochs", 7)
    experiment.description = "x" * 10_000
    assert "only in memory" in experiment.unkept
    assert "No space left" in experiment.unkept
    with pytest.raises(ProjectError, match="could not be saved: No space left"):
        experiment.save()
    with pytest.raises(ProjectError, match="No space left"):
        project.new("Second").save()
    with pytest.raises(ProjectError, match="No space left"):
        RunFolder.create(experiment.folder, {"format": 1})
    assert content(project.path) == before
    assert experiment.dirty
    again = Project(project.path)
    assert (again.experiment("Kept").config.training.epochs, again.notices) == (2, [])
    again.close()
    small.free()
    until(lambda: not experiment.unkept)  # without another edit
    again = Project(project.path)
    assert again.experiment("Kept").config.training.epochs == 7
    again.close()
    experiment.save()
    assert not experiment.dirty


def test_a_checkpoint_that_does_not_fit_is_refused_as_a_full_disk(disk):
    """Wherever in the file the room ends: torch has words of its own for some of these places."""
    small = disk("size=2m")
    weights = {str(number): torch.ones(500 + 100 * number) for number in range(30)}
    state = {**dict.fromkeys(STATE_KEYS), "step": 1, "epoch": 1, "metrics": {}, "model_state_dict": weights}
    folder = small.path / "run"
    folder.mkdir()
    checkpoints = Checkpoints(folder, Checkpoint())
    small.fill()
    refused = []
    while checkpoints.newest() is None:
        small.give_back(4096)
        try:
            checkpoints.save(state, best=True)
        except OSError as error:
            refused.append(error.errno)
    assert set(refused) == {errno.ENOSPC}
    assert len(refused) > 50


def test_a_full_disk_refuses_a_scan_but_not_a_look_at_the_images(on_disk):
    """Thumbnails are made without being kept; the scan says that the disk is full, and goes on where there is room."""
    small, project = on_disk("size=2m")
    [dataset] = project.datasets()
    scan, listing = project.scan(dataset.name, start=False), project.dataset().listing()
    names = [record.file for record in listing.records]
    small.fill()
    assert all(scan.thumbnails.get(names, listing.root))
    assert scan.start().wait(LIMIT_S) == "failed"
    assert (scan.failure.cause, "No space left" in scan.failure.message) == ("disk", True)
    shown = Data(project)
    assert (shown.scan["state"], "No space left" in shown.scan["trouble"]) == ("none", True)
    shown.close()
    with pytest.raises(OSError, match="No space left"):  # full in the middle of it
        sweep(listing.root, names, Store(scan.folder))
    small.free()
    assert scan.start().wait(LIMIT_S) == "completed"
    assert scan.result["n_images"] == 40
    assert all(scan.thumbnails.get(names, listing.root))


def test_a_read_only_disk_shows_everything_and_refuses_changes(on_disk):
    small, project = on_disk("size=16m")
    done = project.new("Done")
    done.train(beside=True)
    assert done.wait(LIMIT_S) == "completed", done.error
    until((Path(done.run_path) / "exit.json").exists)
    small.read_only()
    again = Project(project.path)
    shown = again.experiment("Done")
    assert (shown.status, shown.best) == ("completed", done.best)
    assert len(shown.curves.series("val", "loss")[0]) == 2
    with pytest.raises(ProjectError, match="Read-only"):
        shown.rename("Other")
    fresh = again.new("New")
    with pytest.raises(ConfigError, match="the project's folder cannot be written"):
        fresh.train(beside=True)
    assert (fresh.status, fresh.run_path) == ("created", "")
    again.close()


def test_a_disk_that_fills_up_during_a_run_costs_checkpoints_and_log_but_not_the_run(on_disk):
    """Later, with room again, the run says what was lost, and its newest checkpoint is of after that."""
    small, project = on_disk("size=16m")
    experiment = project.new("Goes on")
    experiment.config = experiment.config.set_all(LONG)
    experiment.train(beside=True)
    until(lambda: experiment.checkpoints or not experiment.running)
    run = Path(experiment.run_path)
    small.fill()
    newest = max(step(path) for path in (run / "checkpoints").glob("step-*.json"))
    time.sleep(1.5)  # several epochs, none of which can be kept
    small.free()
    until(lambda: any("disk is full" in notice["text"] for notice in experiment.notices) or not experiment.running)
    assert experiment.running, (experiment.status, experiment.detail, experiment.error)
    until(lambda: max(step(path) for path in (run / "checkpoints").glob("step-*.json")) > newest)
    assert experiment.status == "training"
    experiment.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"
    assert [path for path in (run / "checkpoints").iterdir() if path.name.endswith(".tmp")] == []


def step(path):
    return int(path.stem[5:])


def test_a_run_that_ends_on_a_full_disk_fails_and_is_told_so(on_disk):
    """Not even the last word finds room; who looks at the run is told that it failed, not that it trains for ever."""
    small, project = on_disk("size=16m")
    experiment = project.new("Ends")
    experiment.config = experiment.config.set_all({**LONG, "checkpoint.every_n_epochs": 10_000})
    experiment.train(beside=True)
    until(lambda: experiment.step > 3 or not experiment.running)
    pid = RunFolder(experiment.run_path).owner()["pid"]
    small.fill()
    os.kill(pid, signal.SIGTERM)  # no command would fit on the disk
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] == "disk", experiment.error
    assert "full" in experiment.error["message"]
