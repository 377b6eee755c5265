"""Bad input in the panels: images that go, folders that may not be read, annotations that lead out, two at once.

Whatever it is, the panel says so and stays; what others do meanwhile is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from data import formats
from images import write_classes
from nbtrain.cli import main
from nbtrain.project.project import Project
from nbtrain.ui.data import Data
from nbtrain.ui.data_stage import DataStage
from nbtrain.ui.pulse import PULSE
from runs.helpers import until


@pytest.fixture
def notebooks(tmp_path):
    """Return the Data stages of two notebooks that show one data set of two sources."""
    first = Project(tmp_path / "project")
    first.add_images(write_classes(tmp_path / "home", {"cat": 6, "dog": 5}), "pets")
    first.dataset().add(write_classes(tmp_path / "more", {"dog": 3, "fox": 4}), "wild")
    stages = [DataStage(project) for project in (first, Project(tmp_path / "project"))]
    for stage in stages:
        stage.show(stage.data.model, None)
    yield stages
    for stage in stages:
        stage.data.model.close()
        stage.close()


def counts(stage):
    return {one["name"]: one["count"] for one in stage.data.classes}


def settle(*stages):
    PULSE.settle()
    for stage in stages:
        stage._look()


def asked(data, what, **wish):
    """Send a wish that a thread works at, and return what the panel shows when it is done."""
    data.perform(what, **wish)
    until(lambda: not data.adder.state.get("busy"))
    data.redraw()
    return data.adding


def test_two_notebooks_relabel_one_image_and_each_takes_back_its_own(notebooks):
    mine, theirs = notebooks
    file = "wild/dog/000.png"
    theirs.gallery.perform("relabel", files=[file], labels=["fox"])
    mine.gallery.perform("relabel", files=[file], labels=["cat"])
    settle(mine, theirs)
    assert "had made it fox since. Yours holds now" in mine.gallery.trouble
    assert counts(mine) == counts(theirs) == {"cat": 7, "dog": 7, "fox": 4}
    mine.gallery.perform("undo")
    settle(mine, theirs)
    assert counts(mine) == counts(theirs) == {"cat": 6, "dog": 7, "fox": 5}  # what the other said holds again
    theirs.gallery.perform("undo")
    settle(mine, theirs)
    assert counts(mine) == counts(theirs) == {"cat": 6, "dog": 8, "fox": 4}
    assert len(mine.data.data.history) == 2


def test_two_notebooks_at_the_same_time_lose_nothing(notebooks):
    mine, theirs = notebooks
    files = [record.file for record in mine.data.data.listing().records]

    def relabel(stage, own):
        for file in own:
            stage.gallery.perform("relabel", files=[file], labels=["fox"])

    busy = [threading.Thread(target=relabel, args=pair) for pair in ((mine, files[:6]), (theirs, files[6:12]))]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    settle(mine, theirs)
    assert counts(mine) == counts(theirs)
    assert counts(mine)["fox"] == 16
    assert (mine.gallery.trouble, theirs.gallery.trouble) == ("", "")


def test_another_process_relabels_and_takes_back_while_the_panel_is_open(notebooks):
    [mine, _] = notebooks
    path = str(mine.data.model.path)
    again = [sys.executable, "-m", "nbtrain", "data"]
    subprocess.run([*again, "relabel", "pets", "cat/000.png", "--as", "fox", "--project", path], check=True)
    mine.gallery.perform("relabel", files=["cat/000.png"], labels=["dog"])
    settle(mine)
    assert "had made it fox since" in mine.gallery.trouble
    mine.gallery.perform("undo")
    settle(mine)
    assert counts(mine) == {"cat": 5, "dog": 8, "fox": 5}


def test_classes_of_several_sources_are_edited_in_two_notebooks_and_taken_back(notebooks):
    mine, theirs = notebooks
    mine.data.perform("rename", name="dog", to="hound")  # in both sources
    theirs.data.perform("rename", name="fox", to="hound")  # one class with it
    settle(mine, theirs)
    assert counts(mine) == counts(theirs) == {"cat": 6, "hound": 12}
    theirs.data.perform("drop", name="hound")
    settle(mine, theirs)
    assert "leave 1 class (cat)" in theirs.data.trouble
    assert counts(theirs) == {"cat": 6, "hound": 12}
    edits = mine.data.data.history
    mine.data.data.undo(edits[0].id)  # the older one, under the other's merge
    settle(mine, theirs)
    assert counts(mine) == counts(theirs)
    assert sum(counts(mine).values()) == 18
    mine.data.data.undo(edits[1].id)
    settle(mine, theirs)
    assert counts(mine) == counts(theirs) == {"cat": 6, "dog": 8, "fox": 4}


def test_images_that_went_with_their_folder_leave_panels_that_say_so(notebooks, tmp_path):
    [mine, _] = notebooks
    path = mine.data.model.path
    shutil.rmtree(tmp_path / "more")
    again = Project(path)
    from nbtrain.project import dataset_file

    dataset_file._LOOKS.clear()  # as a new kernel would find it
    stage = DataStage(again)
    stage.show(again, None)
    until(lambda: "no such path" in stage.data.reading.get("trouble", ""))
    assert "more" in stage.data.reading["trouble"]
    assert counts(stage) == {"cat": 6, "dog": 8, "fox": 4}  # as it was when somebody last looked
    stage.data.perform("drop", name="fox")
    assert "no such path" in stage.data.trouble
    stage.data.perform("scan")  # which forgets the trouble before
    until(lambda: "no such path" in stage.data.trouble)
    write_classes(tmp_path / "more", {"dog": 3, "fox": 4})
    stage.data.perform("read")
    until(lambda: stage.gallery.total == 18 and not stage.data.reading)
    stage.close()
    again.close()


def test_an_image_that_went_is_told_when_it_is_opened(notebooks):
    [mine, _] = notebooks
    mine.gallery.perform("open", file="cat/999.png")
    assert "not in the data set any more" in mine.gallery.trouble


def test_a_gallery_goes_on_after_a_stretch_that_failed(notebooks, monkeypatch):
    gallery, sent = notebooks[0].gallery, threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(gallery._thumbnails, "get", lambda *_: 1 / 0)
        gallery.perform("rows", first=0, n=2, version=gallery.version)
        until(lambda: not gallery._working)
    assert "ZeroDivisionError" in gallery.trouble
    monkeypatch.setattr(gallery, "send", lambda *_, **__: sent.set())
    gallery.perform("rows", first=0, n=2, version=gallery.version)
    assert sent.wait(60)


def leading_out(root: Path) -> Path:
    formats.pictures(root / "pictures", formats.SCENE)
    plain = formats.coco_json(formats.SCENE)
    for named in plain["images"]:
        named["file_name"] = f"../pictures/{named['file_name']}"
    path = root / "drawn/a.json"
    path.parent.mkdir()
    path.write_text(json.dumps(plain))
    return path


def test_images_in_the_net_ask_for_the_folder_of_the_downloads(tmp_path):
    """The advice names a box: it is there."""
    (tmp_path / "t.csv").write_text("file,label\nhttps://x.org/a/000.png,a\nhttps://x.org/b/000.png,b\n")
    write_classes(tmp_path / "downloads", {"a": 1, "b": 1})
    data = Data(Project(tmp_path / "project"))
    found = asked(data, "look", path=str(tmp_path / "t.csv"))
    assert "Folder of the images" in found["lines"][0]
    assert found["elsewhere"]
    assert asked(data, "look", path=str(tmp_path / "t.csv"), root=str(tmp_path / "downloads"))["ok"]


def test_annotations_that_lead_out_are_refused_until_a_person_names_the_folder(tmp_path):
    """In the panel: it asks for the folder, and takes no other."""
    path, project = str(leading_out(tmp_path)), Project(tmp_path / "project")
    data = Data(project)
    found = asked(data, "look", path=path)
    assert (found["ok"], found["elsewhere"]) == (False, True)
    assert "Folder of the images" in found["lines"][0]
    assert asked(data, "look", path=path, root=str(tmp_path / "drawn"))["elsewhere"]
    assert "no such path" in asked(data, "look", path=path, root=str(tmp_path / "zz"))["lines"][0]
    assert asked(data, "look", path=path, root=str(tmp_path / "pictures"))["ok"]
    assert "4 images" in asked(data, "add", path=path, root=str(tmp_path / "pictures"))["done"]
    folder = write_classes(tmp_path / "plain", {"a": 2, "b": 2})
    assert "where it lies" in asked(data, "look", path=str(folder), root=str(tmp_path))["lines"][0]
    data.close()
    project.close()


def test_annotations_that_lead_out_on_the_command_line(tmp_path, capsys):
    path, project = str(leading_out(tmp_path)), str(tmp_path / "project")
    Project(project).add_images(write_classes(tmp_path / "pets", {"cat": 2, "dog": 2}), "pets")
    words = ["data", "add", "pets", path, "--project", project]
    assert main(words) == 2
    assert "--images-root on the command line" in capsys.readouterr().err
    assert main([*words, "--images-root", str(tmp_path / "pictures")]) == 0
    assert "8 images" in capsys.readouterr().out


MAY_NOT_READ = """
import json, os, sys, threading
from pathlib import Path
from nbtrain.project.project import Project
from nbtrain.ui.data import Data
root = Path(sys.argv[1])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
data = Data(Project(root / "project"))
for name in sys.argv[2:]:
    done = threading.Event()
    data.observe(lambda change: done.set() if not change["new"].get("busy") else None, "adding")
    data.perform("look", path=str(root / name))
    done.wait(60)
    print(json.dumps([data.adding.get("ok"), data.adding.get("lines"), data.trouble]))
    data.unobserve_all("adding")
data.perform("add", path=str(root / "good"))
"""
CLOSED = ("closed", "inner", "closed-above/set", "t.csv", "instances.json", "x.zip", "names")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_what_may_not_be_read_is_told_with_its_path_to_a_user_who_is_not_root():
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        for name in ("closed", "inner", "closed-above/set", "names", "good"):
            write_classes(root / name, {"a": 2, "b": 2})
        for name in ("t.csv", "instances.json", "x.zip"):
            (root / name).write_text("file,label\n")
            (root / name).chmod(0)
        for name, mode in (("closed", 0), ("inner/b", 0), ("closed-above", 0), ("names", 0o644)):
            (root / name).chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", MAY_NOT_READ, made, *CLOSED], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        for name, (ok, lines, trouble) in zip(CLOSED, told, strict=True):
            assert (ok, trouble) == (False, ""), name
            assert "Permission denied" in lines[0], (name, lines)
            assert "ermission" in lines[0].split("denied")[1], (name, lines)  # what to do
            assert str(root / name.split("/")[0]) in lines[0], (name, lines)
        for path in ("closed", "inner/b", "closed-above", "names"):
            (root / path).chmod(0o755)
