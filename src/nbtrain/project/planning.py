"""The plan of one experiment: measured when somebody asks, apart from the experiment; worked out anew at every edit.

A measurement stays good as long as nothing is edited that it hangs on: epochs, schedule or patience change the plan and
need no new steps, and a batch size that is in the table does not either. It is kept beside experiment.json, so that the
next kernel finds it. It knows short jobs and that file; what is measured is rehearse.py's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import files, plans
from nbtrain.config import Config
from nbtrain.errors import ConfigError, NbtrainError, TrainingError
from nbtrain.messages import Failure
from nbtrain.plans import Measured, Plan
from nbtrain.project import freeze
from nbtrain.project.listeners import Listeners
from nbtrain.runs.jobs import Job
from nbtrain.schema import Format

if TYPE_CHECKING:
    from nbtrain.project.experiment import Experiment

FORMAT = Format("measurement for a plan")
FILE = "plan.json"
_PARTS = ("task", "data", "model", "augmentation", "hardware")
_NUMBERS = ("batch_size", "batch_multiplier", "ema", "clip_norm")
"""What a measurement hangs on, with the kinds of optimizer and loss: whole sections, and some fields of training."""
_BATCH = "batch_size"


class Planning:
    """What is known of the plan of one experiment, and the measuring of it."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._job: Job[Measured] | None = None
        self._kept: tuple[dict[str, Any], Measured] | None = None
        self._read_from: Path | None = None
        self._asked: dict[str, Any] = {}
        self._listeners: Listeners[Planning] = Listeners()
        self.trouble = ""
        """Why the last measuring gave nothing, for the person."""

    # -- measuring ------------------------------------------------------------------------------------------------

    def measure(self, *, table: bool = False, beside: bool = False) -> Job[Measured]:
        """Begin to measure and return at once; one that is under way is ended. Raises ConfigError where nothing can be.

        ``table`` measures the batch sizes of the table too. It waits until the device is free, as it measures times;
        ``beside``, or ``job.begin_now()``, shares it.
        """
        experiment, config = self._experiment, self._config
        problems = [*config.check(experiment.project.facts(config)), *experiment.project.data_problems(config)]
        problems += experiment.project.unready(config, experiment.folder)
        if problems:
            raise ConfigError(problems)
        self.cancel()
        self.trouble, self._asked = "", self._key(config)
        experiment.project.save()
        data = experiment.project.data
        job = Job.start(
            experiment.project.path,
            "plan",
            lambda: {"frozen": freeze.frozen(data, config), "table": table},
            title=f"the measuring for a plan of “{experiment.name}”",
            device=config.hardware.device,
            beside=beside,
            read=Measured.parse,
        )
        self._job = job
        job.on_change(self._look)
        return job

    def wait(self, *, table: bool = False, beside: bool = False) -> Plan:
        """Measure and return the plan; raises ConfigError, or TrainingError where it fails or is cancelled."""
        config, job = self._config, self.measure(table=table, beside=beside)
        try:
            status = job.wait()
        except BaseException:
            job.cancel()
            raise
        if job.result is None:
            failure = job.failure or Failure(cause="interrupted", message=f"the measuring was {status}")
            raise TrainingError(failure.message.rstrip("."), cause=failure.cause, advice=" ".join(failure.advice))
        return plans.plan(config, job.result, plans.past_runs())

    def cancel(self) -> None:
        """End the measuring under way, if there is one."""
        job, self._job = self._job, None
        if job is not None and not job.over:
            job.cancel()

    @property
    def job(self) -> Job[Measured] | None:
        """The measuring under way."""
        return self._job if self._job is not None and not self._job.over else None

    def on_change(self, listener: Callable[[Planning], None]) -> Callable[[], None]:
        """Call ``listener(planning)`` at every change; return the function that takes it off again."""
        return self._listeners.add("news", listener)

    def _look(self, job: Job[Measured]) -> None:
        """Take in what a measuring says; called on the watch thread."""
        if job is not self._job:
            return
        if job.status == "completed" and job.result is not None:
            self._keep(job.result)
        elif job.status == "failed" and job.failure is not None:
            self.trouble = job.failure.text
        self._listeners.tell(self, ("news",))

    # -- what is known --------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan | None:
        """The plan of the configuration as it is now; None where nothing was measured that still holds."""
        found = self._measured()
        return plans.plan(self._config, found, plans.past_runs()) if found is not None and not self.stale else None

    @property
    def last(self) -> Plan | None:
        """The plan of the configuration that was measured last, stale or not."""
        found = self._measured()
        return plans.plan(self._config, found, plans.past_runs()) if found is not None else None

    @property
    def stale(self) -> bool:
        """Whether something was edited since the measuring that it hangs on."""
        kept = self._known()
        if kept is None:
            return False
        key, found = kept
        now = self._key(self._config)
        changed = {name for name in {*key, *now} if key.get(name) != now.get(name)}
        return bool(changed - ({_BATCH} if found.at(self._config.training.batch or 0) else set()))

    @property
    def _config(self) -> Config:
        return self._experiment.config

    def _measured(self) -> Measured | None:
        """Return what was measured, for the present batch size where that is in the table."""
        kept = self._known()
        if kept is None:
            return None
        batch, found = self._config.training.batch, kept[1]
        if batch is None or batch == found.batch or found.at(batch) is None:
            return found
        share = batch / found.batch
        val_s, frozen_s = share * found.val_batch_s, share * found.frozen_s
        return replace(found, batch=batch, reason="", val_batch_s=val_s, frozen_s=frozen_s)

    def _known(self) -> tuple[dict[str, Any], Measured] | None:
        folder = self._experiment.folder
        if self._kept is None and folder is not None and folder != self._read_from:
            self._read_from, self._kept = folder, _read(folder / FILE)
        return self._kept

    def _keep(self, result: Measured) -> None:
        self._kept = (self._asked, result)
        folder = self._experiment.folder
        if folder is not None:
            with suppress(OSError):  # the next kernel measures again
                told = {"key": self._asked, "measured": result.plain()}
                files.write_json(folder / FILE, FORMAT.mark(told), durable=False)

    def _key(self, config: Config) -> dict[str, Any]:
        """Return what a measurement of ``config`` hangs on, as plain JSON."""
        info, plain = self._experiment.data_info, config.plain()
        told = {name: info.get(name) for name in ("hash", "train", "val")}
        told |= {part: plain[part] for part in _PARTS} | {name: plain["training"][name] for name in _NUMBERS}
        return {**told, "optimizer": config.optimizer.kind, "loss": config.loss.kind}


def _read(path: Path) -> tuple[dict[str, Any], Measured] | None:
    try:
        plain = FORMAT.check_types(FORMAT.read(files.read_json(path), path), {"key": dict, "measured": dict}, path)
        return plain["key"], Measured.parse(plain["measured"])
    except (OSError, NbtrainError, KeyError, TypeError):
        return None
