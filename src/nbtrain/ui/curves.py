"""The charts, drawn with bqplot, and nowhere else. Cards, legends and the cursor around them are ``js/src/curves.ts``.

Four figures share one horizontal scale. Each has one mark that holds all its curves, so the number of widgets never
changes; an update is one message per figure, with at most 1 000 points per curve. The first curve of each mark is
invisible: it gives the chart round ends, so that the axes are drawn anew only when a curve outgrows them. The figures
are made after the page's first paint, and bqplot is imported on a thread of its own as soon as the page has painted: it
brings pandas along, which the first paint needs none of. It reads histories; it knows no run folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Layout
from traitlets import Bool, Dict, Float, List, Unicode

from nbtrain.project.experiment import Experiment
from nbtrain.ui.drawn import Drawn, Points
from nbtrain.ui.group import close_all
from nbtrain.ui.panel import Panel
from nbtrain.ui.thinning import Curve, dashed, frame, stacked

if TYPE_CHECKING:
    import bqplot

KEYS = ("loss", "metric", "lr", "machine")
_METRICS = ("accuracy", "map", "f1", "top5", "precision", "recall", "auroc")
_NAMES = {"f1": "F1 (macro)", "map": "mAP", "top5": "Top-5 accuracy", "auroc": "AUROC (macro)"}
_USAGE = {"images_per_s": "Images per second", "cpu_percent": "Trainer CPU %", "memory_mib": "Trainer memory, MiB"}
_GPU = {"gpu_memory_mib": "GPU memory, MiB"}
_GRID = "dashed"
"""With any other kind bqplot asks the browser for every tick's computed style in every update, which makes it work out
the style of the whole page each time. The style sheet draws them solid."""
_FAINT, _LONG_S, _COLORS = 0.3, 600.0, 8


@dataclass(frozen=True)
class Line:
    """One curve of a chart, thinned."""

    label: str
    color: str
    x: Curve
    y: Curve
    faint: bool = False


class Curves(Panel, twin="curves"):
    """Loss, metric, learning rate and machine of one experiment, with others laid over it."""

    GAP_S, COMPANY_S = 0.3, 0.2

    charts = List(Dict(), help="Key, title, figure, log, legend and options of every chart.").tag(sync=True)
    compared = List(Dict(), help="Name and colour of every experiment, where several are shown.").tag(sync=True)
    axis = Unicode("step", help="What the horizontal axis counts: step, epoch or time.").tag(sync=True)
    unit_s = Float(1.0, help="Seconds per unit of the time axis: 1, or 60 for long runs.").tag(sync=True)
    smoothing = Float(0.0, help="Weight of the moving average, 0…0.98.").tag(sync=True)
    shown = Bool(help="Whether there is, or soon will be, something to draw.").tag(sync=True)
    waiting = Bool(help="Whether the first numbers are still to come.").tag(sync=True)
    painted = Bool(help="Whether the page has painted once; the browser tells.").tag(sync=True)

    def __init__(self, experiment: Experiment | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._figures: dict[str, bqplot.Figure] = {}
        self._replaced: list[bqplot.Scale] = []
        """Scales that have been replaced; the page may still draw by them."""
        self._logs: set[str] = set()
        self._chosen: dict[str, str] = {}
        self._known = Drawn()
        self.show(experiment)
        self.observe(self.soon, "painted")
        self.observe(lambda _: _load_bqplot(), ["painted"])

    def show(self, experiment: Experiment | None, compared: Sequence[tuple[int, Experiment]] = ()) -> None:
        """Show another experiment, or none; ``compared`` are laid over it, each with its place in the palette."""
        self.unfollow()
        self.experiment, self._compared = experiment, tuple(compared)
        for one in [*([experiment] if experiment else []), *(other for _, other in compared)]:
            self.follow(one, "beat", "name")
        self._drawn: Any = None
        self.redraw()

    def close(self) -> None:
        """Take the figures off all pages too."""
        close_all(*self._figures.values(), *self._replaced)
        super().close()

    # -- drawing ------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw what has changed since the last time."""
        with self.hold_sync():
            self.shown = self._has_something_to_show()
            if not (self.shown and self.painted):
                return
            state = self._state()
            if state != self._drawn:
                self._drawn = state
                self._draw()

    def _has_something_to_show(self) -> bool:
        """Return whether there are numbers, or will be: a run that ended before its first has no charts."""
        running = self.experiment is not None and self.experiment.running
        return running or any(one.curves.version for one in self._all())

    def _state(self) -> Any:
        """Return all that the picture depends on, cheaply."""
        versions = [(e.id, e.name, e.run_path, e.curves.version, e.story.usage_rows.version) for e in self._all()]
        return versions, self.axis, self.smoothing, frozenset(self._logs), tuple(self._chosen.items())

    def _all(self) -> list[Experiment]:
        return [*([self.experiment] if self.experiment else []), *(e for _, e in self._compared)]

    def _draw(self) -> None:
        if not self._figures:
            self._figures = figures()
        self.unit_s = self._unit_s()
        lines = {key: list(self._lines(key)) for key in KEYS}
        for key in KEYS:
            self._fill(key, lines[key])
        self.waiting = not any(len(line.x) for line in lines["loss"])
        self.compared = [{"label": e.name, "color": f"var({color})"} for e, color in self._palette() if color]
        self.charts = [self._card(key, lines[key]) for key in KEYS]

    def _fill(self, key: str, lines: list[Line]) -> None:
        """Put the curves into their mark: one message, and none where nothing has changed."""
        mark = self._figures[key].marks[0]
        rows = dashed([(line.x, line.y) for line in lines])
        x_RN, y_RN = stacked([frame(rows, log=key in self._logs), *rows])
        if key in self._logs:
            y_RN[~(y_RN > 0)] = np.nan
        with mark.hold_sync():
            if not (_same(mark.x, x_RN) and _same(mark.y, y_RN)):  # bqplot compares no arrays
                mark.x, mark.y = x_RN, y_RN
            mark.labels = ["", *(line.label for line in lines)]
            mark.colors = ["transparent", *(f"var({line.color})" for line in lines)]
            mark.opacities = [0.0, *(_FAINT if line.faint else 1.0 for line in lines)]

    def _card(self, key: str, lines: list[Line]) -> dict[str, Any]:
        legend = [{"label": line.label, "color": f"var({line.color})"} for line in lines if not line.faint]
        options = self._options(key)
        return {
            "key": key,
            "title": {"loss": "Loss", "lr": "Learning rate"}.get(key, ""),
            "figure": f"IPY_MODEL_{self._figures[key].model_id}",
            "log": key in self._logs,
            "legend": legend,
            "options": [{"value": name, "label": label} for name, label in options.items()],
            "option": self._option(key),
            "share": key == "metric",
        }

    # -- what is drawn ------------------------------------------------------------------------------------------

    def _options(self, key: str) -> dict[str, str]:
        if key == "metric":
            said = [pair for e in self._all() for pair in e.curves.keys()]  # noqa: SIM118 - a history is no dict
            known = {name for split, name in said if split == "val"}
            shown = [name for name in _METRICS if name in known] or ["accuracy"]
            return {name: _NAMES.get(name, name.capitalize()) for name in shown}
        if key == "machine":
            has_gpu = any(e.story.usage.get("gpu_memory_mib", 0) > 0 for e in self._all())
            return {**_USAGE, **(_GPU if has_gpu else {})}
        return {}

    def _option(self, key: str) -> str:
        options = self._options(key)
        chosen = self._chosen.get(key, "")
        return chosen if chosen in options else next(iter(options), "")

    def _lines(self, key: str) -> Iterator[Line]:
        """Yield a chart's curves: raw ones under smoothed ones first, those with a legend last."""
        raw = [line for experiment, own in self._palette() for line in self._of(key, experiment, own)]
        if self.smoothing > 0 and key in ("loss", "metric"):
            yield from (Line(ln.label, ln.color, ln.x, ln.y, faint=True) for ln in raw)
            raw = [line for e, own in self._palette() for line in self._of(key, e, own, self.smoothing)]
        yield from sorted(raw, key=lambda line: not line.faint)

    def _palette(self) -> Iterator[tuple[Experiment, str]]:
        """Yield the experiments with their colour; alone, an experiment has one colour per split instead."""
        if self.experiment is not None:
            yield self.experiment, "--c1" if self._compared else ""
        for place, other in self._compared:
            yield other, f"--c{place % (_COLORS - 1) + 2}"

    def _of(self, key: str, experiment: Experiment, color: str, smoothing: float = 0.0) -> Iterator[Line]:
        for source, split, name, label, own, faint in self._series(key):
            history = experiment.curves if source == "curves" else experiment.story.usage_rows
            found = self._known.points(history, split, name, smoothing)
            if len(found.y):
                curve = self._x(experiment, source, found), found.y
                yield Line(experiment.name if color else label, color or own, *curve, faint=faint and bool(color))

    def _series(self, key: str) -> list[tuple[str, str, str, str, str, bool]]:
        """Return what a chart draws of an experiment: where from, split, name, label, colour, faint when compared."""
        if key == "loss":
            train, val = ("curves", "train", "loss", "train", "--train"), ("curves", "val", "loss", "val", "--val")
            return [(*train, True), (*val, False)]
        if key == "metric":
            return [("curves", "val", self._option(key), "val", "--val", False)]
        if key == "lr":
            return [("curves", "train", "lr", "", "--train", False)]
        return [("usage", "train", self._option(key), "", "--train", False)]

    def _x(self, experiment: Experiment, source: str, found: Points) -> Curve:
        if self.axis == "time":
            return np.maximum(0, found.t_s - (experiment.started_s or found.t_s[0])) / self.unit_s
        if self.axis == "epoch":
            return self._epochs(experiment, found.step) if source == "usage" else found.epoch
        return found.step

    def _epochs(self, experiment: Experiment, step_N: Curve) -> Curve:
        """Return the epochs at which steps were done, from training rows that name both."""
        rows = self._known.points(experiment.curves, "train", "loss")
        return np.interp(step_N, rows.step, rows.epoch) if len(rows.y) else step_N

    def _unit_s(self) -> float:
        longest_s = max((e.duration_s for e in self._all()), default=0.0)
        return 60.0 if longest_s > _LONG_S else 1.0

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_axis(self, axis: str) -> None:
        """Count steps, epochs or time on the horizontal axis."""
        if axis in ("step", "epoch", "time"):
            self.axis = axis

    def do_smooth(self, smoothing: float) -> None:
        """Smooth loss and metric; 0 shows them as they were said."""
        self.smoothing = min(0.98, max(0.0, float(smoothing)))

    def do_log(self, key: str, log: bool) -> None:
        """Draw a chart on a logarithmic or a linear scale."""
        import bqplot

        figure = self._figures[key]
        scale = bqplot.LogScale() if log else bqplot.LinearScale()
        self._logs = self._logs | {key} if log else self._logs - {key}
        self._replaced.append(figure.axes[1].scale)
        figure.marks[0].scales = {**figure.marks[0].scales, "y": scale}
        figure.axes[1].scale = scale

    def do_option(self, key: str, option: str) -> None:
        """Choose which number a chart shows."""
        self._chosen = {**self._chosen, key: option}


