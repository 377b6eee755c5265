"""Experiments side by side: their metrics at their best epochs, how long they took, and where their settings differ.

Where they have been evaluated, metrics have intervals, and the images say which of two is better, if any.

The first is the selected one, and what the others are set against. Who is compared, the list of experiments knows;
this panel wishes for others through its callback. Curves stand below it and are curves.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from traitlets import Dict, List, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.evaluation.bootstrap import Interval
from nbtrain.evaluation.folder import CURRENT
from nbtrain.project.comparing import Comparison, Reached, best_of, names_of
from nbtrain.project.evaluation import Alike, Evaluation, alike
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.details import finite
from nbtrain.ui.panel import Panel
from nbtrain.ui.standing import STEP_S, standing
from nbtrain.ui.verdicts import BEST, PART, Verdicts, can_be_evaluated, lacking

MOST = 8
"""Experiments that are compared at once: as many as there are colours."""
_OFFERED = 200


class Compare(Panel, twin="compare"):
    """Metrics and settings of the selected experiment beside those of others."""

    GAP_S, COMPANY_S = STEP_S, 0.25

    compared = List(Dict(), help="Id, name, status, epoch, duration and colour of each, the first is set against.").tag(
        sync=True
    )
    rows = List(
        Dict(), help="A metric per row: name, value and interval of each, difference to the first, and the best one."
    ).tag(sync=True)
    verdicts = List(Dict(), help="What the images say of each of the others: id, outcome, short, text, notes.").tag(
        sync=True
    )
    lacking = List(
        Dict(), help="Experiments without an evaluation that counts: id, why, in words, and able: whether it can be."
    ).tag(sync=True)
    labels = Dict(
        help="Labels of the evaluations: old, whether they have changed since; trained, whether those as trained are "
        "alike, other than today's, and lacking."
    ).tag(sync=True)
    evaluating = Unicode(help="What is evaluated at the moment, in words.").tag(sync=True)
    settings = List(Dict(), help="Settings that differ: path, label and the value of each.").tag(sync=True)
    offered = List(Dict(), help="Id and name of experiments that could be added, newest first.").tag(sync=True)
    metric = Unicode(help="The metric that the first experiment is watched by.").tag(sync=True)

    def __init__(self, project: Project, choose: Callable[[str, bool], None], **kwargs: Any) -> None:
        """Compare experiments of ``project``; ``choose`` is told the id of one that is wanted, or no longer."""
        super().__init__(**kwargs)
        self._choose, self._compared, self._places = choose, tuple[Experiment, ...](), tuple[int, ...]()
        self._verdicts, self._jobs = Verdicts(self.soon), list[Evaluation]()
        self._deaf: list[Callable[[], None]] = []
        """What takes this panel off the evaluations that it has asked for."""
        self.show(project, None)

    def show(self, project: Project, first: Experiment | None, others: Sequence[tuple[int, Experiment]] = ()) -> None:
        """Set ``others``, each with its place in the palette, against the ``first``."""
        self.unfollow()
        self.model = project
        self._compared = (*((first,) if first else ()), *(other for _, other in others))
        self._places = (*((0,) if first else ()), *(1 + place % (MOST - 1) for place, _ in others))
        self.follow(project, "cards")
        for experiment in self._compared:
            self.follow(experiment, "beat", "name", "status", "config")
        self.redraw()

    def close(self) -> None:
        """Hear nothing of evaluations any more, and take the panel off all pages."""
        for off in self._deaf:
            off()
        super().close()

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the table of metrics and that of settings."""
        if not self._compared:
            nothing: dict[str, Any] = {"compared": [], "rows": [], "settings": [], "verdicts": [], "lacking": []}
            nothing["labels"] = {}
            return {**nothing, "offered": self._offered(), "metric": "", "evaluating": ""}
        comparison, found_alike = Comparison(self._compared), self._alike()
        evaluated = found_alike.evaluations
        reached = comparison.reached
        return {
            "compared": [
                _head(experiment, one, place)
                for experiment, one, place in zip(self._compared, reached, self._places, strict=True)
            ],
            "rows": [_row(name, reached, evaluated) for name in names_of(reached)],
            "verdicts": [
                {"id": other.id, **self._verdicts.of(evaluated[0], found)}
                for other, found in zip(self._compared[1:], evaluated[1:], strict=True)
            ],
            "lacking": [
                {"id": experiment.id, "why": lacking(experiment), "able": can_be_evaluated(experiment)}
                for experiment, found in zip(self._compared, evaluated, strict=True)
                if found is None
            ],
            "labels": {"old": not found_alike.current, "trained": self._trained_alike() and None in evaluated},
            "evaluating": self._at_work(),
            "settings": comparison.differences,
            "offered": self._offered(),
            "metric": self._compared[0].best.get("metric", ""),
        }

    def _alike(self) -> Alike:
        try:
            return alike(self._compared, PART)
        except NbtrainError:  # one was deleted just now
            return Alike((None,) * len(self._compared), True)

    def _trained_alike(self) -> bool:
        """Tell whether all were trained with the same labels, and the data set has others by now."""
        hashes = {experiment.recorded_data for experiment in self._compared}
        return len(hashes) == 1 and self._compared[0].relabelled

    def _at_work(self) -> str:
        """Return what is evaluated at the moment; what has failed is told."""
        over = [job for job in self._jobs if job.status not in ("pending", "working")]
        self._jobs = [job for job in self._jobs if job not in over]
        failed = next((job for job in over if job.failure is not None), None)
        if failed is not None and failed.failure is not None:
            self.tell(f"“{failed.experiment.name}” could not be evaluated: {failed.failure.text}")
        return f"{self._jobs[0].experiment.name}: {self._jobs[0].text or 'starting'}" if self._jobs else ""

    def _offered(self) -> list[dict[str, str]]:
        shown = {experiment.id for experiment in self._compared}
        others = (e for e in self.model.cards if e.id not in shown)
        return [{"id": e.id, "name": e.name} for e, _ in zip(others, range(_OFFERED), strict=False)]

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_add(self, id: str) -> None:
        """Compare another experiment too."""
        if len(self._compared) < MOST:
            self._choose(id, True)

    def do_evaluate(self, labels: str = CURRENT) -> None:
        """Evaluate the best checkpoint of each that is not evaluated with these labels, on the images that validate."""
        refused = []
        for experiment in self._compared:
            if can_be_evaluated(experiment) and not _is_evaluated(experiment, labels):
                try:
                    job = experiment.evaluate(PART, labels=labels)
                except NbtrainError as error:  # the others can be evaluated all the same
                    refused.append(f"“{experiment.name}”: {error}")
                    continue
                self._jobs.append(job)
                self._deaf.append(job.on_change(lambda _: self.soon()))
        self.tell(" ".join(refused))

    def do_cancel(self) -> None:
        """Stop the evaluations that were asked for here."""
        for job in self._jobs:
            job.cancel()

    def do_remove(self, id: str) -> None:
        """Compare an experiment no longer."""
        self._choose(id, False)


