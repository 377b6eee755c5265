"""Which process a record names, and children that die with their parents."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from nbtrain import processes


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_record_is_alive_until_its_process_ends(sleeper):
    record = processes.identity(sleeper.pid)
    assert abs(record["started_s"] - psutil.Process(sleeper.pid).create_time()) < 1
    assert processes.alive(record) is True
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.alive(record) is False  # a zombie


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ({"boot_id": "another boot"}, False),
        ({"host": "another machine"}, None),
        ({"start_ticks": 1}, False),
        ({"start_ticks": None, "started_s": 1.0}, False),
        ({"start_ticks": None}, True),
        ({"pid": 2**22 + 1}, False),
        ({"pid": "1; reboot"}, False),
        ({"started_s": 1.0}, True),  # the clock was set; the ticks since boot have not moved
    ],
)
def test_a_reused_pid_does_not_pass(sleeper, change, alive):
    assert processes.alive({**processes.identity(sleeper.pid), **change}) is alive


def test_a_child_dies_with_its_parent():
    script = """
import os, time
child = os.fork()
if child == 0:
    from nbtrain.processes import die_with_parent
    die_with_parent(); print(os.getpid(), flush=True); time.sleep(60)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end_s = time.monotonic() + 5
    while processes.exists(child) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not processes.exists(child)


def test_memory_and_threads_are_read():
    assert abs(processes.memory_mib() - psutil.Process().memory_info().rss / 2**20) < 20
    assert 0 < processes.available_share() <= 1
    assert processes.threads() >= 1
    assert 0 < processes.private_mib(os.getpid()) <= processes.memory_mib() + 1
    assert processes.private_mib(0) == 0


def test_a_group_lives_as_long_as_one_of_it_runs():
    one = subprocess.Popen(["sleep", "60"], start_new_session=True)
    assert processes.group_lives(one.pid)
    one.kill()
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not collected
    assert not processes.group_lives(one.pid)
    one.wait()


def test_a_containers_quota_counts(monkeypatch):
    assert processes.usable_cores() >= 1
    monkeypatch.setattr(processes, "_quota_cores", lambda: 1)
    assert processes.usable_cores() == 1
