"""What stands below the charts: metrics now and at their best, classes, data, notices, what auto became, speed, log.

It reads the experiment and the run's log file; it changes nothing.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from traitlets import Dict, List, Unicode

from nbtrain import files
from nbtrain.advice.running import recent
from nbtrain.project import branches
from nbtrain.project.comparing import ordered
from nbtrain.project.datachange import DataChange
from nbtrain.project.experiment import Experiment
from nbtrain.project.history import History
from nbtrain.training import phases
from nbtrain.ui.following import Following
from nbtrain.ui.live_fields import plain_text
from nbtrain.ui.standing import STEP_S

_LOG_BYTES = 6000
_LOAD = ("cpu_percent", "memory_mib")


class Details(Following, twin="details"):
    """Metric table, per-class table, data, notices, resolved values and log of one experiment."""

    GAP_S, COMPANY_S = STEP_S, 0.25
    WATCHED = ("beat", "data_info")

    status = Unicode(help="The experiment's status, empty without an experiment.").tag(sync=True)
    metrics = List(Dict(), help="Name, value now, best value and its epoch of every validation metric.").tag(sync=True)
    per_class = Dict(help="Columns and rows of the newest validation, class by class.").tag(sync=True)
    facts = List(Dict(), help="Label and value of what is known of the data.").tag(sync=True)
    notices = List(Unicode(), help="What the data or the trainer want known.").tag(sync=True)
    resolved = List(Dict(), help="Path, value and reason of every auto.").tag(sync=True)
    speed = List(Dict(), help="Label and value of how fast the run trains; its newest reports.").tag(sync=True)
    phases = List(Dict(), help="Phase, seconds, share, time per step and meaning, where it was profiled.").tag(
        sync=True
    )
    changes = List(Dict(), help="What was changed since the run began: step, and path, old and value, or text.").tag(
        sync=True
    )
    log = Unicode(help="The last lines of the trainer's output.").tag(sync=True)

    def state(self) -> dict[str, Any]:
        """Return what is known of the experiment's results."""
        experiment = self.experiment
        if experiment is None or experiment.status == "created":
            names = ("metrics", "facts", "notices", "resolved", "speed", "phases", "changes")
            return {"status": "", "per_class": {}, "log": "", **{name: [] for name in names}}
        told = [notice["text"] for notice in experiment.notices if not notice["about"]]  # else advice tells it
        return {
            "status": experiment.status,
            "metrics": metric_rows(experiment.curves),
            "per_class": class_table(experiment.per_class),
            "facts": facts_of(experiment.data_info, branches.text(experiment.lineage), experiment.data_change),
            "notices": [*experiment.data_info.get("notices", []), *told],
            "resolved": [
                {"path": path, "value": str(item.get("value")), "reason": item.get("reason", "")}
                for path, item in experiment.resolved.items()
            ],
            "speed": speed_of(experiment),
            "phases": phases_of(experiment.run_path),
            "changes": changes_of(experiment),
            "log": log_tail(Path(experiment.run_path) / "log.txt") if experiment.run_path else "",
        }


def metric_rows(history: History) -> list[dict[str, Any]]:
    """Return now, best and the best's epoch for each validation metric, the most telling first."""
    known = {name for split, name in history.keys() if split == "val"}  # noqa: SIM118 - a history is no dict
    return [_metric_row(history, name) for name in ordered(known)]


def _metric_row(history: History, name: str) -> dict[str, Any]:
    _, epochs, values = history.series("val", name)
    if not np.isfinite(values).any():
        return {"name": name, "now": None, "best": None, "epoch": None}
    at = int(np.nanargmin(values) if name == "loss" else np.nanargmax(values))
    return {"name": name, "now": finite(values[-1]), "best": finite(values[at]), "epoch": float(epochs[at])}


def finite(value: Any) -> Any:
    """Return ``value``, or None for a number that JSON does not have."""
    if not isinstance(value, float):
        return value
    return float(value) if math.isfinite(value) else None


def class_table(told: dict[str, Any]) -> dict[str, Any]:
    """Return the per-class numbers with a name over every column."""
    rows = [[finite(cell) for cell in row] for row in told.get("rows", ())]
    if not rows:
        return {}
    columns = list(told.get("columns", ()))
    first = ["class", "support"][: max(0, len(rows[0]) - len(columns))]
    return {"columns": [*first, *columns], "rows": rows}


def changes_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Return what was changed since the start by step: by a person, or by the trainer, which says why in ``text``."""
    asked = [
        {**change, "old": plain_text(change["old"]), "value": plain_text(change["value"])}
        for change in experiment.changes
    ]
    own = [{"step": told["step"], "text": told["text"]} for told in experiment.recoveries]
    return sorted([*asked, *own], key=lambda row: row["step"])


def facts_of(info: dict[str, Any], branched: str = "", change: DataChange | None = None) -> list[dict[str, str]]:
    """Return the data set's facts, and where a branch begins, as label and value, the telling ones first."""
    if not info:
        return []
    sets = (("train", "training"), ("val", "validation"), ("test", "test"))
    shares = [f"{info[key]:,} {word}".replace(",", "\u202f") for key, word in sets if info.get(key)]
    classes = info.get("classes", [])
    rows = [
        ("Data set", str(info.get("name", ""))),
        ("Images", " · ".join(shares)),
        ("Classes", f"{len(classes)}: " + ", ".join(f"{name} ({count})" for name, count in classes[:30])),
        ("Folder", str(info.get("path", ""))),
        ("Content", str(info.get("hash", ""))[:16]),
        ("Since this run", str(change or "")),
        ("Branched from", branched),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def speed_of(experiment: Experiment) -> list[dict[str, str]]:
    """Return how fast the run trains, or trained at last, and what share of the time it waits for data."""
    now = {name: experiment.story.usage_of(name) for name in ("images_per_s", "waiting", *_LOAD)}
    if not now["waiting"]:
        return []
    numbers = {name: recent(values) for name, values in now.items()}
    rows = [
        ("Training speed", f"{numbers['images_per_s']:,.0f} images/s".replace(",", "\u202f")),
        ("Waiting for data", f"{100 * numbers['waiting']:.0f} % of the time"),
        ("Processor", f"{numbers['cpu_percent']:.0f} %, where 100 is one core"),
        ("Memory", f"{numbers['memory_mib']:.0f} MiB"),
    ]
    return [{"label": label, "value": value} for label, value in rows]


def phases_of(run: str) -> list[dict[str, Any]]:
    """Return where the time of a run went, phase by phase; nothing where it was not profiled."""
    try:
        return _phases(run, (Path(run) / phases.FILE).stat().st_mtime_ns) if run else []
    except OSError:
        return []


@lru_cache(maxsize=16)
def _phases(run: str, changed_ns: int) -> list[dict[str, Any]]:
    found = phases.read(Path(run))
    keys = (*phases.COLUMNS, "meaning")
    return [dict(zip(keys, (*row, phases.MEANING[row[0]]), strict=True)) for row in found.rows] if found else []


def log_tail(path: Path) -> str:
    """Return the last lines of a log file; empty where there is none."""
    try:
        with open(path, "rb", opener=files.ordinary) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return text if size <= _LOG_BYTES else text.partition("\n")[2]
