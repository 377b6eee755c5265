"""Statistics in the stage Data: closed they cost nothing, a bar shows its images, tables are copied; and sources."""

from __future__ import annotations

import io
import shutil
import threading

import pandas as pd
import pytest

from nbtrain.project import dataset_file
from nbtrain.ui.aside import Aside
from nbtrain.ui.data_stage import DataStage
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def shown(project):
    made = DataStage(project)
    made.show(project, None)
    yield made
    made.close()


def until(panel, name, holds):
    """Wait until a trait of a panel is as it should be."""
    come = threading.Event()
    check = lambda _=None: come.set() if holds(getattr(panel, name)) else None  # noqa: E731
    panel.observe(check, name)
    check()
    assert come.wait(20)
    panel.unobserve(check, name)
    PULSE.settle()


def opened(shown):
    shown.statistics.perform("view", view="statistics")
    until(shown.statistics, "charts", bool)
    return {chart["key"]: chart for chart in shown.statistics.charts}


def test_closed_nothing_is_counted_and_open_charts_stand_in_order(shown):
    assert (shown.statistics.charts, shown.statistics._charts._key) == ([], None)
    charts = opened(shown)
    assert list(charts) == ["classes", "weights", "size_kib"]
    assert "nbt-off" in shown._images._dom_classes
    assert [row["images"] for row in charts["classes"]["rows"]] == [10, 10, 10, 10]
    assert charts["weights"]["rows"][0] == {"row": 0, "name": "daisy", "train": 10, "auto": 1.0, "effective": 1.0}
    assert shown.statistics.scan["state"] == "none"


def test_a_bar_shows_its_images_until_the_list_is_widened(shown, project):
    sizes = opened(shown)["size_kib"]
    shown.statistics.perform("show", chart="size_kib", row=sizes["rows"][-1]["row"])
    PULSE.settle()
    gallery = shown.gallery
    assert (shown.statistics.view, gallery.count) == ("images", sizes["rows"][-1]["images"])
    assert gallery.title == f"File size: {sizes['names'][-1]}"
    assert "nbt-off" not in shown._images._dom_classes
    gallery.perform("widen")
    assert (gallery.count, gallery.title) == (40, "")
    project.dataset().split("half", val_ratio=0.5)
    shown.show(project, project.new("One", project.new_config().set("data.split", "half")))
    until(shown.statistics, "view", lambda view: view == "images")
    shown.statistics.perform("view", view="statistics")
    until(shown.statistics, "charts", lambda charts: "train" in charts[0]["columns"])
    shown.statistics.perform("show", chart="classes", row=2, part="val")
    assert (gallery.query["label"], gallery.query["part"], gallery.count) == ("rose", "val", 5)


def test_the_whole_table_is_copied_and_more_rows_are_sent_when_asked(shown, monkeypatch):
    opened(shown)
    sent = []
    monkeypatch.setattr(shown.statistics, "send", sent.append)
    shown.statistics.perform("copy", chart="classes")
    shown.statistics.perform("copy", chart="weights", form="python")
    shown.statistics.perform("copy", chart="nothing")
    frame = pd.read_csv(io.StringIO(sent[0]["copied"]["text"]))
    assert frame.images.tolist() == [10, 10, 10, 10]
    data = shown.data.data
    assert sent[1]["copied"]["text"] == "project.dataset('flowers').statistics()['weights']"
    assert eval(sent[1]["copied"]["text"], {"project": data.project}).auto.tolist() == [1, 1, 1, 1]
    assert len(sent) == 2
    monkeypatch.setattr("nbtrain.ui.statistics.FEW", 2)
    shown.statistics.perform("more", chart="size_kib")
    PULSE.settle()
    classes = shown.statistics.charts[0]
    assert (len(classes["rows"]), classes["total"]) == (2, 4)


def test_an_edit_counts_anew(shown, project):
    opened(shown)
    project.dataset().relabel(project.dataset().listing().records[0].file, "tulip")
    shown._look()
    until(shown.statistics, "charts", lambda charts: charts[0]["rows"][0]["images"] == 11)
    assert shown.statistics.charts[0]["names"][0] == "tulip"


def test_images_are_listed_aside_and_a_folder_that_moved_is_found_again(shown, project, tmp_path, monkeypatch):
    shutil.move(tmp_path / "images", tmp_path / "elsewhere")
    monkeypatch.setattr(dataset_file, "_LOOKS", type(dataset_file._LOOKS)())
    shown._look()
    data = shown.data
    until(data, "reading", lambda reading: "trouble" in reading)
    assert "no such path" in data.reading["trouble"]
    assert (data.sources[0]["there"], shown.gallery.total, data.facts[0]["value"]) == (False, 0, "40")
    data.perform("check_source", source=data.sources[0]["path"], path=str(tmp_path / "elsewhere"))
    until(data, "finding", lambda finding: not finding.get("busy"))
    assert (data.finding["whole"], data.finding["text"]) == (True, "All 40 images are there, with the same labels.")
    data.perform("move_source", source=data.sources[0]["path"], path=str(tmp_path / "elsewhere"))
    until(data, "finding", lambda finding: "done" in finding)
    until(data, "reading", lambda reading: not reading)
    until(shown.gallery, "total", lambda total: total == 40)
    data.perform("remove_source", source=data.sources[0]["path"])
    until(data, "finding", lambda finding: not finding.get("busy"))
    assert "only source" in data.finding["text"]


def test_splits_tell_who_uses_them_and_what_runs_have_made(shown, project):
    project.data.make_split(project.new_config().data)
    project.dataset().split("half", val_ratio=0.5)
    experiment = project.new("One", project.new_config().set_all({"data.split": "half", "training.batch_size": 8}))
    experiment.train(beside=True).wait(30)
    shown._look()
    made, half = shown.data.splits
    assert (made["words"], made["used"], half["words"], half["used"]) == ("20 % val, seed 42", [], "", ["One, run 1"])
    assert half["leaks"] is None
    shown.data.perform("rename_split", name="half", to="other")
    assert "locked" in shown.data.trouble


def test_aside_answers_the_newest_question_and_tells_what_went_wrong():
    told = threading.Event()
    aside = Aside(told.set)
    assert aside.of(1, lambda: "one") is None
    assert told.wait(10)
    assert (aside.of(1, lambda: "never"), aside.busy) == ("one", False)
    told.clear()
    assert aside.of(2, lambda: 1 / 0) is None
    assert told.wait(10)
    assert (aside.of(2, lambda: "never"), "division" in aside.trouble) == (None, True)
