"""The plan's probe: real steps of a configuration, apart from its experiment; and a table of batch sizes if asked.

The request holds ``frozen`` (project/freeze.py) and ``table`` (whether the sizes of the table are measured too). The
result is plans.Measured as plain JSON. What is done in which order stands in rehearse.py.
"""

from __future__ import annotations

from typing import Any

from nbtrain import files, folders
from nbtrain.probing.desk import Desk
from nbtrain.rehearse import probe
from nbtrain.tuning import Wired, measured_paths, tune

TIMED = True
"""Its result is how long things take, which others at work on the device would change."""


def work(desk: Desk) -> dict[str, Any]:
    """Measure; checkpoints are tried on the project's own disk."""
    jobs = files.make_folder(desk.project / "jobs")
    with folders.unborn(jobs / "plan") as folder:  # the next job clears up what a killed one has left
        table = bool(desk.request.get("table"))
        wiring = desk.wiring()
        wiring.measured = measured_paths()
        tuned = lambda *parts: tune(Wired(*parts))  # noqa: E731
        found = probe(wiring, folder=folder, table=table, tell=desk.progress, tune=tuned)
        return {**found, "beside": desk.beside}
