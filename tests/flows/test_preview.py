"""The preview's own process: forked from the warm one, asked again when it dies, gone when it is of no use."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from nbtrain import processes
from nbtrain.errors import DataError
from nbtrain.project import previewing
from nbtrain.runs.previews import PREVIEWS
from runs.helpers import until


@pytest.fixture(scope="module", autouse=True)
def nothing_left():
    yield
    PREVIEWS.close()


@pytest.fixture
def experiment(project):
    return project.new("Seen")


def pid_of(experiment) -> int:
    asked = previewing.request(experiment, "test", "train", [0], [0])
    return PREVIEWS.wait(asked)[0].pid


def test_numbers_come_from_a_fork_and_are_the_same_again_after_it_was_killed(experiment):
    first = experiment.preview(indices=[3, 1], epoch=2)
    assert PREVIEWS.is_warm
    assert [one.input.shape for one in first] == [(3, 32, 32)] * 2
    assert first[0].image.size == (32, 32)
    starts = PREVIEWS.starts
    os.kill(pid_of(experiment), signal.SIGKILL)
    again = experiment.preview(indices=[3, 1], epoch=2)
    assert all(np.array_equal(a.input, b.input) for a, b in zip(first, again, strict=True))
    assert PREVIEWS.starts == starts + 1
    experiment.set("data.dataset", "gone")
    with pytest.raises(DataError, match="no such data set"):
        experiment.preview()


def test_only_the_newest_of_several_wishes_is_answered(experiment):
    pid, numbers, come = pid_of(experiment), [], threading.Event()

    def take(said, blobs):
        numbers.append(said.number)
        come.set()

    os.kill(pid, signal.SIGSTOP)
    wishes = [previewing.request(experiment, "form", "train", [n], [0]) for n in range(5)]
    asked = [PREVIEWS.ask(wish, take) for wish in wishes]
    os.kill(pid, signal.SIGCONT)
    assert come.wait(30)
    pid_of(experiment)  # everything before it has been answered
    assert numbers == asked[-1:]


def test_it_goes_with_its_kernel(experiment):
    pid = pid_of(experiment)
    assert processes.exists(pid)
    PREVIEWS.close()
    until(lambda: not processes.exists(pid))
