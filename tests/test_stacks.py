"""Stacks of a process and of its forks, whatever they hang in."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

from nbtrain import stacks


def deep_in_user_code(ready):
    stacks.listen()
    ready.set()
    time.sleep(60)


def test_a_fork_that_hangs_shows_where_and_one_that_is_stopped_that_it_is():
    stacks.prepare()
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=deep_in_user_code, args=(ready,), daemon=True)
    child.start()
    try:
        assert ready.wait(10)
        told = stacks.dump([child.pid, os.getppid()])
        assert told.count("deep_in_user_code") == 1
        assert "test_a_fork_that_hangs_shows_where" in told.partition("Child")[0]
        assert child.is_alive()
        os.kill(child.pid, signal.SIGSTOP)
        while f"(pid {child.pid}), stopped from outside" not in (told := stacks.dump([child.pid])):
            time.sleep(0.01)
        assert "deep_in_user_code" not in told
    finally:
        child.kill()
        child.join()
