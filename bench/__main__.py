"""Run the benchmarks one after the other: ``python -m bench [NAME …]``. Figures go to ``bench/results/NAME.json``."""

from __future__ import annotations

import importlib
import sys

from bench.table import keep, show

NAMES = (
    "start", "quickstart", "loop", "loader", "limits", "checkpoint", "resume", "attach", "panels", "preview",
    "watching", "plan", "jobs", "journal", "scale", "compile",
)  # fmt: skip


def main() -> int:
    """Measure, print, keep; return 1 where a limit was missed."""
    missed = False
    for name in sys.argv[1:] or NAMES:
        module = importlib.import_module(f"bench.{name}")
        rows = module.measure()
        show(module.TITLE, rows)
        keep(name, rows)
        missed = missed or any(row.verdict == "MISSED" for row in rows)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
