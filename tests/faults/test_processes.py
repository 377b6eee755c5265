"""Signals to every process around a run: its loader workers, the kernel that started it, the machine itself."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import jupyter_client
import psutil
import pytest

from flows.conftest import LIMIT_S, LONG, until
from nbtrain import processes
from nbtrain.messages import Metric
from nbtrain.project.project import Project
from nbtrain.project.story import Story
from nbtrain.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def with_workers(project):
    """Start a run without end that reads through two loader workers; return it and their pids."""
    experiment = project.new("Workers")
    experiment.config = experiment.config.set_all({**LONG, "data.workers": 2, "data.worker_kind": "processes"})
    experiment.train(beside=True)
    until(lambda: experiment.step > 3 or not experiment.running)
    assert experiment.status == "training", experiment.error
    return experiment, [child.pid for child in psutil.Process(pid_of(experiment)).children()]


def pid_of(experiment):
    return RunFolder(experiment.run_path).owner()["pid"]


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_loader_worker_that_dies_ends_the_run_with_its_reason(with_workers, by):
    experiment, workers = with_workers
    trainer = pid_of(experiment)
    os.kill(workers[0], by)
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] == "worker"
    assert [fix["changes"] for fix in experiment.error["fixes"]] == [{"data.workers": 0}, {"data.workers": 1}]
    assert "loader worker" in experiment.error["message"]
    assert signal.Signals(by).name in experiment.error["message"]
    assert any("data.workers" in advice for advice in experiment.error["advice"])
    until(lambda: not any(map(processes.exists, [trainer, *workers])))


def test_a_stopped_loader_worker_holds_the_run_up_but_stop_still_works(with_workers):
    experiment, workers = with_workers
    os.kill(workers[0], signal.SIGSTOP)
    held = RunFolder(experiment.run_path)
    until(lambda: is_still(experiment))
    assert held.living() == "living"
    assert held.shown_status().status == "training"
    os.kill(workers[0], signal.SIGCONT)
    step = experiment.step
    until(lambda: experiment.step > step + 3)
    os.kill(workers[0], signal.SIGSTOP)
    until(lambda: is_still(experiment))
    trainer = pid_of(experiment)
    experiment.stop()
    assert experiment.wait(LIMIT_S) == "cancelled"
    until(lambda: not any(map(processes.exists, [trainer, *workers])))


def test_a_worker_that_hangs_is_replaced_and_the_run_goes_on(project):
    experiment = project.new("Hangs")
    workers = {"data.workers": 1, "data.worker_kind": "processes"}
    experiment.config = experiment.config.set_all({**LONG, **workers, "training.stall_limit_s": 4})
    experiment.train(beside=True)
    until(lambda: experiment.step > 3 or not experiment.running)
    worker = min(child.pid for child in psutil.Process(pid_of(experiment)).children())  # later ones validate
    os.kill(worker, signal.SIGSTOP)
    until(lambda: any(f"pid {worker}) gave nothing for 2 s" in told["text"] for told in experiment.notices))
    goes_on(experiment)
    stacks = (RunFolder(experiment.run_path).path / "stacks.txt").read_text()
    assert "in _batches" in stacks
    assert f"(pid {worker}), stopped from outside" in stacks
    assert not processes.exists(worker)
    assert experiment.status == "training"


def is_still(experiment):
    step = experiment.step
    time.sleep(0.3)
    return experiment.step == step


START = """
from nbtrain import Project
project = Project({path!r})
experiment = project.new("From a kernel")
experiment.config = experiment.config.set("training.epochs", 10_000)
experiment.train(beside=True)
"""


def test_a_run_goes_on_when_its_kernel_is_interrupted_restarted_and_killed(project):
    """A real kernel: the interrupt goes to its process group, as a notebook's stop button sends it."""
    manager, client = jupyter_client.manager.start_new_kernel()
    try:
        told = client.execute_interactive(START.format(path=str(project.path)), timeout=60, output_hook=print)
        assert told["content"]["status"] == "ok"
        until(lambda: [e for e in project.cards if e.step > 3])
        experiment = project.experiment("From a kernel")
        pid = pid_of(experiment)
        client.execute("import time; time.sleep(60)")
        manager.interrupt_kernel()
        goes_on(experiment)
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        goes_on(experiment)
        os.kill(manager.provisioner.process.pid, signal.SIGKILL)
        goes_on(experiment)
        assert (pid_of(experiment), experiment.status) == (pid, "training")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def goes_on(experiment):
    step = experiment.step
    until(lambda: experiment.step > step + 5)


