"""Logging targets: other programs' formats that a run's numbers are written in too, off unless asked for.

Each target is an extra of the package (``nbtrain[tensorboard]``…), imported in the trainer alone. All write files on
this machine; none opens a port for others or sends anything, and none is given a password or key. What happens to a
target after the start never ends a run: it is told once, and the run goes on without it.

:class:`Tee` stands between the loop and its ``say``. It knows messages; it does not know how the numbers are made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import field_validator

from nbtrain import files
from nbtrain.errors import ConfigError, NbtrainError, Problem, shown
from nbtrain.messages import Message, Metric, Notice
from nbtrain.schema import Family, Section, field, fields

if TYPE_CHECKING:
    from nbtrain.training.loop import Loop
    from nbtrain.training.parts import Outcome


@dataclass(frozen=True, slots=True)
class About:
    """What a target is told of the run."""

    run: Path
    """The run folder."""
    experiment: str
    project: str
    settings: Mapping[str, Any]
    """The configuration, by path."""
    step: int = 0
    """Steps that are done and kept."""

    @classmethod
    def of(cls, run: Path, config: Section) -> About:
        """Return what is known of the run in the folder ``run``."""
        names = (run.parents[1] / "experiment.json", run.parents[3] / "project.json")
        experiment, project = (str(_read(path).get("name") or path.parent.name) for path in names)
        settings = {found.path: config.get(found.path) for found in fields(config) if found.type != "parts"}
        return cls(run, experiment, project, settings, int(_read(run / "checkpoints" / "last.json").get("step", 0)))

    @property
    def id(self) -> str:
        """A name for this run that is the same in each of its lives."""
        return f"{self.run.parents[1].name}-{self.run.name}"


class Sink(Protocol):
    """A target at work."""

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Keep these numbers."""

    def close(self) -> None:
        """Write what is still held back, and end."""


class Target(Family):
    """Another program's format that a run's numbers are written in."""

    enabled: bool = field(True)
    """Whether the numbers are written; off keeps the settings for later."""

    package: ClassVar[str] = ""
    extra: ClassVar[str] = ""

    def missing(self) -> Problem | None:
        """Return the problem of a package that is not installed, naming the extra that brings it."""
        if util.find_spec(self.package) is not None:
            return None
        told = f"{self.label} needs a package that is not installed."
        return Problem("logging.targets", told, f'Install it: pip install "nbtrain[{self.extra}]"')

    def open(self, about: About) -> Sink:
        """Return the target at work; raises ConfigError where its package is missing."""
        if problem := self.missing():
            raise ConfigError([problem])
        return self._opened(about)

    def _opened(self, about: About) -> Sink:
        raise NotImplementedError


class TensorBoard(Target, kind="tensorboard", label="TensorBoard"):
    """Curves for TensorBoard, in the run folder; see them with `tensorboard --logdir` on the project's folder."""

    package, extra = "tensorboard", "tensorboard"

    def _opened(self, about: About) -> Sink:
        from torch.utils.tensorboard import SummaryWriter

        # What an earlier life wrote beyond this step is not shown any more.
        return _TensorBoard(SummaryWriter(str(_own_folder(about, "tensorboard")), purge_step=about.step + 1))


