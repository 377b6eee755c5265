"""Short jobs: how soon a range test takes its first step, how long it lasts, and how soon a cancelled one is gone.

The digits of the demo with their small network. Cancelled while it imports, in a cold start, and while it trains; gone
means that no process of it is left.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.start import _await_warm, _started_cold
from bench.table import Row
from nbtrain import demo
from nbtrain.project.experiment import Experiment
from nbtrain.runs.jobs import Job

TITLE = "Short jobs"
GONE_S = 1.0
"""Limit: a cancelled job is gone within this."""


def measure(rounds: int = 5) -> list[Row]:
    """Return seconds from the call to the first step, to the result, and from a cancel to the end."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        project = demo.digits(Path(folder) / "digits")
        try:
            _await_warm()
            experiment = project.new("jobs")
            whole = [_whole_s(experiment) for _ in range(rounds)]
            cold = [_cancelled_s(experiment, "importing", cold=True) for _ in range(rounds)]
            trains = [_cancelled_s(experiment, "step ", cold=False) for _ in range(rounds)]
        finally:
            project.close()
    return [
        Row("range test to its first step, warm", "s", tuple(first for first, _ in whole)),
        Row("range test to its result, warm", "s", tuple(last for _, last in whole)),
        Row("cancel while it imports, cold, until it is gone", "s", tuple(cold), GONE_S),
        Row("cancel while it trains until it is gone", "s", tuple(trains), GONE_S),
    ]


def _whole_s(experiment: Experiment) -> tuple[float, float]:
    began_s = time.monotonic()
    job = experiment.lr_range_test()
    _await_text(job, "step ")
    first_s = time.monotonic() - began_s
    if job.wait(120) != "completed":
        raise RuntimeError(f"the range test did not complete: {job.failure}")
    return first_s, time.monotonic() - began_s


def _cancelled_s(experiment: Experiment, text: str, *, cold: bool) -> float:
    with _started_cold(cold):
        job = experiment.lr_range_test()
        _await_text(job, text)
    began_s = time.monotonic()
    job.cancel()
    if job.wait(30) != "cancelled":
        raise RuntimeError(f"the range test was not cancelled: {job.status}")
    return time.monotonic() - began_s


def _await_text(job: Job[object], text: str) -> None:
    end_s = time.monotonic() + 120
    while not job.text.startswith(text):
        if time.monotonic() > end_s or job.over:
            raise RuntimeError(f"the job never said {text!r}: {job.status}, {job.failure}")
        time.sleep(0.005)
