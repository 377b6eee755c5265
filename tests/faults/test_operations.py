"""The k-th call to the system fails, or is the process's last one, for every k: old content or new, and no litter."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil

import pytest

from nbtrain import files
from nbtrain.errors import ProjectError
from nbtrain.project import card
from nbtrain.project.card import Card
from nbtrain.runs.folder import RunFolder, newest_run, runs_of

CALLS = ("open", "fsync", "replace", "rename", "mkdir")


class Faulty:
    """Counts the calls and lets the k-th one fail, or end the process; as a context it puts everything back."""

    def __init__(self, patched, k, dies=False):
        self.count, self.k, self.dies = 0, k, dies
        for name in CALLS:
            patched.setattr(os, name, self.wrap(getattr(os, name)))
        patched.setattr("builtins.open", self.wrap(open))

    def wrap(self, real):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.k:
                if self.dies:
                    os._exit(0)
                raise OSError(errno.EIO, "Input/output error")
            return real(*args, **kwargs)

        return call


def in_a_child(action):
    """Run ``action`` in a fork that may end at any moment."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def old_and_new(tmp_path):
    shutil.rmtree(tmp_path / "experiments", ignore_errors=True)
    old = Card("abcdef", "Old").written(tmp_path / "experiments")
    return old, old.replaced(name="New", description="x" * 5000)


def test_saving_an_experiment_survives_every_failing_call(tmp_path, monkeypatch):
    k, failed = 0, True
    while failed:
        k += 1
        old, new = old_and_new(tmp_path)
        with monkeypatch.context() as patched:
            faulty = Faulty(patched, k)
            with contextlib.suppress(ProjectError):
                new.written(tmp_path / "experiments")
        failed = faulty.count >= k
        assert card.read(old.folder).name in ("Old", "New")
        assert os.listdir(old.folder) == ["experiment.json"]
    assert k > 4


def test_saving_an_experiment_survives_a_death_at_every_call(tmp_path, monkeypatch):
    seen = set()
    for k in range(1, 9):
        old, new = old_and_new(tmp_path)
        with monkeypatch.context() as patched:
            faulty = Faulty(patched, k, dies=True)
            in_a_child(lambda: new.written(tmp_path / "experiments"))  # noqa: B023 - called at once
            del faulty
        seen.add(card.read(old.folder).name)
        left = [name for name in os.listdir(old.folder) if name != "experiment.json"]
        for name in left:
            os.utime(old.folder / name, (1, 1))
        assert files.sweep(old.folder) == len(left)
    assert seen == {"Old", "New"}


@pytest.mark.parametrize("dies", [False, True], ids=["fails", "dies"])
def test_a_run_folder_is_made_whole_or_not_at_all(tmp_path, monkeypatch, dies):
    whole = set()
    for k in range(1, 30):
        experiment = tmp_path / str(k)
        experiment.mkdir()
        with monkeypatch.context() as patched:
            faulty = Faulty(patched, k, dies)
            if dies:
                in_a_child(lambda: RunFolder.create(experiment, {"format": 1}))  # noqa: B023 - called at once
            else:
                with contextlib.suppress(ProjectError):
                    RunFolder.create(experiment, {"format": 1})
            del faulty
        made = newest_run(experiment)
        whole.add(made is not None)
        if made is not None:
            assert made.config == {"format": 1}
            assert made.status().status == "pending"
            assert {"config.json", "status.json", "commands", "checkpoints"} <= set(os.listdir(made.path))
        if not dies and (experiment / "runs").exists():
            assert set(os.listdir(experiment / "runs")) <= {"lock", "next", "0001"}
        if made is None:  # the next one is made, whatever was left
            assert RunFolder.create(experiment, {"format": 1}).path.is_dir()
            assert len(runs_of(experiment)) == 1
    assert whole == {True, False}
