"""Scans that are cancelled, wait for each other, meet files that change, and broken marks: in real processes."""

from __future__ import annotations

import json
import os
import signal

import pytest

from data.images import folder, write
from data.planted import EACH, MARKS, plant_marks
from nbtrain import locks
from nbtrain.project.project import Project
from nbtrain.ui.data import Data
from runs.helpers import until

N = 3000
"""Images, enough that no scan is done before somebody has taken hold of it."""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("images"), {"a": N // 2, "b": N // 2})


@pytest.fixture
def opened(tmp_path, images):
    """Return a function that opens the project as another notebook would."""
    made = [Project(tmp_path / "project")]
    made[0].add_images(images, "mine")

    def open_it():
        made.append(Project(tmp_path / "project"))
        return made[-1]

    yield open_it
    for project in made:
        project.close()


def journal_of(scan):
    """Return where looks are appended: a list of one file, or of none."""
    return list(scan.folder.glob("looks*.jsonl"))


def stopped(scan):
    """Wait until a scan has seen something, freeze its process there, and return its pid."""
    until(lambda: journal_of(scan) or scan.job.over)
    pid = until(lambda: locks.holder(scan.folder / "lock") or scan.job.over)
    os.kill(pid, signal.SIGSTOP)
    return pid


def seen(scan):
    (journal,) = journal_of(scan)
    lines = journal.read_bytes().split(b"\n")
    return sum(len(json.loads(line)) for line in lines if line.endswith(b"]]"))


def test_a_cancelled_scan_keeps_what_it_saw(opened):
    scan = opened().scan("mine")
    stopped(scan)  # also one that does not answer is ended
    scan.cancel()
    assert scan.wait(60) == "cancelled"
    assert scan.failure is None
    assert scan.result == {}
    n_seen = seen(scan)
    assert 0 < n_seen < N
    assert scan.start().wait(60) == "completed"
    assert (scan.result["n_images"], scan.result["n_fresh"]) == (N, N - n_seen)


def test_a_second_notebook_waits_for_the_scan_under_way_and_finds_all_of_it(opened):
    first = opened().scan("mine")
    pid = stopped(first)
    project = opened()
    second, shown = project.scan("mine"), Data(project)
    until(lambda: "another notebook" in second.text)
    shown.redraw()
    assert (shown.scan["state"], "another notebook" in shown.scan["text"]) == ("running", True)
    third = opened().scan("mine")
    until(lambda: "another notebook" in third.text)
    third.cancel()  # who waits can leave off; the scan itself goes on
    assert third.wait(60) == "cancelled"
    os.kill(pid, signal.SIGCONT)
    assert [first.wait(60), second.wait(60)] == ["completed", "completed"]
    assert second.result["n_fresh"] == 0
    assert first.result["done_s"] == second.result["done_s"]
    shown.close()


def test_where_the_other_scan_dies_the_waiting_one_goes_on_from_there(opened):
    first = opened().scan("mine")
    pid = stopped(first)
    n_seen = seen(first)
    second = opened().scan("mine")
    until(lambda: "another notebook" in second.text)
    os.kill(pid, signal.SIGKILL)
    assert first.wait(60) == "failed"
    assert second.wait(60) == "completed"
    assert second.result["n_fresh"] <= N - n_seen


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_broken_marks_are_listed_in_the_data_panel(form, tmp_path):
    planted = plant_marks(tmp_path / "set", form)
    project = Project(tmp_path / "project")
    project.add_images(tmp_path / "set", "drawn")
    scan = project.scan("drawn")
    assert scan.wait(60) == "completed", scan.failure
    shown = Data(project)
    counts = {kind["kind"]: kind["count"] for kind in shown.scan["kinds"]}
    kinds = [kind for kind in MARKS if (form, kind) != ("yolo", "few points")]
    assert {kind: counts.pop(kind) for kind in kinds} == dict.fromkeys(kinds, EACH)
    assert set(counts) <= {"alike", "equal"}  # of small digits some are alike
    flagged = {problem.file for kind in kinds for problem in scan.problems().of(kind)}
    assert flagged.isdisjoint({file.removeprefix("images/" * (form == "coco")) for file in planted.healthy})
    shown.close()
    project.close()


def test_files_that_change_or_go_while_others_are_looked_at_are_seen_by_the_next_scan(tmp_path):
    images = folder(tmp_path / "images", {"a": 400, "b": 400})
    project = Project(tmp_path / "project")
    project.add_images(images, "mine")
    scan = project.scan("mine")
    pid = stopped(scan)
    write(images / "a/0.png", seed=9, width=50)  # perhaps looked at already
    write(images / "b/399.png", seed=9, width=50)
    (images / "b/398.png").unlink()
    os.kill(pid, signal.SIGCONT)
    assert scan.wait(60) == "completed"
    assert scan.result["n_images"] == 800  # the one that went was looked at, or is listed as missing
    assert {problem.file for problem in scan.problems().of("missing")} <= {"b/398.png"}
    scan.start()
    assert scan.wait(60) == "completed"
    columns = scan.columns
    widths = dict(zip(columns.files, columns["width"].tolist(), strict=True))
    assert (len(widths), widths["a/0.png"], widths["b/399.png"]) == (799, 50, 50)
    assert scan.result["n_fresh"] <= 2
    project.close()
