"""Work that a short job does for an object of a project: how it stands, waiting for it, ending it.

Scans, evaluations and preparations are such objects; what their status is besides, each of them knows. This file knows
jobs and nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from nbtrain.runs.jobs import Job

if TYPE_CHECKING:
    from nbtrain.messages import Failure


class Work:
    """What a job is at, and was at; with no ``job`` there is nothing to wait for."""

    job: Job[dict[str, Any]] | None = None
    """The process at work, or the newest that was; None where none was started here."""

    @property
    def status(self) -> str:
        """``pending``, ``working``, ``completed``, ``failed`` or ``cancelled``."""
        return self.job.status if self.job is not None else "completed"

    @property
    def running(self) -> bool:
        """Whether a job that was started here is under way."""
        return self.job is not None and not self.job.over

    @property
    def text(self) -> str:
        """What it is at, for the person: "120 of 400 images, 3 s left"; "" once it is over."""
        return self.job.text if self.job is not None else ""

    @property
    def fraction(self) -> float | None:
        """How much of that is done, 0…1; None where nobody knows."""
        return self.job.fraction if self.job is not None else None

    @property
    def failure(self) -> Failure | None:
        """Why it has failed; None where it has not."""
        return self.job.failure if self.job is not None else None

    def wait(self, timeout_s: float | None = None) -> str:
        """Block until it is over, or for ``timeout_s``; return the status."""
        if self.job is not None:
            self.job.wait(timeout_s)
        return self.status

    def cancel(self) -> None:
        """Ask for its end and return at once; it is gone within a second. Nothing where it is over."""
        if self.job is not None:
            self.job.cancel()

    def on_change(self, listener: Callable[[Self], None]) -> Callable[[], None]:
        """Call ``listener(self)`` on the watch thread at every change; return the function that takes it off again."""
        return self.job.on_change(lambda _: listener(self)) if self.job is not None else lambda: None
