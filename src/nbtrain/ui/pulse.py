"""The one thread that writes to widgets: whoever has news says "soon", and it draws, at most so often.

Watch thread, click handlers and cells all change experiments; if each of them wrote to the widgets, they would meet
inside traitlets. So only this thread does, each job at most once per its gap, and always with the newest state.
A frame is what costs the browser: style, layout and paint of a whole page. So a job that is in no hurry waits a moment
for company, and what is due together is sent together. It knows methods and clocks; it does not know any panel.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakMethod

Job = Callable[[], None]
Outcome = Callable[[str, Exception | None], None]
"""An object's method ``went``: is told the name of each of its jobs and, where it has failed, why."""
_log = logging.getLogger("nbtrain.ui")


@dataclass(slots=True)
class _Due:
    """When a job may run, with company, and when it must."""

    may_s: float
    must_s: float


class Pulse:
    """Runs bound methods on one daemon thread: soon, later, never twice at once, and not for objects that are gone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[WeakMethod[Job], _Due] = {}
        self._busy = False
        self._thread: threading.Thread | None = None

    def soon(self, job: Job, gap_s: float = 0.0, company_s: float = 0.0) -> None:
        """Run ``job`` now, or with a ``gap_s`` at the next multiple of that; many calls until then are one.

        So jobs of one gap run together. It may be held back for another ``company_s``, until something else is drawn.
        """
        ref = WeakMethod(job)
        with self._changed:
            at_s = time.monotonic()
            if gap_s:
                at_s = gap_s * math.ceil(at_s / gap_s)
            self._plan(ref, at_s, at_s + company_s)

    def later(self, job: Job, delay_s: float) -> None:
        """Run ``job`` once, ``delay_s`` from now, unless it is due before."""
        with self._changed:
            at_s = time.monotonic() + delay_s
            self._plan(WeakMethod(job), at_s, at_s)

    def settle(self, timeout_s: float = 5.0, within_s: float = 0.5) -> bool:
        """Wait until nothing is due ``within_s`` from now; for tests and for leaving a cell with a full picture."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._soon(within_s), timeout_s)

    def _soon(self, within_s: float) -> bool:
        return any(due.may_s < time.monotonic() + within_s for due in self._due.values())

    def _plan(self, ref: WeakMethod[Job], may_s: float, must_s: float) -> None:
        due = self._due.setdefault(ref, _Due(may_s, must_s))
        due.may_s, due.must_s = min(due.may_s, may_s), min(due.must_s, must_s)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="nbtrain-pulse", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            for ref in self._next():
                self._do(ref)

    def _next(self) -> list[WeakMethod[Job]]:
        """Wait until a job must run; return it with all that may run, the most urgent first."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            while True:
                now_s = time.monotonic()
                wake_s = min((due.must_s for due in self._due.values()), default=None)
                if wake_s is not None and wake_s <= now_s:
                    return self._take(now_s)
                self._changed.wait(None if wake_s is None else wake_s - now_s)

    def _take(self, now_s: float) -> list[WeakMethod[Job]]:
        ready = sorted((ref for ref, due in self._due.items() if due.may_s <= now_s), key=lambda r: self._due[r].must_s)
        for ref in ready:
            del self._due[ref]
        self._busy = True
        return ready

    def _do(self, ref: WeakMethod[Job]) -> None:
        job = ref()
        if job is None:
            return
        owner, name = getattr(job, "__self__", None), getattr(job, "__name__", "job")
        tell: Outcome = getattr(owner, "went", _nobody)
        try:
            job()
        except Exception as error:  # noqa: BLE001 - one broken panel must not stop the others
            _log.exception("a panel could not be drawn: %s", name)
            outcome: Exception | None = error
        else:
            outcome = None
        try:
            tell(name, outcome)
        except Exception:  # noqa: BLE001 - a page that cannot be told: the log was
            _log.exception("that could not be shown on the page")


def _nobody(job: str, error: Exception | None) -> None:
    """Be told of a job whose object shows nothing."""


PULSE = Pulse()
"""The kernel's one pulse."""
