"""How many images train and validate: what form and results say before the run is what the run has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from images import write_classes
from nbtrain.data import splits
from nbtrain.project.project import Project


def sets(experiment):
    return {name: experiment.data_info[name] for name in splits.SETS}


def sizes_of_run(experiment):
    return experiment.project.data.make_split(experiment.config.data).sizes


def own_folders(folder, n_train=90, n_val=30, n_test=0):
    for name, count in (("train", n_train), ("val", n_val), ("test", n_test)):
        if count:
            write_classes(folder / name, {"cat": count - count // 3, "dog": count // 3})
    return folder


@pytest.fixture
def project(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    yield made
    made.close()


@pytest.mark.parametrize(
    "folders", [{}, {"n_test": 12}, {"n_val": 0, "n_test": 9}], ids=["train and val", "and test", "no val"]
)
def test_own_folders_are_counted_before_the_run_and_after_it(project, tmp_path, folders):
    project.add_images(own_folders(tmp_path / "images", **folders))
    experiment = project.new("a")
    experiment.set("data.test_ratio", 0.1)  # which is no matter of sets that the folders name
    foreseen = sets(experiment)
    assert foreseen == sizes_of_run(experiment)
    if not folders:
        assert foreseen == {"train": 90, "val": 30, "test": 0}
        assert project.facts(experiment.config).n_train == 90
    experiment.look()
    assert sets(experiment) == foreseen


@pytest.mark.parametrize(
    "classes", [{"cat": 40, "dog": 20}, {"a": 1, "b": 7, "c": 3}, {"a": 1, "b": 1}, {"a": 33, "b": 8}]
)
@pytest.mark.parametrize(("val", "test"), [(0.2, 0.0), (0.15, 0.15), (0.5, 0.3)])
def test_shares_are_counted_as_they_will_be_drawn(project, tmp_path, classes, val, test):
    project.add_images(write_classes(tmp_path / "images", classes))
    experiment = project.new("a")
    experiment.config = experiment.config.set_all({"data.val_ratio": val, "data.test_ratio": test})
    assert sets(experiment) == sizes_of_run(experiment)


def test_sources_of_different_kinds_are_each_counted_as_they_are_split(project, tmp_path):
    project.add_images(own_folders(tmp_path / "one"), "both")
    project.dataset("both").add(write_classes(tmp_path / "two", {"cat": 10, "dog": 10}))
    experiment = project.new("a")
    assert sets(experiment) == sizes_of_run(experiment) == {"train": 106, "val": 34, "test": 0}


def test_images_that_are_left_out_are_missing_in_their_own_set(project, tmp_path):
    project.add_images(own_folders(tmp_path / "images"), "pets")
    project.dataset("pets").exclude(["train/cat/000.png", "val/cat/000.png", "val/cat/001.png"], "blurred")
    experiment = project.new("a")
    assert sets(experiment) == {"train": 89, "val": 28, "test": 0}


def test_a_split_made_meanwhile_is_seen_in_the_same_kernel(project, tmp_path):
    """Also where its sizes are others than foreseen: the file counts."""
    project.add_images(write_classes(tmp_path / "images", {"cat": 20, "dog": 20}))
    experiment = project.new("a")
    assert sets(experiment)["val"] == 8
    made = project.data.make_split(experiment.config.data)
    fewer = splits.Split(made.name, made.seed, {**made.files, "val": made.files["val"][:3]}, made.dataset)
    fewer.save(project.data.where(experiment.config.data)[1])
    experiment.look()
    assert sets(experiment)["val"] == 3


def test_a_data_set_file_of_an_earlier_version_is_counted_by_a_look(project, tmp_path):
    data = project.add_images(own_folders(tmp_path / "images"))
    file = project.data.get(data.name).file
    plain = json.loads(file.read_text())
    assert plain.pop("extents")
    Path(file).write_text(json.dumps(plain))
    assert sets(project.new("a")) == {"train": 90, "val": 30, "test": 0}
