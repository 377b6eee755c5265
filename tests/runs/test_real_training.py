"""The real trainer, with torch: started cold, from a warm process that still imports, and from one that is ready.

All three must learn the same, to the last bit: a fork changes nothing about the numbers.
"""

from __future__ import annotations

import os

import psutil
import pytest

from nbtrain import demo, locks, processes
from nbtrain.messages import Metric
from nbtrain.project import freeze
from nbtrain.runs import launch, warm
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader
from runs.helpers import SOURCE, ended, exit_of, until

pytestmark = pytest.mark.cold


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a run of the digits with one epoch; the runtime folder and the warm process are the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    project = demo.digits(tmp_path / "digits")
    count = iter(range(100))

    def begin(**options):
        config = project.new_config().set("training.epochs", 1)
        run = RunFolder.create(project.path / "experiments" / f"e-{next(count)}", freeze.frozen(project.data, config))
        return run, launch.start(run, **options)

    yield begin
    for path in (tmp_path / "nbtrain").glob("warm-*.lock"):
        if pid := locks.holder(path):
            os.kill(pid, 9)


def losses(run):
    return [message.values["loss"] for message in JournalReader(run.events).read() if isinstance(message, Metric)]


def test_cold_warming_and_warm_learn_the_same(start, tmp_path):
    cold, launched = start(cold=True)
    assert not launched.warm
    assert ended(cold).status == "completed"
    launch.ensure_warm()
    until(warm.is_there)
    warming, launched = start()
    assert launched.warm
    assert ended(warming).status == "completed"
    (log,) = (tmp_path / "nbtrain").glob("warm-*.log")
    until(lambda: is_ready(tmp_path))
    ready, launched = start()
    assert launched.warm, (launched.why, log.read_text())
    assert ended(ready).status == "completed"
    assert losses(cold) == losses(warming) == losses(ready)
    assert len(losses(cold)) >= 2
    assert exit_of(ready)["code"] == 0


def is_ready(runtime):
    """Tell whether the warm process has imported a lot and now sleeps until somebody asks."""
    (pid,) = [locks.holder(path) for path in (runtime / "nbtrain").glob("warm-*.lock")]
    return processes.memory_mib(pid) > 200 and psutil.Process(pid).status() == psutil.STATUS_SLEEPING
