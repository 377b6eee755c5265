"""The queue with real trainers and nobody watching: order, races, deaths, and entries that cannot be started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import psutil
import pytest

from nbtrain import files, locks, processes
from nbtrain.errors import BusyError, LaunchError
from nbtrain.messages import Stop
from nbtrain.runs import devices, entries, launch, ledger
from nbtrain.runs.devices import Claim
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.queue import Queue, is_stale
from runs.helpers import ended, kill, until

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "project")


@pytest.fixture
def three(make, queue):
    """One run that trains until it is stopped, and two that wait for it."""
    first, second, third = make(steps=10_000), make(), make()
    for run in (first, second, third):
        queue.enter(run)
    until(lambda: first.status().status == "training")
    return first, second, third


def lives(run):
    return run.owner().get("generation", 0)


def waiting(queue):
    return [RunFolder(entry.run) for entry in entries.entries(queue.project)]


def test_a_free_device_is_taken_at_once_and_a_busy_one_is_waited_for_without_a_process(three, queue):
    _, second, third = three
    assert waiting(queue) == [second, third]
    assert [run.shown_status().status for run in three] == ["training", "pending", "pending"]
    assert [run.living() for run in (second, third)] == ["gone", "gone"]
    second.write_status(RunStatus("pending", heartbeat_s=time.time() - 86_400))  # a place in the queue does not age
    assert second.shown_status().status == "pending"
    queue.enter(second)
    assert waiting(queue) == [second, third]


@pytest.mark.parametrize("how", ["ends", "is stopped", "is killed"])
def test_the_end_of_one_run_starts_the_next_with_nobody_watching(three, how, queue):
    first, second, third = three
    if how == "is killed":
        kill(first)
    elif how == "is stopped":
        first.ask(Stop())
    else:
        os.kill(first.owner()["pid"], signal.SIGTERM)
    assert [ended(run).status for run in (second, third)] == ["completed", "completed"]
    assert second.owner()["started_s"] <= third.owner()["started_s"]
    assert [lives(run) for run in three] == [1, 1, 1]
    until(lambda: waiting(queue) == [] and entries.noted() == [])


WATCHER = """
import sys
from pathlib import Path
from nbtrain.runs.queue import Queue
print("ready", flush=True); sys.stdin.readline()
print(len(Queue(Path(sys.argv[1])).advance(patience_s=60)))
"""


@pytest.mark.parametrize("watchers", [2, 5])
def test_of_watchers_that_race_one_starts_the_next(three, queue, watchers):
    first, second, third = three
    parent = psutil.Process(first.owner()["pid"]).parent()
    parent.kill()
    kill(first)
    until(lambda: not devices.busy("cpu"))
    racing = [subprocess.Popen([sys.executable, "-c", WATCHER, str(queue.project)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(watchers)]  # fmt: skip
    for one in racing:
        assert one.stdout.readline() == "ready\n"
    for one in racing:
        one.stdin.write("go\n")
        one.stdin.flush()
    started = sum(int(one.communicate(timeout=60)[0]) for one in racing)
    assert 1 <= started <= 2  # the second may have ended before the last of them looked
    assert [ended(run).status for run in (second, third)] == ["completed", "completed"]
    assert [lives(run) for run in three] == [1, 1, 1]


def test_one_that_was_started_is_not_started_again_by_whoever_finds_its_entry(three, queue):
    """The starter is killed between the start and the removal of the entry."""
    _, second, third = three
    entry = entries.find(second.path)
    launch.start(second, when_busy="beside")
    assert is_stale(entry)
    assert queue.advance() == []
    assert waiting(queue) == [third]
    assert ended(second).status == "completed"
    assert lives(second) == 1


def test_one_that_has_ended_since_it_was_queued_leaves_the_queue(three, queue):
    _, second, third = three
    launch.start(second, when_busy="beside")
    assert ended(second).status == "completed"
    until(lambda: second.living() == "gone")
    assert queue.advance() == []
    assert waiting(queue) == [third]
    assert lives(second) == 1


HOLDER = """
import sys, time
from nbtrain.locks import FileLock
FileLock(sys.argv[1]).acquire(); print(1, flush=True); time.sleep(60)
"""


def test_a_starter_that_is_killed_gives_the_queue_back(queue, three):
    lock = entries.folder(queue.project) / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "1\n"
    assert not queue.startable()
    assert locks.locked(lock)
    holder.kill()
    holder.wait()
    queue.move(three[2], 0)
    assert waiting(queue) == [three[2], three[1]]


def test_order_is_kept_and_can_be_changed(make, queue):
    runs = [make() for _ in range(4)]
    claim = Claim("/somebody", "cpu")
    assert claim.take()
    for run in runs:
        queue.enter(run)
    a, b, c, d = runs
    for run, place, wanted in (
        (c, 0, [c, a, b, d]),
        (c, 99, [a, b, d, c]),
        (d, 1, [a, d, b, c]),
        (a, -5, [a, d, b, c]),
    ):
        queue.move(run, place)
        assert waiting(queue) == wanted
    queue.cancel(d, put_away)
    queue.move(d, 0)
    assert waiting(queue) == [a, b, c]
    claim.release()


def put_away(path):
    files.move_to_trash(path, path.parents[3] / "trash")


def test_who_leaves_the_queue_unbegun_leaves_no_run(three, queue):
    first, second, third = three
    assert queue.cancel(second, put_away)
    assert not queue.cancel(second, put_away)
    assert not queue.cancel(first, put_away)  # it trains
    assert not second.path.exists()
    assert waiting(queue) == [third]


@pytest.mark.parametrize(("said", "shown"), [("paused", "paused"), ("failed", "failed"), ("completed", "cancelled")])
def test_who_had_a_trainer_before_is_again_what_it_was(three, queue, said, shown):
    """Only one that had completed, and was to go on, is ended by leaving the queue."""
    second = three[1]
    files.write_json(second.path / "owner.json", {"pid": 1, "host": processes.host()})
    second.write_status(RunStatus(said, heartbeat_s=time.time()))
    assert second.shown_status().status == "pending"
    assert queue.cancel(second, put_away)
    assert second.shown_status().status == shown
    assert second.path.exists()


@pytest.mark.parametrize("named", ["owner.json", "checkpoints/step-1.pt"])
def test_a_run_with_anything_of_a_trainer_is_never_put_away(three, queue, named):
    """Also where what it says cannot be read."""
    second = three[1]
    (second.path / named).write_bytes(b"")
    assert queue.cancel(second, put_away)
    assert second.path.exists()


def test_a_run_that_has_had_a_life_waits_and_goes_on(three, queue):
    first, second, third = three
    os.kill(first.owner()["pid"], signal.SIGSTOP)  # its device stays taken
    launch.start(second, when_busy="beside")
    until(lambda: second.status().status == "completed" and waiting(queue) == [third])
    queue.enter(second)
    assert waiting(queue) == [third, second]
    assert second.shown_status().status == "pending"
    assert second.status().status == "completed"  # what its last life has said stays true
    os.kill(first.owner()["pid"], signal.SIGCONT)
    first.ask(Stop())
    until(lambda: lives(second) == 2 and ended(second).status == "completed")


def test_an_entry_for_a_free_device_does_not_wait_for_a_busy_one(three, queue, make):
    first, second, _ = three
    other = make()
    wanted = asdict(entries.find(second.path).wanted())
    path = entries.folder(queue.project) / entries.name(99, other.path)
    config = other.path / "config.json"
    config.write_text(config.read_text().replace('"cpu"', '"cuda:7"'))
    token = ledger.record(other.path)
    files.write_json(path, {**wanted, "device": "cuda:7", "status": "", "visible": None, "token": token})
    assert queue.startable()
    assert queue.advance() == [other]
    assert ended(other).status == "completed"
    assert first.living() == "living"


@pytest.mark.parametrize("broken", ["folder gone", "config broken", "start fails", "entry unreadable"])
def test_one_that_cannot_be_started_says_so_and_the_queue_goes_on(three, queue, broken, monkeypatch):
    first, second, third = three
    if broken == "folder gone":
        subprocess.run(["rm", "-r", second.path.parents[1]], check=True)
    elif broken == "config broken":
        (second.path / "config.json").write_text('{"format": 1,')
    elif broken == "entry unreadable":
        entries.find(second.path).path.write_text("{")
    else:
        (second.path / "log.txt").mkdir()  # neither the trainer nor its parent gets further than this
    first.ask(Stop())
    assert ended(third).status == "completed"
    if broken in ("entry unreadable", "config broken"):  # not what this user has queued, as far as one can tell: held
        assert waiting(queue) == [second]
        assert queue.start(second)
        assert queue.advance() == ([second] if broken == "entry unreadable" else [])
    assert waiting(queue) == []
    if broken == "folder gone":
        assert not second.path.exists()
        assert queue.drop_lost() == [second.path]  # for the first who looks at the project
        assert queue.drop_lost() == []
    elif broken == "entry unreadable":
        assert ended(second).status == "completed"
    else:
        assert ended(second).status == "failed"
        assert second.failure().cause == ("configuration" if broken == "config broken" else "code")
        assert second.failure().message
        assert second.shown_status().detail


def test_the_end_of_another_projects_run_starts_what_waits_here(make, tmp_path, queue):
    mine = make()
    frozen = {"format": 1, "config": {"hardware": {"device": "cpu"}}, "act": {"steps": 10_000}}
    other = RunFolder.create(tmp_path / "elsewhere" / "experiments" / "o", frozen)
    launch.start(other)
    queue.enter(mine)
    assert waiting(queue) == [mine]
    other.ask(Stop())
    assert ended(mine).status == "completed"


def test_foreign_files_in_the_queue_are_left_alone(three, queue):
    folder = entries.folder(queue.project)
    names = ["lock", "notes.txt", "1.json", "000001...0001.json", "000001.e-0.x.json", "1.e.json"]
    for name in names[1:]:
        (folder / name).write_text("x")
    assert waiting(queue) == [*three[1:]]
    assert queue.advance() == []
    assert all((folder / name).exists() for name in names)


def test_a_start_at_a_free_device_that_fails_is_raised(make, queue):
    run = make()
    (run.path / "config.json").write_text("{")
    with pytest.raises(LaunchError):
        queue.enter(run)
    assert waiting(queue) == []


def test_a_device_that_others_wait_for_is_not_given_to_a_newcomer(make, queue):
    claim = Claim("/somebody", "cpu")
    assert claim.take()
    first, second = make(), make()
    queue.enter(first)
    claim.release()
    queue.enter(second)
    assert waiting(queue) == [first, second]
    assert queue.startable()
    with pytest.raises(BusyError):
        Claim("/x", "cpu").take() and launch.start(second)


def test_a_mask_of_devices_is_that_of_whoever_queued_it(make, queue, monkeypatch):
    seen = []
    claim = Claim("/somebody", "cpu")
    assert claim.take()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    run = make()
    queue.enter(run)
    claim.release()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    queue.advance(lambda run, **how: seen.append(os.environ.get("CUDA_VISIBLE_DEVICES")))
    assert (seen, os.environ.get("CUDA_VISIBLE_DEVICES")) == (["3"], None)


def test_a_queue_that_stands_still_is_read_once_for_all_that_wait_in_it(tmp_path, monkeypatch):
    runs = [RunFolder(tmp_path / "experiments" / f"e-{number}" / "runs" / "0001") for number in range(50)]
    (tmp_path / "queue").mkdir()
    for order, run in enumerate(runs):
        run.path.mkdir(parents=True)
        (tmp_path / "queue" / entries.name(order, run.path)).write_text("{}")
    os.utime(tmp_path / "queue", ns=(10**18, 10**18))
    listed, listdir = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or listdir(path))
    assert all(run.queued for run in runs)
    assert len(listed) == 1
    (tmp_path / "queue" / entries.name(7, runs[7].path)).unlink()
    assert [run.queued for run in runs[6:9]] == [True, False, True]