class _TensorBoard:
    def __init__(self, writer: Any) -> None:
        self.writer = writer

    def write(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        if any(name.startswith("val/") for name in values):
            self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class WandB(Target, kind="wandb", label="Weights & Biases (offline)"):
    """Curves for Weights & Biases, kept in the run folder; `wandb sync` uploads them when you want it."""

    package, extra = "wandb", "wandb"
    project: str = field("", label="W&B project")
    """Name of the project at Weights & Biases. Empty: that of this project."""

    def _opened(self, about: About) -> Sink:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else its own errors are reported over the network
        import wandb

        _own_folder(about, "wandb")
        quiet: dict[str, Any] = {"mode": "offline", "silent": True, "console": "off", "root_dir": str(about.run)}
        private = {"save_code": False, "disable_git": True, "disable_code": True, "x_disable_meta": True}
        run = wandb.init(
            project=self.project or about.project,
            name=about.experiment,
            id=about.id,
            dir=str(about.run),
            config=dict(about.settings),
            settings=wandb.Settings(**quiet, **private),
        )
        return _WandB(run)


class _WandB:
    def __init__(self, run: Any) -> None:
        self.run = run

    def write(self, values: Mapping[str, float], step: int) -> None:
        self.run.log(dict(values), step=step)

    def close(self) -> None:
        self.run.finish()


class MLflow(Target, kind="mlflow", label="MLflow"):
    """Curves and settings for MLflow, in a folder of this machine."""

    package, extra = "mlflow", "mlflow"
    folder: str = field("", label="Folder")
    """Folder that holds MLflow's runs, for several runs side by side. Empty: `mlflow` in the run folder."""

    @field_validator("folder")
    @classmethod
    def _on_this_machine(cls, folder: str) -> str:
        if "://" in folder or folder.startswith("databricks"):
            told = f"{shown(folder)} is an address, not a folder."
            raise ConfigError([Problem("folder", told, "Give a folder of this machine.")])
        return folder

    def _opened(self, about: About) -> Sink:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # it prefers a data base, which a run folder must not need
        from mlflow.tracking import MlflowClient

        folder = Path(self.folder).expanduser().absolute() if self.folder else _own_folder(about, "mlflow")
        client = MlflowClient(tracking_uri=folder.as_uri())
        known = client.get_experiment_by_name(about.project)
        place = known.experiment_id if known else client.create_experiment(about.project)
        return _MLflow(client, _mlflow_run(client, place, about))


class _MLflow:
    def __init__(self, client: Any, run: str) -> None:
        self.client, self.run = client, run

    def write(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, step=step)

    def close(self) -> None:
        self.client.set_terminated(self.run)


def _own_folder(about: About, name: str) -> Path:
    """Return a folder in the run's for a library that follows links; raises OSError where one is in its place."""
    return files.make_folder(about.run / name, parents=False)


def _mlflow_run(client: Any, place: str, about: About) -> str:
    """Return MLflow's id for the run: that of an earlier life, or a new one with the settings."""
    tag = {"nbtrain.run": about.id}
    found = client.search_runs([place], filter_string=f"tags.`nbtrain.run` = '{about.id}'")
    if found:
        return str(found[0].info.run_id)
    run = str(client.create_run(place, run_name=about.experiment, tags=tag).info.run_id)
    for path, value in about.settings.items():
        client.log_param(run, path, str(value)[:500])
    return run


def _read(path: Path) -> dict[str, Any]:
    try:
        plain = files.read_json(path)
    except (OSError, ValueError, NbtrainError):
        return {}
    return plain if isinstance(plain, dict) else {}


class Tee:
    """Says every message, and gives its numbers to the targets."""

    def __init__(self, say: Callable[[Message], None], sinks: Mapping[str, Sink]) -> None:
        self.say, self.sinks = say, dict(sinks)

    @classmethod
    def opened(cls, say: Callable[[Message], None], targets: tuple[Target, ...], about: About) -> Tee:
        """Return the tee with every target that could be opened; a missing package is refused."""
        made = cls(say, {})
        for target in targets:
            if target.enabled:
                made._try(target.label, lambda target=target: made.sinks.update({target.label: target.open(about)}))  # type: ignore[misc]
        return made

    def __call__(self, message: Message) -> None:
        """Say one message."""
        self.say(message)
        if isinstance(message, Metric):
            values = {f"{message.split}/{name}": value for name, value in message.values.items()}
            for name, sink in list(self.sinks.items()):
                self._try(name, lambda sink=sink: sink.write(values, message.step))  # type: ignore[misc]

    def close(self) -> None:
        """Close every target."""
        for name, sink in list(self.sinks.items()):
            self._try(name, sink.close)
        self.sinks.clear()

    def _try(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever another program's library raises must not end a run
            self.sinks.pop(name, None)
            told = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            text = f"{name} failed and gets no more numbers: {told}. Training goes on."
            self.say(Notice(level="warning", text=text))


@dataclass(frozen=True, slots=True)
class Logged:
    """A loop whose targets are closed when it has ended, however that was."""

    loop: Loop
    tee: Tee

    def run(self) -> Outcome:
        """Run the loop; return how it ended."""
        try:
            return self.loop.run()
        finally:
            self.tee.close()
