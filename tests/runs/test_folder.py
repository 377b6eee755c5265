"""The run folder: exact names, numbers that are not used again, and who is alive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import fields

import pytest

from nbtrain import files, locks, processes
from nbtrain.errors import BusyError, FormatError, NbtrainError
from nbtrain.messages import Failure, Metric, Stop
from nbtrain.runs.folder import RunFolder, RunStatus, newest_run, runs_of
from nbtrain.runs.journal import Journal


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "experiments" / "e-1", {"format": 1, "seed": 42})


def end(run, status="completed"):
    run.write_status(RunStatus(status, heartbeat_s=time.time()))


def own(run, **change):
    owner = {**processes.identity(), "generation": 1, **change}
    files.write_json(run.path / "owner.json", owner)
    return owner


def test_a_new_run_has_its_files_under_their_exact_names(run):
    assert run.path.name == "0001"
    assert sorted(os.listdir(run.path)) == ["checkpoints", "commands", "config.json", "status.json"]
    assert run.config == {"format": 1, "seed": 42}
    status = json.loads((run.path / "status.json").read_text())
    assert {"status", "phase", "epoch", "epochs", "step", "steps", "best", "heartbeat_s"} <= set(status)
    assert status["status"] == "pending"
    assert not [name for name in os.listdir(run.path.parent) if name.startswith(".")]


def test_numbers_are_not_used_again(run, tmp_path):
    for number in (2, 3):
        end(newest_run(run.experiment))
        assert RunFolder.create(run.experiment, {}).number == number
    for one in runs_of(run.experiment):
        files.move_to_trash(one.path, tmp_path / "trash")
    assert RunFolder.create(run.experiment, {}).number == 4
    end(newest_run(run.experiment))
    (run.path.parent / "next").write_text("garbage")
    assert RunFolder.create(run.experiment, {}).number == 5


def test_an_experiment_has_one_run_at_a_time(run):
    with pytest.raises(BusyError, match="already being trained") as busy:
        RunFolder.create(run.experiment, {})
    assert busy.value.value == str(run.path)


def test_of_many_creators_at_once_one_makes_the_run(tmp_path):
    script = """
import sys
from nbtrain.errors import BusyError
from nbtrain.runs.folder import RunFolder
sys.stdin.readline()
try:
    RunFolder.create(sys.argv[1], {}); print("made")
except BusyError:
    print("busy")
