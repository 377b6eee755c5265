"""The pictures in the form: asked for only while somebody looks, and only when what decides about them changes."""

from __future__ import annotations

import pytest
import stage
import torchvision.transforms.v2  # noqa: F401 - seconds, and not in the middle of a test

from nbtrain.project.previewing import spread
from nbtrain.runs.pictures import Pictures
from nbtrain.runs.previews import PREVIEWS
from nbtrain.ui.form import Form
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def asked(monkeypatch):
    """Requests, answered in this process: which process it is, is no matter here."""
    requests, pictures = [], Pictures()

    def answer(request, then):
        requests.append(request)
        then(*pictures.answer(request))

    monkeypatch.setattr(PREVIEWS, "ask", answer)
    return requests


@pytest.fixture
def form(tmp_path):
    project = stage.project(tmp_path)
    made = Form(project.new("Seen"))
    yield made
    made.close()
    project.close()


def settled(form):
    assert PULSE.settle(30)
    return form.preview


def test_nothing_is_rendered_until_somebody_looks_and_nothing_afterwards(form, asked):
    form.experiment.set("augmentation.train", [{"kind": "resize"}])
    settled(form)
    assert (asked, form.pictures) == ([], [])
    form.perform("look", view="a", on=True)
    assert settled(form)["count"] == 32
    assert len(form.pictures) == 8
    assert form.pictures[0]["after"][:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")
    form.perform("look", view="a", on=False)
    form.experiment.set("task.image_size", 48)
    settled(form)
    assert len(asked) == 1


def test_it_is_asked_again_when_the_pictures_change_and_only_then(form, asked):
    form.perform("look", view="a", on=True)
    settled(form)
    experiment = form.experiment
    for path, value, more in (
        ("optimizer.lr", 0.01, 0),
        ("normalisation.kind", "custom", 1),
        ("task.image_size", 48, 1),
        ("training.seed", 7, 1),
        ("augmentation.train.1.p", 1.0, 1),
        ("training.epochs", 7, 0),
    ):
        before = len(asked)
        experiment.set(path, value)
        settled(form)
        assert len(asked) - before == more, path
    form.perform("look", view="a", on=True)
    assert (settled(form)["busy"], len(asked)) == (False, 5)


def test_other_images_epochs_and_one_image_in_many(form, asked):
    form.perform("look", view="a", on=True)
    form.perform("picture", first=8, epoch=2)
    settled(form)
    assert asked[-1].positions == tuple(range(1, 32, 4))
    assert asked[-1].epochs == (2,) * 8
    form.perform("picture", one=5)
    settled(form)
    assert (asked[-1].positions, asked[-1].epochs) == ((5,) * 8, tuple(range(2, 10)))
    form.perform("picture", part="val")
    assert settled(form)["count"] == 8
    assert (asked[-1].part, asked[-1].positions) == ("val", tuple(range(8)))


@pytest.mark.parametrize("n_images", [1, 5, 8, 20, 32, 1438])
def test_pages_are_spread_over_the_classes_and_show_every_image_once(n_images):
    pages = [spread(n_images, first) for first in range(0, n_images, 8)]
    assert sorted(image for page in pages for image in page) == list(range(n_images))
    assert all(len(page) == 8 for page in pages[:-1])
    assert spread(n_images, 8 * len(pages)) == pages[0]


def test_what_keeps_it_from_being_shown_is_told_and_the_last_pictures_stay(form, asked):
    form.perform("look", view="a", on=True)
    settled(form)
    form.experiment.set("augmentation.train", [{"kind": "resize", "size": 32}, {"kind": "center_crop", "size": 64}])
    told = settled(form)
    assert told["problem"].startswith("step 2: a crop of 64 px is larger")
    assert len(form.pictures) == 8
    form.experiment.set("data.dataset", "")
    assert settled(form)["problem"] == "no data set is chosen"
    assert form.pictures == []


def test_another_experiment_begins_without_pictures(form, asked):
    form.perform("look", view="a", on=True)
    settled(form)
    form.perform("picture", first=8)
    settled(form)
    form.show(form.experiment.project.new("Other"))
    assert settled(form)["first"] == 0
    form.show(None)
    assert (settled(form), form.pictures) == ({}, [])
