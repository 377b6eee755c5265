"""The time budget, on a clock that the test turns."""

from __future__ import annotations

import pytest

from nbtrain.messages import Saved
from nbtrain.training.budget import Budget
from nbtrain.training.commands import Commands
from training.tiny import of, same, tiny_loop


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def turned(self) -> list:
        """No commands, and six seconds later."""
        self.now_s += 6
        return []


def test_room_is_left_for_what_comes_as_long_as_it_took_last():
    clock = Clock()
    budget = Budget(10, clock)
    for work, took_s in (("save", 8), ("validate", 40)):
        with budget.measured(work):
            clock.now_s += took_s
    clock.now_s = 100 + 600 - 10.1
    assert not budget.is_up()
    clock.now_s = 100 + 600 - 61
    assert not budget.is_up("validate")
    clock.now_s = 100 + 600 - 59
    assert not budget.is_up()
    assert budget.is_up("validate")
    assert budget.is_up()  # once it is up it stays so


@pytest.mark.parametrize(("minutes", "left_s"), [(1, 3), (600, 20)])
def test_before_the_first_checkpoint_some_room_is_left(minutes, left_s):
    clock = Clock()
    budget = Budget(minutes, clock)
    clock.now_s += minutes * 60 - left_s - 0.1
    assert not budget.is_up()
    clock.now_s += 0.2
    assert budget.is_up()


def test_no_budget_is_no_limit():
    clock = Clock()
    budget = Budget(0, clock)
    clock.now_s += 1e9
    assert not budget.is_up("validate")


def test_a_run_pauses_in_time_and_goes_on_with_a_new_budget(tmp_path):
    """Each look of the loop costs six seconds of a minute, of which three are left for the checkpoint."""
    whole = tiny_loop(tmp_path / "whole")[0]
    whole.run()
    ends = []
    while not ends or ends[-1][0] == "paused":
        loop, said = tiny_loop(tmp_path / "pieces")
        clock = Clock()
        loop.commands = Commands(clock.turned, Budget(1, clock))
        outcome = loop.run()
        ends.append((outcome.status, loop.place.step, outcome.reason))
        assert of(said, Saved)[-1].step == loop.place.step
    assert len(ends) > 2
    assert ends[0] == (
        "paused", 10, "Paused at step 10 of 30: the time budget of 1 minute is used up. Resume goes on with a new one.",
    )  # fmt: skip
    assert ends[-1] == ("completed", 30, "")
    assert same(loop._state(), whole._state())
