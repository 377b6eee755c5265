"""The watch thread: all news, once, in order, whoever started the run, whatever a listener does."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time

import pytest

from nbtrain import locks, processes
from nbtrain.files import write_json
from nbtrain.messages import Metric
from nbtrain.runs import watch as watch_module
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal, JournalReader
from nbtrain.runs.watch import Watch
from runs.helpers import until


@pytest.fixture
def watch():
    watch = Watch()
    yield watch
    watch.close()


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "experiments" / "a", {})


def metric(step):
    return Metric(step=step, epoch=0.0, split="train", values={"loss": 1.0})


class Listener:
    def __init__(self):
        self.steps, self.words, self.threads = [], [], set()

    def __call__(self, messages, status):
        self.steps += [message.step for message in messages]
        self.words.append(status.status)
        self.threads.add(threading.current_thread().name)


def test_no_event_is_lost_or_told_twice(watch, run):
    listener, journal = Listener(), Journal(run.events)
    for step in range(1000):
        journal.say(metric(step))
    watch.follow(run, listener)
    for step in range(1000, 3000):
        journal.say(metric(step))
        if step % 100 == 0:
            time.sleep(0.01)
    journal.close()
    until(lambda: len(listener.steps) >= 3000)
    assert listener.steps == list(range(3000))
    assert listener.threads == {"nbtrain-watch"}


def test_status_is_told_when_it_changes_only(watch, run):
    listener = Listener()
    lock = locks.FileLock(run.lock)
    assert lock.acquire()
    watch.follow(run, listener)
    until(lambda: listener.words)
    for word in ("preparing", "training", "completed"):
        run.write_status(RunStatus(word, heartbeat_s=time.time()))
        until(lambda word=word: listener.words[-1] == word)
    lock.release()
    assert listener.words == ["pending", "preparing", "training", "completed"]


def test_a_listener_that_raises_disturbs_nobody(watch, run):
    listener = Listener()
    watch.follow(run, lambda *_: 1 / 0)
    watch.follow(run, listener)
    journal = Journal(run.events)
    journal.say(metric(1))
    journal.close()
    until(lambda: listener.steps == [1])
    assert watch.errors >= 1


def test_callbacks_that_raise_are_counted_and_disturb_nobody(watch):
    done = []
    watch.every(0.01, lambda: 1 / 0)
    watch.every(0.01, lambda: done.append(1))
    until(lambda: len(done) > 2)
    assert watch.errors >= 1
    assert isinstance(watch.trouble, ZeroDivisionError)


class OfALostDisk(JournalReader):
    def read(self, limit_bytes=0):
        raise OSError(5, "Input/output error")


def test_a_disk_that_fails_is_told_and_disturbs_nobody(watch, run):
    done = []
    watch.follow(run, lambda *_: None, OfALostDisk(run.events))
    watch.every(0.01, lambda: done.append(1))
    until(lambda: len(done) > 2)
    assert watch.errors == 1  # and it is tried again after a while only
    assert "Input/output" in str(watch.trouble)


def test_unfollowed_is_not_called_and_an_idle_watch_has_no_thread(watch, run):
    listener = Listener()
    token = watch.follow(run, listener)
    until(lambda: listener.words)
    watch.unfollow(token)
    until(lambda: watch._thread is None)
    journal = Journal(run.events)
    journal.say(metric(1))
    journal.close()
    watch.follow(run, other := Listener())
    until(lambda: other.steps == [1])
    assert listener.steps == []


def test_a_listener_may_unfollow_itself(watch, run):
    done, tokens = [], []
    tokens.append(watch.every(0.01, lambda: (done.append(1), watch.unfollow(tokens[0]) if tokens else None)))
    until(lambda: done)
    time.sleep(0.1)
    assert len(done) <= 2


def test_experiments_of_others_are_noticed(watch, run):
    folder, seen = run.experiment.parent, []
    watch.follow_experiments(folder, seen.extend)
    other = RunFolder.create(folder / "b", {})
    until(lambda: seen[:1] == [folder / "b"])
    count = len(seen)
    other.write_status(RunStatus("training", heartbeat_s=time.time()))
    until(lambda: len(seen) > count)
    run.path.rename(run.path.with_name("0002"))
    until(lambda: seen[-1] == folder / "a")
    shutil.rmtree(folder / "b")
    until(lambda: seen[-1] == folder / "b")


def test_a_trainer_that_goes_without_a_word_is_noticed(watch, run):
    listener = Listener()
    with locks.FileLock(run.lock):
        write_json(run.path / "owner.json", {**processes.identity(), "generation": 1})
        run.write_status(RunStatus("training"))
        watch.follow(run, listener)
        until(lambda: listener.words == ["training"])
    until(lambda: listener.words == ["training", "failed"])


def test_of_many_experiments_each_has_its_turn_and_busy_ones_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_module, "_AT_ONCE", 10)
    for number in range(35):
        (tmp_path / f"e-{number:02}").mkdir()
        (tmp_path / f"e-{number:02}" / "experiment.json").write_text("{}")
    told: list[list[str]] = []
    shelf = watch_module._Shelf(tmp_path, lambda paths: told.append([p.name for p in paths]), lambda f, *a: f(*a))
    looked = [shelf._due() for _ in range(4)]
    assert sorted(itertools.chain(*looked)) == sorted(os.listdir(tmp_path))  # each once in four looks
    shelf.look()
    assert told == []
    for number in range(35):
        os.utime(tmp_path / f"e-{number:02}" / "experiment.json", ns=(0, number + 1))
    for _ in range(4):
        shelf.look()
    assert sorted(itertools.chain(*told)) == sorted(os.listdir(tmp_path))
    os.utime(tmp_path / "e-17" / "experiment.json", ns=(0, 99))
    shelf.look()
    assert told[-1] == ["e-17"]  # it has changed a moment ago, so it is looked at out of turn
    (tmp_path / "e-new").mkdir()
    shutil.rmtree(tmp_path / "e-03")
    shelf.look()
    assert told[-1] == ["e-03", "e-new"]
