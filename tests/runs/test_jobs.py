"""Short jobs: real processes that do little, and every way in which one can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from nbtrain import processes
from nbtrain.runs import devices
from nbtrain.runs.jobfolder import FOLDER, JobFolder, Request, name_of_user, stale
from nbtrain.runs.jobs import Job
from runs.helpers import until


@pytest.fixture
def begin(tmp_path):
    """Starts jobs that act as told; none outlives the test."""
    begun = []

    def start(device="", kind="act", beside=False, **act) -> Job:
        begun.append(Job.start(tmp_path, kind, act, title="a test", device=device, beside=beside))
        return begun[-1]

    yield start
    for job in begun:
        job.cancel()
        job.wait(60)


def left(tmp_path) -> list[str]:
    """Folders of jobs that are still there."""
    return [path.name for path in (tmp_path / FOLDER).glob("*")]


def pid_of(tmp_path) -> int:
    """The small parent of the only job."""
    (lock,) = until(lambda: list((tmp_path / FOLDER).glob("*/lock")))
    return until(lambda: devices.locks.holder(lock))


def test_a_job_tells_how_far_it_is_and_returns_its_result(one_warm, begin, tmp_path):
    job, seen = begin(text="ä", big="x" * 200_000), []
    job.on_change(lambda job: seen.append((job.status, job.text, job.fraction)))
    assert job.wait(60) == "completed"
    assert job.result["echo"]["text"] == "ä"
    assert len(job.result["echo"]["big"]) == 200_000
    assert job.result["pid"] != os.getpid()
    assert job.failure is None
    assert job.memory_peak_mib > 1
    until(lambda: seen and seen[-1][0] == "completed")
    assert left(tmp_path) == []
    late = []
    job.on_change(late.append)
    assert late == [job]


def test_it_starts_without_a_warm_process(stand_in, begin):
    assert begin().wait(60) == "completed"


@pytest.mark.parametrize(
    ("how", "cause", "words"),
    [
        ("segfault", "code", "SIGSEGV"),
        ("exit", "code", "exit code 3"),
        ("data", "data", "a.png"),
        ("memory", "out of memory", "2 GiB"),
        ("disk", "disk", "No space left"),
    ],
)
def test_whatever_goes_wrong_is_a_typed_failure(how, cause, words, one_warm, begin, tmp_path):
    job = begin(how=how)
    assert job.wait(60) == "failed"
    assert (job.failure.cause, words in job.failure.message) == (cause, True)
    assert job.failure.advice
    assert left(tmp_path) == []


def test_a_kind_that_is_not_there(one_warm, begin):
    job = begin(kind="nonsense")
    assert job.wait(60) == "failed"
    assert "no such kind of short job (got 'nonsense')" in job.failure.message


def test_a_request_that_cannot_be_made_or_written_is_a_failure_too(tmp_path):
    job = Job.start(tmp_path, "act", lambda: {}["missing"], title="a test")
    assert job.wait(60) == "failed"
    (tmp_path / "file").write_text("")
    job = Job.start(tmp_path / "file", "act", {}, title="a test")
    assert job.wait(60) == "failed"
    assert "could not be written" in job.failure.message


@pytest.mark.parametrize("how", ["hang", "hang holding the interpreter", "child"])
def test_cancel_ends_it_and_its_children_whatever_it_does(how, one_warm, begin, tmp_path):
    job = begin(how=how, seconds=60)
    until(lambda: job.text == "acting")
    parent = pid_of(tmp_path)
    job.cancel()
    assert job.wait(60) == "cancelled"
    assert job.result is None
    until(lambda: not processes.exists(parent))


def test_cancel_before_it_has_a_process(stand_in, begin, tmp_path):
    job = begin(seconds=60)
    job.cancel()
    assert job.wait(60) == "cancelled"
    until(lambda: left(tmp_path) == [])


def test_a_signal_cancels_it(one_warm, begin, tmp_path):
    job = begin(seconds=60)
    until(lambda: job.text == "acting")
    (child,) = subprocess.run(
        ["pgrep", "-P", str(pid_of(tmp_path))], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(child), signal.SIGTERM)
    assert job.wait(60) == "cancelled"


def test_a_killed_parent_takes_the_job_along(one_warm, begin, tmp_path):
    job = begin(seconds=60)
    until(lambda: job.text == "acting")
    parent = pid_of(tmp_path)
    (child,) = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(parent, signal.SIGKILL)
    assert job.wait(60) == "failed"
    assert job.failure.cause == "killed"
    until(lambda: not processes.exists(int(child)))


def test_it_ends_with_whoever_asked_and_its_folder_is_found(one_warm, tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from nbtrain.runs.jobs import Job\n"
        "job = Job.start(Path(sys.argv[1]), 'act', {'seconds': 60}, title='a test')\n"
        "while job.text != 'acting': time.sleep(0.01)\n"
        "print('acting', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as asker:
        assert asker.stdout.readline() == b"acting\n"
        assert stale(tmp_path) == []
        parent = pid_of(tmp_path)
        asker.kill()
    until(lambda: not processes.exists(parent))
    (found,) = stale(tmp_path)
    assert found.exit.status == "cancelled"
    assert Job.start(tmp_path, "act", {}, title="the next one").wait(60) == "completed"
    assert left(tmp_path) == []


def test_it_takes_its_turn_for_the_device(one_warm, begin, make, tmp_path):
    held = devices.Claim(make().path, "cuda:7")
    assert held.take()
    beside, job = begin(), begin(device="cuda:7", seconds=0.3)
    assert beside.wait(60) == "completed"  # one that needs no device does not wait
    until(lambda: job.text.startswith("waits for cuda:7, in use by "))
    assert (job.status, job.waits) == ("pending", True)
    held.release()
    until(lambda: devices.busy("cuda:7"))
    assert [name_of_user(user) for user in devices.busy("cuda:7")] == ["a test"]
    assert job.wait(60) == "completed"
    until(lambda: devices.busy("cuda:7") == [])


@pytest.mark.parametrize("device", ["cpu", ""])
def test_on_a_busy_processor_it_works_beside_the_others_and_lets_them_go_first(one_warm, begin, make, device):
    held = devices.Claim(make().path, "cpu")
    assert held.take()
    job = begin(device=device, seconds=1)
    until(lambda: job.text.startswith("acting"))
    assert job.text == f"acting · {job.beside}"
    assert job.beside.startswith("beside ")
    assert job.beside.endswith(", at low priority")
    assert len(devices.busy("cpu")) == (2 if device else 1)  # who starts next knows of it
    assert job.wait(60) == "completed"
    assert job.result["nice"] == 19
    held.release()
    alone = begin(device=device)
    assert alone.wait(60) == "completed", alone.failure
    assert (alone.result["nice"], alone.result["beside"], alone.beside) == (os.nice(0), "", "")


def test_what_measures_times_waits_until_it_is_told_not_to(one_warm, begin, make, tmp_path):
    held = devices.Claim(make().path, "cpu")
    assert held.take()
    waiting = begin(device="cpu", kind="act_timed")
    until(lambda: waiting.waits)
    waiting.begin_now()
    assert waiting.wait(60) == "completed"
    assert waiting.result["beside"].startswith("beside ")
    assert "priority" not in waiting.result["beside"]
    assert waiting.result["nice"] == os.nice(0)
    hurried = begin(device="cpu", kind="act_timed", beside=True)
    assert hurried.wait(60) == "completed"
    held.release()


def test_a_half_made_or_edited_folder_goes_when_it_is_old(tmp_path):
    asker = {**processes.identity(), "pid": 2**22 + 1}
    gone = JobFolder.create(tmp_path, Request(kind="act", title="a test", request={}, asker=asker))
    edited = JobFolder(tmp_path / FOLDER / "act-edited")
    edited.path.mkdir()
    (edited.path / "request.json").write_text("[]")
    assert [job.path for job in stale(tmp_path)] == [gone.path]
    os.utime(edited.path, (1, 1))
    assert {job.path for job in stale(tmp_path)} == {gone.path, edited.path}


def test_a_folder_of_a_person_among_the_jobs_is_none(tmp_path):
    (tmp_path / FOLDER / "mine").mkdir(parents=True)
    os.utime(tmp_path / FOLDER / "mine", (1, 1))
    assert stale(tmp_path) == []
    JobFolder(tmp_path / FOLDER / "mine").remove()
    assert (tmp_path / FOLDER / "mine").exists()
