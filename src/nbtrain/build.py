"""From a run's frozen configuration to a loop that is ready to run, top to bottom: :func:`build`.

Each phase is said as it begins, and a stop is looked for in and between all of them. What was ``auto`` is decided once
and said as Resolved; a later life of the run takes the same value from resolved.json. This file knows the run folder;
how parts are wired together (wiring.py), and what a process has to do to be a trainer (runs/worker.py), it does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain import files, stacks
from nbtrain.config import Config
from nbtrain.data.scan import Interrupted
from nbtrain.errors import NbtrainError, TrainingError
from nbtrain.feeding import Frozen
from nbtrain.messages import LEFT
from nbtrain.models import Model
from nbtrain.rehearse import Compared, decide, to_measure
from nbtrain.training import kept
from nbtrain.training.budget import Budget
from nbtrain.training.changes import Changes
from nbtrain.training.commands import Asked, Commands, Say, Stopped
from nbtrain.training.loggers import About, Logged, Tee
from nbtrain.tuning import Wired, measured_paths, tune
from nbtrain.wiring import Wiring

if TYPE_CHECKING:
    import torch

    from nbtrain.data.workers import Vigil
    from nbtrain.training.compiling import Compiled
    from nbtrain.training.parts import Outcome, Parts
    from nbtrain.training.profile import Profile


def build(frozen: Frozen, run: Path, say: Say, asked: Asked) -> Logged | Compared | Ended:
    """Return the loop of the run in the folder ``run``; one that has ended where a Stop or Pause came meanwhile."""
    commands = Commands(asked, Budget())
    try:
        return Builder(frozen, Path(run), say, commands).loop()
    except (Stopped, Interrupted):
        from nbtrain.training.parts import Outcome

        return Ended(Outcome(commands.ending, f"{LEFT[commands.ending]} while it was being prepared{commands.why}."))


@dataclass(frozen=True, slots=True)
class Ended:
    """A loop with nothing left to do."""

    outcome: Outcome

    def run(self) -> Outcome:
        """Return how it ended."""
        return self.outcome


class Builder:
    """Builds one run's loop, phase by phase."""

    def __init__(self, frozen: Frozen, run: Path, say: Say, commands: Commands) -> None:
        self.frozen, self.run, self.say, self.commands = frozen, run, say, commands
        self.changes = Changes.of(run)
        self.wiring = Wiring(run.parents[3], frozen, say, commands, _resolved_before(run))
        self.wiring.config = self.config = self.changes.free(self.wiring.config)
        self._began_s = time.perf_counter()
        now = self.changes.present(self.config)
        self.wiring.epochs = now.training.most_epochs
        commands.budget.minutes = now.training.time_budget_minutes

    def loop(self) -> Logged | Compared:
        """Go through the phases and put the loop together."""
        from nbtrain.training.checkpoint import Checkpoints
        from nbtrain.training.live import Live
        from nbtrain.training.loop import Loop
        from nbtrain.training.monitor import Monitor
        from nbtrain.training.naming import Naming

        wiring = self.wiring
        wiring.enter("scanning data")
        wiring.measured = measured_paths()
        device = wiring.device()
        _begin_branch(self.frozen, self.run)
        settings = self._model()
        # A measurement of free memory must not find the run's own model there already, and weights that were begun
        # with other threads than a later life of this run has might differ from that life's in their last bits.
        with nullcontext() if to_measure(wiring) or wiring.later else wiring.ahead(settings) as ahead:
            found = wiring.find()
        wiring.enter("planning")
        train, val = (wiring.loader(found, part, self._vigil()) for part in ("train", "val"))
        normal = wiring.normalisation(train.images)
        tune(Wired(wiring, found, device, train, val, normal, settings))
        decide(wiring, found, device, train, val, normal, settings)
        wiring.cache(found, train.images, val.images)
        plan = wiring.plan(train.steps_per_epoch)
        wiring.enter("building", f"{self.config.model.entry.variant} for {len(found.classes)} classes on {device}")
        parts = wiring.parts(found, device, train, val, normal, plan, settings, ahead)
        if self.config.hardware.compile:
            parts = self._compiled(parts, min(train.batch_size, len(train.images)))
        training = self.config.training
        patience = training.patience if training.early_stopping else 0
        monitor = Monitor(self._monitored(), patience, training.min_delta)
        names = Naming(_experiment_name(self.run), monitor.metric)
        checkpoints = Checkpoints(self.run / "checkpoints", self.config.checkpoint, _fence(self.run), names)
        told = {"config": self.config.encoded(), "classes": list(found.classes)}
        self.commands.look()
        live = Live(wiring.config, self.changes, _branched_at(self.frozen))
        tee = Tee.opened(self.say, self.config.logging.targets, About.of(self.run, self.config))
        loop = Loop(parts, plan, monitor, checkpoints, tee, self.commands, told, live, self._profile(parts, device))
        if parts.compiled:
            parts.compiled.tell = lambda detail: loop.tell_place("building" if detail else "training", detail)
        return self._compared(Logged(loop, tee), wiring.config)

    def _profile(self, parts: Parts, device: torch.device) -> Profile | None:
        """Return what measures where the time goes, if that is wanted."""
        if not self.config.logging.profile:
            return None
        from nbtrain.training.profile import Profile

        return Profile(parts.model, device, self.run, self.say, modules=parts.compiled is None)

    def _compiled(self, parts: Parts, batch: int) -> Parts:
        """Return the parts with a compiled training pass, where that can be and was so in earlier lives."""
        from nbtrain.training.convolutions import quicken

        compiled = None if self.wiring.kept.get("hardware.compile") is False else self._warmed_up(parts, batch)
        if compiled is None:
            quicken(parts.model, parts.precision)
        return replace(parts, compiled=compiled)

    def _warmed_up(self, parts: Parts, batch: int) -> Compiled | None:
        """Return the compiled training pass, None where it cannot be had."""
        import torch

        from nbtrain.models.freezing import to_training
        from nbtrain.training.compiling import Compiled
        from nbtrain.training.precision import Chosen

        path, wiring, size = "hardware.compile", self.wiring, self.config.task.image_size
        before = wiring.kept.get(path)

        def gave_up(why: str) -> None:
            exact = " Its numbers differ in their last bits from those of the compiled steps before." if before else ""
            wiring.notice(f"The network cannot be compiled and trains uncompiled: {why}.{exact}", "warning")

        if parts.unfreezing:
            parts.unfreezing.enter(0)
        to_training(parts.model)
        made = Compiled(parts.model, lambda detail: wiring.tell("building", detail), gave_up)
        made.warm_up(parts.prepare(torch.zeros(batch, 3, size, size, dtype=torch.uint8)), parts.precision)
        reason = made.why_not or f"compiled in {made.took_s:.0f} s"
        wiring.resolve(path, "auto" if before is None else "", lambda _: Chosen(not made.why_not, reason))
        return None if made.why_not else made

    def _compared(self, logged: Logged, config: Config) -> Logged | Compared:
        """Return a loop that compares itself with the plan that there was for it, where this life begins with it."""
        foretold = self.frozen.get("plan") or {}
        if config.hardware.compile:  # plans are measured uncompiled: their errors would spoil the corrections
            return logged
        if foretold.get("batch") != config.training.batch_size or kept.checkpoints(self.run / "checkpoints"):
            return logged
        return Compared(logged, self.run, foretold, config, self._began_s)

    def _vigil(self) -> Vigil:
        """Return when loader workers that hang are replaced: long before the run itself counts as hanging."""
        from nbtrain.data.workers import Vigil

        def replaced(text: str, told: str) -> None:
            stacks.keep(self.run, told)
            self.wiring.notice(f"{text}; where it stood is in {stacks.FILE} of the run folder.", "warning")

        return Vigil(self.config.training.stall_limit_s / 2, replaced)

    def _monitored(self) -> str:
        from nbtrain.training.precision import Chosen

        task = self.config.task
        main = Chosen(task.monitor, f"the main metric of {task.label.lower()}")
        return str(self.wiring.resolve("training.monitor", self.config.training.monitor, lambda _: main))

    def _model(self) -> Model:
        """Return the model's settings with what its weights start from: nothing where a checkpoint waits."""
        if any((self.run / "checkpoints").glob("step-*.json")):
            return self.config.model.replace(pretrained=False, weights_file="", transfer_from="")
        return self.wiring.model(but=self.run.parents[1])


