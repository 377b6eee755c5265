"""The story of a run: the journal's messages folded into what there is to show.

A story is plain data: reading the same messages, in one piece or in many, gives the same story. It knows messages;
it does not know where they come from, nor who looks on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast

from nbtrain.messages import (
    ENDED,
    FAILURE_FIELDS,
    PREPARING,
    Best,
    Exact,
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
from nbtrain.runs.exactness import EXACT


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
    usage_start: int = 0
    """Rows of ``usage_rows`` that are of earlier attempts: other settings, perhaps on another machine."""
    resolved: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Checkpoints by file, in the order in which they were saved."""
    error: dict[str, Any] = field(default_factory=dict)
    repeated: int = 0
    """Messages about steps that resumes have repeated, and the trainer has compared."""
    exact: str = ""
    """``exact`` after a resume, or the first step that differs; empty while that is not known."""
    started_s: float = 0.0
    began_s: float = 0.0
    """Wall clock at which this life of the run began; ``started_s`` is the first one's."""
    ended_s: float = 0.0
    newest_s: float = 0.0
    first: tuple[float, int] | None = None
    """Time and step at which this life of the run began to train: what its speed is measured from."""

    def tell(self, messages: Iterable[Message]) -> None:
        """Fold ``messages`` in, in their order."""
        for is_metric, some in groupby(messages, key=lambda message: type(message) is Metric):
            together = list(some)
            self.newest_s = max(self.newest_s, *(message.t_s for message in together))
            if is_metric:  # most messages are, and many in a row cost a fraction of as many one by one
                self._metrics(cast(list[Metric], together))
            else:
                for message in together:
                    self._fold(message)

    def _fold(self, message: Message) -> None:
        match message:
            case Status():
                self._status(message)
            case Usage():
                self._usage(message)
            case Best() | PerClass():
                self._validated(message)
            case Saved():
                self._saved(message)
            case Resolved():
                self.resolved[message.path] = {"value": message.value, "reason": message.reason}
            case Notice():
                self._notice(message)
            case Exact():
                self._repeated(message)
            case Failure():
                self.error = {name: getattr(message, name) for name in FAILURE_FIELDS}

    def _status(self, said: Status) -> None:
        if said.status == "training":
            self._go_back(said.step)
        if said.status not in PREPARING:  # they stand where an earlier life left off
            self.epoch, self.step = said.epoch, said.step
        self.epochs, self.steps = said.epochs or self.epochs, said.steps or self.steps
        again = self.status in ENDED and said.status not in ENDED
        self.began_s = said.t_s if again else self.began_s or said.t_s
        self.started_s = self.started_s or said.t_s
        self.status, self.phase, self.detail = said.status, said.phase, said.detail
        self.ended_s = said.t_s if said.status in ENDED else 0.0
        if said.status == "preparing":
            self.first, self.error, self.usage = None, {}, {}
            self.usage_start = len(self.usage_rows.values_from("train", "images_per_s")[1])
        elif said.status == "training" and self.first is None:
            self.first = (said.t_s, said.step)

    def _go_back(self, step: int) -> None:
        """Take back what was said of later steps: a resume goes through them again."""
        self.history.cut(step)
        self.usage_rows.cut(step)
        self.usage_start = min(self.usage_start, len(self.usage_rows.values_from("train", "images_per_s")[1]))
        self.saved = {file: kept for file, kept in self.saved.items() if kept["step"] <= step}
        if self.best.get("step", 0) > step:
            self.best = {}

    def _validated(self, said: Best | PerClass) -> None:
        if isinstance(said, Best):
            self.best = {name: getattr(said, name) for name in ("metric", "value", "epoch", "step")}
        else:
            self.per_class = {"epoch": said.epoch, "columns": said.columns, "rows": said.rows}

    def _repeated(self, said: Exact) -> None:
        """What differed once stays so, however exact the next resume is."""
        self.repeated += said.compared
        if self.exact in ("", EXACT):
            self.exact = EXACT if said.equal else said.text

    def _notice(self, message: Notice) -> None:
        """Each life tells the same of the data; that is worth telling once."""
        said = {name: getattr(message, name) for name in ("level", "text", "about", "step")}
        if said not in self.notices:
            self.notices.append(said)

    def _metrics(self, said: list[Metric]) -> None:
        self.history.add(*said)
        self.step = max(self.step, *(metric.step for metric in said))
        self.epoch = max(self.epoch, math.floor(max(metric.epoch for metric in said)))

    def _usage(self, said: Usage) -> None:
        names = ("images_per_s", "waiting", "cpu_percent", "memory_mib", "gpu_memory_mib")
        self.usage = {name: getattr(said, name) for name in names}
        self.step = max(self.step, said.step)
        row = Metric(t_s=said.t_s, step=said.step, epoch=0.0, split="train", values=self.usage)
        self.usage_rows.add(row)

    def _saved(self, said: Saved) -> None:
        entry = {"file": said.file, "step": said.step, "epoch": said.epoch, "size_bytes": said.size_bytes}
        self.saved.pop(said.file, None)
        self.saved[said.file] = {**entry, "best": said.best}

    def usage_of(self, name: str) -> list[float]:
        """Return what this attempt has said of ``images_per_s``, ``waiting`` or its load, oldest first."""
        values: list[float] = self.usage_rows.values_from("train", name, self.usage_start)[1].tolist()
        return values

    @property
    def checkpoints(self) -> list[dict[str, Any]]:
        """Checkpoints that were saved: file, step, epoch, size_bytes, best."""
        return list(self.saved.values())

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
        if self.status != "training" or self.first is None or self.newest_s <= self.first[0]:
            return None
        done = self.step - self.first[1]
        return (self.newest_s - self.first[0]) / done * (self.steps - self.step) if done > 0 else None
