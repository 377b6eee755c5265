"""The evaluation of one experiment: making one, and what it says, in tables, curves and a confusion matrix.

What a click points at (a cell, a kind of error, doubtful labels) is a list of images with a note each, and goes to the
gallery beside it. Evaluations make their own numbers; this file only puts them into shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Int, List, Unicode

from nbtrain import files
from nbtrain.errors import NbtrainError
from nbtrain.evaluation.curves import MICRO
from nbtrain.evaluation.folder import CURRENT, TRAINED
from nbtrain.project.evaluation import Evaluation
from nbtrain.project.experiment import Experiment
from nbtrain.training import kept
from nbtrain.ui.evaluated import NOTHING, numbers
from nbtrain.ui.following import Following
from nbtrain.ui.pulse import PULSE

_LISTED = 500
LOOK_S = 2.0
"""How often an evaluation that is seen is compared with what it is of: a relabel in another cell tells nobody."""
ShowImages = Callable[[str, Sequence[tuple[str, str]]], None]
"""Takes what the images have in common, and each file with a note."""


class EvaluationPanel(Following, twin="evaluation"):
    """Evaluations of one experiment, the chosen one in full."""

    FREE = frozenset({"choose", "curve", "slice", "confused"})
    WATCHED = ("status", "name", "run_path", "checkpoints")

    experiment_facts = Dict(help="Name and status of the experiment, and why it cannot be evaluated.").tag(sync=True)
    offered = Dict(
        help="What can be evaluated: parts, checkpoints, and labels where there are two, each with value and label."
    ).tag(sync=True)
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
        self._deaf: Callable[[], None] = lambda: None
        self._evaluation: Evaluation | None = None
        self._on_its_way: Evaluation | None = None
        self._label, self._by, self._words = MICRO, "", ""
        self._told: tuple[Any, ...] = ()
        super().__init__(**kwargs)
        self.look()

    def look(self) -> None:
        """Draw what has gone out of date since it was drawn, and look again later."""
        if self.closed:
            return
        PULSE.later(self.look, LOOK_S)
        if self.visible and self._evaluation is not None and self._evaluation.outdated != self.outdated:
            self.soon()

    def show(self, experiment: Experiment | None) -> None:
        """Show the newest evaluation of an experiment."""
        found = _readable(experiment)
        self._evaluation = found[-1] if found else None
        under_way = experiment.evaluations_under_way if experiment else []
        self._follow_job(under_way[-1] if under_way else None)
        self._label, self._by, self._words, self.said = MICRO, "", "", ""
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
        key = (experiment and experiment.id, told["number"], self._label, self._by, self._words)
        if key != self._told:
            self._told = key
            told |= numbers(shown, self._label, self._by, self._words) if shown else NOTHING
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
        trouble = failure.text if failure else ""
        return {"running": running, "text": on_its_way.text, "fraction": on_its_way.fraction, "trouble": trouble}

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_evaluate(self, part: str, checkpoint: str, labels: str = CURRENT) -> None:
        """Evaluate a checkpoint over one set of the split, with the labels of now or those of the training."""
        if self.experiment is None:
            return
        which = int(checkpoint) if checkpoint.isdecimal() else checkpoint
        self._follow_job(self.experiment.evaluate(part, which, labels))

    def close(self) -> None:
        """Hear nothing of evaluations any more, and take the panel off all pages."""
        self._follow_job(None)
        super().close()

    def _follow_job(self, job: Evaluation | None) -> None:
        """Draw how far an evaluation is, and nothing of another one any more."""
        self._deaf()
        self._on_its_way = job
        self._deaf = job.on_change(lambda _: self.soon()) if job is not None else lambda: None

    def do_cancel(self) -> None:
        """Stop the evaluation that is on its way."""
        if self._on_its_way is not None:
            self._on_its_way.cancel()

    def do_choose(self, number: int) -> None:
        """Show an earlier evaluation."""
        self._evaluation = next((one for one in _readable(self.experiment) if one.number == number), None)
        self._label, self._by, self._words = MICRO, "", ""
        self._show_worst()

    def do_delete(self, number: int) -> None:
        """Move the evaluation of this number to the trash, where it is still the one that is shown."""
        if self._evaluation is not None and self._evaluation.number == number:
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

    def do_confused(self, words: str) -> None:
        """List the confusions of classes whose name holds these words."""
        self._words = words.strip()[:200]

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
            named = f"{true}, predicted correctly" if true == predicted else f"{true} taken for {predicted}"
            self.show_images(named, [(file, "") for file in self._evaluation.cell(true, predicted)])

    def do_report(self) -> None:
        """Write the report as one page beside the notebook."""
        shown = self._evaluation
        if shown is not None:
            path = _beside(shown, ".html")
            self._write("Writing the report…", lambda: f"Report written to {shown.report(path)}")

    def do_csv(self) -> None:
        """Write all tables as CSV files into a folder beside the notebook."""
        shown = self._evaluation
        if shown is not None:
            folder = _beside(shown, "")
            self._write("Writing the tables…", lambda: f"{len(shown.to_csv(folder))} tables written to {folder}")

    def _write(self, begun: str, work: Callable[[], str]) -> None:
        """Do what takes its time on a thread of its own, and say what has come of it."""
        self.said = begun

        def run() -> None:
            said = ""
            try:
                said = work()
            finally:
                self.said = said

        self.aside("files", run)

    def _show_worst(self) -> None:
        try:
            self.do_errors()
        except NbtrainError as error:
            self.tell(str(error))
        if self._evaluation is None:
            self.show_images("", [])


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
        return {"parts": [], "checkpoints": [], "labels": []}
    info = experiment.project.data_info(experiment.config)
    names = (("val", "validation"), ("test", "test"), ("train", "training"))
    parts = [{"value": key, "label": f"{label} ({info[key]:,})"} for key, label in names if info.get(key)]
    folder = experiment.run.path / "checkpoints"
    best = [{"value": "best", "label": "best checkpoint"}] if kept.best(folder) else []
    saved = [{"value": str(one["step"]), "label": f"step {one['step']}"} for one in experiment.checkpoints]
    both = [{"value": CURRENT, "label": "current labels"}, {"value": TRAINED, "label": "labels as trained"}]
    labels = both if experiment.relabelled else []
    checkpoints = [*best, {"value": "last", "label": "last checkpoint"}, *reversed(saved)]
    return {"parts": parts, "checkpoints": checkpoints, "labels": labels}


def _note(one: Any) -> str:
    told = ", ".join(one.predicted) or "nothing"
    sure = f" ({100 * one.probability:.0f} %)" if math.isfinite(one.probability) else ""
    return f"→ {told}{sure}" if one.kind == "wrong class" else f"{one.kind}: {one.label}{sure}"


def _once(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out what is said of an image after the first, which is the worst."""
    return list({file: (file, note) for file, note in reversed(found)}.values())[::-1]


def _beside(evaluation: Evaluation, ending: str) -> Path:
    return Path.cwd() / f"{files.slug(evaluation.experiment.name)}-evaluation-{evaluation.number}{ending}"
