"""The quickstart's promise: handwritten digits, from ``train()`` to completed, with its accuracy.

A person's clock: it starts when training is asked for and ends when the experiment says completed, model building,
data scan, validation and checkpoints included.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.table import Row
from nbtrain import demo

TITLE = "Quickstart: 1 797 real handwritten digits"
SEEDS = (42, 1, 2)
MIN_ACCURACY, MAX_WALL_S = 0.985, 40.0


def measure() -> list[Row]:
    """Return validation accuracy and wall time of the quickstart's settings for three seeds."""
    accuracy, wall_s = [], []
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        project = demo.digits(Path(folder) / "digits")
        project.warm_up()
        time.sleep(15)  # a person reads the page meanwhile; the warm process gets ready
        for seed in SEEDS:
            experiment = project.new(f"seed {seed}")
            experiment.set("training.seed", seed)
            began_s = time.perf_counter()
            status = experiment.train().wait(300)
            wall_s.append(time.perf_counter() - began_s)
            if status != "completed":
                raise RuntimeError(f"{status}: {experiment.error}")
            accuracy.append(float(experiment.best["value"]))
        project.close()
    return [
        Row("best validation accuracy", "fraction", tuple(accuracy), MIN_ACCURACY, more_is_better=True),
        Row("train() to completed", "s", tuple(wall_s), MAX_WALL_S),
    ]
