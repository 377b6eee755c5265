"""What a panel shows of a path before its images are added: pictures, readings, a question and its answers."""

from __future__ import annotations

import base64
import io
import threading
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from data import stored
from images import write_classes
from nbtrain.data.sources import Folder, look
from nbtrain.project.project import Project
from nbtrain.ui.adding import Adding
from nbtrain.ui.data import Data
from nbtrain.ui.guide import Choosing, GuidePanel
from ui.test_bad_input import until


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "pets", {"cat": 2, "dog": 2}), "pets")
    yield made
    made.close()


@pytest.fixture
def adder(project):
    return Adding(project, lambda: None, lambda name: None)


@pytest.fixture
def odd(tmp_path):
    return str(write_classes(tmp_path / "odd", {"cat": 2, "dog": 2, "test": 2}))


def after(adder, what, *given, **more):
    getattr(adder, what)(*given, **more)
    until(lambda: not adder.state.get("busy"))
    return adder.state


def titles(state):
    return {one["title"]: one["key"] for one in state["readings"]}


def test_a_question_is_answered_by_a_click_and_then_the_images_are_added(adder, odd, project):
    asked = after(adder, "look", odd)
    assert (asked["ok"], asked["reading"]) == (False, "")
    assert asked["questions"][0]["text"] == "Is the folder test a class, or a set of images without classes?"
    assert asked["questions"][0]["readings"] == [titles(asked)["A class"], titles(asked)["A set"]]
    assert not {"question", "other readings"} & {label for label, _ in asked["facts"]}  # buttons say it
    answered = after(adder, "look", odd, reading=titles(asked)["A set"])
    assert (answered["ok"], answered["questions"], answered["reading"]) == (True, [], titles(asked)["A set"])
    assert ["classes", "2: cat (2), dog (2)"] in answered["facts"]
    assert titles(asked).items() <= titles(answered).items()  # the way back
    again = after(adder, "look", odd, reading=titles(answered)["A class"])
    assert ["classes", "3: cat (2), dog (2), test (2)"] in again["facts"]
    done = after(adder, "add", odd, "mine", reading=titles(asked)["A set"])
    assert done["done"] == "4 images in mine."
    assert project.data.get("mine").parts[0].source == Folder(path=odd, sets="always")


def test_what_is_added_without_a_look_is_asked_about_too(adder, odd, project):
    asked = after(adder, "add", odd, into="pets")
    assert (asked["ok"], len(asked["questions"]), asked.get("done")) == (False, 1, None)
    assert project.data.get("pets").n_images == 4
    after(adder, "add", odd, into="pets", reading=titles(asked)["A class"])
    assert project.data.get("pets").n_images == 10


def test_an_archive_is_asked_about_once_it_is_unpacked(adder, odd, tmp_path, project):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        for name in ("cat", "dog", "test"):
            archive.write(f"{odd}/{name}/000.png", f"{name}/000.png")
    path = str(tmp_path / "odd.zip")
    looked = after(adder, "look", path)
    assert (looked["ok"], looked["pictures"], looked["questions"]) == (True, [], [])
    asked = after(adder, "add", path, "mine")
    assert len(asked["pictures"]) == 3
    after(adder, "add", path, "mine", reading=titles(asked)["A set"])
    assert project.data.get("mine").classes == ("cat", "dog")


def test_pictures_are_small_jpegs_with_their_labels(adder, odd):
    (first, *others) = after(adder, "look", odd)["pictures"]
    assert (first["file"], first["labels"]) == ("cat/000.png", "cat")
    kind, _, data = first["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).format == "JPEG"
    assert len(others) == 5


def test_pictures_have_all_their_labels_and_the_range_of_the_source(adder, tmp_path):
    for name, highest in (("a", 100), ("b", 4095)):
        path = tmp_path / "mine" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(stored.png(np.full((16, 16), highest, np.uint16)))
    (tmp_path / "mine/t.csv").write_text("file,label\na.png,dark;cat\nb.png,bright;cat\n")
    dark = next(one for one in after(adder, "look", str(tmp_path / "mine/t.csv"))["pictures"] if one["file"] == "a.png")
    assert dark["labels"] == "cat, dark"
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(dark["src"].partition(",")[2])))).max() < 20


