"""Trainers as real processes, started cold and warm: they outlive their starter, answer always, and end with a word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from nbtrain import locks, processes
from nbtrain.data import cache_files
from nbtrain.errors import BusyError, LaunchError
from nbtrain.messages import Acknowledged, Failure, Metric, Pause, Status, Stop
from nbtrain.runs import launch
from nbtrain.runs.folder import RunFolder
from runs.helpers import ended, exit_of, kill, messages, until, zombies

pytestmark = pytest.mark.faults


@pytest.fixture(params=["cold", "warm"])
def start(request):
    """Starts a trainer either way, and asserts that it was that way."""
    request.getfixturevalue("quick" if request.param == "warm" else "stand_in")

    def begin(run, **options):
        launched = launch.start(run, cold=request.param == "cold", **options)
        assert launched.warm == (request.param == "warm"), launched
        return launched

    return begin


@pytest.fixture
def start_warm(quick):
    """Starts a trainer the quick way."""
    return launch.start


def is_left(run, command=Stop(), status="cancelled"):  # noqa: B008 - frozen
    """Ask to stop, wait until the process is gone; return why it ended. How quickly is bench/attach.py's question."""
    pid = run.owner()["pid"]
    name = run.ask(command)
    until(lambda: not processes.exists(pid))
    assert ended(run).status == status
    assert name in [message.command for message in messages(run, Acknowledged)]
    return run.status().detail


def test_a_run_from_its_start_to_its_last_word(start, make):
    run, before = make(steps=30), zombies()
    launched = start(run)
    owner = run.owner()
    assert owner["pid"] == launched.pid
    assert owner["generation"] == 1
    assert {"host", "boot_id", "pid", "started_s", "generation"} <= set(owner)
    status = ended(run)
    assert (status.status, status.step, status.steps) == ("completed", 30, 30)
    assert status.best == {"metric": "accuracy", "value": 0.9, "epoch": 1.0, "step": 30}
    assert [message.step for message in messages(run, Metric)] == [*range(1, 31), 30]
    said = [(message.status, message.phase) for message in messages(run, Status)]
    assert said == [("preparing", "importing"), ("preparing", "building"), ("training", "training"), ("completed", "")]
    slow = "some seconds, in a fresh Python: a cold start was asked for"
    assert messages(run, Status)[0].detail == ("" if launched.warm else slow)
    end = exit_of(run)
    assert (end["code"], end["signal"], end["cause"]) == (0, None, "")
    assert end["memory_peak_mib"] > 1
    assert not locks.locked(run.lock)
    assert zombies() == before


def test_a_trainer_is_a_child_of_nobody_here(start, make):
    run, before = make(step_s=0.2), psutil.Process().children(recursive=True)
    launched = start(run)
    trainer = psutil.Process(launched.pid)
    assert os.getpid() not in [parent.pid for parent in trainer.parents()]
    assert os.getsid(launched.pid) != os.getsid(0)
    assert psutil.Process().children(recursive=True) == before


@pytest.mark.parametrize(
    ("how", "cause", "code", "by"),
    [
        ("data", "data", 1, None),
        ("memory", "out of memory", 1, None),
        ("disk", "disk", 1, None),
        ("anything", "code", 1, None),
        ("exit", "code", 3, None),
        ("segfault", "code", None, signal.SIGSEGV),
    ],
)
def test_every_failure_has_its_cause(how, cause, code, by, start_warm, make):
    run = make(fail_at=3, how=how)
    start_warm(run)
    status = ended(run)
    assert (status.status, status.cause) == ("failed", cause)
    end = exit_of(run)
    assert (end["code"], end["signal"], end["cause"]) == (code, by, cause)
    failure = run.failure()
    assert failure.cause == cause
    assert failure.message
    assert failure.advice
    if code == 1:
        assert "sitecustomize.py" in messages(run, Failure)[0].traceback
        assert any("Traceback" in line or "Error" in line for line in end["last_lines"])


def test_a_segfault_leaves_the_python_stack_in_the_log(start_warm, make):
    run = make(fail_at=2, how="segfault")
    start_warm(run)
    ended(run)
    assert any("sitecustomize.py" in line for line in exit_of(run)["last_lines"])


def test_a_killed_trainer_is_told_by_its_parent(start, make):
    run = make(steps=10_000)
    start(run)
    until(lambda: run.status().status == "training")
    left = cache_files.memory_folder() / f"test-{run.path.parents[2].parent.name}.pixels"
    for path in (left, cache_files.index_of(left)):
        path.touch()  # a cache in memory that nobody uses any more, as a kill leaves one
    kill(run)
    until(lambda: not left.exists() and not cache_files.index_of(left).exists())
    assert ended(run).status == "failed"
    assert exit_of(run)["signal"] == signal.SIGKILL
    assert run.failure().cause == run.shown_status().cause == "killed"
    assert "Interrupted" in run.failure().message
    assert run.status().status == "training"  # only a trainer writes it