def _is_evaluated(experiment: Experiment, labels: str) -> bool:
    made = [one for one in experiment.evaluations if one.readable and one.part == PART and one.record.which == BEST]
    held = [one for one in made if not one.outdated]
    return any(one.is_of_labels_now if labels == CURRENT else one.is_of_labels_trained for one in held)


def _head(experiment: Experiment, one: Reached | None, place: int) -> dict[str, Any]:
    return {
        "id": experiment.id,
        "name": experiment.name,
        "status": experiment.status,
        "epoch": finite(one.epoch) if one else None,
        "duration_s": standing(experiment)["duration_s"],
        "color": f"var(--c{place + 1})",
    }


def _row(name: str, reached: Sequence[Reached | None], evaluated: Sequence[Evaluation | None]) -> dict[str, Any]:
    """Return one metric of all: values, differences to the first, and which is the best."""
    values = [one.metrics.get(name) if one else None for one in reached]
    first = values[0]
    return {
        "name": name,
        "values": values,
        "ranges": [
            # The value is the run's own: the interval belongs to it only where the labels are the run's too.
            _range(found.intervals.get(name)) if found and found.is_of_labels_trained else None
            for found in evaluated
        ],
        "apart": [None if first is None or value is None else value - first for value in values],
        "best": best_of(name, values),
    }


def _range(interval: Interval | None) -> list[float | None] | None:
    return [finite(float(interval.low)), finite(float(interval.high))] if interval else None
