"""The form's plan: what the run will need, measured on request, with the table of batch sizes.

:class:`Planned` is the form's part for it: one trait, and the wishes that go with it. Numbers and their words come from
nbtrain.advice.plan, the measuring from ``experiment.planning``; this file only brings both into plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from traitlets import Dict, HasTraits

from nbtrain import files, plans
from nbtrain.advice.plan import duration, fits, lines
from nbtrain.advice.words import gigabytes
from nbtrain.errors import NbtrainError
from nbtrain.plans import Plan
from nbtrain.project.experiment import Experiment
from nbtrain.project.planning import Planning
from nbtrain.ui.measuring import Measured
from nbtrain.ui.pulse import PULSE

_GAP_S = 0.2
"""Least time between two drawings of a progress."""


class Planned(Measured):
    """A form that also shows the plan of the experiment it shows."""

    plan = Dict(help="The plan: state, numbers with how they were got, batch sizes, progress of the measuring.").tag(
        sync=True
    )

    _unplan: Callable[[], None] | None = None

    def follow_plan(self, experiment: Experiment) -> None:
        """Redraw with every news of the measuring, until :meth:`unfollow`."""
        self._unplan = experiment.planning.on_change(self._planning)

    def unfollow(self, *models: HasTraits) -> None:
        """Let go of ``models``, or of every one that is followed, and then of the measuring too."""
        super().unfollow(*models)
        if not models and self._unplan is not None:
            self._unplan()
            self._unplan = None

    def _planning(self, planning: Planning) -> None:
        """Draw the progress without the rest of the form, which changes only with a result."""
        if planning.job is not None:
            PULSE.soon(self._draw_plan, _GAP_S)
        else:
            self.soon()

    def _draw_plan(self) -> None:
        experiment = self.experiment
        if experiment is not None:
            with self._drawing, self.hold_sync():
                self.plan = plan_of(experiment)

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_plan(self, table: bool = False) -> None:
        """Begin to measure, the batch sizes of the table too where that is wanted."""
        self._shown.planning.measure(table=table)

    def do_plan_now(self) -> None:
        """Wait for the device no longer."""
        if self._shown.planning.job is not None:
            self._shown.planning.job.begin_now()

    def do_cancel_plan(self) -> None:
        """End the measuring."""
        self._shown.planning.cancel()


def plan_of(experiment: Experiment) -> dict[str, Any]:
    """Return what the form shows of an experiment's plan; empty where there is nothing to show or to do."""
    planning = experiment.planning
    job, last, created = planning.job, planning.last, experiment.status == "created"
    if last is None and not created:
        return {}
    state = "measuring" if job else "stale" if last and planning.stale else "ready" if last else "none"
    shown = planning.plan or last
    told: dict[str, Any] = {
        "state": state,
        "text": job.text if job else "",
        "fraction": job.fraction if job else None,
        "waits": job is not None and job.waits,
        "trouble": planning.trouble,
        "actual": actual(experiment.run_path),
    }
    return {**told, **(_numbers(shown, experiment) if shown else {"rows": [], "table": [], "short": "", "fits": ""})}


def _numbers(found: Plan, experiment: Experiment) -> dict[str, Any]:
    most = "at most " if found.at_most else ""
    short = (f"{most}{duration(found.run_s)}", gigabytes(found.peak_bytes), f"{gigabytes(found.disk_bytes)} of disk")
    return {
        "rows": [list(line) for line in lines(found)],
        "short": " · ".join(short),
        "fits": "" if found.fits else f"does not fit: {fits(found)}",
        "table": [
            {
                "batch": row.batch,
                "speed": round(row.images_per_s, 1),
                "steps": row.steps_per_epoch,
                "memory": gigabytes(row.peak_bytes),
                "fits": row.fits,
                "measured": row.measured,
                "chosen": row.batch == experiment.config.training.batch_size,
            }
            for row in found.rows()
        ],
    }


def actual(run: str) -> str:
    """Return what became of the plan that a completed run began with; empty where it had none."""
    try:
        told = files.read_json(Path(run) / plans.RECORD) if run else {}
        time = f"took {duration(told['took_s'])}, foretold {duration(told['foretold_s'])}"
        return f"{time}; peak {gigabytes(told['peak_bytes'])}, foretold {gigabytes(told['foretold_bytes'])}"
    except (OSError, NbtrainError, KeyError, TypeError):
        return ""
