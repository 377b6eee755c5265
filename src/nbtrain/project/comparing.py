"""Experiments side by side: what each reached, and in which settings they differ.

Metrics are those of one moment, the best epoch of the run, whose checkpoint would be used: the best of each metric by
itself would be numbers that no network has. It reads experiments; it draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrain.errors import StatusError
from nbtrain.project.rows import side_by_side

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.experiment import Experiment

LOWER_IS_BETTER = frozenset({"loss"})
"""Metrics of which less is more."""
FIRST = ("accuracy", "top5", "map", "f1", "precision", "recall", "auroc", "loss")
"""Metrics in the order in which people ask for them; others follow by name."""


@dataclass(frozen=True)
class Reached:
    """What a run had reached at its best epoch, or at its last where no metric is watched."""

    epoch: float
    metrics: dict[str, float]


class Comparison:
    """Some experiments of a project; the first is what the others are compared with."""

    def __init__(self, experiments: Sequence[Experiment]) -> None:
        """Take at least one; raises StatusError for none."""
        if not experiments:
            raise StatusError("there is nothing to compare", advice="Give two experiments or more.")
        self.experiments = tuple(experiments)

    @property
    def reached(self) -> list[Reached | None]:
        """Validation metrics of each at its best epoch; None before the first validation."""
        return [reached(experiment) for experiment in self.experiments]

    @property
    def names(self) -> list[str]:
        """The metrics that any of them has, the usual ones first."""
        return names_of(self.reached)

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per experiment: name, status, epoch, and the metrics at that epoch."""
        import pandas as pd

        ids, reached = [experiment.id for experiment in self.experiments], self.reached
        rows = [
            {"name": e.name, "status": e.status, "epoch": one.epoch if one else None, **(one.metrics if one else {})}
            for e, one in zip(self.experiments, reached, strict=True)
        ]
        return pd.DataFrame(rows, columns=["name", "status", "epoch", *names_of(reached)], index=ids)

    @property
    def differences(self) -> list[dict[str, Any]]:
        """A row for every setting in which one differs from the first: path, label, and the values in words."""
        return side_by_side([experiment.config for experiment in self.experiments])

    @property
    def settings(self) -> pd.DataFrame:
        """The same as a data frame: one row per setting, one column per experiment."""
        import pandas as pd

        rows = self.differences
        columns = [experiment.id for experiment in self.experiments]
        return pd.DataFrame([row["values"] for row in rows], columns=columns, index=[row["path"] for row in rows])


def reached(experiment: Experiment) -> Reached | None:
    """Return the validation metrics of an experiment at its best epoch; None before the first validation."""
    history = experiment.curves
    names = [name for split, name in history.keys() if split == "val"]  # noqa: SIM118 - a history is no dict
    said = {name: history.series("val", name) for name in names}
    if not said:
        return None
    _, epochs, _ = said[names[0]]
    best = experiment.best.get("epoch")
    at = int(np.abs(epochs - best).argmin()) if best is not None else len(epochs) - 1
    values = {name: float(values[at]) for name, (_, _, values) in said.items() if at < len(values)}
    return Reached(float(epochs[at]), {name: value for name, value in values.items() if np.isfinite(value)})


def names_of(reached: Sequence[Reached | None]) -> list[str]:
    """Return the metrics that any of these has, the usual ones first."""
    return ordered({name for one in reached if one for name in one.metrics})


def best_of(name: str, values: Sequence[float | None]) -> int | None:
    """Return which of the values is the best for a metric; None where there are fewer than two, or all are equal."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(set(known)) == 1:
        return None
    return values.index(min(known) if name in LOWER_IS_BETTER else max(known))


def ordered(names: set[str]) -> list[str]:
    """Return metrics in the order in which people ask for them."""
    return [name for name in FIRST if name in names] + sorted(names - set(FIRST))
