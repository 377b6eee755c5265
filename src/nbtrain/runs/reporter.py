"""Upwards: what the trainer says becomes a journal line, and the sum of it becomes status.json.

Known here: which message changes what of the status, and how often the file is worth writing. A full disk loses lines
(counted by the journal) and delays status.json; it never stops the trainer. Not known here: who says it, and why.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from nbtrain import files
from nbtrain.messages import ENDED, PREPARING, Acknowledged, Best, Failure, Message, Metric, Resolved, Saved, Status
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import Journal

_CHANGED_S = 0.25
"""News reach status.json at most this often; a change of status or phase at once."""
_BEAT_S = 1.0
_URGENT = (Status, Failure, Acknowledged, Saved)


class Reporter:
    """The only writer of a run's journal, status and resolved choices, for as long as the trainer holds the lock."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.status = replace(run.status(), status="pending", phase="", detail="")
        self._journal = Journal(run.events)
        self._resolved: dict[str, Any] = run.resolved()
        self._guard = threading.RLock()
        self._dirty, self._written_s = True, 0.0

    def say(self, message: Message) -> None:
        """Put a message into the journal and into the status."""
        with self._guard:
            before = (self.status.status, self.status.phase)
            self._note(message)
            self._journal.say(message)
            if isinstance(message, _URGENT):
                self._journal.flush()
            if before != (self.status.status, self.status.phase):
                self._write(durable=self.status.status in ENDED)

    def beat(self) -> None:
        """Called many times a second: write out what waits, and a sign of life once a second."""
        with self._guard:
            self._journal.flush()
            age_s = time.monotonic() - self._written_s
            if age_s >= _BEAT_S or (self._dirty and age_s >= _CHANGED_S):
                self._write()

    def close(self) -> None:
        """Write what waits; nothing may be said afterwards."""
        with self._guard:
            if self._dirty:
                self._write(durable=True)
            self._journal.close()

    def _note(self, message: Message) -> None:
        self._dirty = True
        if isinstance(message, Status):
            place = () if message.status in PREPARING else ("epoch", "step", "steps")
            told = {name: getattr(message, name) for name in ("status", "phase", "detail", *place)}
            epochs = message.epochs or self.status.epochs
            self.status = replace(self.status, **told, epochs=epochs, **self._no_longer_true(message))
            if message.status == "training":
                self._keep_resolved()
        elif isinstance(message, Metric):
            self.status = replace(self.status, step=max(self.status.step, message.step))
        elif isinstance(message, Best):
            best = {name: getattr(message, name) for name in ("metric", "value", "epoch", "step")}
            self.status = replace(self.status, best=best)
        elif isinstance(message, Failure):
            self.status = replace(self.status, cause=message.cause)
        elif isinstance(message, Resolved):
            self._resolved[message.path] = {"value": message.value, "reason": message.reason}

    def _no_longer_true(self, said: Status) -> dict[str, Any]:
        """Return what a new life takes back: why the last one failed, and a best that no checkpoint has kept."""
        back: dict[str, Any] = {} if said.status in ("failed", "pending") else {"cause": ""}
        lost = said.status == "training" and self.status.best.get("step", 0) > said.step
        return {**back, "best": {}} if lost else back

    def _keep_resolved(self) -> None:
        """Choices are complete when training begins; they are written once and a later life reuses them."""
        path = self.run.path / "resolved.json"
        if self._resolved and not path.exists():
            try:
                files.write_json(path, {"format": 1, "choices": self._resolved})
            except OSError:
                return  # no room now; the next status tries again

    def _write(self, *, durable: bool = False) -> None:
        self._written_s = time.monotonic()
        self.status = replace(self.status, heartbeat_s=time.time())
        try:
            self.run.write_status(self.status, durable=durable)
            self._dirty = False
        except OSError:
            self._dirty = True  # no room now; the next beat tries again
