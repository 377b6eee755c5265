"""What the form measures on request: a learning rate range test, and the colours of the training images.

:class:`Measured` is the form's part for it: one trait, and the clicks that start and cancel. The jobs are the
experiment's (project/measuring.py), so that another panel, or the same one later, finds them under way. Progress is
drawn without the rest of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Dict

from nbtrain.probing.lr_curve import SOURCE, LrCurve
from nbtrain.project.experiment import Experiment
from nbtrain.project.measuring import COLOURS, LR_RANGE
from nbtrain.runs.jobs import Job
from nbtrain.ui.advice import Advised
from nbtrain.ui.pulse import PULSE

_GAP_S = 0.2
"""Least time between two drawings of a progress."""


class Measured(Advised):
    """A form that also measures."""

    measured = Dict(help="Range test and colours: whether one is under way, how far it is, what was found.").tag(
        sync=True
    )

    _hearing: tuple[Callable[[], None], ...] = ()

    def close(self) -> None:
        """Hear nothing of measurements any more, and take the form off all pages."""
        self.hear(None)
        super().close()

    def hear(self, experiment: Experiment | None) -> None:
        """Draw the progress of what is measured for ``experiment``, and of nothing else any more."""
        for off in self._hearing:
            off()
        jobs = experiment.measurements.values() if experiment is not None else ()
        self._hearing = tuple(job.on_change(self._heard) for job in jobs if not job.over)

    def measured_now(self, experiment: Experiment) -> dict[str, Any]:
        """Return what was measured for the present configuration, and what is being measured."""
        jobs = experiment.measurements
        return {
            LR_RANGE: {**progress_of(jobs.get(LR_RANGE)), **_curve(experiment, jobs.get(LR_RANGE))},
            COLOURS: {**progress_of(jobs.get(COLOURS)), **_colours(experiment)},
        }

    def _heard(self, _: Job[Any]) -> None:
        PULSE.soon(self._draw_measured, _GAP_S)

    def _draw_measured(self) -> None:
        experiment = self.experiment
        if experiment is not None:
            with self._drawing, self.hold_sync():
                self.measured = self.measured_now(experiment)

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_measure(self, kind: str) -> None:
        """Start measuring; what is under way already is shown."""
        experiment = self._shown
        if kind == LR_RANGE:
            experiment.lr_range_test()
        elif kind == COLOURS:
            experiment.measure_colours()
        self.hear(experiment)

    def do_cancel_measuring(self, kind: str) -> None:
        """End what is being measured."""
        job = self._shown.measurements.get(kind)
        if job is not None:
            job.cancel()


def progress_of(job: Job[Any] | None) -> dict[str, Any]:
    """Return how far a job is, and what went wrong with it."""
    if job is None:
        return {"running": False, "text": "", "fraction": None, "trouble": ""}
    failure = job.failure if job.status == "failed" else None
    trouble = failure.text if failure else ""
    return {"running": not job.over, "text": job.text, "fraction": job.fraction, "trouble": trouble}


def _curve(experiment: Experiment, job: Job[LrCurve] | None) -> Mapping[str, Any]:
    """Return the curve of the present configuration, or the last one of another, which is stale."""
    found = experiment.lr_range
    shown = found or (job.result if job is not None else None)
    if shown is None:
        return {}
    return {
        "lrs": [_short(lr) for lr in shown.lrs],
        "losses": [_short(loss) for loss in shown.smoothed],
        "suggested": _short(shown.suggested, 2),
        "steepest": _short(shown.steepest, 2),
        "diverged": shown.diverged,
        "why": shown.why,
        "source": SOURCE,
        "stale": found is None,
    }


def _colours(experiment: Experiment) -> Mapping[str, Any]:
    found = experiment.colours if experiment.config.normalisation.kind == "dataset" else None
    return {**found.plain(), "fix": found.as_custom()} if found is not None else {}


def _short(value: float | None, digits: int = 4) -> Any:
    return None if value is None else float(f"{value:.{digits}g}")
