"""The k-th call to the system fails, or is the process's last one, for every k: old content or new, and no litter."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import threading

import pytest

from nbtrain import files
from nbtrain.errors import ProjectError
from nbtrain.messages import Metric
from nbtrain.project import card
from nbtrain.project.card import Card
from nbtrain.runs.folder import RunFolder, newest_run, runs_of
from nbtrain.runs.journal import Journal, JournalReader
from nbtrain.training.checkpoint import Checkpoints
from nbtrain.training.settings import Checkpoint
from training.test_checkpoint import state

CALLS = ("open", "fsync", "replace", "rename", "mkdir")
MORE_CALLS = (*CALLS, "link", "unlink", "write", "ftruncate")


class Faulty:
    """Counts this thread's calls and lets the k-th one fail, or end the process.

    Other threads are let through: a project that an earlier test opened is still looked at, in this very process.
    """

    def __init__(self, patched, k, dies=False, calls=CALLS):
        self.count, self.k, self.dies, self.thread = 0, k, dies, threading.get_ident()
        for name in calls:
            patched.setattr(os, name, self.wrap(getattr(os, name)))
        patched.setattr("builtins.open", self.wrap(open))

    def wrap(self, real):
        def call(*args, **kwargs):
            if threading.get_ident() != self.thread:
                return real(*args, **kwargs)
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


def test_a_checkpoint_survives_a_death_at_every_call(tmp_path, monkeypatch):
    """Whole checkpoints only, old or new, and the next save clears up what the death has left."""
    found, names = set(), {"best_name": "{step}.pt", "last_name": "last.pt"}
    for k in itertools.count(1):
        folder = tmp_path / str(k)
        kept = Checkpoints(folder, Checkpoint(**names))
        kept.save(state(10), best=True)
        whole = tmp_path / f"{k} ended"

        def action(kept=kept, whole=whole, k=k):
            with monkeypatch.context() as patched:
                Faulty(patched, k, dies=True, calls=MORE_CALLS)
                kept.save(state(20), best=True)
            whole.mkdir()

        in_a_child(action)
        for path in folder.glob(".nbtrain-*"):
            os.utime(path, (1, 1))
        again = Checkpoints(folder, Checkpoint(**names))
        found.add(again.newest().state["step"])
        assert again.newest().skipped == ()
        assert again.pointed("best") is not None
        again.save(state(30), best=True)
        assert set(os.listdir(folder)) == {
            "step-00000030.pt", "step-00000030.json", "best.json", "last.json", "30.pt", "last.pt",
        }  # fmt: skip
        if whole.exists():
            break
    assert found == {10, 20}
    assert k > 20


def metric(step):
    return Metric(step=step, epoch=0.0, split="train", values={"loss": 1.0 / (step + 1)})


def said(path):
    reader = JournalReader(path)
    steps = [message.step for message in reader.read() if isinstance(message, Metric)]
    return steps, reader.bad


@pytest.mark.parametrize("dies", [False, True], ids=["fails", "dies"])
def test_a_journal_survives_every_call(tmp_path, monkeypatch, dies):
    """Whole lines in their order; a call that fails costs none of them, a death at most those not written yet."""
    for k in itertools.count(1):
        path, whole = tmp_path / f"{k}.jsonl", tmp_path / f"{k} ended"

        def action(path=path, whole=whole, k=k):
            with monkeypatch.context() as patched, contextlib.suppress(OSError):
                faulty = Faulty(patched, k, dies, MORE_CALLS)
                journal = Journal(path)
                for step in range(5):
                    journal.say(metric(step))
                    journal.flush()
                journal.close()
                if faulty.count < k:
                    whole.mkdir()

        in_a_child(action) if dies else action()
        steps, bad = said(path)
        assert steps == list(range(len(steps)))
        assert bad == 0
        assert dies or len(steps) == 5 or not path.exists() or k <= 2  # the file could not be opened
        again = Journal(path)
        again.say(metric(99))
        again.close()
        assert said(path) == ([*steps, 99], 0)
        if whole.exists():
            break
    assert k > 6


def test_a_write_that_takes_half_of_a_batch_leaves_whole_lines(tmp_path, monkeypatch):
    """A process that dies in the middle of a write: at its ends, and at every fifth byte between them."""
    written = os.write
    line = len(b'{"kind":"metric","t_s":1.0,"step":0,"epoch":0.0,"split":"train","values":{"loss":1.0}}')
    for cut in (*range(3), *range(3, line - 2, 5), *range(line - 2, line + 4)):
        path = tmp_path / f"{cut}.jsonl"

        def dying(descriptor, data, cut=cut):
            written(descriptor, data[:cut])
            os._exit(0)

        def action(path=path):
            journal = Journal(path)
            journal.say(metric(0))
            journal.flush()
            monkeypatch.setattr(os, "write", dying)
            journal.say(metric(1))
            journal.flush()

        in_a_child(action)
        steps, bad = said(path)
        assert (steps[:1], bad) == ([0], 0)
        again = Journal(path)
        again.say(metric(2))
        again.close()
        assert said(path) == ([*steps, 2], 0)
