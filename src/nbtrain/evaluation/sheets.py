"""Sheets: all that an evaluation says as plain tables, for CSV files that other programs read.

Numbers are written in full, as Python writes them; a text that a spreadsheet would compute gets an apostrophe before
it. It knows columns and rows; what they mean is said where they are computed.

Shapes: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from nbtrain import escaping, files
from nbtrain.errors import ProjectError
from nbtrain.evaluation import bootstrap, scores, slices, tables
from nbtrain.evaluation.curves import MICRO, Curves
from nbtrain.evaluation.errors import errors, names_of
from nbtrain.evaluation.folder import Record
from nbtrain.evaluation.predictions import Predictions
from nbtrain.evaluation.suspicion import suspicion

Sheet: TypeAlias = "tuple[Sequence[str], Sequence[Sequence[Any]]]"
"""Names of the columns, and the rows."""
_MOST_ERRORS = 10_000
_MOST_SHARES = 5 * 10**6
"""Probabilities that are written in full; of more, each image's most probable classes."""
_MATRIX, _CURVES, _FIRST = 1000, 200, 5
"""Classes up to which the matrix is written whole, and each has its curves; classes of an image that stand for all."""


def write(target: str | Path, record: Record, predictions: Predictions, *, replace: bool = False) -> list[Path]:
    """Write one CSV file per sheet into the folder ``target``; return their paths.

    Raises ProjectError, also where a file of another content has one of their names, unless it is to be ``replace``d:
    then nothing is written.
    """
    folder = Path(target).expanduser()
    made = {
        folder / f"{name}.csv": escaping.csv_text(columns, rows).encode("utf-8-sig", "backslashreplace")
        for name, (columns, rows) in sheets(record, predictions)
    }
    try:
        for path, data in made.items():
            if not replace:
                files.refuse_other(path, data)
        files.make_folder(folder)
        for path, data in made.items():
            files.write_atomic(path, data)
    except OSError as error:
        what = f"the tables could not be written: {error.strerror or error}"
        where = error.filename if isinstance(error, FileExistsError) else folder
        raise ProjectError(what, value=str(where), advice=files.where_else(error)) from error
    return list(made)


def sheets(record: Record, predictions: Predictions) -> Iterator[tuple[str, Sheet]]:
    """Yield each sheet with its name."""
    yield "metrics", _metrics(record)
    yield "per_class", _per_class(predictions)
    yield "confusion", _confusion(predictions)
    yield "curves", _curves(predictions)
    yield "slices", _slices(predictions)
    yield "errors", _errors(predictions)
    yield "suspicious_labels", _suspicious(predictions)
    yield "predictions", _predictions(predictions)
    yield "damaged", (("file", "reason"), list(predictions.damaged))


def _metrics(record: Record) -> Sheet:
    blank = ("", "")
    rows = [(name, value, *record.intervals.get(name, blank)) for name, value in record.metrics.items()]
    return ("metric", "value", "low", "high"), rows


def _per_class(predictions: Predictions) -> Sheet:
    columns = tables.per_class(predictions, bootstrap.class_intervals(predictions))
    return tuple(columns), [tuple(map(_plain, row)) for row in zip(*columns.values(), strict=True)]


def _confusion(predictions: Predictions) -> Sheet:
    names = predictions.classes
    if not predictions.multilabel and len(names) > _MATRIX:
        pairs = tables.confused(predictions, len(predictions))
        return ("true", "predicted", "images"), [(names[true], names[told], n) for true, told, n in pairs]
    counts = tables.confusion(predictions)
    if predictions.multilabel:
        rows = [(name, *map(int, counts[place].ravel())) for place, name in enumerate(names)]
        return ("class", "rightly_left_out", "false_positives", "misses", "hits"), rows
    return ("true \\ predicted", *names), [(name, *map(int, counts[place])) for place, name in enumerate(names)]