def test_a_rebooted_machine_leaves_an_interrupted_run_that_goes_on(long_run):
    """Power goes at once for the trainer and its parent; after the boot another process has the trainer's pid."""
    experiment = long_run()
    run = RunFolder(experiment.run_path)
    trainer = psutil.Process(pid_of(experiment))
    parent = trainer.parent()
    parent.kill()
    trainer.kill()
    owner = {**run.owner(), **processes.identity(), "boot_id": "00000000-0000-0000-0000-000000000000"}
    (run.path / "owner.json").write_text(json.dumps(owner))
    assert experiment.wait(LIMIT_S) == "failed"
    assert experiment.error["cause"] == "interrupted"
    assert "machine restarted" in experiment.error["message"]
    assert processes.alive(owner) is False
    again = Project(experiment.project.path)
    resumed = again.experiment("Long")
    assert resumed.status == "failed"
    resumed.resume(beside=True)
    goes_on(resumed)
    resumed.stop()
    assert resumed.wait(LIMIT_S) == "cancelled"
    resumed.restart()
    assert resumed.status == "created"
    again.close()


@pytest.mark.parametrize("jump_s", [-86_400, -60, 60, 86_400], ids="{:+} s".format)
def test_a_clock_that_jumps_never_makes_a_living_run_look_dead(long_run, jump_s):
    """The heartbeat of before the jump is read with the clock of after it."""
    experiment = long_run()
    run = RunFolder(experiment.run_path)
    os.kill(pid_of(experiment), signal.SIGSTOP)  # or it would write the next heartbeat at once
    run.write_status(run.status().__class__(**{**plain(run.status()), "heartbeat_s": time.time() - jump_s}))
    assert run.living() in ("living", "silent")
    assert run.shown_status().status == "training"
    os.kill(pid_of(experiment), signal.SIGCONT)
    goes_on(experiment)
    assert run.living() == "living"


def plain(status):
    return {name: getattr(status, name) for name in status.__dataclass_fields__}


def test_a_clock_set_back_gives_no_negative_times():
    story = Story()
    story.tell(Metric(t_s=t_s, step=step, epoch=step / 10, split="train", values={"loss": 1.0}) for step, t_s in
               enumerate((5000.0, 5001.0, 1400.0, 1401.0), 1))  # fmt: skip
    assert story.step == 4
    assert len(story.history.series("train", "loss")[0]) == 4
    assert story.eta_s() is None or story.eta_s() >= 0


def test_no_process_is_left_a_second_after_a_run(project):
    """Trainer, its small parent and its loader workers are gone, and no zombie stays with the starter."""
    experiment = project.new("Gone")
    experiment.config = experiment.config.set_all({"data.workers": 2})
    experiment.train(beside=True)
    until(lambda: experiment.step > 0 or not experiment.running)
    trainer = psutil.Process(pid_of(experiment))
    family = [trainer, *trainer.children(recursive=True), trainer.parent()]
    assert experiment.wait(LIMIT_S) == "completed", experiment.error
    until(lambda: not any(processes.exists(one.pid) for one in family if one))
    assert [c for c in psutil.Process().children() if c.status() == psutil.STATUS_ZOMBIE] == []
    assert Path(experiment.run_path, "exit.json").exists()
