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
from nbtrain.errors import StatusError
from nbtrain.evaluation import folder as on_disk
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

    def evaluate(self, part: str = "val", checkpoint: str | int = "best") -> Evaluation:
        """Evaluate a checkpoint (``best``, ``last`` or of a step) on ``train``, ``val`` or ``test``; return at once.

        On the CPU it runs beside what uses it, at low priority; for a GPU it takes its turn (``job.begin_now()`` of
        the result ends the wait). It touches neither the run nor its files. ``wait()`` waits for it,
        ``metrics`` and more tell the result, which is kept with the experiment. One that is under way for the same is
        returned again. Raises StatusError where there is nothing to evaluate.
        """
        if part not in SETS:
            raise StatusError("there is no such part", value=part, advice="There are train, val and test.")
        run = self._evaluable(part)
        asked, under_way = (part, str(checkpoint)), self._under_way
        running = under_way.get(asked)
        if running is not None and running.status in ("pending", "working"):
            return running
        if not _is_there(run.path / "checkpoints", checkpoint):
            kept.find(run.path / "checkpoints", checkpoint)  # which says what there is; else it reads the whole file
        request = {"run": str(run.path.relative_to(self.project.path)), "part": part, "checkpoint": checkpoint}
        device = Config.parse(run.config["config"]).hardware.device
        title = f"an evaluation of “{self.name}”"
        job: Job[dict[str, Any]] = Job.start(self.project.path, "evaluate", request, title=title, device=device)
        under_way[asked] = Evaluation(cast("Experiment", self), job=job, part=part)
        job.on_change(self._tell_evaluated)
        return under_way[asked]

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
    def _under_way(self) -> dict[tuple[str, str], Evaluation]:
        found: dict[tuple[str, str], Evaluation] = self.__dict__.setdefault("_evaluations_under_way", {})
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
