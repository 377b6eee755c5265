"""The history of a run: every metric that was said, in columns that charts and data frames read.

Rows of one split share their step, epoch and time; a metric that a row lacks is NaN, and a NaN metric is a gap in
the curve. This file knows numbers; it does not know files, traits or charts.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nbtrain.messages import Metric

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
_NAN = float("nan")


class _Table:
    """The rows of one split: growing arrays of doubles, all of one length."""

    def __init__(self) -> None:
        self.step, self.epoch, self.t_s = array("d"), array("d"), array("d")
        self.values: dict[str, array[float]] = {}

    def add(self, metric: Metric) -> None:
        rows = len(self.step)
        self.step.append(metric.step)
        self.epoch.append(metric.epoch)
        self.t_s.append(metric.t_s)
        for name, value in metric.values.items():
            if name not in self.values:
                self.values[name] = array("d", [_NAN]) * rows
            self.values[name].append(value)
        for column in self.values.values():
            if len(column) <= rows:
                column.append(_NAN)

    def cut(self, step: int) -> Iterator[tuple[int, dict[str, float]]]:
        keep = len(self.step)
        while keep and self.step[keep - 1] > step:
            keep -= 1
            yield int(self.step[keep]), {name: column[keep] for name, column in self.values.items()}
        for column in (self.step, self.epoch, self.t_s, *self.values.values()):
            del column[keep:]


class History:
    """All metrics of one run, by split and name; ``version`` grows with every change.

    Told on the watch thread and read on any: an array that numpy is copying cannot grow.
    """

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._guard = threading.Lock()
        self.version = 0

    def add(self, metric: Metric) -> None:
        """Append one message."""
        with self._guard:
            self._tables.setdefault(metric.split, _Table()).add(metric)
            self.version += 1

    def cut(self, step: int) -> dict[tuple[str, int], dict[str, float]]:
        """Drop what was said of steps after ``step``, which a resume says again; return it by split and step."""
        with self._guard:
            dropped = {(split, at): row for split, table in self._tables.items() for at, row in table.cut(step)}
            self.version += bool(dropped)
        return dropped

    def keys(self) -> list[tuple[str, str]]:
        """Return the (split, name) pairs that have numbers."""
        with self._guard:
            return [(split, name) for split, table in self._tables.items() for name in table.values]

    def series(self, split: str, name: str) -> tuple[Column, Column, Column]:
        """Return steps, epochs and values of one metric, equally long; empty where it was never said."""
        with self._guard:
            table = self._tables.get(split)
            if table is None or name not in table.values:
                return np.empty(0), np.empty(0), np.empty(0)
            return np.array(table.step), np.array(table.epoch), np.array(table.values[name])

    def times_s(self, split: str) -> Column:
        """Return the wall-clock times (seconds since 1970) of a split's rows."""
        with self._guard:
            table = self._tables.get(split)
            return np.array(table.t_s) if table else np.empty(0)

    def latest(self) -> dict[str, dict[str, float]]:
        """Return the newest value of every metric, by split."""
        with self._guard:
            return {s: {n: c[-1] for n, c in t.values.items() if len(c)} for s, t in self._tables.items()}

    def frame(self) -> pd.DataFrame:
        """Return all rows as a data frame: step, epoch, split, time, and one column per metric."""
        import pandas as pd

        with self._guard:
            frames = [pd.DataFrame(self._columns(split, table)) for split, table in self._tables.items()]
        if not frames:
            return pd.DataFrame(columns=["step", "epoch", "split", "time"])
        return pd.concat(frames, ignore_index=True).sort_values("step", kind="stable", ignore_index=True)

    def _columns(self, split: str, table: _Table) -> Mapping[str, object]:
        import pandas as pd

        first = {"step": np.array(table.step, dtype=int), "epoch": np.array(table.epoch), "split": split}
        times = pd.to_datetime(np.array(table.t_s), unit="s")
        return {**first, "time": times, **{name: np.array(column) for name, column in table.values.items()}}
