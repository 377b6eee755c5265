"""The pulse: one thread, each job at most once per gap, and none for objects that are gone."""

from __future__ import annotations

import gc
import threading
import time

from nbtrain.ui.pulse import Pulse


class Job:
    def __init__(self) -> None:
        self.ran: list[str] = []
        self.ready = threading.Event()

    def run(self) -> None:
        self.ran.append(threading.current_thread().name)
        self.ready.set()

    def fail(self) -> None:
        raise ValueError("on purpose")


def test_runs_on_its_own_thread():
    pulse, job = Pulse(), Job()
    pulse.soon(job.run)
    assert job.ready.wait(5)
    assert job.ran == ["nbtrain-pulse"]


def test_many_wishes_within_a_gap_are_one_run_and_the_last_is_heard():
    pulse, job = Pulse(), Job()
    for _ in range(200):
        pulse.soon(job.run, 0.2)
    assert pulse.settle(5, within_s=1)
    assert 1 <= len(job.ran) <= 2


def test_one_broken_job_does_not_stop_the_others(caplog):
    pulse, job = Pulse(), Job()
    pulse.soon(job.fail)
    pulse.soon(job.run)
    assert job.ready.wait(5)
    assert "could not be drawn" in caplog.text


def test_an_object_that_is_gone_is_not_kept_for_its_job():
    pulse, job, witness = Pulse(), Job(), Job()
    pulse.later(job.run, 0.05)
    ran = job.ran
    del job
    gc.collect()
    pulse.later(witness.run, 0.1)
    assert witness.ready.wait(5)
    assert ran == []


def test_later_is_later():
    pulse, job = Pulse(), Job()
    started = time.monotonic()
    pulse.later(job.run, 0.1)
    assert job.ready.wait(5)
    assert time.monotonic() - started >= 0.1


def test_jobs_of_one_gap_run_together_whenever_they_were_asked_for():
    pulse, early, late = Pulse(), Job(), Job()
    took = []
    for job, at_s in ((early, 0.05), (late, 0.25)):
        time.sleep((at_s - time.monotonic()) % 0.4)
        pulse.soon(job.run, 0.4)
    pulse._take = lambda now_s, take=pulse._take: took.append(take(now_s)) or took[-1]
    assert early.ready.wait(5)
    assert late.ready.wait(5)
    assert [len(jobs) for jobs in took] == [2]
