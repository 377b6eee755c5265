"""Many classes: how long the numbers of an evaluation take, and how large its report is.

Predictions are made up. Ranking by places is what sorted scores are set against: the way that resamples go, for each
class by itself.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.table import Row
from nbtrain.evaluation import bootstrap, paired, scores, sheets, slices, tables
from nbtrain.evaluation.curves import Curves
from nbtrain.evaluation.folder import Record
from nbtrain.evaluation.predictions import Predictions
from nbtrain.evaluation.report import html

TITLE = "Evaluations of many classes"
SIZES = ((20_000, 1000), (5000, 10_000))
REPORT = (50_000, 1000)
LARGEST_MIB = 5.0


def measure() -> list[Row]:
    """Return seconds by part and size, and the report's seconds and MiB."""
    rows = list[Row]()
    for n, k in SIZES:
        found, other = _made(n, k, 0), _made(n, k, 1)
        told = f"{n} images × {k} classes"
        parts: dict[str, Callable[[], object]] = {
            "all metrics": lambda found=found: scores.values(found),
            "intervals": lambda found=found: bootstrap.intervals(found),
            "table of classes": lambda found=found: tables.per_class(found, bootstrap.class_intervals(found)),
            "curves of all classes at once": lambda found=found: Curves(found).sweep().places(160),
            "most confused": lambda found=found: tables.confused(found, 200),
            "slices by class": lambda found=found: slices.slices(found, slices.CLASS),
            "comparison": lambda found=found, other=other: paired.compare(found, other),
        }
        rows += [Row(f"{name}, {told}", "s", (_took_s(work),)) for name, work in parts.items()]
        fast_s, slow_s = (
            _took_s(lambda found=found: scores.ranked(found)),
            _took_s(lambda found=found: _by_places(found)),
        )
        rows.append(Row(f"ranking by places over sorted scores, {told}", "times", (slow_s / fast_s,)))
    n, k = REPORT
    found = _made(n, k, 0)
    record = _record(found)
    began_s = time.perf_counter()
    page = html("many", record, found, lambda file: np.zeros((64, 64, 3), np.uint8))
    rows += [
        Row(f"report, {n} images × {k} classes", "s", (time.perf_counter() - began_s,)),
        Row(f"report, {n} images × {k} classes", "MiB", (len(page.encode()) / 2**20,), LARGEST_MIB),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(Row(f"CSV, {n} images × {k} classes", "s", (_took_s(lambda: sheets.write(folder, record, found)),)))
        size_mib = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
    return [*rows, Row(f"CSV, {n} images × {k} classes", "MiB", (size_mib,))]


def _made(n: int, k: int, seed: int) -> Predictions:
    generator = np.random.default_rng(seed)
    targets = np.random.default_rng(9).integers(0, k, n)
    shares_NK = generator.standard_normal((n, k), np.float32)
    shares_NK[np.arange(n), targets] += 4
    np.exp(shares_NK, out=shares_NK)
    shares_NK /= shares_NK.sum(1, keepdims=True)
    losses = -np.log(shares_NK[np.arange(n), targets])
    names = tuple(f"class {place}" for place in range(k))
    return Predictions(names, tuple(f"{place}.png" for place in range(n)), shares_NK, targets, losses)


def _by_places(found: Predictions) -> None:
    once = np.ones((1, len(found)), np.float32)
    for place in range(len(found.classes)):
        scores.ranked_class(found.probabilities[:, place], found.truth[:, place], once)


def _record(found: Predictions) -> Record:
    return Record(
        part="val", run="0001", which="best", step=1, epoch=1, file="step-1.pt", sha256="", dataset="many",
        data_hash="", split="", split_hash="", task="classification", n_classes=len(found.classes),
        n_images=len(found), metrics=scores.values(found), intervals=bootstrap.intervals(found),
    )  # fmt: skip


def _took_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
