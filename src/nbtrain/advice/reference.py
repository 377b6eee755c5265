"""The page of rules: what each looks for and where that comes from, as Markdown, from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator

from nbtrain.advice.findings import Rule
from nbtrain.advice.rates import USUAL
from nbtrain.advice.running import Running
from nbtrain.advice.static import Static

_INTRODUCTION = """# Rules of advice

Generated from the code by `make docs`; a test keeps it fresh. A rule needs a source; what a finding says carries the
number that triggered it, and a fix where one click can put it right. Advice never keeps a run from training.
"""


def reference() -> str:
    """Return the page of all rules."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Before the run\n"
    yield from _table(Static)
    yield "\n## During and after the run\n"
    yield from _table(Running)
    yield "\n## Usual learning rates\n"
    yield "| optimizer | usual | at batch | source |\n|---|---|---|---|"
    for kind, usual in USUAL.items():
        yield f"| {kind} | {usual.lr:g} | {usual.batch} | {usual.source} |"


def _table(root: type[Rule]) -> Iterator[str]:
    yield "| rule | what it looks for | source |\n|---|---|---|"
    for rule in root.all().values():
        yield f"| {rule.name} | {rule.why()} | {rule.source} |"
