"""The trainer's core in this process: the same words, the same files."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from nbtrain.errors import BusyError, DataError
from nbtrain.messages import Best, Metric, Notice, Resolved, Status
from nbtrain.runs import watch
from nbtrain.runs.inline import Inline
from nbtrain.runs.journal import JournalReader
from runs.helpers import ended, until


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))


def build_of(run):
    """A build whose loop is one function of ``say`` and ``asked``."""
    return lambda frozen, path, say, asked: SimpleNamespace(run=lambda: run(say, asked))


def completed(say, asked):
    say(Resolved(path="data.workers", value=2, reason="two cores"))
    say(Status(status="training", phase="training", epoch=1, epochs=2, steps=10))
    for step, accuracy in enumerate((0.5, 0.8, float("nan"), 0.7, 0.8), start=1):
        say(Metric(step=step, epoch=step / 5, split="val", values={"accuracy": accuracy, "loss": 1.0}))
    say(Best(metric="accuracy", value=0.8, epoch=0.4, step=2))
    return SimpleNamespace(status="completed", reason="")


def test_a_run_leaves_the_same_files_and_gives_the_lock_back(make):
    run = make()
    launcher = Inline(build_of(completed), threaded=False)
    launcher.start(run)
    status = run.shown_status()
    assert status.status == "completed"
    assert status.best == {"metric": "accuracy", "value": 0.8, "epoch": 0.4, "step": 2}
    assert run.resolved() == {"data.workers": {"value": 2, "reason": "two cores"}}
    assert launcher.busy("cpu") == []


def test_a_reader_in_the_same_process_does_not_break_the_lock(make):
    begun, go = threading.Event(), threading.Event()

    def wait(say, asked):
        begun.set()
        go.wait()
        return completed(say, asked)

    run = make()
    launcher = Inline(build_of(wait))
    launcher.start(run)
    begun.wait()
    for _ in range(3):
        assert run.living() == "living"
    assert launcher.busy("cpu") == [run.path]
    with pytest.raises(BusyError):
        launcher.start(run)
    assert run.living() == "living"
    go.set()
    assert ended(run).status == "completed"


def test_stop_reaches_the_loop(make):
    def until_stopped(say, asked):
        until(lambda: any(command.kind == "stop" for command in asked()))
        return SimpleNamespace(status="cancelled", reason="stopped")

    run = make()
    launcher = Inline(build_of(until_stopped))
    launcher.start(run)
    launcher.stop(run)
    assert ended(run).status == "cancelled"


def test_a_failure_is_told_with_cause_advice_and_traceback(make):
    def fail(say, asked):
        raise DataError("the image cannot be read", value="a.png", advice="Replace it.")

    run = make()
    Inline(build_of(fail), threaded=False).start(run)
    failure = run.failure()
    assert (failure.cause, failure.advice) == ("data", ("Replace it.",))
    assert "a.png" in failure.message
    assert "DataError" in failure.traceback
    assert run.shown_status().cause == "data"


def test_a_loop_that_says_far_more_than_is_read_loses_nothing(make):
    def talk(say, asked):
        for number in range(20_000):
            say(Notice(text=str(number)))
        return SimpleNamespace(status="completed", reason="")

    run, heard, watcher = make(), [], watch.Watch()
    watcher.follow(run, lambda messages, _: heard.extend(m.text for m in messages if isinstance(m, Notice)))
    Inline(build_of(talk)).start(run)
    until(lambda: len(heard) == 20_000)
    assert heard == [str(number) for number in range(20_000)]
    assert JournalReader(run.events).bad == 0
    watcher.close()
