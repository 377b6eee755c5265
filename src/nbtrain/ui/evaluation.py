"""The evaluation of one experiment: making one, and what it says, in tables, curves and a confusion matrix.

What a click points at (a cell, a kind of error, doubtful labels) is a list of images with a note each, and goes to the
gallery beside it. Evaluations make their own numbers; this file only puts them into shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from traitlets import Bool, Dict, Int, List, Unicode

from nbtrain import files
from nbtrain.errors import NbtrainError
from nbtrain.evaluation import scores
from nbtrain.evaluation.curves import MICRO
from nbtrain.project.evaluation import Evaluation
from nbtrain.project.experiment import Experiment
from nbtrain.training import kept
from nbtrain.ui.details import finite
from nbtrain.ui.following import Following

MOST_CELLS = 40
"""Classes up to which the whole matrix is shown; beyond, only what is confused most."""
_CONFUSED, _POINTS, _LISTED = 200, 200, 500
ShowImages = Callable[[str, Sequence[tuple[str, str]]], None]
"""Takes what the images have in common, and each file with a note."""


class EvaluationPanel(Following, twin="evaluation"):
    """Evaluations of one experiment, the chosen one in full."""

    WATCHED = ("status", "name", "run_path", "checkpoints")

    experiment_facts = Dict(help="Name and status of the experiment, and why it cannot be evaluated.").tag(sync=True)
    offered = Dict(help="What can be evaluated: parts and checkpoints, each with value and label.").tag(sync=True)
    listed = List(Dict(), help="Evaluations that are there, newest first: number and title.").tag(sync=True)
    number = Int(help="The one that is shown, 0 for none.").tag(sync=True)
    job = Dict(help="The one on its way: running, text, fraction, trouble.").tag(sync=True)
    outdated = Unicode(help="What has changed since, in words; empty where it still holds.").tag(sync=True)
    notices = List(Unicode(), help="What a person should know of it.").tag(sync=True)
    multilabel = Bool(help="Whether an image may have several labels.").tag(sync=True)
    metrics = List(Dict(), help="Name, label, value and the ends of its interval.").tag(sync=True)
    confusion = Dict(help="Classes and counts of the matrix, or the pairs that are confused most.").tag(sync=True)
    per_class = Dict(help="Columns and rows of the table of classes.").tag(sync=True)
    curve = Dict(help="Precision and recall, ROC and F1 of one class: points, best threshold.").tag(sync=True)
    reliability = List(List(), help="Bins of the calibration: confidence, share that is right, images.").tag(sync=True)
    slices = Dict(help="Parts of the images by one property: what is offered, and each part's metric.").tag(sync=True)
    said = Unicode(help="Where a report or table was written, in words.").tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        """Show no experiment yet."""
        self.show_images: ShowImages = lambda title, images: None
        """Is told what a click points at."""
        self._evaluation: Evaluation | None = None
        self._on_its_way: Evaluation | None = None
        self._label, self._by = MICRO, ""
        self._told: tuple[Any, ...] = ()
        super().__init__(**kwargs)

    def show(self, experiment: Experiment | None) -> None:
        """Show the newest evaluation of an experiment."""
        found = _readable(experiment)
        self._evaluation, self._on_its_way = (found[-1] if found else None), None
        self._label, self._by, self.said = MICRO, "", ""
        super().show(experiment)
        self._show_worst()

    @property
    def evaluation(self) -> Evaluation | None:
        """The one that is shown."""
        return self._evaluation

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the evaluation in full, worked out anew only where it is another one."""
        job = self._job()  # first: one that is over is shown from now on
        experiment, shown = self.experiment, self._evaluation
        told: dict[str, Any] = {
            "experiment_facts": _facts(experiment),
            "offered": _offered(experiment),
            "listed": [{"number": one.number, "title": one.title} for one in reversed(_readable(experiment))],
            "number": shown.number if shown else 0,
            "job": job,
            "outdated": shown.outdated if shown else "",
        }
        key = (experiment and experiment.id, told["number"], self._label, self._by)
        if key != self._told:
            self._told = key
            told |= _numbers(shown, self._label, self._by) if shown else _NO_NUMBERS
        return told

    def _job(self) -> dict[str, Any]:
        on_its_way = self._on_its_way
        if on_its_way is None:
            return {}
        if on_its_way.status == "completed":
            self._evaluation, self._on_its_way = on_its_way, None
            self._show_worst()
            return {}
        running = on_its_way.status in ("pending", "working")
        failure = on_its_way.failure
        trouble = " ".join([failure.message, *failure.advice]) if failure else ""
        return {"running": running, "text": on_its_way.text, "fraction": on_its_way.progress, "trouble": trouble}

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_evaluate(self, part: str, checkpoint: str) -> None:
        """Evaluate a checkpoint over one set of the split."""
        if self.experiment is None:
            return
        which = int(checkpoint) if checkpoint.isdecimal() else checkpoint
        self._on_its_way = self.experiment.evaluate(part, which)
        self._on_its_way.on_change(lambda _: self.soon())

    def do_cancel(self) -> None:
        """Stop the evaluation that is on its way."""
        if self._on_its_way is not None:
            self._on_its_way.cancel()

    def do_choose(self, number: int) -> None:
        """Show an earlier evaluation."""
        self._evaluation = next((one for one in _readable(self.experiment) if one.number == number), None)
        self._label, self._by = MICRO, ""
        self._show_worst()

    def do_delete(self) -> None:
        """Move the evaluation that is shown to the trash."""
        if self._evaluation is not None:
            self._evaluation.delete()
            found = _readable(self.experiment)
            self._evaluation = found[-1] if found else None
            self._show_worst()

    def do_curve(self, label: str) -> None:
        """Draw the curves of another class."""
        self._label = label

    def do_slice(self, by: str) -> None:
        """Divide the images by another property."""
        self._by = by

    def do_errors(self, kind: str = "all", label: str = "") -> None:
        """Show the worst errors, of one kind or class if that is named."""
        shown = self._evaluation
        if shown is None:
            return
        about = f" of {label}" if label else ""
        found = [(one.file, _note(one)) for one in shown.wrong(_LISTED, kind=kind, label=label)]  # type: ignore[arg-type]
        self.show_images(f"{'Worst errors' if kind == 'all' else kind.capitalize()}{about}", _once(found))

    def do_suspicious(self) -> None:
        """Show the labels that are most likely wrong."""
        if self._evaluation is not None:
            rows = self._evaluation.suspicious(_LISTED).to_dict("records")
            found = [(str(row["file"]), f"perhaps {row['proposed']}") for row in rows]
            self.show_images("Labels that are doubted most", _once(found))

    def do_cell(self, true: str, predicted: str) -> None:
        """Show the images of one class that were taken for another."""
        if self._evaluation is not None:
            named = f"{true}, rightly told" if true == predicted else f"{true} taken for {predicted}"
            self.show_images(named, [(file, "") for file in self._evaluation.cell(true, predicted)])

    def do_report(self) -> None:
        """Write the report as one page beside the notebook."""
        if self._evaluation is not None:
            self.said = f"Report written to {self._evaluation.report(_beside(self._evaluation, '.html'))}"

    def do_csv(self) -> None:
        """Write all tables as CSV files into a folder beside the notebook."""
        if self._evaluation is not None:
            written = self._evaluation.to_csv(_beside(self._evaluation, ""))
            self.said = f"{len(written)} tables written to {written[0].parent}"

    def _show_worst(self) -> None:
        try:
            self.do_errors()
        except NbtrainError as error:
            self.tell(str(error))
        if self._evaluation is None:
            self.show_images("", [])


