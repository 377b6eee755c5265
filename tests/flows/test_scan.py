"""The scan in a process of its own: from code, after a kernel restart, killed in between, and on the command line."""

from __future__ import annotations

import json
import os
import signal

from data.images import folder, write
from nbtrain import locks
from nbtrain.cli import main
from nbtrain.project.project import Project
from runs.helpers import until


def test_a_scan_from_start_to_problems(tmp_path, capsys):
    images = folder(tmp_path / "images", {"a": 30, "b": 30})
    (images / "a/0.png").write_bytes(b"")
    (images / "b/1.png").write_bytes((images / "a/1.png").read_bytes())
    project = Project(tmp_path / "project")
    project.add_images(images, "mine")

    scan = project.scan("mine")
    assert project.scan("mine") is scan  # who asks again joins
    assert scan.wait(60) == "completed", scan.failure
    assert scan.result["n_images"] == scan.result["n_fresh"] == 60
    assert not scan.stale
    found = scan.problems(split={"train": ["a/1.png"], "val": ["b/1.png"]})
    assert [problem.file for problem in found.of("empty")] == ["a/0.png"]
    assert [problem.file for problem in found.of("leak")] == ["a/1.png", "b/1.png"]
    assert sum(row["images"] for row in scan.tables()["brightness"]) == 59
    assert all(scan.thumbnails.get(["a/2.png", "b/2.png"], images))
    project.close()

    write(images / "a/0.png", seed=999)
    again = Project(tmp_path / "project").scan("mine", start=False)  # as after a restart of the kernel
    assert again.status == "completed"
    assert again.problems().of("empty")[0].id == found.of("empty")[0].id
    assert main(["scan", "--project", str(tmp_path / "project"), "--json"]) == 1  # equal files with other labels
    told = json.loads(capsys.readouterr().out)
    assert told["n_fresh"] == 1
    assert told["counts"]["label conflict"] == told["counts"]["equal"] == 2
    assert "empty" not in told["counts"]


def test_a_killed_scan_goes_on_where_it_was(tmp_path):
    images = folder(tmp_path / "images", {"a": 1500, "b": 1500})
    project = Project(tmp_path / "project")
    project.add_images(images, "mine")
    scan = project.scan("mine")
    until(lambda: list(scan.folder.glob("looks*.jsonl")) or scan.job.over)
    (journal,) = scan.folder.glob("looks*.jsonl")
    os.kill(until(lambda: locks.holder(scan.folder / "lock")), signal.SIGKILL)
    assert scan.wait(60) == "failed"
    n_seen = sum(len(json.loads(line)) for line in journal.read_bytes().split(b"\n") if line.endswith(b"]]"))
    assert project.scan("mine").wait(60) == "completed"
    assert 0 < n_seen < 3000
    assert scan.result["n_fresh"] <= 3000 - n_seen
    project.close()
