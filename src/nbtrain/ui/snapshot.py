"""A picture of a project without a kernel: what a saved notebook, nbconvert and a plain terminal show.

One table and one drawing, as HTML with everything inline, or as a few lines of text. It reads experiments; it needs
no widgets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nbtrain.escaping import html as escape
from nbtrain.escaping import line
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.thinning import Curve, thinned

_ICONS = {"created": "○", "pending": "◔", "preparing": "◔", "training": "●", "completed": "✓"}
_ICONS |= {"failed": "✗", "cancelled": "⊘", "paused": "‖"}
_SHARES = {"accuracy", "top5", "precision", "recall", "f1", "auroc", "map"}
_MOST_ROWS = 50
_WIDTH_PX, _HEIGHT_PX, _LEFT_PX, _BOTTOM_PX = 480, 160, 40, 20
_CELL = 'style="text-align:left;padding:4px 12px 4px 0"'


def experiment_html(experiment: Experiment) -> str:
    """Return one experiment's status and curves."""
    told = " · ".join(text for text in (experiment.status, best_text(experiment)) if text)
    return f"<div><p><b>{escape(experiment.name)}</b> {escape(told)}</p>{curves_html(experiment)}</div>"


def project_html(project: Project, selected: Experiment | None = None) -> str:
    """Return a table of the project's experiments and the selected one's curves."""
    rows = "".join(f"<tr>{''.join(_cells(e))}</tr>" for e in project.cards[:_MOST_ROWS])
    more = len(project.cards) - _MOST_ROWS
    head = "".join(f"<th {_CELL}>{name}</th>" for name in ("", "experiment", "status", "best", "epoch"))
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    table = whole if rows else "<p>No experiments yet.</p>"
    told = f"<p>and {more} more</p>" if more > 0 else ""
    return f"<div><p><b>{escape(project.name)}</b></p>{table}{told}{curves_html(selected) if selected else ''}</div>"


def _cells(experiment: Experiment) -> Iterator[str]:
    texts = (_ICONS[experiment.status], experiment.name, experiment.status, best_text(experiment))
    for text in texts:
        yield f"<td {_CELL}>{escape(text)}</td>"
    yield f"<td {_CELL}>{f'{experiment.epoch} / {experiment.epochs}' if experiment.epochs else ''}</td>"


def project_text(project: Project) -> str:
    """Return the project in a few lines, for places that show no widgets."""
    count = len(project.cards)
    lines = [f"{project.name}: {count} experiment{'' if count == 1 else 's'}"]
    lines += [f"  {_ICONS[e.status]} {e.name}  {e.status}  {best_text(e)}".rstrip() for e in project.cards[:_MOST_ROWS]]
    return "\n".join(map(line, lines))


def best_text(experiment: Experiment) -> str:
    """Return the best validation of an experiment in words: "accuracy 98.6 %"."""
    name, value = experiment.best.get("metric"), experiment.best.get("value")
    if name is None or not isinstance(value, int | float):
        return ""
    return f"{name} {value:.1%}".replace("%", " %") if name in _SHARES else f"{name} {value:.4g}"


def curves_html(experiment: Experiment) -> str:
    """Return loss and validation loss of an experiment as an inline drawing; empty where there are none."""
    series = [(s, c, experiment.curves.series(s, "loss")) for s, c in (("train", "#1668c7"), ("val", "#d9660a"))]
    curves = [(split, color, *thinned(step, y, 300)) for split, color, (step, _, y) in series if np.isfinite(y).any()]
    if not curves:
        return ""
    low, high = min(np.nanmin(y) for *_, y in curves), max(np.nanmax(y) for *_, y in curves)
    last = max(float(x[-1]) for _, _, x, _ in curves) or 1.0
    style = 'fill="none" stroke-width="1.5"'
    lines = "".join(f'<path d="{_path(x, y, last, low, high)}" stroke="{c}" {style}/>' for _, c, x, y in curves)
    legend = " ".join(f'<tspan fill="{color}">{split}</tspan>' for split, color, *_ in curves)
    grey = 'fill="#888" font-size="10" font-family="sans-serif"'
    texts = (
        f'<text x="0" y="14" {grey}>{high:.3g}</text><text x="0" y="{_HEIGHT_PX - _BOTTOM_PX}" {grey}>{low:.3g}</text>'
        f'<text x="{_LEFT_PX}" y="{_HEIGHT_PX - 4}" {grey}>step 0</text>'
        f'<text x="{_WIDTH_PX}" y="{_HEIGHT_PX - 4}" text-anchor="end" {grey}>{last:.0f}</text>'
        f'<text x="{_WIDTH_PX}" y="14" text-anchor="end" {grey}>{escape(experiment.name[:60])}: loss {legend}</text>'
    )
    size = f'viewBox="0 0 {_WIDTH_PX} {_HEIGHT_PX}" width="{_WIDTH_PX}" height="{_HEIGHT_PX}"'
    return f'<svg {size} role="img">{lines}{texts}</svg>'


def _path(x_N: Curve, y_N: Curve, last: float, low: float, high: float) -> str:
    """Return the drawing commands of one curve; a gap starts a new stroke."""
    across = _LEFT_PX + x_N / last * (_WIDTH_PX - _LEFT_PX)
    down = 20 + (high - y_N) / ((high - low) or 1.0) * (_HEIGHT_PX - _BOTTOM_PX - 24)
    commands, pen = [], "M"
    for left, top, known in zip(across, down, np.isfinite(y_N), strict=True):
        if known:
            commands.append(f"{pen}{left:.1f} {top:.1f}")
        pen = "L" if known else "M"
    return "".join(commands)
