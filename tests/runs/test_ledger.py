"""What starts by itself is what this user queued on this machine; a queue that came from elsewhere is only shown."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from nbtrain import files, processes
from nbtrain.errors import ProjectError
from nbtrain.runs import devices, entries, ledger
from nbtrain.runs.devices import Claim
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.queue import Queue, users


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A state and a runtime folder of this test's own."""
    for name in ("STATE_HOME", "RUNTIME_DIR"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name))
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path / "STATE_HOME" / "nbtrain" / "queued"


@pytest.fixture
def queued(make, own, tmp_path):
    """A run of this user that waits for a device, which is free by now."""
    claim = Claim("/elsewhere", "cpu")
    assert claim.take()
    run = make()
    Queue(tmp_path / "project").enter(run)
    claim.release()
    return run


def started(project):
    """Return which runs a look at the queue of ``project`` would start."""
    begun: list[RunFolder] = []
    queue = Queue(project)
    before = queue.startable()
    queue.advance(lambda run, **_: begun.append(run))
    assert before == bool(begun)
    return begun


def entry(run):
    return entries.find(run.path)


def rewritten(run, **values):
    path = entry(run).path
    files.write_json(path, {**json.loads(path.read_text()), **values})


def test_what_this_user_queued_here_starts_once_and_leaves_no_record(queued, own):
    (record,) = own.glob("*.json")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert str(own) not in entry(queued).path.read_text()
    kept = entry(queued).path.read_bytes()
    where = entry(queued).path
    assert started(queued.project) == [queued]
    assert list(own.glob("*")) == []
    where.write_bytes(kept)  # played again
    assert started(queued.project) == []
    assert "a copy of one that you queued" in ledger.why_held(entry(queued))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("made up", "eve on mars queued it"),
        ("before this version", "not known who queued it"),
        ("a token of another run", "moved or copied"),
        ("a path as token", "eve on mars queued it"),
        ("copied", "moved or copied"),
        ("moved", "moved or copied"),
        ("configuration changed", "changed after you queued it"),
        ("configuration gone", "changed after you queued it"),
        ("another machine", "another machine (pc7)"),
        ("another user", "a copy of"),
    ],
)
def test_all_else_is_held_and_says_why(queued, own, make, tmp_path, monkeypatch, how, why):
    run = queued
    if how == "made up":
        rewritten(run, token="0" * 32, by="eve on mars")
    elif how == "before this version":
        rewritten(run, token=None, by=None)
    elif how == "a token of another run":
        other = make()
        where = entries.folder(run.project) / entries.name(2, other.path)
        shutil.copy(entry(run).path, where)
        Queue(run.project).cancel(run, shutil.rmtree)
        run = other
        token = ledger.record(queued.path)
        files.write_json(where, {**json.loads(where.read_text()), "token": token, "status": ""})
    elif how == "a path as token":
        rewritten(run, token=f"{tmp_path}/forged", by="eve on mars")
        (tmp_path / "forged.json").write_text(next(own.glob("*.json")).read_text())
    elif how in ("copied", "moved"):
        shutil.copytree(tmp_path / "project", tmp_path / "clone")
        run = RunFolder(tmp_path / "clone" / run.path.relative_to(tmp_path / "project"))
        if how == "moved":
            shutil.rmtree(tmp_path / "project")
    elif how == "configuration changed":
        path = run.path / "config.json"
        path.write_text(path.read_text().replace('"cpu"', '"cpu" '))
    elif how == "configuration gone":
        (run.path / "config.json").unlink()
    elif how == "another machine":
        (record,) = own.glob("*.json")
        files.write_json(record, {**json.loads(record.read_text()), "host": "pc7", "machine": "other@pc7"})
    else:
        shutil.rmtree(own)
    assert why in ledger.why_held(entry(run))
    assert started(run.project) == []
    assert entry(run) is not None  # it is shown, and nothing of it is touched
    assert Queue(run.project).start(run)
    assert ledger.why_held(entry(run)) == ""
    assert started(run.project) == [run]


def test_a_held_run_keeps_nobody_from_a_device(queued, make, own):
    rewritten(queued, token="", by="")
    assert users(queued.project, "cpu") == []
    mine, begun = make(), []
    Queue(queued.project).enter(mine, lambda run, **_: begun.append(run))
    assert begun == [mine]
    assert started(queued.project) == []


def test_a_record_in_a_folder_that_others_can_write_counts_for_nothing(queued, own):
    own.chmod(0o777)
    assert ledger.why_held(entry(queued))
    assert started(queued.project) == []


def test_a_home_that_cannot_be_written_leaves_the_queue_usable(make, own, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    claim = Claim("/elsewhere", "cpu")
    assert claim.take()
    run = make()
    Queue(run.project).enter(run)
    claim.release()
    assert len(list((devices.runtime_folder() / "queued").glob("*.json"))) == 1
    assert started(run.project) == [run]


def test_an_entry_that_cannot_be_written_leaves_no_place_in_the_queue(make, own, monkeypatch, tmp_path):
    claim = Claim("/elsewhere", "cpu")
    assert claim.take()
    run = make()
    monkeypatch.setattr(ledger, "record", lambda _: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(ProjectError, match="cannot be changed"):
        Queue(run.project).enter(run)
    assert entry(run) is None
    claim.release()


def test_records_of_runs_that_no_longer_wait_are_swept_and_others_stay(queued, make, own):
    token = entry(queued).wanted().token
    copied = next(own.glob("*.json"))
    left = own / f"{'1' * 32}.json"  # of a run that was cancelled from elsewhere
    gone = make()
    files.write_json(left, {**json.loads(copied.read_text()), "run": os.path.realpath(gone.path)})
    ledger.record(queued.path)
    assert left.exists()  # its entry may be about to be written
    os.utime(left, (1, 1))
    os.utime(copied, (1, 1))
    ledger.record(queued.path)
    assert not left.exists()
    assert (own / f"{token}.json").exists()


def test_a_machine_is_told_by_its_name_too():
    assert processes.machine().endswith(f"@{processes.host()}")
    assert len(processes.machine()) > len(processes.host()) + 5
    assert Path("/etc/machine-id").exists() or processes.machine().split("@")[0].isdecimal()
