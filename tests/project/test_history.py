"""Curves that one thread tells while another reads them."""

from __future__ import annotations

import threading

from nbtrain.messages import Metric
from nbtrain.project.history import History


def test_what_is_read_while_it_is_told_is_whole_and_nothing_is_lost():
    """numpy holds an array while it copies it, and an array that is held can neither grow nor be cut."""
    history, told = History(), threading.Event()
    faults: list[Exception] = []

    def read() -> None:
        try:
            while not told.is_set():
                steps, epochs, values = history.series("train", "loss")
                assert len(steps) == len(epochs) == len(values)
        except (BufferError, AssertionError) as error:
            faults.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for step in range(1, 3001):
            history.add(Metric(step=step, epoch=step / 10, split="train", values={"loss": 1.0}))
            if step % 1000 == 0:
                history.cut(step - 1)
    finally:
        told.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert len(history.series("train", "loss")[0]) == 2997
