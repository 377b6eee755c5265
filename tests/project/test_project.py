"""Projects: made with the first experiment, opened again whole, shared by openers, and clear about what is wrong."""

import json
import os
import time
import zipfile

import pytest

from images import write_classes
from nbtrain.errors import AddressError, DataError, FormatError, NbtrainError, ProjectError
from nbtrain.project.project import Project


@pytest.fixture
def images(tmp_path):
    return write_classes(tmp_path / "images", {"cat": 10, "dog": 10})


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    yield made
    made.close()


def until(condition, limit_s=10):
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come true in time"
        time.sleep(0.02)


def test_the_first_experiment_makes_the_project(project):
    assert not project.path.exists()
    experiment = project.new()
    assert (project.path / "project.json").exists()
    assert experiment.dirty
    experiment.save()
    assert not experiment.dirty


def test_what_was_saved_is_there_again(project, images):
    project.add_images(images)
    first = project.new("First", tags=["a", "b"])
    first.description = "what for"
    first.set("optimizer.lr", 5e-4)
    first.save()
    again = Project(project.path)
    [found] = again.experiments()
    assert (found.id, found.name, found.description, found.tags) == (first.id, "First", "what for", ["a", "b"])
    assert found.config == first.config
    assert again.datasets()[0].classes == ("cat", "dog")
    again.close()


def test_an_archive_is_unpacked_into_the_project(project, images):
    with zipfile.ZipFile(images.with_suffix(".zip"), "w") as made:
        for path in images.rglob("*.*"):
            made.write(path, path.relative_to(images.parent))
    added = project.add_images(images.with_suffix(".zip"))
    assert (added.n_images, added.classes) == (20, ("cat", "dog"))
    again = Project(project.path)
    listing = again.datasets()[0].source.listing()
    again.close()
    assert listing.root.is_relative_to(project.path / "unpacked")
    assert listing.content_hash == added.hash


def test_two_openers_see_each_other(project, images):
    project.add_images(images)
    other = Project(project.path)
    made = project.new("Seen")
    made.save()
    until(lambda: [e.name for e in other.cards] == ["Seen"])
    made.rename("Renamed")
    until(lambda: other.cards[0].name == "Renamed")
    made.set("training.epochs", 3)
    made.save()
    until(lambda: other.cards[0].config.training.epochs == 3)
    made.delete()
    until(lambda: other.cards == [])
    other.close()


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "C:\\nul",
    "x" * 500,
    "\u202egnp.exe",
    "😀 مرحبا",
    "a/b\n\tc",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text_and_stay_inside(project, name):
    made = project.new(name)
    made.save()
    assert made.folder.parent == project.path / "experiments"
    again = Project(project.path)
    assert again.cards[0].name == made.name
    again.close()


@pytest.mark.parametrize("name", ["", "   ", "\n\x00"])
def test_an_empty_name_is_refused_and_the_old_one_kept(project, name):
    made = project.new("Old")
    with pytest.raises(ProjectError, match="needs a name"):
        made.rename(name)
    assert made.name == "Old"


def test_two_of_one_name_are_no_address(project):
    first, second = project.new("Twin"), project.new("Twin")
    with pytest.raises(AddressError, match=f"{second.id}, {first.id}|{first.id}, {second.id}"):
        project.experiment("Twin")
    assert project.experiment(first.id) is first
    with pytest.raises(AddressError, match="no such experiment"):
        project.experiment("Nobody")


def test_new_experiments_take_the_only_data_set_and_the_defaults(project, images):
    project.defaults = {"optimizer.kind": "sgd", "training.epochs": 7}
    project.add_images(images)
    config = project.new().config
    assert (config.data.dataset, config.optimizer.kind, config.training.epochs) == ("images", "sgd", 7)


def test_a_folder_of_other_things_is_no_project(images):
    with pytest.raises(ProjectError, match="no nbtrain project"):
        Project(images)


def test_a_file_is_no_project(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError, match="this is a file"):
        Project(tmp_path / "file")


def test_a_newer_project_is_refused_with_what_to_do(project):
    project.save()
    (project.path / "project.json").write_text('{"format": 99}')
    with pytest.raises(FormatError, match="Update nbtrain"):
        Project(project.path)


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": 99}', '{"format": 1, "config": {"format": 1, "training": {"epochs": -1}}}']
)
def test_one_broken_experiment_hides_no_other(project, text):
    good, bad = project.new("Good"), project.new("Bad")
    good.save()
    bad.save()
    (bad.folder / "experiment.json").write_text(text)
    again = Project(project.path)
    assert [e.name for e in again.cards] == ["Good"]
    assert str(bad.folder) in again.notices[0]
    assert (bad.folder / "experiment.json").read_text() == text
    again.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_project_that_cannot_be_written(tmp_path):
    target = tmp_path / "file-in-the-way"
    target.write_text("x")
    project = Project(target / "project")
    experiment = project.new("Kept")
    assert "only in memory" in experiment.unkept
    with pytest.raises(ProjectError, match="could not be written"):
        experiment.save()
    assert (experiment.name, experiment.dirty) == ("Kept", True)


@pytest.mark.parametrize("path", ["", "/nowhere/at/all"])
def test_images_that_are_not_there(project, path):
    with pytest.raises(DataError):
        project.add_images(path)


def test_a_data_set_that_is_gone_is_a_problem_not_an_error(project, images):
    made = project.new()
    made.set("data.dataset", "lost")
    assert [p["path"] for p in made.problems] == ["data.dataset"]
    with pytest.raises(NbtrainError, match="lost"):
        made.train()


def test_cards_are_observable(project):
    seen = []
    project.observe(lambda change: seen.append(len(change["new"])), "cards")
    project.new()
    project.new()
    assert seen == [1, 2]


def test_the_list_is_quick_with_many(project, images):
    project.add_images(images)
    one = project.new("0")
    one.save()
    plain = json.loads((one.folder / "experiment.json").read_text())
    for number in range(1, 300):
        folder = project.path / "experiments" / f"n-{number:06}"
        folder.mkdir()
        text = json.dumps({**plain, "id": f"n{number:05}", "name": str(number)})
        (folder / "experiment.json").write_text(text)
    again = Project(project.path)
    assert len(again.cards) == 300
    again.close()
