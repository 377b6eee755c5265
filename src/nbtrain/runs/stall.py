"""A trainer that makes no progress: noticed, told with the stacks of its processes, and ended by its minder.

Progress is that the loop asks for commands, which it does between any two pieces of work, or says something. Time in
which this process was frozen itself does not count. Known here: when it is too long, and the failure. Not known here:
how a run ends.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from nbtrain import stacks
from nbtrain.messages import Failure

_TICK_S = 1.0
"""A longer time between two looks is time in which this process did not run."""


class Watchdog:
    """Counts the seconds without progress; ``limit_s`` 0 never has enough."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._quiet_s, self._heard, self._looked_s = 0.0, None, time.monotonic()

    def has_enough(self, training: bool, heard: Any) -> bool:
        """Tell whether the loop has been silent for too long; ``heard`` changes whenever it shows a sign of life."""
        now_s = time.monotonic()
        passed_s, self._looked_s = min(now_s - self._looked_s, _TICK_S), now_s
        if not training or heard != self._heard:
            self._heard, self._quiet_s = heard, 0.0
            return False
        self._quiet_s += passed_s
        return 0 < self.limit_s < self._quiet_s


def stalled(run: Path, limit_s: float) -> Failure:
    """Return the failure of a trainer that stands still, and leave the stacks of its processes in the run folder."""
    import psutil  # here, so that the trainer's parent stays small

    workers = [child.pid for child in psutil.Process().children()]
    told = stacks.dump(workers)
    stacks.keep(run, told)
    ours = told.partition("\nChild")[0].replace("\\", "/")
    threads = "worker_threads.py" in ours
    waits = "data/loader.py" in ours and (bool(workers) or threads)
    who = "its loader threads" if threads else f"its loader workers (pid {', '.join(map(str, workers))})"
    what = who if waits else "a step, or a call in it"
    return Failure(
        cause="worker" if waits else "code",
        message=f"No progress for {limit_s:g} s: the trainer waits for {what}.",
        advice=(
            f"Look at where each process stands, below and in {stacks.FILE} of the run folder.",
            "Resume it: it goes on from the newest checkpoint.",
            "Raise training.stall_limit_s where a step may take that long.",
        ),
        traceback=told,
    )
