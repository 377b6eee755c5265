"""The guided start from code: each step says what it lacks, nothing is written before the end or stays of a failure."""

import json
import os

import pytest
from PIL import Image

from images import write_classes
from nbtrain.data.assembly import Part
from nbtrain.data.sources import Table
from nbtrain.errors import ConfigError, DataError, ProjectError, StatusError
from nbtrain.project.experiment import Experiment
from nbtrain.project.guiding import STEPS
from nbtrain.project.project import Project


@pytest.fixture
def project(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    made.defaults = {"training.batch_size": 8}
    yield made
    made.close()


@pytest.fixture
def other(tmp_path, newcomer):
    """Another project of this person, with a set of its own that has been edited."""
    made = Project(tmp_path / "other")
    made.name = "Café 🐈"
    made.add_images(write_classes(tmp_path / "more", {"cat": 8, "fox": 6}), "forest")
    data = made.dataset()
    data.relabel("fox/000.png", "cat")
    data.exclude("cat/001.png", "blurred")
    made.save()
    yield made
    made.close()


@pytest.fixture
def pet_images(tmp_path):
    return write_classes(tmp_path / "images", {"cat": 12, "ct": 4, "dog": 10})


def several(folder, rows=(("a", "sky"), ("b", "sky|sea"), ("c", ""), ("d", "sea"), ("e", "sky"), ("f", "sea"))):
    """A table in which images have no label, one or several."""
    folder.mkdir()
    for name, _ in rows:
        Image.new("RGB", (8, 8)).save(folder / f"{name}.png")
    table = folder / "labels.csv"
    table.write_text("path,label\n" + "".join(f"{name}.png,{labels}\n" for name, labels in rows))
    return table


def tree(project):
    """Every file of a project with its content, locks and recent projects aside."""
    found = sorted(path for path in project.path.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(project.path)): path.read_bytes() for path in found}


def lacking(guide):
    return {step.key for step in guide.steps if not step.complete}


def test_an_empty_project_is_told_what_to_do_first_and_stays_unwritten(project):
    guide = project.guide()
    assert [step.key for step in guide.steps] == list(STEPS)
    assert lacking(guide) == {"data", "review"}
    assert not guide.touched
    assert [task.kind for task in guide.tasks] == ["classification", "multilabel"]
    with pytest.raises(ConfigError, match=r"step data: no data set is chosen\. Choose one or more"):
        guide.create()
    with pytest.raises(DataError, match="no data set is chosen"):
        guide.rename("cat", "dog")
    guide.task, guide.name = "multilabel", "Mine"
    guide.set("training.epochs", 7)
    guide.preset("quick")
    assert project.guide() is guide
    assert guide.touched
    assert not project.path.exists()
    guide.discard()
    assert not guide.touched
    assert (guide.task, guide.config.training.epochs) == ("classification", 50)
    assert "nothing chosen" in repr(guide)


def test_one_data_set_of_the_project_is_used_as_it_is(project, pet_images):
    project.add_images(pet_images, "pets")
    before = tree(project)
    guide = project.guide()
    assert [choice.name for choice in guide.chosen] == ["pets"]
    assert not guide.touched
    guide.preset("quick")
    guide.set("training.epochs", 5)
    guide.name = "First"
    review = guide.review()
    assert review.ready
    assert not review.made
    assert {row["path"]: row["values"][1] for row in review.changes}["training.epochs"] == "5"
    assert [(row.name, row.n_images, sum(row.sets.values())) for row in review.classes] == [
        ("cat", 12, 12), ("ct", 4, 4), ("dog", 10, 10)
    ]  # fmt: skip
    assert "2 × 5 epochs = 10" in dict(review.facts)["Steps"]
    assert "ready" in str(review)
    assert tree(project) == before
    made = guide.create()
    assert (made.name, made.status, made.dirty) == ("First", "created", False)
    assert (made.config.data.dataset, made.config.training.epochs) == ("pets", 5)
    assert made.config.model.variant == "resnet10t"
    assert project.data.names() == ["pets"]
    assert project.cards[0] is made
    assert project.guide() is not guide
    with pytest.raises(StatusError, match="has made its experiment already"):
        guide.create()
    with pytest.raises(StatusError, match="begins another"):
        guide.drop("ct")


