"""An evaluation in the shape in which its panel gets it: lists of plain numbers, no more of them than can be looked at.

Evaluations make their own numbers; nothing is worked out here.
"""

from __future__ import annotations

from typing import Any

from nbtrain.evaluation import scores, tables
from nbtrain.project.evaluation import Evaluation
from nbtrain.ui.details import finite

MOST_CELLS = 40
"""Classes up to which the whole matrix is shown; beyond, only what is confused most."""
MOST_NAMED = 200
"""Classes up to which a list of them is offered."""
_CONFUSED, _POINTS, _DIGITS = 200, 160, 5
NOTHING: dict[str, Any] = {
    "notices": [], "multilabel": False, "metrics": [], "confusion": {}, "per_class": {}, "curve": {},
    "reliability": [], "slices": {},
}  # fmt: skip


def numbers(evaluation: Evaluation, label: str, by: str, words: str) -> dict[str, Any]:
    """Return all of it: the curves of ``label``, slices ``by`` a property, confusions of classes with ``words``."""
    record = evaluation.record
    multilabel = record.task == "multilabel"
    main = scores.main(record.metrics, multilabel=multilabel)
    names = sorted(record.metrics, key=lambda name: name != main)
    offered = evaluation.sliced_by
    return {
        "notices": list(record.notices),
        "multilabel": multilabel,
        "metrics": [_metric(name, record.metrics[name], record.intervals.get(name)) for name in names],
        "confusion": {} if multilabel else _confusion(evaluation, words),
        "per_class": _table(evaluation.per_class),
        "curve": _curve(evaluation, label),
        "reliability": [
            list(map(_short, row)) for row in evaluation.reliability[["confidence", "right", "n"]].to_numpy().tolist()
        ],
        "slices": {"offered": offered, "by": by or offered[0], "rows": _slices(evaluation, by or offered[0])},
    }


def _short(number: Any) -> Any:
    found = finite(number)
    return round(found, _DIGITS) if isinstance(found, float) else found


def _metric(name: str, value: float, interval: Any) -> dict[str, Any]:
    ends = {"low": finite(float(interval.low)), "high": finite(float(interval.high))} if interval else {}
    return {"name": name, "label": scores.label(name), "value": finite(float(value)), "low": None, "high": None, **ends}


def _confusion(evaluation: Evaluation, words: str) -> dict[str, Any]:
    predictions = evaluation.predictions
    names = predictions.classes
    pairs = tables.confused(predictions, _CONFUSED, words)
    most = [{"true": names[true], "predicted": names[told], "count": n} for true, told, n in pairs]
    whole = len(names) <= MOST_CELLS
    counts = tables.confusion(predictions).tolist() if whole else []
    return {"classes": list(names) if whole else [], "counts": counts, "most": most, "words": words}


def _table(frame: Any) -> dict[str, Any]:
    rows = [[str(name), *map(_short, row)] for name, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)]
    return {"columns": ["class", *map(str, frame.columns)], "rows": rows}


def _curve(evaluation: Evaluation, label: str) -> dict[str, Any]:
    sweep, predictions = evaluation.curves.sweep(label), evaluation.predictions
    places = sweep.places(_POINTS)
    columns = {
        "threshold": sweep.thresholds, "precision": sweep.precision, "recall": sweep.recall,
        "fpr": sweep.false_positive_rate, "f1": sweep.f1,
    }  # fmt: skip
    best, f1 = sweep.best()
    names = predictions.classes
    return {
        "classes": list(names) if len(names) <= MOST_NAMED else [],
        "label": label,
        "points": {name: [_short(float(value)) for value in column[places]] for name, column in columns.items()},
        "best": finite(best),
        "best_f1": finite(f1),
        "used": finite(predictions.threshold) if predictions.multilabel else None,
    }


def _slices(evaluation: Evaluation, by: str) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name, "n": one.n, "value": finite(float(one.value)), "low": finite(float(one.interval.low)),
            "high": finite(float(one.interval.high)), "rest": finite(float(one.rest)), "worse": one.worse,
        }
        for one in evaluation.parts(by)
    ]  # fmt: skip
