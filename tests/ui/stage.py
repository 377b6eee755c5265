"""A stage for panels: a real project, tiny images, real run folders, and a loop that tells numbers without training.

The trainer's own threads run in this process (``runs.inline``), so every status is brought about as in real life, in
milliseconds and without torch. Used by the tests of the panels and by those that drive a browser.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from nbtrain import files
from nbtrain.errors import TrainingError
from nbtrain.messages import (
    Best,
    Change,
    Changed,
    Failure,
    Metric,
    Notice,
    PerClass,
    Resolved,
    Saved,
    Status,
    Usage,
    leaving,
)
from nbtrain.project import lives
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs.inline import Inline
from nbtrain.runs.queue import Queue
from nbtrain.training.changes import Changes, Entry

CLASSES = ("daisy", "iris", "rose", "tulip")


def images(folder: Path, per_class: int = 10) -> Path:
    """Write a few coloured squares per class."""
    for index, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            Image.new("RGB", (16, 16), (60 * index, 20 * number, 90)).save(folder / name / f"{number}.png")
    return folder


def project(folder: Path, *, data: bool = True) -> Project:
    """Return a project below ``folder``, with images unless told otherwise."""
    made = Project(folder / "flowers")
    if data:
        made.add_images(images(folder / "images"), "flowers")
    return made


@dataclass
class Play:
    """What the loop tells: how many epochs of how many steps, how long a step takes, and how it ends."""

    epochs: int = 12
    steps: int = 40
    step_s: float = 0.0
    prepare_s: float = 0.0
    fails: Failure | None = None
    seed: int = 1
    notices: tuple[str, ...] = ()
    best: float = 0.0
    kept: dict[Path, int] = field(default_factory=dict)
    """Step at which a run was left, and goes on."""

    def build(
        self, frozen: dict[str, Any], run: Path, say: Callable[[Any], None], asked: Callable[[], list[Any]]
    ) -> Any:
        """Return the loop, as ``nbtrain.build`` would."""
        return SimpleNamespace(run=lambda: self.loop(run, say, asked))

    def loop(self, run: Path, say: Callable[[Any], None], asked: Callable[[], list[Any]]) -> Any:
        """Tell the story of a run."""
        chance, pause = random.Random(self.seed), threading.Event()
        for phase, detail in (("scanning data", "40 of 40 files"), ("building", "resnet18, 11.2 M parameters")):
            say(Status(status="preparing", phase=phase, detail=detail))
            if left := leaving(self._asked(pause, self.prepare_s, asked)):
                return SimpleNamespace(status=left, reason="")
        changes, self.epochs = Changes.of(run), self.planned(run)
        for text in self.notices:
            say(Notice(text=text, level="warning"))
        say(Resolved(path="data.workers", value=2, reason="two workers kept the device busy"))
        first = self.kept.get(run, 0) + 1
        for step in range(first, self.epochs * self.steps + 1):
            commands = self._asked(pause, self.step_s, asked)
            for wish in [command for command in commands if isinstance(command, Change)]:
                self._change(say, changes, wish, step - 1)
            if left := leaving(commands):
                self.kept[run] = step - 1
                say(self._status("saving", step - 1))
                say(Saved(file=f"step-{step - 1:08d}.pt", step=step - 1, epoch=(step - 1) / self.steps, size_bytes=9))
                return SimpleNamespace(status=left, reason="")
            if step == first:
                say(self._status("training", step - 1))
            self._step(say, chance, step)
        self._keep(run, self.epochs * self.steps)
        say(self._status("saving", self.epochs * self.steps))
        return SimpleNamespace(status="completed", reason="")

    def planned(self, run: Path) -> int:
        """Return the epochs of a run that may have been extended."""
        longer = [entry.value for entry in Changes.of(run).entries if entry.path == "training.epochs"]
        return longer[-1] if longer else self.epochs

    def _keep(self, run: Path, step: int) -> None:
        """Leave a checkpoint of nine bytes that is whole."""
        self.kept[run], payload = step, b"a payload"
        marker = {"file": f"step-{step:08d}.pt", "bytes": 9, "sha256": hashlib.sha256(payload).hexdigest()}
        place = {"step": step, "epoch": step // self.steps, "metrics": {}}
        (run / "checkpoints" / f"step-{step:08d}.pt").write_bytes(payload)
        for name in (f"step-{step:08d}", "last", "best"):
            files.write_json(run / "checkpoints" / f"{name}.json", {**marker, **place})

    @staticmethod
    def _change(say: Callable[[Any], None], changes: Changes, wish: Change, step: int) -> None:
        changes.add(Entry(step=step, path=wish.path, old=1e-3, value=wish.value))
        say(Changed(path=wish.path, old=1e-3, value=wish.value, step=step))

    def _step(self, say: Callable[[Any], None], chance: random.Random, step: int) -> None:
        total, epoch = self.epochs * self.steps, step / self.steps
        if step % self.steps == 1:
            say(self._status("training", step - 1))
        if step % 10 == 0 or step == 1:
            self._train(say, chance, step, epoch, total)
        if step % self.steps == 0:
            self._validate(say, chance, step, epoch)
        if self.fails and epoch >= self.epochs / 3:
            raise TrainingError(self.fails.message, cause=self.fails.cause, advice=" ".join(self.fails.advice))

    def _status(self, phase: Any, step: int) -> Status:
        place = {"epoch": step // self.steps, "epochs": self.epochs, "step": step, "steps": self.epochs * self.steps}
        return Status(status="training", phase=phase, **place)

    @staticmethod
    def _asked(pause: threading.Event, seconds: float, asked: Callable[[], list[Any]]) -> list[Any]:
        if seconds:
            pause.wait(seconds)
        return asked()

    def _train(self, say: Callable[[Any], None], chance: random.Random, step: int, epoch: float, total: int) -> None:
        lr = 1e-3 * 0.5 * (1 + math.cos(math.pi * step / total))
        loss = 1.4 * math.exp(-2.2 * epoch / self.epochs * (1 + 0.1 * self.seed)) + 0.08 + chance.gauss(0, 0.05)
        say(Metric(step=step, epoch=epoch, split="train", values={"loss": max(0.01, loss), "lr": lr}))
        say(
            Usage(
                step=step,
                images_per_s=1800 + chance.gauss(0, 60),
                waiting=0.02,
                cpu_percent=140 + chance.gauss(0, 8),
                memory_mib=812,
            )
        )

    def _validate(self, say: Callable[[Any], None], chance: random.Random, step: int, epoch: float) -> None:
        share = 1 - 0.75 * math.exp(-3 * epoch / self.epochs * (1 + 0.1 * self.seed)) + chance.gauss(0, 0.006)
        share = min(0.995, share)
        loss = 1.3 * math.exp(-1.9 * epoch / self.epochs) + 0.2 + chance.gauss(0, 0.02)
        values = {
            "loss": loss,
            "accuracy": share,
            "precision": share - 0.01,
            "recall": share - 0.004,
            "f1": share - 0.006,
            "auroc": min(0.999, share + 0.02),
        }
        say(Metric(step=step, epoch=epoch, split="val", values=values))
        if share > self.best:
            self.best = share
            say(Best(metric="accuracy", value=share, epoch=epoch, step=step))
        rows = tuple((name, 8, share - 0.02 * i, share - 0.01 * i, share - 0.015 * i) for i, name in enumerate(CLASSES))
        say(PerClass(step=step, epoch=epoch, columns=("class", "support", "precision", "recall", "f1"), rows=rows))


def use(play: Play) -> Play:
    """Let every run that is started in this process tell ``play``."""
    inline = Inline(play.build)

    def start(run: Any, **how: Any) -> Any:
        return inline.start(run, **{name: value for name, value in how.items() if name == "when_busy"})

    def start_next(path: Path) -> None:
        threading.Thread(target=Queue(path).advance, args=(start,), daemon=True).start()

    lives.launch = SimpleNamespace(start=start, start_next=start_next, ensure_warm=lambda: True)  # type: ignore[assignment]
    return play


def trained(project: Project, name: str, play: Play | None = None, tags: tuple[str, ...] = ()) -> Experiment:
    """Return an experiment whose run has ended."""
    use(play or Play(epochs=6, steps=10))
    made = project.new(name, tags=tags)
    made.set("training.monitor", "accuracy")
    made.train(beside=True).wait(30)
    return made
