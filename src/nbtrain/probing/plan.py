"""The plan's probe: real steps of a configuration, apart from its experiment; and a table of batch sizes if asked.

The request holds ``frozen`` (project/freeze.py) and ``table`` (whether the sizes of the table are measured too). The
result is plans.Measured as plain JSON. What is done in which order stands in rehearse.py.
"""

from __future__ import annotations

from typing import Any

from nbtrain.probing.desk import Desk
from nbtrain.rehearse import probe


def work(desk: Desk) -> dict[str, Any]:
    """Measure."""
    table = bool(desk.request.get("table"))
    return probe(desk.wiring(), folder=desk.project / "jobs", table=table, tell=desk.progress)
