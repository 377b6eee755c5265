"""The way to the device. No GPU is at hand here, so the GPU's half is looked at by the order of its calls."""

from __future__ import annotations

from contextlib import contextmanager

import torch

from nbtrain.training import transfer
from nbtrain.training.transfer import to_device


def test_on_the_cpu_a_tensor_stays_where_it_is():
    tensor = torch.ones(3)
    assert to_device(tensor, torch.device("cpu")) is tensor


def test_a_copy_goes_by_its_own_stream_and_the_computing_one_waits_for_it(monkeypatch):
    calls: list[str] = []

    class Stream:
        def __init__(self, name):
            self.name = name

        def wait_stream(self, other):
            calls.append(f"{self.name} waits for {other.name}")

    class There:
        def record_stream(self, stream):
            calls.append(f"kept for {stream.name}")

    class Pinned:
        def to(self, device, *, non_blocking):
            calls.append(f"copy to {device}, {non_blocking=}")
            return There()

    @contextmanager
    def on(stream):
        calls.append(f"on {stream.name}")
        yield
        calls.append(f"off {stream.name}")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream("copying"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("computing"))
    monkeypatch.setattr(torch.cuda, "stream", on)
    transfer._stream.cache_clear()
    try:
        assert isinstance(to_device(Pinned(), torch.device("cuda:0")), There)
    finally:
        transfer._stream.cache_clear()
    assert calls == [
        "on copying", "copy to cuda:0, non_blocking=True", "off copying", "computing waits for copying",
        "kept for computing",
    ]  # fmt: skip
