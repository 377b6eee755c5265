"""The mailbox: each command once, acknowledged with its step; how a run is to be left, and how late the loop is."""

from __future__ import annotations

import time

import pytest

from nbtrain.messages import Acknowledged, Change, Pause, Stop
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.mailbox import Mailbox


@pytest.fixture
def run(tmp_path):
    (tmp_path / "commands").mkdir()
    return RunFolder(tmp_path)


def test_each_command_is_taken_once_and_acknowledged_with_its_step(run):
    said = []
    box = Mailbox(run, said.append, lambda: 7)
    run.ask(Change(path="training.epochs", value=9))
    box.look()
    box.look()
    assert [(type(message), message.step) for message in said] == [(Acknowledged, 7)]
    assert [command.value for command in box.asked()] == [9]
    assert box.asked() == []


def test_what_was_meant_for_an_earlier_life_is_passed_over(run):
    run.ask(Stop())
    said, seen = [], run.commands(set())
    box = Mailbox(run, said.append, lambda: 0, stale=seen)
    box.look()
    assert (said, box.asked(), box.leave_s, box.stopped) == ([], [], None, False)


@pytest.mark.parametrize(
    ("commands", "ending"),
    [
        ([Pause()], "paused"),
        ([Stop()], "cancelled"),
        ([Pause(), Stop()], "cancelled"),
        ([Stop(), Pause()], "cancelled"),
    ],
)
def test_a_stop_goes_before_a_pause_in_either_order(run, commands, ending):
    box = Mailbox(run, lambda _: None, lambda: 0)
    for command in commands:
        box.put(command)
    assert (box.ending, box.stopped) == (ending, ending == "cancelled")


def test_the_time_of_the_first_word_to_leave_stays(run):
    box = Mailbox(run, lambda _: None, lambda: 0)
    assert box.leave_s is None
    box.put(Pause())
    first_s = box.leave_s
    time.sleep(0.01)
    box.put(Stop())
    assert box.leave_s == first_s


def test_the_loop_has_been_told_once_it_has_asked(run):
    box = Mailbox(run, lambda _: None, lambda: 0)
    box.put(Change(path="training.epochs", value=9))
    box.asked()
    assert not box.leave_taken
    box.put(Stop())
    assert not box.leave_taken
    box.asked()
    box.asked()
    assert box.leave_taken


def test_how_long_the_loop_did_not_look(run):
    box = Mailbox(run, lambda _: None, lambda: 0)
    assert (box.heard, box.longest_s) == (None, 0.0)
    box.asked()
    assert box.longest_s == 0.0
    time.sleep(0.05)
    box.asked()
    longest_s = box.longest_s
    assert longest_s >= 0.05
    box.asked()
    assert box.longest_s == longest_s
    assert box.heard <= time.monotonic()
