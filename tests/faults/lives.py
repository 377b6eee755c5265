"""Runs that are killed again and again, at chosen moments inside the trainer, and what must be left of them: all.

As a program it is a process that has imported what a trainer needs: ``python lives.py SOCKET``. It forks one trainer
per request, which kills itself by SIGKILL at its moment, and answers with how that ended. Imported, it is the other
end, and the runs: configurations in which resuming is hard, moments drawn from the run's number, and the comparison.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KILLS = 4
EPOCHS, STEPS_PER_EPOCH = 9, 6
BASE = {
    "task.image_size": 16, "model.variant": "test_resnet", "training.epochs": EPOCHS, "training.batch_size": 8,
    "training.early_stopping": False, "logging.every_n_steps": 1, "data.workers": "auto", "hardware.device": "cpu",
    "hardware.threads": 1, "optimizer.lr": 3e-3,
    "augmentation.train": [{"kind": "resize"}, {"kind": "random_crop", "padding": 2}, {"kind": "color_jitter"}],
}  # fmt: skip
EMA = {"training.ema": True, "training.ema_decay": 0.9}
CONFIGS = {
    "augmentation": {"checkpoint.keep_last_n": 2},
    "mixup, EMA": {**EMA, "augmentation.mixup": 0.3},
    "bf16": {"hardware.precision": "bf16-mixed", "task.image_size": 32, "checkpoint.every_n_epochs": 2},
    "warm-up, accumulation": {"scheduler.warmup_epochs": 2, "training.batch_multiplier": 2, "training.clip_norm": 1.0,
                              "training.batch_size": 4},
    "other workers": {**EMA, "training.monitor": "loss", "checkpoint.best_name": "{name}-{epoch}-{metric:.3f}.pt"},
    "by the minute": {**EMA, "checkpoint.every_n_minutes": 0.0001, "augmentation.cutmix": 0.5},
}  # fmt: skip
"""Beside these, every life of "other workers" reads with another number of workers, threads or processes in turn."""


# ---------------------------------------------------------------------- moments


@dataclass(frozen=True)
class Moment:
    """Where a trainer kills itself: at the ``n``-th time that it comes by ``place``."""

    place: str
    n: int


PLACES = {
    "data scan": ("nbtrain.data.scan", "_looked_at", 60),
    "step": ("nbtrain.training.loop.Loop", "_step", STEPS_PER_EPOCH + 3),
    "validation": ("nbtrain.training.metrics.ClassMetrics", "add", 3),
    "checkpoint bytes": ("nbtrain.training.checkpoint._Counted", "write", 1200),
    "checkpoint files": ("os", ("fsync", "replace", "link", "unlink"), 24),
    "journal": ("os", ("write",), 24),
}
"""What is counted at each place, and about how often a trainer comes by in its first epochs."""


def moments(number: int) -> list[Moment]:
    """Return the moments of the kills of run ``number``: each place in turn over the runs, the count drawn."""
    drawn = random.Random(number)
    names = list(PLACES)
    places = [names[(KILLS * number + kill) % len(names)] for kill in range(KILLS)]
    return [Moment(place, drawn.randint(1, PLACES[place][2])) for place in places]


def arm(moment: Moment) -> None:
    """Let this process kill itself at ``moment``; a write is cut in the middle first."""
    home, names, _ = PLACES[moment.place]
    left = moment.n

    def wrapped(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal left
            if moment.place != "checkpoint files" or threading.current_thread().name == "nbtrain-checkpoint":
                left -= 1
            if left == 0:
                if real.__name__ == "write":
                    real(*args[:-1], args[-1][: len(args[-1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)

        return call

    owner = _found(home)
    for name in (names,) if isinstance(names, str) else names:
        setattr(owner, name, wrapped(getattr(owner, name)))


def _found(home: str) -> Any:
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError:
        module, _, name = home.rpartition(".")
        return getattr(importlib.import_module(module), name)


# ---------------------------------------------------------------------- the process that forks


class Answer(socketserver.StreamRequestHandler):
    """In a fork of its own: one life of one run."""

    def handle(self) -> None:
        """Fork the trainer, wait for its end, answer with its exit code, negative for a signal."""
        asked = json.loads(self.rfile.readline())
        pid = os.fork()
        if pid == 0:
            _live(**asked)
        _, state = os.waitpid(pid, 0)
        self.wfile.write(json.dumps(os.waitstatus_to_exitcode(state)).encode() + b"\n")


def _live(run: str, log: str, moment: list[Any] | None) -> None:
    from nbtrain.runs import worker

    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 1
    try:
        if moment:
            arm(Moment(*moment))
        code = worker.run(run, when_busy="beside")
    finally:
        os._exit(code)


def serve(path: str) -> None:
    """Import, then fork on request until standard input ends."""
    for name in ("torch", "torchvision.transforms.v2", "timm", "nbtrain.build", "nbtrain.data.loader",
                 "nbtrain.training.loop", "nbtrain.training.checkpoint", "nbtrain.runs.worker"):  # fmt: skip
        importlib.import_module(name)
    server = type("Server", (socketserver.ForkingMixIn, socketserver.UnixStreamServer), {"block_on_close": False})
    with server(path, Answer) as serving:
        while not _input_ended():
            serving.handle_request()
            serving.service_actions()


def _input_ended() -> bool:
    ready, _, _ = select.select([0], [], [], 0)
    return bool(ready) and not os.read(0, 1)


# ---------------------------------------------------------------------- those who ask


class Mother:
    """The process that forks, started at once and ready some seconds later."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mother"
        words = [sys.executable, __file__, str(self.path)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})

    def life(self, run: Path, moment: Moment | None = None) -> int:
        """Live one life of ``run``; return its exit code, negative for a signal."""
        asked = {"run": str(run), "log": str(run / "log.txt"), "moment": moment and [moment.place, moment.n]}
        with self._connected() as connection:
            connection.sendall(json.dumps(asked).encode() + b"\n")
            return int(connection.makefile().readline())

    def _connected(self) -> socket.socket:
        for _ in range(1200):
            connection = socket.socket(socket.AF_UNIX)
            with contextlib.suppress(OSError):
                connection.connect(str(self.path))
                return connection
            connection.close()
            assert self.process.poll() is None, "the process that forks has ended"
            time.sleep(0.05)
        raise TimeoutError("the process that forks is not ready")

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