def test_a_trainer_killed_with_its_parent_is_interrupted(start_warm, make):
    run = make(steps=10_000)
    pid = start_warm(run).pid
    until(lambda: run.status().status == "training")
    os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    kill(run)
    assert ended(run).status == "failed"
    assert run.failure().cause == "interrupted"
    assert run.exit() == {}


def test_sigterm_ends_it_well_and_sigint_does_nothing(start_warm, make):
    run = make(steps=10_000)
    start_warm(run)
    until(lambda: run.status().status == "training")
    kill(run, signal.SIGINT)
    step = run.status().step
    until(lambda: run.status().step > step)
    kill(run, signal.SIGTERM)
    assert ended(run).status == "paused"
    assert exit_of(run)["code"] == 0


BY_THE_LOOP, WITHOUT_IT = "asked to", "without waiting for the current work to finish"
"""Why a run ended that the loop has left itself, and one that was not left in time."""


OBEYED = {
    "between steps": ({"steps": 10_000}, "training", BY_THE_LOOP),
    "while building": ({"build_s": 3600}, "building", WITHOUT_IT),
    "in a step that hangs": ({"fail_at": 5, "how": "hang"}, "training", WITHOUT_IT),
    "in a call that holds the interpreter":
        ({"fail_at": 5, "how": "hang holding the interpreter"}, "training", "ended from outside"),
}  # fmt: skip


@pytest.mark.parametrize("where", OBEYED)
def test_stop_is_obeyed_in_every_phase(where, start_warm, make):
    act, phase, why = OBEYED[where]
    run = make(**act)
    start_warm(run)
    stands(run, act, phase)
    assert why in is_left(run)


@pytest.mark.parametrize("where", [where for where in OBEYED if "interpreter" not in where])
def test_pause_is_obeyed_like_stop(where, start_warm, make):
    act, phase, why = OBEYED[where]
    run = make(**act)
    start_warm(run)
    stands(run, act, phase)
    assert why in is_left(run, Pause(), "paused")


def stands(run, act, phase):
    """Wait until the trainer is in its phase, and where it shall hang, hangs."""
    until(lambda: run.status().phase == phase)
    until(lambda: "fail_at" not in act or (run.path / "stands").exists())


def test_a_next_life_writes_down_how_the_last_one_ended(start_warm, make):
    run = make(steps=10_000)
    start_warm(run)
    until(lambda: run.status().step > 40)  # long enough to have taken measurable time
    step = run.status().step
    kill(run)
    ended(run)
    old = run.ask(Stop())  # nobody is there to take it, nor is it meant for who comes next
    start_warm(run)
    until(lambda: run.status().status == "training")
    assert run.owner()["generation"] == 2
    assert [m.cause for m in messages(run, Failure)] == ["killed"]
    said = [m.status for m in messages(run, Status)]
    assert said[said.index("failed") :] == ["failed", "pending", "preparing", "preparing", "training"]
    assert next(m for m in messages(run, Status) if m.status == "failed").step >= step
    assert run.status().earlier_s > 0
    is_left(run)
    assert old not in [m.command for m in messages(run, Acknowledged)]


def test_a_next_life_that_is_refused_leaves_the_run_as_it_was(start_warm, make):
    run, other = make(steps=10_000), make(steps=10_000)
    start_warm(run)
    until(lambda: run.status().status == "training")
    is_left(run, Pause(), "paused")
    before = run.status()
    start_warm(other)
    with pytest.raises(BusyError, match="in use"):
        start_warm(run)
    after = run.shown_status()
    assert (after.status, after.step, after.detail) == ("paused", before.step, before.detail)


def test_stop_reaches_a_frozen_trainer(start_warm, make):
    run = make(steps=10_000)
    pid = start_warm(run).pid
    until(lambda: run.status().status == "training")
    os.kill(pid, signal.SIGSTOP)
    assert "ended from outside" in is_left(run)
    exit_of(run)
    assert not locks.locked(run.lock)


def test_a_step_that_hangs_for_too_long_ends_the_run_and_shows_where_it_stands(start_warm, make):
    run = make(fail_at=3, how="hang", stall_limit_s=1)
    start_warm(run)
    assert ended(run).status == "failed"
    failure = run.failure()
    assert (failure.cause, failure.message[:22]) == ("code", "No progress for 1 s: t")
    assert "in fail" in failure.traceback
    assert (run.path / "stacks.txt").read_text() == failure.traceback


def test_what_a_trainer_leaves_behind_is_ended(start_warm, make):
    run = make(fail_at=2, how="child")
    start_warm(run)
    ended(run)
    child = int(next(line.split()[1] for line in exit_of(run)["last_lines"] if line.startswith("child")))
    until(lambda: not processes.exists(child))


