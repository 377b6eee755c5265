"""When a silent loop has been silent for too long."""

from __future__ import annotations

import threading
import time

from torchvision.transforms import v2

from data import images
from nbtrain.data import decode
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.records import Record
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


def test_threads_that_wait_for_a_file_are_named(tmp_path, monkeypatch):
    """Opening it takes as long as somebody wants: what a disk in the network does when its server is gone."""
    answers, opened = threading.Event(), decode.ordinary
    monkeypatch.setattr(decode, "ordinary", lambda path, flags: opened(path, flags) if answers.wait(60) else -1)
    images.write(tmp_path / "whole.png")
    set_ = Images(tmp_path, [Record("whole.png", (0,))], v2.Resize((8, 8)), seed=0)
    loader = Loader(set_, 1, Reading(workers=1, threads=True))
    threading.Thread(target=lambda: list(loader.stream(0, 1)), daemon=True).start()
    try:
        told = stall.stalled(tmp_path, 2)
        while "in decode" not in told.traceback:
            time.sleep(0.01)
            told = stall.stalled(tmp_path, 2)
    finally:
        answers.set()
        loader.close()
    assert (told.cause, told.message) == ("worker", "No progress for 2 s: the trainer waits for its loader threads.")
    assert "in awaited" in told.traceback
