"""The two halves of each widget agree: every synced trait stands in js/src/contracts.ts, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

import anywidget
import pytest

from nbtrain.ui import (
    compare,
    curves,
    data,
    details,
    elsewhere,
    evaluation,
    experiments,
    findings,
    form,
    gallery,
    guide,
    header,
    run_bar,
    run_table,
    statistics,
)
from nbtrain.ui.panel import Panel

JS = Path(__file__).resolve().parents[2] / "js" / "src"
PANELS = [
    header.Header,
    elsewhere.Elsewhere,
    experiments.Experiments,
    form.Form,
    run_bar.RunBar,
    findings.Findings,
    details.Details,
    curves.Curves,
    run_table.RunTable,
    compare.Compare,
    gallery.Gallery,
    data.Data,
    statistics.Statistics,
    guide.GuidePanel,
    evaluation.EvaluationPanel,
]


def interface(name: str) -> set[str]:
    """Return the members of an interface of contracts.ts."""
    text = (JS / "contracts.ts").read_text(encoding="utf-8")
    body = re.search(rf"^export interface {name} (?:extends \w+ )?{{\n(.*?)^}}", text, re.DOTALL | re.MULTILINE)
    assert body is not None, f"contracts.ts has no interface {name}"
    return set(re.findall(r"^  (\w+)\??:", body[1], re.MULTILINE))


def synced(panel: type[Panel]) -> set[str]:
    """Return the synced traits that the panel adds to a plain anywidget."""
    return set(panel.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_traits_are_those_of_the_twin(panel):
    assert synced(panel) == interface(panel.__name__) | interface("Common")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_every_trait_says_what_it_is(panel):
    assert [name for name in synced(panel) if not panel.class_traits()[name].help] == []


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.__name__)
def test_a_twin_is_there_and_knows_its_wishes(panel):
    """What the browser asks for has a handler, and each handler is asked for."""
    files = [JS / f"{panel.twin}.ts", *sorted((JS / panel.twin).glob("*.ts"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    wishes = set(re.findall(r"(?:\.send\(|askForImages\(panel, )\"(\w+)\"", text))
    assert wishes == {name.removeprefix("do_") for name in dir(panel) if name.startswith("do_")}
