"""Speed and load: counted between two readings, at least a second apart."""

from __future__ import annotations

import multiprocessing

from nbtrain.training.usage import Meter


def test_a_reading_covers_what_came_since_the_last_one(monkeypatch):
    clock = iter([100.0, 102.0, 102.0, 104.0, 104.0])
    monkeypatch.setattr("nbtrain.training.usage.time.perf_counter", lambda: next(clock))
    meter = Meter()
    meter.count(30, 0.5)
    meter.count(30, 0.5)
    usage = meter.read(7)
    assert (usage.step, usage.images_per_s, usage.waiting) == (7, 30.0, 0.5)
    assert usage.memory_mib > 10
    assert usage.gpu_memory_mib == 0
    assert meter.read(8).images_per_s == 0


def test_what_is_paused_is_left_out(monkeypatch):
    clock = iter([100.0, 101.0, 107.0, 109.0, 109.0])
    monkeypatch.setattr("nbtrain.training.usage.time.perf_counter", lambda: next(clock))
    meter = Meter()
    with meter.paused():
        meter.count(0, 0.0)
    meter.count(30, 0.0)
    assert meter.read(1).images_per_s == 10.0


def test_the_cpu_time_of_loader_workers_counts():
    def spin() -> None:
        sum(range(20_000_000))
        done.set()
        leave.wait()

    context = multiprocessing.get_context("fork")
    done, leave = context.Event(), context.Event()
    meter = Meter()
    worker = context.Process(target=spin, daemon=True)
    worker.start()
    done.wait(60)
    assert meter.read(1).cpu_percent > 10
    leave.set()
    worker.join()
