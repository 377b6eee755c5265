"""What is done with a run once it has begun: real trainers, changed while they train, extended, and branched from."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.conftest import LIMIT_S, until
from flows.test_resume import further, paused, run_of
from nbtrain.errors import ConfigError, ProjectError, StatusError
from nbtrain.messages import Changed, Metric, Saved
from nbtrain.project.project import Project
from nbtrain.runs.journal import JournalReader
from nbtrain.training.changes import FILE
from training.tiny import same

SHORT = {"training.epochs": 8, "training.ema": True, "checkpoint.keep_last_n": 50}
"""48 steps, and all that an exact resume has to bring back."""


def state_of(experiment, name="last_checkpoint.pt"):
    return torch.load(Path(experiment.run_path) / "checkpoints" / name, weights_only=True)


def changed(experiment):
    return [m for m in JournalReader(run_of(experiment).events).read() if isinstance(m, Changed)]


def kill(experiment):
    os.kill(run_of(experiment).owner()["pid"], signal.SIGKILL)
    assert experiment.wait(LIMIT_S) == "failed"


@pytest.fixture
def short(project):
    """Makes an experiment with a short run."""
    project.defaults = {**project.defaults, **SHORT}
    return lambda name="Short": project.new(name)


def test_a_live_change_is_made_told_and_repeated_by_a_resume(project, long_run):
    """Killed after it, resumed, resumed with more changes, ended by a live number of epochs: equal to a run that was
    told all that from its start.
    """
    experiment = long_run()
    experiment.set("optimizer.lr", "1e-3")
    assert experiment.asked in ({"optimizer.lr": 1e-3}, {})  # the answer may be there already
    until(lambda: experiment.changes)
    [told] = changed(experiment)
    assert experiment.changes == [
        {"step": told.step, "path": "optimizer.lr", "old": 3e-3, "value": 1e-3, "extends": False}
    ]
    until(lambda: not experiment.asked)
    assert (experiment.config.optimizer.lr, experiment.present.optimizer.lr) == (3e-3, 1e-3)
    until(lambda: experiment.step > told.step + 2)
    kill(experiment)
    experiment.resume()
    further(experiment)
    kill(experiment)
    experiment.resume({"optimizer.lr": 5e-4, "data.workers": 1})
    assert experiment.changes[-1]["path"] == "data.workers"
    further(experiment)
    assert experiment.exact in ("", "exact") or "optimizer.lr was changed from 0.001 to 0.0005" in experiment.exact
    experiment.set("training.epochs", experiment.epoch + 3)
    assert experiment.wait(LIMIT_S) == "completed", experiment.error
    assert experiment.epochs == experiment.present.training.epochs == experiment.epoch
    assert experiment.config.training.epochs == 10_000
    whole = project.new("Whole", experiment.config)
    whole.save()
    begun = written_before(whole, run_of(experiment).path / FILE)
    assert begun.wait(LIMIT_S) == "completed", begun.error
    ends = state_of(experiment), state_of(begun)
    assert same(*ends)
    assert Project(project.path).experiment("Long").changes == experiment.changes


def written_before(experiment, changes):
    """Train with changes that are there before the run begins."""
    from nbtrain.project import lives

    launch, start = lives.launch, lives.launch.start

    class Prepared:
        @staticmethod
        def start(run, **how):
            (run.path / FILE).write_bytes(changes.read_bytes())
            return start(run, **how)

    lives.launch = Prepared
    try:
        return experiment.train(beside=True)
    finally:
        lives.launch = launch


def test_what_may_not_be_changed_live_is_refused_before_anything_is_sent(long_run):
    experiment = long_run()
    commands = set((run_of(experiment).path / "commands").iterdir())
    with pytest.raises(StatusError, match=r"batch_size cannot be changed while it trains.*optimizer\.lr"):
        experiment.set("training.batch_size", 4)
    for path, value, match in (
        ("optimizer.lr", -1, "out of range"),
        ("training.epochs", 0, "out of range"),
        ("optimizer.lr", "fast", "not a number"),
    ):
        with pytest.raises(ConfigError, match=match):
            experiment.set(path, value)
    until(lambda: experiment.epoch >= 2)
    with pytest.raises(ConfigError, match=r"training\.epochs: 1 is too few: \d+ have begun\. At least \d"):
        experiment.set("training.epochs", 1)
    experiment.set("optimizer.lr", experiment.config.optimizer.lr)  # it is that already
    assert set((run_of(experiment).path / "commands").iterdir()) == commands
    experiment.stop()
    experiment.wait(LIMIT_S)
    with pytest.raises(StatusError, match="fixed once it has been trained"):
        experiment.set("optimizer.lr", 1e-3)


def test_an_extension_killed_inside_ends_as_one_that_was_not(short):
    whole, pieces = short("Whole"), short("Pieces")
    for experiment in (whole, pieces):
        assert experiment.train(beside=True).wait(LIMIT_S) == "completed", experiment.error
    planned = pieces.extension(4)
    assert planned.epochs == 12
    assert planned.text.startswith("The learning rate follows cosine as in a run of 12 epochs: from 0.00075 to ")
    assert whole.extend(4, beside=True).wait(LIMIT_S) == "completed", whole.error
    pieces.extend(4, beside=True)
    until(lambda: pieces.step >= 56 or not pieces.running)
    kill(pieces)
    with pytest.raises(StatusError, match="resume"):
        pieces.extend(1)
    assert pieces.resume(beside=True).wait(LIMIT_S) == "completed", pieces.error
    assert (pieces.epoch, pieces.epochs, pieces.step) == (12, 12, 72)
    assert same(state_of(whole), state_of(pieces))
    np.testing.assert_array_equal(pieces.curves.series("train", "loss")[0], np.arange(1, 73))
    assert pieces.changes == whole.changes
    lrs = pieces.curves.series("train", "lr")[2]
    assert lrs[47] < lrs[48] < lrs[24]


def test_an_early_end_is_extended_from_where_it_came(short):
    experiment = short()
    config = {"training.early_stopping": True, "training.patience": 2, "optimizer.lr": 1e-9, "training.ema": False}
    experiment.config = experiment.config.set_all(config)
    assert experiment.train(beside=True).wait(LIMIT_S) == "completed", experiment.error
    epoch = experiment.epoch
    assert epoch < 8
    assert "Early stopping waits anew, for 2 epochs." in experiment.extension(1).text
    experiment.extend(1, beside=True).wait(LIMIT_S)
    assert (experiment.status, experiment.epoch, experiment.epochs) == ("completed", epoch + 1, epoch + 1)
    assert experiment.detail == ""


@pytest.mark.parametrize("epochs", [0, -1, True, "5", 2.0, 100_001])
def test_an_extension_by_no_number_is_refused(short, epochs):
    experiment = short()
    with pytest.raises(StatusError, match="train\\(\\) starts it"):
        experiment.extend(1)
    experiment.set("training.epochs", 1)
    experiment.train(beside=True).wait(LIMIT_S)
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        experiment.extend(epochs)
    assert experiment.changes == []


def test_an_extension_that_does_not_begin_is_taken_back(short, long_run):
    experiment = short()
    experiment.set("training.epochs", 1)
    experiment.train(beside=True).wait(LIMIT_S)
    long_run()
    with pytest.raises(Exception, match="extend\\(queue=True\\)"):
        experiment.extend(2)
    assert (experiment.status, experiment.changes) == ("completed", [])
    before = experiment.epoch, experiment.epochs, experiment.step
    experiment.extend(2, queue=True)
    assert (experiment.status, len(experiment.changes)) == ("pending", 1)
    experiment.stop()  # in the queue, before it has begun: as if it had never been extended
    assert (experiment.status, experiment.changes) == ("completed", [])
    assert (experiment.epoch, experiment.epochs, experiment.step) == before
    again = Project(experiment.project.path)
    assert (again.experiment(experiment.name).status, again.experiment(experiment.name).epochs) == ("completed", 1)
    again.close()


def test_a_branch_goes_on_exactly(short):
    parent = short("Parent")
    assert parent.train(beside=True).wait(LIMIT_S) == "completed", parent.error
    branch = parent.branch(24, "Branch")
    assert (branch.status, branch.config, branch.dirty) == ("created", parent.config, False)
    assert branch.lineage["step"] == 24
    parent.restart()  # what becomes of the parent no longer matters
    assert branch.train(beside=True).wait(LIMIT_S) == "completed", branch.error
    steps = branch.curves.series("train", "loss")[0]
    np.testing.assert_array_equal(steps, np.arange(25, 49))
    assert run_of(branch).config["start"]["name"] == "Parent"
    ends = state_of(branch), state_of_trash(parent)
    for part in ("model_state_dict", "ema_state_dict", "optimizer_state_dict", "scheduler_state_dict"):
        assert same(*(end[part] for end in ends)), part


def state_of_trash(experiment):
    [found] = (experiment.project.path / "trash").rglob("last_checkpoint.pt")
    return torch.load(found, weights_only=True)


def test_a_branch_is_edited_as_far_as_its_checkpoint_allows(short, monkeypatch):
    parent = short("Parent")
    parent.set("training.epochs", 2)
    parent.train(beside=True).wait(LIMIT_S)
    with monkeypatch.context() as disk:
        disk.setattr(type(parent), "save", refused)
        with pytest.raises(ProjectError, match="cannot be written"):
            parent.branch("last")
    assert parent.project.cards == [parent]
    branch = parent.branch("last")
    assert [p["path"] for p in branch.problems] == ["training.epochs"]
    branch.set("training.epochs", 3)
    branch.set("optimizer.lr", 1e-4)
    assert branch.problems == []
    branch.set("model.variant", "test_efficientnet")
    assert "this branch goes on from step 12 of 'Parent'" in branch.problems[0]["message"]
    branch.revert()
    branch.set("training.epochs", 3)
    branch.train(beside=True)
    assert branch.wait(LIMIT_S) == "completed", branch.error
    assert (branch.epoch, branch.step) == (3, 18)
    assert Project(parent.project.path).experiment(branch.id).lineage == branch.lineage


def refused(_):
    raise ProjectError("the project cannot be written to")


def test_a_branch_of_what_is_not_there_is_refused(short):
    parent = short("Parent")
    with pytest.raises(StatusError, match="not been trained has no checkpoints"):
        parent.branch()
    parent.set("training.epochs", 2)
    parent.train(beside=True).wait(LIMIT_S)
    with pytest.raises(StatusError, match=r"no such checkpoint.*There are checkpoints of step 6, 12"):
        parent.branch(7)
    payload = Path(parent.run_path) / "checkpoints" / "step-00000012.pt"
    payload.write_bytes(payload.read_bytes()[:-1])
    with pytest.raises(StatusError, match=r"checkpoint of step 12 has .* bytes instead of .*step 6, 12"):
        parent.branch("last")
    assert len(parent.project.cards) == 1


def test_a_time_budget_pauses_and_each_life_has_its_own(long_run, project):
    experiment = project.new("Timed")
    experiment.config = experiment.config.set_all({"training.epochs": 10_000, "training.time_budget_minutes": 0.04})
    assert experiment.train(beside=True).wait(LIMIT_S) == "paused", experiment.error
    assert "the time budget of 0.04 minutes is used up" in experiment.detail
    step = experiment.step
    assert experiment.resume(beside=True).wait(LIMIT_S) == "paused"
    assert experiment.step >= step  # equal where a busy machine needs the whole budget to prepare
    assert [m.step for m in JournalReader(run_of(experiment).events).read() if isinstance(m, Saved)][
        -1
    ] == experiment.step
    assert [m for m in JournalReader(run_of(experiment).events).read() if isinstance(m, Metric)]


def test_a_change_while_it_is_paused_is_not_one(long_run):
    experiment = long_run()
    paused(experiment)
    with pytest.raises(StatusError, match="fixed once it has been trained"):
        experiment.set("optimizer.lr", 1e-3)
