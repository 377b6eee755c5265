"""Memory: what a piece of work takes at its peak, and what is free."""

from __future__ import annotations

import gc
import weakref

import torch

from nbtrain import cgroups
from nbtrain.training import memory
from nbtrain.training.memory import Gauge, free_bytes, run_peak_bytes

CPU = torch.device("cpu")
MIB = 2**20


def taken(gauge, mib):
    gauge.reset()
    held = torch.ones(mib * MIB, dtype=torch.uint8)
    del held
    return gauge.peak_bytes() / MIB


def test_trimming_gives_back_what_only_holds_itself():
    class Ring:
        pass

    ring = Ring()
    ring.itself, seen = ring, weakref.ref(ring)
    gc.disable()
    try:
        del ring
        assert seen() is not None
        memory.trim(CPU)
        assert seen() is None
    finally:
        gc.enable()


def test_the_peak_is_seen_after_it_is_gone_and_forgotten_for_the_next():
    gauge = Gauge(CPU)
    assert 180 < taken(gauge, 200) < 230
    assert 80 < taken(gauge, 100) < 130
    assert gauge.process_bytes > 30 * MIB
    assert run_peak_bytes(CPU) > gauge.process_bytes


def test_where_the_system_keeps_no_peak_a_thread_looks(monkeypatch):
    monkeypatch.setattr(memory, "_forget_peak", lambda: False)
    gauge = Gauge(CPU)
    gauge.reset()
    held = torch.ones(200 * MIB, dtype=torch.uint8)
    assert gauge.peak_bytes() / MIB > 180
    gauge.close()
    del held


def test_a_container_has_less_than_its_machine(monkeypatch):
    assert 2**26 < free_bytes(CPU) < 2**50
    monkeypatch.setattr(cgroups, "memory", lambda: iter([cgroups.Room(1000, 450)]))
    assert free_bytes(CPU) == 450