def _load_bqplot() -> None:
    Thread(target=import_module, args=("bqplot",), name="nbtrain-import", daemon=True).start()


def figures() -> dict[str, bqplot.Figure]:
    """Return the four figures; they share all that can be shared, because each widget costs a message."""
    import bqplot

    x, unit, layout = (
        bqplot.LinearScale(),
        bqplot.LinearScale(min=0, max=1, allow_padding=False),
        Layout(height="152px"),
    )
    below = bqplot.Axis(scale=x, grid_lines=_GRID)
    return {key: _figure(key, x, unit, below, layout) for key in KEYS}


def _figure(key: str, x: Any, unit: Any, below: Any, layout: Layout) -> bqplot.Figure:
    import bqplot

    y = bqplot.LinearScale()
    x_RN, y_RN = stacked([])
    scales = {"x": x, "y": y}
    mark = bqplot.Lines(x=x_RN, y=y_RN, scales=scales, stroke_width=1.6, colors=["var(--train)"])
    left = bqplot.Axis(scale=y, side="left", grid_lines=_GRID)
    margin = {"top": 8, "bottom": 24, "left": 48, "right": 12}
    return bqplot.Figure(
        marks=[mark],
        axes=[below, left],
        scale_x=unit,
        scale_y=unit,
        layout=layout,
        fig_margin=margin,
        animation_duration=0,
        display_toolbar=False,
        padding_y=0.04,
    )


def _same(one: Any, other: np.ndarray) -> bool:
    return np.shape(one) == other.shape and np.array_equal(one, other, equal_nan=True)
