"""Run the benchmarks one after the other: ``python -m bench [--long] [NAME …]``, to ``bench/results/NAME.json``.

``--long`` is for those that are cut short otherwise, so that everything takes a sitting: more rounds, more cases.
"""

from __future__ import annotations

import importlib
import inspect
import sys

from bench.table import keep, show

NAMES = (
    "start", "quickstart", "loop", "convolutions", "loader", "limits", "train", "compile", "checkpoint", "resume",
    "attach", "panels", "gallery", "preview", "watching", "plan", "jobs", "scan", "journal", "scale", "intervals",
    "ties", "classes", "sources",
)  # fmt: skip


def main() -> int:
    """Measure, print, keep; return 1 where a limit was missed."""
    missed, given = False, [word for word in sys.argv[1:] if word != "--long"]
    for name in given or NAMES:
        module = importlib.import_module(f"bench.{name}")
        cut_short = "long" in inspect.signature(module.measure).parameters
        rows = module.measure(**({"long": True} if cut_short and "--long" in sys.argv else {}))
        show(module.TITLE, rows)
        keep(name, rows)
        missed = missed or any(row.verdict == "MISSED" for row in rows)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