STARTER = """
import sys
from nbtrain.errors import BusyError
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.launch import start
print("ready", flush=True); sys.stdin.readline()
try:
    print(start(RunFolder(sys.argv[1]), cold=sys.argv[2] == "cold").pid, flush=True)
except BusyError:
    print("busy", flush=True)
sys.stdin.readline()
"""


def starter(run, how):
    argv = [sys.executable, "-c", STARTER, str(run.path), how]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize("how", ["cold", "warm"])
def test_a_trainer_outlives_a_killed_starter(how, quick, make):
    run = make(steps=10_000)
    process = starter(run, how)
    go(process)
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    step = run.status().step
    until(lambda: run.status().step > step)
    assert run.living() == "living"
    assert run.owner()["pid"] == pid
    run.ask(Stop())
    assert ended(run).status == "cancelled"


def test_of_starters_at_the_same_time_one_has_the_trainer(stand_in, make):
    run = make(steps=10_000)
    all_of_them = [starter(run, "cold") for _ in range(3)]
    for process in all_of_them:
        go(process)
    words = [process.stdout.readline().strip() for process in all_of_them]
    assert sorted(words)[1:] == ["busy", "busy"]
    assert run.owner()["pid"] == int(min(words))
    assert run.owner()["generation"] == 1
    with pytest.raises(BusyError, match="already has a trainer"):
        launch.start(run)
    assert run.living() == "living"
    for process in all_of_them:
        process.communicate()
    assert run.exit() == {}  # those who came second wrote nothing


def test_no_port_is_opened_and_nothing_is_printed(start_warm, make, capfd):
    run = make(steps=10_000)
    pid = start_warm(run).pid
    until(lambda: run.status().status == "training")
    ours = {pid, psutil.Process(pid).ppid(), *(locks.holder(path) for path in lock_files())}
    listening = [c.pid for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(ours) >= 3
    assert ours.isdisjoint(listening)
    assert capfd.readouterr() == ("", "")


def lock_files():
    from nbtrain.runs.devices import runtime_folder

    return [path.resolve() for path in runtime_folder().glob("warm-*.lock")]


def test_a_broken_configuration_fails_the_run_and_names_the_file(start, make):
    run = make()
    (run.path / "config.json").write_text('{"format": 1,')
    with pytest.raises(LaunchError, match="could not be started"):
        start(run)
    assert ended(run).status == "failed"
    assert "config.json" in run.failure().message


def test_a_missing_folder_is_a_clear_error(stand_in, tmp_path):
    with pytest.raises(LaunchError, match="could not be started"):
        launch.start(RunFolder(tmp_path / "nothing"))


def test_a_second_run_on_a_busy_device_is_refused_or_runs_beside(start, make):
    first, refused, beside = (make(steps=10_000) for _ in range(3))
    start(first)
    until(lambda: first.status().status == "training")
    with pytest.raises(BusyError, match="cpu is in use"):
        start(refused)
    assert sorted(path.name for path in refused.path.iterdir()) == sorted(
        ["commands", "checkpoints", "config.json", "lock", "log.txt", "status.json"]
    )  # no trace of a life
    start(beside, when_busy="beside")
    until(lambda: beside.status().status == "training")
    beside.ask(Stop())
    ended(beside)
    kill(first)  # not even a killed run keeps the device
    until(lambda: first.living() == "gone")
    start(refused)
    until(lambda: refused.status().status == "training")
    assert refused.owner()["generation"] == 1


def test_a_stop_that_comes_while_it_pauses_ends_it_as_stopped(start_warm, make):
    run = make(steps=10_000, step_s=0.5)
    start_warm(run)
    until(lambda: run.status().status == "training")
    run.ask(Pause())
    run.ask(Stop())
    assert ended(run).status == "cancelled"


@pytest.mark.cold
def test_stop_is_obeyed_while_a_trainer_imports(stand_in, make, tmp_path, monkeypatch):
    """Importing torch takes seconds; here an import that takes a minute stands for it."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(
        "import sys, time, types\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'nbtrain.build': time.sleep(60)\n"
        "sys.meta_path.insert(0, Slow())\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'slow'}{os.pathsep}{os.environ['PYTHONPATH']}")
    run = make()
    launch.start(run, cold=True)
    assert run.status().phase == "importing"
    assert WITHOUT_IT in is_left(run)


def test_a_worker_in_the_foreground_is_the_same_trainer(stand_in, make):
    run = make(steps=5)
    argv = [sys.executable, "-m", "nbtrain.runs.worker", str(run.path)]
    assert subprocess.run(argv, check=False).returncode == 0
    assert run.shown_status().status == "completed"
    assert json.loads((run.path / "owner.json").read_text())["generation"] == 1