def _resolved_before(run: Path) -> dict[str, Any]:
    """Return what an earlier life of this run decided."""
    try:
        choices = files.read_json(run / "resolved.json")["choices"]
        return {path: choice["value"] for path, choice in choices.items()}
    except (OSError, NbtrainError, KeyError, TypeError, AttributeError):
        return {}


def _experiment_name(run: Path) -> str:
    """Return what the person calls the experiment of a run now."""
    try:
        return str(files.read_json(run.parents[1] / "experiment.json")["name"])
    except (OSError, NbtrainError, KeyError, TypeError):
        return run.parents[1].name


def _fence(run: Path) -> Callable[[], bool]:
    """Return what tells whether this process still owns the run: the generation in owner.json is the one of now."""

    def generation() -> Any:
        try:
            return files.read_json(run / "owner.json").get("generation")
        except (OSError, NbtrainError, AttributeError):
            return None

    ours = generation()
    return lambda: generation() == ours


def _branched_at(frozen: Frozen) -> tuple[int, ...]:
    """Return the step at which the run begins with a checkpoint of another one; nothing for most runs."""
    start = frozen.get("start")
    return (int(start["step"]),) if start else ()


def _begin_branch(frozen: Frozen, run: Path) -> None:
    """Give a branch that has no checkpoint yet the one that it begins with; raises TrainingError where that is gone."""
    folder = run / "checkpoints"
    if not frozen.get("start") or kept.checkpoints(folder):
        return
    found = kept.checkpoints(run.parents[1] / kept.START)
    if not found:
        told = "the checkpoint that this branch begins with is gone"
        raise TrainingError(told, cause="disk", value=str(run.parents[1] / kept.START), advice="Branch again.")
    for one in found:
        kept.link(one, folder)
