"""One evaluation as an object: on its way, and then its numbers, tables, curves and errors, read when asked for.

Panels and scripts share it. What it says comes from its folder, so it is the same after a restart of the kernel. It
knows evaluation/ and the job that makes one; how that job works (probing/evaluate.py) it does not know.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import files
from nbtrain.data.decode import Pixels, decode
from nbtrain.data.records import conversion_of, counted
from nbtrain.errors import DataError, NbtrainError, ProjectError, StatusError
from nbtrain.escaping import line
from nbtrain.evaluation import bootstrap, folder, paired, scores, sheets, slices, tables
from nbtrain.evaluation.bootstrap import Interval
from nbtrain.evaluation.curves import Curves
from nbtrain.evaluation.errors import Kind, Wrong, errors
from nbtrain.evaluation.folder import CURRENT, TRAINED, Record
from nbtrain.evaluation.paired import Comparison
from nbtrain.evaluation.predictions import Predictions
from nbtrain.evaluation.slices import Slice
from nbtrain.evaluation.suspicion import Suspicion, suspicion
from nbtrain.project.work import Work
from nbtrain.runs.jobs import Job
from nbtrain.training import kept

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.project.experiment import Experiment

_FOR = {"train": "training", "val": "validation", "test": "test"}


class Evaluation(Work):
    """A checkpoint over one set of images; made by :meth:`Experiment.evaluate`, or found on disk."""

    def __init__(
        self, experiment: Experiment, *, number: int = 0, job: Job[dict[str, Any]] | None = None, part: str = ""
    ) -> None:
        self.experiment = experiment
        self.job = job
        self._number, self._part = number, part

    def __repr__(self) -> str:
        return line(f"<Evaluation {self.number or ''} of {self.experiment.name!r}: {self.part}, {self.status}>")

    # -- on its way -----------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """pending, working, completed, failed or cancelled."""
        return "completed" if self._number else self.job.status if self.job else "failed"

    @property
    def fraction(self) -> float | None:
        """How much is done, 0…1; None while that is not known."""
        return 1.0 if self.status == "completed" else super().fraction

    # -- what it is of --------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """Its number within the experiment; 0 while it is not there yet."""
        if not self._number and self.job is not None and self.job.status == "completed" and self.job.result:
            self._number = int(self.job.result["number"])
        return self._number

    @property
    def path(self) -> Path:
        """Its folder; raises StatusError while it has none."""
        if not self.number or self.experiment.folder is None:
            reason = f" {self.failure.message}" if self.failure else ""
            told = f"an evaluation that is {self.status} has no numbers"
            raise StatusError(f"{told}.{reason}".rstrip("."), advice="wait() waits for it; evaluate() makes another.")
        return folder.path(self.experiment.folder, self.number)

    @cached_property
    def record(self) -> Record:
        """What was evaluated, with which result; raises StatusError where that is not there."""
        found = folder.read(self.path)
        if found is None:
            raise StatusError("this evaluation cannot be read", value=str(self.path), advice="Evaluate again.")
        return found

    @property
    def readable(self) -> bool:
        """Whether it is there and whole."""
        return self.number > 0 and folder.read(self.path) is not None

    @property
    def part(self) -> str:
        """The set that was evaluated: train, val or test."""
        return self._part or self.record.part

    @property
    def labels(self) -> str:
        """Whose labels it is of: those that the run was ``trained`` with, or those ``current`` when it was made."""
        return self.record.labels

    @property
    def outdated(self) -> str:
        """What has changed since, in words: the checkpoint, the data, or both; empty where it still holds."""
        return " and ".join(filter(None, (self._model_changed(), self._data_changed())))

    def _model_changed(self) -> str:
        record, run = self.record, self.experiment.run
        if run is None or run.path.name != record.run:
            return "the run was restarted"
        if record.which in ("best", "last") and _sha256_of(run.path / "checkpoints", record.which) != record.sha256:
            return f"the {record.which} checkpoint is another one by now"
        return ""

    def _data_changed(self) -> str:
        """Tell what an evaluation of the same labels would see anew: labels as trained do not change."""
        record, trained = self.record, self.record.labels == TRAINED
        try:
            data = self.experiment.project.data.get(record.dataset)
        except DataError:
            return "" if trained else "the data set is gone"
        if not record.known:  # by an older version, which kept no more than this
            return "the images or labels have changed" if data.hash != record.data_hash else ""
        if trained:
            return "the images have changed" if data.base != record.known else ""
        return "the images or labels have changed" if data.hash != record.known else ""

    @property
    def labels_hash(self) -> str:
        """Hash of the data set whose labels these are, as the project knew it; equal ones may be compared."""
        record = self.record
        if not record.known:
            return record.data_hash
        return record.known if record.labels == CURRENT else self.experiment.recorded_data[1]

    @property
    def is_of_labels_now(self) -> bool:
        """Whether its labels are those of the data set now."""
        with contextlib.suppress(DataError):
            return self.experiment.project.data.get(self.record.dataset).hash == self.labels_hash
        return False

    @property
    def is_of_labels_trained(self) -> bool:
        """Whether its labels are those that the newest run was set up with, so that its numbers stand beside it."""
        return self.labels_hash == self.experiment.recorded_data[1]

    # -- numbers --------------------------------------------------------------------------------------------------

    @property
    def predictions(self) -> Predictions:
        """What the model said of each image."""
        return self._predictions

    @cached_property
    def _predictions(self) -> Predictions:
        return folder.predictions(self.path)

    @property
    def metrics(self) -> Mapping[str, float]:
        """Every metric by name; those that a run's validation has too are exactly what it would say."""
        return self.record.metrics

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Where 95 % of the metric's bootstrap resamples lie, by name."""
        return self.record.intervals

    @cached_property
    def confusion(self) -> pd.DataFrame:
        """How many images of each class (rows) were taken for each class (columns).

        Of several labels a row per class: hits, false positives, misses, and images rightly left out.
        """
        import pandas as pd

        counts, names = tables.confusion(self.predictions), list(self.predictions.classes)
        if counts.ndim == 3:
            columns = {"hits": (1, 1), "false_positives": (0, 1), "misses": (1, 0), "rightly_left_out": (0, 0)}
            told = {name: counts[:, row, column] for name, (row, column) in columns.items()}
            return pd.DataFrame(told, index=pd.Index(names, name="class"))
        return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """A row per class: support, precision, recall, F1 with their intervals, AUROC, average precision."""
        import pandas as pd

        columns = tables.per_class(self.predictions, bootstrap.class_intervals(self.predictions))
        return pd.DataFrame(columns).set_index("class")

    @cached_property
    def curves(self) -> Curves:
        """Precision and recall, ROC and F1 over the threshold: ``curves.sweep("cat").points("pr")``."""
        return Curves(self.predictions)

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """The bins of the calibration: confidence against the share that is right."""
        import pandas as pd

        return pd.DataFrame(tables.reliability(self.predictions))

    def wrong(self, n: int = 50, *, kind: Kind = "all", label: str = "") -> list[Wrong]:
        """Return the ``n`` worst errors as values, for galleries; see :meth:`errors`."""
        return errors(self.predictions, n, kind=kind, label=label)

    def errors(self, n: int = 50, *, kind: Kind = "all", label: str = "") -> pd.DataFrame:
        """Return the ``n`` worst errors, the highest loss first, a row each.

        ``kind`` (``all``, ``false positives``, ``misses``) and the class ``label`` choose among them.
        """
        import pandas as pd

        columns = ("file", "true", "predicted", "label", "kind", "probability", "true_probability", "loss")
        found = [[getattr(one, name) for name in columns] for one in self.wrong(n, kind=kind, label=label)]
        frame = pd.DataFrame(found, columns=list(columns))
        for name in ("true", "predicted"):
            frame[name] = frame[name].map(", ".join)
        return frame

    @property
    def sliced_by(self) -> list[str]:
        """What :meth:`slices` takes: class, brightness, contrast, sharpness, size, and a table's columns."""
        return slices.offered(self.predictions)

    def parts(self, by: str) -> list[Slice]:
        """Return the slices as values; see :meth:`slices`."""
        return slices.slices(self.predictions, by)

    def slices(self, by: str) -> pd.DataFrame:
        """Return the main metric of parts of the images, ``by`` one of :attr:`sliced_by`."""
        import pandas as pd

        metric = slices.metric(self.predictions)
        rows = [
            {
                by: one.name, "images": one.n, metric: one.value, "low": one.interval.low, "high": one.interval.high,
                "all others": one.rest, "loss": one.loss, "stands_out": one.stands_out,
            }
            for one in self.parts(by)
        ]  # fmt: skip
        return pd.DataFrame(rows).set_index(by)

    def cell(self, true: str, predicted: str) -> list[str]:
        """Return the files of class ``true`` that were taken for ``predicted``, the worst first."""
        found, names = self.predictions, self.predictions.classes
        for name in (true, predicted):
            if name not in names:
                raise DataError("there is no such class", value=name, advice=f"Classes: {', '.join(names[:20])}.")
        return [found.files[place] for place in tables.cell(found, names.index(true), names.index(predicted))]

    @cached_property
    def suspicion(self) -> Suspicion:
        """How much each label is doubted, for galleries; see :meth:`suspicious`."""
        return suspicion(self.predictions)

    def suspicious(self, n: int = 50) -> pd.DataFrame:
        """Return the ``n`` labels that are most likely wrong: file, label, what the model would say, quality 0…1.

        That holds for images that the model has not learned from; those of training it knows by heart.
        """
        import pandas as pd

        found, doubt = self.predictions, self.suspicion
        rows = [
            {
                "file": found.files[place], "label": found.classes[doubt.given[place]],
                "proposed": found.classes[doubt.proposed[place]], "quality": float(doubt.quality[place]),
                "suspected": bool(doubt.suspected[place]),
            }
            for place in doubt.order[:n].tolist()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["file", "label", "proposed", "quality", "suspected"])

    # -- handing on -----------------------------------------------------------------------------------------------

    def report(self, target: str | Path, *, replace: bool = False) -> Path:
        """Write a report to ``target``, a page (.html) that needs no network; return its path.

        An earlier report is written over; another file only with ``replace``. Raises ProjectError.
        """
        from nbtrain.evaluation.report import html, is_report

        path = Path(target).expanduser()
        text = html(self.experiment.name, self.record, self.predictions, self._pixels(), outdated=self.outdated)
        try:
            if not replace:
                files.refuse_other(path, text.encode(), is_report)
            files.write_atomic(path, text.encode())
        except OSError as error:
            what = f"the report could not be written: {error.strerror or error}"
            raise ProjectError(what, value=str(path), advice=files.where_else(error)) from error
        return path

    def _pixels(self) -> Callable[[str], Pixels | None]:
        """Return what opens an image of the data set; None where it cannot be read any more."""
        try:
            root = self.experiment.project.data.get(self.record.dataset).found().listing.root
        except (DataError, OSError):
            return lambda file: None

        def opened(file: str) -> Pixels | None:
            try:
                return decode(str(root / file), conversion=conversion_of(root, file))
            except (DataError, OSError, KeyError):
                return None

        return opened

    def to_csv(self, target: str | Path, *, replace: bool = False) -> list[Path]:
        """Write every table as a CSV file into the folder ``target``; return the files.

        Files of other content under their names are written over only with ``replace``. Raises ProjectError.
        """
        return sheets.write(target, self.record, self.predictions, replace=replace)

    def delete(self) -> None:
        """Move it to the project's trash; one on its way is cancelled."""
        self.cancel()
        if self.number:
            self.experiment.project.trash(self.path)

    @property
    def title(self) -> str:
        """What it is, in one line: part, checkpoint, run, and when."""
        record = self.record
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created_s))
        which = record.which if record.which in ("best", "last") else "chosen"
        labels = "labels as trained" if record.labels == TRAINED else "labels at that time"
        part = _FOR.get(record.part, record.part).capitalize()
        run = int(record.run) if record.run.isdecimal() else record.run
        return f"{part} · {which} checkpoint (step {record.step}) · run {run} · {when}, {labels}"


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Compare two evaluations on the images that both have: differences with intervals, and words for what they mean.

    Raises DataError where nothing can be compared: other data sets, whose files may have the same names by chance, or
    other parts, of which one model may have learned from the other's.
    """
    names = (a.experiment.name, b.experiment.name)
    if names[0] == names[1]:
        names = (f"{names[0]} ({a.number})", f"{names[1]} ({b.number})")
    one, other = a.record, b.record
    for what, first, second in ("data sets", one.dataset, other.dataset), ("parts", one.part, other.part):
        if first != second:
            told = f"the two models were not evaluated on the same images: their {what} are {first!r} and {second!r}"
            raise DataError(told, advice="Evaluate both on the same part of the same data set.")
    found = paired.compare(a.predictions, b.predictions, names)
    return replace(found, notes=tuple(_unlike(one, other, found)))


def _unlike(a: Record, b: Record, found: Comparison) -> Iterator[str]:
    """Yield what the two were not alike in, in sentences."""
    if a.split_hash != b.split_hash:
        shared = counted(found.n_images, "image", "images")
        yield f"Their splits differ: only the {shared} that both leave for {_FOR[a.part]} count here."
    if a.data_hash != b.data_hash:
        yield (
            "The two were evaluated with different labels or images: those labelled alike count here. Evaluate both "
            "with current labels, or both with the labels as trained."
        )


@dataclass(frozen=True, slots=True)
class Alike:
    """One evaluation of each experiment, all with the same labels; None of one that has none with these."""

    evaluations: tuple[Evaluation | None, ...]
    current: bool
    """Whether the labels are those of the data set now; true also where there is no evaluation at all."""


def alike(experiments: Sequence[Experiment], part: str = "val", which: str = "best") -> Alike:
    """Return the newest evaluations that may stand side by side: of one set, of models that are still there.

    Labels that all of them were evaluated with go first, today's before older ones; else today's, of those that have
    them; else those that most have.
    """
    found = [_by_labels(experiment, part, which) for experiment in experiments]
    tried = [own for own in found if own]
    if not tried:
        return Alike((None,) * len(found), True)

    def rank(key: tuple[str, str]) -> tuple[bool, bool, int, float]:
        own = [one[key] for one in tried if key in one]
        return len(own) == len(tried), own[0].is_of_labels_now, len(own), max(one.record.created_s for one in own)

    chosen = max({key for own in tried for key in own}, key=rank)
    evaluations = tuple(own.get(chosen) for own in found)
    return Alike(evaluations, next(one for one in evaluations if one).is_of_labels_now)


def _by_labels(experiment: Experiment, part: str, which: str) -> dict[tuple[str, str], Evaluation]:
    """Return the newest evaluation for each state of the labels, by data set and hash, where its model still holds."""
    made = (one for one in experiment.evaluations if one.readable)
    found = [one for one in made if one.part == part and which in ("", one.record.which)]
    return {(one.record.dataset, one.labels_hash): one for one in found if not one._model_changed()}


def text_of(record: Record) -> Sequence[tuple[str, str]]:
    """Return the metrics of an evaluation with their intervals as text, in the order in which they are shown."""
    rows = []
    for name, value in record.metrics.items():
        ends = record.intervals.get(name)
        told = f"{ends.low:.4f} to {ends.high:.4f}" if ends else ""
        rows.append((scores.label(name), f"{value:.4f}  {told}".rstrip() if math.isfinite(value) else "none"))
    return rows


def _sha256_of(checkpoints: Path, which: str) -> str:
    with contextlib.suppress(OSError, NbtrainError, KeyError, TypeError):
        if which == "best":
            return str(files.read_json(checkpoints / "best.json")["sha256"])
        return str(files.read_json(kept.checkpoints(checkpoints)[-1].marker)["sha256"])
    return ""
