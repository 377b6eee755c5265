"""The one thread that writes to widgets: whoever has news says "soon", and it draws, at most so often.

Watch thread, click handlers and cells all change experiments; if each of them wrote to the widgets, they would meet
inside traitlets. So only this thread does, each job at most once per its gap, and always with the newest state. It
knows methods and clocks; it does not know any panel.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakMethod

Job = Callable[[], None]
_log = logging.getLogger("nbtrain.ui")


class Pulse:
    """Runs bound methods on one daemon thread: soon, later, never twice at once, and not for objects that are gone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due_s: dict[WeakMethod[Job], float] = {}
        self._ran_s: dict[WeakMethod[Job], float] = {}
        self._busy = False
        self._thread: threading.Thread | None = None

    def soon(self, job: Job, gap_s: float = 0.0) -> None:
        """Run ``job`` now, or ``gap_s`` after it last ran; many calls until then are one."""
        ref = WeakMethod(job)
        with self._changed:
            self._plan(ref, max(time.monotonic(), self._ran_s.get(ref, 0.0) + gap_s))

    def later(self, job: Job, delay_s: float) -> None:
        """Run ``job`` once, ``delay_s`` from now, unless it is due before."""
        with self._changed:
            self._plan(WeakMethod(job), time.monotonic() + delay_s)

    def settle(self, timeout_s: float = 5.0, within_s: float = 0.5) -> bool:
        """Wait until nothing is due ``within_s`` from now; for tests and for leaving a cell with a full picture."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._soon(within_s), timeout_s)

    def _soon(self, within_s: float) -> bool:
        return any(due_s < time.monotonic() + within_s for due_s in self._due_s.values())

    def _plan(self, ref: WeakMethod[Job], due_s: float) -> None:
        self._due_s[ref] = min(due_s, self._due_s.get(ref, due_s))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="nbtrain-pulse", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            self._do(self._next())

    def _next(self) -> WeakMethod[Job]:
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            while True:
                ref, due_s = min(self._due_s.items(), key=lambda item: item[1], default=(None, 0.0))
                wait_s = due_s - time.monotonic()
                if ref is not None and wait_s <= 0:
                    del self._due_s[ref]
                    self._ran_s = {r: t for r, t in self._ran_s.items() if r() is not None}
                    self._ran_s[ref] = time.monotonic()
                    self._busy = True
                    return ref
                self._changed.wait(wait_s if ref is not None else None)

    def _do(self, ref: WeakMethod[Job]) -> None:
        job = ref()
        if job is None:
            return
        try:
            job()
        except Exception:  # noqa: BLE001 - one broken panel must not stop the others
            _log.exception("a panel could not be drawn")


PULSE = Pulse()
"""The kernel's one pulse."""