@dataclass
class Lived:
    """What became of a run that was killed."""

    number: int
    config: str
    codes: list[int] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    """Steps that had to be done again after each kill."""
    promised: list[bool] = field(default_factory=list)
    """Whether that is at most the interval, and what was said to be kept was there."""
    within: int = 0
    """Checkpoints that were kept within an epoch, by the clock."""
    differs: str = ""
    """Where the end differs from the uninterrupted run's; empty where it is equal, bit for bit."""


class Nursery:
    """Makes runs of one project, and lives them, two at a time."""

    def __init__(self, folder: Path, mother: Mother) -> None:
        from images import write_classes
        from nbtrain.project.project import Project

        self.project, self.mother = Project(folder / "project"), mother
        self.project.add_images(write_classes(folder / "images", {"red": 20, "green": 20, "blue": 20}))
        self.pool = ThreadPoolExecutor(2)
        self.wholes = {name: self.pool.submit(self._whole, name) for name in CONFIGS}

    def lived(self, number: int, at: list[Moment] | None = None) -> Future[Lived]:
        """Return the future of run ``number``: killed at its moments or ``at`` others, resumed each time, compared."""
        return self.pool.submit(self._lived, number, moments(number) if at is None else at)

    def _whole(self, name: str) -> Path:
        run = self._run(name)
        assert self.mother.life(run) == 0, (run / "log.txt").read_text()
        return run

    def _run(self, name: str) -> Path:
        from nbtrain.project import freeze
        from nbtrain.runs.folder import RunFolder

        config = self.project.new_config().set_all({**BASE, **CONFIGS[name]})
        with _ONE:  # the project's files are made by one kernel in one thread
            experiment = self.project.path / "experiments" / f"e-{len(list(self.project.path.glob('experiments/*')))}"
            experiment.mkdir(parents=True)
            (experiment / "experiment.json").write_text('{"name": "A run"}')
            return RunFolder.create(experiment, freeze.frozen(self.project.data, config)).path

    def _lived(self, number: int, at: list[Moment]) -> Lived:
        name = list(CONFIGS)[number % len(CONFIGS)]
        run, told = self._run(name), Lived(number, name)
        ahead = Ahead(run, told)
        for kill, moment in enumerate(at):
            told.moments.append(moment)
            told.codes.append(self._life(run, name, kill, moment))
            ahead.look()
        told.codes.append(self._life(run, name, len(at), None))
        ahead.look()
        told.differs = difference(run, self.wholes[name].result())
        return told

    def _life(self, run: Path, name: str, life: int, moment: Moment | None) -> int:
        resolved = run / "resolved.json"  # what is measured is kept for life; here it is another machine
        if name == "other workers" and resolved.exists():
            plain = json.loads(resolved.read_text())
            plain["choices"]["data.workers"]["value"] = (2, 1, 0)[life % 3]
            kind = ("processes", "threads")[life % 2]
            plain["choices"]["data.worker_kind"] = {"value": kind, "reason": "another machine"}
            resolved.write_text(json.dumps(plain))
        return self.mother.life(run, moment)

    def close(self) -> None:
        """End what is still under way."""
        self.pool.shutdown(cancel_futures=True)
        self.project.close()


