"""Experiments: editing and its limits, without any run."""

import time

import pytest

from images import write_classes
from nbtrain.errors import ConfigError, NbtrainError, ProjectError
from nbtrain.locks import FileLock
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.training.optimizers import SGD, AdamW


@pytest.fixture
def experiment(tmp_path):
    project = Project(tmp_path / "project")
    project.add_images(write_classes(tmp_path / "images", {"cat": 40, "dog": 20}))
    yield project.new()
    project.close()


def test_sections_are_attributes(experiment):
    experiment.optimizer = AdamW(lr=5e-4)
    assert experiment.config.optimizer == experiment.optimizer == AdamW(lr=5e-4)


def test_an_illegal_value_leaves_the_old_one(experiment):
    before = experiment.config
    with pytest.raises(ConfigError, match=r"optimizer\.lr"):
        experiment.set("optimizer.lr", -1)
    with pytest.raises(ConfigError):
        experiment.optimizer = {"kind": "adamw", "lr": "fast"}
    assert experiment.config is before


def test_switching_a_kind_and_back_brings_its_values_back(experiment):
    experiment.set("optimizer.lr", 5e-4)
    experiment.set("optimizer.kind", "sgd")
    assert experiment.optimizer == SGD()
    experiment.set("optimizer.lr", 0.5)
    experiment.set("optimizer.kind", "adamw")
    assert experiment.optimizer == AdamW(lr=5e-4)
    experiment.set("optimizer.kind", "sgd")
    assert experiment.optimizer == SGD(lr=0.5)


def test_dirty_follows_the_disk(experiment):
    assert experiment.dirty
    experiment.save()
    experiment.set("training.epochs", 3)
    assert experiment.dirty
    experiment.set("training.epochs", 50)
    assert not experiment.dirty
    experiment.set("training.epochs", 4)
    experiment.tags = ["x"]
    experiment.revert()
    assert (experiment.dirty, experiment.tags, experiment.config.training.epochs) == (False, [], 50)


def test_renaming_saves_the_name_alone(experiment):
    experiment.save()
    experiment.set("training.epochs", 3)
    folder = experiment.folder
    experiment.rename("Other")
    assert experiment.dirty
    assert experiment.folder == folder
    again = Project(experiment.project.path)
    assert (again.cards[0].name, again.cards[0].edited) == ("Other", True)
    again.cards[0].revert()
    assert (again.cards[0].name, again.cards[0].config.training.epochs) == ("Other", 50)
    again.close()


def test_a_rename_alone_leaves_nothing_to_save(experiment):
    experiment.save()
    experiment.rename("Other")
    assert (experiment.name, experiment.dirty, experiment.edited) == ("Other", False, False)
    experiment.set("training.epochs", 3)
    experiment.rename("Third")
    assert (experiment.dirty, experiment.edited) == (True, True)
    experiment.set("training.epochs", 50)
    assert (experiment.name, experiment.dirty, experiment.edited) == ("Third", False, False)


def test_problems_follow_edits_and_keep_it_from_training(experiment):
    assert experiment.problems == []
    experiment.set("training.batch_size", 64)
    assert [p["path"] for p in experiment.problems] == ["training.batch_size"]
    with pytest.raises(ConfigError, match=r"training\.batch_size"):
        experiment.train()
    assert (experiment.status, experiment.saved) == ("created", False)


def test_data_info_tells_what_will_train(experiment):
    info = experiment.data_info
    assert (info["n_images"], info["train"], info["val"], info["test"]) == (60, 48, 12, 0)
    assert info["classes"] == [["cat", 40], ["dog", 20]]


def test_a_duplicate_is_new_and_independent(experiment):
    experiment.tags = ["t"]
    copy = experiment.duplicate()
    assert (copy.name, copy.config, copy.tags) == (f"{experiment.name} (copy)", experiment.config, ["t"])
    assert copy.id != experiment.id
    copy.set("training.epochs", 2)
    assert experiment.config.training.epochs == 50


def test_deleting_moves_to_the_trash(experiment):
    experiment.save()
    experiment.delete()
    assert experiment.project.cards == []
    [kept] = (experiment.project.path / "trash").iterdir()
    assert (kept / "experiment.json").exists()


def test_what_the_disk_does_not_let_go_stays_as_it_is_and_is_refused_in_words(experiment):
    experiment.save()
    (experiment.project.path / "trash").write_text("a file")
    with pytest.raises(ProjectError):
        experiment.delete()
    assert experiment.project.cards == [experiment]
    experiment.set("optimizer.lr", 0.125)  # its drafts are written as before
    assert (experiment.folder / "draft.json").exists()
    (experiment.project.path / "trash").unlink()
    long = experiment.project.path / ("n" * 250)  # the trash adds a time and an id, which the file system refuses
    long.mkdir()
    with pytest.raises(ProjectError, match=r"nothing was moved to the trash: .*long"):
        experiment.project.trash(long)
    assert long.is_dir()


def test_unknown_events_are_refused(experiment):
    with pytest.raises(NbtrainError, match="Events: status"):
        experiment.on("finished", print)


def test_nothing_to_restart_is_no_error_but_nothing_changes(experiment):
    experiment.restart()
    assert experiment.status == "created"


def test_news_of_a_life_that_is_over_are_not_taken(experiment, monkeypatch):
    """The watch thread may have waited with them while the run was extended: they tell of the end before that."""
    told = []  # the test tells the news itself
    monkeypatch.setattr(experiment.project.watch, "follow", lambda run, news, reader: told.append(news) or -len(told))
    experiment.save()
    run = RunFolder.create(experiment.folder, {"format": 1, "config": {}})
    with FileLock(run.lock):
        run.write_status(RunStatus("training", "training", epoch=4, epochs=4, heartbeat_s=time.time()))
        experiment.refresh()
        experiment._attach(run, again=True)
        assert len(told) == 2
        ended = RunStatus("completed", epoch=3, epochs=8, heartbeat_s=time.time())
        told[0]([], ended)
        assert (experiment.status, experiment.epoch) == ("training", 4)
        told[1]([], ended)
        assert (experiment.status, experiment.epoch) == ("completed", 3)
