"""The history of a run: every metric that was said, in columns that charts and data frames read.

Rows of one split share their step, epoch and time; a metric that a row lacks is NaN, and a NaN metric is a gap in
the curve. Appending costs the same however much there is, and whoever has read the first rows can go on from there.
This file knows numbers; it does not know files, traits or charts.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nbtrain.messages import Metric

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
_NAN = float("nan")
_VALUES = "values."


class _Table:
    """The rows of one split: growing arrays of doubles, all of one length."""

    def __init__(self) -> None:
        self.step, self.epoch, self.t_s = array("d"), array("d"), array("d")
        self.values: dict[str, array[float]] = {}

    def add(self, metrics: Sequence[Metric]) -> None:
        rows = len(self.step)
        self.step.extend([metric.step for metric in metrics])
        self.epoch.extend([metric.epoch for metric in metrics])
        self.t_s.extend([metric.t_s for metric in metrics])
        for name in dict.fromkeys(name for metric in metrics for name in metric.values):
            if name not in self.values:
                self.values[name] = array("d", [_NAN]) * rows
        for name, column in self.values.items():
            column.extend([metric.values.get(name, _NAN) for metric in metrics])

    def cut(self, step: int) -> Iterator[tuple[int, dict[str, float]]]:
        keep = len(self.step)
        while keep and self.step[keep - 1] > step:
            keep -= 1
            yield int(self.step[keep]), {name: column[keep] for name, column in self.values.items()}
        for column in (self.step, self.epoch, self.t_s, *self.values.values()):
            del column[keep:]

    def columns(self) -> dict[str, Column]:
        first = {"step": self.step, "epoch": self.epoch, "t_s": self.t_s}
        named = {f"{_VALUES}{name}": column for name, column in self.values.items()}
        return {name: np.array(column) for name, column in (first | named).items()}

    @classmethod
    def of(cls, columns: Mapping[str, Column]) -> _Table:
        made = cls()
        made.step, made.epoch, made.t_s = (_doubles(columns[name]) for name in ("step", "epoch", "t_s"))
        for name, column in columns.items():
            if name.startswith(_VALUES):
                made.values[name.removeprefix(_VALUES)] = _doubles(column)
        if {len(column) for column in (made.epoch, made.t_s, *made.values.values())} != {len(made.step)}:
            raise ValueError("columns of one split differ in length")
        return made


def _doubles(column: Column) -> array[float]:
    made = array("d")
    made.frombytes(np.ascontiguousarray(column, dtype=np.float64).view(np.uint8).data)
    return made


class History:
    """All metrics of one run, by split and name; ``version`` grows with every change.

    Told on the watch thread and read on any: an array that numpy is copying cannot grow.
    """

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._guard = threading.Lock()
        self.version = 0
        self.cuts = 0
        """How often rows were dropped: whoever remembers rows by their number has to begin anew."""

    def add(self, *metrics: Metric) -> None:
        """Append messages, in their order."""
        with self._guard:
            for split, some in groupby(metrics, key=lambda metric: metric.split):
                self._tables.setdefault(split, _Table()).add(list(some))
            self.version += len(metrics)

    def cut(self, step: int) -> dict[tuple[str, int], dict[str, float]]:
        """Drop what was said of steps after ``step``, which a resume says again; return it by split and step."""
        with self._guard:
            dropped = {(split, at): row for split, table in self._tables.items() for at, row in table.cut(step)}
            self.version += bool(dropped)
            self.cuts += bool(dropped)
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

    def values_from(self, split: str, name: str, row: int = 0) -> tuple[int, Column]:
        """Return :attr:`cuts`, and the values of one metric from the ``row``-th on; empty where it was never said."""
        with self._guard:
            table = self._tables.get(split)
            column = table.values.get(name) if table else None
            return self.cuts, np.empty(0) if column is None else np.frombuffer(column)[row:].copy()

    def places(self, split: str, rows_N: NDArray[np.intp], cuts: int) -> tuple[Column, Column, Column] | None:
        """Return steps, epochs and wall-clock times (seconds since 1970) of some rows of a split, by their numbers.

        None where rows have been dropped since :attr:`cuts` was ``cuts``: the numbers mean others now.
        """
        with self._guard:
            if cuts != self.cuts:
                return None
            table = self._tables[split]
            # The views go before the lock does: an array that is seen cannot grow.
            step, epoch, t_s = (np.frombuffer(column)[rows_N] for column in (table.step, table.epoch, table.t_s))
            return step, epoch, t_s

    def columns(self) -> dict[str, dict[str, Column]]:
        """Return everything by split: ``step``, ``epoch``, ``t_s``, then ``values.<name>``, for from_columns()."""
        with self._guard:
            return {split: table.columns() for split, table in self._tables.items()}

    @classmethod
    def from_columns(cls, splits: Mapping[str, Mapping[str, Column]]) -> History:
        """Return a history that holds these columns; raises ValueError where they are not of one length."""
        made = cls()
        made._tables = {split: _Table.of(columns) for split, columns in splits.items()}
        made.version = sum(len(table.step) for table in made._tables.values())
        return made

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
