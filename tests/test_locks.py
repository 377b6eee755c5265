"""The lock that dies with its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from nbtrain import locks

HOLD = """
import sys, time
from nbtrain.locks import FileLock
lock = FileLock(sys.argv[1]); print(lock.acquire(), flush=True); time.sleep(60)
"""


def holding(path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n"
    return process


def test_another_process_sees_who_holds_it_and_cannot_take_it(tmp_path):
    path = tmp_path / "lock"
    assert not locks.locked(path)
    process = holding(path)
    try:
        assert locks.holder(path) == process.pid
        assert not locks.FileLock(path).acquire()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not locks.locked(path)
    assert locks.FileLock(path).acquire()


def test_asking_does_not_release_the_lock_of_the_asking_process(tmp_path):
    """lockf's trap: closing any descriptor of the file in its holder gives the lock away."""
    path = tmp_path / "lock"
    lock = locks.FileLock(path)
    assert lock.acquire()
    assert locks.holder(path) == os.getpid()
    probe = f"import sys; from nbtrain.locks import holder; print(holder({str(path)!r}))"
    seen = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert int(seen) == os.getpid()
    lock.release()
    assert not locks.locked(path)


def test_threads_of_one_process_exclude_each_other(tmp_path):
    taken = []
    barrier = threading.Barrier(8)

    def take():
        barrier.wait()
        taken.append(locks.FileLock(tmp_path / "lock").acquire())

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_forked_child_does_not_hold_it_and_does_not_give_it_away(tmp_path):
    path = tmp_path / "lock"
    lock = locks.FileLock(path)
    assert lock.acquire()
    script = f"""
import os, sys
from nbtrain import locks
lock = locks.FileLock({str(path)!r} + "2"); assert lock.acquire()
child = os.fork()
if child == 0:
    os._exit(0 if locks.holder({str(path)!r} + "2") == os.getppid() else 1)
_, state = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(state) or locks.holder({str(path)!r} + "2") != os.getpid())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    lock.release()


def test_who_may_read_a_lock_may_ask_it(tmp_path):
    before = os.umask(0o022)
    try:
        with locks.FileLock(tmp_path / "lock"):
            assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_lock_is_neither_held_nor_free(make, tmp_path):
    make(tmp_path / "lock")
    assert locks.locked(tmp_path / "lock") is None
    with pytest.raises(OSError, match=r"ordinary file|a link"):
        locks.FileLock(tmp_path / "lock").acquire()
