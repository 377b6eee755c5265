"""The evaluations of an experiment: those on disk, and the starting of new ones.

A part of :class:`~nbtrain.project.experiment.Experiment`, in a file of its own. It knows when there is something to
evaluate; what an evaluation holds is evaluation.py's matter.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nbtrain.config import Config
from nbtrain.data.splits import SETS
from nbtrain.errors import DataError, NbtrainError, StatusError
from nbtrain.evaluation import folder as on_disk
from nbtrain.evaluation.folder import CURRENT, LABELS, TRAINED
from nbtrain.project.evaluation import Evaluation
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.jobs import Job
from nbtrain.training import kept

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment
    from nbtrain.project.project import Project


class Evaluating:
    """The part of an experiment that judges what it has learned."""

    project: Project
    run: RunFolder | None
    config: Any
    name: Any

    def evaluate(self, part: str = "val", checkpoint: str | int = "best", labels: str = CURRENT) -> Evaluation:
        """Evaluate a checkpoint (``best``, ``last`` or of a step) on ``train``, ``val`` or ``test``; return at once.

        ``labels`` are those of the data set now (``current``), or those that the run was trained with (``trained``). On
        the CPU it runs beside what uses it, at low priority; for a GPU it takes its turn (``job.begin_now()`` of the
        result ends the wait). It touches neither the run nor its files. ``wait()`` waits for it,
        ``metrics`` and more tell the result, which is kept with the experiment. One that is under way for the same is
        returned again. Raises StatusError where there is nothing to evaluate.
        """
        if part not in SETS:
            raise StatusError("there is no such part", value=part, advice="There are train, val and test.")
        if labels not in LABELS:
            raise StatusError("there are no such labels", value=labels, advice="There are current and trained.")
        run = self._evaluable(part)
        asked, under_way = (part, str(checkpoint), labels), self._under_way
        running = under_way.get(asked)
        if running is not None and running.status in ("pending", "working"):
            return running
        if not _is_there(run.path / "checkpoints", checkpoint):
            kept.find(run.path / "checkpoints", checkpoint)  # which says what there is; else it reads the whole file
        frozen = run.config
        request = {"run": str(run.path.relative_to(self.project.path)), "part": part, "checkpoint": checkpoint}
        request |= self._labelled(labels, frozen["dataset"]["name"])
        device = Config.parse(frozen["config"]).hardware.device
        title = f"an evaluation of “{self.name}”"
        job: Job[dict[str, Any]] = Job.start(self.project.path, "evaluate", request, title=title, device=device)
        under_way[asked] = Evaluation(cast("Experiment", self), job=job, part=part)
        job.on_change(self._tell_evaluated)
        return under_way[asked]

    def _labelled(self, labels: str, name: str) -> dict[str, Any]:
        """Return what a request says of the data set called ``name``; raises StatusError where it has no labels now."""
        try:
            dataset = self.project.data.get(name)
        except DataError:
            if labels == TRAINED:
                return {"labels": labels}
            advice = "Evaluate with the labels as trained: labels='trained'."
            raise StatusError("the data set of this run is gone from the project", value=name, advice=advice) from None
        if labels == TRAINED:
            return {"labels": labels, "known": dataset.base}
        return {"labels": labels, "known": dataset.hash, "dataset": dataset.frozen()}

    @property
    def relabelled(self) -> bool:
        """Whether the data set has other images or labels now than when the newest run was set up."""
        try:
            name, recorded = self.recorded_data
            return bool(recorded) and self.project.data.get(name).hash != recorded
        except DataError:
            return False

    @property
    def recorded_data(self) -> tuple[str, str]:
        """Name and hash of the data set that the newest run was set up with; empty where there is none to read."""
        if self.run is None:
            return "", ""
        known: tuple[Path, tuple[str, str]] | None = self.__dict__.get("_recorded_data")
        if known is None or known[0] != self.run.path:  # a run's config.json never changes
            try:
                dataset = self.run.config["dataset"]
                found = str(dataset["name"]), str(dataset["hash"])
            except (NbtrainError, OSError, KeyError, TypeError):
                return "", ""
            known = self.__dict__["_recorded_data"] = (self.run.path, found)
        return known[1]

    def _tell_evaluated(self, job: Job[dict[str, Any]]) -> None:
        """Let whoever shows the experiment look again, once an evaluation is there; called on the watch thread."""
        if job.status == "completed":
            with self.project.lock:
                cast("Experiment", self).beat = time.time()

    @property
    def evaluations(self) -> list[Evaluation]:
        """The evaluations that are there, oldest first."""
        experiment = cast("Experiment", self)
        found = on_disk.numbers(experiment.folder) if experiment.folder is not None else []
        return [Evaluation(experiment, number=number) for number in found]

    @property
    def evaluations_under_way(self) -> list[Evaluation]:
        """Those that this kernel has asked for and that are not over, oldest first."""
        return [one for one in self._under_way.values() if one.status in ("pending", "working")]

    @property
    def _under_way(self) -> dict[tuple[str, str, str], Evaluation]:
        found: dict[tuple[str, str, str], Evaluation] = self.__dict__.setdefault("_evaluations_under_way", {})
        return found

    def stop_evaluating(self) -> None:
        """Cancel the evaluations under way."""
        for one in self._under_way.values():
            one.cancel()

    def _evaluable(self, part: str) -> RunFolder:
        """Return the run to evaluate; raises StatusError where there is nothing to."""
        if self.run is None:
            raise StatusError("an experiment that has not been trained cannot be evaluated", advice="Train it first.")
        if part == "test" and not self.project.data_info(self.config).get("test"):
            advice = "data.test_ratio sets images aside for test, before training; val is there in any case."
            raise StatusError("the split of this experiment has no test set", advice=advice)
        return self.run


def _is_there(checkpoints: Path, which: str | int) -> bool:
    """Tell whether a checkpoint has its marker, without a look at its content."""
    if which == "best":
        return kept.best(checkpoints) is not None
    steps = [str(one.step) for one in kept.checkpoints(checkpoints)]
    return bool(steps) if which == "last" else str(which) in steps