_NO_NUMBERS: dict[str, Any] = {
    "notices": [], "multilabel": False, "metrics": [], "confusion": {}, "per_class": {}, "curve": {},
    "reliability": [], "slices": {},
}  # fmt: skip


def _readable(experiment: Experiment | None) -> list[Evaluation]:
    return [one for one in experiment.evaluations if one.readable] if experiment else []


def _facts(experiment: Experiment | None) -> dict[str, str]:
    if experiment is None:
        return {"name": "", "status": "", "reason": "Select an experiment in the stage Train or Runs."}
    run = experiment.run
    there = run is not None and kept.checkpoints(run.path / "checkpoints")
    reason = "" if there else "It has no checkpoint yet: train it first."
    return {"name": experiment.name, "status": experiment.status, "reason": reason}


def _offered(experiment: Experiment | None) -> dict[str, Any]:
    if experiment is None or experiment.run is None:
        return {"parts": [], "checkpoints": []}
    info = experiment.project.data_info(experiment.config)
    names = (("val", "validation"), ("test", "test"), ("train", "training"))
    parts = [{"value": key, "label": f"{label} ({info[key]:,})"} for key, label in names if info.get(key)]
    folder = experiment.run.path / "checkpoints"
    best = [{"value": "best", "label": "best checkpoint"}] if kept.best(folder) else []
    saved = [{"value": str(one["step"]), "label": f"step {one['step']}"} for one in experiment.checkpoints]
    return {"parts": parts, "checkpoints": [*best, {"value": "last", "label": "last checkpoint"}, *reversed(saved)]}