def test_what_was_seen_stays_while_more_is_done_with_the_same_path_and_goes_with_another(adder, odd, monkeypatch):
    after(adder, "look", odd)
    monkeypatch.setattr("nbtrain.ui.adding.Thread", lambda **_: SimpleNamespace(start=lambda: None))
    adder.look(odd)
    assert adder.state["busy"]
    assert len(adder.state["questions"]) == 1
    adder.look(f"{odd}/cat")
    assert adder.state == {"path": f"{odd}/cat", "busy": True, "text": "Looking…", "fraction": None}


def test_an_older_look_that_ends_later_is_not_shown(adder, odd, tmp_path, monkeypatch):
    plain, go = str(write_classes(tmp_path / "plain", {"a": 1, "b": 1})), threading.Event()

    def slow(source):
        if source.path == odd:
            go.wait(20)
        return look(source)

    monkeypatch.setattr("nbtrain.ui.adding.look", slow)
    adder.look(odd, reading="")
    older = [thread for thread in threading.enumerate() if thread.name == "nbtrain-look"]
    shown = after(adder, "look", plain)
    go.set()
    for thread in older:
        thread.join(20)
    assert older
    assert adder.state == shown
    assert shown["path"] == plain


@pytest.mark.parametrize("made", [Data, GuidePanel])
def test_a_panel_passes_on_which_reading_was_clicked(made, project, odd, monkeypatch):
    panel, told = made(project), []
    name = "adder" if made is Data else "_adding"
    for what in ("look", "add"):
        monkeypatch.setattr(getattr(panel, name), what, lambda *given, **more: told.append([*given, *more.values()]))
        panel.perform(what, path=odd, root="images", reading="key")
    assert [(one[0], one[-2:]) for one in told] == [(odd, ["images", "key"])] * 2
    panel.close()


def test_a_picture_that_cannot_be_read_has_none(adder, tmp_path):
    write_classes(tmp_path / "mine", {"a": 1, "b": 1})
    (tmp_path / "mine/a/000.png").write_bytes(b"no image")
    assert [bool(one["src"]) for one in after(adder, "look", str(tmp_path / "mine"))["pictures"]] == [False, True]


def test_a_reading_of_another_look_is_refused(adder, odd, tmp_path):
    key = titles(after(adder, "look", odd))["A set"]
    after(adder, "look", str(write_classes(tmp_path / "plain", {"a": 1, "b": 1})))
    refused = after(adder, "add", odd, reading=key)
    assert refused["ok"] is False
    assert "this reading is of an earlier look" in refused["lines"][0]


def test_a_reading_that_fails_leaves_the_way_back(adder, odd, project):
    asked = after(adder, "look", odd)
    key = titles(asked)["A set"]
    adder._readings[key] = replace(adder._readings[key], source=Folder(path=f"{odd}/nowhere"))
    failed = after(adder, "look", odd, reading=key)
    assert (failed["ok"], failed["reading"]) == (False, key)
    assert "there is no such path" in failed["lines"][0]
    again = after(adder, "look", odd, reading=titles(failed)["A class"])
    assert again["ok"] is True


def test_the_path_is_told_as_the_notebook_sees_it(adder, odd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert after(adder, "look", odd)["facts"][0] == ["Image folder", "odd"]


def test_the_guided_start_asks_and_takes_the_answer(project, odd):
    adder = Choosing(project, lambda: None, lambda name: None)
    asked = after(adder, "add", odd)
    assert len(asked["questions"]) == 1
    after(adder, "add", odd, reading=titles(asked)["A set"])
    assert [one.source.sets for one in project.guide().chosen if one.source] == ["always"]