_ONE = threading.Lock()


class Ahead:
    """Follows a run's journal from life to life: how far each went on from, and how far it came."""

    def __init__(self, run: Path, told: Lived) -> None:
        from nbtrain.runs.journal import JournalReader

        self.told, self.reader = told, JournalReader(run / "events.jsonl")
        settings = json.loads((run / "config.json").read_text())["config"]["checkpoint"]
        self.interval = STEPS_PER_EPOCH * settings["every_n_epochs"]
        self.reached = self.saved = 0

    def look(self) -> None:
        """Take in one life, after its end."""
        from nbtrain.messages import Metric, Saved, Status

        said = self.reader.read()
        first = next((m.step for m in said if isinstance(m, Status) and m.status == "training"), None)
        if first is not None:
            self.told.lost.append(max(0, self.reached - first))
            due = self.reached - self.reached % self.interval
            still_written = self.saved < due
            self.told.promised.append(first >= (due - self.interval if still_written else due) and first >= self.saved)
            self.reached = first
        self.reached = max([self.reached, *(m.step for m in said if isinstance(m, Metric))])
        self.told.within += sum(isinstance(m, Saved) and m.step % STEPS_PER_EPOCH > 0 for m in said)
        self.saved = max([self.saved, *(m.step for m in said if isinstance(m, Saved))])


def difference(run: Path, whole: Path) -> str:
    """Return in what the end of ``run`` differs from that of ``whole``; nothing where all is equal to the last bit."""
    import torch

    from nbtrain.messages import Metric
    from nbtrain.runs.journal import JournalReader
    from training.tiny import same

    pairs = {}
    for name in ("best", "last"):
        markers = [json.loads((one / "checkpoints" / f"{name}.json").read_text()) for one in (run, whole)]
        states = [torch.load(one / "checkpoints" / marker["file"], weights_only=True)
                  for one, marker in zip((run, whole), markers, strict=True)]  # fmt: skip
        pairs |= {f"{name} {key}": (states[0][key], states[1][key]) for key in states[1]}
    said = [{(m.split, m.step): m.values for m in JournalReader(one / "events.jsonl").read() if isinstance(m, Metric)}
            for one in (run, whole)]  # fmt: skip
    pairs["journal"] = (said[0], said[1])
    return ", ".join(name for name, pair in pairs.items() if not same(*pair))


if __name__ == "__main__":
    serve(sys.argv[1])