def _numbers(evaluation: Evaluation, label: str, by: str) -> dict[str, Any]:
    record, predictions = evaluation.record, evaluation.predictions
    multilabel = record.task == "multilabel"
    offered = evaluation.sliced_by
    return {
        "notices": list(record.notices),
        "multilabel": multilabel,
        "metrics": [_metric(name, value, record.intervals.get(name)) for name, value in record.metrics.items()],
        "confusion": {} if multilabel else _confusion(evaluation),
        "per_class": _table(evaluation.per_class),
        "curve": {"classes": list(predictions.classes), "label": label, **_curve(evaluation, label)},
        "reliability": [
            list(map(finite, row)) for row in evaluation.reliability[["confidence", "right", "n"]].to_numpy().tolist()
        ],
        "slices": {"offered": offered, "by": by or offered[0], "rows": _slices(evaluation, by or offered[0])},
    }


def _metric(name: str, value: float, interval: Any) -> dict[str, Any]:
    ends = {"low": finite(float(interval.low)), "high": finite(float(interval.high))} if interval else {}
    return {"name": name, "label": scores.label(name), "value": finite(float(value)), "low": None, "high": None, **ends}


def _confusion(evaluation: Evaluation) -> dict[str, Any]:
    counts = evaluation.confusion.to_numpy()
    classes = list(evaluation.predictions.classes)
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSED]
    pairs = [divmod(int(at), len(classes)) for at in order if wrong.flat[at]]
    most = [{"true": classes[t], "predicted": classes[p], "count": int(counts[t, p])} for t, p in pairs]
    whole = len(classes) <= MOST_CELLS
    return {"classes": classes if whole else [], "counts": counts.tolist() if whole else [], "most": most}


def _table(frame: Any) -> dict[str, Any]:
    rows = [[str(name), *map(finite, row)] for name, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)]
    return {"columns": ["class", *map(str, frame.columns)], "rows": rows}


def _curve(evaluation: Evaluation, label: str) -> dict[str, Any]:
    sweep = evaluation.curves.sweep(label)
    places = np.unique(np.linspace(0, len(sweep.thresholds) - 1, min(_POINTS, len(sweep.thresholds))).astype(int))
    columns = {
        "threshold": sweep.thresholds, "precision": sweep.precision, "recall": sweep.recall,
        "fpr": sweep.false_positive_rate, "f1": sweep.f1,
    }  # fmt: skip
    best, f1 = sweep.best()
    points = {name: [finite(float(value)) for value in column[places]] for name, column in columns.items()}
    return {"points": points, "best": finite(best), "best_f1": finite(f1)}


def _slices(evaluation: Evaluation, by: str) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name, "n": one.n, "value": finite(float(one.value)), "low": finite(float(one.interval.low)),
            "high": finite(float(one.interval.high)), "rest": finite(float(one.rest)), "worse": one.worse,
        }
        for one in evaluation.parts(by)
    ]  # fmt: skip


def _note(one: Any) -> str:
    told = ", ".join(one.predicted) or "nothing"
    sure = f" {100 * one.probability:.0f} %" if math.isfinite(one.probability) else ""
    return f"→ {told}{sure}" if one.kind == "wrong class" else f"{one.kind}: {one.label}{sure}"


def _once(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out what is said of an image after the first, which is the worst."""
    return list({file: (file, note) for file, note in reversed(found)}.values())[::-1]


def _beside(evaluation: Evaluation, ending: str) -> Path:
    return Path.cwd() / f"{files.slug(evaluation.experiment.name)}-evaluation-{evaluation.number}{ending}"