"""
    argv = [sys.executable, "-c", script, str(tmp_path / "e")]
    both = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.communicate()[0].strip() for process in both) == ["busy", "busy", "made"]
    assert len(runs_of(tmp_path / "e")) == 1


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "e").write_text("a file in the way")
    with pytest.raises(NbtrainError, match=r"could not be made.*Check that"):
        RunFolder.create(tmp_path / "e", {})


def test_a_failed_creation_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(NbtrainError, match="No space left"):
        RunFolder.create(tmp_path / "e", {})
    assert sorted(os.listdir(tmp_path / "e" / "runs")) == ["lock", "next"]


def test_a_run_nobody_has_taken_is_pending_for_a_while_then_interrupted(run):
    assert run.shown_status().status == "pending"
    run.write_status(RunStatus("pending", heartbeat_s=time.time() - 60))
    assert (run.shown_status().status, run.shown_status().cause) == ("failed", "interrupted")


def test_training_without_a_trainer_is_shown_as_interrupted(run):
    own(run, pid=2**22 + 1)
    run.write_status(RunStatus("training", phase="training", step=7, heartbeat_s=time.time() - 3))
    shown = run.shown_status()
    assert (shown.status, shown.cause, shown.step, shown.phase) == ("failed", "interrupted", 7, "")
    assert run.status().status == "training"  # the file is the trainer's
    assert run.failure().cause == "interrupted"


def test_what_the_parent_saw_is_the_cause(run):
    own(run, pid=2**22 + 1)
    run.write_status(RunStatus("training", heartbeat_s=time.time()))
    files.write_json(
        run.path / "exit.json", {"signal": 9, "cause": "killed", "message": "Interrupted: …", "generation": 1}
    )
    assert run.failure().cause == "killed"
    files.write_json(run.path / "exit.json", {"signal": 9, "cause": "killed", "generation": 0})  # of an earlier life
    run.write_status(RunStatus("training", heartbeat_s=time.time() - 3))
    assert run.failure().cause == "interrupted"


def test_a_lock_is_stronger_than_any_pid(run):
    """A pid that is in use again, even by a process with the right name, is not a living trainer."""
    own(run)
    run.write_status(RunStatus("training", heartbeat_s=time.time()))
    assert run.living() == "gone"
    with locks.FileLock(run.lock):
        assert run.living() == "living"
        run.write_status(RunStatus("training", heartbeat_s=time.time() - 100))
        assert run.living() == "silent"
        assert run.shown_status().status == "training"


@pytest.mark.parametrize(("age_s", "living"), [(1, "living"), (30, "silent"), (300, "gone")])
def test_a_trainer_on_another_machine_is_known_by_its_heartbeat(run, age_s, living):
    own(run, host="elsewhere")
    run.write_status(RunStatus("training", heartbeat_s=time.time() - age_s))
    assert run.living() == living


def test_every_part_of_a_status_is_read_as_it_was_written(run):
    kinds = {int: 3, float: 2.5, str: "x", dict: {"metric": "accuracy", "value": 0.5, "epoch": 1.0, "step": 3}}
    given = {f.name: kinds[type(getattr(RunStatus("training"), f.name))] for f in fields(RunStatus)}
    status = RunStatus(**{**given, "status": "training", "phase": "validating"})
    run.write_status(status)
    assert run.status() == status


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 64, b"[1]", b'{"status": "dancing"}', b'{"status": 1}'])
def test_a_damaged_status_is_shown_as_such(run, content):
    (run.path / "status.json").write_bytes(content)
    (run.path / "owner.json").write_bytes(content)
    assert run.shown_status().status in {"failed", "pending"}


def test_an_unreadable_configuration_names_the_file(run):
    (run.path / "config.json").write_text("{")
    with pytest.raises(FormatError, match=r"config\.json"):
        _ = run.config


def test_commands_are_read_once_they_are_whole(run):
    name = run.ask(Stop())
    assert list(run.commands()) == [name]
    assert name.startswith("stop-")
    folder = run.path / "commands"
    (folder / "stop-browser.json").write_text("{}")  # what a page may write: the name says it all
    (folder / "stop-half.json").write_text('{"kind": "st')
    (folder / "dance-abc.json").write_text('{"kind": "dance"}')
    (folder / "stop-big.json").write_text(" " * 100_000)
    (folder / "stop-list.json").write_text("[]")
    (folder / ".stop-hidden.json.tmp").write_text("{}")
    assert set(run.commands()) == {name, "stop-browser.json"}
    assert set(run.commands(known={name})) == {"stop-browser.json"}


def test_the_failure_is_in_the_trainers_own_words(run):
    journal = Journal(run.events)
    journal.say(Metric(step=1, epoch=0.1, split="train", values={"loss": 1.0}))
    journal.say(Failure(cause="data", message="a.png", traceback="Traceback"))
    journal.close()
    end(run, "failed")
    assert run.failure().message == "a.png"
    end(run, "completed")
    assert run.failure() is None


def test_a_trainer_that_ends_between_two_looks_is_not_called_interrupted(run):
    """The reader sees `training`, the trainer ends, the reader finds no lock."""
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(run.shown_status().status)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        lock = locks.FileLock(run.lock)
        assert lock.acquire()
        own(run)
        run.write_status(RunStatus("training", heartbeat_s=time.time()))
        end(run)
        lock.release()
        with locks.FileLock(run.lock):  # a later life begins under the lock, as a trainer does
            run.write_status(RunStatus("training", heartbeat_s=time.time()))
            end(run)
    stop.set()
    reader.join()
    assert "failed" not in seen


@pytest.mark.parametrize(("age_s", "living"), [(1, "living"), (20, "silent"), (100, "gone")])
def test_where_neither_lock_nor_process_can_be_asked_the_heartbeat_tells(age_s, living, tmp_path):
    run = RunFolder.create(tmp_path / "experiment", {"format": 1})
    os.mkfifo(run.lock)
    run.write_status(RunStatus("training", heartbeat_s=time.time() - age_s))
    assert run.living() == living