def _curves(predictions: Predictions) -> Sheet:
    curves, rows, names = Curves(predictions), list[Sequence[Any]](), predictions.classes
    if len(names) > _CURVES:  # those in which the model ranks worst
        weakest = np.argsort(scores.ranked(predictions).average_precision, kind="stable")[:_CURVES]
        names = tuple(names[place] for place in weakest.tolist())
    for name in (MICRO, *names):
        for kind in ("pr", "roc", "f1"):
            rows += [(name, kind, float(x), float(y)) for x, y in zip(*curves.sweep(name).points(kind), strict=True)]
    return ("class", "curve", "x", "y"), rows


def _slices(predictions: Predictions) -> Sheet:
    metric = slices.metric(predictions)
    rows = [
        (by, one.name, one.n, one.value, *one.interval, one.rest, one.loss)
        for by in slices.offered(predictions)
        for one in slices.slices(predictions, by)
    ]
    return ("by", "slice", "images", metric, "low", "high", "all_others", "loss"), rows


def _errors(predictions: Predictions) -> Sheet:
    rows = [
        (one.file, "|".join(one.true), "|".join(one.predicted), one.label, one.kind, one.probability, one.loss)
        for one in errors(predictions, _MOST_ERRORS)
    ]
    return ("file", "true", "predicted", "label", "kind", "probability", "loss"), rows


def _suspicious(predictions: Predictions) -> Sheet:
    doubt, names = suspicion(predictions), predictions.classes
    rows = [
        (predictions.files[p], names[doubt.given[p]], names[doubt.proposed[p]], float(doubt.quality[p]),
         bool(doubt.suspected[p]))
        for p in doubt.order[:_MOST_ERRORS].tolist()
    ]  # fmt: skip
    return ("file", "label", "proposed", "quality", "suspected"), rows


def _predictions(predictions: Predictions) -> Sheet:
    names, several = predictions.classes, predictions.multilabel
    true, predicted = (
        (_joined(predictions, predictions.truth), _joined(predictions, predictions.guess)) if several
        else ([names[place] for place in found] for found in (predictions.targets, predictions.predicted))
    )  # fmt: skip
    conditions = list(predictions.conditions)
    shown = [predictions.conditions[name] for name in conditions]
    cells = predictions.cells or [()] * len(predictions)
    heads, shares = _shares(predictions)
    rows: list[Sequence[Any]] = [
        (file, true[place], predicted[place], float(predictions.losses[place]), *share,
         *(float(values[place]) for values in shown), *cells[place])
        for place, (file, share) in enumerate(zip(predictions.files, shares, strict=True))
    ]  # fmt: skip
    return ("file", "true", "predicted", "loss", *heads, *conditions, *predictions.columns), rows


def _shares(predictions: Predictions) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return the columns of probabilities with their heads: all of them, or the most probable classes of each image."""
    shares_NK, names = predictions.probabilities, predictions.classes
    if shares_NK.size <= _MOST_SHARES:
        return [f"p({name})" for name in names], (row.tolist() for row in shares_NK)
    heads = [head for place in range(1, _FIRST + 1) for head in (f"class {place}", f"p(class {place})")]
    return heads, (
        [cell for place in first for cell in (names[place], float(shares_NK[row, place]))]
        for row, first in enumerate(_most(shares_NK).tolist())
    )


def _most(shares_NK: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the places of each row's highest numbers, the highest first."""
    some_N5 = np.argpartition(-shares_NK, _FIRST - 1, axis=1)[:, :_FIRST]
    order_N5 = np.argsort(-np.take_along_axis(shares_NK, some_N5, 1), axis=1, kind="stable")
    found: npt.NDArray[np.intp] = np.take_along_axis(some_N5, order_N5, 1)
    return found


def _joined(predictions: Predictions, chosen_NK: npt.NDArray[np.bool_]) -> list[str]:
    return ["|".join(names_of(predictions, chosen_K)) for chosen_K in chosen_NK]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