def test_sets_of_two_projects_are_the_same_as_made_by_hand(project, other, pet_images, tmp_path):
    project.add_images(pet_images, "pets")
    guide = project.guide()
    offers = {(offer.project, offer.name): offer for offer in guide.offered}
    assert set(offers) == {("", "pets"), ("Café 🐈", "forest")}
    assert (offers["Café 🐈", "forest"].n_images, offers["Café 🐈", "forest"].classes) == (13, ("cat", "fox"))
    guide.use("forest", project=other.path)
    guide.rename("ct", "cat")
    guide.drop("dog")
    guide.reorder(["fox"])
    assert guide.classes == ("fox", "cat")
    counts = guide.look().counts
    assert list(counts.by_class()) == [("fox", 5, (0, 5)), ("cat", 24, (16, 8))]
    elsewhere = Project(tmp_path / "by hand")
    elsewhere.add_images(project.dataset("pets"), "both")
    hand = elsewhere.dataset("both")
    hand.add(other.dataset("forest"))
    hand.rename("ct", "cat")
    hand.drop("dog")
    hand.reorder(["fox"])
    there = tree(other)
    made = guide.create()
    data = project.dataset(made.config.data.dataset)
    assert data.name == "pets + forest"
    assert (data.value.hash, data.value.base, data.value.parts) == (hand.value.hash, hand.value.base, hand.value.parts)
    assert data.listing().records == hand.listing().records
    assert (data.counts, data.classes) == (hand.counts, hand.classes)
    assert [one.reason for one in data.excluded] == ["blurred"]
    assert [(one.project, one.dataset) for one in data.value.origins] == [
        (str(project.path), "pets"), (str(other.path), "forest")
    ]  # fmt: skip
    assert data.value.origins[1].hash == other.dataset().value.hash
    again = Project(project.path)
    assert again.dataset(data.name).value.origins == data.value.origins
    assert not made.problems
    assert tree(other) == there
    assert not list(project.path.rglob("*.png"))
    again.close()
    elsewhere.close()


def test_back_and_forth_loses_nothing(project, other, pet_images):
    project.add_images(pet_images, "pets")
    guide = project.guide()
    guide.use("forest", project=other.path)
    guide.rename("fox", "red fox")
    guide.unuse("forest")
    assert "red fox" not in guide.classes
    assert guide.as_it_is
    assert any("Waiting: rename fox → red fox" in told for told in guide.data_notices(guide.look()))
    guide.use("forest", project=other.path)
    assert "red fox" in guide.classes
    assert not guide.look().waiting
    guide.task = "multilabel"
    guide.set("task.threshold", 0.4)
    guide.set("optimizer.kind", "sgd")
    guide.task = "classification"
    assert guide.config.optimizer.kind == "sgd"
    assert guide.config.loss.kind == "cross_entropy"
    guide.task = "multilabel"
    assert (guide.config.task.threshold, guide.config.loss.kind) == (0.4, "bce")
    guide.unset("task.threshold")
    assert guide.config.task.threshold == 0.5
    assert guide.undo()
    assert "red fox" not in guide.classes
    assert not guide.undo()


def test_what_the_task_cannot_use_is_counted_told_and_left_out(project, pet_images, tmp_path):
    project.add_images(pet_images, "pets")
    project.add_images(Table(path=str(several(tmp_path / "beach")), empty_cells="none"), "beach")
    guide = project.guide()
    guide.use("pets")
    guide.use("beach")
    assert lacking(guide) == set()
    assert guide.task == "multilabel"  # nobody has said otherwise, and the images do
    told = " ".join(guide.data_notices(guide.look()))
    assert "beach has several labels per image, pets at most one: each image keeps its own." in told
    assert "Images of beach count as not showing cat, ct, dog" in told
    assert "1 of 32 images have no label" in told
    guide.task = "classification"
    assert lacking(guide) == {"classes", "review"}
    with pytest.raises(ConfigError, match="step classes: 1 of 32 images have no label, 1 have several; classification"):
        guide.create()
    guide.leave_out = True
    assert lacking(guide) == set()
    assert "Left out: 2 images" in " ".join(guide.data_notices(guide.look()))
    made = guide.create()
    data = project.dataset(made.config.data.dataset)
    assert sorted(one.reason for one in data.excluded) == ["no label", "several labels"]
    assert data.value.n_images == 30
    assert not made.problems
    assert project.dataset("beach").value.n_images == 6


def test_a_path_becomes_a_data_set_only_at_the_end(project, pet_images, tmp_path):
    guide = project.guide()
    guide.use(pet_images)
    guide.use(write_classes(tmp_path / "only", {"cow": 5}))  # one class alone: the other set has more
    assert guide.classes == ("cat", "ct", "dog", "cow")
    assert guide.data_name == "images + only"
    assert not project.path.exists()
    guide.data_name = "farm\n\t🐄"
    made = guide.create()
    assert project.data.names() == ["farm 🐄"]
    assert project.dataset().value.parts[1].name == "only"
    assert made.config.data.dataset == "farm 🐄"
    with pytest.raises(DataError, match=r"no such path"):
        project.guide().use(tmp_path / "nowhere")


