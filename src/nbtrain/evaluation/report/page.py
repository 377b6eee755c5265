"""The page of a report: what was evaluated, how good it is, where it goes wrong, and on which images.

It takes an evaluation's record and predictions, and a function that opens an image; it reads no folder. Whatever comes
from people (names, files, notices) goes in as text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrain.data.records import counted
from nbtrain.escaping import html as escape
from nbtrain.evaluation import bootstrap, scores, slices, tables
from nbtrain.evaluation.curves import MICRO, Curves
from nbtrain.evaluation.errors import Wrong, errors
from nbtrain.evaluation.folder import TRAINED, Record
from nbtrain.evaluation.predictions import Predictions
from nbtrain.evaluation.report import charts, pictures
from nbtrain.evaluation.report.charts import Line
from nbtrain.evaluation.suspicion import suspicion

Pixels = Callable[[str], "npt.NDArray[np.uint8] | None"]
"""Opens an image by the name that its data set has for it; None where it cannot be read."""
N_ERRORS, N_DOUBTS = 24, 12
_MATRIX, _ROWS, _CONFUSIONS = 40, 60, 20
_TILES = {
    "classification": ("accuracy", "f1", "f1_weighted", "auroc", "nll", "brier", "ece"),
    "multilabel": ("map", "f1_micro", "f1", "auroc", "exact_match", "nll", "ece"),
}
_TRUSTED = 0.8
"""A model with fewer right answers than this doubts too many labels."""
_SIGN, _HEAD_BYTES = '<meta name="generator" content="nbtrain">', 500
"""What says that nbtrain has made a page, and how near its beginning."""
_PARTS = {"train": "Training images", "val": "Validation images", "test": "Test images"}


def html(name: str, record: Record, predictions: Predictions, pixels: Pixels, *, outdated: str = "") -> str:
    """Return the whole page for the experiment called ``name``; ``outdated`` says what has changed since."""
    body = [
        _header(name, record, outdated),
        _tiles(record),
        _notes(record, outdated),
        _matrix(predictions),
        _classes(predictions),
        _curves(predictions),
        _slices(predictions),
        _errors(record, predictions, pixels),
        _doubts(record, predictions, pixels),
        _facts(record),
    ]
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    title = escape(f"{name}: {record.part}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{_SIGN}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def is_report(page: bytes) -> bool:
    """Return whether a file is a page that :func:`html` has made."""
    return _SIGN.encode() in page[:_HEAD_BYTES]


def _header(name: str, record: Record, outdated: str) -> str:
    which = f"{record.which} checkpoint" if record.which in ("best", "last") else "checkpoint"
    when = time.strftime("%d %B %Y, %H:%M", time.localtime(record.created_s))
    told = f"{_images(record.n_images)} of {record.dataset}, {counted(record.n_classes, 'class', 'classes')}"
    lead = f"{told}. The {which} of run {record.run}, step {record.step} (epoch {record.epoch}). {when}."
    kicker = f"{_PARTS.get(record.part, record.part)}{' · outdated' if outdated else ''}"
    return (
        f'<header><div class="kicker">{escape(kicker)}</div><h1>{escape(name)}</h1>'
        f'<div class="mut">{escape(lead)}</div></header>'
    )


def _tiles(record: Record) -> str:
    made = []
    for place, metric in enumerate(name for name in _TILES[record.task] if name in record.metrics):
        ends, value = record.intervals.get(metric), record.metrics[metric]
        told = f"95 %: {_number(metric, ends.low)} – {_number(metric, ends.high)}" if ends else ""
        told += (" · " if told else "") + "lower is better" if metric in scores.LOWER_IS_BETTER else ""
        drawn = charts.interval(value, *ends) if ends and not place else ""
        kind = "tile" if place else "tile main"
        number = f"<dd>{_number(metric, value)}</dd>"
        made.append(f'<div class="{kind}"><dt>{scores.label(metric)}</dt>{number}{drawn}<small>{told}</small></div>')
    return f'<dl class="tiles">{"".join(made)}</dl>'


def _notes(record: Record, outdated: str) -> str:
    told = [f"Outdated: {outdated}."] if outdated else []
    told += [*record.notices]
    return f'<ul class="notes">{"".join(f"<li>{escape(one)}</li>" for one in told)}</ul>' if told else ""


def _matrix(predictions: Predictions) -> str:
    k = len(predictions.classes)
    if predictions.multilabel:
        return ""
    if k <= _MATRIX:
        drawn = charts.matrix(tables.confusion(predictions), predictions.classes)
        lead = "Rows are true classes, columns what was predicted. A cell's shade is its share of the row."
        return _section("What is taken for what", lead, f'<div class="scroll">{drawn}</div>')
    names = predictions.classes
    rows = [(names[true], names[told], n) for true, told, n in tables.confused(predictions, _CONFUSIONS)]
    table = _table(("True", "Taken for", "Images"), [(_what(a), _what(b), _n(n)) for a, b, n in rows])
    return _section("What is taken for what", f"The {len(rows)} most frequent confusions of {k} classes.", table)


def _classes(predictions: Predictions) -> str:
    columns = tables.per_class(predictions)
    ends = bootstrap.class_intervals(predictions)["f1"]
    order = np.argsort(columns["f1"], kind="stable")[:_ROWS].tolist()
    rows = []
    for at in order:
        drawn = charts.interval(columns["f1"][at], ends.low[at], ends.high[at])
        numbers = [_n(f"{columns[name][at]:.3f}", hide=name != "f1") for name in ("precision", "recall", "f1")]
        auroc = columns["auroc"][at]
        rows.append((
            _what(columns["class"][at]), _n(int(columns["support"][at])), *numbers,
            _n("–" if math.isnan(auroc) else f"{auroc:.3f}", hide=True), f'<td class="bar-cell">{drawn}</td>',
        ))  # fmt: skip
    heads = ("Class", "Images", "-Precision", "-Recall", "F1", "-AUROC", "F1 with its 95 % interval")
    more = "" if len(order) == len(predictions.classes) else f" The {_ROWS} weakest of {len(predictions.classes)}."
    lead = f"The weakest first.{more} An interval says how far the number may lie off, with so few images."
    return _section("Class by class", lead, _table(heads, rows), long=True)


def _curves(predictions: Predictions) -> str:
    curves = Curves(predictions)
    average = scores.ranked(predictions).average_precision
    weakest = [predictions.classes[at] for at in np.argsort(np.where(np.isnan(average), 2, average))[:4].tolist()]
    names = [MICRO, *weakest]
    drawn = {
        kind: [Line(_curve_name(name), *curves.sweep(name).points(kind), number) for number, name in enumerate(names)]
        for kind in ("pr", "roc", "f1")
    }
    at, best = curves.sweep().best()
    bins = tables.reliability(predictions)
    figures = [
        (charts.lines(drawn["pr"], "recall", "precision"), "Precision over recall"),
        (charts.lines(drawn["roc"], "false positive rate", "true positive rate", diagonal=True), "ROC"),
        (charts.lines(drawn["f1"], "threshold", "F1"), f"F1 over the threshold: highest, {best:.3f}, at {at:.2f}"),
        (charts.reliability(bins["confidence"], bins["right"], bins["n"]),
         f"Calibration: error {_ece(predictions):.3f}. Bars below the diagonal: too sure."),
    ]  # fmt: skip
    colours = ("accent", "c1", "c2", "c3", "c4")
    key = "".join(
        f'<li style="--k:var(--{colour})">{escape(_curve_name(name))}</li>'
        for colour, name in zip(colours, names, strict=False)
    )
    body = "".join(f"<figure>{one}<figcaption>{told}</figcaption></figure>" for one, told in figures)
    lead = "All classes at once, and the four in which the model ranks worst; each class against the rest."
    return _section("Curves and calibration", lead, f'<div class="charts">{body}</div><ul class="key">{key}</ul>')


def _ece(predictions: Predictions) -> float:
    return float(scores.ece(predictions, np.ones((1, len(predictions)), np.float32))[0])


def _curve_name(name: str) -> str:
    return "all classes" if name == MICRO else name


def _slices(predictions: Predictions) -> str:
    offered = [by for by in slices.offered(predictions) if by != slices.CLASS]
    made = []
    for by in offered:
        found = slices.slices(predictions, by)
        if len(found) < 2:
            continue
        dots = [charts.interval(one.value, *one.interval, rest=one.rest, strong=one.worse) for one in found]
        rows = [
            (_what(one.name), _n(one.n), _n(f"{one.value:.3f}"), f'<td class="bar-cell">{dot}</td>')
            for one, dot in zip(found, dots, strict=True)
        ]
        heads = ("", "Images", scores.label(slices.metric(predictions)), "")
        table = _table(heads, rows, [one.worse for one in found])
        made.append(f"<figure><h3>By {escape(by)}</h3>{table}</figure>")
    lead = "The thin mark is the value of all other images; red is what is worse than they are by more than chance."
    return _section("Where it does better and worse", lead, f'<div class="twins">{"".join(made)}</div>') if made else ""


def _errors(record: Record, predictions: Predictions, pixels: Pixels) -> str:
    worst = errors(predictions, N_ERRORS)
    if not worst:
        return _section("Worst errors", "There are none: every image is predicted rightly.", "")
    shots = "".join(_shot(predictions, one.place, _said(one), pixels) for one in worst)
    maps = " The second picture shows what spoke for the label in question (Grad-CAM)." if predictions.heat else (
        f" No heat maps: {record.heat}." if record.heat else ""
    )  # fmt: skip
    n_wrong = int((~predictions.right).sum())
    lead = f"{n_wrong} of {_images(len(predictions))} are wrong. Here are the highest losses.{maps}"
    return _section("Worst errors", lead, f'<div class="gallery">{shots}</div>', long=True)


def _said(one: Wrong) -> str:
    label, share = escape(one.label), f"{100 * one.probability:.0f} %"
    if one.kind == "wrong class":
        true = escape(", ".join(one.true))
        told = f'<b>{true}</b> taken for <b class="bad">{label}</b><br>{share} sure'
        return f"{told}; {100 * one.true_probability:.1f} % for {true}"
    word = "predicted and not there" if one.kind == "false positive" else "there and not predicted"
    return f'<b class="bad">{label}</b> {word} ({share})<br>true: {escape(", ".join(one.true)) or "none"}'


def _doubts(record: Record, predictions: Predictions, pixels: Pixels) -> str:
    doubt = suspicion(predictions)
    found = [place for place in doubt.order[:N_DOUBTS].tolist() if doubt.suspected[place]]
    if not found or record.part == "train":
        return ""
    names = predictions.classes
    shots = "".join(
        _shot(
            predictions, place,
            f"labelled <b>{escape(names[doubt.given[place]])}</b>, looks like "
            f'<b class="bad">{escape(names[doubt.proposed[place]])}</b>' if not predictions.multilabel
            else f'<b class="bad">{escape(names[doubt.given[place]])}</b> may be labelled wrongly',
            pixels,
        )
        for place in found
    )  # fmt: skip
    told = (
        f"{counted(int(doubt.suspected.sum()), 'label is', 'labels are')} doubted, where the model is sure of another"
    )
    weak = "" if predictions.right.mean() >= _TRUSTED else " This model is often wrong itself, and so are its doubts."
    lead = f"{told} (confident learning, Northcutt et al. 2021).{weak} Look before you believe it."
    return _section("Labels that may be wrong", lead, f'<div class="gallery">{shots}</div>', long=True)


def _shot(predictions: Predictions, place: int, said: str, pixels: Pixels) -> str:
    file = predictions.files[place]
    image = pixels(file)
    heat = predictions.heat.of(place) if predictions.heat else None
    if image is None:
        shown = '<span class="gone">the image cannot be read any more</span>'
    else:
        small = ' class="pixels"' if max(image.shape[:2]) * 2 <= pictures.SIDE_PX else ""
        shown = f'<img{small} src="{pictures.picture(image)}" alt="">'
        shown += f'<img src="{pictures.heated(image, heat)}" alt="heat map">' if heat is not None else ""
    name = escape(file)
    return (
        f'<div class="shot"><div class="pair">{shown}</div><div class="said">{said}</div>'
        f'<div class="file" title="{name}">{name}</div></div>'
    )


def _facts(record: Record) -> str:
    how = f"{record.device}, precision {record.precision}, batches of {record.batch_size}"
    split = f"{record.split} ({record.split_hash}), part {record.part}"
    rows = {
        "Checkpoint": f"{record.file}, step {record.step}, epoch {record.epoch}, run {record.run}",
        "SHA-256": record.sha256,
        "Data": f"{record.dataset} ({record.data_hash}), {_images(record.n_images)}",
        "Labels": "as trained" if record.labels == TRAINED else "of the data set when this was evaluated",
        "Split": split,
        "Left out": f"{_images(record.n_damaged)} that cannot be read" if record.n_damaged else "",
        "Computed": f"on {how}, in {record.took_s:.1f} s",
        "All metrics": ", ".join(f"{scores.label(name)} {value:.4f}" for name, value in record.metrics.items()),
        "Intervals": f"bootstrap over images, {bootstrap.RESAMPLES} resamples, 95 %",
    }
    told = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows.items() if text)
    made = f"<footer>Made by nbtrain {escape(record.nbtrain)}. This page needs no network.</footer>"
    return _section("What was evaluated", "", f'<dl class="facts">{told}</dl>') + made


# ---------------------------------------------------------------------- small things


def _section(title: str, lead: str, body: str, *, long: bool = False) -> str:
    told = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    kind = ' class="long"' if long else ""
    return f"<section{kind}><h2>{title}</h2>{told}{body}</section>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], out: Sequence[bool] = ()) -> str:
    """Return a table whose cells are ready; a head that begins with "-" goes where there is little room."""
    top = "".join(
        f'<th class="{"" if place in (0, len(heads) - 1) and len(heads) != 3 else "n"}'
        f'{" hide-narrow" if head.startswith("-") else ""}">{escape(head.removeprefix("-"))}</th>'
        for place, head in enumerate(heads)
    )
    marked = [*out, *[False] * (len(rows) - len(out))]
    body = "".join(
        f"<tr{' class=' + chr(34) + 'out' + chr(34) if strong else ''}>{''.join(row)}</tr>"
        for row, strong in zip(rows, marked, strict=True)
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _images(number: int) -> str:
    return counted(number, "image", "images")


def _what(text: Any) -> str:
    return f'<td class="what">{escape(str(text))}</td>'


def _n(number: Any, *, hide: bool = False) -> str:
    return f'<td class="n{" hide-narrow" if hide else ""}">{number}</td>'


def _number(metric: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    share = metric in ("accuracy", "top5", "exact_match")
    return f"{100 * value:.1f} %" if share else f"{value:.3f}"
