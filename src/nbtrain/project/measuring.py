"""What can be measured for an experiment beside its runs: a learning rate range test, the colours of its images.

A part of :class:`~nbtrain.project.experiment.Experiment`, in a file of its own. Each measurement is a short job with
fresh weights of its own; its result is kept in the project for every experiment that it is true for. It knows what a
result hangs on; how a job is run (runs/jobs.py), and what it computes (nbtrain/probing), it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrain.config import Config
from nbtrain.data import measured
from nbtrain.data.normalisation import Colours, recall_colours
from nbtrain.errors import ConfigError, DataError, Problem
from nbtrain.probing.lr_curve import LEAST_POINTS, MOST_STEPS, SOURCE, STEPS, LrCurve
from nbtrain.project import freeze
from nbtrain.runs.jobs import Job

if TYPE_CHECKING:
    from nbtrain.project.project import Project

LR_RANGE, COLOURS = "lr_range", "colours"
_PARTS = ("task", "data", "model", "initialisation", "normalisation", "augmentation", "optimizer", "loss")
_TRAINING = ("seed", "batch_size", "batch_multiplier", "clip_norm")


class Measuring:
    """The part of an experiment that is measured on demand."""

    project: Project
    config: Any

    def lr_range_test(self, steps: int = STEPS) -> Job[LrCurve]:
        """Train for ``steps`` steps from fresh weights while the learning rate rises; return the job at once.

        It uses the configuration as it is now, takes its turn for the device, and touches no run. ``job.wait()`` waits
        for it, ``job.result.suggested`` is the rate to take, ``job.cancel()`` ends it. One that is under way for the
        same configuration is returned again. Raises ConfigError while there are problems.
        """
        config = self.config
        title, device = f"a learning rate range test of “{self._called()}”", config.hardware.device
        if not LEAST_POINTS <= steps <= MOST_STEPS:
            advice = f"From {LEAST_POINTS} to {MOST_STEPS}."
            raise ConfigError([Problem("steps", f"{steps} steps cannot be a sweep.", advice)])
        job = {"title": title, "device": device, "steps": steps}
        return self._measure(LR_RANGE, config, LrCurve.parse, self._lr_key(config), **job)

    def measure_colours(self) -> Job[Colours]:
        """Measure mean and deviation of the training images now; return the job at once.

        Runs whose ``normalisation.kind`` is ``dataset`` use the values, as long as data and split are the same.
        """
        config = self.config
        key = f"{self._data_hash(config)}-{config.data.plain()}"
        return self._measure(COLOURS, config, Colours.parse, key, title="measuring the colours of the training images")

    @property
    def lr_range(self) -> LrCurve | None:
        """The result of a range test for the present configuration; None where none was made."""
        plain = measured.recall(self.project.path, LR_RANGE, self._lr_key(self.config))
        try:
            return LrCurve.parse(plain) if plain else None
        except (KeyError, TypeError):  # edited by hand
            return None

    @property
    def colours(self) -> Colours | None:
        """Mean and deviation of the present training images; None where nobody has measured them."""
        split = self.project.split_hash(self.config)
        return recall_colours(self.project.path, self._data_hash(self.config), split) if split else None

    @property
    def measurements(self) -> dict[str, Job[Any]]:
        """The newest job of each kind that was started here: ``lr_range``, ``colours``."""
        found: dict[str, Job[Any]] = self.__dict__.setdefault("_measurements", {})
        return found

    def stop_measuring(self) -> None:
        """Cancel what is being measured."""
        for job in self.measurements.values():
            job.cancel()

    def _measure(
        self, kind: str, config: Config, read: Any, key: str, *, title: str, device: str = "", **more: Any
    ) -> Job[Any]:
        running, keys = self.measurements.get(kind), self.__dict__.setdefault("_measured_keys", {})
        if running is not None and not running.over:
            if keys[kind] == key:
                return running
            running.cancel()
        problems = [*config.check(self.project.facts(config)), *self.project.data_problems(config)]
        problems += self.project.unready(config)
        if problems:
            raise ConfigError(problems)
        self.project.save()
        wanted = lambda: {"frozen": freeze.frozen(self.project.data, config), "key": key, **more}  # noqa: E731
        job = Job.start(self.project.path, kind, wanted, title=title, device=device, read=read)
        self.measurements[kind], keys[kind] = job, key
        return job

    def _lr_key(self, config: Config) -> str:
        """All that a curve hangs on; the rate itself, the schedule and what comes later are not among it."""
        plain = config.plain()
        parts = {name: plain[name] for name in _PARTS}
        parts["optimizer"] = {name: value for name, value in parts["optimizer"].items() if name != "lr"}
        training = {name: plain["training"][name] for name in _TRAINING}
        return measured.key_of(parts, training, plain["hardware"]["precision"], self._data_hash(config), SOURCE)

    def _data_hash(self, config: Config) -> str:
        try:
            return self.project.data.get(config.data.dataset).hash
        except DataError:
            return ""

    def _called(self) -> str:
        return str(getattr(self, "name", ""))
