"""The doctor: finds what was really broken, repairs only what is safe, and leaves a sound project alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time

import pytest

from images import write_classes
from nbtrain import files, processes
from nbtrain.project import doctor
from nbtrain.project.project import Project
from nbtrain.runs import launch, machine
from nbtrain.runs.devices import Claim
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.jobfolder import JobFolder, Request
from nbtrain.runs.queue import Queue

LOOKS = (
    doctor.project_file, doctor.experiment_files, doctor.stale_runs, doctor.waiting_runs,
    doctor.damaged_checkpoints, doctor.data_sets, doctor.split_files, doctor.left_jobs, doctor.leftovers,
)  # fmt: skip


@pytest.fixture
def project(tmp_path):
    """A project with a data set, a split, and a run that completed with one checkpoint."""
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"a": 6, "b": 6}))
    experiment = made.new("One")
    experiment.save()
    made.data.make_split(experiment.config.data)
    run = RunFolder.create(experiment.folder, {"format": 1, "config": {}})
    run.write_status(RunStatus("completed", heartbeat_s=time.time()))
    payload = b"weights" * 1000
    (run.path / "checkpoints" / "step-00000005.pt").write_bytes(payload)
    marker = {"file": "step-00000005.pt", "bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
    files.write_json(run.path / "checkpoints" / "step-00000005.json", {**marker, "step": 5, "epoch": 1, "metrics": {}})
    made.close()
    return made.path


def run_of(project):
    return RunFolder(next(project.glob("experiments/*/runs/0001")))


def findings(project):
    return [finding for look in LOOKS for finding in look(project)]


def test_a_sound_project_has_no_findings(project):
    assert findings(project) == []


def break_marker(project):
    (run_of(project).path / "checkpoints" / "step-00000005.json").write_text("{")


def flip_a_bit(project):
    path = run_of(project).path / "checkpoints" / "step-00000005.pt"
    data = path.read_bytes()
    path.write_bytes(data[:70] + bytes([data[70] ^ 1]) + data[71:])


def edit_split(project):
    path = next((project / "splits").glob("*.json"))
    path.write_text(path.read_text().replace("000.png", "999.png"))


BREAKS = {
    "project file": ("problem", lambda p: (p / "project.json").write_text("{")),
    "experiment file": ("problem", lambda p: next(p.glob("experiments/*/experiment.json")).write_text('{"format": 9}')),
    "draft": ("problem", lambda p: (next(p.glob("experiments/*")) / "draft.json").write_text("{")),
    "checkpoint with another bit": ("problem", flip_a_bit),
    "checkpoint with a torn marker": ("problem", break_marker),
    "checkpoint that is missing": ("problem", lambda p: next(p.glob("experiments/*/runs/*/checkpoints/*.pt")).unlink()),
    "data set whose images are gone": ("problem", lambda p: shutil.rmtree(p.parent / "images")),
    "data set whose images changed": ("warning", lambda p: (p.parent / "images" / "a" / "000.png").unlink()),
    "data set file": ("problem", lambda p: next((p / "datasets").glob("*.json")).write_text('{"format": 1}')),
    "split": ("problem", edit_split),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_is_found_with_its_file_and_what_to_do(project, what):
    severity, spoil = BREAKS[what]
    spoil(project)
    [found] = findings(project)
    assert what.startswith(found.check)
    assert found.severity == severity
    assert any(ending in found.text for ending in (".json", ".pt"))
    assert found.advice
    assert found.repair is None  # nothing that a person made is touched


def test_a_stale_run_is_written_down_as_failed_and_is_stale_no_more(project):
    run = run_of(project)
    run.write_status(RunStatus("training", "training", epoch=2, step=7, heartbeat_s=1000.0))
    (run.path / "owner.json").write_text(json.dumps({**processes.identity(), "boot_id": "other", "generation": 1}))
    [found] = findings(project)
    assert (found.check, found.severity) == ("stale run", "warning")
    assert "failed (interrupted)" in found.repair()
    said = run.status()
    assert (said.status, said.cause, said.epoch, said.step, said.heartbeat_s) == ("failed", "interrupted", 2, 7, 1000.0)
    assert run.failure().cause == "interrupted"
    assert findings(project) == []
    assert "left alone" in found.repair()


def test_a_run_that_lives_is_not_stale(project):
    run = run_of(project)
    run.write_status(RunStatus("training", heartbeat_s=time.time()))
    (run.path / "owner.json").write_text(json.dumps({"host": "elsewhere", "pid": 1, "generation": 1}))
    assert findings(project) == []


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(project):
    for folder in (project, project / "splits", run_of(project).path / "checkpoints"):
        (folder / ".nbtrain-1-aaaaaa.tmp").write_bytes(b"x")
        os.utime(folder / ".nbtrain-1-aaaaaa.tmp", (1, 1))
    (project / f".nbtrain-{os.getpid()}-bbbbbb.tmp").write_bytes(b"being written")
    [found] = findings(project)
    assert "3 temporary files or folders" in found.text
    assert found.repair() == "3 removed"
    assert findings(project) == []
    assert (project / f".nbtrain-{os.getpid()}-bbbbbb.tmp").exists()


def test_short_jobs_that_nobody_waits_for_are_removed(project):
    for asker in (processes.identity(), {**processes.identity(), "pid": 2**22 + 1}):
        JobFolder.create(project, Request(kind="lr_range", title="a range test", request={}, asker=asker))
    [found] = findings(project)
    assert (found.check, found.repair()) == ("short jobs", "1 removed")
    assert findings(project) == []
    assert len(list((project / "jobs").iterdir())) == 1


def test_this_machine_can_train(tmp_path):
    found = {f.check: f for f in machine.machine_findings(tmp_path / "not" / "there" / "yet")}
    assert {"Python", "disk", "shared memory", "memory", "file locks", "GPU", "warm process"} <= set(found)
    assert [f.text for f in found.values() if f.severity == "problem"] == []
    assert found["torch"].text[0].isdigit()
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_breaks_is_named(tmp_path, monkeypatch):
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "__init__.py").write_text("raise ImportError('not for this torch')")
    for name in ("torch", "torchvision"):
        (tmp_path / f"{name}.py").write_text("__version__ = '0'")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = {f.check: f for f in machine.libraries()}
    assert (found["torch"].severity, found["timm"].severity) == ("ok", "problem")
    assert "not for this torch" in found["timm"].text


def test_a_small_shared_memory_is_told(tmp_path):
    assert machine.shared_memory(tmp_path / "none").severity == "ok"
    assert machine.shared_memory().check == "shared memory"


def test_the_queue_loses_what_has_lost_its_run_and_is_set_going(project, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    claim = Claim("/somebody", "cpu")
    assert claim.take()
    frozen = {"format": 1, "config": {"hardware": {"device": "cpu"}}}
    kept, gone = (RunFolder.create(project / "experiments" / name, frozen) for name in ("kept-1", "gone-2"))
    for run in (kept, gone):
        Queue(project).enter(run)
    assert list(doctor.waiting_runs(project)) == []
    shutil.rmtree(gone.experiment)
    [stale] = doctor.waiting_runs(project)
    assert "000002.gone-2" in stale.text
    assert (stale.severity, stale.repair()) == ("warning", "removed")
    claim.release()
    asked = []
    monkeypatch.setattr(launch, "start_next", asked.append)
    [free] = doctor.waiting_runs(project)
    assert "its device is free" in free.text
    assert "being started" in free.repair()
    assert asked == [project]
