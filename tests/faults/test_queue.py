"""The queue when whoever would look after it is gone: kernel, trainer with parent, or the right to write."""

from __future__ import annotations

import os
import signal

import jupyter_client
import psutil
import pytest

from flows.conftest import QUICK, until
from nbtrain import processes
from nbtrain.errors import ProjectError
from nbtrain.messages import ENDED
from nbtrain.project.project import Project
from nbtrain.runs import devices, entries
from nbtrain.runs.devices import Claim
from nbtrain.runs.folder import RunFolder, newest_run

pytestmark = pytest.mark.usefixtures("own_devices")


START = """
from nbtrain import Project
project = Project({path!r})
for name, epochs in (("First", {first}), ("Second", 1), ("Third", 1)):
    experiment = project.new(name)
    experiment.config = experiment.config.set("training.epochs", epochs)
    experiment.train(queue=True)
"""


@pytest.fixture
def left_alone(request, project):
    """Three runs queued by a kernel that is then killed; this process does not have the project open either.

    The test names the epochs of the first one.
    """
    project.save()
    project.close()
    manager, client = jupyter_client.manager.start_new_kernel()
    try:
        told = client.execute_interactive(
            START.format(path=str(project.path), first=request.param), timeout=60, output_hook=print
        )
        assert told["content"]["status"] == "ok"
        os.kill(manager.provisioner.process.pid, signal.SIGKILL)
        found = sorted((project.path / "experiments").iterdir())
        first, second, third = (newest_run(folder) for folder in found)
        yield first, second, third
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("left_alone", [3], indirect=True)
def test_the_queue_outlives_the_kernel(left_alone):
    """Nobody watches: each run's small parent starts the next one."""
    _, second, third = left_alone
    assert [run.shown_status().status for run in (second, third)] == ["pending", "pending"]
    assert [run.owner() for run in (second, third)] == [{}, {}]  # no process waits
    until(lambda: third.status().status in ENDED)
    assert [run.status().status for run in left_alone] == ["completed"] * 3
    ends = [run.status().heartbeat_s for run in left_alone]
    starts = [run.owner()["started_s"] for run in left_alone]
    assert starts[1] > ends[0] - 1  # the clock of a process's start has ticks of 10 ms, and boot's own offset
    assert starts[2] > ends[1] - 1
    assert [run.owner()["generation"] for run in left_alone] == [1, 1, 1]


@pytest.mark.parametrize("left_alone", [10_000], indirect=True)
def test_a_watcher_goes_on_where_trainer_and_parent_were_killed(left_alone):
    """Also after a reboot: nothing but the files is left. The watcher here is a project that is opened and closed."""
    first, second, third = left_alone
    until(lambda: first.status().status == "training")
    pid = first.owner()["pid"]
    psutil.Process(pid).parent().kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes.exists(pid) and not devices.busy("cpu"))
    assert second.owner() == {}
    Project(first.project).close()
    until(lambda: third.status().status in ENDED)
    until(lambda: first.shown_status().status == "failed")  # its parent may still have had a word to say
    assert [run.status().status for run in (second, third)] == ["completed", "completed"]


def test_a_queue_that_cannot_be_written_is_told_and_leaves_the_experiment_editable(disk, project):
    small = disk("size=4m")
    there = Project(small.path / "project")
    there.defaults = dict(QUICK)
    there.add_images(project.datasets()[0].source.path)
    claim = Claim("/somebody", "cpu")
    assert claim.take()
    waiting = there.new("Waiting").train(queue=True)
    late = there.new("Late")
    late.save()
    (there.path / "queue").rename(there.path / "queue-of-before")
    (there.path / "queue").write_text("not a folder")
    with pytest.raises(ProjectError, match="queue"):
        late.train(queue=True)
    assert (late.status, late.run_path) == ("created", "")
    (there.path / "queue").unlink()
    (there.path / "queue-of-before").rename(there.path / "queue")
    small.read_only()
    there.queue.look()
    assert [e.name for e in there.queue] == ["Waiting"]
    with pytest.raises(ProjectError, match="cannot be changed"):
        waiting.stop()
    assert waiting.status == "pending"
    assert entries.find(RunFolder(waiting.run_path).path) is not None
    there.close()
    claim.release()
