"""When a silent loop has been silent for too long."""

from __future__ import annotations

from nbtrain.runs import stall
from nbtrain.runs.stall import Watchdog


def test_only_a_loop_that_should_show_life_and_shows_none_is_too_late(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(stall.time, "monotonic", lambda: clock[0])
    dog = Watchdog(10)

    def pass_s(seconds, training=True, heard=1.0, tick_s=0.5):
        for _ in range(int(seconds / tick_s)):
            clock[0] += tick_s
            if dog.has_enough(training, heard):
                return True
        return False

    assert not pass_s(100, training=False)
    assert not pass_s(9)
    assert not pass_s(9, heard=2.0)
    assert not pass_s(300, heard=3.0, tick_s=100)  # this process was frozen itself
    assert pass_s(11, heard=3.0)
    dog.limit_s = 0
    assert not pass_s(1000, heard=3.0)
