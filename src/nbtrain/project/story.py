"""The story of a run: the journal's messages folded into what there is to show.

A story is plain data: reading the same messages, in one piece or in many, gives the same story. It knows messages;
it does not know where they come from, nor who looks on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nbtrain.messages import (
    ENDED,
    Best,
    Failure,
    Message,
    Metric,
    Notice,
    PerClass,
    Resolved,
    RunState,
    Saved,
    Status,
    Usage,
)
from nbtrain.project.history import History


@dataclass
class Story:
    """What is known of one run at one moment."""

    status: RunState = "pending"
    phase: str = ""
    detail: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    history: History = field(default_factory=History)
    best: dict[str, Any] = field(default_factory=dict)
    per_class: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, float] = field(default_factory=dict)
    usage_rows: History = field(default_factory=History)
    resolved: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] = field(default_factory=dict)
    started_s: float = 0.0
    ended_s: float = 0.0
    newest_s: float = 0.0
    _first: tuple[float, int] | None = None
    """Time and step at which this life of the run began to train: what its speed is measured from."""

    def tell(self, messages: Iterable[Message]) -> None:
        """Fold ``messages`` in, in their order."""
        for message in messages:
            self.newest_s = max(self.newest_s, message.t_s)
            self._fold(message)

    def _fold(self, message: Message) -> None:
        match message:
            case Metric():
                self._metric(message)
            case Status():
                self._status(message)
            case Usage():
                self._usage(message)
            case Best():
                self.best = {name: getattr(message, name) for name in ("metric", "value", "epoch", "step")}
            case PerClass():
                self.per_class = {"epoch": message.epoch, "columns": message.columns, "rows": message.rows}
            case Saved():
                self._saved(message)
            case Resolved():
                self.resolved[message.path] = {"value": message.value, "reason": message.reason}
            case Notice():
                self.notices.append({"level": message.level, "text": message.text})
            case Failure():
                self.error = {name: getattr(message, name) for name in ("cause", "message", "advice", "traceback")}

    def _status(self, said: Status) -> None:
        if said.status == "training":
            self.history.cut(said.step)
            self.usage_rows.cut(said.step)
        self.status, self.phase, self.detail = said.status, said.phase, said.detail
        if said.status not in ("pending", "preparing"):  # they stand where an earlier life left off
            self.epoch, self.step = said.epoch, said.step
        self.epochs, self.steps = said.epochs or self.epochs, said.steps or self.steps
        self.started_s = self.started_s or said.t_s
        self.ended_s = said.t_s if said.status in ENDED else 0.0
        if said.status == "preparing":
            self._first, self.error = None, {}
        elif said.status == "training" and self._first is None:
            self._first = (said.t_s, said.step)

    def _metric(self, said: Metric) -> None:
        self.history.add(said)
        self.step = max(self.step, said.step)
        self.epoch = max(self.epoch, math.floor(said.epoch))

    def _usage(self, said: Usage) -> None:
        names = ("images_per_s", "waiting", "cpu_percent", "memory_mib", "gpu_memory_mib")
        self.usage = {name: getattr(said, name) for name in names}
        self.step = max(self.step, said.step)
        row = Metric(t_s=said.t_s, step=said.step, epoch=0.0, split="train", values=self.usage)
        self.usage_rows.add(row)

    def _saved(self, said: Saved) -> None:
        entry = {"file": said.file, "step": said.step, "epoch": said.epoch, "size_bytes": said.size_bytes}
        self.checkpoints = [c for c in self.checkpoints if c["file"] != said.file] + [{**entry, "best": said.best}]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The newest value of every metric, by split."""
        return self.history.latest()

    @property
    def progress(self) -> float:
        """Share of the planned steps that are done, 0…1."""
        if self.status == "completed":
            return 1.0
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    def eta_s(self) -> float | None:
        """Return the seconds that remain at the speed of this life so far, or None while it is not known."""
        if self.status != "training" or self._first is None or self.newest_s <= self._first[0]:
            return None
        done = self.step - self._first[1]
        return (self.newest_s - self._first[0]) / done * (self.steps - self.step) if done > 0 else None

    def duration_s(self, now_s: float) -> float:
        """Return how long the run took, or has taken up to ``now_s``."""
        return max(0.0, (self.ended_s or now_s) - self.started_s) if self.started_s else 0.0
