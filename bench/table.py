"""Rows of a benchmark: printed as a table, kept as JSON. It knows how to show figures, not how to measure them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One figure: its median over the rounds, the limit it is held to, and every single value."""

    name: str
    unit: str
    values: tuple[float, ...]
    limit: float | None = None
    more_is_better: bool = False
    note: str = ""
    """Why there is no value, where there is none."""

    @property
    def median(self) -> float:
        """The middle of all rounds: one disturbed round does not move it."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the limit holds; empty where there is none."""
        if self.limit is None or not self.values:
            return ""
        holds = self.median >= self.limit if self.more_is_better else self.median <= self.limit
        return "ok" if holds else "MISSED"


def show(title: str, rows: Sequence[Row]) -> None:
    """Print one benchmark's rows."""
    print(f"\n{title}")
    print(f"  {'':<58} {'median':>10} {'min':>10} {'max':>10}  {'unit':<8} {'limit':>8}")
    for row in rows:
        if not row.values:
            print(f"  {row.name}: {row.note}", flush=True)
            continue
        limit = "" if row.limit is None else f"{'≥' if row.more_is_better else '≤'} {row.limit:g}"
        low, high = min(row.values), max(row.values)
        print(
            f"  {row.name:<58} {row.median:>10.4g} {low:>10.4g} {high:>10.4g}  {row.unit:<8} {limit:>8}  {row.verdict}",
            flush=True,
        )


def keep(name: str, rows: Sequence[Row]) -> Path:
    """Write one benchmark's rows, with what they were measured on, to ``bench/results/<name>.json``."""
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**machine, "rows": [asdict(row) for row in rows]}, indent=1) + "\n", encoding="utf-8")
    return path
