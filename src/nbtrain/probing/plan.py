"""The plan's probe: real steps of a configuration, apart from its experiment; and a table of batch sizes if asked.

The request holds ``frozen`` (project/freeze.py) and ``table`` (whether the sizes of the table are measured too). The
result is plans.Measured as plain JSON. What is done in which order stands in rehearse.py.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nbtrain import locks
from nbtrain.probing.desk import Desk
from nbtrain.rehearse import probe
from nbtrain.tuning import Wired, measured_paths, tune

TIMED = True
"""Its result is how long things take, which others at work on the device would change."""


def work(desk: Desk) -> dict[str, Any]:
    """Measure; checkpoints are tried on the project's own disk."""
    jobs = desk.project / "jobs"
    jobs.mkdir(exist_ok=True)
    # The lock says that somebody is at work here: without it the next job would clear up what a killed one has left.
    with tempfile.TemporaryDirectory(prefix="plan-tries-", dir=jobs) as folder, locks.FileLock(Path(folder) / "lock"):
        table = bool(desk.request.get("table"))
        wiring = desk.wiring()
        wiring.measured = measured_paths()
        tuned = lambda *parts: tune(Wired(*parts))  # noqa: E731
        found = probe(wiring, folder=Path(folder), table=table, tell=desk.progress, tune=tuned)
        return {**found, "beside": desk.beside}
