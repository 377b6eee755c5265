"""How long things take to begin: imports in the notebook's kernel, and from ``train()`` to the first step.

Imports are whole processes, interleaved, as ratios to ``import ipywidgets``. The first step is the moment at which the
trainer says that it trains, warm (forked from the process that has imported) and cold (a fresh Python).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.table import Row
from nbtrain import demo
from nbtrain.messages import Metric
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs import launch, warm

TITLE = "Start"
IMPORTS = ("import ipywidgets", "import nbtrain", "from nbtrain import TrainingStudio, demo")


def measure(rounds: int = 5) -> list[Row]:
    """Return imports as ratios, and seconds to the first step."""
    return [*_imports(rounds), *_first_steps(3)]


def _imports(rounds: int) -> list[Row]:
    seconds: dict[str, list[float]] = {code: [] for code in ("pass", *IMPORTS)}
    for _ in range(rounds + 1):
        for code, found in seconds.items():
            found.append(_process_s(code))
    empty = seconds.pop("pass")[1:]  # the first round filled the disk cache
    net = {code: [a - b for a, b in zip(found[1:], empty, strict=True)] for code, found in seconds.items()}
    base = net[IMPORTS[0]]
    rows = [Row(f"{IMPORTS[0]} (without Python's own start)", "s", tuple(base))]
    for code, limit in ((IMPORTS[1], 1.5), (IMPORTS[2], None)):
        ratios = tuple(a / b for a, b in zip(net[code], base, strict=True))
        rows.append(Row(f"{code}, against import ipywidgets", "ratio", ratios, limit))
    return rows


def _process_s(code: str) -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
    return time.perf_counter() - began_s


def _first_steps(rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        project = demo.digits(Path(folder) / "digits")
        try:
            _await_warm()
            warm_s = tuple(_first_step_s(project, cold=False) for _ in range(rounds))
            cold_s = tuple(_first_step_s(project, cold=True) for _ in range(rounds))
        finally:
            project.close()
    ratio = tuple(c / w for c, w in zip(cold_s, warm_s, strict=True))
    return [
        Row("train() to the first step, warm", "s", warm_s),
        Row("train() to the first step, cold", "s", cold_s),
        Row("cold against warm", "ratio", ratio),
    ]


def _await_warm() -> None:
    end_s = time.monotonic() + 60
    while not launch.ensure_warm() and time.monotonic() < end_s:
        time.sleep(0.1)
    time.sleep(15)  # it takes requests while it still imports; measured is what a person meets who has read the page
    if warm.unavailable():
        print(f"  no warm process here: {warm.unavailable()}")


def _first_step_s(project: Project, *, cold: bool) -> float:
    experiment = project.new("cold" if cold else "warm")
    experiment.config = experiment.config.set_all({"logging.every_n_steps": 1, "training.epochs": 50})
    began_s = time.time()
    with _started_cold(cold):
        experiment.train(beside=True)
    first_s = _await_first_metric_s(experiment)
    experiment.delete()
    return first_s - began_s


class _started_cold:  # noqa: N801 - reads as a phrase
    """Make the next start a cold one by hiding the warm process for its length."""

    def __init__(self, cold: bool) -> None:
        self.cold = cold

    def __enter__(self) -> None:
        self._ask = warm.ask
        if self.cold:
            warm.ask = lambda request: {"refused": "a cold start, to be measured"}

    def __exit__(self, *_: object) -> None:
        warm.ask = self._ask


def _await_first_metric_s(experiment: Experiment) -> float:
    from nbtrain.runs.journal import JournalReader

    run = experiment.run
    if run is None:
        raise RuntimeError("the experiment has no run")
    reader, end_s = JournalReader(run.events), time.monotonic() + 120
    while time.monotonic() < end_s:
        for message in reader.read():
            if isinstance(message, Metric):
                return message.t_s
        time.sleep(0.01)
    raise RuntimeError(f"no step within two minutes: {experiment.status} {experiment.error}")
