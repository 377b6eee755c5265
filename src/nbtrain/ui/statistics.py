"""Statistics of a data set as charts that are tables too; a click on a bar shows its images.

Closed it costs nothing: charts are worked out, aside, when the view is opened, and only the rows that are seen are
sent. It knows charts and class weights; what is counted, data/inspection/charts.py says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from traitlets import Bool, Dict, List, Unicode

from nbtrain.data.edit_log import stat_of
from nbtrain.data.inspection import store
from nbtrain.data.inspection.charts import Chart, Charts
from nbtrain.data.records import counted
from nbtrain.data.splits import Split
from nbtrain.escaping import csv_text
from nbtrain.project.automatic import automatic
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.experiment import Experiment
from nbtrain.project.statistics import EFFECTIVE, WEIGHTS, charts_of, weights_of
from nbtrain.training.losses import Loss
from nbtrain.ui.aside import Aside
from nbtrain.ui.panel import Panel

IMAGES, STATISTICS = "images", "statistics"
FEW, MORE = 12, 50
"""Rows that are sent of a chart with names, and how many more each time."""
ShowImages = Callable[[str, Sequence[tuple[str, str]]], None]


class Statistics(Panel, twin="statistics"):
    """The switch between images and statistics, and the statistics."""

    view = Unicode(IMAGES, help="What is shown beside the data set: images or statistics.").tag(sync=True)
    text = Unicode(help="What the charts are of, or what is being worked out, in words; empty for no data set.").tag(
        sync=True
    )
    busy = Bool(help="Whether something is being worked out.").tag(sync=True)
    failed = Unicode(help="Why the images could not be listed; empty where they were.").tag(sync=True)
    charts = List(
        Dict(),
        help="Each with key, title, kind, about, unit, said in words, rows that are seen, and all of them counted.",
    ).tag(sync=True)
    scan = Dict(help="Where the scan stands, as the panel beside says it: state, text, fraction.").tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        """Show nothing yet."""
        self.show_images: ShowImages = lambda title, images: None
        """Is told what a click points at."""
        self.find: Callable[[str, str], None] = lambda label, part: None
        """Is told which class, and which set of it, to show."""
        self.start_scan: Callable[[], None] = lambda: None
        self.changed: Callable[[], None] = lambda: None
        """Is told that another view was chosen."""
        self._charts: Aside[tuple[Charts, Chart]] = Aside(self.soon)
        self._shown: tuple[Charts, Chart] | None = None
        self._drawn: Any = None
        self._most: dict[str, int] = {}
        self._data: LiveDataSet | None = None
        self._split: Split | None = None
        self._loss: Loss = EFFECTIVE
        self._reading: dict[str, str] = {}
        super().__init__(**kwargs)

    def show(
        self, data: LiveDataSet | None, split: Split | None, experiment: Experiment | None, beside: dict[str, Any]
    ) -> None:
        """Show a data set as ``split`` divides it; ``beside`` says how its scan and the reading of its images stand."""
        if (data and data.name) != (self._data and self._data.name):
            self._most, self._drawn, self.charts = {}, None, []
        self._data, self._split = data, split
        uses = experiment is not None and data is not None and experiment.config.data.dataset == data.name
        self._loss = experiment.config.loss if experiment is not None and uses else EFFECTIVE
        self._reading, self.scan = beside["reading"], beside["scan"]
        self.redraw()

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the charts, where somebody looks at them."""
        data = self._data
        if data is None:
            return {"text": "", "busy": False, "failed": "", "charts": []}
        if self._reading:
            text, failed = self._reading.get("text", ""), self._reading.get("trouble", "")
            return {"text": text or "Its images cannot be read.", "busy": bool(text), "failed": failed, "charts": []}
        of = f"{data.value.n_images:,} images in use".replace(",", "\u202f")
        if self.view != STATISTICS:
            return {"text": of, "busy": False, "failed": ""}
        found = self._charts.of(self._key(data), lambda: self._made(data))
        if found is None:
            told = self._charts.trouble
            return {"text": told or "Counting…", "busy": not told, "failed": told}
        self._shown = found
        return {"text": of + self._sets(data), "busy": False, "failed": "", **self._rows(*found)}

    def _sets(self, data: LiveDataSet) -> str:
        if self._split is None:
            return ""
        made = automatic(self._split.name, data.name)
        return f"; sets of the split {f'by {made.words}' if made else f'“{self._split.name}”'}"

    def _key(self, data: LiveDataSet) -> tuple[Any, ...]:
        now, scan = data.value, data.project.scan(data.name, start=False)
        split = self._split.hash if self._split else ""
        return (str(data.project.path), now.name, now.hash, split, stat_of(scan.folder / store.COLUMNS), self._loss)

    def _made(self, data: LiveDataSet) -> tuple[Charts, Chart]:
        """Count everything; called aside."""
        charts = charts_of(data, self._split)
        charts.tables()
        return charts, _weights(charts, self._loss)

    def _rows(self, charts: Charts, weights: Chart) -> dict[str, Any]:
        key = (id(charts), id(weights), tuple(self._most.items()))
        if key == self._drawn:
            return {}
        self._drawn = key
        return {"charts": [drawn(chart, self._most.get(chart.key, FEW)) for chart in _in_order(charts, weights)]}

    def _chart(self, key: str) -> Chart | None:
        if self._shown is None:
            return None
        charts, weights = self._shown
        return weights if key == WEIGHTS else charts[key] if key in charts.keys else None

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_view(self, view: str) -> None:
        """Show the images, or the statistics."""
        self.view = view if view in (IMAGES, STATISTICS) else IMAGES
        self.changed()

    def do_show(self, chart: str, row: int, part: str = "") -> None:
        """Show the images behind one bar; of a class also those of one set."""
        found = self._chart(chart)
        if found is None or self._shown is None or not 0 <= row < len(found.rows):
            return
        self.view = IMAGES
        if chart in ("classes", WEIGHTS):
            self.find(found.rows[row]["name"], part)
        else:
            records = self._shown[0].listing.records
            members = found.members(row).tolist()
            notes = _notes(found, members)
            files = [(records[place].file, note) for place, note in zip(members, notes, strict=True)]
            self.show_images(f"{found.title}: {named(found, row)}", files)
        self.changed()

    def do_more(self, chart: str) -> None:
        """Show more rows of a chart."""
        self._most[chart] = self._most.get(chart, FEW) + MORE

    def do_copy(self, chart: str, form: str = "csv") -> None:
        """Send a chart's whole table as CSV, or the line of code that makes it."""
        found, data = self._chart(chart), self._data
        if found is None or data is None:
            return
        if form == "python":
            split = repr(self._split.name) if self._split else ""
            text = f"project.dataset({data.name!r}).statistics({split})[{chart!r}]"
        else:
            columns = list(dict.fromkeys(name for row in found.rows for name in row))
            text = csv_text(columns, ([row.get(name, "") for name in columns] for row in found.rows))
        self.send({"copied": {"chart": chart, "form": form, "text": text}})

    def do_scan(self) -> None:
        """Open every image once."""
        self.start_scan()


