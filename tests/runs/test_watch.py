"""The watch thread: all news, once, in order, whoever started the run, whatever a listener does."""

from __future__ import annotations

import threading
import time

import pytest

from nbtrain import locks, processes
from nbtrain.files import write_json
from nbtrain.messages import Metric
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal
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
    calls, listener = [], Listener()
    watch.every(0.01, lambda: calls.append(1 / 0))
    watch.follow(run, lambda *_: 1 / 0)
    watch.follow(run, listener)
    journal = Journal(run.events)
    journal.say(metric(1))
    journal.close()
    until(lambda: listener.steps == [1])
    assert watch.errors >= 2


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
    until(lambda: seen == [folder / "a"])
    other = RunFolder.create(folder / "b", {})
    until(lambda: seen[1:] == [folder / "b"])
    with locks.FileLock(other.lock):
        write_json(other.path / "owner.json", {**processes.identity(), "generation": 1})
        other.write_status(RunStatus("training", heartbeat_s=time.time()))
        until(lambda: seen[2:3] == [folder / "b"])
        count = len(seen)
    until(lambda: len(seen) > count)  # its trainer went without a word, and without touching a file
    assert other.shown_status().status == "failed"


def test_a_thousand_experiments_are_cheap_to_look_at(tmp_path):
    from nbtrain.runs.watch import _Shelf

    for number in range(1000):
        path = tmp_path / f"e-{number}" / "runs" / "0001"
        path.mkdir(parents=True)
        (path / "status.json").write_text('{"status": "completed"}')
    told = []
    shelf = _Shelf(tmp_path, told.extend, lambda callback, *args: callback(*args))
    shelf.look()
    assert len(told) == 1000
    begun_s = time.process_time()
    shelf.look()
    assert len(told) == 1000
    print(f"a look at 1 000 experiments: {1000 * (time.process_time() - begun_s):.0f} ms of CPU")