def test_bad_input_says_what_and_changes_nothing(project, other, pet_images, tmp_path):
    project.add_images(pet_images, "pets")
    guide = project.guide()
    before = guide.config
    with pytest.raises(ConfigError, match=r"task\.kind.*multilabel"):
        guide.task = "detection"
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        guide.set("training.epochs", -1)
    with pytest.raises(ConfigError, match="use"):
        guide.set("data.dataset", "pets")
    with pytest.raises(ConfigError, match="preset"):
        guide.preset("best")
    with pytest.raises(DataError, match="chosen already"):
        guide.use("pets")
    with pytest.raises(DataError, match="this is a project"):
        guide.use(other.path)
    with pytest.raises(DataError, match="no nbtrain project"):
        guide.offer(tmp_path)
    with pytest.raises(DataError, match="no such data set any more"):
        guide.use("pets", project=other.path)
    with pytest.raises(DataError, match="no such data set was chosen"):
        guide.unuse("dogs")
    with pytest.raises(DataError, match="Did you mean"):
        guide.rename("dgo", "dog")
    assert guide.config == before
    assert not guide.touched
    guide.merge(["ct", "dog"], into="cat")
    assert [step.key for step in guide.steps if not step.complete] == ["classes", "review"]
    assert guide.undo()
    guide.use(pet_images)
    assert "part of the data set already" in guide.missing[0].message
    guide.unuse(guide.chosen[1])
    guide.set("data.val_ratio", 0.6)
    guide.set("data.test_ratio", 0.6)
    assert lacking(guide) == {"configuration", "review"}
    guide.unset("data.test_ratio")
    guide.set("data.split", "by patient")
    assert "by patient" in guide.missing[0].message


def test_a_name_that_is_taken_a_class_that_means_two_things_and_images_that_are_gone(
    project, other, pet_images, tmp_path
):
    project.add_images(pet_images, "pets")
    guide = project.guide()
    guide.use("forest", project=other.path)
    guide.data_name = "pets"
    assert guide.missing[0].path == "data"
    assert "called 'pets' already" in guide.missing[0].message
    guide.data_name = ""
    other.dataset().rename("cat", "tabby")
    guide.look(again=True)
    assert "'cat' is called 'tabby' there and 'cat' here" in guide.missing[0].message
    other.dataset().undo()
    os.rename(tmp_path / "more", tmp_path / "gone")
    guide.look(again=True)
    assert (guide.missing[0].path, "no such path" in guide.missing[0].message) == ("data", True)


@pytest.mark.parametrize("fails", ["experiment", "data set"])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_stays_of_what_could_not_be_made(project, other, pet_images, monkeypatch, fails, exists):
    if exists:
        project.save()
    before, cards = tree(project), list(project.cards)
    guide = project.guide()
    guide.use(pet_images)
    guide.use(other.dataset())

    def refuse(*_, **__):
        raise ProjectError("the disk is full")

    with monkeypatch.context() as patched:
        if fails == "experiment":
            patched.setattr(Experiment, "save", refuse)
        else:
            patched.setattr(type(project.data), "_write", refuse)
        with pytest.raises(ProjectError, match="the disk is full"):
            guide.create()
    assert tree(project) == before
    assert (project.path.exists(), project.cards, project.data.names()) == (exists, cards, [])
    assert guide.touched
    assert guide.create().config.data.dataset == "images + forest"


@pytest.mark.parametrize("name", ["🐈 قطة", "x" * 600, "a/../b", "<b>bold</b>", "twice"])
def test_names_are_text(project, pet_images, name):
    project.add_images(pet_images, "pets")
    project.new("twice").save()
    guide = project.guide()
    guide.name, guide.data_name = name, name
    guide.drop("ct")
    made = guide.create()
    assert made.name == name[:500]
    assert project.dataset(made.config.data.dataset).name == name[:200]
    assert Project(project.path).experiment(made.id).name == name[:500]
    assert json.loads((project.path / "project.json").read_bytes())["format"] == 1


def test_marks_are_told_and_used_as_tags(project, tmp_path):
    folder = tmp_path / "boxes"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (20, 20)).save(folder / f"{number}.png")
    images = [{"id": n, "file_name": f"{n}.png", "width": 20, "height": 20} for n in range(6)]
    boxes = [{"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [2, 2, 9, 9]} for n in range(4)]
    categories = [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}]
    plain = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(plain))
    guide = project.guide()
    guide.use(folder / "annotations.json")
    notices = list(guide.data_notices(guide.look()))
    assert notices[0] == "4 images carry a box: used as tags, so what they show, not where."
    guide.task = "classification"
    assert "2 of 6 images have no label" in guide.missing[0].message
    assert isinstance(guide.look().merged.parts[0], Part)