def drawn(chart: Chart, most: int) -> dict[str, Any]:
    """Return a chart as it is sent: the rows that are seen, each with its number, the most frequent names first."""
    rows = list(enumerate(chart.rows))
    if chart.kind == "names":
        rows.sort(key=lambda pair: -int(pair[1]["images"] if "images" in pair[1] else pair[1]["train"]))
    if chart.kind in ("names", "pairs"):
        rows = rows[:most]
    return {
        "key": chart.key, "title": chart.title, "kind": chart.kind, "about": chart.about, "unit": chart.unit,
        "said": said(chart), "total": len(chart.rows), "columns": list(chart.rows[0]) if chart.rows else [],
        "rows": [{"row": row, **{name: _finite(value) for name, value in told.items()}} for row, told in rows],
        "names": [named(chart, row) for row, _ in rows],
        "largest": max((_size(row) for row in chart.rows), default=0),
    }  # fmt: skip


def said(chart: Chart) -> str:
    """Return what a chart shows in a few words."""
    values = chart.values
    if values is not None and chart.rows:
        known = values[~np.isnan(values)]
        low, middle, high = (short(v) for v in (known.min(), np.median(known), known.max()))
        unit = f"\u202f{chart.unit}" if chart.unit else ""
        lack = len(values) - len(known)
        told = f"all {low}{unit}" if low == high else f"median {middle}{unit}, {low} to {high}"
        return told + (f"; {counted(lack, 'image', 'images')} not scanned or unreadable" if lack else "")
    counts = sorted(row["images"] for row in chart.rows) if chart.key == "classes" else []
    if len(counts) > 1:
        many = counted(len(counts), "class", "classes")
        apart = f"; the largest has {counts[-1] / counts[0]:.3g} times the smallest" if counts[0] else ""
        return f"{many}, {short(counts[0])} to {short(counts[-1])} images{apart}"
    return ""


def named(chart: Chart, row: int) -> str:
    """Return what a bar stands for: "0.1 to 0.15", "PNG", "cat and dog"."""
    told = chart.rows[row]
    if chart.kind == "pairs":
        return f"{told['a']} and {told['b']}"
    if chart.kind == "grid":
        ends = [_range(told[f"{side}_from"], told[f"{side}_to"]) for side in ("width", "height")]
        return f"{' × '.join(ends)} px"
    if chart.kind == "names":
        return str(told["name"])
    unit = f"\u202f{chart.unit}" if chart.unit else ""
    return f"{_range(told['from'], told['to'])}{unit}"


def short(value: float) -> str:
    """Return a number in three digits, in groups of three where it is large."""
    return f"{value:,.0f}".replace(",", "\u202f") if abs(value) >= 1000 else f"{value:.3g}"


def _range(low: float, high: float) -> str:
    if low == high:
        return short(low)
    return f"{short(low)} and more" if high == math.inf else f"{short(low)} to {short(high)}"


def _notes(chart: Chart, members: Sequence[int]) -> list[str]:
    """Return the value of each image, where the chart has one."""
    if chart.values is None:
        return [""] * len(members)
    return [f"{short(value)}\u202f{chart.unit}".rstrip("\u202f") for value in chart.values[list(members)].tolist()]


def _weights(charts: Charts, loss: Loss) -> Chart:
    way = "none" if loss.class_weights == "none" else f"“{loss.class_weights}”"
    images = "training" if charts.sets else "all"
    about = (
        f"Factor of each class in a loss with class weights, by its {images} images (β {loss.beta:g}); in use: {way}."
    )
    members = charts["classes"].members
    return Chart(WEIGHTS, "Class weights", "names", about, weights_of(charts, loss), members)


def _in_order(charts: Charts, weights: Chart) -> list[Chart]:
    return [charts["classes"], weights, *(charts[key] for key in charts.keys if key != "classes")]


def _size(row: dict[str, Any]) -> float:
    """Return how long a row's bar is: images, objects, or the largest of its weights."""
    if "auto" in row:
        return max(float(row[way]) for way in ("auto", "effective", "given") if way in row)
    return float(row["objects"] if "from" in row and "objects" in row else row["images"])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
